"""Tails over seeds: quantiles with order-statistic intervals, expected shortfall. NaN is left out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics.paired import FEWEST_FOR_MEAN, RESAMPLES, mean_interval

Floats = NDArray[np.float64]
_DRAWS = 20251010


class Estimate(NamedTuple):
    """A statistic over ``n`` seeds with its interval; infinite ends: the seeds are too few to bound it."""

    value: float
    low: float
    high: float
    n: int

    def times(self, factor: float) -> Estimate:
        """The same in another unit; ``factor`` is above 0."""
        return Estimate(factor * self.value, factor * self.low, factor * self.high, self.n)


def _below(n: int, q: float) -> Floats:
    """P(B <= k) for k = 0 ... n, B binomial of n and q."""
    k = np.arange(n + 1)
    ways = np.array([math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(n + 1)])
    return np.minimum(1.0, np.cumsum(np.exp(ways + k * math.log(q) + (n - k) * math.log1p(-q))))


def quantile(values: Floats, q: float, level: float = 0.95) -> Estimate:
    """Quantile over seeds with an interval between two order statistics, which holds for any distribution.

    Parameters
    ----------
    values : float64[n]
        One a seed; infinity counts as largest.
    q : float
        0 < q < 1.
    level : float
        Least coverage; each end misses with at most half the rest.

    Returns
    -------
    Estimate
        An end is infinite where no order statistic bounds it: above the 99 % quantile that takes 368 seeds.
    """
    known = np.sort(np.asarray(values, dtype=np.float64)[~np.isnan(values)])
    n = known.size
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    value = float(known[min(n - 1, max(0, math.ceil(n * q - 1e-9) - 1))])
    below, miss = _below(n, q), 0.5 * (1.0 - level)
    # P(quantile < k-th smallest) = P(B <= k - 1); P(quantile > m-th smallest) = P(B >= m)
    k = int((below <= miss).sum())
    above = np.flatnonzero(1.0 - below <= miss + 1e-15)  # P(B >= m) for m = place + 1
    m = int(above[0]) + 1
    return Estimate(value, float(known[k - 1]) if k else -math.inf, float(known[m - 1]) if m <= n else math.inf, n)


def mean(values: Floats, level: float = 0.95) -> Estimate:
    """Mean over seeds with ``paired.mean_interval``; no interval below eight seeds."""
    known = np.asarray(values, dtype=np.float64)[np.isfinite(values)]
    if not known.size:
        return Estimate(math.nan, math.nan, math.nan, 0)
    low, high = mean_interval(known, level)
    return Estimate(float(known.mean()), float(low), float(high), known.size)


def shortfall(losses: Floats, level: float = 0.975, coverage: float = 0.95) -> Estimate:
    """Expected shortfall over seeds: mean of the worst 1 - level of the losses, parts of a seed counted as such.

    Parameters
    ----------
    losses : float64[n]
        One a seed.
    level : float
        0.975: the worst 2.5 %.
    coverage : float
        Of the interval: percentiles of resampled seeds; none below eight seeds. With fewer seeds than 1 / (1 - level)
        it is the worst one.
    """
    known = np.asarray(losses, dtype=np.float64)[np.isfinite(losses)]
    n = known.size
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    value = float(_shortfall(known[None, :], level)[0])
    if n < FEWEST_FOR_MEAN:
        return Estimate(value, math.nan, math.nan, n)
    drawn = known[np.random.default_rng(_DRAWS).integers(0, n, (RESAMPLES, n))]
    low, high = np.quantile(_shortfall(drawn, level), [0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage])
    return Estimate(value, float(low), float(high), n)


def _shortfall(losses: Floats, level: float) -> Floats:
    worst = np.sort(losses, axis=1)[:, ::-1]
    n = worst.shape[1]
    size = (1.0 - level) * n
    weight = np.clip(size - np.arange(n), 0.0, 1.0)
    weight[0] = max(weight[0], 1e-12) if size > 0.0 else 1.0
    return np.asarray(worst @ weight / weight.sum())
