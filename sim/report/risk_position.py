"""The answer about one position in words, a table and a figure."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.report import style
from sim.report.risk_words import notes, table_lines, write_answer
from sim.risk.position import PositionRisk


def text(found: PositionRisk) -> str:
    """The answer as text for a terminal."""
    line = found.line
    word = "long" if line.side > 0 else "short"
    head = f"{word} of ${line.usd:,.0f} on {line.venue}, leverage {line.leverage:g}, in {found.scenario.spec.name}"
    said = notes(len(found.seeds), int(found.runs.attrs.get("missing", 0)))
    return "\n".join([head, *table_lines(found.rows), *(f"note: {note}" for note in said)])


def figure(found: PositionRisk) -> Figure:
    """Left: loss of the account by seed. Right: what leaving costs, measured and by Almgren and Chriss."""
    with style.rc():
        drawn = style.new_figure(4.6)
        left, right = drawn.subplots(1, 2)
        _losses(left, found)
        _exits(right, found)
        style.footnote(drawn, found.folder.name[-12:], list(found.seeds), f"{found.scenario.spec.name}")
    return drawn


def _losses(axes: Axes, found: PositionRisk) -> None:
    loss = found.runs["line.position.loss"].to_numpy(dtype=np.float64) / found.line.collateral
    forced = np.isfinite(found.runs["line.position.forced_s"].to_numpy(dtype=np.float64))
    order = np.argsort(loss)
    share = (np.arange(loss.size) + 0.5) / loss.size
    for mask, colour, label in ((~forced, style.SIMULATED, "kept"), (forced, style.FORCED_SELL, "liquidated")):
        at = mask[order]
        if at.any():
            axes.plot(100 * loss[order][at], share[at], "o", color=colour, markersize=4, label=label)
    axes.set_xlabel("loss of the account, % of its margin")
    axes.set_ylabel("share of seeds with less")
    axes.set_ylim(0.0, 1.0)
    axes.set_title("Loss at the end, one dot a seed")
    axes.legend(loc="best")


def _exits(axes: Axes, found: PositionRisk) -> None:
    axes.set_title("Leaving over a time: mean cost and its deviation")
    axes.set_xlabel("deviation of the cost, % of the notional")
    axes.set_ylabel("mean cost, % of the notional")
    if not found.sales:
        axes.text(0.5, 0.5, "no sales were run", transform=axes.transAxes, ha="center")
        return
    curve = 100.0 * found.frontier()
    if curve.size:
        longest = f"best trajectories over {found.sales[-1].over_s:g} s (Almgren, Chriss)"
        axes.plot(curve[:, 0], curve[:, 1], color=style.RECORDED, linewidth=1.2, label=longest)
    values = {(row.item, row.quantity): row.value for row in found.rows}
    for k, sale in enumerate(found.sales):
        x, y = 100.0 * sale.deviation, 100.0 * sale.cost.value
        if not math.isfinite(y):
            continue
        ends = [sale.cost.value - sale.cost.low, sale.cost.high - sale.cost.value]
        bars = [[100.0 * v] if math.isfinite(v) else [0.0] for v in ends]
        label = "even sales in the market, 95 %" if k == 0 else None
        axes.errorbar([x], [y], yerr=bars, fmt="o", color=style.SIMULATED, label=label, capsize=3)
        axes.annotate(f"{sale.over_s:g} s", (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8)
        item = f"over {sale.over_s:g} s"
        cost, sd = (values.get((item, f"almgren_chriss_{w}"), math.nan) for w in ("cost", "deviation"))
        if math.isfinite(cost):
            scale, said = 100.0 / found.line.usd, "the same by the formula" if k == 0 else None
            axes.plot([scale * sd], [scale * cost], "x", color=style.ASK, label=said)
    axes.legend(loc="best")


def save(found: PositionRisk, out: Path) -> Path:
    """Write ``position.parquet``, ``.csv``, ``.units.csv``, ``.svg``, ``.png`` and ``.txt``; returns the folder."""
    return write_answer(out, "position", found.table, found.folder.name, figure(found), text(found))
