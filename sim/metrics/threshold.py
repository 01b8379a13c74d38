"""Critical shock: the size at which half of the seeds cascade, by probit, with intervals from a bootstrap over seeds.

Outcomes are 0 or 1 for (seed, size); a seed may have been run at some sizes only. Seeds are resampled within the blocks
in which they were run, whole, with all their sizes and, through ``weights``, at every depth at once: that keeps the
common random numbers paired (MODEL.md 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

RESAMPLES = 2000
"""Bootstrap draws (MODEL.md 5.2)."""
_RIDGE = 1e-3  # on the slope: keeps a separated sample finite, with s* midway in logarithms
_MOST_ETA = 6.0
_STEPS = 40


class Outcomes(NamedTuple):
    """Who cascaded at one depth.

    Attributes
    ----------
    sizes : float64[k]
        Sizes of the shock, above 0, rising.
    seeds : int64[n]
        Rising.
    hit : float64[n, k]
        1 or 0; NaN where that seed was not run at that size.
    """

    sizes: Floats
    seeds: NDArray[np.int64]
    hit: Floats


class Critical(NamedTuple):
    """Critical shock of one depth.

    Attributes
    ----------
    size, low, high : float
        s* and its 95 % interval, in the unit of the sizes; NaN when it does not lie within the sizes that were run.
    half_width : float
        Half of ``high`` less ``low``.
    spread : float
        Standard deviation of log threshold over seeds that the probit finds.
    beyond : str
        "" or "above" (less than half cascade at the largest size), "below" (more than half at the smallest).
    draws : float64[resamples]
        Bootstrap draws of s*.
    """

    size: float
    low: float
    high: float
    half_width: float
    spread: float
    beyond: str
    draws: Floats


def probit(sizes: Floats, hits: Floats, runs: Floats) -> tuple[Floats, Floats]:
    """Fit P(cascade) = Phi(slope (ln s - ln s*)) by penalised likelihood, many samples at once.

    Parameters
    ----------
    sizes : float64[k]
        Above 0.
    hits, runs : float64[b, k]
        Cascades and runs of each sample at each size.

    Returns
    -------
    critical, slope : float64[b]
        s* in the unit of the sizes, NaN where the share does not rise with size; slope per unit of ln s.

    Notes
    -----
    Fisher scoring with step halving left out: the penalty and the bound on the linear predictor keep it stable.
    """
    x = np.log(sizes)
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / scale
    share = (hits.sum(1) + 0.5) / (runs.sum(1) + 1.0)
    a, b = ndtri(share), np.ones(len(hits))
    for _ in range(_STEPS):
        eta = np.clip(a[:, None] + b[:, None] * z, -_MOST_ETA, _MOST_ETA)
        p = ndtr(eta)
        density = np.exp(-0.5 * eta * eta) / math.sqrt(2.0 * math.pi)
        spare = np.maximum(p * (1.0 - p), 1e-12)
        score = density / spare * (hits - runs * p)
        weight = runs * density * density / spare
        g0, g1 = score.sum(1), (score * z).sum(1) - _RIDGE * b
        h00, h01, h11 = weight.sum(1) + 1e-9, (weight * z).sum(1), (weight * z * z).sum(1) + _RIDGE
        det = h00 * h11 - h01 * h01
        step_a, step_b = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
        size = np.maximum(1.0, np.maximum(np.abs(step_a), np.abs(step_b)))
        a, b = a + step_a / size, b + step_b / size
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        critical = np.where(b > 0.0, np.exp(centre - scale * a / b), np.nan)
    return critical, b / scale


def bootstrap_weights(
    blocks: Sequence[NDArray[np.int64]], resamples: int = RESAMPLES, key: int = 1
) -> tuple[NDArray[np.int64], Floats]:
    """How often each seed is drawn in each resample, drawn within the blocks in which seeds were run.

    Returns
    -------
    seeds : int64[n]
        All seeds, rising.
    weights : float64[resamples, n]
    """
    rng = np.random.default_rng(key)
    seeds = np.concatenate([np.asarray(b, dtype=np.int64) for b in blocks])
    parts = [rng.multinomial(len(b), np.full(len(b), 1.0 / len(b)), size=resamples) for b in blocks]
    order = np.argsort(seeds)
    return seeds[order], np.concatenate(parts, axis=1)[:, order].astype(np.float64)


def critical_shock(found: Outcomes, seeds: NDArray[np.int64], weights: Floats, level: float = 0.95) -> Critical:
    """s* with its BCa bootstrap interval over seeds.

    Parameters
    ----------
    found : Outcomes
    seeds, weights : as ``bootstrap_weights`` gives them
        May hold seeds that were not run here.
    level : float
        Coverage of the interval.
    """
    seen = np.isfinite(found.hit)
    hit = np.where(seen, found.hit, 0.0)
    runs = seen.astype(np.float64)
    total, hits = runs.sum(0), hit.sum(0)
    share = hits / total
    point, slope = (float(v[0]) for v in probit(found.sizes, hits[None], total[None]))
    beyond = "above" if share.max() < 0.5 else "below" if share.min() > 0.5 else ""
    column = np.searchsorted(seeds, found.seeds)
    spread = 1.0 / slope if slope else math.nan  # one size says nothing of it
    w = weights[:, column]
    draws = probit(found.sizes, w @ hit, w @ runs)[0]
    if beyond or not math.isfinite(point):
        return Critical(math.nan, math.nan, math.nan, math.nan, spread, beyond or "above", draws)
    left_out = probit(found.sizes, hits - hit, total - runs)[0]
    low, high = bca(point, draws, left_out, level)
    return Critical(point, low, high, 0.5 * (high - low), spread, "", draws)


def bca(point: float, draws: Floats, left_out: Floats, level: float = 0.95) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987).

    Parameters
    ----------
    point : float
        The estimate.
    draws : float64[b]
        Bootstrap draws; NaN is left out.
    left_out : float64[n]
        Estimates with one unit left out each, for the acceleration.
    """
    known = np.sort(draws[np.isfinite(draws)])
    if known.size < 20:
        return math.nan, math.nan
    below = (np.sum(known < point) + 0.5 * np.sum(known == point)) / known.size
    bias = float(ndtri(np.clip(below, 1.0 / known.size, 1.0 - 1.0 / known.size)))
    pulled = np.nanmean(left_out) - left_out[np.isfinite(left_out)]
    spread = float(np.sum(pulled**2)) ** 1.5
    acceleration = float(np.sum(pulled**3)) / (6.0 * spread) if spread > 0 else 0.0
    ends = []
    for tail in (0.5 * (1.0 - level), 0.5 * (1.0 + level)):
        z = bias + float(ndtri(tail))
        ends.append(float(ndtr(bias + z / (1.0 - acceleration * z))))
    low, high = np.quantile(known, ends)
    return float(low), float(high)


