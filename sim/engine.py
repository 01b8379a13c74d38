"""The matching engine alone: price-time matching of limit, market and trigger orders over many books.

The rules are docs/rulebook.md; the kernels are the simulator's own (``sim/kernels``). One order at a time is convenient
(a few microseconds each from Python); ``MatchingEngine.run`` takes a batch of columns and is the fast way in.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim import schema as s
from sim.errors import EngineError, InvariantError
from sim.kernels.book import META_REDUCE
from sim.kernels.checks import BROKEN, check_books, list_orders
from sim.kernels.ids import CELL, FIRST_SIZE
from sim.kernels.memory import aligned_zeros, allocate_books, grow_fills, grow_pool, memory_bytes
from sim.kernels.orders import ENGINE, run_requests
from sim.messages import (
    MAX_OWNERS,
    REQUEST_LAYOUT,
    SIDE_NAMES,
    SIDES,
    TIFS,
    TRIGGER_TYPES,
    UNKNOWN,
    Ack,
    Batch,
    Fill,
    Order,
    Waiting,
    answers_of,
    order_flags,
    owner_flag,
    pack,
    whole,
)

__all__ = ["Ack", "Batch", "Fill", "MatchingEngine", "Order", "Waiting"]

SELF_TRADE = {
    "off": s.STP_OFF,
    "cancel_maker": s.STP_CANCEL_MAKER,
    "cancel_taker": s.STP_CANCEL_TAKER,
    "decrement": s.STP_DECREMENT,
}


class MatchingEngine:
    """Price-time matching of several books (docs/rulebook.md).

    Parameters
    ----------
    n_books : int
        Books, numbered from 0.
    self_trade : {"cancel_maker", "cancel_taker", "decrement", "off"}
        Self-trade prevention.
    window_ticks : int
        Ticks of price in the fast ladder of each side; a power of two from 64 to 2^20. Orders outside wait and come
        back with their priority, so this changes speed and memory (16 bytes a tick and side), never a result. A window
        as wide as the range over which the best price roams avoids that work.
    n_owners : int or None
        Owners are 0 to n_owners - 1; None admits any up to 2^24 - 1 and lets the position table grow.
    capacity : int
        Live orders before the first growth.

    Examples
    --------
    >>> engine = MatchingEngine()
    >>> engine.limit("sell", 101, 10, owner=1).open_lots
    10
    >>> engine.market("buy", 4, owner=2).fills[0].price
    101
    """

    def __init__(
        self,
        n_books: int = 1,
        *,
        self_trade: str = "cancel_maker",
        window_ticks: int = 1 << 16,
        n_owners: int | None = None,
        capacity: int = 1 << 10,
    ) -> None:
        if self_trade not in SELF_TRADE:
            raise EngineError(f"self_trade is {self_trade!r}; use one of {', '.join(SELF_TRADE)}")
        if not 1 <= n_books <= 1 << 12:
            raise EngineError(f"n_books is {n_books}; use 1 to {1 << 12}")
        if n_owners is not None and not 1 <= n_owners <= MAX_OWNERS:
            raise EngineError(f"n_owners is {n_owners}; use 1 to {MAX_OWNERS}, or None for any")
        if not 1 <= capacity <= 1 << 30:
            raise EngineError(f"capacity is {capacity}; use 1 to {1 << 30}")
        try:
            self._books = allocate_books(
                [window_ticks] * n_books, capacity, capacity + 1, n_owners or 1, int(SELF_TRADE[self_trade])
            )
        except ValueError as error:
            raise EngineError(f"window_ticks: {error}") from None
        self._owners_are_open = n_owners is None
        self._engine = np.zeros(1, ENGINE)
        self._engine["owner_limit"] = n_owners or MAX_OWNERS
        self._engine["firing_book"] = -1
        self._engine["trigger_fresh"] = 1
        self._engine["n_cells"] = FIRST_SIZE
        self._table = aligned_zeros(_table_rows(capacity), CELL)
        self._slot_id = aligned_zeros(capacity + 1, np.int64)
        self._triggers = np.zeros(17, s.TRIGGER)
        self._heap = np.zeros((2 * n_books, 16), np.uint32)
        self._sizes = np.zeros(2 * n_books, np.int64)
        self._acks = np.zeros(64, s.ORDER_ACK)
        self._trades = np.zeros(capacity + 1, s.TRADE)
        self._one = np.zeros(1, s.REQUEST)
        self._next_id = 1

    # ---- messages ---------------------------------------------------------------------------------------------------

    def limit(
        self, side: str, price: int, lots: int, *, owner: int = 0, book: int = 0, tif: str = "GTC",
        reduce_only: bool = False, stp_exempt: bool = False, order_id: int | None = None,
    ) -> Ack:  # fmt: skip
        """Send a limit order: ``tif`` GTC, IOC, FOK or POST (docs/rulebook.md 5)."""
        return self._send(
            s.NEW, order_id, side=side, price=price, lots=lots, owner=owner, book=book, kind=TIFS.get(tif, UNKNOWN),
            flags=order_flags(reduce_only, stp_exempt),
        )  # fmt: skip

    def market(
        self, side: str, lots: int, *, bound: int | None = None, owner: int = 0, book: int = 0,
        reduce_only: bool = False, stp_exempt: bool = False, order_id: int | None = None,
    ) -> Ack:  # fmt: skip
        """Send a market order, an IOC down or up to ``bound`` ticks; unbounded when None (5.5)."""
        if bound is None:
            bound = int(s.MAX_PRICE_TICKS) if side == "buy" else 1
        return self.limit(
            side, bound, lots, owner=owner, book=book, tif="IOC", reduce_only=reduce_only, stp_exempt=stp_exempt,
            order_id=order_id,
        )  # fmt: skip

    def stop(
        self, side: str, trigger: int, lots: int, *, limit: int | None = None, kind: str = "stop", owner: int = 0,
        book: int = 0, reduce_only: bool = False, stp_exempt: bool = False, order_id: int | None = None,
    ) -> Ack:  # fmt: skip
        """Leave a ``kind`` "stop" or "take_profit" order waiting for the last price; market unless ``limit`` is given
        (8).
        """
        return self._send(
            TRIGGER_TYPES.get(kind, UNKNOWN), order_id, side=side, price=0 if limit is None else (limit or -1),
            lots=lots, trigger=trigger, owner=owner, book=book, flags=order_flags(reduce_only, stp_exempt),
        )  # fmt: skip

    def cancel(self, order: int, *, owner: int | None = None) -> Ack:
        """Take a resting or waiting order off; with ``owner``, only that owner's (6.1)."""
        return self._send(s.CANCEL, order, owner=owner or 0, flags=owner_flag(owner))

    def reduce(self, order: int, lots: int, *, owner: int | None = None) -> Ack:
        """Take ``lots`` off a resting order, which keeps its place (6.2)."""
        if isinstance(lots, int) and lots > s.MAX_LOTS:
            lots = int(s.MAX_LOTS)  # more than any order has: it is cancelled
        return self._send(s.REDUCE, order, lots=lots, owner=owner or 0, flags=owner_flag(owner))

    def replace(self, order: int, price: int, lots: int, *, owner: int | None = None) -> Ack:
        """Give a resting order a new price and open quantity; it loses its place (6.3)."""
        return self._send(s.REPLACE, order, price=price, lots=lots, owner=owner or 0, flags=owner_flag(owner))

    def set_last_price(self, book: int, price: int) -> Ack:
        """Set the last price from outside and fire what is crossed (8.3)."""
        return self._send(s.SET_LAST, -1, book=book, price=price)

    def set_position(self, owner: int, lots: int, book: int = 0) -> None:
        """Set an owner's position from outside, in lots, long positive (7.1)."""
        owner, lots, book = whole("owner", owner), whole("lots", lots), whole("book", book)
        self._admit_owner(owner)
        if not (0 <= book < len(self._books.book) and 0 <= owner < self._books.positions.shape[1]):
            raise EngineError(f"no book {book} or owner {owner} in this engine")
        if abs(lots) > int(s.MAX_LOTS):
            raise EngineError(f"position of {lots} lots; at most {int(s.MAX_LOTS)}")
        self._books.positions[book, owner] = lots

    def reserve(self, n_acks: int, n_trades: int) -> None:
        """Make and touch room for the answer to a batch of that size, so that growing is not part of running it."""
        self._ensure_acks(n_acks)
        if len(self._trades) < n_trades:
            self._trades = _longer(self._trades, n_trades)
        self._acks.view(np.uint8)[:] = 0
        self._trades.view(np.uint8)[:] = 0

    def run(self, requests: Mapping[str, npt.ArrayLike] | npt.NDArray[np.void], *, copy: bool = True) -> Batch:
        """Apply a batch of messages.

        Parameters
        ----------
        requests : mapping of columns, or REQUEST[n]
            Columns of one length named as the fields of ``sim.schema.REQUEST``: ``type`` (0 new, 1 cancel, 2 reduce, 3
            replace, 4 stop, 5 take-profit, 6 set last price), ``side`` (0 buy, 1 sell), ``kind`` (0 GTC, 1 IOC, 2 FOK,
            3 POST), ``price_ticks``, ``lots``, ``order_id``; ``trigger_ticks``, ``owner``, ``book`` and ``flags`` (1
            reduce-only, 2 exempt from self-trade prevention, 4 the order must be the owner's) default to 0.
        copy : bool
            False hands out views that the next message overwrites.

        Returns
        -------
        Batch

        Raises
        ------
        EngineError
            For a column that is unknown, of another length, or does not fit its type. No message is applied then.
        """
        rows = pack(requests)
        self._ensure_acks(len(rows))
        acks, trades = self._apply(rows)
        return Batch(acks.copy(), trades.copy()) if copy else Batch(acks, trades)

    # ---- questions --------------------------------------------------------------------------------------------------

    def depth(
        self, book: int = 0, levels: int | None = None
    ) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Bids and asks as (price, lots, number of orders), best first."""
        answer: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([], [])
        for order in self.orders(book):
            rows = answer[SIDES[order.side]]
            if rows and rows[-1][0] == order.price:
                rows[-1] = (order.price, rows[-1][1] + order.lots, rows[-1][2] + 1)
            else:
                rows.append((order.price, order.lots, 1))
        return answer if levels is None else (answer[0][:levels], answer[1][:levels])

    def orders(self, book: int = 0) -> list[Order]:
        """Resting orders in priority order, bids and then asks."""
        self._check_book(book)
        slots = np.zeros(len(self._books.pool), np.int64)
        n_bids, n_asks = list_orders(*self._books, np.int64(book), slots)
        found = []
        for side, part in ((0, slots[:n_bids]), (1, slots[n_bids : n_bids + n_asks])):
            prices = np.array([self._price_of(int(slot)) for slot in part], np.int64)
            order = np.argsort(prices if side else -prices, kind="stable")  # far pages are in arrival order
            found += [self._order(int(part[k]), int(prices[k]), SIDE_NAMES[side]) for k in order]
        return found

    def waiting(self, book: int = 0) -> list[Waiting]:
        """Waiting orders in the order in which they would fire: rising, then falling (8.3)."""
        self._check_book(book)
        found = []
        for row in (2 * book, 2 * book + 1):
            here = self._triggers[self._heap[row, : self._sizes[row]]]
            for t in here[np.lexsort((here["serial"], here["key"]))]:
                kind = "stop" if t["type"] == s.STOP else "take_profit"
                limit = int(t["price_ticks"]) or None
                found.append(
                    Waiting(
                        int(t["order_id"]), SIDE_NAMES[t["side"]], kind, abs(int(t["key"])), limit, int(t["lots"]),
                        int(t["owner"]), bool(t["flags"] & s.REDUCE_ONLY),
                    )
                )  # fmt: skip
        return found

    def best(self, book: int = 0) -> tuple[int | None, int | None]:
        """Best bid and ask price in ticks, None where a side is empty."""
        self._check_book(book)
        bid, ask = (int(key) for key in self._books.sides["best"][2 * book : 2 * book + 2])
        empty = int(s.NO_KEY)
        return (None if bid == empty else -bid), (None if ask == empty else ask)

    def last(self, book: int = 0) -> int | None:
        """Price of the last trade in ticks."""
        self._check_book(book)
        return int(self._books.book["last_ticks"][book]) or None

    def position(self, owner: int, book: int = 0) -> int:
        """Position of an owner in a book, in lots."""
        self._check_book(book)
        positions = self._books.positions
        return int(positions[book, owner]) if 0 <= owner < positions.shape[1] else 0

    def memory_bytes(self) -> int:
        """Bytes of all arrays of the books."""
        return memory_bytes(self._books)

    def check(self) -> None:
        """Raise InvariantError if any law of the data structure is broken (slow: reads every level)."""
        fault = check_books(*self._books)
        if fault:
            raise InvariantError(f"{BROKEN[fault]}; please report this with the order flow that led to it")
        n_live = int((self._books.pool["generation"] & 1).sum()) + int(self._triggers["live"].sum())
        if n_live != int(self._engine["n_ids"][0]) or n_live != int((self._cells()["reference"] != 0).sum()):
            raise InvariantError(
                "live orders and client ids differ; please report this with the order flow that led to it"
            )

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _send(
        self, type_code: int | np.int64, order_id: int | None, side: str = "buy", price: int = 0, lots: int = 0,
        trigger: int = 0, owner: int = 0, book: int = 0, kind: int = 0, flags: int = 0,
    ) -> Ack:  # fmt: skip
        if order_id is None:
            order_id = self._pick_id()
        owner, book = whole("owner", owner), whole("book", book)
        REQUEST_LAYOUT.pack_into(
            self._one, 0, whole("order_id", order_id), whole("lots", lots), whole("price", price),
            whole("trigger", trigger), owner, book if 0 <= book < len(self._books.book) else -1, type_code,
            SIDES.get(side, UNKNOWN), kind, flags,
        )  # fmt: skip
        acks, trades = self._apply(self._one)
        answers = answers_of(acks, trades)
        return answers[0] if len(answers) == 1 else answers[0]._replace(triggered=tuple(answers[1:]))

    def _apply(self, rows: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
        self._engine["n_acks"] = self._engine["n_trades"] = done = 0
        while True:
            done = run_requests(
                *self._books, self._table, self._slot_id, self._triggers, self._heap, self._sizes, self._engine,
                rows, self._acks, self._trades, np.int64(done),
            )  # fmt: skip
            if done == len(rows):
                return self._acks[: self._engine["n_acks"][0]], self._trades[: self._engine["n_trades"][0]]
            self._grow(int(rows["owner"][done]))

    def _grow(self, owner: int) -> None:
        """Make room wherever too little is left for the next message, and for its owner."""
        self._admit_owner(owner)
        engine, fresh = self._engine[0], int(self._books.cursor["fresh"][0])
        capacity = len(self._books.pool) - 1
        if fresh > capacity:
            capacity *= 2
            self._books = grow_pool(self._books, capacity)
            self._slot_id = _longer(self._slot_id, capacity + 1)
        if len(self._books.fills) <= capacity:
            self._books = grow_fills(self._books, capacity + 1)
        if len(self._trades) - engine["n_trades"] <= capacity:
            self._trades = _longer(self._trades, 2 * len(self._trades) + capacity + 1)
        self._ensure_acks(2 * int(engine["n_acks"]))
        if engine["trigger_fresh"] == len(self._triggers):
            self._triggers = _longer(self._triggers, 2 * len(self._triggers))
        if engine["heap_peak"] == self._heap.shape[1]:
            self._heap = np.concatenate([self._heap, np.zeros_like(self._heap)], axis=1)
        if 2 * (int(engine["n_ids"]) + 1) > int(engine["n_cells"]):
            table = aligned_zeros(2 * len(self._table), CELL)
            table[: len(self._table)] = self._table
            self._table = table

    def _cells(self) -> npt.NDArray[np.void]:
        size = int(self._engine["n_cells"][0])
        cells: npt.NDArray[np.void] = self._table[size : 2 * size]
        return cells

    def _ensure_acks(self, n: int) -> None:
        if len(self._acks) < n:
            self._acks = _longer(self._acks, n + 64)

    def _admit_owner(self, owner: int) -> None:
        known = self._books.positions.shape[1]
        if self._owners_are_open and known <= owner < MAX_OWNERS:
            positions = np.zeros((len(self._books.book), min(MAX_OWNERS, max(2 * known, owner + 1))), np.int64)
            positions[:, :known] = self._books.positions
            self._books = self._books._replace(positions=positions)

    def _pick_id(self) -> int:
        from sim.kernels.orders import knows_id

        while knows_id(self._table, self._engine["n_cells"][0], np.int64(self._next_id)):
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _check_book(self, book: int) -> None:
        if not 0 <= book < len(self._books.book):
            raise EngineError(f"no book {book} in this engine; it has {len(self._books.book)}, numbered from 0")

    def _order(self, slot: int, price: int, side: str) -> Order:
        order = self._books.pool[slot]
        return Order(
            int(self._slot_id[slot]), side, price, int(order["lots"]), int(order["owner"]),
            bool(int(order["meta"]) & int(META_REDUCE)),
        )  # fmt: skip

    def _price_of(self, slot: int) -> int:
        from sim.kernels.orders import price_at

        return int(price_at(*self._books, np.int64(slot)))


def _longer(array: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    longer = np.zeros(length, array.dtype)
    longer[: len(array)] = array
    return longer


def _table_rows(capacity: int) -> int:
    """Rows of the last table of client ids, at most half full at ``capacity``, and of all before it."""
    return 2 * max(int(FIRST_SIZE), 1 << (2 * capacity - 1).bit_length())
