"""A linear rule with autoregressive, fat-tailed noise: fitted, fitted again on drawn blocks of days, and run forward.

    y_t = x_t b + u_t,   u_t = rho u_{t-1} + s e_t,   e_t Student t with nu degrees of freedom.

Nothing here knows of funds; ``etf_flow`` gives it days, flows and returns.
"""

from dataclasses import dataclass
from math import lgamma, pi

import numpy as np
from numpy.typing import NDArray

from calibration.betas import drawn_blocks

Floats = NDArray[np.float64]

TAILS = (3.0, 5.0, 10.0, 30.0)  # degrees of freedom that are tried; 30 is as good as normal
TOGETHER = 50  # fits at a time: larger matrices are shared out to threads that wait for each other
STEPS = 20  # reweighted steps; more do not move a coefficient by a thousandth of its interval


@dataclass(frozen=True)
class Fit:
    """A fitted rule, or as many as were drawn.

    Attributes
    ----------
    b : float64[d, k]
        Coefficients.
    rho, s, nu : float64[d]
        Of the noise.
    """

    b: Floats
    rho: Floats
    s: Floats
    nu: Floats


def fit(x: Floats, y: Floats, weights: Floats | None = None) -> Fit:
    """Greatest likelihood, given the first day.

    Parameters
    ----------
    x : float64[n, k]
        One row a day, in their order.
    y : float64[n]
    weights : float64[d, n - 1], optional
        How often each day after the first counts, with the day before it as it is recorded; a row is a fit. Without
        them one fit, each day once.

    Returns
    -------
    Fit
        Of ``d`` fits: each with the tail in ``TAILS`` that is likeliest for it.
    """
    times = np.ones((1, y.size - 1)) if weights is None else weights
    found = [_with_tail(x, y, times, nu) for nu in TAILS]
    best = np.argmax([likelihood for likelihood, *_ in found], axis=0)
    take = np.arange(times.shape[0])
    b, rho, s = (np.stack([one[part] for one in found])[best, take] for part in (1, 2, 3))
    return Fit(b, rho, s, np.array(TAILS)[best])


def _with_tail(x: Floats, y: Floats, times: Floats, nu: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Likelihood, coefficients, autocorrelation and scale by reweighted least squares, one row of ``times`` a fit."""
    now, before = np.column_stack((x, y))[1:], np.column_stack((x, y))[:-1]
    k = x.shape[1]
    # sums of products over days are products of matrices, because a day's terms do not change with the fit
    squares = [np.einsum("ni,nj->nij", a, c).reshape(y.size - 1, -1) for a, c in
               ((now, now), (now, before), (before, before))]  # fmt: skip
    rho, scale, w = np.zeros(len(times)), np.full(len(times), y.var()), times.copy()
    b, e = np.zeros((len(times), k)), np.zeros_like(times)
    for _ in range(STEPS):
        nn, nb, bb = ((w @ square).reshape(-1, k + 1, k + 1) for square in squares)
        r = rho[:, None, None]
        m = nn - r * (nb + nb.transpose(0, 2, 1)) + r * r * bb
        b = np.linalg.solve(m[:, :k, :k], m[:, :k, k:])[:, :, 0]
        full = np.concatenate((-b, np.ones((len(b), 1))), axis=1)
        u, u_before = full @ now.T, full @ before.T
        rho = (w * u * u_before).sum(axis=1) / (w * u_before * u_before).sum(axis=1)
        e = u - rho[:, None] * u_before
        w = times * (nu + 1.0) / (nu + e * e / scale[:, None])
        scale = (w * e * e).sum(axis=1) / times.sum(axis=1)
    peak = lgamma((nu + 1.0) / 2.0) - lgamma(nu / 2.0) - 0.5 * np.log(nu * pi * scale)
    fall = (nu + 1.0) / 2.0 * np.log1p(e * e / (nu * scale[:, None]))
    return (times * (peak[:, None] - fall)).sum(axis=1), b, rho, np.sqrt(scale)


def drawn(x: Floats, y: Floats, draws: int, block: int, rng: np.random.Generator) -> Fit:
    """The fit on drawn blocks of neighbouring days: a moving-block bootstrap, each day with its own day before."""
    n = y.size - 1
    days = drawn_blocks(n, block, rng, draws)
    times = np.stack([np.bincount(row, minlength=n) for row in days]).astype(np.float64)
    fits = [fit(x, y, times[start : start + TOGETHER]) for start in range(0, draws, TOGETHER)]
    return Fit(*(np.concatenate([getattr(one, part) for one in fits]) for part in ("b", "rho", "s", "nu")))


def run(rule: Fit, x: Floats, last: tuple[Floats, float], paths: int, rng: np.random.Generator) -> Floats:
    """Days ahead of the rule, float64[paths, h]: each path with one of the drawn fits and noise of its own.

    Parameters
    ----------
    rule : Fit
    x : float64[h, k]
        Terms of the days ahead.
    last : (float64[k], float)
        Terms and outcome of the last day known, from which the noise goes on.
    paths : int
    rng : Generator
    """
    take = rng.integers(0, rule.rho.size, paths)
    b, rho, s, nu = rule.b[take], rule.rho[take], rule.s[take], rule.nu[take]
    u = last[1] - b @ last[0]
    e = rng.standard_t(nu[:, None], (paths, len(x))) * s[:, None]
    out = b @ x.T
    for day in range(len(x)):
        u = rho * u + e[:, day]
        out[:, day] += u
    return out


def crps(sample: Floats, outcome: float) -> float:
    """Continuous ranked probability score of a sample: E|X - y| - E|X - X'| / 2; a smaller one is better."""
    ordered = np.sort(sample)
    n = ordered.size
    spread = 2.0 * float(((2.0 * np.arange(1, n + 1) - n - 1.0) * ordered).sum()) / (n * n)
    return float(np.abs(ordered - outcome).mean()) - 0.5 * spread
