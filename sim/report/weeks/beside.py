"""Series that stand beside the runs, recorded or a user's own: put into the panels that take their unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from sim.report.weeks.lines import CHARTS, Floats, Found, Kind, Line, base_of

INDEXED = "level"
"""In place of a unit: a level of any unit, which is shown as an index alone."""
TAKES: dict[str, dict[str, tuple[str, ...]]] = {
    "macro": {INDEXED: ("index",)},
    "etf": {"million USD": ("flow",)},
    "treasuries": {"USD per BTC": ("price",), "BTC": ("bought",), "x": ("premium",)},
    "open_interest": {"thousand BTC": ("coins", "share"), "billion USD": ("share",)},
    "lending": {"billion USD": ("owed", "share")},
    "depth": {"million USD": ("usd", "share"), "% of before": ("share",)},
}
"""Figure to unit to the panels in which a series of that unit stands."""
FIRST_IS_BASE = ("depth",)
"""Figures whose shares are over a series' first value and not over that at the start of the run."""


class Series(NamedTuple):
    """One series as it is told.

    Attributes
    ----------
    figure, name : str
    kind : {"recorded", "own"}
    unit : str
        One of ``TAKES``; in the figure "macro" any.
    time : DatetimeIndex
        UTC, rising.
    values : float64[n]
    bound : tuple of str
        Of each value "", "at most" or "at least".
    source, grade : str
    """

    figure: str
    name: str
    kind: Kind
    unit: str
    time: pd.DatetimeIndex
    values: Floats
    bound: tuple[str, ...]
    source: str
    grade: str


class Start(NamedTuple):
    """When the runs begin, and at which mark of BTC (USD); None where nothing lists it."""

    time: pd.Timestamp
    price_usd: float | None


def put(series: Series, start: Start, found: Found) -> None:
    """Add the lines of a series, or say why a panel does not have it.

    Parameters
    ----------
    series : Series
    start : Start
    found : Found
        What they are added to.
    """
    takes = TAKES[series.figure]
    for panel in takes[INDEXED if INDEXED in takes else series.unit]:
        unit = CHARTS[series.figure].panels[panel].unit
        if unit == series.unit:
            _add(series, panel, series.values, series.bound, found)
        elif base := _base(series, start, found, panel):
            _add(series, panel, 100.0 * series.values / base, series.bound, found)


def _base(series: Series, start: Start, found: Found, panel: str) -> float | None:
    """What a series is divided by; None where no share can be told."""
    if series.figure == "macro" and series.name == "BTC" and series.kind == "recorded" and start.price_usd:
        return start.price_usd  # USD of a coin like the simulated ones: one scale for both
    if len(series.values) < 2:
        if series.figure == "macro":
            day, value = series.time[0], series.values[0]
            bound = f"{series.bound[0]} " if series.bound[0] else ""
            said = f"{series.name}: one level, {bound}{value:,.6g} {series.unit} on {day.day} {day:%b}: no index"
            found.say(series.figure, panel, f"{said} ({series.source})")
        return None
    first = series.figure in FIRST_IS_BASE
    base = float(series.values[0]) if first else base_of(series.time, series.values, start.time)
    at = int(np.flatnonzero(series.values == base)[0])
    return base if base > 0.0 and not series.bound[at] else None


def _add(series: Series, panel: str, values: Floats, bound: tuple[str, ...], found: Found) -> None:
    found.lines.append(
        Line(
            series.figure, panel, series.name, series.kind, series.time, values[None, :], bound=bound,
            source=series.source, grade=series.grade,
        )
    )  # fmt: skip
