"""The answer as one tidy table: every smallest change that was found, and the rule where the outcome happens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.reverse.search import Answer, Breach
from sim.sensitivity.factors import Factor

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, str]] = {
    "kind": ("", "breach: a smallest change; rule: the box in which the outcome happens"),
    "number": ("", "1 is the shortest; 0 of the rule"),
    "factor": ("", "the input: a setting by its path, or shock, sale, depth, leverage (docs/sensitivity.md)"),
    "unit": ("", "unit of now, to, low and high"),
    "now": ("see unit", "value in the scenario; 0 of an added shock"),
    "to": ("see unit", "value at the breach; empty of a rule"),
    "low": (
        "see unit",
        "of a breach: value at the shorter end of the 95 % interval; of the rule: least, empty where free",
    ),
    "high": ("see unit", "of a breach: value at the longer end; of the rule: most, empty where free"),
    "scale": ("see unit|log", "move that counts as 1"),
    "change": ("lengths", "how far it is moved, in scales; below 0: lowered"),
    "length": ("lengths", "root of the sum of squares of all changes"),
    "length_low": ("lengths", "lower end of its 95 % interval, bootstrap over seeds"),
    "length_high": ("lengths", "upper end"),
    "settled": ("", "yes where that interval is as narrow as asked"),
    "share_of_seeds": (
        "fraction",
        "fresh seeds with the outcome at the breach; of the rule: seeds of the design in it",
    ),
    "share_low": ("fraction", "lower end of its Wilson 95 % interval; empty of the rule"),
    "share_high": ("fraction", "upper end"),
    "seeds": ("count", "fresh seeds; empty of the rule"),
    "holds": ("", "yes where that share is within 0.1 of one half"),
    "coverage": ("fraction", "of the rule: part of the design's seeds with the outcome that lies in it"),
}


def frame(answer: Answer) -> pd.DataFrame:
    """One row a breach and input, then one an input of the rule; columns as ``COLUMNS``."""
    import pandas as pd

    rows = [row for k, one in enumerate(answer.breaches, 1) for row in _breach(answer, k, one)]
    return pd.DataFrame([*rows, *_rule(answer)], columns=list(COLUMNS))


def _breach(answer: Answer, number: int, one: Breach) -> list[dict[str, Any]]:
    space, at = answer.space, one.at
    ends = [
        space.values(one.direction * t) if math.isfinite(t) else (math.nan,) * len(one.values)
        for t in (at.low, at.high)
    ]
    change = space.lengths(one.values)
    return [
        {
            **_head(answer, k, factor), "kind": "breach", "number": number, "to": one.values[k], "low": ends[0][k],
            "high": ends[1][k], "change": change[k], "length": at.length, "length_low": at.low, "length_high": at.high,
            "settled": "yes" if at.settled else "no", "share_of_seeds": one.share.share, "share_low": one.share.low,
            "share_high": one.share.high, "seeds": one.share.n, "holds": "yes" if one.holds else "no",
        }
        for k, factor in enumerate(space.factors)
    ]  # fmt: skip


def _rule(answer: Answer) -> list[dict[str, Any]]:
    box, space = answer.box, answer.space
    if box is None:
        return []
    low, high = (space.values(space.from_cube(end)) for end in (box.low, box.high))
    return [
        {
            **_head(answer, k, factor), "kind": "rule", "number": 0,
            "low": low[k] if box.low[k] > 0.0 else math.nan, "high": high[k] if box.high[k] < 1.0 else math.nan,
            "share_of_seeds": box.density, "coverage": box.coverage,
        }
        for k, factor in enumerate(space.factors)
    ]  # fmt: skip


def _head(answer: Answer, k: int, factor: Factor) -> dict[str, Any]:
    return {"factor": factor.name, "unit": factor.unit, "now": factor.now, "scale": answer.space.scales[k]}


def rule_words(answer: Answer) -> str:
    """The rule as one line, such as "depth below 0.6 and shock above 7.1 %"; empty without one."""
    if answer.box is None:
        return ""
    said = []
    for row in _rule(answer):
        for end, word in (("low", "above"), ("high", "below")):
            if not math.isnan(row[end]):
                said.append(f"{row['factor']} {word} {quantity(row[end], row['unit'])}")
    return " and ".join(said)


def quantity(value: float, unit: str) -> str:
    """A value of an input with its unit."""
    if unit.startswith("fraction"):
        return f"{100.0 * value:.3g} %"
    if unit == "USD":
        return f"${value:,.4g}"
    shown = f"{value:,.4g}"
    return f"x{shown}" if unit == "multiple" else f"{shown} {unit}".strip()


def highest(answer: Answer) -> tuple[float, tuple[float, ...]]:
    """The largest share of seeds at any point of the design and where it is."""
    known = {point: hits / runs for point, (hits, runs) in answer.shares.items() if runs}
    point = max(known, key=lambda p: (known[p], -float(np.linalg.norm(answer.space.lengths(p)))))
    return known[point], point
