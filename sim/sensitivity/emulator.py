"""A Gaussian process through the means of a design: inputs in the unit cube, noise estimated, how well it predicts."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError

Floats = NDArray[np.float64]

FOLDS = 10
"""Groups of points that are left out in turn."""
SHORTEST, LONGEST = 0.05, 100.0
"""Bounds of the length scales, in widths of a range; at the upper end an input does nothing [judgement]."""
_NOISE = (1e-8, 1.0)
_RESTARTS = 1
_ROWS = 4_000  # predicted at once


class Emulator(NamedTuple):
    """A fitted process.

    Attributes
    ----------
    kernel : object
        With its fitted lengths and noise.
    x : float64[n, d]
        Points, in the unit cube.
    y : float64[n]
        What was fitted, in its own unit.
    noise : float64[n]
        Variance of the noise of each y that is known, in the square of its unit.
    fitted : object
        The process.
    """

    kernel: Any
    x: Floats
    y: Floats
    noise: Floats
    fitted: Any

    def __call__(self, x: Floats) -> Floats:
        """Mean of the process at points of the unit cube."""
        seen, weights = self.fitted.X_train_, self.fitted.alpha_
        parts = [self.fitted.kernel_(x[k : k + _ROWS], seen) @ weights for k in range(0, len(x), _ROWS)]
        return np.asarray(np.concatenate(parts) * (float(np.std(self.y)) or 1.0) + self.y.mean(), dtype=np.float64)

    def without(self, left_out: NDArray[np.bool_]) -> Emulator:
        """The process without some points, its lengths and noise kept."""
        kept = ~left_out
        return _fit(self.kernel, self.x[kept], self.y[kept], self.noise[kept], None)

    @property
    def lengths(self) -> Floats:
        """Length scale of each input, in widths of its range."""
        return np.atleast_1d(self.kernel.k1.k2.length_scale)


def emulate(x: Floats, y: Floats, noise: Floats | None = None, draw: int = 1) -> Emulator:
    """Fit a Matern 5/2 process with a length for each input and white noise, by maximum likelihood.

    Parameters
    ----------
    x : float64[n, d]
        Points, in the unit cube.
    y : float64[n]
    noise : float64[n], optional
        Known variance of each y, beside the white noise that is fitted.
    draw : int
        Of the restarts of the fit.

    Raises
    ------
    ScenarioError
        When scikit-learn is missing.
    """
    try:
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
    except ModuleNotFoundError as error:
        raise ScenarioError("an emulator needs scikit-learn: pip install 'shoal[explore]'") from error
    d = x.shape[1]
    matern = Matern(np.full(d, 0.5), (SHORTEST, LONGEST), nu=2.5)
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * matern + WhiteKernel(1e-2, _NOISE)
    known = np.zeros(len(y)) if noise is None else np.asarray(noise, dtype=np.float64)
    return _fit(kernel, x, y, known, draw)


def _fit(kernel: Any, x: Floats, y: Floats, noise: Floats, draw: int | None) -> Emulator:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from threadpoolctl import threadpool_limits

    variance = float(np.var(y)) or 1.0
    search = {"optimizer": None} if draw is None else {"n_restarts_optimizer": _RESTARTS, "random_state": draw}
    process = GaussianProcessRegressor(kernel, alpha=noise / variance + 1e-9, normalize_y=True, **search)
    with warnings.catch_warnings(), threadpool_limits(1):  # threads that wait for one another cost more than they do
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is an answer: no effect
        process.fit(x, y)
    return Emulator(process.kernel_, x, y, noise, process)


def folds(n: int, draw: int = 1) -> list[NDArray[np.bool_]]:
    """Which points each fold leaves out: FOLDS groups of nearly the same size, drawn once."""
    place = np.random.default_rng(draw).permutation(n) % min(FOLDS, n)
    return [place == k for k in range(min(FOLDS, n))]


def explained(one: Emulator, draw: int = 1) -> float:
    """Share of the variance of the points' values that the process predicts where it has not seen them (Q2)."""
    total = float(np.sum((one.y - one.y.mean()) ** 2))
    if total == 0.0:
        return 1.0
    missed = sum(float(np.sum((one.y[out] - one.without(out)(one.x[out])) ** 2)) for out in folds(len(one.y), draw))
    return 1.0 - missed / total
