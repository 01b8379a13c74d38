"""The noise of seeds apart from what inputs do: one-way analysis of variance of points with several seeds each."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 500
"""Bootstrap draws of points."""


class Noise(NamedTuple):
    """How much of an outcome's variance seeds make.

    Attributes
    ----------
    sd : float
        Standard deviation over seeds at a point, pooled over points; in the unit of the outcome.
    share, low, high : float
        Share of the variance of single runs over the ranges that is of seeds, with its 95 % bootstrap interval over
        points; NaN with one seed a point.
    in_means : float
        Share of the variance of the points' means that is left of it after the average over seeds.
    seeds : float
        Mean number of seeds of a point.
    """

    sd: float
    share: float
    low: float
    high: float
    in_means: float
    seeds: float


def noise_of(values: Floats, key: int = 1) -> Noise:
    """Split the variance of an outcome.

    Parameters
    ----------
    values : float64[n, seeds]
        A row a point; NaN where a run has no value. Points should be spread evenly over the ranges.
    key : int
        Of the bootstrap.

    Notes
    -----
    Between-point variance is (mean square between less mean square within) over the effective number of seeds, 0 where
    that is below 0; the share is the intraclass correlation from the other side (Searle, Casella, McCulloch, ch. 3).
    """
    seen = np.isfinite(values)
    n = seen.sum(1).astype(np.float64)
    kept = n > 0
    n, given, seen = n[kept], np.where(seen, values, 0.0)[kept], seen[kept]
    if n.size < 2:
        return Noise(math.nan, math.nan, math.nan, math.nan, math.nan, float(n.mean()) if n.size else 0.0)
    mean = given.sum(1) / n
    within = (np.where(seen, given - mean[:, None], 0.0) ** 2).sum(1)
    one = np.ones((1, n.size))
    share, sd, in_means = (float(part[0]) for part in _split(one, n, mean, within))
    if not n.sum() > n.size:
        return Noise(math.nan, math.nan, math.nan, math.nan, math.nan, float(n.mean()))
    weights = np.random.default_rng(key).multinomial(n.size, np.full(n.size, 1.0 / n.size), size=RESAMPLES)
    draws = _split(weights.astype(np.float64), n, mean, within)[0]
    known = draws[np.isfinite(draws)]
    low, high = np.quantile(known, (0.025, 0.975)) if known.size else (math.nan, math.nan)
    return Noise(sd, share, float(low), float(high), in_means, float(n.mean()))


def _split(weights: Floats, n: Floats, mean: Floats, within: Floats) -> tuple[Floats, Floats, Floats]:
    """Share of noise, its standard deviation, and its share in means, of each row of weights on points."""
    points = weights.sum(1)
    runs = weights @ n
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (weights @ within) / (runs - points)
        grand = (weights @ (n * mean)) / runs
        spread = (weights * n * (mean[None, :] - grand[:, None]) ** 2).sum(1) / (points - 1.0)
        effective = (runs - (weights @ (n * n)) / runs) / (points - 1.0)
        between = np.maximum(0.0, (spread - inside) / effective)
        share = inside / (inside + between)
        left = inside / effective
        return (
            np.where(inside + between > 0.0, share, 0.0),
            np.sqrt(inside),
            np.where(left + between > 0.0, left / (left + between), 0.0),
        )
