"""Rows of the event that need several markets: falls by asset and venue, gaps, impact and volume of altcoins, depth.

Each function takes the listings of one run (``sim.metrics.listings``) and gives one number: a fraction, a ratio or USD,
NaN where the listings cannot answer. What was liquidated and deleveraged is in ``sim.metrics.cross_forced``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from sim.metrics import cross_forced, event, price
from sim.metrics.event import Window
from sim.metrics.listings import (
    COIN_M,
    EXCHANGE_A,
    ON_CHAIN,
    US,
    Book,
    Listed,
    Listings,
    chosen,
    column,
    low_usd,
    middle,
    path_of,
    seconds,
    summed,
)
from sim.targets import Target


def eth_drop(listings: Listings) -> float:
    """Lowest ETH spot trade of cex_a from 20:50 to midnight over the close of 20:49, less 1 (fraction)."""
    return middle(event.drop(path_of(one, "spot")) for one in chosen(listings, "spot", venue=EXCHANGE_A, asset="eth"))


def alt_drop_us(listings: Listings) -> float:
    """Median over the altcoins of cex_us of the lowest spot trade over the close of 20:49, less 1 (fraction)."""
    return middle(event.drop(path_of(one, "spot")) for one in chosen(listings, "spot", venue=US, alts=True))


def alt_drop_coin(listings: Listings) -> float:
    """Median over the coin-margined altcoin perps of cex_a of the lowest trade over the close of 20:49, less 1."""
    return middle(event.drop(path_of(one, "perp")) for one in chosen(listings, "perp", venue=COIN_M, alts=True))


def alt_low_gap(listings: Listings) -> float:
    """Median over altcoins of the low in the coin-margined perp of cex_a over the low in the spot book of cex_us."""
    us = {one.asset: low_usd(path_of(one, "spot")) for one in chosen(listings, "spot", venue=US, alts=True)}
    coin = chosen(listings, "perp", venue=COIN_M, alts=True)
    return middle(low_usd(path_of(one, "perp")) / us[one.asset] for one in coin if one.asset in us)


def btc_low_gap(listings: Listings) -> float:
    """Low of BTC in the spot book of cex_a over that of cex_us, less 1 (fraction); each in the venue's own quote."""
    here, there = (
        middle(low_usd(path_of(one, "spot")) for one in chosen(listings, "spot", venue=venue, asset="btc"))
        for venue in (EXCHANGE_A, US)
    )
    return here / there - 1.0


def usde_low(listings: Listings) -> float:
    """Lowest USDe spot trade of cex_a from 20:50 to midnight, USD."""
    return middle(low_usd(path_of(one, "spot")) for one in chosen(listings, "spot", venue=EXCHANGE_A, asset="usde"))


def lst_drop(listings: Listings) -> float:
    """Lowest spot trade of the venue's staking token on cex_a over the close of 20:49, less 1 (fraction)."""
    return middle(event.drop(path_of(one, "spot")) for one in chosen(listings, "spot", venue=EXCHANGE_A, asset="lst"))


def alt_impact_us(listings: Listings, window: Window) -> float:
    """Median over the altcoins of cex_us of the spot book's impact slope over that of the half hour before (R15)."""
    return _over_before(event.impact_slope_over_before, chosen(listings, "spot", venue=US, alts=True), "spot", window)


def alt_impact_coin(listings: Listings, window: Window) -> float:
    """Median over the coin-margined altcoin perps of cex_a of the impact slope over that of the half hour before."""
    perps = chosen(listings, "perp", venue=COIN_M, alts=True)
    return _over_before(event.impact_slope_over_before, perps, "perp", window)


def alt_volume_us(listings: Listings, window: Window) -> float:
    """Median over the altcoins of cex_us of spot dollars traded a minute over those of the half hour before."""
    return _over_before(_dollars_over_before, chosen(listings, "spot", venue=US, alts=True), "spot", window)


def alt_volume_coin(listings: Listings, window: Window) -> float:
    """Median over the coin-margined altcoin perps of cex_a of dollars traded a minute over the half hour before."""
    perps = chosen(listings, "perp", venue=COIN_M, alts=True)
    return _over_before(_dollars_over_before, perps, "perp", window)


def _dollars_over_before(path: event.Path, window: Window) -> float:
    """Volume at the last trade's price: coins alone would count a fallen coin's volume too high."""
    taken = {name: path.columns[name] for name in event.TAKEN if name in path.columns}
    usd = {name: np.where(coins > 0.0, coins * path.mark_usd, 0.0) for name, coins in taken.items()}
    return event.volume_over_before(path._replace(columns=usd), window)


def _over_before(
    estimator: Callable[[event.Path, Window], float], listings: Iterable[Listed], book: Book, window: Window
) -> float:
    return middle(estimator(path_of(one, book), window) for one in listings)


def perp_over_spot_all(listings: Listings, window: Window) -> float:
    """Perp over spot dollars traded in the window, all assets and venues but dex_a, which the record leaves out."""
    return event.perp_over_spot_volume(summed(one for one in listings.values() if one.venue != ON_CHAIN), window)


