"""Rows of the event on liquidation, open interest and auto-deleveraging over several markets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd

from sim.metrics import cascade, event, price
from sim.metrics.event import FLASH, Window
from sim.metrics.listings import (
    COIN_M,
    EXCHANGE_A,
    EXCHANGE_B,
    ON_CHAIN,
    Floats,
    Listed,
    Listings,
    chosen,
    column,
    is_alt,
    middle,
    path_of,
    seconds,
    summed,
)

CME_BTC = 145_000.0
"""BTC open interest of the futures exchange that is not simulated; it did not change (P3, F32)."""
INTEREST_ORDER = ("btc", "eth", "sol")
"""Recorded order of F34, least fall first; altcoins come after these."""


def all_forced_share_within(listings: Listings, window: Window) -> float:
    """Dollars liquidated on all venues in the window over those of 20:20 to midnight (fraction)."""
    return event.forced_share_within(summed(chosen(listings, "perp")), window)


def all_forced_rate_over_before(listings: Listings, window: Window) -> float:
    """Dollars liquidated on all venues a minute in the window over those of the half hour before."""
    return event.forced_rate_over_before(summed(chosen(listings, "perp")), window)


def all_forced_peak_minute(listings: Listings) -> float:
    """Largest share of the dollars liquidated on all venues from 20:20 to midnight that fell into one minute."""
    return event.forced_peak_minute(summed(chosen(listings, "perp")))


def all_long_share(listings: Listings) -> float:
    """Longs among the dollars liquidated on all venues from 20:20 to midnight (fraction)."""
    return event.long_share(summed(chosen(listings, "perp")))


def forced_by_listing(listings: Listings) -> pd.DataFrame:
    """Forced orders of each perp as they were, and as a feed shows them that tells of one a second.

    Returns
    -------
    pandas.DataFrame
        Columns listing, asset, venue, orders, usd, shown_orders, shown_usd, shown_share_frac; from 20:50 to midnight.
        Dollars are coins times price of each ``forced_order`` event.

    Notes
    -----
    One order a second and symbol is what ``cex_a`` shows (EVENT.md 2, S25A): its sum is a floor. A venue that shows all
    is read off the column ``usd``.
    """
    rows = []
    for name, one in listings.items():
        if "perp" in one.books:
            orders = _events(one, "forced_order").sort_values("elapsed_s", kind="stable")
            usd = np.abs(column(orders, "quantity_btc")) * column(orders, "price_usd")  # a sale is below 0
            shown = cascade.shown_by_feed(column(orders, "elapsed_s"))
            true, seen = float(usd.sum()), float(usd[shown].sum())
            share = seen / true if true > 0.0 else float("nan")
            rows.append((name, one.asset, one.venue, len(orders), true, int(shown.sum()), seen, share))
    columns = ["listing", "asset", "venue", "orders", "usd", "shown_orders", "shown_usd", "shown_share_frac"]
    return pd.DataFrame(rows, columns=columns)


def shown_venue_order(listings: Listings) -> float:
    """Share of the recorded order of liquidated dollars that holds: dex_a over cex_b over what cex_a's feed shows.

    0, 0.5 or 1; NaN where a venue is missing or nothing was liquidated.
    """
    table = forced_by_listing(listings)
    if table.empty or {ON_CHAIN, EXCHANGE_B, EXCHANGE_A} - set(table["venue"]) or not float(table["usd"].sum()) > 0.0:
        return float("nan")
    here = table["venue"].isin((EXCHANGE_A, COIN_M))
    floor = float(table.loc[here, "shown_usd"].sum())
    chain, second = (float(table.loc[table["venue"] == venue, "usd"].sum()) for venue in (ON_CHAIN, EXCHANGE_B))
    return 0.5 * (chain > second) + 0.5 * (second > floor)


def interest_change_all(listings: Listings) -> float:
    """Open interest in dollars of all venues and assets at midnight over that of 20:49, less 1 (fraction)."""
    return event.open_interest_change(summed(chosen(listings, "perp")))


def interest_change_chain(listings: Listings) -> float:
    """Open interest in dollars of dex_a at midnight over that of 20:49, less 1 (fraction)."""
    return event.open_interest_change(summed(chosen(listings, "perp", venue=ON_CHAIN)))


def btc_interest_change_all(listings: Listings) -> float:
    """BTC open interest in coins of all perps and the 145,000 BTC of CME at midnight over 20:49, less 1 (fraction)."""
    path = summed(chosen(listings, "perp", asset="btc"), in_usd=False)
    held = {"open_interest_btc": path.columns["open_interest_btc"] + CME_BTC} if path.columns else {}
    return event.open_interest_change(path._replace(columns=held))


def btc_interest_change_a(listings: Listings) -> float:
    """BTC open interest in coins of cex_a, both contracts, at midnight over that of 20:49, less 1 (fraction)."""
    both = [one for one in chosen(listings, "perp", asset="btc") if one.venue in (EXCHANGE_A, COIN_M)]
    return event.open_interest_change(summed(both, in_usd=False))


def btc_forced_over_interest_fall(listings: Listings) -> float:
    """BTC liquidated on all venues from 20:50 to midnight over the fall of their open interest in coins (fraction)."""
    return event.forced_over_interest_fall(summed(chosen(listings, "perp", asset="btc"), in_usd=False))


def _coin_interest_fall(listings: Listings, asset: str) -> float:
    """Least open interest of the coin-margined perp of cex_a after 20:49 over that of 20:49, less 1 (contracts)."""
    return middle(_interest_low(one) for one in chosen(listings, "perp", venue=COIN_M) if _named(one) == asset)


def _named(one: Listed) -> str:
    return "alt" if is_alt(one) else one.asset


def _interest_low(one: Listed) -> float:
    """Contracts, whatever they count: to the end of the run, which must reach 22:00."""
    path = path_of(one, "perp")
    held = path.columns.get("open_interest_btc", np.full(path.time_s.size, np.nan))
    if path.time_s.size == 0 or path.time_s[-1] < event.COVERED_S:
        return float("nan")
    return price.lowest(held[path.time_s > 0.0]) / price.price_at(path.time_s, held, 0.0) - 1.0


def coin_interest_order(listings: Listings) -> float:
    """Share of pairs of coin-margined perps of cex_a whose open interest fell in the order BTC, ETH, SOL, altcoins.

    1 is the recorded order, 0.5 chance; pairs of two altcoins are left out.
    """
    rank = {asset: place for place, asset in enumerate((*INTEREST_ORDER, "alt"))}
    perps = [one for one in chosen(listings, "perp", venue=COIN_M) if _named(one) in rank]
    fallen = [(rank[_named(one)], _interest_low(one)) for one in perps]
    known = [(place, fall) for place, fall in fallen if np.isfinite(fall)]
    pairs = [a[1] > b[1] for a in known for b in known if a[0] < b[0]]
    return float(np.mean(pairs)) if pairs else float("nan")


def adl_over_interest(listings: Listings) -> float:
    """Dollars deleveraged on dex_a from 20:50 to midnight over its open interest of 20:49 (fraction)."""
    path = summed(chosen(listings, "perp", venue=ON_CHAIN))
    if "adl_btc" not in path.columns:
        return float("nan")
    return event.total(path, FLASH, "adl_btc") / event.level(path, "open_interest_btc", 0.0)


def adl_share_of_forced(listings: Listings) -> float:
    """Dollars deleveraged on dex_a over those and what its books liquidated, 20:50 to midnight (fraction)."""
    path = summed(chosen(listings, "perp", venue=ON_CHAIN))
    closed, booked = event.total(path, FLASH, "adl_btc"), event.total(path, FLASH, *event.FORCED)
    return closed / (closed + booked) if closed + booked > 0.0 else float("nan")


def adl_minutes_to_90(listings: Listings) -> float:
    """Minutes from the first second with deleveraging on dex_a to the one by which 90 % of its dollars were done."""
    time_s, usd = _adl(listings)
    if not usd.sum() > 0.0:
        return float("nan")
    done = np.cumsum(usd) >= 0.9 * usd.sum()
    return float(time_s[np.argmax(done)] - time_s[np.argmax(usd > 0.0)]) / 60.0


def adl_delay_s(listings: Listings) -> float:
    """Seconds from the first liquidation on dex_a after 20:50 to its first deleveraging."""
    time_s, usd = _adl(listings)
    path = summed(chosen(listings, "perp", venue=ON_CHAIN))
    if not usd.sum() > 0.0:
        return float("nan")
    forced = path.columns[event.FORCED[0]] + path.columns[event.FORCED[1]]
    first = path.time_s[(path.time_s > 0.0) & (forced > 0.0)]
    return float(time_s[np.argmax(usd > 0.0)] - first[0]) if first.size else float("nan")


def _adl(listings: Listings) -> tuple[Floats, Floats]:
    """Seconds and dollars of the deleveraging of dex_a, 20:50 to midnight."""
    path = summed(chosen(listings, "perp", venue=ON_CHAIN))
    usd = path.columns.get("adl_btc", np.full(path.time_s.size, np.nan))
    inside = (path.time_s > FLASH.from_s) & (path.time_s <= FLASH.to_s) & np.isfinite(usd)
    return path.time_s[inside], usd[inside]


def adl_by_owner(listings: Listings) -> pd.Series:
    """Dollars deleveraged on dex_a by owner, largest first; by listing and account where no owner is kept.

    Each closing of a counterparty is one ``adl`` event: coins at its price.
    """
    parts = []
    for name, one in listings.items():
        if one.venue == ON_CHAIN and "perp" in one.books:
            mine = _events(one, "adl")
            usd = np.abs(column(mine, "quantity_btc")) * column(mine, "price_usd")
            owner = mine["owner"].astype(str) if "owner" in mine else name + " " + mine["account"].astype(str)
            parts.append(pd.Series(usd, index=owner.to_numpy(dtype=str)))
    whole = pd.concat(parts) if parts else pd.Series(dtype=np.float64)
    return whole.groupby(level=0).sum().sort_values(ascending=False, kind="stable")


def _adl_top(listings: Listings, owners: int) -> float:
    """Share of the dollars deleveraged on dex_a that the most deleveraged owners bore, ten in F39 (fraction)."""
    usd = adl_by_owner(listings)
    return float(usd.iloc[:owners].sum() / usd.sum()) if float(usd.sum()) > 0.0 else float("nan")


def fund_change_a(listings: Listings) -> float:
    """Insurance funds of cex_a, all contracts, at midnight over those of 20:49, less 1 (fraction)."""
    return event.fund_change(summed(one for one in chosen(listings, "perp") if one.venue in (EXCHANGE_A, COIN_M)))


def vault_result_usd(listings: Listings) -> float:
    """Equity of the backstop of dex_a at midnight less that of 20:49, all contracts, USD."""
    path = summed(chosen(listings, "perp", venue=ON_CHAIN))
    return event.level(path, "fund_usd", event.END_OF_DAY_S) - event.level(path, "fund_usd", 0.0)


def _events(one: Listed, kind: str) -> pd.DataFrame:
    """Events of one kind from 20:50 to midnight."""
    if one.events.empty:
        return one.events
    time_s = seconds(one.events)
    return one.events[(one.events["kind"] == kind).to_numpy() & (time_s > FLASH.from_s) & (time_s <= FLASH.to_s)]


ESTIMATORS: Mapping[str, Callable[[Listings], float]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            all_forced_peak_minute, all_long_share, shown_venue_order, interest_change_all, interest_change_chain,
            btc_interest_change_all, btc_interest_change_a, btc_forced_over_interest_fall, coin_interest_order,
            adl_over_interest, adl_share_of_forced, adl_minutes_to_90, adl_delay_s, fund_change_a, vault_result_usd,
        )
    }
    | {f"coin_interest_fall_{asset}": partial(_coin_interest_fall, asset=asset) for asset in (*INTEREST_ORDER, "alt")}
    | {"adl_top_10_share": partial(_adl_top, owners=10)}
)  # fmt: skip
"""Estimators over listings by the name that a target uses."""

WINDOWED: Mapping[str, Callable[[Listings, Window], float]] = MappingProxyType(
    {f.__name__: f for f in (all_forced_share_within, all_forced_rate_over_before)}
)
"""Estimators that want the window of the row as well."""
