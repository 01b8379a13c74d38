"""A haircut in words, a table and a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sim.metrics import tail
from sim.report import style
from sim.report.risk_words import notes, table_lines, write_answer
from sim.risk.haircut import MULTIPLES, Haircut, shares_lost


def text(found: Haircut) -> str:
    """The answer as text for a terminal."""
    head = (
        f"{found.asset}, sold in the {found.book} book of {found.listing or found.scenario.spec.venue}: haircut that "
        f"covers {100 * found.confidence:g} % of seeds over {found.horizon_s:g} s of {found.scenario.spec.name}"
    )
    said = notes(len(found.seeds), int(found.runs.attrs.get("missing", 0)))
    return "\n".join([head, *table_lines(found.rows), *(f"note: {note}" for note in said)])


def figure(found: Haircut) -> Figure:
    """Haircut over size, each seed and the quantile with its interval; the fall alone below."""
    sizes = found.size_usd * np.array(MULTIPLES)
    lost = 100.0 * np.array([shares_lost(found.runs, float(size))[0] for size in sizes])
    ends = [tail.quantile(row, found.confidence) for row in lost]
    with style.rc():
        drawn = style.new_figure(4.6)
        axes = drawn.subplots()
        axes.plot(sizes, lost, color=style.SEED, linewidth=0.6, alpha=0.6)
        axes.plot([], [], color=style.SEED, linewidth=0.6, label="each seed")
        middle, low, high = (np.array([e[k] for e in ends]) for k in range(3))
        axes.plot(
            sizes, middle, "o-", color=style.SIMULATED, label=f"haircut, {100 * found.confidence:g} % of seeds within"
        )
        highest = 1.1 * float(lost.max())
        for x, a, b in zip(sizes, low, high, strict=True):
            top = b if np.isfinite(b) else highest
            axes.plot(
                [x, x],
                [max(a, 0.0), top],
                color=style.SIMULATED,
                linewidth=1.0,
                linestyle="-" if np.isfinite(b) else ":",
            )
        fall = tail.quantile(100.0 * found.runs["book.fall"].to_numpy(dtype=np.float64), found.confidence).value
        axes.axhline(fall, color=style.RECORDED, linewidth=1.0, label="fall of the mid alone")
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"${s / 1e6:g}m" for s in sizes])
        axes.minorticks_off()
        axes.set_xlabel("size")
        axes.set_ylabel("% of value")
        axes.set_title(
            f"{found.asset}: fall within {found.horizon_s:g} s and sale of the size; bars 95 %, dotted: unbounded"
        )
        axes.legend(loc="best")
        style.footnote(drawn, found.folder.name[-12:], list(found.seeds), found.scenario.spec.name)
    return drawn


def save(found: Haircut, out: Path) -> Path:
    """Write ``haircut.parquet``, ``.csv``, ``.units.csv``, ``.svg``, ``.png`` and ``.txt``; returns the folder."""
    return write_answer(out, "haircut", found.table, found.folder.name, figure(found), text(found))
