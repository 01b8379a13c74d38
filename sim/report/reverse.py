"""Figure and words of ``shoal reverse``."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray
from scipy.special import ndtr

from sim.report import style
from sim.report.one_table import text_rows
from sim.reverse.search import Answer
from sim.reverse.tables import frame, highest, quantity, rule_words

Floats = NDArray[np.float64]

_GRID = 61
_MARKS = "*Pds^v"


def figure(answer: Answer) -> Figure | None:
    """The map of the margin with the smallest changes and the rule; with one input the shares along it."""
    run_id = answer.folder.name.rpartition("-")[2]
    with style.rc():
        if len(answer.space.factors) == 1:
            drawn, n = _along(answer)
            what = (
                f"{answer.question.scenario}; points: share of fresh seeds; line and shade: where half of them do, 95 %"
            )
            style.footnote(drawn, run_id, range(1, n + 1), what)
            return drawn
        elif answer.emulator is None:
            return None
        else:
            drawn, what = _map(answer), "colour: emulated share of seeds; circles: points run; stars: smallest changes"
        style.footnote(drawn, run_id, range(1, answer.question.seeds + 1), what)
    return drawn


def _along(answer: Answer) -> tuple[Figure, int]:
    """Shares along the only input, and how many fresh seeds ran in all."""
    drawn = style.new_figure(4.2)
    axes = drawn.subplots()
    factor, space, total = answer.space.factors[0], answer.space, 0
    percent = factor.unit.startswith("fraction")
    times = 100.0 if percent else 1.0
    for breach in answer.breaches:
        x = times * np.array([space.values(breach.direction * t)[0] for t, _, _ in breach.at.shares])
        share = np.array([hits / runs for _, hits, runs in breach.at.shares if runs])
        runs = np.array([n for _, _, n in breach.at.shares])
        axes.scatter(x[runs > 0], 100.0 * share, s=10.0 + 0.3 * runs[runs > 0], color=style.SIMULATED)
        ends = [
            times * space.values(breach.direction * t)[0] for t in (breach.at.low, breach.at.high) if math.isfinite(t)
        ]
        if len(ends) == 2:
            axes.axvspan(*ends, color=style.FORCED_SELL, alpha=0.3, linewidth=0)
        found = times * breach.values[0]
        axes.axvline(
            found, color=style.FORCED_SELL, label=f"{quantity(breach.values[0], factor.unit)}: half of the seeds"
        )
        last = breach.share
        if last.n:
            reach = 100.0 * np.array([[last.share - last.low], [last.high - last.share]])
            axes.errorbar(found, 100.0 * last.share, yerr=reach, fmt="D", color=style.CHOSEN, capsize=3, zorder=4,
                          label=f"last look: {100.0 * last.share:.0f} % of {last.n} further seeds")  # fmt: skip
        total += int(runs.sum()) + last.n
    axes.axhline(50.0, color="#888888", linewidth=0.8, linestyle=":")
    if answer.breaches:
        axes.legend(loc="lower right")
    axes.set_ylim(-3.0, 103.0)
    axes.set_xlabel(f"{factor.name}, %" if percent else _label(answer, 0))
    axes.set_ylabel("share of seeds, %")
    axes.set_title(answer.outcome.said)
    return drawn, max(total, answer.question.seeds)


def _map(answer: Answer) -> Figure:
    """Over the two inputs that the shortest breach moves most; the others as they are there."""
    space, one = answer.space, answer.emulator
    assert one is not None
    if answer.breaches:
        change = space.lengths(answer.breaches[0].values)
        i, j = sorted(np.argsort(-np.abs(change), kind="stable")[:2])
    else:
        change, i, j = space.lengths(highest(answer)[1]), 0, 1
    low, high = space.ends
    x, y = np.linspace(low[i], high[i], _GRID), np.linspace(low[j], high[j], _GRID)
    at = np.tile(change, (_GRID * _GRID, 1))
    at[:, i], at[:, j] = np.repeat(x, _GRID), np.tile(y, _GRID)
    share = 100.0 * ndtr(one(space.cube(at))).reshape(_GRID, _GRID).T
    drawn = style.new_figure(5.4)
    axes = drawn.subplots()
    xs, ys = _axis(answer, i, x), _axis(answer, j, y)
    mesh = axes.pcolormesh(xs, ys, share, cmap="viridis", vmin=0.0, vmax=100.0, shading="nearest", rasterized=True)
    if share.min() < 50.0 < share.max():
        axes.contour(xs, ys, share, levels=[50.0], colors=[style.FORCED_SELL], linewidths=2.0)
    _points(answer, axes, int(i), int(j))
    _box(answer, axes, int(i), int(j))
    axes.plot(*(_axis(answer, k, np.zeros(1)) for k in (i, j)), marker="o", color="white", markeredgecolor="black",
              linestyle="none", label="as the scenario stands")  # fmt: skip
    for n, breach in enumerate(answer.breaches):
        axes.plot(breach.values[i], breach.values[j], marker=_MARKS[n % 6], color=style.FORCED_SELL, markersize=14,
                  markeredgecolor="white", linestyle="none",
                  label=f"{n + 1}: length {breach.at.length:.3g}, share {100 * breach.share.share:.0f} %")  # fmt: skip
    for k, axis, set_scale in ((i, axes.xaxis, axes.set_xscale), (j, axes.yaxis, axes.set_yscale)):
        if space.factors[k].log:
            set_scale("log")
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
            axis.set_major_formatter(lambda v, _: f"{v:g}")
            axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(_label(answer, int(i)))
    axes.set_ylabel(_label(answer, int(j)))
    rest = [f.name for k, f in enumerate(space.factors) if k not in (i, j)]
    axes.set_title(f"{answer.outcome.said}{f'; {", ".join(rest)} as at breach 1' if rest else ''}")
    axes.grid(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.05), ncols=3, borderaxespad=0.0)
    drawn.colorbar(mesh, ax=axes).set_label("emulated share of seeds, %")
    return drawn


def _axis(answer: Answer, k: int, lengths: Floats) -> Floats:
    factor, scale = answer.space.factors[k], answer.space.scales[k]
    return factor.now * np.exp(scale * lengths) if factor.log else factor.now + scale * lengths


def _points(answer: Answer, axes: Axes, i: int, j: int) -> None:
    known = [(point, hits / runs) for point, (hits, runs) in answer.shares.items() if runs]
    axes.scatter([p[i] for p, _ in known], [p[j] for p, _ in known], c=[100.0 * s for _, s in known], cmap="viridis",
                 vmin=0.0, vmax=100.0, s=28, edgecolors="white", linewidths=0.7, zorder=3)  # fmt: skip


def _box(answer: Answer, axes: Axes, i: int, j: int) -> None:
    if answer.box is None:
        return
    low, high = (answer.space.from_cube(end) for end in (answer.box.low, answer.box.high))
    corners = [[float(_axis(answer, k, np.array([end[k]]))[0]) for k in (i, j)] for end in (low, high)]
    width, height = corners[1][0] - corners[0][0], corners[1][1] - corners[0][1]
    patch = Rectangle((corners[0][0], corners[0][1]), width, height, fill=False, edgecolor=style.CHOSEN, linewidth=2.0,
                      linestyle="--", label="rule")  # fmt: skip
    axes.add_patch(patch)


def _label(answer: Answer, k: int) -> str:
    factor = answer.space.factors[k]
    unit = f", {factor.unit}" if factor.unit else ""
    return f"{factor.name}{unit}"


def text(answer: Answer) -> str:
    """The answer for a terminal."""
    factors = answer.space.factors
    lines = [f"{answer.question.scenario}: {answer.outcome.said}, for at least half of the seeds"]
    for k, breach in enumerate(answer.breaches, 1):
        moved = ", ".join(
            f"{f.name} {quantity(f.now, f.unit)} -> {quantity(v, f.unit)}"
            for f, v in zip(factors, breach.values, strict=True)
        )
        share, ends = 100.0 * breach.share.share, (100.0 * breach.share.low, 100.0 * breach.share.high)
        said = "holds" if breach.holds else "does NOT hold: it is not within 0.1 of one half"
        lines.append(f"{k}. length {breach.at.length:.4g} [{breach.at.low:.4g}, {breach.at.high:.4g}]: {moved}")
        lines.append(
            f"   {share:.0f} % [{ends[0]:.0f}, {ends[1]:.0f}] of {breach.share.n} fresh seeds: {said}"
            + ("" if breach.at.settled else "; the interval is wider than asked (--most-seeds)")
        )
    if not answer.breaches:
        share, point = highest(answer)
        there = ", ".join(f"{f.name} {quantity(v, f.unit)}" for f, v in zip(factors, point, strict=True))
        most = "" if len(factors) == 1 else f"; most at {there}: {100 * share:.0f} % of the seeds"
        lines.append(f"nothing within these ranges makes it even{most}")
    if words := rule_words(answer):
        box = answer.box
        assert box is not None
        lines.append(
            f"rule: {words}; {100 * box.density:.0f} % of the design's seeds in it, "
            f"{100 * box.coverage:.0f} % of all that have the outcome"
        )
    if answer.emulator is not None:
        lines.append(f"the emulator predicts {100 * answer.explained:.0f} % of the variance of margins left out")
    shown = ("kind", "number", "factor", "unit", "now", "to", "low", "high", "change")
    return "\n".join([*lines, "", *text_rows(frame(answer), shown)])
