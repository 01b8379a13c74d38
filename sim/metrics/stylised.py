"""Stylised facts of a calm market (MODEL.md 6.1) as estimators on series, simulated or recorded.

Returns are log returns of one interval; NaN means that the series is too short to answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.metrics import price
from sim.metrics.depth import inside
from sim.metrics.liquidity import slope

Floats = NDArray[np.float64]


def returns(time_s: Floats, price_usd: Floats, width_s: float) -> Floats:
    """Log returns of neighbouring intervals of ``width_s`` seconds; intervals across a gap are left out."""
    ends_s, closes = price.last_in_each(time_s, price_usd, width_s)
    return np.asarray(np.diff(np.log(closes))[np.isclose(np.diff(ends_s), width_s)])


def sums(time_s: Floats, flow: Floats, width_s: float) -> Floats:
    """Sum of a flow over each interval of ``width_s`` seconds, from the first to the last."""
    interval = np.ceil(time_s / width_s).astype(np.int64)
    return np.asarray(np.bincount(interval - interval.min(), weights=flow)) if interval.size else np.empty(0)


def acf(values: Floats, lags: int) -> Floats:
    """Autocorrelation at lags 1 to ``lags``: biased estimator, by FFT; NaN where the series is shorter or constant."""
    out = np.full(lags, np.nan)
    x = np.asarray(values, dtype=np.float64)
    x = x - x.mean() if x.size else x
    if x.size < 3 or not float(x @ x) > 0:
        return out
    spectrum = np.fft.rfft(x, 1 << (2 * x.size - 1).bit_length())
    full = np.fft.irfft(spectrum * np.conj(spectrum))[: x.size] / float(x @ x)
    n = min(lags, x.size - 1)
    out[:n] = full[1 : n + 1]
    return out


def largest_acf(values: Floats, first: int, last: int) -> float:
    """Autocorrelation of largest size among the lags ``first`` to ``last``, with its sign."""
    found = acf(values, last)[first - 1 :]
    return float(found[np.nanargmax(np.abs(found))]) if np.isfinite(found).any() else float("nan")


def hill(values: Floats, top: float) -> float:
    """Tail index of |values| by Hill's estimator over the ``top`` share of the largest (0.05 is 5 %)."""
    size = np.sort(np.abs(values[np.isfinite(values)]))[::-1]
    k = int(top * size.size)
    if k < 10 or not size[k] > 0:
        return float("nan")
    return 1.0 / float(np.log(size[:k] / size[k]).mean())


def excess_kurtosis(values: Floats) -> float:
    """Fourth moment over squared variance, less 3; NaN below 20 values."""
    x = values - values.mean() if values.size else values
    variance = float((x**2).mean()) if x.size else 0.0
    return float((x**4).mean()) / variance**2 - 3.0 if x.size >= 20 and variance > 0 else float("nan")


def decay_exponent(correlations: Floats, first: int, last: int) -> float:
    """Exponent g of a power law lag^-g through the positive autocorrelations, lags ``first`` to ``last``.

    Fitted by least squares on logarithmic axes over lags that are evenly spaced there, so that the many late lags do
    not outweigh the few early ones. NaN when fewer than half of these lags have a positive autocorrelation.
    """
    last = min(last, correlations.size)
    if last <= first:
        return float("nan")
    lags = np.unique(np.rint(np.geomspace(first, last, 40)).astype(np.int64))
    found = correlations[lags - 1]
    usable = np.isfinite(found) & (found > 0)
    if 2 * usable.sum() < lags.size:
        return float("nan")
    return -slope(np.log(lags[usable].astype(np.float64)), np.log(found[usable]))


