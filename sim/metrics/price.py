"""Measures of one price path: pure functions on arrays, the same for simulated and for recorded series.

Times are seconds from the start of the series, rising; prices are in USD, NaN where there was none. A measure that the
series cannot answer is NaN, never a guess.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NO_FLOOR = 0.40
"""Fall beyond which nobody in the model waits to buy (docs/limits.md, "No floor under a cascade")."""
NEWS_GAP, NEWS_LAG_S = 0.02, 60.0
"""A price further than this behind the news for longer than this (s) is beyond what the model passes on."""


def last_in_each(time_s: Floats, values: Floats, width_s: float) -> tuple[Floats, Floats]:
    """Close of each interval: the last value in (k * width, (k + 1) * width].

    Parameters
    ----------
    time_s : float64[n]
        Seconds from the start, rising.
    values : float64[n]
        Any unit.
    width_s : float
        Length of an interval in seconds, > 0.

    Returns
    -------
    ends_s, closes : float64[m]
        End of each interval that holds a value, in seconds, and its last value.
    """
    known = np.isfinite(values)
    time_s, values = time_s[known], values[known]
    if time_s.size == 0:
        return np.empty(0), np.empty(0)
    interval = np.ceil(time_s / width_s)
    is_last = np.append(interval[1:] != interval[:-1], True)
    return interval[is_last] * width_s, values[is_last]


def return_sd(time_s: Floats, price_usd: Floats, width_s: float = 60.0) -> float:
    """Measure the standard deviation of log returns over ``width_s`` (a fraction: 0.01 is 1 %); NaN below two returns.

    Population form (divided by n), as figure F11 of the event file; gaps longer than an interval give no return.
    """
    ends_s, closes = last_in_each(time_s, price_usd, width_s)
    if closes.size < 3:
        return float("nan")
    neighbours = np.isclose(np.diff(ends_s), width_s)
    returns = np.diff(np.log(closes))[neighbours]
    return float(returns.std()) if returns.size >= 2 else float("nan")


def seconds_behind_news(time_s: Floats, price_usd: Floats, value_usd: Floats, gap: float) -> float:
    """Seconds for which the price had not yet followed the news: above the value by more than ``gap`` while the news
    since the start is a fall, or below it while it is a rise.

    Parameters
    ----------
    time_s, price_usd, value_usd : float64[n]
        Seconds from the start, rising; price and news value in USD.
    gap : float
        Smallest fraction that counts.

    Returns
    -------
    float
        Seconds; each row stands for the time since the one before.
    """
    return float(np.diff(time_s, prepend=time_s[0])[_is_behind(price_usd, value_usd, gap)].sum())


def time_left_behind(
    time_s: Floats, price_usd: Floats, value_usd: Floats, gap: float = NEWS_GAP, longest_s: float = NEWS_LAG_S
) -> float:
    """Time at which the price has been behind the news (``seconds_behind_news``) for longer than ``longest_s`` in all.

    Returns
    -------
    float
        Seconds from the start; infinity when it never comes to that. From there on the size of a move is no result
        (docs/limits.md, "Large news in minutes").
    """
    spent = np.cumsum(np.diff(time_s, prepend=time_s[0]) * _is_behind(price_usd, value_usd, gap))
    late = np.flatnonzero(spent > longest_s)
    return float(time_s[late[0]]) if late.size else float("inf")


def _is_behind(price_usd: Floats, value_usd: Floats, gap: float) -> NDArray[np.bool_]:
    lag = np.log(price_usd) - np.log(value_usd)
    news = np.log(value_usd) - np.log(value_usd[0])
    return np.asarray(((news < 0.0) & (lag > gap)) | ((news > 0.0) & (lag < -gap)))


def lowest(price_usd: Floats) -> float:
    """Lowest price in USD."""
    return float(np.nanmin(price_usd)) if np.isfinite(price_usd).any() else float("nan")


def time_of_low(time_s: Floats, price_usd: Floats) -> float:
    """Time of the first lowest price, in seconds from the start of the series."""
    return float(time_s[np.nanargmin(price_usd)]) if np.isfinite(price_usd).any() else float("nan")


def drop_from_first(price_usd: Floats) -> float:
    """Lowest price over the first one, less 1: a fraction, <= 0."""
    known = price_usd[np.isfinite(price_usd)]
    return float(known.min() / known[0] - 1.0) if known.size else float("nan")


def max_drawdown(price_usd: Floats) -> float:
    """Deepest fall from a running maximum, a fraction <= 0."""
    known = price_usd[np.isfinite(price_usd)]
    return float((known / np.maximum.accumulate(known) - 1.0).min()) if known.size else float("nan")


def change_between(time_s: Floats, price_usd: Floats, from_s: float, to_s: float) -> float:
    """Price at ``to_s`` over price at ``from_s``, less 1 (a fraction); each is the last price at or before its time."""
    return price_at(time_s, price_usd, to_s) / price_at(time_s, price_usd, from_s) - 1.0


def price_at(time_s: Floats, price_usd: Floats, at_s: float) -> float:
    """Last known price at or before ``at_s``; NaN before the first and more than a minute after the last."""
    known = np.isfinite(price_usd)
    time_s, price_usd = time_s[known], price_usd[known]
    row = int(np.searchsorted(time_s, at_s, side="right")) - 1
    if row < 0 or at_s - time_s[row] > 60.0:
        return float("nan")
    return float(price_usd[row])


def first_passage(time_s: Floats, price_usd: Floats, level_usd: float, after_s: float = 0.0) -> float:
    """First time after ``after_s`` with the price at or below ``level_usd``, in seconds; NaN when it never is."""
    below = (price_usd <= level_usd) & (time_s > after_s)
    return float(time_s[np.argmax(below)]) if below.any() else float("nan")


def half_recovery_minutes(time_s: Floats, price_usd: Floats, reference_usd: float, recovered: float = 0.5) -> float:
    """Minutes from the low until ``recovered`` of the fall from ``reference_usd`` is regained.

    Parameters
    ----------
    time_s, price_usd : float64[n]
        The path.
    reference_usd : float
        Level before the fall, in USD.
    recovered : float
        Share of the fall, 0..1.

    Returns
    -------
    float
        Minutes; infinity when the path ends first; NaN when the price never fell below the reference.
    """
    low_usd = lowest(price_usd)
    if not low_usd < reference_usd:
        return float("nan")
    low_s = time_of_low(time_s, price_usd)
    target_usd = low_usd + recovered * (reference_usd - low_usd)
    back = (price_usd >= target_usd) & (time_s >= low_s)
    return float((time_s[np.argmax(back)] - low_s) / 60.0) if back.any() else float("inf")


def recovered_share(time_s: Floats, price_usd: Floats, reference_usd: float, at_s: float) -> float:
    """Share of the fall from ``reference_usd`` to the low that is regained at ``at_s``; NaN before the low."""
    low_usd = lowest(price_usd)
    if not low_usd < reference_usd or at_s < time_of_low(time_s, price_usd):
        return float("nan")
    return (price_at(time_s, price_usd, at_s) - low_usd) / (reference_usd - low_usd)
