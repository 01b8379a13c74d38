"""Many assets as one market: total value, correlation, dispersion, betas to the first and to factors, and depth.

Prices are arrays of shape (n times, k assets) at equal steps; a return is the difference of logarithms over one step.
What a window cannot tell is NaN: fewer than ``ENOUGH`` returns, a price that is not above zero, a series that
does not move.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from sim.metrics.event import Floats
from sim.metrics.listings import Listings, column

ENOUGH = 3
"""Returns that a correlation or a beta needs."""
FIRST, WEEK = pd.Timedelta(days=3), pd.Timedelta(days=7)


class Span(NamedTuple):
    """A window of the run: its name, first moment (in it) and last (in it)."""

    name: str
    first: pd.Timestamp
    last: pd.Timestamp


def log_returns(prices: Floats) -> Floats:
    """Differences of logarithms from row to row.

    Parameters
    ----------
    prices : float64[n, k]
        NaN or not above zero: cannot be told.

    Returns
    -------
    float64[n - 1, k]
    """
    known = np.where(prices > 0.0, prices, np.nan)
    return np.asarray(np.diff(np.log(known), axis=0), dtype=np.float64)


def correlation(returns: Floats) -> Floats:
    """Correlation of each pair of columns over the rows where both are known, float64[k, k]; the diagonal is 1."""
    k = returns.shape[1]
    out = np.full((k, k), np.nan)
    for i in range(k):
        for j in range(i, k):
            out[i, j] = out[j, i] = pair_correlation(returns[:, i], returns[:, j])
    return out


def pair_correlation(x: Floats, y: Floats) -> float:
    """Correlation of two series; NaN with fewer than ``ENOUGH`` common values or where one does not move."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < ENOUGH:
        return float("nan")
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0.0 else float("nan")


def beta(y: Floats, x: Floats) -> float:
    """Slope of the regression of ``y`` on ``x`` with a constant; NaN as in ``pair_correlation``."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < ENOUGH:
        return float("nan")
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    square = float(x @ x)
    return float(x @ y) / square if square > 0.0 else float("nan")


def mean_pairwise(matrix: Floats) -> float:
    """Mean of the correlations above the diagonal that are known; NaN where none is."""
    above = matrix[np.triu_indices(len(matrix), 1)]
    known = above[np.isfinite(above)]
    return float(known.mean()) if known.size else float("nan")


def dispersion(prices: Floats) -> float:
    """Cross-sectional standard deviation of the simple returns of a window, equal weights, divisor k (fraction).

    Parameters
    ----------
    prices : float64[n, k]
        The first and last rows count; an asset without both is left out, fewer than two assets give NaN.
    """
    if len(prices) < 2:
        return float("nan")
    ends = np.where(prices[[0, -1]] > 0.0, prices[[0, -1]], np.nan)
    moves = ends[1] / ends[0] - 1.0
    known = moves[np.isfinite(moves)]
    return float(known.std()) if known.size > 1 else float("nan")


def total_value(prices: Floats, coins: Floats) -> Floats:
    """Sum of price times coins in existence, USD, float64[n]; an asset whose coins are NaN is left out.

    NaN where a price that counts is not known, or where no asset has coins.
    """
    counts = np.isfinite(coins)
    if not counts.any():
        return np.full(len(prices), np.nan)
    return np.asarray((prices[:, counts] * coins[counts]).sum(axis=1), dtype=np.float64)


def rolling(prices: Floats, width: int) -> tuple[Floats, Floats]:
    """Mean pairwise correlation and dispersion over the last ``width`` returns of each row.

    Returns
    -------
    correlation, dispersion : float64[n]
        NaN in the first ``width`` rows.
    """
    moves = log_returns(prices)
    mean, wide = np.full(len(prices), np.nan), np.full(len(prices), np.nan)
    for row in range(width, len(prices)):
        mean[row] = mean_pairwise(correlation(moves[row - width : row]))
        wide[row] = dispersion(prices[row - width : row + 1])
    return mean, wide


def weeks_of(first: pd.Timestamp, last: pd.Timestamp) -> list[Span]:
    """The whole run, its first three days, and each further week, the last as far as the run goes."""
    spans = [Span("all", first, last), Span("first_days", first, min(first + FIRST, last))]
    start, k = first + FIRST, 1
    while start < last:
        spans.append(Span(f"week_{k}", start, min(start + WEEK, last)))
        start, k = start + WEEK, k + 1
    return spans


def grid(listings: Listings, width: pd.Timedelta) -> pd.DatetimeIndex:
    """Multiples of a width from the first row that all listings have to the last."""
    first = max(one.series["time_utc"].iloc[0] for one in listings.values())
    last = min(one.series["time_utc"].iloc[-1] for one in listings.values())
    return pd.date_range(first, last, freq=width)


def prices_at(listings: Listings, times: pd.DatetimeIndex) -> pd.DataFrame:
    """Price of each listing: the mark of its perp, or the last spot trade where it has no perp.

    Parameters
    ----------
    listings : mapping
        See ``sim.metrics.listings``.
    times : DatetimeIndex
        UTC, rising.

    Returns
    -------
    pandas.DataFrame
        Index ``times``, one column a listing, USD: the last row at or before each moment; NaN outside the rows.
    """
    out = pd.DataFrame(index=times)
    for name, one in listings.items():
        time = pd.DatetimeIndex(one.series["time_utc"])
        values = column(one.series, "mark_usd" if "perp" in one.books else "spot_last_usd")
        row = np.asarray(time.searchsorted(times, side="right")) - 1
        known = (row >= 0) & np.asarray(times <= time[-1])
        out[name] = np.where(known, values[np.maximum(row, 0)], np.nan)
    return out


def depth_usd(listings: Listings, span: Span) -> pd.Series:
    """Mean over a window of what rests within 1 % of the perp's mid, both sides, USD by listing; NaN without a perp."""
    out = {}
    for name, one in listings.items():
        time = one.series["time_utc"]
        both = column(one.series, "depth_bid_1pct_usd") + column(one.series, "depth_ask_1pct_usd")
        inside = np.asarray((time >= span.first) & (time <= span.last)) & np.isfinite(both)
        out[name] = float(both[inside].mean()) if inside.any() and "perp" in one.books else float("nan")
    return pd.Series(out, dtype=np.float64)


