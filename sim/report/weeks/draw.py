"""The six figures drawn: simulated lines with their band over seeds, points beside them, words where nothing is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.report import style
from sim.report.weeks.lines import CHARTS, Floats, Found, Line
from sim.report.words import duration
from sim.results.summary import seed_band

_LINES = (style.SIMULATED, style.NEWS, "#009E73", style.SEED, "#F0E442", style.CHOSEN)
_POINTS = (style.RECORDED, style.ASK, "#555555", "#8C510A", "#999999", "#003C30", "#762A83")
_MARKERS = "osD^vPX"
_OWN = ("#CC79A7", "#882255", "#AA4499", "#661100")
_BAR_DAYS = 2.4
_STEPS, _MOST_TICKS = (1, 2, 4, 7, 14, 28), 10
"""Days between labels of the time axis."""
_SLIVER = pd.Timedelta(days=1)
_ENOUGH = 10
"""Seeds from which on a 10 % quantile lies within them."""
FLOWS = ("flow", "bought")
BESIDE = (": recorded", ": own")
ONLY_POINTS = "points: recorded, as published or of the days named; no recorded path is shipped"


def draw(
    figure: str, found: Found, run_id: str, seeds: Sequence[int], span: tuple[pd.Timestamp, pd.Timestamp]
) -> Figure:
    """One of the six figures.

    Parameters
    ----------
    figure : str
        Key of ``CHARTS``.
    found : Found
        Lines of all figures, simulated, recorded and own.
    run_id : str
    seeds : sequence of int
    span : (Timestamp, Timestamp)
        First and last moment of the runs, UTC.
    """
    chart = CHARTS[figure]
    window = (span[0] - pd.Timedelta(days=chart.before), span[1] + pd.Timedelta(days=chart.after))
    mine = [line for line in found.lines if line.figure == figure]
    with style.rc():
        drawn = style.new_figure(3.1 * len(chart.panels) + 1.5)
        panels = drawn.subplots(len(chart.panels), 1, squeeze=False)[:, 0]
        for axes, (name, panel) in zip(panels, chart.panels.items(), strict=True):
            lines = [line for line in mine if line.panel == name]
            axes.set_title(panel.title)
            axes.set_ylabel(panel.unit)
            hidden = _draw_lines(axes, lines, window)
            _finish(axes, lines, panel.log, span, window)
            said = [text for of, where, text in found.said if (of, where) == (figure, name) and _is_short(text)]
            _say(axes, said + _said_of(lines, hidden, span))
        panels[-1].set_xlabel(f"UTC; shade: the days of the run, {span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M}")
        drawn.suptitle(chart.heading, x=0.01, ha="left", fontsize=12)
        style.footnote(drawn, run_id, seeds, _under(mine, len(seeds), window))
    return drawn


def sources(figure: str, found: Found) -> str:
    """Where the recorded and own series of a figure are from, in one sentence each."""
    told = [f"{line.series}: {line.source}{f' ({line.grade})' if line.grade else ''}" for line in found.lines
            if line.figure == figure and line.kind in ("recorded", "own")]  # fmt: skip
    return ". ".join(dict.fromkeys(told))


def _is_short(text: str) -> bool:
    return not text.startswith("Recorded: ")


def _draw_lines(axes: Axes, lines: Sequence[Line], window: tuple[pd.Timestamp, pd.Timestamp]) -> int:
    """Draw every line of a panel; returns how many recorded or own values lie outside the window."""
    hidden = 0
    for k, line in enumerate([line for line in lines if line.kind in ("simulated", "input")]):
        _draw_simulated(axes, line, _LINES[k % len(_LINES)])
    for kind, colors in (("recorded", _POINTS), ("own", _OWN)):
        for k, line in enumerate([line for line in lines if line.kind == kind]):
            inside = np.asarray((line.time >= window[0]) & (line.time <= window[1]))
            hidden += int((~inside).sum())
            if inside.any():
                _draw_points(axes, line, inside, colors[k % len(colors)], _MARKERS[k % len(_MARKERS)])
    return hidden


def _draw_simulated(axes: Axes, line: Line, color: str) -> None:
    """A path with its band, or a bar a week with its whiskers."""
    low, middle, high = seed_band(line.values)
    time = _days(line.time)
    many = line.values.shape[0] > 1
    label = f"{line.series}: {'simulated' if line.kind == 'simulated' else 'input of the run'}"
    if line.joined:
        if many:
            axes.fill_between(time, low, high, color=color, alpha=0.25, linewidth=0)
        axes.plot(
            time, middle, color=color, linewidth=1.2, label=label, linestyle="--" if line.kind == "input" else "-"
        )
    elif line.panel == "price":  # a price that was paid in some weeks
        axes.plot(time, middle, "_", color=style.CHOSEN, markersize=14, markeredgewidth=2.2, label=label)
        if many:
            axes.vlines(time, low, high, color=style.CHOSEN, linewidth=1.2)
    else:
        axes.bar(time, middle, width=_BAR_DAYS, color=color, alpha=0.75, label=label)
        if many:
            axes.vlines(time, low, high, color="#000000", linewidth=1.2)


def _draw_points(axes: Axes, line: Line, inside: np.ndarray, color: str, marker: str) -> None:
    time = _days(line.time[inside])
    values = line.values[0][inside]
    label = f"{line.series}: {line.kind}"
    if line.kind == "own" and len(values) > 60:
        axes.plot(time, values, color=color, linewidth=1.0, linestyle=":", label=label)
        return
    axes.plot(time, values, marker, color=color, markersize=5, linestyle="none", label=label,
              markeredgecolor="white", markeredgewidth=0.5, zorder=4)  # fmt: skip
    for t, value, bound in zip(time, values, np.array(line.bound)[inside], strict=True):
        if bound:
            sign = "≤" if bound == "at most" else "≥"
            axes.annotate(sign, (t, value), (4, 3), textcoords="offset points", color=color, fontsize=10)


def _finish(
    axes: Axes, lines: Sequence[Line], log: bool, span: tuple[pd.Timestamp, pd.Timestamp],
    window: tuple[pd.Timestamp, pd.Timestamp],
) -> None:  # fmt: skip
    """Axes in days of UTC, the run's own days shaded, the legend beside."""
    ends = _days(pd.DatetimeIndex(window)).tolist()
    axes.axvspan(*_days(pd.DatetimeIndex(span)).tolist(), color=style.SIMULATED, alpha=0.05, linewidth=0)
    axes.set_xlim(*ends)
    step = next((days for days in _STEPS if ends[1] - ends[0] <= _MOST_TICKS * days), _STEPS[-1])
    ticks = np.arange(np.ceil(ends[0]), ends[1], step)
    axes.set_xticks(ticks, [f"{pd.Timestamp(0) + pd.Timedelta(days=day):%d %b}" for day in ticks])
    if log and _positive(lines):
        axes.set_yscale("log")
        _widen(axes)
        style.plain_log(axes)
    else:
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.6g}")
        if any(line.panel in FLOWS for line in lines):
            axes.axhline(0.0, color="#444444", linewidth=0.8)
    handles = sorted(zip(*axes.get_legend_handles_labels(), strict=True), key=lambda pair: pair[1].endswith(BESIDE))
    if handles:
        axes.legend(
            *zip(*handles, strict=True), loc="upper left", bbox_to_anchor=(1.005, 1.0), borderaxespad=0.0, fontsize=8
        )


