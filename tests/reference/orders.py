"""What the reference engine keeps and hands out: fills, acknowledgements, orders, queues."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import NamedTuple


class Fill(NamedTuple):
    """One trade: price in ticks, quantity in lots."""

    price: int
    lots: int
    maker_id: int
    taker_id: int
    maker_owner: int
    taker_owner: int
    book: int


class Ack(NamedTuple):
    """What became of a message; quantities in lots."""

    status: str
    reason: str
    order_id: int
    filled_lots: int
    open_lots: int
    cancelled_lots: int
    fills: tuple[Fill, ...]
    triggered: tuple[Ack, ...] = ()


class Order(NamedTuple):
    """A resting order as the outside sees it."""

    order_id: int
    side: str
    price: int
    lots: int
    owner: int
    reduce_only: bool


class Waiting(NamedTuple):
    """A waiting trigger order as the outside sees it; ``limit`` is None for a market order."""

    order_id: int
    side: str
    kind: str
    trigger: int
    limit: int | None
    lots: int
    owner: int
    reduce_only: bool


@dataclass(slots=True, eq=False)
class Resting:
    """An order: its quantities always add up to ``original`` (1.3)."""

    order_id: int
    book: int
    side: str
    price: int
    original: int
    owner: int
    reduce_only: bool
    open: int = 0
    filled: int = 0
    cancelled: int = 0

    def take_off(self, lots: int) -> None:
        """Move lots from open to cancelled."""
        self.open -= lots
        self.cancelled += lots


@dataclass(slots=True, eq=False)
class Trigger:
    """A trigger order that waits outside the book (8.1)."""

    order_id: int
    book: int
    side: str
    kind: str
    trigger: int
    limit: int | None
    lots: int
    owner: int
    reduce_only: bool
    stp_exempt: bool
    arrival: int

    @property
    def rising(self) -> bool:
        """Whether it fires at or above its trigger price (8.2)."""
        return (self.side == "buy") == (self.kind == "stop")


@dataclass(slots=True)
class Side:
    """Queues by price; ``prices`` holds the keys of ``levels``, sorted upwards."""

    levels: dict[int, list[Resting]] = field(default_factory=dict)
    prices: list[int] = field(default_factory=list)

    def add(self, order: Resting) -> None:
        """Put an order behind all others at its price."""
        if order.price not in self.levels:
            self.levels[order.price] = []
            insort(self.prices, order.price)
        self.levels[order.price].append(order)

    def remove(self, order: Resting) -> None:
        """Take an order out, and its level when that is empty."""
        queue = self.levels[order.price]
        queue.remove(order)
        if not queue:
            del self.levels[order.price]
            del self.prices[bisect_left(self.prices, order.price)]


class Rejected(Exception):
    """Raised before anything has changed; carries the reason of 1.5."""