class Elasticity(NamedTuple):
    """d ln s* / d ln depth, least squares over depths, with its 95 % percentile interval; NaN below three depths."""

    slope: float
    low: float
    high: float


def elasticity(depths: Floats, found: Sequence[Critical]) -> Elasticity:
    """Slope of ln s* on ln depth.

    Parameters
    ----------
    depths : float64[n]
        Depth multiples, above 0.
    found : sequence of Critical
        Of the same depths, their draws made with the same weights, so that each draw is one world.
    """
    inside = [(d, c) for d, c in zip(depths, found, strict=True) if not c.beyond]
    if len(inside) < 3:
        return Elasticity(math.nan, math.nan, math.nan)
    x = np.log([d for d, _ in inside])
    x -= x.mean()
    y = np.log(np.array([[c.size, *c.draws] for _, c in inside]))
    slopes = x @ y / (x @ x)
    known = slopes[1:][np.isfinite(slopes[1:])]
    low, high = np.quantile(known, (0.025, 0.975))
    return Elasticity(float(slopes[0]), float(low), float(high))


def variance_ratio(one: Floats, other: Floats) -> float:
    """What common random numbers are worth: variance of the difference of unpaired means over that of paired ones.

    Parameters
    ----------
    one, other : float64[n]
        The same seeds under two settings; pairs with a NaN are left out.

    Returns
    -------
    float
        4 means that a quarter of the seeds is enough for the same interval; NaN below two pairs, inf when the paired
        difference never varies.
    """
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 2:
        return math.nan
    paired = float(np.var(one[both] - other[both], ddof=1))
    apart = float(np.var(one[both], ddof=1) + np.var(other[both], ddof=1))
    return apart / paired if paired > 0 else math.inf if apart > 0 else math.nan
