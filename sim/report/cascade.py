"""Cascades of an ensemble: each run beside the base run of its seed (``experiments/base_run.py``), in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.experiments.base_run import forced_btc, fuel
from sim.metrics.amplification import Cascades, cascades, log_fall, second_round_share
from sim.metrics.seeds import Median, Share
from sim.report import words
from sim.results import Run


def pair(runs: Sequence[Run], bases: Sequence[Run]) -> Cascades:
    """Judge the seeds of a scenario, each beside the base run of the same seed.

    Raises
    ------
    ValueError
        When the seeds differ.
    """
    if [run.seed for run in runs] != [base.seed for base in bases]:
        raise ValueError("runs and base runs must have the same seeds in the same order")
    fall, base_fall = (np.array([log_fall(r.series["mark_usd"].to_numpy()) for r in group]) for group in (runs, bases))
    second = []
    for run, base in zip(runs, base_fall, strict=True):
        first = (
            float(fuel(run.spec, run.seed, np.array([-math.expm1(-base)]))[0]) if run.spec.leveraged.enabled else 0.0
        )
        second.append(second_round_share(forced_btc(run), float(run.series["open_interest_btc"].iloc[0]), first))
    return cascades(np.array(second), fall, base_fall)


def sentences(found: Cascades) -> list[str]:
    """What an ensemble says about cascades, with intervals; medians of fewer than ten seeds are not shown."""
    half, cut, double = found.share
    lines = [
        f"Share of seeds that cascade (second-round forced above {100 * found.cut:g} % of open interest): "
        f"{_share(cut)}; at {50 * found.cut:g} %: {_share(half)}; at {200 * found.cut:g} %: {_share(double)}.",
        f"Deepest fall of the seeds that cascade: {_median(found.fall_if)}; of those that do not: "
        f"{_median(found.fall_if_not)}.",
    ]
    if np.isfinite(found.amplification):
        lines.append(
            f"Amplification A, median fall over median fall of the base run: {found.amplification:.3g}; "
            f"of the seeds that cascade: {_median(found.amplification_if, 'x')}; "
            f"of those that do not: {_median(found.amplification_if_not, 'x')}."
        )
    return lines


def _share(s: Share) -> str:
    return f"{s.n_hit} of {s.n} [{100 * s.low:.0f} to {100 * s.high:.0f} %]"


def _median(m: Median, unit: str = "fraction") -> str:
    if not np.isfinite(m.median):
        return f"not shown, {m.n} seeds"
    values = (m.median, m.low, m.high)
    if unit == "fraction":
        middle, low, high = (words.amount(math.expm1(-v), "fraction") for v in values)
    else:
        middle, low, high = (f"{v:.3g}" for v in values)
    return f"{middle} [{low} to {high}], {m.n} seeds"


def plain(found: Cascades) -> dict[str, Any]:
    """The same as JSON can hold it; falls are simple fractions, intervals 95 %."""

    def number(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    def median(m: Median, fall: bool = False) -> dict[str, Any]:
        turned = (math.expm1(-v) if fall else v for v in (m.median, m.low, m.high))
        middle, low, high = (number(v) for v in turned)
        return {"n": m.n, "median": middle, "low": low, "high": high}

    names = ("share_of_seeds_half_cut", "share_of_seeds", "share_of_seeds_double_cut")
    shares = {
        name: {"n_hit": s.n_hit, "n": s.n, "share": number(s.share), "low": number(s.low), "high": number(s.high)}
        for name, s in zip(names, found.share, strict=True)
    }
    return {
        "cut": found.cut,
        **shares,
        "amplification": number(found.amplification),
        "fall_if_cascade": median(found.fall_if, fall=True),
        "fall_if_not": median(found.fall_if_not, fall=True),
        "amplification_if_cascade": median(found.amplification_if),
        "amplification_if_not": median(found.amplification_if_not),
        "second_round_share": [number(v) for v in found.second_round],
        "fall": [number(math.expm1(-v)) for v in found.fall],
        "base_fall": [number(math.expm1(-v)) for v in found.base_fall],
    }
