"""Depth tables: how much rests within so many per cent, by side and time (Binance's bookDepth, and a plain form)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.errors import DataError
from sim.ingest.book import BookSide, Depth, Floats, Integers, Truths
from sim.ingest.clock import TIME_COLUMNS, Clock
from sim.ingest.findings import Log, Side
from sim.ingest.instrument import Only
from sim.ingest.source import LARGEST, Block, Table, blocks, numbers

MOST_ROWS = 20_000_000
"""Rows of a depth table held at once, about 1 GB; a year of 30-second snapshots with 12 bands has 12.6 million."""
_WIDEST = 50.0


@dataclass
class _Rows:
    """Rows of one side: time, distance in per cent, dollars, coins, line."""

    time_us: Integers
    percent: Floats
    usd: Floats
    coins: Floats | None
    line: Integers


def is_bands(table: Table) -> str | None:
    """Name of the depth table that a header announces, or None."""
    if table.has("percentage") and table.has("notional"):
        return "bookDepth"
    if table.has("within_pct") and table.has("bid_usd") and table.has("ask_usd"):
        return "depth table"
    return None


def read_bands(table: Table, log: Log, only: Only) -> Depth:
    """Read a depth table.

    Parameters
    ----------
    table : Table
        With timestamp, percentage (below 0 for bids), depth (coins), notional (USD, cumulative); or with timestamp,
        within_pct, bid_usd, ask_usd.
    log : Log
        Told of rows out of order, twice, missing or impossible.
    only : Only
        Which symbol's rows are meant.

    Returns
    -------
    Depth

    Raises
    ------
    DataError
        When a cell cannot be read, or there is nothing in the file.
    """
    archive = is_bands(table) == "bookDepth"
    time = table.need(*TIME_COLUMNS, what="time")
    figures = ("percentage", "depth", "notional") if archive else ("within_pct", "bid_usd", "ask_usd")
    for name in figures:
        table.need(name, what=name)
    clock, total = Clock(table, time, log), 0
    parts: list[tuple[Any, ...]] = []
    for block in blocks(table, [time, *figures, *only.columns(table)]):
        block = only.rows(table, block)
        total += len(block.lines)
        if total > MOST_ROWS:
            raise DataError(f"{table.shown}: more than {MOST_ROWS:,} rows: cut the file by time first")
        parts.append((clock.read(block), block.lines, *(numbers(table, block, name) for name in figures)))
        _check_percent(table, block, parts[-1][2])
    if not total:
        raise DataError(f"{table.shown}: has a header and no rows{only.why_empty()}")
    times, lines, percent, first, second = (np.concatenate([part[i] for part in parts]) for i in range(5))
    if archive:
        low = percent < 0.0
        halves = [_Rows(times[s], np.abs(percent[s]), second[s], first[s], lines[s]) for s in (low, ~low)]
    else:
        halves = [_Rows(times, np.abs(percent), usd, None, lines) for usd in (first, second)]
    if not all(half.time_us.size for half in halves):
        raise DataError(f"{table.shown}: holds one side only: percentages below 0 are bids, above 0 asks")
    _note_order(times, lines, log)
    stamps = np.unique(times)
    bid, ask = _side(halves[0], stamps, "bid", log), _side(halves[1], stamps, "ask", log)
    return Depth("bookDepth archive" if archive else "depth table in USD", stamps, bid, ask, None)


def _check_percent(table: Table, block: Block, percent: Floats) -> None:
    bad = ~(np.isfinite(percent) & (percent != 0.0) & (np.abs(percent) <= _WIDEST))
    if bad.any():
        at = int(np.argmax(bad))
        why = f"a distance must lie between 0 and {_WIDEST:g} per cent either way, got {percent[at]:g}"
        raise table.at(int(block.lines[at]), why)


def _note_order(times: Integers, lines: Integers, log: Log) -> None:
    back = np.flatnonzero(np.diff(times) < 0)
    if back.size:
        log.add(
            "unsorted",
            "repaired",
            "rows go back in time; sorted by time",
            times_us=times[back + 1],
            line=int(lines[back[0] + 1]),
        )


def _side(rows: _Rows, stamps: Integers, name: Side, log: Log) -> BookSide:
    """Rows of one side as a table of snapshots by distances."""
    bands = np.unique(rows.percent)
    k = len(bands)
    order = np.argsort(rows.time_us, kind="stable")
    where = np.searchsorted(stamps, rows.time_us[order]) * k + np.searchsorted(bands, rows.percent[order])
    values = [rows.usd[order]] + ([rows.coins[order]] if rows.coins is not None else [])
    bad = ~np.logical_and.reduce([(v >= 0.0) & (v <= LARGEST) for v in values])
    line = rows.line[order]
    if bad.any():
        log.add(
            "bad_value",
            "refused",
            "depth is empty, not a number, below 0 or absurdly large; that band is not used",
            side=name,
            times_us=rows.time_us[order][bad],
            line=int(line[bad][0]),
        )
    grids = [np.full(len(stamps) * k, np.nan) for _ in values]
    for grid, value in zip(grids, values, strict=True):
        grid[where] = np.where(bad, np.nan, value)
    _note_twice(where, values, bad, grids, rows.time_us[order], line, name, log)
    seen = np.zeros(len(stamps) * k, np.bool_)
    seen[where] = True
    lacking = ~seen.reshape(-1, k)
    partly = lacking.any(axis=1) & ~lacking.all(axis=1)
    if partly.any():
        log.add(
            "missing_band",
            "warning",
            "some bands are missing from the snapshot; the others are used",
            side=name,
            times_us=stamps[partly],
        )
    usd = grids[0].reshape(-1, k)
    coins = grids[1].reshape(-1, k) if rows.coins is not None else None
    return BookSide(bands / 100.0, usd, coins, np.ones(len(stamps), np.bool_))


def _note_twice(
    where: Integers,
    values: list[Floats],
    bad: Truths,
    grids: list[Floats],
    times: Integers,
    lines: Integers,
    name: Side,
    log: Log,
) -> None:
    """A band that stands twice in a snapshot: once is enough where both say the same, else neither is believed."""
    _, first, counts = np.unique(where, return_index=True, return_counts=True)
    if not (counts > 1).any():
        return
    twice = np.isin(where, where[first[counts > 1]])
    differs = np.zeros(len(where), np.bool_)
    for value in values:
        for cell in np.unique(where[twice]):
            rows = where == cell
            differs |= rows & (np.unique(value[rows]).size > 1)
    for rows, severity, why in (
        (twice & ~differs & ~bad, "repaired", "stands twice with the same values; one copy is used"),
        (differs, "refused", "stands twice with different values; neither is used"),
    ):
        if rows.any():
            log.add(
                "duplicate",
                severity,  # type: ignore[arg-type]
                f"the band of a snapshot {why}",
                side=name,
                times_us=times[rows],
                line=int(lines[rows][0]),
            )
    for grid in grids:
        grid[where[differs]] = np.nan
