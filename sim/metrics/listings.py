"""Several markets measured as one: what a listing is here, and its tables as a path of ``sim.metrics.event``.

A metric over listings takes a mapping from the listing's name to ``Listed`` and looks at tables only. One listing or
the sum of several becomes an ``event.Path``, so one rule measures one market and many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from sim.metrics import event

Floats = event.Floats
Book = Literal["perp", "spot"]

HEADLINE_UTC = pd.Timestamp("2025-10-10 20:50:00", tz="UTC")
"""Time 0 of every path: the second headline."""
MAJORS = ("btc", "eth", "sol")
TOKENS = ("usde", "lst", "usdt")
"""Collateral and the quote of the dollar: assets that are neither majors nor altcoins."""
COIN_M, EXCHANGE_A, EXCHANGE_B, ON_CHAIN, US = "cex_a_coin", "cex_a", "cex_b", "dex_a", "cex_us"
"""Venue profiles that rows of the event name; the coin-margined books of ``cex_a`` are a profile of their own."""


class Listed(NamedTuple):
    """One listing after a run.

    Attributes
    ----------
    asset, venue : str
        Id of the asset ("btc") and of the venue profile ("cex_a").
    series : pandas.DataFrame
        As ``run.series``: one row a recorded second.
    events : pandas.DataFrame
        As ``run.events``; empty where none were kept. A column ``owner``, where there is one, tells whose account it is
        across listings.
    books : tuple of str
        Books that trade here, of "perp" and "spot".
    """

    asset: str
    venue: str
    series: pd.DataFrame
    events: pd.DataFrame
    books: tuple[Book, ...] = ("perp", "spot")


Listings = Mapping[str, Listed]
Choice = Callable[[Listed], bool]


def is_alt(listed: Listed) -> bool:
    """Whether the asset is an altcoin: no major, no token."""
    return listed.asset not in MAJORS + TOKENS


def chosen(
    listings: Listings, book: Book, *, venue: str | None = None, asset: str | None = None, alts: bool = False
) -> list[Listed]:
    """Listings that have the book, of one venue profile, of one asset, or of the altcoins alone."""
    return [
        one
        for one in listings.values()
        if book in one.books
        and (venue is None or one.venue == venue)
        and (asset is None or one.asset == asset)
        and (not alts or is_alt(one))
    ]


def seconds(table: pd.DataFrame) -> Floats:
    """Seconds from the second headline, float64[n]."""
    return np.asarray((table["time_utc"] - HEADLINE_UTC) / pd.Timedelta("1s"), dtype=np.float64)


def column(table: pd.DataFrame, name: str) -> Floats:
    """A column as float64[n], NaN where the table lacks it."""
    if name not in table:
        return np.full(len(table), np.nan)
    return np.asarray(table[name], dtype=np.float64)


def path_of(listed: Listed, book: Book) -> event.Path:
    """One book of a listing as a path: last trades stand for the mark, the book's takers and mid for the perp's.

    The lows of the record are lows of trades on a venue, so they are compared with trades at the recorded seconds. A
    column that the table lacks is absent, so what needs it is NaN.
    """
    table = listed.series
    swapped = {f"{book}_{part}": f"perp_{part}" for part in ("mid_usd", "taker_buy_btc", "taker_sell_btc")}
    columns = {
        swapped.get(str(name), str(name)): column(table, str(name))
        for name in table.columns
        if str(name) != "time_utc" and (book == "perp" or str(name) not in swapped.values())
    }
    none = np.empty(0)
    return event.Path(seconds(table), column(table, f"{book}_last_usd"), none, none, none, columns)


def summed(listings: Iterable[Listed], in_usd: bool = True) -> event.Path:
    """Flows and levels of several listings added up second by second, as a path without a price.

    Parameters
    ----------
    listings : iterable of Listed
        Their rows must stand at the same times; others count only where they have a row.
    in_usd : bool
        Coins of takers, forced orders, deleveraging and open interest as dollars at the mark of their second (perp) or
        the last spot trade, under the same names; False leaves coins, which may be added for one asset alone.

    Returns
    -------
    event.Path
        ``mark_usd`` is NaN; columns as ``run.series`` has them, a level that a listing lacks being absent from its sum.
    """
    frames = []
    for one in listings:
        table, perp_usd = one.series, column(one.series, "mark_usd") if in_usd else 1.0
        spot_usd = column(table, "spot_last_usd") if in_usd else 1.0
        mine: dict[str, Floats] = {}
        if "perp" in one.books:
            for name in (*event.TAKEN, "forced_sell_btc", "forced_buy_btc", "adl_btc", "open_interest_btc"):
                mine[name] = column(table, name) * perp_usd
            for name in (*event.FORCED, "fund_usd"):
                mine[name] = column(table, name)
        if "spot" in one.books:
            mine |= {name: column(table, name) * spot_usd for name in event.SPOT_TAKEN}
        frames.append(pd.DataFrame(mine, index=pd.Index(seconds(table))))
    none = np.empty(0)
    if not frames:
        return event.Path(none, none, none, none, none)
    whole = pd.concat(frames).groupby(level=0).sum(min_count=1)
    columns = {str(name): column(whole, str(name)) for name in whole.columns}
    time_s = whole.index.to_numpy(dtype=np.float64)
    return event.Path(time_s, np.full(time_s.size, np.nan), none, none, none, columns)


def low_usd(path: event.Path) -> float:
    """Lowest price from 20:50 to midnight, USD; NaN where the path does not cover it."""
    return (1.0 + event.drop(path)) * event.reference_usd(path)


def middle(values: Iterable[float]) -> float:
    """Median of what could be measured, NaN where nothing was."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")
