"""Differences of runs paired by seed: intervals, what the pairing bought, responses to a probe by horizon.

Two runs with one seed share their draws (MODEL.md R11), so the difference of a seed holds what the settings did and
little of what the seed did. Pure functions on arrays, one row a seed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics.seeds import FEWEST_FOR_MEDIAN, Median, Share, median_of_seeds, share_of_seeds

Floats = NDArray[np.float64]

RESAMPLES = 2000
FEWEST_FOR_MEAN = 8
"""An interval of a mean is shown from this many seeds on: below, a bootstrap has too little to draw from."""
_DRAWS = 20251010  # the same seeds give the same interval
_BATCH_BYTES = 1 << 24
_ROUNDING = 1e-12  # sums in another order
_ALIKE = 1e-9  # of a number: seeds that differ by less differ by the rounding of what was taken from each other


def mean_interval(values: Floats, level: float = 0.95, resamples: int = RESAMPLES) -> tuple[Floats, Floats]:
    """Interval of the mean over seeds: symmetric studentized bootstrap over seeds.

    Parameters
    ----------
    values : float64[n, ...]
        One row a seed, all finite; columns are resampled with the same seeds.
    level : float
        Coverage asked for, 0..1.
    resamples : int
        Draws of the bootstrap.

    Returns
    -------
    low, high : float64[...]
        NaN below ``FEWEST_FOR_MEAN`` seeds, and where so few seeds differ from the rest that more than 1 - level of the
        draws see no difference at all; a column that is the same in every seed, but for rounding, has its mean twice.

    Notes
    -----
    The mean less and plus q standard errors, q the quantile of |mean* - mean| / error* over draws, each with its own
    standard error (Hall 1988, "On symmetric bootstrap confidence intervals"). What is studentized hangs on the law of
    the seeds in the second order only, and in both tails taken together skewness drops out of that order too. So few
    seeds need no further correction, and heavy tails do not narrow the interval, as they do with BCa (91 % at 32 seeds
    of Student's t with three degrees of freedom).
    """
    values = np.asarray(values, dtype=np.float64)
    n, columns = values.shape[0], values.reshape(values.shape[0], -1)
    low, high = np.full(columns.shape[1], np.nan), np.full(columns.shape[1], np.nan)
    if n >= FEWEST_FOR_MEAN:
        mean, least, most = columns.mean(axis=0), columns.min(axis=0), columns.max(axis=0)
        same = most - least <= _ALIKE * np.maximum(np.abs(least), np.abs(most))
        low[same] = high[same] = mean[same]
        half = _half_width(columns[:, ~same] - mean[~same], level, resamples)
        low[~same], high[~same] = mean[~same] - half, mean[~same] + half
    return low.reshape(values.shape[1:]), high.reshape(values.shape[1:])


def _half_width(gaps: Floats, level: float, resamples: int) -> Floats:
    """Half the interval of columns that have mean 0."""
    n, n_columns = gaps.shape
    drawn = np.random.default_rng(_DRAWS).multinomial(n, np.full(n, 1.0 / n), size=resamples) / n
    half, at_once = np.empty(n_columns), max(1, _BATCH_BYTES // (8 * resamples))
    for k in range(0, n_columns, at_once):
        part = gaps[:, k : k + at_once]
        scale = np.abs(part).max(axis=0)  # squares of tiny numbers would underflow
        part = part / scale
        middle = drawn @ part
        variance = drawn @ part**2 - middle**2
        varies = variance > _ROUNDING  # a draw that sees no difference has no error of its own
        t = np.sqrt(np.divide(middle**2, variance, out=np.full(middle.shape, np.inf), where=varies))
        ends = np.quantile(t, level, axis=0, method="inverted_cdf") * part.std(axis=0) * scale
        half[k : k + at_once] = np.where(np.isinf(ends), np.nan, ends)
    return half


def variance_ratio(a: Floats, b: Floats) -> Floats:
    """Variance of the mean difference of unpaired seeds over that of paired ones: what pairing saves in seeds.

    Parameters
    ----------
    a, b : float64[n, ...]
        The same seeds by rows.

    Returns
    -------
    float64[...]
        (var a + var b) / var (b - a); infinity where the difference is the same in every seed though the seeds differ,
        NaN where nothing varies or with one seed.
    """
    if a.shape[0] < 2:
        return np.full(a.shape[1:], np.nan)
    apart, together = np.var(a, axis=0, ddof=1) + np.var(b, axis=0, ddof=1), np.var(b - a, axis=0, ddof=1)
    gone = np.where(apart > 0.0, np.inf, np.nan)
    return np.asarray(np.divide(apart, together, out=gone, where=together > 0.0))


class Pair(NamedTuple):
    """One number of two scenarios over the same seeds.

    Attributes
    ----------
    n, missing : int
        Seeds in which both have the number, and seeds in which one or both have not.
    mean_a, mean_b, median_a, median_b : float
        Over the ``n`` seeds; medians are values that a seed has.
    mean, low, high : float
        Mean of b less a over the seeds with its interval (``mean_interval``).
    median : Median
        Median of the differences with its order-statistic interval.
    lower, higher : Share
        Share of seeds in which b is below and above a, with Wilson intervals.
    variance_ratio : float
        As ``variance_ratio``.
    same : bool
        The two are equal in every seed, to twelve digits.
    """

    n: int
    missing: int
    mean_a: float
    mean_b: float
    median_a: float
    median_b: float
    mean: float
    low: float
    high: float
    median: Median
    lower: Share
    higher: Share
    variance_ratio: float
    same: bool

    @property
    def half_width(self) -> float:
        """Half the length of the interval of the mean difference."""
        return 0.5 * (self.high - self.low)


def pair(a: Floats, b: Floats, level: float = 0.95) -> Pair:
    """Compare one number of two scenarios.

    Parameters
    ----------
    a, b : float64[n]
        One a seed, the same seeds in the same order; pairs with a number that is not finite are left out.
    level : float
        Coverage of the intervals, 0..1.

    Raises
    ------
    ValueError
        When the two are not of one length.
    """
    if a.shape != b.shape:
        raise ValueError(f"pairs need as many numbers of either: {a.size} and {b.size}")
    known = np.isfinite(a) & np.isfinite(b)
    missing, alike = int((~known).sum()), bool(a.size) and np.array_equal(a[~known], b[~known], equal_nan=True)
    a, b = a[known], b[known]
    n, gap = a.size, b - a
    gap[np.abs(gap) <= _ROUNDING * np.maximum(np.abs(a), np.abs(b))] = 0.0
    same = alike and not gap.any()
    below, above = share_of_seeds(int((gap < 0).sum()), n), share_of_seeds(int((gap > 0).sum()), n)
    if n == 0:
        nan = math.nan
        none = median_of_seeds(gap)
        return Pair(0, missing, nan, nan, nan, nan, nan, nan, nan, none, below, above, nan, same)
    (low,), (high,) = mean_interval(gap[:, None], level)
    middle = np.sort(a)[(n - 1) // 2], np.sort(b)[(n - 1) // 2]
    median = median_of_seeds(gap, level, FEWEST_FOR_MEDIAN)
    ratio = float(variance_ratio(a[:, None], b[:, None])[0])
    return Pair(
        n, missing, float(a.mean()), float(b.mean()), float(middle[0]), float(middle[1]), float(gap.mean()),
        float(low), float(high), median, below, above, ratio, same,
    )  # fmt: skip


class Flips(NamedTuple):
    """Which seeds did something under either scenario.

    Attributes
    ----------
    both, neither : int
        Seeds that did under both, and under none.
    into, out_of : tuple of int
        The seeds that did under b alone, and under a alone.
    share_a, share_b : Share
        Share of seeds under either, with Wilson intervals.
    """

    both: int
    neither: int
    into: tuple[int, ...]
    out_of: tuple[int, ...]
    share_a: Share
    share_b: Share


def flips(seeds: NDArray[np.int64], a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Flips:
    """Count the seeds that go over from one kind of outcome to the other.

    Parameters
    ----------
    seeds : int64[n]
    a, b : bool[n]
        Whether each seed did, under either scenario.
    """
    n = seeds.size
    into, out_of = (tuple(int(s) for s in seeds[rows]) for rows in (b & ~a, a & ~b))
    shares = share_of_seeds(int(a.sum()), n), share_of_seeds(int(b.sum()), n)
    return Flips(int((a & b).sum()), int((~a & ~b).sum()), into, out_of, *shares)


class Curve(NamedTuple):
    """Response by time since the probe, and what pairing saved at each time: float64[n_times] each.

    Attributes
    ----------
    mean, low, high
        Mean over seeds with its interval (``mean_interval``).
    median, median_low, median_high
        Median over seeds with its order-statistic interval; NaN below ten seeds.
    variance_ratio
        As ``variance_ratio``.
    """

    mean: Floats
    low: Floats
    high: Floats
    median: Floats
    median_low: Floats
    median_high: Floats
    variance_ratio: Floats


def curve(without: Floats, probed: Floats, level: float = 0.95) -> Curve:
    """IRF: mean over seeds of the path with the probe less the path without, by time (MODEL.md 5.1).

    Parameters
    ----------
    without, probed : float64[n_seeds, n_times]
        For instance log returns since just before the probe, the same seeds in the same order; all finite.
    level : float
        Coverage of the interval at each time, 0..1.
    """
    gap = probed - without
    low, high = mean_interval(gap, level)
    middle, least, most = np.array([median_of_seeds(column, level)[1:4] for column in gap.T]).T
    return Curve(gap.mean(axis=0), low, high, middle, least, most, variance_ratio(without, probed))


class Estimate(NamedTuple):
    """A number with the interval of a bootstrap over seeds; infinity means never."""

    value: float
    low: float
    high: float


class Decay(NamedTuple):
    """How a mean response rises and goes back.

    Attributes
    ----------
    peak : Estimate
        Largest mean response in the direction of the probe, signed, in the unit of the response.
    peak_after_s : Estimate
        Time of it since the probe.
    half_life_s : Estimate
        Time from the peak until the mean response is at most half of it; infinity when it is not by the last time.
    left : Estimate
        Mean response at the last time over the peak.
    """

    peak: Estimate
    peak_after_s: Estimate
    half_life_s: Estimate
    left: Estimate


def decay(time_s: Floats, gap: Floats, direction: float, level: float = 0.95, resamples: int = RESAMPLES) -> Decay:
    """Peak, half-life and what is left of a mean response, with percentile intervals over resampled seeds.

    Parameters
    ----------
    time_s : float64[n_times]
        Since the probe, rising.
    gap : float64[n_seeds, n_times]
        Response of each seed: path with the probe less path without; all finite.
    direction : float
        +1 for a response upwards, -1 for one downwards.
    level : float
        Coverage asked for; NaN ends below ``FEWEST_FOR_MEAN`` seeds.
    resamples : int
        Draws of the bootstrap.

    Notes
    -----
    The peak of a noisy mean lies a little beyond the peak of the true one; the bootstrap does not take that away.
    """
    n = gap.shape[0]
    found = _shape(time_s, direction * gap.mean(axis=0)[None, :])[0]
    if n < FEWEST_FOR_MEAN:
        ends = np.full((2, 4), np.nan)
    else:
        weights = np.random.default_rng(_DRAWS).multinomial(n, np.full(n, 1.0 / n), size=resamples) / n
        tails = (0.5 * (1.0 - level), 0.5 * (1.0 + level))
        ends = np.quantile(_shape(time_s, direction * (weights @ gap)), tails, axis=0, method="inverted_cdf")
    found[0], ends[:, 0] = direction * found[0], np.sort(direction * ends[:, 0])
    return Decay(*(Estimate(float(found[k]), float(ends[0, k]), float(ends[1, k])) for k in range(4)))


def _shape(time_s: Floats, rising: Floats) -> Floats:
    """Peak, its time, half-life and share left, by columns, of responses by rows that rise in the probe's direction."""
    rows = np.arange(rising.shape[0])
    at = rising.argmax(axis=1)
    peak = rising[rows, at]
    back = (rising <= 0.5 * peak[:, None]) & (np.arange(time_s.size) >= at[:, None])
    first = back.argmax(axis=1)
    half_life = np.where(back.any(axis=1), time_s[first] - time_s[at], np.inf)
    left = np.divide(rising[:, -1], peak, out=np.full(peak.shape, np.nan), where=peak > 0.0)
    return np.asarray(np.stack([peak, time_s[at], half_life, left], axis=1))
