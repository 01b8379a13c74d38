"""Shocks that trade: a sale or purchase in slices, and one order sent by mistake."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import units
from sim.agents.base import SIDES, Desk
from sim.agents.execution import bounded_price
from sim.kernels.ledger import FLOW
from sim.kernels.mailbox import NEW
from sim.schema import EVENT_SHOCK, IOC, MAX_PRICE_TICKS
from sim.view import BOOKS

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import FatFinger, FlowShock

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

    def schedule(self) -> None:
        """One event a slice."""
        for k in range(self.n_slices):
            self.market.schedule_event(self._slice, at=self.start_s + k * self.over_s / self.n_slices)

    def state(self) -> dict[str, Any]:
        """Slices sent, lots done, tickets on their way."""
        return {"sent": self.sent, "done_lots": self.done_lots, "waiting": self.waiting}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up where the slices stood."""
        self.sent, self.done_lots, self.waiting = state["sent"], state["done_lots"], list(state["waiting"])

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
        price = bounded_price(market, self.book, self.side, int(state.rules[self.book]["order_bound_ppm"]))
        ticket = take(market, self.book, self.side, price, lots, (self.unique_id << 32) + self.sent)
        self.waiting.append(ticket)


def take(market: "Market", book: int, side: int, price: int, lots: int, serial: int) -> int:
    """Send one immediate-or-cancel order of the account of flow shocks now; returns its ticket."""
    ticket = market.new_ticket()
    market.post((market.time_us, serial, ticket, price, lots, int(FLOW), int(NEW), int(IOC), book, side, 0))
    market.write_event(int(EVENT_SHOCK), int(FLOW), lots if side == 0 else -lots, price, 0)
    return ticket


def flow(market: "Market", shock: "FlowShock") -> FlowSeller | None:
    """Sell or buy ``notional`` over ``over`` seconds from ``at``; the lots are fixed at the start price."""
    return FlowSeller(market, shock) if shock.notional > 0.0 else None


class Finger(Desk):
    """Sends one order by mistake: all of it at once, at any price or up to a far limit, and rests nothing."""

    def __init__(self, market: "Market", shock: "FatFinger") -> None:
        super().__init__(market)
        self.book, self.side, self.limit = BOOKS[shock.book], SIDES[shock.side], shock.limit
        self.lots = units.lots_of_money(shock.notional, market.spec.market.price, market.lot_coin)
        self.at = shock.at
        self.ticket = -1  # until the order is sent

    def schedule(self) -> None:
        """Its one event."""
        self.market.at(self.at, self._send)

    def state(self) -> dict[str, Any]:
        """Its ticket."""
        return {"ticket": self.ticket}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the ticket."""
        self.ticket = state["ticket"]

    def owners(self) -> Any:
        """The funded account from which flow shocks trade."""
        return slice(int(FLOW), int(FLOW) + 1)

    @property
    def filled_lots(self) -> int:
        """Lots done."""
        self.market.sync()
        return 0 if self.ticket < 0 else int(self.market.state.tickets[self.ticket]["filled_lots"])

    def _send(self) -> None:
        if self.limit is None:
            price = int(MAX_PRICE_TICKS) if self.side == 0 else 1
        else:
            price = bounded_price(self.market, self.book, self.side, units.ppm(self.limit))
        self.ticket = take(self.market, self.book, self.side, price, self.lots, self.unique_id << 32)


def fat_finger(market: "Market", shock: "FatFinger") -> Finger | None:
    """Sell or buy ``notional`` by one order at ``at``; the lots are fixed at the start price."""
    return Finger(market, shock) if shock.notional > 0.0 else None
