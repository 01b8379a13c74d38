"""Copies of the reference engine with one known bug each: the taxonomy of the public benchmark, and our own rules."""

from __future__ import annotations

from typing import Any

from tests.reference.matching import ReferenceEngine
from tests.reference.orders import Ack, Fill, Resting, Trigger
from tests.reference.rules import MAX_PRICE


class RangeErase(ReferenceEngine):
    """A cancel takes its whole level with it."""

    def cancel(self, order: int, *, owner: int | None = None) -> Ack:
        found = self._live.get(order)
        ack = super().cancel(order, owner=owner)
        if ack.status == "ok" and isinstance(found, Resting):
            for other in list(self._sides[found.book][found.side].levels.get(found.price, [])):
                other.take_off(other.open)
                self._forget(other)
        return ack


class StaleBest(ReferenceEngine):
    """A cancel that empties the best level leaves it standing as best until the next order of that side arrives."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stale: dict[tuple[int, str], int] = {}

    def cancel(self, order: int, *, owner: int | None = None) -> Ack:
        found = self._live.get(order)
        best = self.best(found.book) if isinstance(found, Resting) else None
        ack = super().cancel(order, owner=owner)
        if ack.status == "ok" and isinstance(found, Resting) and best is not None:
            was_best = found.price == best[0 if found.side == "buy" else 1]
            if was_best and found.price not in self._sides[found.book][found.side].levels:
                self.stale[found.book, found.side] = found.price
        return ack

    def _best_eligible(self, taker: Resting) -> Resting | None:
        self.stale.pop((taker.book, taker.side), None)
        opposite = "sell" if taker.side == "buy" else "buy"
        return None if (taker.book, opposite) in self.stale else super()._best_eligible(taker)


class TakerPrice(ReferenceEngine):
    """Trades print at the arriving order's price; ``of_side`` only."""

    of_side = "buy"

    def _trade(self, maker: Resting, taker: Resting) -> None:
        super()._trade(maker, taker)
        if taker.side == self.of_side:
            self._fills[-1] = self._fills[-1]._replace(price=taker.price)


class TakerPriceOfSells(TakerPrice):
    """The same for arriving sells."""

    of_side = "sell"


class RemainderRests(ReferenceEngine):
    """What an IOC could not trade rests."""

    def _arrive(self, taker: Resting, tif: str, stp_exempt: bool) -> Ack:
        return super()._arrive(taker, "GTC" if tif == "IOC" else tif, stp_exempt)


class WalksPastItself(ReferenceEngine):
    """A limit order trades one tick beyond its price."""

    def _best_eligible(self, taker: Resting) -> Resting | None:
        limit, taker.price = taker.price, taker.price + (1 if taker.side == "buy" else -1)
        found = super()._best_eligible(taker)
        taker.price = limit
        return found


class ModifyDropsSibling(ReferenceEngine):
    """A replace takes the order behind it off as well."""

    def replace(self, order: int, price: int, lots: int, *, owner: int | None = None) -> Ack:
        found = self._live.get(order)
        queue = self._sides[found.book][found.side].levels[found.price] if isinstance(found, Resting) else []
        place = queue.index(found) if isinstance(found, Resting) else 0
        sibling = queue[place + 1] if place + 1 < len(queue) else None
        ack = super().replace(order, price, lots, owner=owner)
        if ack.status == "ok" and sibling is not None and sibling.order_id in self._live:
            sibling.take_off(sibling.open)
            self._forget(sibling)
        return ack


class ModifyFillsAtOwnLimit(ReferenceEngine):
    """A replaced order that crosses trades at its own price."""

    def replace(self, order: int, price: int, lots: int, *, owner: int | None = None) -> Ack:
        ack = super().replace(order, price, lots, owner=owner)
        return ack._replace(fills=tuple(fill._replace(price=price) for fill in ack.fills))


