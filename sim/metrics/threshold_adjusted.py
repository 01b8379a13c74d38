"""The critical shock with the luck of each seed taken out, as far as it is known before the run.

A seed whose population happens to hold much fuel tips early, and how much it holds is known from its draw alone. The
probit gets it as a covariate, and s* is the size at which half of a large reference sample of seeds would cascade, so
that the definition stays what it is without covariates and the interval narrows by what they explain.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sim.metrics.threshold import Critical, Outcomes

Floats = NDArray[np.float64]

EVENTS_PER_TERM = 10
"""Cascades, and seeds that do not, for each fitted term (Peduzzi et al. 1996); with fewer the covariates stay out."""
_RIDGE = 1e-3
_MOST_ETA = 6.0
_STEPS = 25
_WARM_STEPS = 6
_AT_ONCE = 100  # bootstrap draws in one array


class Known(NamedTuple):
    """What is known of seeds before they are run.

    Attributes
    ----------
    own : float64[n, k]
        Covariates of the seeds of an ``Outcomes``, in its order.
    reference : float64[m, k]
        The same of the seeds that s* speaks of, m at least ten.
    """

    own: Floats
    reference: Floats


def can_adjust(found: Outcomes, covariates: int) -> bool:
    """Whether there are enough cascades, and enough runs without one, for so many covariates."""
    seen = np.isfinite(found.hit)
    hits = int(np.where(seen, found.hit, 0.0).sum())
    return min(hits, int(seen.sum()) - hits) >= EVENTS_PER_TERM * (2 + covariates)


def adjusted_shock(
    found: Outcomes, known: Known, plain: Critical, seeds: NDArray[np.int64], weights: Floats, level: float = 0.95
) -> Critical:
    """s* with covariates, percentile interval over the same bootstrap draws.

    Parameters
    ----------
    found : Outcomes
    known : Known
    plain : Critical
        The same without covariates, given back where it is "above" or "below".
    seeds, weights : as ``bootstrap_weights`` gives them
    level : float
        Coverage of the interval.

    Returns
    -------
    Critical
        ``spread`` is what is left of the standard deviation of log thresholds.

    Notes
    -----
    The reference is a sample itself: each draw shifts it by a normal error with its standard deviation over sqrt(m).
    """
    if plain.beyond:
        return plain
    centre, scale = known.reference.mean(0), known.reference.std(0)
    scale = np.where(scale > 0.0, scale, 1.0)
    reference = (known.reference - centre) / scale
    row, column = np.nonzero(np.isfinite(found.hit))
    log_size = np.log(found.sizes)[column]
    middle, width = float(log_size.mean()), float(log_size.std()) or 1.0
    design = np.column_stack([np.ones(len(row)), (log_size - middle) / width, ((known.own - centre) / scale)[row]])
    y = found.hit[row, column]
    first = _fit(design, y, np.ones((1, len(row))), np.zeros((1, design.shape[1])), _STEPS)
    place = np.searchsorted(seeds, found.seeds)[row]
    parts = [
        _fit(design, y, weights[at : at + _AT_ONCE][:, place], first, _WARM_STEPS)
        for at in range(0, len(weights), _AT_ONCE)
    ]
    terms = np.concatenate([first, *parts])
    luck = reference @ terms[:, 2:].T  # [m, draws]
    error = np.random.default_rng(2).standard_normal(len(terms)) / math.sqrt(len(reference))
    error[0] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (_middle(luck + error * luck.std(0)) - terms[:, 0]) / terms[:, 1]
    sizes = np.where(terms[:, 1] > 0.0, np.exp(middle + width * np.clip(at, -50.0, 50.0)), np.nan)
    point, draws = float(sizes[0]), sizes[1:]
    finite = draws[np.isfinite(draws)]
    if not math.isfinite(point) or finite.size < 20:
        return plain
    low, high = (float(v) for v in np.quantile(finite, (0.5 * (1.0 - level), 0.5 * (1.0 + level))))
    return Critical(point, low, high, 0.5 * (high - low), width / float(terms[0, 1]), "", draws)


def _fit(design: Floats, y: Floats, weights: Floats, start: Floats, steps: int) -> Floats:
    """Probit terms of many weighted samples at once, by Fisher scoring; [draws, terms]."""
    terms = np.repeat(start, len(weights), axis=0) if len(start) != len(weights) else start.copy()
    penalty = _RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 1e-9
    for _ in range(steps):
        eta = np.clip(terms @ design.T, -_MOST_ETA, _MOST_ETA)
        p = ndtr(eta)
        density = np.exp(-0.5 * eta * eta) / math.sqrt(2.0 * math.pi)
        spare = np.maximum(p * (1.0 - p), 1e-12)
        score = weights * density / spare * (y - p)
        information = weights * density * density / spare
        gradient = score @ design - terms @ penalty
        hessian = np.einsum("bn,ni,nj->bij", information, design, design, optimize=True) + penalty
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        terms = terms + step / np.maximum(1.0, np.abs(step).max(1, keepdims=True))
    return terms


def _middle(luck: Floats) -> Floats:
    """For each column of lucks u the t at which the mean of Phi(t + u) is one half."""
    t = -np.median(luck, axis=0)
    for _ in range(8):
        eta = t + luck
        slope = np.maximum(np.exp(-0.5 * eta * eta).mean(0) / math.sqrt(2.0 * math.pi), 1e-6)
        t = t - np.clip((ndtr(eta).mean(0) - 0.5) / slope, -1.0, 1.0)
    return t


def explained(plain: Critical, adjusted: Critical) -> float:
    """Share of the variance of log thresholds over seeds that the covariates explain; 0 where they explain nothing."""
    return max(0.0, 1.0 - (adjusted.spread / plain.spread) ** 2)
