"""Designs in the unit cube and the indices that they give: Morris, and Sobol directly or on an emulator. By SALib."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.sensitivity.emulator import Emulator, folds

Floats = NDArray[np.float64]
Method = Literal["morris", "sobol", "emulator"]
METHODS: tuple[Method, ...] = ("morris", "sobol", "emulator")

LEVELS = 4
"""Steps of a range in a Morris design (Morris 1991 uses 4)."""
ON_EMULATOR = 4096
"""Base points of the Sobol design that an emulator is asked at."""
RESAMPLES = 500
"""Bootstrap draws of SALib."""
_Z95 = 1.959963984540054


class Index(NamedTuple):
    """One number with its 95 % interval; NaN where it does not exist."""

    value: float
    low: float
    high: float


class Indices(NamedTuple):
    """What one input does to one outcome.

    Attributes
    ----------
    first, total : Index
        Share of the variance that the input makes alone, and with all others (Sobol); NaN of a Morris design.
    effect : Index
        Mean absolute change over the whole range (Morris's mu*), in the outcome's unit; NaN of a Sobol design.
    bends : float
        Standard deviation of those changes (Morris's sigma): curvature and interactions.
    """

    first: Index
    total: Index
    effect: Index
    bends: float


NONE = Index(math.nan, math.nan, math.nan)


def problem(d: int) -> dict[str, Any]:
    """What SALib is told of d inputs in the unit cube."""
    return {"num_vars": d, "names": [f"x{k}" for k in range(d)], "bounds": [[0.0, 1.0]] * d}


def design(method: Method, d: int, points: int, draw: int = 1) -> Floats:
    """Points in the unit cube.

    Parameters
    ----------
    method : {"morris", "sobol", "emulator"}
    d : int
        Inputs.
    points : int
        Paths (morris: d + 1 points each), base points (sobol: d + 2 points each; a power of two), or points.
    draw : int
        Seed of the sampler.

    Returns
    -------
    float64[n, d]
    """
    sobol, morris = _salib("sample.sobol"), _salib("sample.morris")
    if method == "morris":
        return np.asarray(morris.sample(problem(d), points, num_levels=LEVELS, seed=draw), dtype=np.float64)
    if method == "sobol":
        if points < 2 or points & (points - 1):
            raise ScenarioError(f"--points {points}: a Sobol design has a power of two, such as 64 or 128")
        return np.asarray(sobol.sample(problem(d), points, calc_second_order=False, seed=draw), dtype=np.float64)
    from scipy.stats import qmc

    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "The balance properties of Sobol", UserWarning
        )  # any number of points will do
        return np.asarray(qmc.Sobol(d=d, rng=draw).random(points), dtype=np.float64)


def of_sobol(values: Floats, d: int, draw: int = 1) -> list[Indices]:
    """Indices of a Sobol design; a base point is left out with its d + 1 others where one has no value.

    Parameters
    ----------
    values : float64[n * (d + 2)]
        Outcome at each point of ``design("sobol", d, n)``.
    """
    blocks = values.reshape(-1, d + 2)
    known = blocks[np.isfinite(blocks).all(1)]
    if len(known) < 2:
        return [Indices(NONE, NONE, NONE, math.nan)] * d
    if np.ptp(known) == 0.0:
        zero = Index(0.0, 0.0, 0.0)
        return [Indices(zero, zero, NONE, math.nan)] * d
    found = _salib("analyze.sobol").analyze(
        problem(d), known.ravel(), calc_second_order=False, num_resamples=RESAMPLES, seed=draw
    )
    return [
        Indices(
            _about(float(found["S1"][k]), float(found["S1_conf"][k])),
            _about(float(found["ST"][k]), float(found["ST_conf"][k])),
            NONE,
            math.nan,
        )
        for k in range(d)
    ]


def of_morris(shares: Floats, values: Floats, draw: int = 1) -> list[Indices]:
    """Elementary effects of a Morris design; a path is left out where one of its points has no value."""
    d = shares.shape[1]
    paths = values.reshape(-1, d + 1)
    known = np.isfinite(paths).all(1)
    if known.sum() < 2:
        return [Indices(NONE, NONE, NONE, math.nan)] * d
    kept = np.repeat(known, d + 1)
    found = _salib("analyze.morris").analyze(
        problem(d), shares[kept], values[kept], num_resamples=RESAMPLES, num_levels=LEVELS, seed=draw
    )
    return [
        Indices(
            NONE, NONE, _about(float(found["mu_star"][k]), float(found["mu_star_conf"][k])), float(found["sigma"][k])
        )
        for k in range(d)
    ]


def of_emulator(one: Emulator, draw: int = 1, base: int = ON_EMULATOR) -> list[Indices]:
    """Sobol indices of an emulator; what its points do not tell is in the intervals.

    Notes
    -----
    The half-width adds in squares SALib's bootstrap over the base points and 1.96 standard errors of a jackknife that
    leaves out a tenth of the points in turn, with the lengths of the process kept.
    """
    d = one.x.shape[1]
    return on_function(_itself, one, d, draw, base)


def _itself(one: Emulator) -> Callable[[Floats], Floats]:
    return lambda at: one(at)


def on_function(
    asked: Callable[[Emulator], Callable[[Floats], Floats]], one: Emulator, d: int, draw: int, base: int = ON_EMULATOR
) -> list[Indices]:
    """Sobol indices of something that is read off an emulator, such as where it crosses a level.

    Parameters
    ----------
    asked : callable
        Gives for an emulator the function of d inputs.
    one : Emulator
    d : int
    draw, base : int
        As for ``design``.
    """
    at = design("sobol", d, base, draw)
    whole = of_sobol(asked(one)(at), d, draw)
    parts = np.array([_plain(asked(one.without(out))(at), d) for out in folds(len(one.y), draw)])
    g = len(parts)
    half = _Z95 * np.sqrt((g - 1.0) / g * ((parts - parts.mean(0)) ** 2).sum(0))  # [first or total, input]
    out = []
    for k in range(d):
        both = [
            _about(index.value, math.hypot(index.high - index.value, float(half[row, k])))
            for row, index in enumerate((whole[k].first, whole[k].total))
        ]
        out.append(Indices(both[0], both[1], NONE, math.nan))
    return out


def _plain(values: Floats, d: int) -> Floats:
    """First and total indices of a Sobol design without intervals: float64[2, d]."""
    sobol = _salib("analyze.sobol")
    blocks = values.reshape(-1, d + 2)
    if np.ptp(blocks) == 0.0:
        return np.zeros((2, d))
    blocks = (blocks - blocks.mean()) / blocks.std()
    a, b = blocks[:, 0], blocks[:, -1]
    each = [blocks[:, 1 + k] for k in range(d)]
    found = [[float(f(a, ab, b)) for ab in each] for f in (sobol.first_order, sobol.total_order)]
    return np.array(found, dtype=np.float64)


def _about(value: float, half: float) -> Index:
    return Index(value, value - half, value + half)


def _salib(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"SALib.{module}")
    except ModuleNotFoundError as error:
        raise ScenarioError("a sensitivity needs SALib: pip install 'shoal[explore]'") from error
