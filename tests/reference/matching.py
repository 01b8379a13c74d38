"""The matching rules in plain Python, written from docs/rulebook.md; numbers in comments are its clauses.

Lists and dicts, obvious rather than fast. The public methods are those of ``sim.MatchingEngine``, so that one suite
runs on both. With ``audit=True`` three properties are asserted after each message: the best bid is below the best
ask; no better-priced or earlier order was left standing while a worse one traded; original = filled + open +
cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.reference.batch import Batch, run
from tests.reference.laws import assert_adds_up
from tests.reference.orders import Ack, Fill, Order, Rejected, Resting, Trigger, Waiting
from tests.reference.rules import MAX_PRICE, SELF_TRADE, SIDES, Core, best_first, firing_order, rejection

MAX_LOTS = 2**54
MAX_ID = 2**63 - 1
TIFS = ("GTC", "IOC", "FOK", "POST")
KINDS = ("stop", "take_profit")


class ReferenceEngine(Core):
    """Price-time matching of several books, as docs/rulebook.md says."""

    # ---- messages -----------------------------------------------------------------------------------------------

    def limit(
        self,
        side: str,
        price: int,
        lots: int,
        *,
        owner: int = 0,
        book: int = 0,
        tif: str = "GTC",
        reduce_only: bool = False,
        stp_exempt: bool = False,
        order_id: int | None = None,
    ) -> Ack:
        """Send a limit order (5.1 to 5.4)."""
        order_id = self._pick_id(order_id)
        try:
            self._check_sender(book, side, owner, order_id)
            if tif not in TIFS:
                raise Rejected("kind")
            self._check_price(price)
            self._check_lots(lots)
            self._check_duplicate(order_id)
            order = Resting(order_id, book, side, price, lots, owner, reduce_only)
            return self._finish(book, self._arrive(order, tif, stp_exempt))
        except Rejected as why:
            return rejection(order_id, why)

    def market(
        self,
        side: str,
        lots: int,
        *,
        bound: int | None = None,
        owner: int = 0,
        book: int = 0,
        reduce_only: bool = False,
        stp_exempt: bool = False,
        order_id: int | None = None,
    ) -> Ack:
        """Send a market order: IOC at its bound (5.5)."""
        if bound is None:
            bound = MAX_PRICE if side == "buy" else 1
        return self.limit(
            side, bound, lots, owner=owner, book=book, tif="IOC",
            reduce_only=reduce_only, stp_exempt=stp_exempt, order_id=order_id,
        )  # fmt: skip

    def stop(
        self,
        side: str,
        trigger: int,
        lots: int,
        *,
        limit: int | None = None,
        kind: str = "stop",
        owner: int = 0,
        book: int = 0,
        reduce_only: bool = False,
        stp_exempt: bool = False,
        order_id: int | None = None,
    ) -> Ack:
        """Leave a stop or take-profit order waiting (8)."""
        order_id = self._pick_id(order_id)
        try:
            self._check_sender(book, side, owner, order_id)
            if kind not in KINDS:
                raise Rejected("kind")
            self._check_price(trigger)
            if limit is not None:
                self._check_price(limit)
            self._check_lots(lots)
            self._check_duplicate(order_id)
        except Rejected as why:
            return rejection(order_id, why)
        waiting = Trigger(
            order_id, book, side, kind, trigger, limit, lots, owner, reduce_only, stp_exempt, self._arrivals
        )
        self._arrivals += 1
        self._live[order_id] = waiting
        self._triggers[book].append(waiting)
        return self._finish(book, Ack("ok", "", order_id, 0, lots, 0, ()))  # 8.7

    def cancel(self, order: int, *, owner: int | None = None) -> Ack:
        """Take an order off (6.1, 8.8)."""
        try:
            found = self._find(order, owner)
        except Rejected as why:
            return rejection(order, why)
        if isinstance(found, Trigger):
            self._forget_trigger(found)
            return self._finish(found.book, Ack("ok", "", order, 0, 0, found.lots, ()))
        gone = found.open
        found.take_off(gone)
        self._forget(found)
        return self._finish(found.book, Ack("ok", "", order, 0, 0, gone, ()))

    def reduce(self, order: int, lots: int, *, owner: int | None = None) -> Ack:
        """Take lots off an order, which keeps its place (6.2)."""
        try:
            found = self._find_resting(order, owner)
            if lots < 1:
                raise Rejected("lots")
        except Rejected as why:
            return rejection(order, why)
        gone = min(lots, found.open)
        found.take_off(gone)
        if found.open == 0:
            self._forget(found)
        return self._finish(found.book, Ack("ok", "", order, 0, found.open, gone, ()))

    def replace(self, order: int, price: int, lots: int, *, owner: int | None = None) -> Ack:
        """Let an order leave and arrive again (6.3)."""
        try:
            old = self._find_resting(order, owner)
            self._check_price(price)
            self._check_lots(lots)
            if old.reduce_only and self._allowed(old) == 0:
                raise Rejected("reduce_only")
        except Rejected as why:
            return rejection(order, why)
        old.take_off(old.open)
        self._forget(old)
        again = Resting(old.order_id, old.book, old.side, price, lots, old.owner, old.reduce_only)
        return self._finish(old.book, self._arrive(again, "GTC", stp_exempt=False))

    def set_position(self, owner: int, lots: int, book: int = 0) -> None:
        """Set an owner's position from outside (7.1)."""
        self._positions[book, owner] = lots

    def set_last_price(self, book: int, price: int) -> Ack:
        """Set the last price from outside and fire what is crossed (8.3)."""
        try:
            if not 0 <= book < len(self._sides):
                raise Rejected("kind")
            self._check_price(price)
        except Rejected as why:
            return rejection(-1, why)
        self._last[book] = price
        return self._finish(book, Ack("ok", "", -1, 0, 0, 0, ()))

    # ---- questions ----------------------------------------------------------------------------------------------

    def depth(self, book: int = 0, levels: int | None = None) -> tuple[list[tuple[int, int, int]], ...]:
        """Bids and asks as (price, lots, number of orders), best first."""
        answer = []
        for side in SIDES:
            room = self._sides[book][side]
            rows = [(p, sum(o.open for o in room.levels[p]), len(room.levels[p])) for p in best_first(room, side)]
            answer.append(rows if levels is None else rows[:levels])
        return tuple(answer)

    def orders(self, book: int = 0) -> list[Order]:
        """Resting orders in priority order, bids and then asks."""
        return [
            Order(o.order_id, o.side, o.price, o.open, o.owner, o.reduce_only)
            for side in SIDES
            for o in self._queue(book, side)
        ]

    def waiting(self, book: int = 0) -> list[Waiting]:
        """Waiting orders in the order in which they would fire: rising, then falling (8.3)."""
        return [
            Waiting(t.order_id, t.side, t.kind, t.trigger, t.limit, t.lots, t.owner, t.reduce_only)
            for t in sorted(self._triggers[book], key=firing_order)
        ]

    def best(self, book: int = 0) -> tuple[int | None, int | None]:
        """Best bid and ask price."""
        bids, asks = (self._sides[book][side].prices for side in SIDES)
        return (bids[-1] if bids else None), (asks[0] if asks else None)

    def last(self, book: int = 0) -> int | None:
        """Price of the last trade."""
        return self._last[book]

    def position(self, owner: int, book: int = 0) -> int:
        """Position of an owner in a book, in lots."""
        return self._positions.get((book, owner), 0)

    def check(self) -> None:
        """Assert what holds between messages: nothing crossed, every live order in its queue, quantities add up."""
        n_seen = 0
        for book, room in enumerate(self._sides):
            bid, ask = self.best(book)
            assert bid is None or ask is None or bid < ask, f"book {book} is crossed: {bid} >= {ask}"  # 2.3
            for side in SIDES:
                assert room[side].prices == sorted(room[side].levels)
                for order in self._queue(book, side):
                    assert_adds_up(order)
                    assert order.open > 0 and self._live[order.order_id] is order
                    n_seen += 1
            for waiting in self._triggers[book]:
                assert self._live[waiting.order_id] is waiting
                n_seen += 1
        assert n_seen == len(self._live)

    def knows(self, order_id: int) -> bool:
        """Whether an id names a live order, resting or waiting."""
        return order_id in self._live

    def open_lots(self, order_id: int) -> int:
        """Open quantity of a resting order, 0 when there is none."""
        found = self._live.get(order_id)
        return found.open if isinstance(found, Resting) else 0

    def n_live(self) -> int:
        """Live orders, resting and waiting, over all books."""
        return len(self._live)

    def all_orders(self) -> list[Order]:
        """Resting orders of every book."""
        return [order for book in range(len(self._sides)) for order in self.orders(book)]

    def all_waiting(self) -> list[Waiting]:
        """Waiting orders of every book."""
        return [waiting for book in range(len(self._sides)) for waiting in self.waiting(book)]

    def run(self, columns: Mapping[str, np.ndarray]) -> Batch:
        """A batch of messages, as ``sim.MatchingEngine.run``."""
        return run(self, columns)

    # ---- checks before anything changes -------------------------------------------------------------------------

    def _pick_id(self, order_id: int | None) -> int:
        if order_id is not None:
            return order_id
        while self._next_id in self._live:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _check_sender(self, book: int, side: str, owner: int, order_id: int) -> None:
        known = 0 <= book < len(self._sides) and side in SIDES and 0 <= order_id <= MAX_ID and owner >= 0
        if not known or (self.n_owners is not None and owner >= self.n_owners):
            raise Rejected("kind")

    def _check_price(self, price: int) -> None:
        if not 1 <= price <= MAX_PRICE:
            raise Rejected("price")

    def _check_lots(self, lots: int) -> None:
        if not 1 <= lots <= MAX_LOTS:
            raise Rejected("lots")

    def _check_duplicate(self, order_id: int) -> None:
        if order_id in self._live:
            raise Rejected("duplicate")

    def _find(self, order_id: int, owner: int | None) -> Resting | Trigger:
        found = self._live.get(order_id)
        if found is None or (owner is not None and found.owner != owner):
            raise Rejected("stale")
        return found

    def _find_resting(self, order_id: int, owner: int | None) -> Resting:
        found = self._find(order_id, owner)
        if isinstance(found, Trigger):
            raise Rejected("kind")  # 8.8
        return found


__all__ = ["KINDS", "SELF_TRADE", "TIFS", "Ack", "Fill", "Order", "ReferenceEngine", "Waiting"]
