"""What the six figures are made of: figures with their panels, and lines that belong to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["simulated", "input", "recorded", "own"]

INDEX, PERCENT = "start = 100", "% of the start"
MILLION, BILLION = "million USD", "billion USD"


class Panel(NamedTuple):
    """One pair of axes.

    Attributes
    ----------
    title, unit : str
        Unit of the y axis and of every value in it.
    log : bool
        Whether the axis is logarithmic: what stands in it differs by more than a factor of ten.
    """

    title: str
    unit: str
    log: bool = False


class Chart(NamedTuple):
    """One of the six figures.

    Attributes
    ----------
    heading, about : str
        What it is, and how it is defined.
    panels : dict
    before, after : int
        Days around the run in which recorded points are drawn.
    """

    heading: str
    about: str
    panels: dict[str, Panel]
    before: int
    after: int


CHARTS: dict[str, Chart] = {
    "macro": Chart(
        "BTC against macro assets",
        "The simulated mark, and each macro factor of the run, at 100 when the run starts. Recorded BTC is over the "
        "same simulated price; a recorded or own series is over its last level at or before the start, or else its "
        "first.",
        {"index": Panel("Levels, indexed", INDEX)},
        8, 8,
    ),
    "etf": Chart(
        "Weekly flow of spot funds",
        "Net creations of the US spot BTC funds, by the day of the session, summed over weeks that end on a Friday in "
        "New York. A week of which the run does not hold every session is left out.",
        {"flow": Panel("Net flow of the week that ends on this Friday", MILLION)},
        14, 14,
    ),
    "treasuries": Chart(
        "Treasury purchases against cost",
        "Strategy: what a coin cost it on average over all it holds (at each close), what it paid in a week, and coins "
        "bought in weeks that end on a Friday in New York (an 8-K of Monday belongs to the Friday before). m_EV is the "
        "value of its shares, notes and preferred stock less cash over that of its coins.",
        {
            "price": Panel("Price and cost of a coin", "USD per BTC"),
            "bought": Panel("Coins bought in the week that ends on this Friday", "BTC"),
            "premium": Panel("Enterprise premium m_EV of Strategy", "x"),
        },
        14, 14,
    ),
    "open_interest": Chart(
        "Open interest by venue",
        "Open interest of BTC in coins; below, each series over its own start, where dollars of several coins can "
        "stand too. The start of a simulated series is its first row; that of a recorded or own series its last "
        "value at or before the start of the run, or else its first.",
        {
            "coins": Panel("Open interest of BTC", "thousand BTC", log=True),
            "share": Panel("The same, and dollars of all coins, over the start", PERCENT),
        },
        10, 14,
    ),
    "lending": Chart(
        "Lending outstanding",
        "What borrowers of the simulated protocol owe at the end of each day. Below, each series over its start: what "
        "they owe when the run begins (lending.debt); the last recorded or own value at or before it, or the first.",
        {
            "owed": Panel("Outstanding", BILLION, log=True),
            "share": Panel("The same over the start", PERCENT),
        },
        30, 40,
    ),
    "depth": Chart(
        "Order-book depth",
        "Bids and asks within a distance of the mid, both sides, mean of each hour; the simulated book is the perp of "
        "the first listing of BTC. Below, depth within 1 % over that of the morning before the event, as the scenario "
        "states it (market.perp_bid_depth, perp_ask_depth); a recorded or own series in dollars is over its first "
        "value.",
        {
            "usd": Panel("Depth", MILLION, log=True),
            "share": Panel("The same over the morning before the event", "% of before"),
        },
        10, 14,
    ),
}  # fmt: skip
"""By the name that ``--own`` and the table use."""


@dataclass(frozen=True)
class Line:
    """One series of one panel.

    Attributes
    ----------
    figure, panel, series : str
    kind : {"simulated", "input", "recorded", "own"}
        ``input`` is a path that the scenario was given.
    time : DatetimeIndex
        UTC, n moments.
    values : float64[seeds, n]
        In the unit of the panel; one row where it is not simulated.
    joined : bool
        Whether a line may join the values: they are all there is between the first and the last.
    bound : tuple of str
        Of each value "", "at most" or "at least".
    source, grade : str
        Of what is recorded.
    """

    figure: str
    panel: str
    series: str
    kind: Kind
    time: pd.DatetimeIndex
    values: Floats
    joined: bool = False
    bound: tuple[str, ...] = ()
    source: str = ""
    grade: str = ""


@dataclass
class Found:
    """Lines, and sentences by figure and panel of what is not there.

    Attributes
    ----------
    lines : list of Line
    said : list of (figure, panel, sentence)
    """

    lines: list[Line] = field(default_factory=list)
    said: list[tuple[str, str, str]] = field(default_factory=list)

    def say(self, figure: str, panel: str, sentence: str) -> None:
        """Note what a panel does not show and why."""
        self.said.append((figure, panel, sentence))


def week_of(day: date) -> date:
    """The Friday that ends the week of a day; Saturday and Sunday belong to the next."""
    return day + timedelta((4 - day.weekday()) % 7)


def by_week(days: list[date], amounts: Floats) -> dict[date, float]:
    """Sums of amounts by the Friday that ends their week, in order."""
    sums: dict[date, float] = {}
    for day, amount in sorted(zip(days, amounts.tolist(), strict=True)):
        sums[week_of(day)] = sums.get(week_of(day), 0.0) + amount
    return sums


def at_midnight(days: list[date]) -> pd.DatetimeIndex:
    """Days as moments, 00:00 UTC."""
    return pd.DatetimeIndex(pd.to_datetime(pd.Series(days, dtype="object"))).tz_localize("UTC").as_unit("us")


def base_of(time: pd.DatetimeIndex, values: Floats, start: pd.Timestamp) -> float:
    """The last value at or before the start, or else the first."""
    before = np.flatnonzero(np.asarray(time <= start) & np.isfinite(values))
    known = values[np.isfinite(values)]
    return float(values[before[-1]]) if before.size else float(known[0]) if known.size else float("nan")
