"""Measures of the order book: pure functions on arrays.

The book profile is the recorder's: quantity in bands by distance from mid, bid bands from the touch outwards, then ask
bands, with the upper edges of ``schema.BAND_EDGES_BP``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.schema import BAND_EDGES_BP

Floats = NDArray[np.float64]


def spread_bp(bid_usd: Floats, ask_usd: Floats) -> Floats:
    """Best ask less best bid over their mean, in basis points; NaN where a side is empty."""
    return np.asarray(1e4 * (ask_usd - bid_usd) / (0.5 * (ask_usd + bid_usd)))


def inside(bands: NDArray[np.generic], within: float, ask: bool) -> Floats:
    """Quantity of one side of the book within a distance from mid.

    Parameters
    ----------
    bands : number[n, 60]
        Quantity in each band, any unit.
    within : float
        Distance as a fraction of mid (0.01 is 1 %), linear inside a band, at most the last edge (10 %).
    ask : bool
        The ask side instead of the bid side.

    Returns
    -------
    float64[n]
        Quantity, in the unit of ``bands``; NaN when ``within`` lies beyond the last edge.
    """
    edges = np.concatenate(([0.0], BAND_EDGES_BP)) / 1e4
    n = BAND_EDGES_BP.size
    side = np.asarray(bands, dtype=np.float64)[:, n:] if ask else np.asarray(bands, dtype=np.float64)[:, :n]
    if not 0.0 < within <= edges[-1]:
        return np.full(side.shape[0], np.nan)
    covered = np.clip((within - edges[:-1]) / np.diff(edges), 0.0, 1.0)
    return np.asarray(side @ covered)


def profile_usd(points: Sequence[tuple[float, float]], within: float) -> float:
    """Depth of a piecewise linear profile inside a distance.

    Parameters
    ----------
    points : sequence of (fraction, USD)
        Cumulative depth at rising distances; (0, 0) is implied.
    within : float
        Distance as a fraction of mid; beyond the last point the last depth holds.

    Returns
    -------
    float
        USD.
    """
    distance = [0.0, *(p[0] for p in points)]
    return float(np.interp(within, distance, [0.0, *(p[1] for p in points)]))


def share_by_minute(
    time_s: Floats,
    depth_btc: NDArray[np.generic],
    mid_usd: Floats,
    morning: Sequence[tuple[float, float]],
    minutes: Floats,
    within: Floats,
    ask: bool,
) -> Floats:
    """Depth as a share of the morning profile, each minute in the band that the record has in that minute.

    Parameters
    ----------
    time_s : float64[n]
        Times of the profile rows, seconds from the start.
    depth_btc : number[n, 60]
        Coins in each band.
    mid_usd : float64[n]
        Mid price of the row, USD.
    morning : sequence of (fraction, USD)
        Cumulative profile that counts as 1. Bands beyond its last point are compared with that point, as the recorded
        file does, so those shares are upper bounds.
    minutes : float64[m]
        Start of each minute, seconds from the start.
    within : float64[m]
        Band of that minute as a fraction; NaN where the record has none.
    ask : bool
        Side.

    Returns
    -------
    float64[m]
        Mean over the rows of the minute; NaN where either has nothing.
    """
    shares = np.full(minutes.size, np.nan)
    for k in range(minutes.size):
        rows = (time_s > minutes[k]) & (time_s <= minutes[k] + 60.0)
        base_usd = profile_usd(morning, float(within[k])) if np.isfinite(within[k]) else 0.0
        if rows.any() and base_usd > 0.0:
            held_usd = inside(depth_btc[rows], float(within[k]), ask) * mid_usd[rows]
            shares[k] = held_usd.mean() / base_usd
    return shares
