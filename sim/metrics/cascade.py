"""Measures of forced trading and of the state of a run: pure functions on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


def total(flow: Numbers) -> float:
    """Sum of a flow column, in its own unit."""
    return float(np.sum(flow))


def total_of(*flows: Numbers) -> float:
    """Sum of several flow columns, in their own unit."""
    return float(sum(np.sum(flow) for flow in flows))


def total_after_start(time_s: Numbers, flow: Numbers) -> float:
    """Sum of a flow over rows after time 0, in its own unit; the row at time 0 holds what seeded the books."""
    return float(np.sum(flow[np.asarray(time_s) > 0.0]))


def highest(values: Numbers) -> float:
    """Largest value, in its own unit."""
    known = np.asarray(values, dtype=np.float64)
    return float(np.nanmax(known)) if np.isfinite(known).any() else float("nan")


def middle(values: Numbers) -> float:
    """Median over the rows, in its own unit."""
    known = np.asarray(values, dtype=np.float64)
    return float(np.nanmedian(known)) if np.isfinite(known).any() else float("nan")


def change(level: Numbers) -> float:
    """Last less first value of a level, in its own unit."""
    return float(level[-1]) - float(level[0]) if level.size else float("nan")


def relative_change(level: Numbers) -> float:
    """Last over first value of a level, less 1 (a fraction); NaN when it started at 0."""
    return float(level[-1]) / float(level[0]) - 1.0 if level.size and level[0] else float("nan")


def forced_share(forced_sell_btc: Numbers, forced_buy_btc: Numbers, open_interest_btc: Numbers) -> float:
    """Coins sold and bought by liquidation orders over the open interest at the start (a fraction); NaN without any."""
    if open_interest_btc.size == 0 or not open_interest_btc[0] > 0:
        return float("nan")
    return (total(forced_sell_btc) + total(forced_buy_btc)) / float(open_interest_btc[0])


def peak_minute_share(time_s: NDArray[np.float64], flow: Numbers) -> float:
    """Largest share of a flow that fell into one minute (a fraction); NaN when nothing flowed."""
    if total(flow) <= 0.0:
        return float("nan")
    minute = np.ceil(np.asarray(time_s) / 60.0).astype(np.int64)
    by_minute = np.bincount(minute - minute.min(), weights=np.asarray(flow, dtype=np.float64))
    return float(by_minute.max() / by_minute.sum())


def least(level: Numbers) -> float:
    """Smallest value of a level, in its own unit."""
    return float(np.min(level)) if level.size else float("nan")


def at_low(price_usd: NDArray[np.float64], values: Numbers) -> float:
    """Value of another column at the first lowest price, in that column's unit."""
    return float(values[np.nanargmin(price_usd)]) if np.isfinite(price_usd).any() else float("nan")


def shown_by_feed(elapsed_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which forced orders a public feed shows that emits at most one a second.

    Parameters
    ----------
    elapsed_s : float64[n]
        Times of the forced orders of one instrument, not falling.

    Returns
    -------
    bool[n]
        True for the last of each second; a second ends at, and includes, its whole number.

    Notes
    -----
    The feed of the venue pushes the latest liquidation order within a second and says nothing of the others, so sums
    over it are a floor. Source: MODEL 2.6 [S:13b].
    """
    second = np.ceil(np.asarray(elapsed_s, dtype=np.float64)).astype(np.int64)
    shown = np.ones(second.size, np.bool_)
    shown[:-1] = second[:-1] != second[1:]
    return shown
