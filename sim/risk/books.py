"""What a run shows of a book: spread, falls over a horizon, and depth by distance at the start and at its thinnest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.experiments.cases import live_market
from sim.experiments.live_looks import depth_usd

if TYPE_CHECKING:
    from sim.market import Market
    from sim.network import Network

Floats = NDArray[np.float64]

DISTANCES = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05)
"""From mid, fractions; beyond 5 % no recorded depth went into a book (docs/limits.md)."""
SIDES = ("bids", "asks")
THIN_AT = 3
"""Place in ``DISTANCES`` of the depth by which the thinnest look is found: 1 %."""


def book_columns(key: str, horizon_s: float) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers of one book."""
    found = {
        "start": ("USD", "mid at the start"),
        "end_move": ("fraction", "change of the mid to the end of the horizon"),
        "fall": ("fraction", f"largest fall of the mid within {horizon_s:g} s"),
        "rise": ("fraction", f"largest rise of the mid within {horizon_s:g} s"),
        "spread_mean": ("fraction", "mean spread over mid"),
        "spread_sd": ("fraction", "standard deviation of the spread over mid"),
        "sd": ("fraction per sqrt(s)", "standard deviation of log returns of the mid"),
        "empty": ("fraction", "looks at which a side was empty"),
    }
    for side in SIDES:
        for at in DISTANCES:
            name, what = f"{side}_{1e4 * at:g}bp", f"{side} within {at:.2%} of mid, at mid"
            found[f"{name}_start"] = ("USD", f"{what}, at the start")
            found[f"{name}_thin"] = ("USD", f"{what}, when least lies within 1 %")
    return {f"{key}.{name}": said for name, said in found.items()}


class Book:
    """One book of a run, looked at over time.

    Parameters
    ----------
    live : Market or Network
    asked : mapping
        ``key``, ``listing`` (none: the first), ``book``, ``horizon_s``.
    """

    def __init__(self, live: Market | Network, asked: Mapping[str, Any]) -> None:
        self.asked, self.market = asked, live_market(live, asked["listing"])
        self.time_s: list[float] = []
        self.mid: list[float] = []
        self.spread: list[float] = []
        self.depth: list[list[float]] = []  # SIDES x DISTANCES, USD

    def look(self, now_s: float) -> None:
        """One look."""
        view, name = self.market.view(), self.asked["book"]
        bid, ask = view.bid[name], view.ask[name]
        known = bid is not None and ask is not None
        mid = 0.5 * ((bid or 0.0) + (ask or 0.0)) if known else float("nan")
        self.time_s.append(now_s)
        self.mid.append(mid)
        self.spread.append(((ask or 0.0) - (bid or 0.0)) / mid if known else float("nan"))
        self.depth.append([depth_usd(self.market, name, side, at) for side in SIDES for at in DISTANCES])

    def numbers(self) -> dict[str, float]:
        """Numbers of ``book_columns``."""
        key, horizon_s = self.asked["key"], float(self.asked["horizon_s"])
        time_s, mid, spread = np.array(self.time_s), np.array(self.mid), np.array(self.spread)
        depth = np.array(self.depth).reshape(len(time_s), len(SIDES), len(DISTANCES))
        known = np.isfinite(mid)
        seen = spread[known] if known.any() else np.array([np.nan])
        found = {"empty": float(1.0 - known.mean()), "spread_mean": float(seen.mean()), "spread_sd": float(seen.std())}
        if known.sum() >= 2:
            t, p = time_s[known], mid[known]
            end = p[t <= t[0] + horizon_s + 1e-9][-1]
            found |= {"start": float(p[0]), "end_move": float(end / p[0] - 1.0), "sd": return_rate(t, p)}
            found |= {"fall": worst_move(t, p, horizon_s), "rise": worst_move(t, 1.0 / p, horizon_s, is_rise=True)}
        for k, side in enumerate(SIDES):
            thin = int(np.argmin(depth[:, k, THIN_AT]))
            for j, at in enumerate(DISTANCES):
                name = f"{side}_{1e4 * at:g}bp"
                found |= {f"{name}_start": float(depth[0, k, j]), f"{name}_thin": float(depth[thin, k, j])}
        return {f"{key}.{name}": value for name, value in found.items()}


def return_rate(time_s: Floats, price: Floats) -> float:
    """Standard deviation of log returns for a second, fraction per sqrt(s)."""
    steps, gaps = np.diff(np.log(price)), np.diff(time_s)
    return float(np.sqrt(np.mean(steps**2 / gaps)))


def worst_move(time_s: Floats, price: Floats, horizon_s: float, is_rise: bool = False) -> float:
    """Largest fall of a price from any time on within a horizon, a fraction; 0 when it never falls.

    Parameters
    ----------
    time_s, price : float64[n]
        Rising times. With ``is_rise``, ``price`` is one over the price, and the answer is the largest rise.
    horizon_s : float
    """
    worst = 0.0
    high: list[int] = []  # places of prices in decreasing order, the first is the highest in the window
    for k in range(len(price)):
        while high and price[high[-1]] <= price[k]:
            high.pop()
        high.append(k)
        while time_s[high[0]] < time_s[k] - horizon_s - 1e-9:
            high.pop(0)
        top, here = price[high[0]], price[k]
        worst = max(worst, (top / here - 1.0 if is_rise else 1.0 - here / top))
    return float(worst)


def walk_cost(size_usd: float, depth: Floats, distances: tuple[float, ...] = DISTANCES) -> tuple[float, bool]:
    """Mean distance from mid at which a size trades through a book.

    Parameters
    ----------
    size_usd : float
        Above 0.
    depth : float64[k]
        USD within each distance of mid.
    distances : tuple of float

    Returns
    -------
    float, bool
        A fraction of mid, half the spread included; and whether the size is more than the book holds: what is beyond
        is then priced at the last piece's slope, or at infinity where that piece is empty.
    """
    upto = np.concatenate([[0.0], np.maximum.accumulate(depth)])
    far = np.concatenate([[0.0], distances])
    first = np.flatnonzero(upto > 0.0)
    if not first.size:
        return float("inf"), True
    # nothing trades before the first order: the first piece begins at the distance before which there is none
    taken, paid = 0.0, 0.0
    for k in range(1, len(far)):
        piece = upto[k] - upto[k - 1]
        if piece <= 0.0:
            continue
        use = min(piece, size_usd - taken)
        reach = far[k - 1] + (far[k] - far[k - 1]) * use / piece
        paid += use * 0.5 * (far[k - 1] + reach)
        taken += use
        if taken >= size_usd:
            return paid / size_usd, False
    slope = (far[-1] - far[-2]) / (upto[-1] - upto[-2]) if upto[-1] > upto[-2] else float("inf")
    rest = size_usd - taken
    return float((paid + rest * (far[-1] + 0.5 * slope * rest)) / size_usd), True
