"""Shocks to the news value."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import units
from sim.behaviours.news import RAMP
from sim.schema import EVENT_SHOCK

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import NewsMove


def news_move(market: "Market", shock: "NewsMove") -> None:
    """Move the news value by ``move`` (a fraction) over ``over`` seconds from ``at``, linear in log; at least one
    tick.
    """
    log_move = math.log1p(shock.move)
    if log_move == 0.0:
        return

    def begin() -> None:
        tick_us = int(market.state.clock[0]["tick_us"])
        start = units.nearest_us(shock.at)
        row = np.array([(start, start + max(units.nearest_us(shock.over), tick_us), log_move)], RAMP)
        market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        market.change(lambda: _add_ramp(market, row))

    market.at(shock.at, begin)


def _add_ramp(market: "Market", row: Any) -> None:
    market.state.ramps = np.concatenate([market.state.ramps, row])
