"""A check as two tidy tables: a row a verdict, and a row a seed of each assumption."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.experiments.check import Checked, Verdict
from sim.metrics.sequential import band
from sim.results.summary import SEEN

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

VERDICTS: dict[str, tuple[str, str]] = {
    "name": ("", "the assumption"),
    "kind": ("", "what kind it is (docs/assumptions.md)"),
    "verdict": ("", "pass, fail, undecided, or error when a run failed"),
    "reason": ("", "why it is undecided or an error"),
    "unit": ("", "unit of limit, p10, median and p90"),
    "limit_is": ("", "at_most or at_least"),
    "limit": ("see unit", "the limit"),
    "share_of_seeds_asked": ("fraction", "least share of seeds within the limit"),
    "confidence": ("fraction", "1 less the largest chance of a wrong verdict"),
    "seeds": ("count", "seeds read, up to the one that decided"),
    "seeds_within": ("count", "of them within the limit"),
    "seeds_open": ("count", "of them those on which the model cannot say"),
    "seeds_made": ("count", "seeds that were made"),
    "seeds_most": ("count", "most seeds asked"),
    "share_of_seeds": ("fraction", "seeds within over seeds read"),
    "share_of_seeds_low": ("fraction", "lower end of its confidence sequence"),
    "share_of_seeds_high": ("fraction", "upper end"),
    "p10": ("see unit", "10 % quantile of the measure over all seeds made"),
    "median": ("see unit", "median"),
    "p90": ("see unit", "90 % quantile"),
    "depth_as_of": ("", "last day that the depth data describe"),
    "depth_age_days": ("days", "their age on the day of the check"),
    "good_until": ("", "last day on which the verdict holds, by the age of its depth data"),
    "column": ("", "column of the runs that holds the measure"),
}
SEEDS: dict[str, tuple[str, str]] = {
    "name": ("", "the assumption"),
    "seed": ("", "key of all random draws"),
    "value": ("see unit", "measure of the seed; infinite: it never came; empty: no answer"),
    "unit": ("", "unit of value and limit"),
    "limit": ("see unit", "the limit"),
    "within": ("", "yes, no, or open where the model cannot say"),
    "read": ("", "yes until the seed that decided, no after it"),
    "share_of_seeds": ("fraction", "seeds within over seeds, up to this one"),
    "share_of_seeds_low": ("fraction", "lower end of its confidence sequence"),
    "share_of_seeds_high": ("fraction", "upper end"),
}


def running(verdict: Verdict) -> tuple[Floats, Floats, Floats]:
    """Share of seeds within the limit after each seed made, and both ends of its confidence sequence.

    Seeds on which the model cannot say are not within it at the lower end, and within it at the upper end.
    """
    hit = np.cumsum([value is True for value in verdict.within], dtype=np.float64)
    may = np.cumsum([value is not False for value in verdict.within], dtype=np.float64)
    n = np.arange(1.0, hit.size + 1.0)
    confidence = verdict.about.confidence
    return hit / n, band(hit, n, confidence)[0], band(may, n, confidence)[1]


def quantiles(verdict: Verdict) -> tuple[float, float, float]:
    """10, 50 and 90 % quantiles of the measure over all seeds made: values that a seed has; NaN left out."""
    known = np.array([v for v in verdict.values if not math.isnan(v)])
    if not known.size:
        return math.nan, math.nan, math.nan
    p10, median, p90 = (float(np.quantile(known, q, method=SEEN)) for q in (0.1, 0.5, 0.9))
    return p10, median, p90


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """One verdict, by the columns of ``VERDICTS``."""
    one, d = verdict.about, verdict.decision
    share, low, high = math.nan, 0.0, 1.0
    if d.n:
        share, low, high = (float(path[d.n - 1]) for path in running(verdict))
    p10, median, p90 = quantiles(verdict)
    until = verdict.good_until
    return {
        "name": one.name,
        "kind": one.test.kind,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "unit": one.test.unit,
        "limit_is": one.test.limit,
        "limit": one.limit,
        "share_of_seeds_asked": one.least,
        "confidence": one.confidence,
        "seeds": d.n,
        "seeds_within": d.n_hit,
        "seeds_open": d.n_open,
        "seeds_made": len(verdict.values),
        "seeds_most": one.seeds,
        "share_of_seeds": share,
        "share_of_seeds_low": low,
        "share_of_seeds_high": high,
        "p10": p10,
        "median": median,
        "p90": p90,
        "depth_as_of": one.as_of.isoformat() if one.as_of else None,
        "depth_age_days": one.age_days,
        "good_until": until.isoformat() if until else None,
        "column": one.key,
    }


def verdicts_frame(checked: Checked) -> pd.DataFrame:
    """One row an assumption, in the order of the file."""
    import pandas as pd

    frame = pd.DataFrame([verdict_row(v) for v in checked.verdicts], columns=list(VERDICTS))
    return frame.astype({"depth_age_days": "float64"})


def seeds_frame(checked: Checked) -> pd.DataFrame:
    """One row a seed of each assumption."""
    import pandas as pd

    words = {True: "yes", False: "no", None: "open"}
    parts = []
    for v in checked.verdicts:
        share, low, high = running(v) if v.values else (np.empty(0),) * 3
        n = len(v.values)
        part = {
            "name": [v.name] * n,
            "seed": np.arange(1, n + 1),
            "value": np.array(v.values, dtype=np.float64),
            "unit": [v.about.test.unit] * n,
            "limit": np.full(n, v.about.limit),
            "within": [words[w] for w in v.within],
            "read": ["yes" if k < v.decision.n else "no" for k in range(n)],
            "share_of_seeds": share,
            "share_of_seeds_low": low,
            "share_of_seeds_high": high,
        }
        parts.append(pd.DataFrame(part, columns=list(SEEDS)))
    return pd.concat(parts, ignore_index=True)
