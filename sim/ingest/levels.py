"""Snapshots of single price levels (L2), a row a level or a row a snapshot, reduced to depth by distance as they come.

Memory: one block of rows, and about 400 bytes a snapshot, whatever the size of the file.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sim.errors import DataError
from sim.ingest.book import BookSide, Depth, Floats, Integers, Truths
from sim.ingest.clock import TIME_COLUMNS, Clock
from sim.ingest.crossing import Judge
from sim.ingest.findings import Log, listed
from sim.ingest.instrument import Only
from sim.ingest.prices import Prices
from sim.ingest.source import LARGEST, Table, blocks, numbers
from sim.settings.problems import shown

GRID = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.02, 0.03, 0.05, 0.1)
"""Distances asked of every snapshot; those that 90% of them reach become points."""
MOST_SORTED = 5_000_000
"""Rows that are sorted in memory (about 400 MB) where those of one snapshot lie apart; longer files must be sorted."""
_SIZE = ("size", "amount", "qty", "quantity", "volume")
_PRICE = ("price", "px")
_WIDE = re.compile(
    r"(bid|ask)s?_?(price|px|size|amount|qty|quantity|volume)_?(\d+)|(bid|ask)s\[(\d+)\]\.(price|amount|size)"
)
_SIDES = {**dict.fromkeys(("bid", "bids", "b", "buy"), True), **dict.fromkeys(("ask", "asks", "a", "sell", "s"), False)}


class Rows(NamedTuple):
    """Levels: snapshot key (time, or row of a wide table), time, side, price, size, line."""

    key: Integers
    time_us: Integers
    is_bid: Truths
    price: Floats
    size: Floats
    line: Integers

    def take(self, which: Any) -> "Rows":
        """Some of the rows."""
        return Rows(*(column[which] for column in self))


def _joined(parts: Sequence[Rows]) -> Rows:
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Rows(*columns)


def is_levels(table: Table) -> str | None:
    """Name of the L2 format that a header announces, or None."""
    if len(_wide_columns(table)) >= 2:
        return "L2 snapshots, one row a snapshot"
    if table.has("side") and table.has(*_PRICE) and table.has(*_SIZE):
        return "L2 snapshots, one row a level"
    return None


def read_levels(table: Table, grid: Sequence[float], mark: Prices | None, repair: bool, log: Log, only: Only) -> Depth:
    """Read L2 snapshots.

    Parameters
    ----------
    table : Table
        One row a level (timestamp, side, price, size) or a snapshot (bid_price_1, bid_size_1, ..., or Tardis's
        bids[0].price, bids[0].amount, ...).
    grid : sequence of float
        Distances from the mid, fractions, rising.
    mark : Prices or None
        Helps to say which side of a crossed book is stale.
    repair : bool
        Take the stale levels of crossed books out instead of refusing the snapshots.
    log : Log
        Written.
    only : Only
        Which instrument.

    Returns
    -------
    Depth

    Raises
    ------
    DataError
        When a cell cannot be read, nothing is in the file, or it is a feed of changes.
    """
    if table.has("is_snapshot", "u", "first_update_id"):
        raise table.at(
            table.header_line, "is a feed of changes, not of snapshots: rebuild the book and sample it first"
        )
    wide = _wide_columns(table)
    form = str(is_levels(table))
    trial = Log(list(log.findings), list(log.remarks))
    reducer = _Reducer(np.asarray(grid), mark, repair, trial, wide=bool(wide))
    try:
        for rows in _wide_rows(table, wide, trial, only) if wide else _long_rows(table, trial, only):
            reducer.feed(rows)
        depth = reducer.finish(form)
    except _ApartError:
        trial = Log(list(log.findings), list(log.remarks))
        reducer = _Reducer(np.asarray(grid), mark, repair, trial, wide=False)
        reducer.feed(_sorted(table, trial, only))
        depth = reducer.finish(form)
    log.findings[:], log.remarks[:] = trial.findings, trial.remarks
    if depth is None:
        raise DataError(f"{table.shown}: has a header and no usable rows{only.why_empty()}")
    return depth


class _ApartError(Exception):
    """Rows of one snapshot lie apart in the file."""


def _sorted(table: Table, log: Log, only: Only) -> Rows:
    """All rows in order of time, in memory."""
    parts, n = list[Rows](), 0
    for part in _long_rows(table, log, only):
        parts.append(part)
        n += len(part.key)
        if n > MOST_SORTED:
            raise DataError(
                f"{table.shown}: rows of one snapshot lie apart, and more than {MOST_SORTED:,} rows are not sorted in "
                "memory: sort the file by time first"
            )
    rows = _joined(parts)
    back = np.flatnonzero(np.diff(rows.time_us) < 0)
    times, line = rows.time_us[back + 1], int(rows.line[back[0] + 1])
    log.add("unsorted", "repaired", "rows go back in time; sorted by time", times_us=times, line=line)
    return rows.take(np.argsort(rows.time_us, kind="stable"))


def _wide_columns(table: Table) -> dict[tuple[bool, int], dict[str, str]]:
    """Column names by (is bid, level) and "price" or "size"."""
    found: dict[tuple[bool, int], dict[str, str]] = {}
    for column in table.columns:
        match = _WIDE.fullmatch(column)
        if match:
            side, level, what = match[1] or match[4], match[3] or match[5], match[2] or match[6]
            kind = "price" if what in _PRICE else "size"
            found.setdefault((side == "bid", int(level)), {})[kind] = column
    return {key: pair for key, pair in found.items() if len(pair) == 2}


def _wide_rows(table: Table, wide: dict[tuple[bool, int], dict[str, str]], log: Log, only: Only) -> Iterator[Rows]:
    time = table.need(*TIME_COLUMNS, what="time")
    names = [name for pair in wide.values() for name in (pair["price"], pair["size"])]
    clock = Clock(table, time, log)
    for block in blocks(table, [time, *names, *only.columns(table)], rows=max(1_000, 2_000_000 // (len(names) + 1))):
        block = only.rows(table, block)
        n = len(block.lines)
        times, parts = clock.read(block), []
        for (is_bid, _), pair in wide.items():
            price, size = numbers(table, block, pair["price"]), numbers(table, block, pair["size"])
            there = ~(np.isnan(price) & np.isnan(size))  # an empty pair is a level that does not exist
            at = np.flatnonzero(there)
            parts.append((at, np.full(len(at), is_bid), price[at], size[at]))
        at, is_bid_all, price_all, size_all = (np.concatenate([part[i] for part in parts]) for i in range(4))
        order = np.argsort(at, kind="stable")
        at = at[order]
        if n:
            yield Rows(
                block.lines[at], times[at], is_bid_all[order], price_all[order], size_all[order], block.lines[at]
            )


def _long_rows(table: Table, log: Log, only: Only) -> Iterator[Rows]:
    time = table.need(*TIME_COLUMNS, what="time")
    price, size = table.need(*_PRICE, what="price"), table.need(*_SIZE, what="size")
    clock = Clock(table, time, log)
    for block in blocks(table, [time, "side", price, size, *only.columns(table)]):
        block = only.rows(table, block)
        words = block.frame["side"].astype(str).str.strip().str.lower()
        is_bid = words.map(_SIDES)
        if is_bid.isna().any():
            at = int(np.argmax(is_bid.isna().to_numpy()))
            raise table.at(
                int(block.lines[at]), f"side: expected bid or ask (b or a, buy or sell), got {shown(words.iloc[at])}"
            )
        times = clock.read(block)
        prices, sizes = numbers(table, block, price), numbers(table, block, size)
        yield Rows(times, times, is_bid.to_numpy(np.bool_), prices, sizes, block.lines)


@dataclass
class _Part:
    """What is kept of some snapshots."""

    time_us: Integers
    mid: Floats
    usd: tuple[Floats, Floats]
    best: tuple[Floats, Floats]
    digest: tuple[Integers, Integers]
    ok: Truths


class _Reducer:
    """Turns levels into depth by distance, complete snapshots at a time."""

    def __init__(self, grid: Floats, mark: Prices | None, repair: bool, log: Log, *, wide: bool) -> None:
        self.grid, self.log, self.wide = grid, log, wide
        self.judge = Judge(mark, repair, log)
        self.held: Rows | None = None
        self.parts: list[_Part] = []
        self.rows = 0
        self.bad: dict[str, list[Integers]] = {}
        self.bad_line: dict[str, int] = {}

    def feed(self, rows: Rows) -> None:
        """Take rows; those of the last snapshot wait for the next block."""
        self.rows += len(rows.key)
        if self.held is not None:
            rows = _joined((self.held, rows))
        if not len(rows.key):
            return
        last = int(np.flatnonzero(np.append(True, np.diff(rows.key) != 0))[-1])
        self.held = rows.take(slice(last, None))
        self._reduce(rows.take(slice(0, last)))

    def finish(self, form: str) -> Depth | None:
        """The whole, or None where there was nothing."""
        if self.held is not None:
            self._reduce(self.held)
            self.held = None
        if not self.parts:
            return None
        time = np.concatenate([part.time_us for part in self.parts])
        order = np.argsort(time, kind="stable")
        twice = np.append(False, np.diff(time[order]) == 0)
        if twice.any() and not self.wide:
            raise _ApartError
        if (np.diff(time) < 0).any():
            back = np.flatnonzero(np.diff(time) < 0)
            self.log.add("unsorted", "repaired", "snapshots go back in time; sorted by time", times_us=time[back + 1])
        if twice.any():
            why = "two snapshots have the same time; the one that stands first is used"
            self.log.add("duplicate", "repaired", why, side="both", times_us=time[order][twice])
        order = order[~twice]
        self._tell()
        self.judge.tell()
        mid, ok = (np.concatenate([getattr(part, name) for part in self.parts])[order] for name in ("mid", "ok"))
        sides = []
        for i in range(2):
            usd, best, digest = (
                np.concatenate([getattr(part, name)[i] for part in self.parts])[order]
                for name in ("usd", "best", "digest")
            )
            sides.append(BookSide(self.grid, usd, None, ok.copy(), best, digest))
        return Depth(form, time[order], sides[0], sides[1], mid)

    def _tell(self) -> None:
        reasons = {
            "bad_value": "a price or size is empty, not a number, below 0 or absurdly large; the level is not used",
            "zero_size": "a size is 0, so the level is not there; not used",
            "duplicate": "a price stands twice on one side of a snapshot with the same size; one copy is used",
            "duplicate_level": "a price stands twice on one side of a snapshot with different sizes; the "
            "snapshot is not used",
        }
        for kind, why in reasons.items():
            if kind in self.bad:
                times = np.concatenate(self.bad[kind])
                severity = "repaired" if kind == "duplicate" else "refused"
                sentence = f"{why} (first at {listed(times)})"
                self.log.add(kind, severity, sentence, times_us=times, line=self.bad_line[kind])  # type: ignore[arg-type]

    def _note(self, kind: str, rows: Rows, bad: Truths) -> None:
        if bad.any():
            self.bad.setdefault(kind, []).append(rows.time_us[bad])
            self.bad_line.setdefault(kind, int(rows.line[bad][0]))

    def _reduce(self, rows: Rows) -> None:
        if not len(rows.key):
            return
        starts = np.flatnonzero(np.append(True, np.diff(rows.key) != 0))
        n, times = len(starts), rows.time_us[starts]
        if not self.wide and np.unique(times).size < n:
            raise _ApartError
        snap = np.repeat(np.arange(n), np.diff(np.append(starts, len(rows.key))))
        zero = (rows.size == 0.0) & (rows.price > 0.0)
        bad = ~((rows.price > 0.0) & (rows.price <= LARGEST) & (rows.size >= 0.0) & (rows.size <= LARGEST))
        self._note("bad_value", rows, bad)
        self._note("zero_size", rows, zero)
        order = np.lexsort((rows.line, rows.price, rows.is_bid, snap))
        order = order[~(bad | zero)[order]]
        rows, snap = rows.take(order), snap[order]
        same = np.append(
            False, (np.diff(snap) == 0) & (np.diff(rows.is_bid.view(np.int8)) == 0) & (np.diff(rows.price) == 0.0)
        )
        equal = same & np.append(False, np.diff(rows.size) == 0.0)
        self._note("duplicate", rows, equal)
        self._note("duplicate_level", rows, same & ~equal)
        ok = np.ones(n, np.bool_)
        ok[snap[same & ~equal]] = False
        rows, snap = rows.take(~same), snap[~same]
        digest = tuple(_digest(snap, rows, side, n) for side in (True, False))
        raw = tuple(_best(snap, rows, side, n) for side in (True, False))
        keep, ok_crossed = self.judge.resolve(times, snap, rows.is_bid, rows.price, rows.size, raw)
        ok &= ok_crossed
        rows, snap = rows.take(keep), snap[keep]
        bid, ask = (_best(snap, rows, side, n) for side in (True, False))
        with np.errstate(invalid="ignore"):
            mid = (bid + ask) / 2.0
        usd = tuple(self._depth(snap, rows, side, mid) for side in (True, False))
        self.parts.append(_Part(times, np.where(ok, mid, np.nan), usd, raw, digest, ok))  # type: ignore[arg-type]

    def _depth(self, snap: Integers, rows: Rows, is_bid: bool, mid: Floats) -> Floats:
        """Dollars within each distance of the grid; NaN beyond the farthest level and where there is no mid."""
        n, own = len(mid), rows.is_bid == is_bid
        there, price = snap[own], rows.price[own]
        usd = price * rows.size[own]
        distance = np.abs(price / mid[there] - 1.0)
        distance = np.where(np.isnan(distance), -np.inf, distance)  # no mid, so nothing is known
        reach = np.full(n, -np.inf)
        np.maximum.at(reach, there, distance)
        out = np.empty((n, len(self.grid)))
        for j, within in enumerate(self.grid):
            inside = distance <= within * (1.0 + 1e-12)
            out[:, j] = np.bincount(there[inside], usd[inside], minlength=n)
            out[~(reach >= within * (1.0 - 1e-9)), j] = np.nan
        empty = ~np.isfinite(reach)
        out[empty] = np.where(np.bincount(there, minlength=n)[empty] == 0, 0.0, np.nan)[:, None]
        return out


def _best(snap: Integers, rows: Rows, is_bid: bool, n: int) -> Floats:
    """Best price of a side, NaN where it is empty."""
    own = rows.is_bid == is_bid
    best = np.full(n, -np.inf if is_bid else np.inf)
    (np.maximum if is_bid else np.minimum).at(best, snap[own], rows.price[own])
    return np.where(np.isfinite(best), best, np.nan)


def _digest(snap: Integers, rows: Rows, is_bid: bool, n: int) -> Integers:
    """Sum over a side's levels of a mixed word of price and size: equal sides have equal sums."""
    own = rows.is_bid == is_bid
    words = rows.price[own].view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + rows.size[own].view(np.uint64)
    words = (words ^ (words >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    out = np.zeros(n, np.uint64)
    np.add.at(out, snap[own], words ^ (words >> np.uint64(32)))
    return out.view(np.int64)
