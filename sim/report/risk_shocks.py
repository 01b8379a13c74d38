"""Shock vectors in words, a table and a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.report import style
from sim.report.risk_words import notes
from sim.risk.factors import FACTORS
from sim.risk.shocks import CASCADE, COLUMNS, NO_CASCADE, Shocks

COLOURS = {CASCADE: style.ASK, NO_CASCADE: style.SIMULATED}
_FEW = 10


def text(found: Shocks) -> str:
    """The answer as text for a terminal: how many seeds each outcome has, and the vectors of the first listing."""
    lines = [f"{found.scenario.spec.name}: {len(found.table)} shocks from second {found.from_s:g} on"]
    first = found.table[found.table["listing"] == (found.table["listing"].iloc[0] if len(found.table) else "")]
    for outcome, seed in found.medoids.items():
        mine = first[first["outcome"] == outcome]
        lines.append(f"{outcome}: {mine['n'].max()} of {len(found.runs)} seeds, medoid seed {seed}")
        for factor in FACTORS:
            row = mine[mine["factor"] == factor]
            told = ", ".join(f"{o} {v:+.4g}" for o, v in zip(row["offset"], row["value"], strict=True))
            lines.append(f"  {factor:10} [{FACTORS[factor][0]}]  {told}")
    ends = "low and high of the table are 10 and 90 % quantiles over the outcome's seeds"
    said = notes(len(found.seeds), int(found.runs.attrs.get("missing", 0)), ends)
    said += [f"{o} rests on {n} seed{'s' if n > 1 else ''} alone" for o, n in _counts(found).items() if n < _FEW]
    return "\n".join([*lines, *(f"note: {note}" for note in said)])


def _counts(found: Shocks) -> dict[str, int]:
    return {o: int(found.table.loc[found.table["outcome"] == o, "n"].max()) for o in found.medoids}


def figure(found: Shocks) -> Figure:
    """A panel a factor over offsets: the first listing's medoid with its 10-90 % band, other listings thin."""
    with style.rc():
        drawn = style.new_figure(6.2)
        for axes, factor in zip(drawn.subplots(2, 4).ravel(), FACTORS, strict=True):
            _panel(axes, found, factor)
        what = ", ".join(f"{o}: seed {s}, {_counts(found)[o]} seeds" for o, s in found.medoids.items())
        style.footnote(drawn, found.folder.name[-12:], list(found.seeds), f"{found.scenario.spec.name}; {what}")
    return drawn


def _panel(axes: Axes, found: Shocks, factor: str) -> None:
    table = found.table[found.table["factor"] == factor]
    names = list(dict.fromkeys(table["offset"]))
    at = np.arange(len(names))
    for outcome in found.medoids:
        mine = table[table["outcome"] == outcome]
        for k, listing in enumerate(dict.fromkeys(mine["listing"])):
            row = mine[mine["listing"] == listing]
            colour = COLOURS[outcome]
            if k:
                axes.plot(at, row["value"], color=colour, linewidth=0.5, alpha=0.4)
                continue
            axes.plot(at, row["value"], "o-", color=colour, markersize=3, label=outcome)
            axes.fill_between(at, row["low"], row["high"], color=colour, alpha=0.2, linewidth=0)
    axes.set_xticks(at, names, fontsize=7, rotation=60)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_title(f"{factor} [{FACTORS[factor][0]}]", fontsize=8)
    if factor == "spot":
        axes.legend(loc="best", fontsize=7)


def save(found: Shocks, out: Path) -> Path:
    """Write ``shocks.parquet``, ``.csv``, ``.units.csv``, ``.svg``, ``.png`` and ``.txt``; returns the folder."""
    from sim.report.risk_words import write_answer

    folder = found.folder.name
    return write_answer(out, "shocks", found.table, folder, figure(found), text(found), COLUMNS)