def _days(time: pd.DatetimeIndex) -> Floats:
    """Moments as matplotlib counts them: days since 1970, UTC."""
    return np.asarray((time.tz_localize(None) - pd.Timestamp(0)) / pd.Timedelta(days=1), np.float64)


def _positive(lines: Sequence[Line]) -> bool:
    values = np.concatenate([line.values[np.isfinite(line.values)] for line in lines] or [np.empty(0)])
    return values.size > 0 and float(values.min()) > 0.0


def _widen(axes: Axes) -> None:
    """At least a decade of a logarithmic axis, so that its labels say something."""
    low, high = axes.get_ylim()
    if high / low < 10.0:
        middle = float(np.sqrt(low * high))
        axes.set_ylim(middle / 3.3, middle * 3.3)


def _said_of(lines: Sequence[Line], hidden: int, span: tuple[pd.Timestamp, pd.Timestamp]) -> list[str]:
    said = []
    if hidden:
        said.append(
            f"{hidden} recorded or own value{'s lie' if hidden > 1 else ' lies'} outside the days shown (see the table)"
        )
    if not any(line.kind in ("recorded", "own") for line in lines):
        said.append("Nothing is recorded for this panel")
    if span[1] - span[0] < _SLIVER:
        said.append(
            f"The run lasts {duration((span[1] - span[0]).total_seconds())}: its path is a sliver among these days"
        )
    return said


def _say(axes: Axes, said: Sequence[str]) -> None:
    """Sentences under the title of a panel, where they hide nothing."""
    if said:
        text = "\n".join(textwrap.fill(f"· {sentence}", 88) for sentence in said)
        axes.set_title(f"{axes.get_title(loc='left')}\n{text}", fontsize=9, color="#222222")


def _under(lines: Sequence[Line], n: int, window: tuple[pd.Timestamp, pd.Timestamp]) -> str:
    """What is drawn, and where the points that are seen come from."""
    seen = [
        line
        for line in lines
        if line.kind == "recorded" and ((line.time >= window[0]) & (line.time <= window[1])).any()
    ]
    band = "10-90 % over seeds" if n >= _ENOUGH else "lowest and highest seed (fewer than ten: no quantiles)"
    what = f"lines and bars: median, shade and thin lines: {band}" if n > 1 else "lines and bars: the seed"
    parts = [what]
    if seen:
        parts.append(ONLY_POINTS)
        each = dict.fromkeys(part for line in seen for part in line.source.split("; "))
        grades = "".join(sorted({grade for line in seen for grade in line.grade}))
        parts.append(f"sources (grades {grades}): {'; '.join(each)}")
    return "\n".join(line for part in parts for line in textwrap.wrap(part, 150))
