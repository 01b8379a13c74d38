"""A book of positions in scenarios: words, a table and a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.report import style
from sim.report.risk_words import notes, table_lines, write_answer
from sim.risk.measure import groups_of, venues_of
from sim.risk.portfolio import InScenario, Portfolio

COLOURS = (style.SIMULATED, style.ASK, style.FORCED_BUY, style.CHOSEN, style.NEWS, style.SEED)
_FEW_HOURS = 12


def text(found: Portfolio) -> str:
    """The answer as text for a terminal; hours without a call are left out."""
    lines = []
    for part in found.parts:
        lines.append(f"{part.scenario.spec.name}: {len(part.lines)} lines")
        rows = [row for row in part.rows if not (row.item.startswith("hour ") and not row.value)]
        lines += [f"  {line}" for line in table_lines(rows)]
    failed = sum(int(part.runs.attrs.get("missing", 0)) for part in found.parts)
    return "\n".join([*lines, *(f"note: {note}" for note in notes(len(found.seeds), failed))])


def figure(found: Portfolio) -> Figure:
    """Losses by seed, calls by hour, cash by venue, hedges broken; one colour a scenario."""
    with style.rc():
        drawn = style.new_figure(7.4)
        (losses, calls), (venues, hedges) = drawn.subplots(2, 2)
        for part, colour in zip(found.parts, COLOURS * 9, strict=False):
            _losses(losses, part, colour)
        _calls(calls, found)
        _venues(venues, found)
        _hedges(hedges, found)
        style.footnote(drawn, found.parts[0].folder.name[-12:], list(found.seeds), "a book of positions in the market")
    return drawn


def _losses(axes: Axes, part: InScenario, colour: str) -> None:
    loss = np.sort(part.column("loss")) / 1e6
    axes.plot(
        loss, (np.arange(loss.size) + 0.5) / loss.size, "o", color=colour, markersize=4, label=part.scenario.spec.name
    )
    axes.set_title("Loss at the end, one dot a seed")
    axes.set_xlabel("million USD, gains below 0")
    axes.set_ylabel("share of seeds with less")
    axes.set_ylim(0.0, 1.0)
    axes.legend(loc="best")


def _calls(axes: Axes, found: Portfolio) -> None:
    """Mean calls of each hour as bars, the largest of any seed as a tick; the hours with most where there are many."""
    width = 0.8 / len(found.parts)
    for k, (part, colour) in enumerate(zip(found.parts, COLOURS * 9, strict=False)):
        called = np.array([part.column(f"called_h{h:03d}") for h in range(len(part.hours))]) / 1e6
        shown = np.sort(np.argsort(-called.mean(axis=1), kind="stable")[:_FEW_HOURS])
        at = np.arange(shown.size) + (k - 0.5 * (len(found.parts) - 1)) * width
        axes.bar(at, called[shown].mean(axis=1), width, color=colour)
        axes.plot(at, called[shown].max(axis=1), "_", color="#444444", markersize=7)
        if k == 0:
            axes.set_xticks(range(shown.size), [part.hours[h][6:] for h in shown], rotation=60, fontsize=8)
    axes.set_title("Cash called by hour: mean, and the worst seed (-)")
    axes.set_ylabel("million USD")


def _venues(axes: Axes, found: Portfolio) -> None:
    """What has to lie at each venue if nothing can be sent, and what was trapped."""
    names = [v for v in venues_of([x for part in found.parts for x in part.lines])]
    width = 0.8 / len(found.parts)
    for k, (part, colour) in enumerate(zip(found.parts, COLOURS * 9, strict=False)):
        at = np.arange(len(names) + 1) + (k - 0.5 * (len(found.parts) - 1)) * width
        there = [f"venue.{v}.alone" for v in names]
        values = [part.column(c) / 1e6 if c in part.runs else np.zeros(1) for c in [*there, "trapped"]]
        axes.bar(at, [v.mean() for v in values], width, color=colour)
        axes.plot(at, [v.max() for v in values], "_", color="#444444", markersize=7)
    axes.set_xticks(range(len(names) + 1), [*names, "trapped\nby a halt"], fontsize=8)
    axes.set_title("Cash missing if none can be sent, by venue: mean, worst (-)")
    axes.set_ylabel("million USD")


def _hedges(axes: Axes, found: Portfolio) -> None:
    """Coins of each hedge group that deleveraging closed, one dot a seed."""
    labels: list[str] = []
    for part, colour in zip(found.parts, COLOURS * 9, strict=False):
        for group in groups_of(part.lines):
            broken = part.column(f"hedge.{group}.adl") / 1e6
            up = 0.25 * np.sin(np.arange(broken.size) * 2.4)  # set apart, the same each time
            axes.plot(len(labels) + up, broken, ".", color=colour, markersize=5)
            labels.append(f"{group}\n{100 * (broken > 0).mean():.3g} % of seeds")
    axes.set_title("Hedges broken by deleveraging, one dot a seed")
    axes.set_ylabel("million USD closed")
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    if not labels:
        axes.text(0.5, 0.5, "no line names a hedge", transform=axes.transAxes, ha="center")


def save(found: Portfolio, out: Path) -> Path:
    """Write ``portfolio.parquet``, ``.csv``, ``.units.csv``, ``.svg``, ``.png`` and ``.txt``; returns the folder."""
    return write_answer(out, "portfolio", found.table, found.parts[0].folder.name, figure(found), text(found))
