"""Seeded streams of requests that are worth matching: prices near a wandering touch, deep queues, every order type.

The stream looks at nothing but the ids it has sent and which of them the reference still knows, so that cancels mostly
hit live orders and sometimes hit dead ones on purpose.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.reference.batch import (
    F_CHECK_OWNER,
    F_EXEMPT,
    F_REDUCE_ONLY,
    T_CANCEL,
    T_NEW,
    T_REDUCE,
    T_REPLACE,
    T_SET_LAST,
    TRIGGER_KINDS,
    Request,
)
from tests.reference.matching import MAX_LOTS, ReferenceEngine
from tests.reference.rules import MAX_PRICE

GTC, IOC, FOK, POST = range(4)
STOP, TAKE_PROFIT = sorted(TRIGGER_KINDS)
WORDS = (
    "limit",
    "ioc",
    "fok",
    "post",
    "market",
    "cancel",
    "reduce",
    "replace",
    "stop",
    "take_profit",
    "set_last",
    "wrong",
)
FILLING = (60, 4, 4, 6, 2, 5, 3, 6, 3, 3, 0.2, 1)  # weights of the words below the target of live orders, and above it
DRAINING = (20, 8, 7, 4, 5, 35, 6, 8, 2, 2, 0.3, 1)


@dataclass
class Flow:
    """A stream of requests for one reference engine.

    Attributes
    ----------
    far_share : float
        Share of prices far from the touch, up to ``far_ticks`` away.
    jump_share : float
        Share of messages after which the touch jumps, by up to ``far_ticks``.
    trend : float
        Share of messages after which the touch moves a tick or two.
    target : int
        Live orders around which the stream keeps the books.
    max_lots : int
        Largest quantity, met now and then.
    filling, draining : tuple of float
        Weights of ``WORDS`` below the target and above it.
    """

    seed: int
    reference: ReferenceEngine
    n_books: int = 1
    n_owners: int = 6
    start: int = 20_000
    spread: float = 6.0
    far_share: float = 0.04
    far_ticks: int = 3_000
    jump_share: float = 0.0004
    trend: float = 0.02
    target: int = 300
    max_lots: int = 1 << 40
    filling: tuple[float, ...] = FILLING
    draining: tuple[float, ...] = DRAINING
    rng: random.Random = field(init=False)
    centres: list[int] = field(init=False)
    ids: list[int] = field(init=False, default_factory=list)
    next_id: int = field(init=False, default=1)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.centres = [self.start + 1_000 * b for b in range(self.n_books)]

    def request(self) -> Request:
        """The next request, a tuple in the order of ``tests.reference.batch.NAMES``."""
        rng = self.rng
        book = rng.randrange(self.n_books)
        self._wander(book)
        word = rng.choices(WORDS, self.filling if self.reference.n_live() < self.target else self.draining)[0]
        if word in ("cancel", "reduce", "replace") and self.ids:
            return self._change(word, book)
        if word == "set_last":
            return (T_SET_LAST, 0, 0, self._price(book, rng.randrange(2)), 0, 0, -1, 0, book, 0)
        request = self._new(word, book)
        return self._spoil(request) if word == "wrong" else request

    def _wander(self, book: int) -> None:
        rng = self.rng
        draw = rng.random()
        if draw < self.trend:
            self.centres[book] += rng.choice((-2, -1, 1, 2))
        elif draw < self.trend + self.jump_share:
            self.centres[book] += rng.randint(-self.far_ticks, self.far_ticks)
        self.centres[book] = min(max(self.centres[book], 200), 60_000)

    def _price(self, book: int, side: int) -> int:
        """Near the touch mostly, on either side of it; far away sometimes."""
        rng = self.rng
        away = int(rng.expovariate(1 / self.spread)) - 1
        if rng.random() < self.far_share:
            away = rng.randint(0, self.far_ticks)
            if rng.random() < 0.05:
                return rng.choice((1, 2, MAX_PRICE - 1, MAX_PRICE))
        return max(1, self.centres[book] + (away if side else -away))

    def _lots(self) -> int:
        rng = self.rng
        draw = rng.random()
        if draw < 0.97:
            return rng.randint(1, 40)
        return rng.randint(100, 3_000) if draw < 0.9995 else rng.randint(1, self.max_lots)

    def _new(self, word: str, book: int) -> Request:
        rng = self.rng
        side, owner = rng.randrange(2), rng.randrange(self.n_owners)
        flags = (F_REDUCE_ONLY if rng.random() < 0.15 else 0) | (F_EXEMPT if rng.random() < 0.05 else 0)
        order_id = self._fresh_id()
        kind, tif, trigger, price, lots = T_NEW, GTC, 0, self._price(book, side), self._lots()
        if word in ("ioc", "fok", "market"):
            tif = FOK if word == "fok" else IOC
            price = self._price(book, 1 - side)
            if word == "market":
                price = 1 if side else MAX_PRICE
        elif word == "post":
            tif = POST
        elif word in ("stop", "take_profit"):
            kind = STOP if word == "stop" else TAKE_PROFIT
            trigger = self._price(book, rng.randrange(2))
            price = self._price(book, 1 - side) if rng.random() < 0.5 else 0
        return (kind, side, tif, price, trigger, lots, order_id, owner, book, flags)

    def _fresh_id(self) -> int:
        """A new id, one used before (live or dead), or a large one."""
        rng = self.rng
        if self.ids and rng.random() < 0.01:
            return rng.choice(self.ids)
        order_id = self.next_id if rng.random() < 0.98 else rng.randrange(1 << 63)
        self.next_id += 1
        self.ids.append(order_id)
        return order_id

    def _change(self, word: str, book: int) -> Request:
        rng = self.rng
        order_id = self._live_id()
        owner, flags = (rng.randrange(self.n_owners), F_CHECK_OWNER) if rng.random() < 0.1 else (0, 0)
        if word == "cancel":
            return (T_CANCEL, 0, 0, 0, 0, 0, order_id, owner, 0, flags)
        if word == "reduce":
            return (T_REDUCE, 0, 0, 0, 0, rng.randint(0, 30), order_id, owner, 0, flags)
        return (T_REPLACE, 0, 0, self._price(book, rng.randrange(2)), 0, self._lots(), order_id, owner, 0, flags)

    def _live_id(self) -> int:
        """An id that the reference still knows, or now and then one that it does not."""
        rng, ids = self.rng, self.ids
        if rng.random() < 0.03:
            return rng.randrange(2 * self.next_id)
        while len(ids) > 1:
            at = rng.randrange(len(ids))
            if self.reference.knows(ids[at]):
                return ids[at]
            ids[at] = ids[-1]
            ids.pop()
            if rng.random() < 0.02:
                break
        return ids[-1]

    def _spoil(self, request: Request) -> Request:
        """A request that must be rejected for its price or lots."""
        row = list(request)
        at, values = self.rng.choice(((3, (0, -5, MAX_PRICE + 1, 1 << 40)), (5, (0, -1, MAX_LOTS + 1))))
        row[at] = self.rng.choice(values)
        return tuple(row)
