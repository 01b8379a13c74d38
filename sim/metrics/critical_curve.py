"""The critical shock as a smooth curve over depth: what eight estimates say together is narrower than each alone.

ln s* is a polynomial in ln depth, fitted by generalised least squares with the covariance of the bootstrap draws, so
that seeds shared between depths are not counted twice: a quadratic, or a cubic where the quadratic is rejected and
there are depths enough. Whether the curve will do is tested and said, never assumed. The degree is chosen by the same
misfit that judges the curve, which the interval does not know of: it is slightly optimistic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sim.metrics.threshold import Critical

Floats = NDArray[np.float64]

LEAST_DEPTHS = {2: 5, 3: 7}
"""Degrees that are tried, the lowest first, and the depths each needs: fewer leave too little over to see whether it
will do (judgement)."""
REJECTED = 0.05
"""Below this probability of a misfit as large by chance the next degree is tried, and behind the last no curve used."""


class Curve(NamedTuple):
    """Critical shock by depth, smoothed.

    Attributes
    ----------
    depths : float64[n]
        Those at which s* lies within the sizes that were run.
    size, low, high : float64[n]
        s* on the curve with its 95 % percentile interval over bootstrap draws, in the unit of the sizes.
    misfit : float
        Probability that depths on a true curve of this degree would scatter as far from the fit, by chi-square.
    degree : int
        Of the polynomial: the lowest of ``LEAST_DEPTHS`` that is not rejected, else the highest that was tried.
    """

    depths: Floats
    size: Floats
    low: Floats
    high: Floats
    misfit: float
    degree: int

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
        None below five depths with an s*, or when the draws of one are nearly all outside.
    """
    inside = [(d, c) for d, c in zip(depths, found, strict=True) if not c.beyond]
    degrees = [degree for degree, least in LEAST_DEPTHS.items() if len(inside) >= least]
    if not degrees:
        return None
    kept = np.array([d for d, _ in inside])
    draws = np.log(np.array([c.draws for _, c in inside]))
    draws = draws[:, np.isfinite(draws).all(0)]
    if draws.shape[1] < 20 * len(kept):
        return None
    point = np.log(np.array([c.size for _, c in inside]))
    curves = [_fitted(kept, point, draws, degree) for degree in degrees]
    return next((curve for curve in curves if curve.holds), curves[-1])


def _fitted(depths: Floats, point: Floats, draws: Floats, degree: int) -> Curve:
    """Polynomial of one degree through ln s*; ``draws`` [depths, resamples]."""
    covariance = np.cov(draws)
    design = np.vander(np.log(depths), degree + 1, increasing=True)
    weighted = np.linalg.solve(covariance, design)
    smooth = design @ np.linalg.solve(design.T @ weighted, weighted.T)
    left = point - smooth @ point
    misfit = float(chi2.sf(left @ np.linalg.solve(covariance, left), len(depths) - degree - 1))
    low, high = np.quantile(smooth @ draws, (0.025, 0.975), axis=1)
    return Curve(depths, np.exp(smooth @ point), np.exp(low), np.exp(high), misfit, degree)
