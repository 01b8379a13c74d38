"""Shocks to the news value."""

import math
from typing import TYPE_CHECKING

import numpy as np

from sim import units
from sim.behaviours.news import RAMP
from sim.schema import EVENT_SHOCK
from sim.shocks.held import ShockDesk

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import NewsMove


class Headline(ShockDesk):
    """Adds one ramp to the news value."""

    def __init__(self, market: "Market", shock: "NewsMove") -> None:
        super().__init__(market)
        self.at, self.over, self.log_move = shock.at, shock.over, math.log1p(shock.move)

    def schedule(self) -> None:
        """Its one event."""
        self.market.at(self.at, self.begin)

    def begin(self) -> None:
        """Write the event and queue the ramp."""
        self.market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        self.market.change(self.add_ramp)

    def add_ramp(self) -> None:
        """From here on the ramp is there; it began at its time."""
        state = self.market.state
        start, tick_us = units.nearest_us(self.at), int(state.clock[0]["tick_us"])
        row = np.array(
            [(start, start + max(units.nearest_us(self.over), tick_us), self.market.news_loading * self.log_move)], RAMP
        )
        state.ramps = np.concatenate([state.ramps, row])


def news_move(market: "Market", shock: "NewsMove") -> ShockDesk | None:
    """Move the news value by ``move`` (a fraction) over ``over`` seconds from ``at``, linear in log; at least one
    tick.
    """
    return None if shock.move == 0.0 else Headline(market, shock)
