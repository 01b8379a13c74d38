"""The evidence for one verdict as a figure: share of seeds as they came in, and the measure over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.experiments.check_tables import running
from sim.metrics.sequential import FAIL, PASS
from sim.report import style
from sim.report.assumption_words import limit_text, statement

if TYPE_CHECKING:
    from sim.experiments.check import Verdict

Floats = NDArray[np.float64]

COLORS = {PASS: "#009E73", FAIL: "#D55E00"}
_OTHER = "#777777"


def evidence_figure(verdict: Verdict, run_id: str) -> Figure:
    """Two panels: running share with its confidence sequence against the share asked; every seed against the limit."""
    with style.rc():
        figure = style.new_figure(3.9)
        left, right = figure.subplots(1, 2)
        figure.suptitle(f"{verdict.verdict.upper()}: {statement(verdict.about)}", fontsize=9.5, x=0.01, ha="left")
        _share(left, verdict)
        _measure(right, verdict)
        seeds = range(1, len(verdict.values) + 1) or (0,)
        style.footnote(figure, run_id, seeds, f"assumption {verdict.name}; depth data of {verdict.about.as_of}")
    return figure


def _share(axes: Axes, verdict: Verdict) -> None:
    one, d = verdict.about, verdict.decision
    share, low, high = (100.0 * path for path in running(verdict))
    n = np.arange(1, share.size + 1)
    axes.fill_between(n, low, high, color=style.SIMULATED, alpha=0.18, linewidth=0, step="mid",
                      label=f"confidence sequence, {100 * one.confidence:.4g} % at each end")  # fmt: skip
    axes.plot(n, share, color=style.SIMULATED, label="share within the limit so far", drawstyle="steps-mid")
    axes.axhline(100.0 * one.least, color="#000000", linewidth=1.0, linestyle="--", label="share asked")
    if verdict.verdict in COLORS:
        axes.axvline(d.n, color=COLORS[verdict.verdict], linewidth=1.2, label=f"{verdict.verdict} at seed {d.n}")
    bottom = min(100.0 * one.least, float(low[-1]) if low.size else 0.0)
    axes.set_ylim(max(-2.0, bottom - 12.0), 102.0)
    axes.set_xlim(0.5, max(share.size, 2) + 0.5)
    axes.set_xlabel("seeds, in order")
    axes.set_ylabel("seeds within the limit, %")
    axes.legend(loc="best", fontsize=8)


def _measure(axes: Axes, verdict: Verdict) -> None:
    """Each seed a mark, sorted: how many seeds lie at or below a value."""
    one = verdict.about
    scale, unit = _unit(verdict)
    values = np.array(verdict.values, dtype=np.float64)
    within = np.array([{True: 1, False: 0, None: 2}[w] for w in verdict.within])
    known = np.isfinite(values)
    order = np.argsort(values[known], kind="stable")
    x, kind = values[known][order] / scale, within[known][order]
    y = 100.0 * np.arange(1, x.size + 1) / max(values.size, 1)
    looks: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (1, "within", {"color": COLORS[PASS], "marker": "o"}),
        (0, "beyond", {"color": COLORS[FAIL], "marker": "x"}),
        (2, "open: the model cannot say", {"color": _OTHER, "marker": "s", "facecolors": "none"}),
    )
    for code, word, look in looks:
        if (kind == code).any():
            axes.scatter(x[kind == code], y[kind == code], s=16, linewidths=1.0, label=word, **look)
    axes.axvline(one.limit / scale, color="#000000", linewidth=1.0, linestyle="--", label=f"limit {limit_text(one)}")
    missing = int((~known).sum())
    if missing:
        never = {"exit_cost": "not filled", "recovery": "not back at the end"}.get(one.test.kind, "no value")
        axes.annotate(f"{missing} seeds: {never}", (0.98, 0.04), xycoords="axes fraction", ha="right", fontsize=8)
    axes.set_ylim(0.0, 104.0)
    axes.set_xlabel(f"{one.test.what}, {unit}")
    axes.set_ylabel("seeds at or below, %")
    axes.legend(loc="best", fontsize=8)


def _unit(verdict: Verdict) -> tuple[float, str]:
    """Divisor and unit in which a measure is drawn."""
    one = verdict.about
    finite = [abs(v) for v in (*verdict.values, one.limit) if np.isfinite(v)]
    if one.test.kind == "exit_cost":
        return 1e-4, "bp"
    if one.test.unit == "fraction":
        return 0.01, "%"
    if one.test.unit == "s":
        return (60.0, "min") if max(finite, default=0.0) >= 300.0 else (1.0, "s")
    divisor, word = style.scale(np.array(finite))
    return divisor, f"{word}{one.test.unit}"
