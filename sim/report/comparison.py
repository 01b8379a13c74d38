"""A comparison of two scenarios in words, tables and figures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.experiments.compare import COLUMNS, Comparison
from sim.metrics.amplification import CUT
from sim.metrics.paired import FEWEST_FOR_MEAN, Pair
from sim.report import style, words
from sim.report.figures import MEDIAN_BAND, draw_band

Floats = NDArray[np.float64]

A_COLOUR, B_COLOUR = style.RECORDED, style.FORCED_SELL
FEWEST_SEEDS = 30
"""Fewer seeds than this are said to be few (QUALITY 5)."""
_FEW_FLIPS = 10
_ROW_IN, _LINEAR_TO = 0.30, 3.0
_TICKS = (-1000, -300, -100, -30, -10, -3, -2, -1, 0, 1, 2, 3, 10, 30, 100, 300, 1000)


def changed(found: Comparison) -> list[str]:
    """Numbers that are not the same in every seed and can be told."""
    return [name for name, p in found.pairs.items() if p.n and not p.same]


def settings(found: Comparison) -> list[str]:
    """Lines that say in what the two scenarios differ: path, value of a, value of b, with units."""
    return [
        f"{d.path}: {words.setting_text(d.a, d.unit)} -> {words.setting_text(d.b, d.unit)}" for d in found.differences
    ]


def text(found: Comparison) -> str:
    """The whole comparison as text for a terminal."""
    a, b = found.a.spec, found.b.spec
    lines = [f"A: {words.plain_text(a.title)} ({a.name})", f"B: {words.plain_text(b.title)} ({b.name})"]
    differing = settings(found)
    lines += ["in which they differ, A -> B:" if differing else "they differ in nothing but their names"]
    lines += [f"  {line}" for line in differing]
    lines += ["", f"{_seeds(found)}, the same in both; scenario outcomes given this model, not a forecast"]
    lines += _rows(found)
    if same := [name for name, p in found.pairs.items() if p.same]:
        lines.append(f"the same in every seed: {', '.join(same)}")
    if unknown := [name for name, p in found.pairs.items() if not p.n and not p.same]:
        lines.append(f"no seed has it under both: {', '.join(unknown)}")
    lines += ["", cascades(found), *(f"note: {note}" for note in notes(found))]
    return "\n".join(lines)


def _seeds(found: Comparison) -> str:
    return f"{len(found.seeds)} seed{'s' if len(found.seeds) > 1 else ''}"


def _rows(found: Comparison) -> list[str]:
    """Aligned table of the numbers that differ."""
    units = dict(zip(found.table["number"], found.table["unit"], strict=True))
    sides = dict(zip(found.table["number"], found.table["worse"], strict=True))
    level = f"{100 * found.level:g} %"
    head = ("number", "median A", "median B", f"B less A: mean [{level}]", f"median [{level}]", "B worse in", "pairing")
    rows = [head] + [_cells(name, units[name], sides[name], found.pairs[name]) for name in changed(found)]
    wide = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows]


def _cells(name: str, unit: str, worse: str, p: Pair) -> tuple[str, ...]:
    share = {"lower": p.lower, "higher": p.higher}.get(worse)
    return (
        name, words.amount(p.median_a, unit), words.amount(p.median_b, unit), interval(p.mean, p.low, p.high, unit),
        interval(p.median.median, p.median.low, p.median.high, unit),
        f"{share.n_hit} of {share.n}" if share is not None else "-", ratio(p.variance_ratio),
    )  # fmt: skip


def interval(middle: float, low: float, high: float, unit: str) -> str:
    """A number with its interval; the number alone where there are too few seeds for one."""
    if np.isnan(middle):
        return "-"
    if np.isnan(low):
        return _mean(middle, unit)
    return f"{_mean(middle, unit)} [{_mean(low, unit)}, {_mean(high, unit)}]"


def _mean(value: float, unit: str) -> str:
    """Amount of a mean: of things that are counted it is no whole number."""
    counted = unit in ("accounts", "messages", "fills", "count")
    return f"{value:.3g}" if counted and abs(value) < 1000.0 else words.amount(value, unit)


def ratio(value: float) -> str:
    """Write a variance ratio: "x12", "x0.9"; "exact" where the difference is the same in every seed."""
    return "-" if np.isnan(value) else "exact" if np.isinf(value) else f"x{value:.3g}"


def cascades(found: Comparison) -> str:
    """Sentence on the seeds that cascade, and on those that go over."""
    f = found.flips
    over = [f"{len(seeds)} {way}{_named(seeds)}" for way, seeds in (("into", f.into), ("out of", f.out_of)) if seeds]
    ends = (f"{s.n_hit} of {s.n} [{100 * s.low:.3g}, {100 * s.high:.3g} %]" for s in (f.share_a, f.share_b))
    a, b = ends
    moved = f"go over from A to B: {', '.join(over)} a cascade" if over else "none goes over"
    return (
        f"seeds that cascade (second-round forced above {100 * CUT:g} % of open interest), Wilson 95 %: "
        f"A {a}, B {b}; {moved}"
    )


def _named(seeds: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, seeds[:8]))
    return f" (seed{'s' if len(seeds) > 1 else ''} {shown}{', ...' if len(seeds) > 8 else ''})"


def notes(found: Comparison) -> list[str]:
    """What a reader must know before the intervals are quoted."""
    a, b, f = found.a.spec, found.b.spec, found.flips
    said = []
    if found.points[0] == found.points[1]:
        said.append("A and B are one scenario: every difference is 0")
    if (a.duration, a.start_utc) != (b.duration, b.start_utc):
        said.append("A and B differ in start or duration: numbers summed over the run are over different times")
    if len(found.seeds) < FEWEST_SEEDS:
        said.append(f"fewer than {FEWEST_SEEDS} seeds: --seeds 32 makes only the runs that are missing")
    if found.failed:
        said.append(f"{found.failed} runs failed; their seeds are left out")
    if any(0 < s.n_hit < s.n for s in (f.share_a, f.share_b)):
        said.append("some seeds cascade and some do not: a mean over both kinds describes neither, read the medians")
    if 0 < len(f.into) + len(f.out_of) < _FEW_FLIPS:
        said.append(
            f"fewer than {_FEW_FLIPS} seeds go over: means rest on those few, and their intervals are too narrow"
        )
    if dark := [n for n in changed(found) if np.isnan(found.pairs[n].low) and found.pairs[n].n >= FEWEST_FOR_MEAN]:
        said.append(f"too few seeds differ in {', '.join(dark)}: their means have no interval")
    wide = [n for n in changed(found) if found.pairs[n].half_width > 0.1 * abs(found.pairs[n].mean)]
    if (many := len(changed(found))) > 1:
        said.append(f"half-width above 10 % of the difference in {len(wide)} of {many} numbers")
        by_chance = (1.0 - found.level) * many
        said.append(f"of {many} intervals at {100 * found.level:g} % about {by_chance:.2g} miss by chance")
    if found.target is not None:
        said.append(_target(found, *found.target))
    return said


def _target(found: Comparison, name: str, wanted: float) -> str:
    unit = dict(zip(found.table["number"], found.table["unit"], strict=True))[name]
    have = words.amount(found.pairs[name].half_width, unit)
    if not found.reached:
        return f"half-width of {name}: {have} after {_seeds(found)}, {words.amount(wanted, unit)} was not reached"
    return (
        f"half-width of {name}: {have}, asked {words.amount(wanted, unit)}. Seeds were added until it was reached, so "
        "the interval covers a little less than it says"
    )


def differences_figure(found: Comparison) -> Figure:
    """Each seed's difference as a dot, the mean with its interval, numbers grouped by unit and standardised."""
    units = dict(zip(found.table["number"], found.table["unit"], strict=True))
    names = sorted(changed(found), key=lambda name: list(dict.fromkeys(units.values())).index(units[name]))
    with style.rc():
        figure = style.new_figure(1.5 + _ROW_IN * max(3, len(names)))
        axes = figure.subplots()
        for row, name in enumerate(names):
            _draw_number(axes, found, name, units[name], row)
        axes.axvline(0.0, color="#444444", linewidth=0.8)
        axes.set_xscale("symlog", linthresh=_LINEAR_TO)
        axes.set_xticks(_TICKS, [f"{v:g}" for v in _TICKS])
        axes.set_xlim(*_reach(found, names))
        axes.set_yticks(range(len(names)), [f"{name} [{units[name] or '-'}]" for name in names])
        axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(
            "B less A over the standard deviation of that difference between seeds; "
            f"linear to {_LINEAR_TO:g}, logarithmic beyond"
        )
        axes.set_title(
            "Each seed of B less the same seed of A (dots); mean with its interval (bar, and right, in its unit)"
        )
        if not names:
            axes.set_title("A and B are the same in every seed")
        style.footnote(figure, found.folder.name[-12:], list(found.seeds), _what(found))
    return figure


