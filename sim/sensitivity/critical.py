"""Where a shock tips half of the seeds, read off an emulator: s* as a function of all other inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.sensitivity.emulator import Emulator

Floats = NDArray[np.float64]

STEPS = 25
"""Sizes of the shock, evenly over its range, between which s* is interpolated."""
BASE = 512
"""Base points of the Sobol design of s*: each costs STEPS predictions."""


def tipping(one: Emulator, at: int) -> Callable[[Floats], Floats]:
    """s* on the emulator of a margin.

    Parameters
    ----------
    one : Emulator
        Of the margin to even odds (``evens``), over all inputs.
    at : int
        Which input is the shock.

    Returns
    -------
    callable
        From points of the other inputs, float64[n, d - 1], to the share of the shock's range at which the margin
        first rises through 0; 1 where it never does, 0 where it is above 0 without a shock.
    """
    sizes = np.linspace(0.0, 1.0, STEPS)

    def asked(others: Floats) -> Floats:
        n = len(others)
        x = np.insert(np.repeat(others, STEPS, axis=0), at, np.tile(sizes, n), axis=1)
        margin = one(x).reshape(n, STEPS)
        above = margin >= 0.0
        k = above.argmax(1)
        row = np.arange(n)
        inside = above.any(1) & (k > 0)
        before, after = margin[row, np.maximum(k - 1, 0)], margin[row, k]
        step = np.where(inside, before / np.where(inside, before - after, 1.0), 0.0)
        found = np.where(inside, sizes[np.maximum(k - 1, 0)] + step / (STEPS - 1), 0.0)
        return np.where(above.any(1), found, 1.0)

    return asked
