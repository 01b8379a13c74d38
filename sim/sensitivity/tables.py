"""The answer as one tidy table: what each input does to each outcome, beside what pins the input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.sensitivity.factors import Factor, extra_of
from sim.sensitivity.indices import LEVELS, Indices
from sim.sensitivity.study import Answer, Found
from sim.targets import targets

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario.spec import Spec

MOVES = 0.1
"""An input moves an outcome when it makes a tenth of its variance, or a tenth of the largest effect [judgement]."""
COLUMNS: dict[str, tuple[str, str]] = {
    "outcome": ("", "what is moved"),
    "outcome_unit": ("", "unit of effect, bends and noise_sd"),
    "factor": ("", "the input: a setting by its path, or shock, sale, depth, leverage (docs/sensitivity.md)"),
    "factor_unit": ("", "unit of low, high and now"),
    "low": ("see factor_unit", "lower end of its range"),
    "high": ("see factor_unit", "upper end"),
    "now": ("see factor_unit", "value in the scenario; 0 of an added shock"),
    "method": ("", "morris, sobol or emulator"),
    "first": ("fraction", "share of the outcome's variance over the ranges that the input makes alone"),
    "first_low": ("fraction", "lower end of its 95 % interval"),
    "first_high": ("fraction", "upper end"),
    "total": ("fraction", "share that it makes alone and with the others"),
    "total_low": ("fraction", "lower end of its 95 % interval"),
    "total_high": ("fraction", "upper end"),
    "effect": ("see outcome_unit", "mean absolute change over the whole range (Morris's mu*)"),
    "effect_low": ("see outcome_unit", "lower end of its 95 % interval"),
    "effect_high": ("see outcome_unit", "upper end"),
    "bends": ("see outcome_unit", "standard deviation of those changes (Morris's sigma)"),
    "effect_of_noise": ("see outcome_unit", "effect that an input without any would show if seeds were not common"),
    "noise_share": ("fraction", "share of the variance of single runs over the ranges that seeds make"),
    "noise_low": ("fraction", "lower end of its 95 % interval"),
    "noise_high": ("fraction", "upper end"),
    "noise_in_means": ("fraction", "share of the variance of the points' means that is left of it"),
    "noise_sd": ("see outcome_unit", "standard deviation over seeds at a point"),
    "explained": ("fraction", "share of the variance of points left out that the emulator predicts (Q2)"),
    "beyond": ("fraction", "of the other inputs' space: s_star lies outside the range of the shock"),
    "points": ("count", "points with a value"),
    "seeds": ("count", "mean seeds of a point"),
    "moves": ("", "yes when it makes a tenth of the variance, or a tenth of the largest effect"),
    "pinned_by": ("", "data (rows of the record), source (cited or measured), judgement, or scenario (free choice)"),
    "rows_of_the_record": ("", "rows of calibration/targets.yaml that were known when it was set"),
    "open": ("", "yes when it moves the outcome and rests on judgement alone"),
    "source": ("", "what its default rests on"),
}


class Pin(NamedTuple):
    """What pins an input."""

    by: str
    rows: str
    source: str


def frame(answer: Answer) -> pd.DataFrame:
    """One row an outcome and input; columns as ``COLUMNS``."""
    import pandas as pd

    pins = {factor.name: pin(answer.base, factor) for factor in answer.factors}
    rows = []
    for name, found in answer.found.items():
        largest = max((i.effect.value for i in found.indices if i is not None), default=math.nan)
        for factor, indices in zip(answer.factors, found.indices, strict=True):
            if indices is not None:
                rows.append(_row(answer, name, found, factor, indices, largest, pins[factor.name]))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    answer: Answer, name: str, found: Found, factor: Factor, indices: Indices, largest: float, pinned: Pin
) -> dict[str, Any]:
    noise, total, effect = found.noise, indices.total, indices.effect
    step = LEVELS / (2.0 * (LEVELS - 1.0))
    floor = noise.sd * math.sqrt(2.0 / noise.seeds) * math.sqrt(2.0 / math.pi) / step if noise.seeds else math.nan
    moves = total.value >= MOVES or (effect.value > floor and effect.value >= MOVES * largest > 0.0)
    row: dict[str, Any] = {
        "outcome": name, "outcome_unit": found.unit, "factor": factor.name, "factor_unit": factor.unit,
        "low": factor.low, "high": factor.high, "now": factor.now, "method": answer.question.method,
    }  # fmt: skip
    for key, index in (("first", indices.first), ("total", total), ("effect", effect)):
        row |= {key: index.value, f"{key}_low": index.low, f"{key}_high": index.high}
    return row | {
        "bends": indices.bends, "effect_of_noise": floor if answer.question.method == "morris" else math.nan,
        "noise_share": noise.share, "noise_low": noise.low, "noise_high": noise.high, "noise_in_means": noise.in_means,
        "noise_sd": noise.sd, "explained": found.explained, "beyond": found.beyond, "points": found.known,
        "seeds": noise.seeds,
        "moves": "yes" if moves else "no", "pinned_by": pinned.by, "rows_of_the_record": pinned.rows,
        "open": "yes" if moves and pinned.by == "judgement" else "no", "source": pinned.source,
    }  # fmt: skip


def pin(spec: Spec, factor: Factor) -> Pin:
    """What holds an input where it is: rows of the record first, then where its default comes from."""
    if not factor.paths:
        return Pin("scenario", "", "the scenario's own choice")
    rows = [row for row in targets() if set(row.touched_by) & set(factor.paths)]
    extras = [extra_of(spec, path) for path in factor.paths]
    kinds = [extra.get("provenance", "scenario") for extra in extras]
    source = "; ".join(dict.fromkeys(str(extra.get("source", "")) for extra in extras))
    if rows:
        by = "data"
    elif "judgement" in kinds:
        by = "judgement"
    else:
        by = "source" if set(kinds) & {"sourced", "measured"} else "scenario"
    return Pin(by, ", ".join(dict.fromkeys(row.id for row in rows)), source)