def correlation(x: Floats, y: Floats) -> float:
    """Pearson correlation of the rows on which both are known; NaN below three."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size < 3 or not (np.std(x) > 0 and np.std(y) > 0):
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def hurst(values: Floats, shortest: int = 16) -> float:
    """Hurst exponent of a stationary series: slope of log sd of block sums on log block length (aggregated variance).

    Blocks are at most a 128th of the series long: the sd of few long blocks is too small where memory is long.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x - x.mean() if x.size else x
    lengths = np.unique(np.geomspace(shortest, max(x.size // 128, shortest), 12).astype(np.int64))
    if x.size < 256 * shortest or lengths.size < 3:
        return float("nan")
    spread = [float(x[: x.size // m * m].reshape(-1, m).sum(axis=1).std()) for m in lengths]
    return slope(np.log(lengths.astype(np.float64)), np.log(np.array(spread))) if min(spread) > 0 else float("nan")


def variance_ratio(time_s: Floats, price_usd: Floats, short_s: float, long_s: float) -> float:
    """Variance of ``long_s`` returns over that of ``short_s`` returns times their ratio; 1 for a random walk."""
    short, long = (returns(time_s, price_usd, width) for width in (short_s, long_s))
    if short.size < 20 or long.size < 20 or not short.var() > 0:
        return float("nan")
    return float(long.var() / (short.var() * long_s / short_s))


def impact_exponent(size: Floats, impact: Floats) -> float:
    """Slope of log impact on log size over metaorders with positive impact; NaN below five sizes."""
    usable = (size > 0) & (impact > 0)
    return slope(np.log(size[usable]), np.log(impact[usable])) if usable.sum() >= 5 else float("nan")


def impact_prefactor(size: Floats, impact: Floats, daily_volume: float, daily_sd: float) -> float:
    """Y of I = Y sd sqrt(Q / V): median over the metaorders; sizes and daily volume in one unit, impact a fraction."""
    return float(np.median(impact / (daily_sd * np.sqrt(size / daily_volume)))) if size.size else float("nan")


def impact_decay(time_s: Floats, response: Floats, duration_s: float) -> float:
    """I(2T) over I(T): response one duration after the end of a metaorder over that at its end (log responses)."""
    if time_s.size == 0 or time_s[-1] < 2 * duration_s:
        return float("nan")
    at_end, later = (response[np.searchsorted(time_s, t, side="right") - 1] for t in (duration_s, 2 * duration_s))
    return float(later / at_end) if at_end > 0 else float("nan")


def book_shape(bands: Floats, nearest: float = 0.0025, farthest: float = 0.05) -> float:
    """Exponent eta of cumulative depth D(x) ~ x^eta, both sides summed, mean over the profile rows (fact 12)."""
    if not len(bands):
        return float("nan")
    edges = np.geomspace(nearest, farthest, 12)
    held = np.array([float(np.mean(inside(bands, x, False) + inside(bands, x, True))) for x in edges])
    return slope(np.log(edges), np.log(held)) if (held > 0).all() else float("nan")


def with_volatility(time_s: Floats, price_usd: Floats, level: Floats, width_s: float = 300.0) -> float:
    """Correlation of the mean level of each interval with the sd of its one-second returns, in logarithms.

    Logarithms, because both are positive and skewed; intervals without movement or level are left out.
    """
    interval = np.ceil(time_s / width_s).astype(np.int64)
    if interval.size < 2:
        return float("nan")
    interval -= interval.min()
    step = np.diff(np.log(price_usd), prepend=np.nan)
    sd, mean = (np.full(int(interval[-1]) + 1, np.nan) for _ in range(2))
    for k in range(sd.size):
        rows = interval == k
        moved, held = step[rows][np.isfinite(step[rows])], level[rows][np.isfinite(level[rows])]
        if moved.size > 2 and held.size and moved.std() > 0 and held.mean() > 0:
            sd[k], mean[k] = np.log(moved.std()), np.log(held.mean())
    return correlation(sd, mean)


def fano(counts: Floats) -> float:
    """Variance over mean of counts an interval (18: liquidations a minute); 1 for Poisson, NaN when nothing happens."""
    mean = float(counts.mean()) if counts.size else 0.0
    return float(counts.var()) / mean if mean > 0 else float("nan")


def share_at(values: Floats, at: float, tolerance: float = 1e-9) -> float:
    """Share of prints that stand at one value (20: funding at its base); NaN without prints."""
    known = values[np.isfinite(values)]
    return float((np.abs(known - at) <= tolerance).mean()) if known.size else float("nan")