def perp_discount(listings: Listings, window: Window) -> float:
    """Lowest, over the window's minutes, of the median over assets of perp low over spot low on cex_a, less 1."""
    gaps = [_minute_gaps(one, window) for one in chosen(listings, "perp", venue=EXCHANGE_A) if "spot" in one.books]
    if not gaps:
        return float("nan")
    return price.lowest(np.asarray(pd.concat(gaps, axis=1).median(axis=1), dtype=np.float64))


def _minute_gaps(one: Listed, window: Window) -> pd.Series:
    """Perp low over spot low of each minute, less 1, by the minute's end; empty where the run lacks the window."""
    time_s = seconds(one.series)
    inside = event.rows(path_of(one, "perp"), window)
    lows = [
        pd.Series(column(one.series, f"{book}_last_usd")[inside]).groupby(np.ceil(time_s[inside] / 60.0)).min()
        for book in ("perp", "spot")
    ]
    return lows[0] / lows[1] - 1.0


def touch_depth_fall(listings: Listings, window: Window) -> float:
    """Least BTC perp depth within 1 % of cex_a, both sides, in the window over that of 20:49, less 1 (fraction)."""
    return middle(_depth_fall(one, window) for one in chosen(listings, "perp", venue=EXCHANGE_A, asset="btc"))


def _depth_fall(one: Listed, window: Window) -> float:
    path = path_of(one, "perp")
    both = column(one.series, "depth_bid_1pct_usd") + column(one.series, "depth_ask_1pct_usd")
    return price.lowest(both[event.rows(path, window)]) / price.price_at(path.time_s, both, 0.0) - 1.0


def book_imbalance(listings: Listings, window: Window) -> float:
    """Mean, over the window, of bid less ask depth over their sum, within 1 % of the BTC perp of cex_a (fraction)."""
    return middle(_imbalance(one, window) for one in chosen(listings, "perp", venue=EXCHANGE_A, asset="btc"))


def _imbalance(one: Listed, window: Window) -> float:
    inside = event.rows(path_of(one, "perp"), window)
    bid, ask = (column(one.series, f"depth_{side}_1pct_usd")[inside] for side in ("bid", "ask"))
    known = bid + ask > 0.0
    return float(((bid - ask)[known] / (bid + ask)[known]).mean()) if known.any() else float("nan")


def minute_sd_ratios(listings: Listings, window: Window) -> pd.DataFrame:
    """One-minute return sd of every book in a window over that of the half hour before (F11, F12 by asset and venue).

    Returns
    -------
    pandas.DataFrame
        Columns listing, asset, venue, book, sd_frac, before_frac, ratio.
    """
    rows = []
    for name, one in listings.items():
        for book in one.books:
            path = path_of(one, book)
            sd, before = (_minute_sd(path, span) for span in (window, event.BEFORE))
            rows.append((name, one.asset, one.venue, book, sd, before, sd / before if before > 0 else float("nan")))
    return pd.DataFrame(rows, columns=["listing", "asset", "venue", "book", "sd_frac", "before_frac", "ratio"])


def _minute_sd(path: event.Path, window: Window) -> float:
    inside = event.rows(path, window, first=True)
    return price.return_sd(path.time_s[inside], path.mark_usd[inside])


def falls(listings: Listings) -> pd.DataFrame:
    """Fall, low and minute of the low of every book: the table behind F6 to F10.

    Returns
    -------
    pandas.DataFrame
        Columns listing, asset, venue, book, drop_frac, low_usd, low_after_min.
    """
    rows = []
    for name, one in listings.items():
        for book in one.books:
            path = path_of(one, book)
            rows.append((name, one.asset, one.venue, book, event.drop(path), low_usd(path), event.minutes_to_low(path)))
    return pd.DataFrame(rows, columns=["listing", "asset", "venue", "book", "drop_frac", "low_usd", "low_after_min"])


ESTIMATORS: Mapping[str, Callable[[Listings], float]] = MappingProxyType(
    {f.__name__: f for f in (eth_drop, alt_drop_us, alt_drop_coin, alt_low_gap, btc_low_gap, usde_low, lst_drop)}
    | dict(cross_forced.ESTIMATORS)
)
"""Estimators over listings by the name that a target uses."""

WINDOWED: Mapping[str, Callable[[Listings, Window], float]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            alt_impact_us, alt_impact_coin, alt_volume_us, alt_volume_coin, perp_over_spot_all, perp_discount,
            touch_depth_fall, book_imbalance,
        )
    }
    | dict(cross_forced.WINDOWED)
)  # fmt: skip
"""Estimators that want the window of the row as well."""


def measure(target: Target, listings: Listings) -> float:
    """Measure a row over listings, in the unit of the row; NaN where it is of one market or cannot be told."""
    if target.scope != "network":
        return float("nan")
    if target.window is not None:
        value = WINDOWED[target.estimator](listings, event.window_of(target.window))
    else:
        value = ESTIMATORS[target.estimator](listings)
    return event.PER_UNIT.get(target.unit, 1.0) * value


def how(target: Target) -> str:
    """What the estimator of a row over listings does, one sentence."""
    estimator = WINDOWED[target.estimator] if target.window is not None else ESTIMATORS[target.estimator]
    text = " ".join((getattr(estimator, "func", estimator).__doc__ or "").split("\n\n")[0].split())
    return f"{target.estimator}: {text.replace('``', '')}"