class IdStaysTaken(ReferenceEngine):
    """The id of a filled order cannot be used again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.filled: set[int] = set()

    def _trade(self, maker: Resting, taker: Resting) -> None:
        super()._trade(maker, taker)
        self.filled |= {order.order_id for order in (maker, taker) if order.open == 0}

    def limit(self, *arguments: Any, **options: Any) -> Ack:
        if options.get("order_id") in self.filled:
            return Ack("rejected", "duplicate", options["order_id"], 0, 0, 0, ())
        return super().limit(*arguments, **options)


class StaleCancelIsAcked(ReferenceEngine):
    """A cancel of an order that is gone is acknowledged."""

    def cancel(self, order: int, *, owner: int | None = None) -> Ack:
        return super().cancel(order, owner=owner)._replace(status="ok", reason="")


class ResidualNotDecremented(ReferenceEngine):
    """A resting order that traded in part keeps its quantity."""

    def _trade(self, maker: Resting, taker: Resting) -> None:
        super()._trade(maker, taker)
        if maker.open:
            maker.open += self._fills[-1].lots


class LastInFirstOut(ReferenceEngine):
    """A new order goes to the front of its queue."""

    def _arrive(self, taker: Resting, tif: str, stp_exempt: bool) -> Ack:
        ack = super()._arrive(taker, tif, stp_exempt)
        if ack.open_lots:
            queue = self._sides[taker.book][taker.side].levels[taker.price]
            queue.insert(0, queue.pop())
        return ack


class PhantomTrade(ReferenceEngine):
    """An order that is exactly exhausted prints one more trade of nothing with the next in the queue."""

    def _match(self, taker: Resting, stp_exempt: bool) -> None:
        super()._match(taker, stp_exempt)
        following = self._best_eligible(taker)
        if taker.filled and taker.open == 0 and following is not None:
            ids = (following.order_id, taker.order_id, following.owner, taker.owner)
            self._fills.append(Fill(following.price, 0, *ids, taker.book))


class NarrowNumbers(ReferenceEngine):
    """Quantities are kept in 32 bits."""

    def _arrive(self, taker: Resting, tif: str, stp_exempt: bool) -> Ack:
        taker.original &= 2**32 - 1
        return super()._arrive(taker, tif, stp_exempt)


class ReduceLosesPlace(ReferenceEngine):
    """A reduced order goes to the end of its queue."""

    def reduce(self, order: int, lots: int, *, owner: int | None = None) -> Ack:
        ack = super().reduce(order, lots, owner=owner)
        if ack.open_lots:
            found = self._live[order]
            assert isinstance(found, Resting)
            queue = self._sides[found.book][found.side].levels[found.price]
            queue.append(queue.pop(queue.index(found)))
        return ack


class SmallerReplaceKeepsPlace(ReferenceEngine):
    """A replace to the same price with less keeps its place."""

    def replace(self, order: int, price: int, lots: int, *, owner: int | None = None) -> Ack:
        found = self._live.get(order)
        if isinstance(found, Resting) and found.price == price and 1 <= lots <= found.open:
            ack = self.reduce(order, found.open - lots, owner=owner) if lots < found.open else None
            if ack is None or ack.status == "ok":
                return Ack("ok", "", order, 0, lots, 0, ())
        return super().replace(order, price, lots, owner=owner)


class FokTakesPart(ReferenceEngine):
    """A fill-or-kill that cannot be filled trades what it can."""

    def _fillable(self, taker: Resting, stp_exempt: bool) -> int:
        return taker.open


class PostMayTrade(ReferenceEngine):
    """Post-only is not looked at."""

    def _arrive(self, taker: Resting, tif: str, stp_exempt: bool) -> Ack:
        return super()._arrive(taker, "GTC" if tif == "POST" else tif, stp_exempt)


class SelfTradeAllowed(ReferenceEngine):
    """Self-trade prevention does nothing."""

    def _own(self, maker: Resting, taker: Resting, stp_exempt: bool) -> bool:
        return False


class ReduceOnlyNotCut(ReferenceEngine):
    """A resting reduce-only order is cut on arrival alone."""

    def _match(self, taker: Resting, stp_exempt: bool) -> None:
        queues = [self._queue(taker.book, side) for side in ("buy", "sell")]
        flagged = [order for queue in queues for order in queue if order.reduce_only]
        for order in flagged:
            order.reduce_only = False
        super()._match(taker, stp_exempt)
        for order in flagged:
            order.reduce_only = True


class TriggerStrictly(ReferenceEngine):
    """A trigger order fires beyond its price only, not at it."""

    def _next_crossed(self, book: int) -> Trigger | None:
        last = self._last[book]
        waiting = self._triggers[book]
        self._triggers[book] = [t for t in waiting if t.trigger != last]
        found = super()._next_crossed(book)
        self._triggers[book] = waiting
        return found


class TriggersAllAtOnce(ReferenceEngine):
    """Rising orders fire by arrival and not by trigger price."""

    def _next_crossed(self, book: int) -> Trigger | None:
        found = super()._next_crossed(book)
        if found is None or not found.rising:
            return found
        last = self._last[book] or 0
        return min((t for t in self._triggers[book] if t.rising and last >= t.trigger), key=lambda t: t.arrival)


class UnboundedPrices(ReferenceEngine):
    """Prices beyond the range are taken for its end."""

    def limit(self, side: str, price: int, lots: int, **options: Any) -> Ack:
        return super().limit(side, min(max(price, 1), MAX_PRICE), lots, **options)


# bugs of the benchmark's taxonomy: its own 34 cases catch each of them
TAXONOMY = (
    RangeErase, StaleBest, TakerPrice, TakerPriceOfSells, RemainderRests, WalksPastItself, ModifyDropsSibling,
    ModifyFillsAtOwnLimit, IdStaysTaken, StaleCancelIsAcked, ResidualNotDecremented, LastInFirstOut, PhantomTrade,
)  # fmt: skip
OURS = (
    NarrowNumbers, ReduceLosesPlace, SmallerReplaceKeepsPlace, FokTakesPart, PostMayTrade, SelfTradeAllowed,
    ReduceOnlyNotCut, TriggerStrictly, TriggersAllAtOnce, UnboundedPrices,
)  # fmt: skip
