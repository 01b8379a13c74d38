"""Statistics over seeds: shares and medians with intervals that hold for any distribution.

Seeds are independent draws, so these intervals speak of the model's own noise given scenario, depth and model.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z95 = 1.959963984540054
FEWEST_FOR_MEDIAN = 10
"""A conditional median is shown from this many seeds on (MODEL.md R10)."""


class Share(NamedTuple):
    """Share of seeds with its Wilson 95 % interval: ``n_hit`` of ``n``; NaN throughout when n is 0."""

    n_hit: int
    n: int
    share: float
    low: float
    high: float


def share_of_seeds(count: int, n: int, z: float = Z95) -> Share:
    """Share of seeds and its Wilson interval (MODEL.md 5.2).

    Parameters
    ----------
    count, n : int
        Seeds that did, seeds in all.
    z : float
        Normal quantile; 1.96 for 95 %.

    Raises
    ------
    ValueError
        When ``count`` is not within 0 to ``n``.
    """
    if not 0 <= count <= n:
        raise ValueError(f"count must be 0 to {n}, got {count}")
    if n == 0:
        return Share(0, 0, math.nan, math.nan, math.nan)
    p = count / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(count, n, p, low if count else 0.0, high if count < n else 1.0)


class Median(NamedTuple):
    """Median over ``n`` seeds with an interval between two order statistics that covers it with ``level`` or more.

    All NaN below ``FEWEST_FOR_MEDIAN`` seeds: a median of few runs is not shown.
    """

    n: int
    median: float
    low: float
    high: float
    level: float


def median_of_seeds(values: Floats, level: float = 0.95, fewest: int = FEWEST_FOR_MEDIAN) -> Median:
    """Median with a binomial order-statistic interval (MODEL.md R10).

    Parameters
    ----------
    values : float64[n]
        One a seed; NaN (not measurable) is left out, infinity ("never") counts as largest.
    level : float
        Least coverage, 0..1.
    fewest : int
        Below this many values everything is NaN.
    """
    known = np.sort(np.asarray(values, dtype=np.float64)[~np.isnan(values)])
    n = known.size
    if n < max(1, fewest):
        return Median(n, math.nan, math.nan, math.nan, math.nan)
    middle = float(known[(n - 1) // 2])
    # The interval [k-th smallest, k-th largest] covers the median with 1 - 2 P(Binomial(n, 1/2) <= k - 1).
    below, k, ways, all_ways = 0.0, 0, 1, 2**n  # whole numbers: a float holds neither beyond 1,023 seeds
    while k < n // 2 and below + ways / all_ways <= (1.0 - level) / 2.0:
        below += ways / all_ways
        ways = ways * (n - k) // (k + 1)
        k += 1
    if k == 0:  # even the range covers less than asked
        return Median(n, middle, float(known[0]), float(known[-1]), 1.0 - 2.0 / all_ways)
    return Median(n, middle, float(known[k - 1]), float(known[n - k]), 1.0 - 2.0 * below)
