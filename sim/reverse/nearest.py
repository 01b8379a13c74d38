"""The smallest changes at which an emulated margin is even: SLSQP from several starts, every local optimum kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sim.reverse.space import Space
from sim.sensitivity.emulator import Emulator
from sim.sensitivity.indices import design

Floats = NDArray[np.float64]

LOOKS = 2048
"""Points of the space that are looked at for starts."""
APART = 0.2
"""Two optima are one when they lie closer than this share of the longer [judgement]."""
_STEPS = 65
_SLACK = 1e-3  # of the margin, in probits


class Optimum(NamedTuple):
    """A change ``z`` with its length and the emulated margin there."""

    z: Floats
    norm: float
    margin: float


def nearest(one: Emulator, space: Space, starts: int = 8, draw: int = 1, known: Sequence[Floats] = ()) -> list[Optimum]:
    """Minimise the length of a change on the side where the outcome is at least even.

    Parameters
    ----------
    one : Emulator
        Of the margin to even odds, over the unit cube of the space.
    space : Space
    starts : int
        From how many points the search begins: those nearest, half of them far from one another.
    draw : int
        Of the points that are looked at.
    known : sequence of float64[d]
        Changes from which the search begins too: those found before.

    Returns
    -------
    list of Optimum
        Distinct ones, nearest first; none where the margin is below 0 throughout.
    """
    low, high = space.ends

    def margins(z: Floats) -> Floats:
        return one(space.cube(z))

    def margin(z: Floats) -> float:
        return float(margins(z[None])[0])

    seen = np.concatenate([space.from_cube(design("emulator", len(low), LOOKS, draw)), space.from_cube(one.x)])
    over = seen[one(space.cube(seen)) >= 0.0]
    found: list[Optimum] = []
    for start in (*known, *(_on_the_edge(margins, point) for point in _spread(over, starts))):
        done = minimize(
            lambda z: float(z @ z), start, jac=lambda z: 2.0 * z, method="SLSQP",
            bounds=list(zip(low, high, strict=True)), constraints={"type": "ineq", "fun": margin},
            options={"maxiter": 100, "ftol": 1e-7},
        )  # fmt: skip
        for z in (np.clip(done.x, low, high), start):  # where the search got lost, its start
            if (at := margin(z)) >= -_SLACK:
                found.append(Optimum(z, float(np.linalg.norm(z)), at))
                break
    return distinct(found)


def _on_the_edge(margins: Callable[[Floats], Floats], z: Floats) -> Floats:
    """Where the way from nothing to a change first gets to a margin of 0."""
    steps = np.linspace(0.0, 1.0, _STEPS)
    over = margins(steps[:, None] * z)
    k = int((over >= 0.0).argmax())
    if k == 0:
        return z
    part = over[k - 1] / (over[k - 1] - over[k])
    return np.asarray(z * (steps[k - 1] + part * (steps[k] - steps[k - 1])), dtype=np.float64)


def distinct(found: list[Optimum]) -> list[Optimum]:
    """Nearest first, each of several that are one only once."""
    out: list[Optimum] = []
    for one in sorted(found, key=lambda o: o.norm):
        if all(np.linalg.norm(one.z - other.z) > APART * max(one.norm, other.norm) for other in out):
            out.append(one)
    return out


def _spread(points: Floats, n: int) -> list[Floats]:
    """The nearest points, and one after the other that which points farthest away from all taken so far."""
    if not len(points):
        return []
    ordered = points[np.argsort(np.linalg.norm(points, axis=1), kind="stable")]
    taken = [ordered[k] for k in range(min(n // 2, len(ordered)))]
    ways = ordered / np.maximum(np.linalg.norm(ordered, axis=1, keepdims=True), 1e-12)
    while len(taken) < min(n, len(ordered)):
        mine = np.array([t / max(float(np.linalg.norm(t)), 1e-12) for t in taken])
        taken.append(ordered[int(np.argmin((ways @ mine.T).max(1)))])
    return taken
