"""Liquidity of a market (MODEL.md 5.1): depth, spreads, price impact, resilience. Pure functions on arrays.

Prices are in USD, sizes in coins, times in seconds; NaN means that the series cannot answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.metrics import price
from sim.metrics.depth import inside

Floats = NDArray[np.float64]


def time_weighted(time_s: Floats, values: Floats) -> float:
    """Mean of a level weighted by how long it stood; the last row stands for no time, gaps (NaN) are left out."""
    held = np.diff(time_s)
    known = np.isfinite(values[:-1])
    total = float(held[known].sum())
    return float((held[known] * values[:-1][known]).sum()) / total if total > 0 else float("nan")


def depth_usd(time_s: Floats, bands_btc: Floats, mid_usd: Floats, within: float) -> tuple[float, float]:
    """Time-weighted depth of bids and asks within a distance from mid, USD a side.

    Parameters
    ----------
    time_s, mid_usd : float64[n]
    bands_btc : float64[n, 60]
        Coins by band, as the recorder's profile.
    within : float
        Fraction of mid: 0.01 is 1 %.
    """
    bid, ask = (time_weighted(time_s, inside(bands_btc, within, side) * mid_usd) for side in (False, True))
    return bid, ask


def effective_spread_bp(price_usd: Floats, mid_usd: Floats, size_btc: Floats) -> float:
    """Mean of 2 |p - m| / m over trades, weighted by size, bp; m is the mid just before the trade."""
    return _weighted(2e4 * np.abs(price_usd - mid_usd) / mid_usd, size_btc)


def realised_spread_bp(
    trade_s: Floats,
    price_usd: Floats,
    side: Floats,
    size_btc: Floats,
    mid_before_usd: Floats,
    mid_s: Floats,
    mid_usd: Floats,
    after_s: float,
) -> float:
    """Mean of 2 side (p - m(t + after)) / m over trades, weighted by size, bp: what the maker keeps.

    Parameters
    ----------
    trade_s, price_usd, side, size_btc, mid_before_usd : float64[n]
        Trades; side is +1 where the taker bought, -1 where he sold.
    mid_s, mid_usd : float64[m]
        Mid over time, rising times.
    after_s : float
        5, 60 or 300 s; trades without a mid that much later are left out.

    Notes
    -----
    Effective less realised spread is the trade's price impact.
    """
    row = np.searchsorted(mid_s, trade_s + after_s, side="right") - 1
    known = (row >= 0) & (trade_s + after_s <= mid_s[-1]) if mid_s.size else np.zeros(trade_s.size, bool)
    later = mid_usd[row[known]]
    return _weighted(2e4 * side[known] * (price_usd[known] - later) / mid_before_usd[known], size_btc[known])


def _weighted(values: Floats, weights: Floats) -> float:
    known = np.isfinite(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")


def flow_and_change(time_s: Floats, mid_usd: Floats, net_usd: Floats, width_s: float) -> tuple[Floats, Floats]:
    """Net taker flow (USD) and log change of the mid of each interval of ``width_s``, where both neighbours exist."""
    ends_s, closes = price.last_in_each(time_s, mid_usd, width_s)
    if ends_s.size < 2:
        return np.empty(0), np.empty(0)
    interval = np.ceil(time_s / width_s).astype(np.int64)
    sums = np.bincount(interval - interval.min(), weights=net_usd)
    rows = np.rint(ends_s / width_s).astype(np.int64) - interval.min()
    neighbours = np.diff(rows) == 1
    return sums[rows[1:]][neighbours], np.diff(np.log(closes))[neighbours]


def kyle_lambda(time_s: Floats, mid_usd: Floats, net_usd: Floats, width_s: float) -> float:
    """Slope of the mid's log change on net taker flow, per USD: ordinary least squares with intercept.

    Parameters
    ----------
    time_s, mid_usd, net_usd : float64[n]
        Time, mid, and dollars bought less sold by takers since the row before.
    width_s : float
        1, 10, 60 or 300 s.

    Notes
    -----
    Times depth within 1 % (USD) it has no unit; about 0.3-1 is expected in a calm market (MODEL.md 5.1).
    """
    flow, change = flow_and_change(time_s, mid_usd, net_usd, width_s)
    return slope(flow, change)


def slope(x: Floats, y: Floats) -> float:
    """Least-squares slope of y on x; NaN below three points or without spread in x."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size < 3 or not np.var(x) > 0:
        return float("nan")
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())


