"""Figure of an ingested depth file: the profile with its range, and what was found when."""

from __future__ import annotations

from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.ingest import DepthResult
from sim.ingest.book import BookSide
from sim.ingest.fragment import percent
from sim.ingest.profile import Profile
from sim.report.style import ASK, BID, new_figure, rc, scale

_REFUSED, _REPAIRED = "#bbbbbb", "#F0E442"
_SHOWN_AT = 0.01  # distance whose depth is drawn over time
_MOST_POINTS = 4_000


def depth_figure(result: DepthResult, origin: str) -> Figure:
    """Draw the profile that was taken, and depth and findings over the whole file.

    Parameters
    ----------
    result : DepthResult
    origin : str
        Whose data: the file's name.

    Returns
    -------
    matplotlib.figure.Figure
        Left: median and 10 to 90% range by distance, million USD. Right: depth over time, million USD, UTC.
    """
    with rc():
        figure = new_figure(4.2)
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.6))
        _profile(left, result)
        _over_time(right, result)
        counts = f"{result.bid.snapshots} bid and {result.ask.snapshots} ask snapshots used"
        figure.supxlabel(
            f"{origin} · {result.depth.form} · {counts} · data, not a simulation",
            fontsize=8,
            color="#444444",
            x=0.01,
            ha="left",
        )
    return figure


def _profile(axes: Axes, result: DepthResult) -> None:
    divisor, word = scale(result.bid.usd, result.ask.usd)
    for name, side, colour in (("bids", result.bid, BID), ("asks", result.ask, ASK)):
        axes.plot(
            side.within * 100, side.usd / divisor, color=colour, marker="o", markersize=4, label=f"{name}, median"
        )
        axes.fill_between(
            side.within * 100,
            side.low / divisor,
            side.high / divisor,
            color=colour,
            alpha=0.2,
            linewidth=0,
            label=f"{name}, 10 to 90%",
        )
    axes.set(
        xlabel="distance from the reference price, %",
        ylabel=f"cumulative depth, {word}USD",
        title="Profile of the window",
    )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend()


def _over_time(axes: Axes, result: DepthResult) -> None:
    depth = result.depth
    step = max(1, len(depth.time_us) // _MOST_POINTS)
    times: Any = depth.time_us[::step].astype("datetime64[us]")
    drawn = [(name, side, _column(side, profile), colour) for name, side, profile, colour in _sides(result)]
    divisor, word = scale(*(np.nan_to_num(side.usd[:, column]) for _, side, column, _ in drawn))
    for name, side, column, colour in drawn:
        usd = np.where(side.ok, side.usd[:, column], np.nan)[::step] / divisor
        label = f"{name} within {percent(float(side.within[column]))}"
        axes.plot(times, usd, color=colour, linewidth=0.9, label=label)
    _mark_findings(axes, result)
    axes.set(xlabel="UTC", ylabel=f"depth, {word}USD", title="What the file holds, and what was found")
    axes.set_ylim(bottom=0)
    locator = mdates.AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.legend(fontsize=8)


def _sides(result: DepthResult) -> tuple[tuple[str, BookSide, Profile, str], ...]:
    return ("bids", result.depth.bid, result.bid, BID), ("asks", result.depth.ask, result.ask, ASK)


def _column(side: BookSide, profile: Profile) -> int:
    """The distance of the profile nearest to 1%."""
    nearest = profile.within[int(np.argmin(np.abs(profile.within - _SHOWN_AT)))]
    return int(np.argmin(np.abs(side.within - nearest)))


def _mark_findings(axes: Axes, result: DepthResult) -> None:
    """Shade spans that were refused or repaired, a line at the first gap and jump, and the window's ends."""
    named: set[str] = set()

    def label(text: str) -> str | None:
        first = text not in named
        named.add(text)
        return text if first else None

    for finding in result.findings:
        if finding.from_utc is None or finding.to_utc is None:
            continue
        ends: Any = [np.datetime64(text.rstrip("Z"), "us") for text in (finding.from_utc, finding.to_utc)]
        if finding.severity != "warning":
            colour = _REFUSED if finding.severity == "refused" else _REPAIRED
            axes.axvspan(
                *ends, color=colour, alpha=0.3, linewidth=0, label=label(f"spans with {finding.severity} values")
            )
        elif finding.kind in ("gap", "jump"):
            style = ":" if finding.kind == "gap" else "--"
            axes.axvline(ends[0], color="#444444", linestyle=style, linewidth=1, label=label(f"first {finding.kind}"))
    window: Any = np.array(result.window, np.int64).astype("datetime64[us]")
    if result.window[0] > result.depth.time_us[0] or result.window[1] < result.depth.time_us[-1]:
        for end in window:
            axes.axvline(end, color="#009E73", linewidth=1.2, label=label("window"))