def _reach(found: Comparison, names: list[str]) -> tuple[float, float]:
    """Ends of the axis of standardised differences."""
    ends = [0.0]
    for name in names:
        gap = _gaps(found, name)
        ends += [] if not gap.std() > 0.0 else [float(gap.min() / gap.std()), float(gap.max() / gap.std())]
    low, high = min(ends), max(ends)
    return min(-1.0, 1.3 * low), max(1.0, 1.3 * high)


def _gaps(found: Comparison, name: str) -> Floats:
    a, b = (found.column(point, name) for point in found.points)
    return np.asarray((b - a)[np.isfinite(a) & np.isfinite(b)])


def _draw_number(axes: Axes, found: Comparison, name: str, unit: str, row: int) -> None:
    p = found.pairs[name]
    gap = _gaps(found, name)
    spread = float(np.std(gap))
    if spread > 0.0:
        up = 0.22 * np.sin(np.arange(gap.size) * 2.4)  # set apart, the same each time
        axes.plot(gap / spread, row + up, ".", color=style.SEED, markersize=4, alpha=0.7, markeredgewidth=0)
        axes.plot(np.array([p.low, p.high]) / spread, [row, row], color=B_COLOUR, linewidth=2.2, solid_capstyle="butt")
        axes.plot(p.mean / spread, row, "|", color=B_COLOUR, markersize=9, markeredgewidth=1.6)
    said = interval(p.mean, p.low, p.high, unit) + ("" if spread > 0.0 else " in every seed")
    axes.text(1.01, row, said, transform=axes.get_yaxis_transform(), va="center", fontsize=8)


