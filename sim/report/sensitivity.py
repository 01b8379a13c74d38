"""Figure and words of ``shoal sensitivity``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.report import style
from sim.report.one_table import text_rows
from sim.sensitivity.study import Answer, number

if TYPE_CHECKING:
    import pandas as pd

_COLOURS = {"data": "#0072B2", "source": "#56B4E9", "judgement": "#D55E00", "scenario": "#999999"}
_WORDS = {
    "data": "rows of the record",
    "source": "cited or measured",
    "judgement": "judgement alone",
    "scenario": "free choice",
}
_ROW_IN = 0.28


def figure(answer: Answer) -> Figure:
    """A panel an outcome, a bar an input with its interval, coloured by what pins it; seed noise in the title."""
    frame = answer.table
    names = list(answer.found)
    with style.rc():
        drawn = style.new_figure(1.3 + len(names) * (0.75 + _ROW_IN * len(answer.factors)))
        panels = drawn.subplots(len(names), 1, squeeze=False).ravel()
        for axes, name in zip(panels, names, strict=True):
            rows = frame[frame["outcome"] == name]
            main = "effect" if answer.question.method == "morris" else "total"
            rows = rows.sort_values(main, kind="stable")
            y = np.arange(len(rows))
            middle = rows[main].to_numpy(dtype=np.float64)
            ends = np.abs(rows[[f"{main}_low", f"{main}_high"]].to_numpy(dtype=np.float64).T - middle)
            colours = [_COLOURS[kind] for kind in rows["pinned_by"]]
            axes.barh(y, middle, xerr=ends, color=colours, height=0.62, error_kw={"elinewidth": 1.0, "capsize": 2})
            if main == "total":
                axes.plot(rows["first"], y, linestyle="none", marker="|", color="black", markersize=11)
                axes.set_xlim(0.0, max(1.0, float(np.nan_to_num(middle + ends[1]).max())))
            elif rows["effect_of_noise"].notna().any():
                axes.axvline(float(rows["effect_of_noise"].max()), color="#444444", linewidth=0.9, linestyle=":")
            axes.set_yticks(y, list(rows["factor"]))
            axes.set_title(f"{name}: {noise_words(rows)}")
            axes.set_xlabel("total share of the variance; mark: alone" if main == "total" else _effect(rows))
        kinds = [kind for kind in _COLOURS if kind in set(frame["pinned_by"])]
        handles = [Patch(color=_COLOURS[kind], label=_WORDS[kind]) for kind in kinds]
        panels[0].legend(handles=handles, title="what pins the input", loc="lower right")
        run_id = answer.folder.name.rpartition("-")[2]
        style.footnote(drawn, run_id, range(1, answer.question.seeds + 1), f"{_design(answer)}; bars: 95 %")
    return drawn


def _effect(rows: pd.DataFrame) -> str:
    unit = rows["outcome_unit"].iloc[0]
    return f"mean absolute change over the range{f', {unit}' if unit else ''}; dotted: of noise alone"


def noise_words(rows: pd.DataFrame) -> str:
    """How much of the variance seeds make, in words."""
    share, low, high, left = (
        100.0 * float(rows[name].iloc[0]) for name in ("noise_share", "noise_low", "noise_high", "noise_in_means")
    )
    if math.isnan(share):
        return "one seed a point, its noise is not told apart"
    return f"seeds make {share:.0f} % [{low:.0f}, {high:.0f}] of the variance of a run, {left:.0f} % of that of a mean"


def _design(answer: Answer) -> str:
    words = {"morris": "paths", "sobol": "base points", "emulator": "points, emulated"}
    return f"{number(answer.question)} {words[answer.question.method]}, {answer.runs} runs"


def text(answer: Answer) -> str:
    """The answer for a terminal."""
    frame = answer.table
    lines = [f"{answer.question.scenario}: {_design(answer)}; shares of the variance over the ranges given"]
    shown = ("factor", "low", "high", "first", "total", "total_low", "total_high", "effect", "effect_low",
             "effect_high", "bends", "effect_of_noise", "moves", "pinned_by", "rows_of_the_record", "open")  # fmt: skip
    for name, found in answer.found.items():
        rows = frame[frame["outcome"] == name]
        main = "effect" if answer.question.method == "morris" else "total"
        lines += ["", f"{name} ({found.meaning}): {noise_words(rows)}"]
        if not math.isnan(found.explained):
            lines.append(f"the emulator predicts {100 * found.explained:.0f} % of the variance of points left out")
        if not math.isnan(found.beyond):
            lines.append(f"in {100 * found.beyond:.0f} % of the space of the others it is outside the shock's range")
        lines += ["  " + line for line in text_rows(rows.sort_values(main, ascending=False, kind="stable"), shown)]
    opened = sorted(set(frame.loc[frame["open"] == "yes", "factor"]))
    lines += ["", f"move an outcome and rest on judgement alone: {', '.join(opened) or 'none'}"]
    return "\n".join(lines)
