"""How an order trades and rests: clauses 2 to 5, 7 and 8.3 of docs/rulebook.md, in plain Python."""

from __future__ import annotations

from collections import defaultdict

from tests.reference.laws import assert_adds_up, assert_priority
from tests.reference.orders import Ack, Fill, Rejected, Resting, Side, Trigger

MAX_PRICE = 2**31 - 1
SIDES = ("buy", "sell")
SELF_TRADE = ("off", "cancel_maker", "cancel_taker", "decrement")


class Core:
    """Books, positions and waiting orders, and what happens when an order arrives."""

    def __init__(
        self,
        n_books: int = 1,
        *,
        self_trade: str = "cancel_maker",
        window_ticks: int = 65536,
        n_owners: int | None = None,
        audit: bool = False,
    ) -> None:
        if self_trade not in SELF_TRADE:
            raise ValueError(f"self_trade {self_trade!r} is none of {SELF_TRADE}")
        self.self_trade = self_trade
        self.n_owners = n_owners
        self.audit = audit
        self._sides = [{"buy": Side(), "sell": Side()} for _ in range(n_books)]
        self._live: dict[int, Resting | Trigger] = {}
        self._triggers: list[list[Trigger]] = [[] for _ in range(n_books)]
        self._last: list[int | None] = [None] * n_books
        self._positions: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._fills: list[Fill] = []
        self._arrivals = 0
        self._next_id = 1

    def _forget(self, order: Resting) -> None:
        self._sides[order.book][order.side].remove(order)
        del self._live[order.order_id]
        if self.audit:
            assert_adds_up(order)

    def _forget_trigger(self, waiting: Trigger) -> None:
        self._triggers[waiting.book].remove(waiting)
        del self._live[waiting.order_id]

    def _queue(self, book: int, side: str) -> list[Resting]:
        room = self._sides[book][side]
        return [order for price in best_first(room, side) for order in room.levels[price]]

    def _allowed(self, order: Resting) -> int:
        """Lots by which the order may bring its owner's position towards 0 (7.2)."""
        position = self._positions[order.book, order.owner]
        return max(0, position if order.side == "sell" else -position)

    def _own(self, maker: Resting, taker: Resting, stp_exempt: bool) -> bool:
        return self.self_trade != "off" and not stp_exempt and maker.owner == taker.owner

    def _best_eligible(self, taker: Resting) -> Resting | None:
        """Head of the opposite queue if its price is no worse than the taker's (3.1)."""
        opposite = self._sides[taker.book]["sell" if taker.side == "buy" else "buy"]
        if not opposite.prices:
            return None
        price = opposite.prices[0] if taker.side == "buy" else opposite.prices[-1]
        return opposite.levels[price][0] if _eligible(taker, price) else None

    def _fillable(self, taker: Resting, stp_exempt: bool) -> int:
        """What a FOK could trade with, counted no further than it needs (5.3a)."""
        total = 0
        opposite = "sell" if taker.side == "buy" else "buy"
        room = self._sides[taker.book][opposite]
        for price in best_first(room, opposite):
            if not _eligible(taker, price):
                break
            for maker in room.levels[price]:
                if self._own(maker, taker, stp_exempt):
                    if self.self_trade != "cancel_maker":
                        return total
                elif not maker.reduce_only:
                    total += maker.open
                if total >= taker.open:
                    return total
        return total

    def _arrive(self, taker: Resting, tif: str, stp_exempt: bool) -> Ack:
        """Let a checked order trade and rest; raises Rejected before anything has changed."""
        taker.open = taker.original
        if taker.reduce_only:
            allowed = self._allowed(taker)
            if allowed == 0:
                raise Rejected("reduce_only")
            taker.take_off(max(0, taker.open - allowed))  # 7.2
        if tif == "POST" and self._best_eligible(taker) is not None:
            raise Rejected("post")
        if tif == "FOK" and self._fillable(taker, stp_exempt) < taker.open:
            raise Rejected("fok")
        before = self._queue(taker.book, "sell" if taker.side == "buy" else "buy") if self.audit else []
        first_fill = len(self._fills)
        self._match(taker, stp_exempt)
        if taker.open > 0 and tif == "GTC" or tif == "POST":
            self._sides[taker.book][taker.side].add(taker)
            self._live[taker.order_id] = taker
        else:
            taker.take_off(taker.open)
        fills = tuple(self._fills[first_fill:])
        if self.audit:
            assert_adds_up(taker)
            assert_priority(before, fills)
        return Ack("ok", "", taker.order_id, taker.filled, taker.open, taker.cancelled, fills)

    def _match(self, taker: Resting, stp_exempt: bool) -> None:
        while taker.open > 0:
            maker = self._best_eligible(taker)
            if maker is None:
                return
            if self._own(maker, taker, stp_exempt):
                self._prevent_self_trade(maker, taker)
                continue
            if maker.reduce_only:
                maker.take_off(max(0, maker.open - self._allowed(maker)))  # 7.3
                if maker.open == 0:
                    self._forget(maker)
                    continue
            self._trade(maker, taker)

    def _prevent_self_trade(self, maker: Resting, taker: Resting) -> None:
        """4.2"""
        if self.self_trade == "cancel_taker":
            taker.take_off(taker.open)
            return
        lots = maker.open if self.self_trade == "cancel_maker" else min(maker.open, taker.open)
        maker.take_off(lots)
        if self.self_trade == "decrement":
            taker.take_off(lots)
        if maker.open == 0:
            self._forget(maker)

    def _trade(self, maker: Resting, taker: Resting) -> None:
        """3.2, 3.3"""
        lots = min(maker.open, taker.open)
        for order in (maker, taker):
            order.open -= lots
            order.filled += lots
            self._positions[order.book, order.owner] += lots if order.side == "buy" else -lots
        self._last[taker.book] = maker.price
        self._fills.append(
            Fill(maker.price, lots, maker.order_id, taker.order_id, maker.owner, taker.owner, taker.book)
        )
        if maker.open == 0:
            self._forget(maker)

    def _next_crossed(self, book: int) -> Trigger | None:
        """The waiting order that fires next (8.3)."""
        last = self._last[book]
        if last is None or not self._triggers[book]:
            return None
        crossed = [t for t in self._triggers[book] if (last >= t.trigger if t.rising else last <= t.trigger)]
        return min(crossed, key=firing_order) if crossed else None

    def _finish(self, book: int, ack: Ack) -> Ack:
        """Fire what the message left crossed, one at a time (8.3, 8.4)."""
        fired = []
        while (waiting := self._next_crossed(book)) is not None:
            self._forget_trigger(waiting)
            price, tif = waiting.limit, "GTC"
            if price is None:
                price, tif = (MAX_PRICE if waiting.side == "buy" else 1), "IOC"
            order = Resting(
                waiting.order_id, book, waiting.side, price, waiting.lots, waiting.owner, waiting.reduce_only
            )
            try:
                fired.append(self._arrive(order, tif, waiting.stp_exempt))
            except Rejected as why:
                fired.append(rejection(waiting.order_id, why))  # 8.5
        self._fills.clear()
        if self.audit:
            bid, ask = self.best(book)
            assert bid is None or ask is None or bid < ask
        return ack._replace(triggered=tuple(fired))


def best_first(room: Side, side: str) -> list[int]:
    return room.prices[::-1] if side == "buy" else list(room.prices)


def _eligible(taker: Resting, price: int) -> bool:
    return price <= taker.price if taker.side == "buy" else price >= taker.price


def firing_order(waiting: Trigger) -> tuple[bool, int, int]:
    if waiting.rising:
        return False, waiting.trigger, waiting.arrival
    return True, -waiting.trigger, waiting.arrival


def rejection(order_id: int, why: Rejected) -> Ack:
    return Ack("rejected", str(why), order_id, 0, 0, 0, ())  # 9.3
