"""Prices over time: bars, closes or trades."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.errors import DataError
from sim.ingest.book import Floats, Integers
from sim.ingest.clock import TIME_COLUMNS, Clock
from sim.ingest.findings import Log
from sim.ingest.instrument import Only
from sim.ingest.source import LARGEST, Table, blocks, numbers, open_table

_BAR_US = 60_000_000
_CLOSE = ("close", "close_usd", "price", "mark", "mark_price", "last", "mid")
_MOST_ROWS = 5_000_000


@dataclass
class Prices:
    """A price path.

    Attributes
    ----------
    time_us : int64[n]
        Start of each bar, or time of each price; rising.
    first, low, high, last : float64[n]
        US dollars, above 0; all the same where the file holds one price a row.
    step_us : int
        Length of a bar; 0 where rows are single prices.
    """

    time_us: Integers
    first: Floats
    low: Floats
    high: Floats
    last: Floats
    step_us: int

    def at(self, time_us: Integers) -> Floats:
        """Price at each time, linear between rows; NaN outside the path."""
        if self.step_us:
            knots = np.append(self.time_us, self.time_us[-1] + self.step_us)
            values = np.append(self.first, self.last[-1])
        else:
            knots, values = self.time_us, self.last
        return np.asarray(np.interp(time_us, knots, values, left=np.nan, right=np.nan), np.float64)

    def around(self, time_us: Integers, slack_us: int) -> tuple[Floats, Floats]:
        """Lowest and highest price within ``slack_us`` of each time; NaN outside the path."""
        ends = self.time_us + self.step_us
        start = np.searchsorted(ends, time_us - slack_us, side="left")
        stop = np.searchsorted(self.time_us, time_us + slack_us, side="right")
        low, high = np.full(len(time_us), np.nan), np.full(len(time_us), np.nan)
        for i, (a, b) in enumerate(zip(start, stop, strict=True)):
            if b > a:
                low[i], high[i] = self.low[a:b].min(), self.high[a:b].max()
        return low, high


def read_prices(path: str | Path, log: Log, symbol: str | None = None) -> tuple[Prices, Table]:
    """Read a file of prices.

    Parameters
    ----------
    path : str or Path
        Columns: a time, and open, high, low, close; or a time and one of close, price, mark, last, mid. More rows than
        5 million (trades) are gathered into bars of a minute as they are read.
    log : Log
        Told of rows that are out of order, twice or impossible.
    symbol : str, optional
        Which instrument, where the file holds several.

    Returns
    -------
    prices : Prices
    table : Table

    Raises
    ------
    DataError
        When a cell cannot be read, or no row is left.
    """
    table, only = open_table(path), Only(symbol)
    time = table.need(*TIME_COLUMNS, what="time")
    last = table.need(*_CLOSE, what="price")
    bars = all(table.has(name) for name in ("open", "high", "low"))
    columns = ["open", "low", "high", last] if bars else [last]
    clock, parts, held, gathered = Clock(table, time, log), list[list[Floats]](), 0, False
    for block in blocks(table, [time, *columns, *only.columns(table)]):
        block = only.rows(table, block)
        times, prices = clock.read(block), [numbers(table, block, name) for name in columns]
        bad = ~np.logical_and.reduce([(v > 0.0) & (v <= LARGEST) for v in prices])
        if bars:
            bad |= (prices[1] > np.minimum(prices[0], prices[3])) | (prices[2] < np.maximum(prices[0], prices[3]))
        if bad.any():
            log.add(
                "bad_price",
                "refused",
                "a price is empty, not a number, not above 0, or outside its bar's low and high; the row is not used",
                times_us=times[bad],
                line=int(block.lines[int(np.argmax(bad))]),
            )
        back = np.flatnonzero(np.diff(times) < 0)
        if back.size:
            why = "rows go back in time; sorted by time"
            log.add("unsorted", "repaired", why, times_us=times[back + 1], line=int(block.lines[back[0] + 1]))
        parts.append([times[~bad], *(v[~bad] for v in (prices if bars else prices * 4))])
        held += len(parts[-1][0])
        if held > _MOST_ROWS:
            parts, gathered = [_minutes(_joined(parts))], True
            held = len(parts[0][0])
    if not held:
        raise DataError(f"{table.shown}: no row with a usable price is left{only.why_empty()}")
    rows = _joined(parts)
    if gathered:
        rows = _minutes(rows)
        log.remark(f"more than {_MOST_ROWS:,} rows: gathered into bars of a minute")
    return _path(rows, bars or gathered, log), table


def _joined(parts: list[list[Floats]]) -> list[Floats]:
    """Blocks put together, in order of time."""
    rows = [np.concatenate([part[i] for part in parts]) for i in range(5)]
    order = np.argsort(rows[0], kind="stable")
    return [row[order] for row in rows]


def _minutes(rows: list[Floats]) -> list[Floats]:
    """Rows gathered into bars of a minute; bars of a minute stay as they are."""
    minute = rows[0] // _BAR_US * _BAR_US
    start = np.flatnonzero(np.diff(minute, prepend=minute[0] - 1))
    ends = np.append(start[1:], len(minute)) - 1
    low, high = np.minimum.reduceat(rows[2], start), np.maximum.reduceat(rows[3], start)
    return [minute[start], rows[1][start], low, high, rows[4][ends]]


def _path(rows: list[Floats], bars: bool, log: Log) -> Prices:
    times = rows[0].astype(np.int64)
    if bars:
        keep = np.append(np.diff(times) > 0, True)  # of bars that stand twice the later one
        if not keep.all():
            log.add(
                "duplicate", "repaired", "two bars begin at the same time; the later row is used", times_us=times[~keep]
            )
        rows, times = [row[keep] for row in rows], times[keep]
    step = int(np.median(np.diff(times))) if bars and len(times) > 1 else 0
    return Prices(times, rows[1], rows[2], rows[3], rows[4], step)