def amihud(time_s: Floats, price_usd: Floats, volume_usd: Floats, width_s: float = 86400.0) -> float:
    """Mean of |log return| over traded dollars of each interval, per USD (a day by default: Amihud 2002)."""
    volume, change = flow_and_change(time_s, price_usd, volume_usd, width_s)
    known = volume > 0
    return float((np.abs(change[known]) / volume[known]).mean()) if known.any() else float("nan")


def half_life_s(time_s: Floats, gap: Floats, from_s: float = 0.0) -> float:
    """Time from the largest gap after ``from_s`` until half of it is gone, seconds; infinity when it never is.

    Parameters
    ----------
    time_s : float64[n]
    gap : float64[n]
        Difference between the run with a probe and its twin without (depth missing, or price): any unit and sign.
    """
    after = (time_s >= from_s) & np.isfinite(gap)
    time_s, size = time_s[after], np.abs(gap[after])
    if size.size == 0 or not size.max() > 0:
        return float("nan")
    peak = int(size.argmax())
    back = np.flatnonzero(size[peak:] <= 0.5 * size[peak])
    return float(time_s[peak + back[0]] - time_s[peak]) if back.size else float("inf")


def impulse_response(with_usd: Floats, without_usd: Floats) -> Floats:
    """Mean log response of the price to a probe, by time: E[ln p | probe] - E[ln p], runs paired by seed.

    Parameters
    ----------
    with_usd, without_usd : float64[n_seeds, n_times]
        Price of each run and of its twin with the same draws and without the probe.
    """
    return np.asarray(np.mean(np.log(with_usd) - np.log(without_usd), axis=0))


def walk_slippage(distance: Floats, held_usd: Floats, size_usd: Floats) -> Floats:
    """Mean distance paid by market orders that walk one side of the book, a fraction of mid.

    Parameters
    ----------
    distance : float64[m]
        Upper edges of the bands as fractions of mid, rising; quantity is spread evenly within a band.
    held_usd : float64[m]
        Dollars in each band.
    size_usd : float64[n]
        Orders; what the book cannot fill pays the last edge, so the result is a lower bound there.
    """
    lower = np.concatenate(([0.0], distance[:-1]))
    cumulative = np.concatenate(([0.0], np.cumsum(held_usd)))
    paid = np.concatenate(([0.0], np.cumsum(held_usd * 0.5 * (lower + distance))))
    filled = np.minimum(size_usd, cumulative[-1])
    k = np.clip(np.searchsorted(cumulative, filled, side="left") - 1, 0, held_usd.size - 1)
    part = np.divide(filled - cumulative[k], held_usd[k], out=np.zeros(size_usd.size), where=held_usd[k] > 0)
    reach = lower[k] + part * (distance[k] - lower[k])
    cost = paid[k] + (filled - cumulative[k]) * 0.5 * (lower[k] + reach) + (size_usd - filled) * distance[-1]
    return np.asarray(np.divide(cost, size_usd, out=np.zeros(size_usd.size), where=size_usd > 0))


def slippage_at_risk(slippage: Floats, size_usd: Floats, alpha: float = 0.95) -> tuple[float, float, float]:
    """SaR, ESaR and TSaR (Sepper 2026, MODEL.md 5.1) over accounts, each closed alone against the same book.

    Parameters
    ----------
    slippage : float64[n]
        Fraction of mid that closing each account pays, as ``walk_slippage``.
    size_usd : float64[n]
        Its size.
    alpha : float
        Quantile, 0..1.

    Returns
    -------
    sar, esar : float
        ``alpha``-quantile of slippage (a value that an account has), and mean at or beyond it (fractions).
    tsar : float
        Dollars of slippage of the accounts at or beyond it.
    """
    if slippage.size == 0:
        return float("nan"), float("nan"), float("nan")
    sar = float(np.quantile(slippage, alpha, method="inverted_cdf"))
    tail = slippage >= sar
    return sar, float(slippage[tail].mean()), float((slippage[tail] * size_usd[tail]).sum())
