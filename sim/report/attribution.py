"""An attribution in words and figures: from nothing on to everything on, channel by channel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.attribution.answer import WORTHS, Answer, Part, Told, Worth
from sim.attribution.flow import COLUMNS, Flow, flow_frame
from sim.attribution.tables import CHANNELS, COALITIONS, PAIRS, channels_frame, coalitions_frame, pairs_frame
from sim.experiments.store import write_whole
from sim.report import style
from sim.report.taker_flow import flow_figure
from sim.results.storage import csv_bytes, json_bytes, parquet_bytes

if TYPE_CHECKING:
    import pandas as pd

ENDS, MORE, LESS, ORDER = "#555555", "#D55E00", "#0072B2", "#CC79A7"
_ROW_IN, _HEAD_IN = 0.36, 1.5
_TITLES = {
    "trough": "Deepest fall, median",
    "cascade": "Seeds that cascade",
    "forced": "Liquidated, median",
}


def waterfall(answer: Answer) -> Figure:
    """One panel a worth: v(none), the share of each channel with its errors, v(all).

    A bar is a Shapley value, a black line its 95 % interval over seeds. Where first- and last-order effects differ by
    more than the share, the bar is hatched and a second line spans what the order of channels may make of it.
    """
    n = len(answer.layout.channels)
    with style.rc():
        figure = style.new_figure(_HEAD_IN + _ROW_IN * (n + 2))
        panels = figure.subplots(1, len(WORTHS), sharey=True)
        for axes, worth in zip(panels, WORTHS, strict=True):
            _panel(axes, answer, worth)
        labels = ["nothing on", *(channel.title for channel in answer.layout.channels), "everything on"]
        panels[0].set_yticks(range(n + 2), labels)
        panels[0].invert_yaxis()
        what = f"{answer.layout.base.name}, channels part at {answer.layout.fork_s / 60.0:g} min; bars: Shapley values"
        style.footnote(figure, answer.folder.name.rpartition("-")[2], answer.seeds, what)
    return figure


def _panel(axes: Axes, answer: Answer, worth: Worth) -> None:
    none, everything, _ = answer.whole[worth.name]
    divisor, word = style.scale([none.value, everything.value]) if worth.unit == "USD" else (1.0, "")
    at = none.value / divisor
    _bar(axes, 0, 0.0, at, ENDS, False)
    _error(axes, 0, at, none, divisor, at)
    for row, part in enumerate(answer.parts[worth.name], start=1):
        step = part.share.value / divisor
        _bar(axes, row, at, step, MORE if step >= 0.0 else LESS, part.as_interval)
        if part.as_interval:
            _reach(axes, row, at, part, divisor)
        _error(axes, row, at + step, part.share, divisor, step, True)
        axes.plot([at + step] * 2, [row - 0.3, row + 1.3], color="#999999", linewidth=0.7)
        at += step
    last = len(answer.layout.channels) + 1
    _bar(axes, last, 0.0, everything.value / divisor, ENDS, False)
    _error(axes, last, everything.value / divisor, everything, divisor, everything.value / divisor)
    axes.set_title(_TITLES[worth.name])
    axes.set_xlabel(f"{word}USD" if worth.unit == "USD" else worth.unit)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.24)


def _bar(axes: Axes, row: int, left: float, width: float, color: str, hatched: bool) -> None:
    style_of: dict[str, Any] = {"hatch": "////", "edgecolor": "#ffffff"} if hatched else {}
    axes.barh(row, width, left=left, height=0.6, color=color, alpha=0.75, linewidth=0.0, **style_of)


def _error(
    axes: Axes, row: int, at: float, told: Told, divisor: float, shown: float, is_step: bool = False
) -> None:  # fmt: skip
    """The 95 % interval about the end of a bar, and the number beside it."""
    ends = [at + (end - told.value) / divisor for end in (told.low, told.high)]
    axes.plot(ends, [row, row], color="#000000", linewidth=1.4, solid_capstyle="butt")
    axes.annotate(
        amount(shown, is_step), (max(at, *ends), row), (4, 0), textcoords="offset points", va="center", fontsize=8
    )


def amount(value: float, is_step: bool = False) -> str:
    """A number to three digits, a step with its sign; what rounds to nothing is 0."""
    sign = "+" if is_step and value else ""
    if abs(value) < 5e-4:
        return "0"
    return format(value, f"{sign},.0f" if abs(value) >= 1000.0 else f"{sign}.3g")


def _reach(axes: Axes, row: int, at: float, part: Part, divisor: float) -> None:
    low, high = (at + end / divisor for end in part.reach)
    axes.plot([low, high], [row + 0.38, row + 0.38], color=ORDER, linewidth=2.0, solid_capstyle="butt")


def text(answer: Answer) -> str:
    """The answer for a terminal."""
    layout = answer.layout
    lines = [
        f"{layout.base.title}: channels part {layout.fork_s:g} s after the start, falls count to {layout.until_s:g} s",
        f"{len(layout.coalitions)} coalitions of {len(layout.channels)} channels, {len(answer.seeds)} seeds; scenario "
        "outcomes given this model, not a forecast",
    ]
    for worth in WORTHS:
        lines += ["", *_table(answer, worth)]
    return "\n".join(lines)


def _table(answer: Answer, worth: Worth) -> list[str]:
    none, everything, whole = answer.whole[worth.name]
    divisor, word = (1e6, "million USD") if worth.unit == "USD" else (1.0, worth.unit)
    head = ("channel", "share", "se", "first", "last", "read as")
    rows: list[tuple[str, ...]] = [head]
    for channel, part in zip(answer.layout.channels, answer.parts[worth.name], strict=True):
        low, high = (end / divisor for end in part.reach)
        numbers = (part.share.value, part.share.se, part.first.value, part.last.value)
        shown = [amount(number / divisor) for number in numbers]
        rows.append(
            (channel.name, *shown, f"{amount(low)} to {amount(high)}, by order" if part.as_interval else shown[0])
        )
    wide = [max(len(row[k]) for row in rows) for k in range(len(head))]
    ends = f"nothing on {none.value / divisor:.4g}, everything on {everything.value / divisor:.4g}"
    told = [f"{worth.name} ({word}): {ends}, shared out {whole.value / divisor:.4g}"]
    told += ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows]
    if pairs := answer.joint[worth.name]:
        (a, b), joint = max(pairs.items(), key=lambda item: abs(item[1].value))
        pair = " x ".join(answer.layout.channels[i].name for i in (a, b))
        size, error = amount(joint.value / divisor), amount(joint.se / divisor)
        told.append(f"  largest joint effect: {pair} {size} (se {error})")
    return told


def tables(answer: Answer) -> dict[str, tuple[pd.DataFrame, dict[str, tuple[str, str]]]]:
    """Name to table, and unit and meaning of its columns."""
    return {
        "channels": (channels_frame(answer), CHANNELS),
        "coalitions": (coalitions_frame(answer), COALITIONS),
        "pairs": (pairs_frame(answer), PAIRS),
    }


def plain(answer: Answer) -> dict[str, Any]:
    """The answer as JSON holds it."""
    layout = answer.layout
    return {
        "scenario": layout.base.name,
        "fork_s": layout.fork_s,
        "from_s": layout.from_s,
        "until_s": layout.until_s,
        "seeds": list(answer.seeds),
        "typical_seed": answer.typical_seed,
        "orders": [list(order) for order in layout.orders],
        "unshared": {worth.name: str(answer.unshared(worth.name)) for worth in WORTHS},
        **{name: frame.to_dict("records") for name, (frame, _) in tables(answer).items()},
    }


def save(answer: Answer, place: Path, flows: list[Flow] | None = None) -> Path:
    """Write tables and figures into a folder; the same answer gives the same bytes. Returns the folder.

    Parameters
    ----------
    answer : Answer
    place : Path
    flows : list of Flow, optional
        Takers by class of the scenario at ``answer.typical_seed``.
    """
    import pandas as pd

    place.mkdir(parents=True, exist_ok=True)
    run_id = answer.folder.name.rpartition("-")[2]
    units = []
    named = tables(answer)
    if flows is not None:
        named["flow"] = (flow_frame(flows), COLUMNS)
        shown = (answer.layout.fork_s, answer.layout.until_s)
        figure = flow_figure(answer.layout.base, flows[0], run_id, answer.typical_seed, *shown)
        write_whole(place / "flow.svg", style.svg_bytes(figure, f"{run_id}-flow"))
    for name, (frame, said) in named.items():
        write_whole(place / f"{name}.csv", csv_bytes(frame))
        write_whole(place / f"{name}.parquet", parquet_bytes(frame, run_id, said))
        units += [(name, column, *told) for column, told in said.items()]
    write_whole(place / "units.csv", csv_bytes(pd.DataFrame(units, columns=["table", "column", "unit", "meaning"])))
    write_whole(place / "attribution.json", json_bytes(plain(answer)))
    write_whole(place / "waterfall.svg", style.svg_bytes(waterfall(answer), f"{run_id}-waterfall"))
    return place
