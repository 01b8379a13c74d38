"""Facts 10 and 11 of MODEL.md 6.1: impact of metaorders on purpose, each paired with the run of its seed without.

They are measured on means over seeds, one a size and duration, as ``calibration.experiments impact`` writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics import stylised as st
from sim.metrics.facts import Fact, Judged

Floats = NDArray[np.float64]


class Metaorders(NamedTuple):
    """Means over seeds, one row a duration and size.

    Attributes
    ----------
    hours, musd : float64[n]
        Duration, and size in millions of dollars.
    seeds : float64[n]
        Seeds behind each mean.
    impact_bp : float64[n]
        Log move of the mid at the end, against the run without, basis points.
    left : float64[n]
        Share of it that is left one duration after the end.
    daily_musd, daily_sd : float
        Volume a day in millions of dollars, and volatility a day (fraction), of Y sd sqrt(Q / V).
    """

    hours: Floats
    musd: Floats
    seeds: Floats
    impact_bp: Floats
    left: Floats
    daily_musd: float
    daily_sd: float

    def of(self, hours: float) -> tuple[Floats, Floats, Floats]:
        """Sizes, impacts and what is left of one duration."""
        rows = self.hours == hours
        return self.musd[rows], self.impact_bp[rows], self.left[rows]


def exponent(m: Metaorders, hours: float) -> float:
    """Slope of log impact on log size."""
    size, impact, _ = m.of(hours)
    return st.impact_exponent(size, impact)


def prefactor(m: Metaorders, hours: float) -> float:
    """Y of Y sd sqrt(Q / V), median over sizes."""
    size, impact, _ = m.of(hours)
    return st.impact_prefactor(size, 1e-4 * impact, m.daily_musd, m.daily_sd)


def duration_ratio(m: Metaorders, long_h: float, short_h: float) -> float:
    """Impact of the longer over that of the shorter order of the same size, at the size where it is farthest from 1."""
    (size, impact, _), (other, short, _) = m.of(long_h), m.of(short_h)
    _, mine, theirs = np.intersect1d(size, other, return_indices=True)
    ratio = impact[mine] / short[theirs]
    return float(ratio[np.argmax(np.abs(ratio - 1.0))]) if ratio.size else float("nan")


def decay(m: Metaorders, hours: float) -> float:
    """I(2T) over I(T), median over sizes."""
    _, _, left = m.of(hours)
    return float(np.median(left)) if left.size else float("nan")


IMPACT_FACTS: tuple[tuple[str, int, float, float, Callable[[Metaorders], float]], ...] = (
    ("exponent of impact on size, 1 h", 10, 0.45, 0.65, lambda m: exponent(m, 1.0)),
    ("prefactor Y of the square-root law, 1 h", 10, 0.5, 1.5, lambda m: prefactor(m, 1.0)),
    ("impact over 4 h against 1 h, the size farthest off", 10, 0.7, 1.3, lambda m: duration_ratio(m, 4.0, 1.0)),
    ("impact left one duration after the end, 1 h", 11, 0.5, 0.85, lambda m: decay(m, 1.0)),
    ("impact left one duration after the end, 4 h", 11, 0.5, 0.85, lambda m: decay(m, 4.0)),
)
"""Name, number, band of MODEL.md 6.1 and estimator."""


def impact_facts(m: Metaorders | None, why_not: str) -> list[Judged]:
    """Facts 10 and 11, each on one number; without metaorders every one is "not measurable", with the reason.

    Parameters
    ----------
    m : Metaorders or None
    why_not : str
        Reason and cure where there is none.
    """
    out = []
    for name, number, low, high, measure in IMPACT_FACTS:
        fact = Fact(number, name, low, high, lambda _: float("nan"))
        value = measure(m) if m is not None else float("nan")
        if m is None or not np.isfinite(value):
            out.append(Judged(fact, np.empty(0), 0, "not measurable", why_not or "too few sizes"))
            continue
        fits = low <= value <= high
        basis = f"means of {int(m.seeds.min())} seeds"
        out.append(Judged(fact, np.array([value]), int(fits), "pass" if fits else "miss", "", basis))
    return out
