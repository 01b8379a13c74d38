"""A user's own series for one of the figures: a small CSV file, checked line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sim.errors import DataError, ScenarioError
from sim.ingest.source import Block, Table, blocks, numbers, open_table
from sim.report.weeks.beside import INDEXED, TAKES, Series
from sim.report.weeks.lines import CHARTS, Floats, at_midnight, by_week
from sim.settings.problems import did_you_mean, shown

TIMES = ("date", "time")
UNIT = "unit"
MOST_ROWS = 200_000
WEEKLY = {("etf", "million USD"), ("treasuries", "BTC")}
"""Flows: rows of a week are summed."""
_MONEY = {"usd": 1e-6, "$": 1e-6, "$m": 1.0, "million_usd": 1.0, "$bn": 1e3, "billion_usd": 1e3}
_BILLIONS = {unit: ("billion USD", 1e-3 * factor) for unit, factor in _MONEY.items()}
_MILLIONS = {unit: ("million USD", factor) for unit, factor in _MONEY.items()}
_COINS = {"btc": ("thousand BTC", 1e-3), "thousand_btc": ("thousand BTC", 1.0)}
UNITS: dict[str, dict[str, tuple[str, float]]] = {
    "etf": _MILLIONS,
    "treasuries": {
        "usd_per_btc": ("USD per BTC", 1.0), "usd/btc": ("USD per BTC", 1.0), "btc": ("BTC", 1.0), "x": ("x", 1.0),
    },
    "open_interest": {**_COINS, **_BILLIONS},
    "lending": _BILLIONS,
    "depth": {**_MILLIONS, "%": ("% of before", 1.0)},
}  # fmt: skip
"""Figure to unit as written (lower case, blanks as underscores) to the unit of the panel and the factor."""
_IN_BRACKETS = re.compile(r"(.*?)_*[\[(]([^\])]+)[\])]")


def parse_own(texts: Sequence[str]) -> list[tuple[str, Path]]:
    """``FIGURE=FILE`` of the command line.

    Raises
    ------
    ScenarioError
        When one is not of that form, or names no figure.
    """
    out = []
    for text in texts:
        figure, sign, file = text.partition("=")
        if not sign or not file:
            raise ScenarioError(f"--own {text[:60]!r}: expected FIGURE=FILE.csv, for instance etf=flows.csv")
        out.append((_figure(figure, "--own "), Path(file)))
    return out


def _figure(name: str, where: str = "") -> str:
    if name not in CHARTS:
        raise ScenarioError(
            f"{where}{name[:40]!r}: no such figure; there are {', '.join(CHARTS)}{did_you_mean(name, CHARTS)}"
        )
    return name


def read_own(figure: str, path: str | Path) -> list[Series]:
    """Series of a file: a column ``date`` or ``time``, and a column for each series with its unit.

    Parameters
    ----------
    figure : str
        "macro", "etf", "treasuries", "open_interest", "lending" or "depth".
    path : path
        CSV. A column of values is named ``name [unit]``, or a column ``unit`` holds the one unit of all. Dates and
        times are ISO 8601, UTC where they name no zone. An empty cell is no value.

    Returns
    -------
    list of Series
        Values in the unit of the figure; flows summed over weeks that end on a Friday.

    Raises
    ------
    ScenarioError
        When there is no such figure.
    DataError
        When the file cannot be used: file, line and cure.
    """
    table = open_table(path)
    _figure(figure)
    clock = table.need(*TIMES, what="date")
    names = [name for name in table.columns if name and name not in (clock, UNIT)]
    if not names:
        raise table.at(table.header_line, "no column of values: name one, for instance 'my fund [$m]'")
    block = _rows(table)
    time = _times(table, block, clock)
    whole = _one_unit(table, block) if UNIT in table.columns else None
    series = [_series(table, block, figure, name, whole, time) for name in names]
    return series


def _rows(table: Table) -> Block:
    parts = list(blocks(table, [name for name in table.columns if name]))
    rows = sum(len(part.lines) for part in parts)
    if not rows:
        raise table.at(table.header_line, "no rows follow the header: add one row a date")
    if rows > MOST_ROWS:
        raise DataError(f"{table.shown}: {rows:,} rows, at most {MOST_ROWS:,} are drawn: thin it, say to hours")
    return Block(pd.concat([part.frame for part in parts], ignore_index=True), np.concatenate([p.lines for p in parts]))


def _times(table: Table, block: Block, column: str) -> pd.DatetimeIndex:
    """Moments of all rows, which must rise."""
    out: list[datetime] = []
    for cell, line in zip(block.frame[column], block.lines.tolist(), strict=True):
        try:
            when = datetime.fromisoformat(str(cell).strip())
        except ValueError:
            cure = "write 2025-10-13, or 2025-10-13T20:00Z"
            raise table.at(line, f"{column}: expected a date or time, got {shown(str(cell))}: {cure}") from None
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        if out and when <= out[-1]:
            raise table.at(line, f"{column}: {shown(str(cell))} does not come after the row before: sort or merge rows")
        out.append(when)
    return pd.DatetimeIndex(out).as_unit("us")


def _one_unit(table: Table, block: Block) -> str:
    cells = [str(cell).strip().lower().replace(" ", "_") for cell in block.frame[UNIT]]
    for cell, line in zip(cells, block.lines.tolist(), strict=True):
        if cell != cells[0]:
            why = f"unit {shown(cell)} follows {shown(cells[0])}: one file has one unit, or a column for each"
            raise table.at(line, f"{why}, named 'name [unit]'")
    return cells[0]


def _series(
    table: Table, block: Block, figure: str, column: str, whole: str | None, time: pd.DatetimeIndex
) -> Series:  # fmt: skip
    inside = _IN_BRACKETS.fullmatch(column)
    name, unit = (inside[1], inside[2]) if inside and whole is None else (column, whole or "")
    values = numbers(table, block, column)
    told, factor = _unit(table, figure, name, unit)
    known = np.isfinite(values)
    if not known.any():
        raise table.at(table.header_line, f"column {shown(column)} holds no value: fill it or take it out")
    if INDEXED in TAKES[figure] and (values[known] <= 0.0).any():
        line = int(block.lines[np.flatnonzero(known & (values <= 0.0))[0]])
        raise table.at(line, f"{column}: a level that is shown as an index must be above 0: take the row out")
    time, values = time[known], factor * values[known]
    if (figure, told) in WEEKLY:
        time, values = _summed(time, values)
    source = f"{Path(table.shown).name}, SHA-256 {table.sha256[:12]}"
    return Series(figure, name.replace("_", " "), "own", told, time, values, ("",) * len(values), source, "")


def _unit(table: Table, figure: str, name: str, unit: str) -> tuple[str, float]:
    """Unit of the panel, and the factor to it; the figure of indices takes any."""
    if figure not in UNITS:
        return unit.replace("_", " ") or INDEXED, 1.0
    if unit in UNITS[figure]:
        return UNITS[figure][unit]
    have = ", ".join(each.replace("_", " ") for each in UNITS[figure])
    what = f"unit {shown(unit)} is none of this figure's" if unit else "no unit is told"
    cure = f"name the column '{name.replace('_', ' ')} [unit]' or add a column 'unit', with one of: {have}"
    raise table.at(table.header_line, f"{shown(name)}: {what}: {cure}")


def _summed(time: pd.DatetimeIndex, values: Floats) -> tuple[pd.DatetimeIndex, Floats]:
    sums = by_week([moment.date() for moment in time], values)
    return at_midnight(list(sums)), np.array(list(sums.values()))
