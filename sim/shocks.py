"""Shocks from outside, each a Mesa event. A shock of zero size schedules nothing and so changes nothing, bit for
bit.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import units
from sim.agents.arbitrage import ArbitrageDesk
from sim.agents.base import SIDES, Desk
from sim.behaviours.news import RAMP
from sim.kernels.ledger import FLOW
from sim.kernels.mailbox import NEW
from sim.schema import EVENT_SHOCK, IOC
from sim.view import BOOKS

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import FlowShock, NewsMove, TransferHalt

SLICE_S = 1.0  # one market order a second: large entries are sliced (DECISIONS 20b)


class FlowSeller(Desk):
    """Sells or buys a fixed value over a time in equal slices, as market orders; what a slice could not fill is
    added to the next.
    """

    def __init__(self, market: "Market", shock: "FlowShock") -> None:
        super().__init__(market)
        self.book, self.side = BOOKS[shock.book], SIDES[shock.side]
        self.lots = units.lots_of_money(shock.notional, market.spec.market.price, market.lot_coin)
        self.n_slices = max(1, math.ceil(shock.over / SLICE_S))
        self.start_s, self.over_s = shock.at, shock.over
        self.sent = 0
        self.done_lots = 0  # of slices that have arrived, which are immediate or cancel and so are over
        self.waiting: list[int] = []  # tickets of slices on their way
        for k in range(self.n_slices):
            market.schedule_event(self._slice, at=shock.at + k * shock.over / self.n_slices)

    def owners(self) -> Any:
        """The funded account from which flow shocks trade."""
        return slice(int(FLOW), int(FLOW) + 1)

    @property
    def filled_lots(self) -> int:
        """Lots done so far."""
        self.market.sync()
        tickets = self.market.state.tickets
        arrived = [t for t in self.waiting if int(tickets[t]["pending"]) == 0]
        self.done_lots += int(tickets["filled_lots"][arrived].sum())
        self.waiting = [t for t in self.waiting if int(tickets[t]["pending"]) != 0]
        return self.done_lots

    def _slice(self) -> None:
        filled = self.filled_lots  # the market is up to date from here on
        market, state = self.market, self.market.state
        self.sent += 1
        mail = state.messages[: int(state.clock[0]["n_mail"])]
        on_the_way = int(mail["lots"][np.isin(mail["ticket"], self.waiting)].sum()) if self.waiting else 0
        lots = self.lots * self.sent // self.n_slices - filled - on_the_way
        if lots <= 0:
            return
        reference = int(state.price[0]["mark_half_ticks" if self.book == 0 else "index_half_ticks"])
        bound = int(state.rules[self.book]["order_bound_ppm"])
        price = reference * (units.PPM + (bound if self.side == 0 else -bound)) // (2 * units.PPM)
        ticket = market.new_ticket(is_guest=False)
        serial = (self.unique_id << 32) + self.sent
        market.post(
            (
                market.time_us,
                serial,
                ticket,
                max(1, price),
                lots,
                int(FLOW),
                int(NEW),
                int(IOC),
                self.book,
                self.side,
                0,
            )
        )
        self.waiting.append(ticket)
        signed = lots if self.side == 0 else -lots
        market.write_event(int(EVENT_SHOCK), int(FLOW), signed, price, 0)


def flow(market: "Market", shock: "FlowShock") -> None:
    """Sell or buy ``notional`` over ``over`` seconds from ``at``; the lots are fixed at the start price."""
    if shock.notional > 0.0:
        FlowSeller(market, shock)


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


def transfer_halt(market: "Market", shock: "TransferHalt") -> None:
    """Close transfers between venues from ``at`` for ``over`` seconds; they open again only if they were open."""
    desk = next(agent for agent in market.agents if isinstance(agent, ArbitrageDesk))
    if not market.spec.arbitrage.transfers_open:
        return

    def close() -> None:
        market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        desk.set_transfers(False)

    market.at(shock.at, close)
    market.at(shock.at + shock.over, lambda: desk.set_transfers(True))


SHOCKS: dict[str, Callable[["Market", Any], None]] = {
    "flow": flow,
    "news_move": news_move,
    "transfer_halt": transfer_halt,
}