class Measured(NamedTuple):
    """What a run's listings give.

    Attributes
    ----------
    prices : pandas.DataFrame
        Times by listings, USD.
    table : pandas.DataFrame
        Columns window, first_utc, last_utc, quantity, asset, other, value; ``other`` is the second listing of a
        correlation, or a factor; empty asset: of the whole market.
    """

    prices: pd.DataFrame
    table: pd.DataFrame


def measure(
    listings: Listings,
    coins: Mapping[str, float],
    width: pd.Timedelta,
    factors: pd.DataFrame | None = None,
    profile_usd: Mapping[str, float] | None = None,
) -> Measured:
    """Every number of the module over the windows of a run.

    Parameters
    ----------
    listings : mapping
        One listing an asset, the first being what betas are to.
    coins : mapping of str to float
        Listing to coins in existence; one that is missing is left out of the total.
    width : Timedelta
        Step of the returns.
    factors : pandas.DataFrame, optional
        Moves of macro factors by day, index the closes (UTC): log returns or differences. The row of a close is
        compared with the assets' return since the close before.
    profile_usd : mapping, optional
        Listing to depth within 1 % of its undisturbed profile, both sides, USD.
    """
    names = list(listings)
    times = grid(listings, width)
    prices = prices_at(listings, times)
    supply = np.array([coins.get(name, np.nan) for name in names])
    daily = None if factors is None else prices_at(listings, pd.DatetimeIndex(factors.index))
    spans = weeks_of(times[0], times[-1])
    start = depth_usd(listings, spans[1])
    rows: list[tuple[Span, str, str, str, float]] = []
    for span in spans:
        inside = np.asarray((times >= span.first) & (times <= span.last))
        part = prices.to_numpy(np.float64)[inside]
        moves = log_returns(part)
        matrix = correlation(moves)
        value = total_value(part, supply)
        rows.append((span, "total_value_start", "", "", float(value[0]) if len(value) else float("nan")))
        rows.append((span, "total_value_end", "", "", float(value[-1]) if len(value) else float("nan")))
        rows.append((span, "mean_correlation", "", "", mean_pairwise(matrix)))
        rows.append((span, "dispersion", "", "", dispersion(part)))
        depth = depth_usd(listings, span)
        for i, name in enumerate(names):
            gain = part[-1, i] / part[0, i] - 1.0 if len(part) > 1 and part[0, i] > 0.0 else float("nan")
            rows.append((span, "return", name, "", float(gain)))
            rows.append((span, "beta", name, names[0], beta(moves[:, i], moves[:, 0])))
            rows += [(span, "correlation", name, names[j], float(matrix[i, j])) for j in range(len(names)) if j != i]
            rows.append((span, "depth", name, "", float(depth[name])))
            rows.append((span, "depth_of_start", name, "", float(depth[name] / start[name])))
            if profile_usd is not None:
                rows.append((span, "depth_of_profile", name, "", float(depth[name] / profile_usd.get(name, np.nan))))
        if factors is not None and daily is not None:
            rows += _beside_factors(span, daily, factors)
    table = pd.DataFrame(
        [(s.name, s.first, s.last, what, one, other, value) for s, what, one, other, value in rows],
        columns=["window", "first_utc", "last_utc", "quantity", "asset", "other", "value"],
    )
    return Measured(prices, table)


def _beside_factors(span: Span, daily: pd.DataFrame, factors: pd.DataFrame) -> list[tuple[Span, str, str, str, float]]:
    """Correlation and beta of each listing's return from close to close with the factor's move of that day."""
    rows: list[tuple[Span, str, str, str, float]] = []
    moves = np.vstack([np.full((1, daily.shape[1]), np.nan), log_returns(daily.to_numpy(np.float64))])
    inside = np.asarray((factors.index >= span.first) & (factors.index <= span.last))
    for factor in factors.columns:
        x = factors[factor].to_numpy(np.float64)[inside]
        for i, name in enumerate(daily.columns):
            y = moves[inside, i]
            rows.append((span, "factor_correlation", str(name), str(factor), pair_correlation(y, x)))
            rows.append((span, "factor_beta", str(name), str(factor), beta(y, x)))
    return rows