def labels(found: Comparison) -> tuple[str, str]:
    """Names of A and B in a legend; two of one name are told apart by the first setting in which they differ."""
    a, b = found.a.spec.name, found.b.spec.name
    if a != b or not found.differences:
        return f"A: {a}", f"B: {b}"
    first, more = found.differences[0], " ..." if len(found.differences) > 1 else ""
    ends = (words.setting_text(value, first.unit)[:30] for value in (first.a, first.b))
    one, two = (f"{a}, {first.path} {end}{more}" for end in ends)
    return f"A: {one}", f"B: {two}"


def _what(found: Comparison) -> str:
    return f"{'; '.join(labels(found))}; the same draws in both"


def paths_figure(found: Comparison) -> Figure:
    """Mark of A and of B, and below the difference of each seed in basis points, medians and 10-90 % over seeds."""
    time_s, a, b = found.paths
    with style.rc():
        figure = style.new_figure(6.4)
        top, below = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
        if time_s.size:
            for values, colour, label in zip((a, b), (A_COLOUR, B_COLOUR), labels(found), strict=True):
                draw_band(top, time_s, values, colour, label)
            draw_band(below, time_s, 1e4 * np.log(b / a), style.SIMULATED, "B less A, the same seed")
            style.utc_axis(below, found.a.spec, 0.0, float(time_s[-1]))
        top.set_title("Mark price")
        top.set_ylabel("USD per BTC")
        top.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
        below.axhline(0.0, color="#444444", linewidth=0.8)
        below.set_title("Difference of the logarithm, each seed with itself")
        below.set_ylabel("basis points")
        below.set_xlabel(f"UTC, from {found.a.spec.start_utc:%Y-%m-%d}")
        for axes in (top, below):
            axes.legend(loc="best")
        style.footnote(figure, found.folder.name[-12:], list(found.seeds), f"{_what(found)}; {MEDIAN_BAND}")
    return figure


def plain(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data: what JSON holds."""
    f = found.flips
    return {
        "a": found.a.spec.name,
        "b": found.b.spec.name,
        "points": list(found.points),
        "folder": str(found.folder),
        "seeds": list(found.seeds),
        "level": found.level,
        "differences": [d._asdict() for d in found.differences],
        "numbers": found.table.astype(object).to_dict("records"),
        "cascades": {
            "cut": CUT,
            "a": f.share_a._asdict(),
            "b": f.share_b._asdict(),
            "both": f.both,
            "neither": f.neither,
            "into": list(f.into),
            "out_of": list(f.out_of),
        },
        "failed": found.failed,
        "half_width_reached": found.reached,
        "notes": notes(found),
    }


def save(found: Comparison, out: Path) -> Path:
    """Write the table of differences (Parquet, CSV, units, LaTeX, JSON), that of the runs, and both figures.

    Parameters
    ----------
    found : Comparison
    out : Path
        Folder; made when missing, files of an earlier comparison are replaced.
    """
    from sim.experiments.export import SHOWN, escaped, export, latex_table, units_csv
    from sim.experiments.store import write_whole
    from sim.results.storage import csv_bytes, json_bytes, parquet_bytes

    out.mkdir(parents=True, exist_ok=True)
    table, name = found.table, found.folder.name[-12:]
    units = dict(zip(table["number"], table["unit"], strict=True))
    sides = dict(zip(table["number"], table["worse"], strict=True))
    heads = ("number", "A", "B", "B less A", "median", "B worse", "pairing")
    rows = [[escaped(c) for c in _cells(n, units[n], sides[n], found.pairs[n])] for n in changed(found)]
    said = f"comparison {name}, {_seeds(found)}: medians, paired differences with {100 * found.level:g} % intervals"
    files = {
        "differences.parquet": parquet_bytes(table, name, COLUMNS),
        "differences.csv": csv_bytes(table),
        "differences.units.csv": units_csv(table, COLUMNS),
        "differences.tex": latex_table(said, "llllllr", heads, rows).encode(),
        "comparison.json": json_bytes(plain(found)),
        "comparison.txt": (text(found) + "\n").encode(),
    }
    for kind in ("differences", "paths"):
        figure = found.plot(kind)
        files[f"{kind}.svg"] = style.svg_bytes(figure, f"{name}-{kind}")
        files[f"{kind}.png"] = png_bytes(figure)
    for file, data in files.items():
        write_whole(out / file, data)
    export(found.folder, out, SHOWN)
    return out


def png_bytes(figure: Figure) -> bytes:
    """Figure as PNG without date or name of the program."""
    buffer = io.BytesIO()
    with style.rc():
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
