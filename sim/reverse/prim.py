"""The plain rule for where an outcome happens: a box, found by patient peeling (PRIM; Friedman and Fisher 1999).

Written here and not taken from the EMA workbench, which is the library for it: it would bring a dozen packages
(statsmodels, seaborn, Platypus and what they need) for these lines (docs/decisions.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PEEL = 0.05
"""Share of the points that is peeled off at a time (Friedman and Fisher's patience)."""
LEAST_MASS = 0.02
"""Share of all points below which a box is no longer peeled."""
DENSITY = 0.9
"""Asked share of the points in the box where the outcome happens [judgement]."""
SLACK = 0.01
"""A limit is left out where the box loses no more density without it."""


class Box(NamedTuple):
    """Limits of a box in the unit cube; 0 and 1 where an input is free.

    Attributes
    ----------
    low, high : float64[d]
    density : float
        Share of its points where the outcome happens.
    coverage : float
        Share of all points where it happens that lie in the box.
    mass : float
        Share of all points that lie in it.
    """

    low: Floats
    high: Floats
    density: float
    coverage: float
    mass: float

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        """Which points lie in the box."""
        return np.asarray(((x >= self.low) & (x <= self.high)).all(1))


def box_of(x: Floats, y: Floats, low: Floats, high: Floats) -> Box:
    """Density, coverage and mass of given limits on points ``x`` with outcomes ``y`` of 0 to 1."""
    inside = ((x >= low) & (x <= high)).all(1)
    n, hits, every = int(inside.sum()), float(y[inside].sum()), float(y.sum())
    return Box(low, high, hits / n if n else 0.0, hits / every if every else 0.0, n / len(y))


def peel(x: Floats, y: Floats) -> list[Box]:
    """Boxes from the whole cube inwards, each the best peel of the one before.

    Parameters
    ----------
    x : float64[n, d]
        Points in the unit cube.
    y : float64[n]
        0 to 1.
    """
    d = x.shape[1]
    trail = [box_of(x, y, np.zeros(d), np.ones(d))]
    while True:
        box = trail[-1]
        inside = box.holds(x)
        points, hits = x[inside], y[inside]
        best: tuple[float, int, bool, float] | None = None
        for k in range(d):
            for upper in (False, True):
                limit = float(np.quantile(points[:, k], 1.0 - PEEL if upper else PEEL))
                kept = points[:, k] <= limit if upper else points[:, k] >= limit
                if 0 < kept.sum() < len(points) and (best is None or hits[kept].mean() > best[0]):
                    best = (float(hits[kept].mean()), k, upper, limit)
        if best is None or box.mass * (1.0 - PEEL) < LEAST_MASS:
            return trail
        _, k, upper, limit = best
        low, high = box.low.copy(), box.high.copy()
        (high if upper else low)[k] = limit
        trail.append(box_of(x, y, low, high))
        if trail[-1].density >= 1.0 or trail[-1].mass >= box.mass:
            return trail


def rule(x: Floats, y: Floats, density: float = DENSITY) -> Box | None:
    """The largest box on the way in that is as dense as asked, or the densest; limits that do nothing are dropped.

    Returns
    -------
    Box or None
        None where the outcome happens nowhere, or everywhere.
    """
    if not 0.0 < y.mean() < 1.0:
        return None
    trail = peel(x, y)
    dense = [box for box in trail if box.density >= density]
    box = max(dense, key=lambda b: b.coverage) if dense else max(trail, key=lambda b: b.density)
    for k in range(x.shape[1]):
        for end, free in ((box.low, 0.0), (box.high, 1.0)):
            if end[k] == free:
                continue
            low, high = box.low.copy(), box.high.copy()
            (low if free == 0.0 else high)[k] = free
            wider = box_of(x, y, low, high)
            if wider.density >= box.density - SLACK:
                box = wider
    return box
