"""How far from even odds a point is: its share of seeds on the scale of a standard normal, and how well it is known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


def evens(hits: Floats, runs: Floats) -> tuple[Floats, Floats]:
    """Probit of a share of seeds, drawn half a seed towards one half, and its variance.

    Parameters
    ----------
    hits, runs : float64[n]
        Seeds that did, seeds in all (1 or more).

    Returns
    -------
    margin, variance : float64[n]
        Above 0 where more than half did; the variance by the delta method.
    """
    share = (hits + 0.5) / (runs + 1.0)
    margin = ndtri(share)
    density = np.exp(-0.5 * margin**2) / math.sqrt(2.0 * math.pi)
    return margin, share * (1.0 - share) / (runs * density**2)
