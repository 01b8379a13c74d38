"""The critical shock as a smooth curve over depth: what eight estimates say together is narrower than each alone.

ln s* is a quadratic in ln depth, fitted by generalised least squares with the covariance of the bootstrap draws, so
that seeds shared between depths are not counted twice. Whether a quadratic will do is tested and said, never assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sim.metrics.threshold import Critical

Floats = NDArray[np.float64]

LEAST_DEPTHS = 5
"""Fewer leave too little over to see whether a quadratic will do."""
REJECTED = 0.05
"""Below this probability of a misfit as large by chance the curve is not used."""


class Curve(NamedTuple):
    """Critical shock by depth, smoothed.

    Attributes
    ----------
    depths : float64[n]
        Those at which s* lies within the sizes that were run.
    size, low, high : float64[n]
        s* on the curve with its 95 % percentile interval over bootstrap draws, in the unit of the sizes.
    misfit : float
        Probability that depths on a true quadratic would scatter as far from the fit, by chi-square.
    """

    depths: Floats
    size: Floats
    low: Floats
    high: Floats
    misfit: float

    @property
    def holds(self) -> bool:
        """Whether the misfit is what chance would do."""
        return self.misfit >= REJECTED

    def half_width(self, depth: float) -> float:
        """Half of the interval at a depth; NaN where there is none."""
        at = np.flatnonzero(self.depths == depth)
        return float(0.5 * (self.high[at[0]] - self.low[at[0]])) if at.size else float("nan")


def critical_curve(depths: Sequence[float], found: Sequence[Critical]) -> Curve | None:
    """Fit the curve.

    Parameters
    ----------
    depths : sequence of float
        Multiples, above 0.
    found : sequence of Critical
        Of the same depths, their draws made with the same weights, so that each draw is one world.

    Returns
    -------
    Curve or None
        None below ``LEAST_DEPTHS`` depths with an s*, or when the draws of one are nearly all outside.
    """
    inside = [(d, c) for d, c in zip(depths, found, strict=True) if not c.beyond]
    if len(inside) < LEAST_DEPTHS:
        return None
    kept = np.array([d for d, _ in inside])
    draws = np.log(np.array([c.draws for _, c in inside]))
    draws = draws[:, np.isfinite(draws).all(0)]
    if draws.shape[1] < 20 * len(kept):
        return None
    point = np.log(np.array([c.size for _, c in inside]))
    covariance = np.cov(draws)
    x = np.log(kept)
    design = np.stack([np.ones_like(x), x, x * x], axis=1)
    weighted = np.linalg.solve(covariance, design)
    smooth = design @ np.linalg.solve(design.T @ weighted, weighted.T)
    left = point - smooth @ point
    misfit = float(chi2.sf(left @ np.linalg.solve(covariance, left), len(kept) - 3))
    low, high = np.quantile(smooth @ draws, (0.025, 0.975), axis=1)
    return Curve(kept, np.exp(smooth @ point), np.exp(low), np.exp(high), misfit)
