"""From record arrays in ticks, lots and micro-dollars to tables in human units: the only way up across the border.

Columns carry their unit in the name: ``_usd``, ``_btc``, ``_bp``, ``_s``; ``time_utc`` is a timestamp. Nothing is
rounded: an integer is recovered by dividing by the constant and rounding (tested).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.schema import BAND_EDGES_BP, EVENT_ADL, EVENT_NAMES, EVENT_TAKEOVER

Rows = NDArray[np.void]

MEANINGS: dict[str, str] = {
    "time_utc": "end of the recorded interval",
    "elapsed_s": "time since the start of the scenario",
    "value_usd": "news value v: the price that the news path implies",
    "index_usd": "index price, from the spot book",
    "mark_usd": "mark price, which triggers liquidations",
    "perp_bid_usd": "best perp bid; empty when the side is empty",
    "perp_ask_usd": "best perp ask; empty when the side is empty",
    "perp_last_usd": "last perp trade; empty before the first",
    "perp_mid_usd": "mean of best perp bid and ask",
    "perp_spread_bp": "best perp ask less bid over mid",
    "mid_usd": "mid of the perp book",
    "spot_bid_usd": "best spot bid",
    "spot_ask_usd": "best spot ask",
    "spot_last_usd": "last spot trade",
    "spot_mid_usd": "mean of best spot bid and ask",
    "spot_spread_bp": "best spot ask less bid over mid",
    "open_interest_btc": "perp open interest: sum of long positions",
    "perp_taker_buy_btc": "perp coins bought by takers in the interval",
    "perp_taker_sell_btc": "perp coins sold by takers in the interval",
    "spot_taker_buy_btc": "spot coins bought by takers in the interval",
    "spot_taker_sell_btc": "spot coins sold by takers in the interval",
    "forced_sell_btc": "coins of longs liquidated through the book in the interval",
    "forced_buy_btc": "coins of shorts liquidated through the book in the interval",
    "forced_sell_usd": "dollars of longs liquidated through the book in the interval",
    "forced_buy_usd": "dollars of shorts liquidated through the book in the interval",
    "takeover_btc": "coins taken over by the insurance fund at bankruptcy price in the interval",
    "adl_btc": "coins closed against counterparties by auto-deleveraging in the interval",
    "deficit_usd": "what the insurance fund owes beyond its equity at mark: uncovered",
    "n_liquidated": "accounts whose first forced order fell in the interval",
    "in_liquidation": "accounts under liquidation at the end of the interval",
    "fund_usd": "insurance fund equity at mark",
    "funding_rate_frac": "funding rate of the last payment, a fraction of the notional a period",
    "funding_usd": "funding paid by one side to the other in the interval",
    "maker_net_btc": "perp plus spot coins of all market makers",
    "arb_perp_btc": "perp position of the arbitrage firms",
    "arb_net_btc": "unhedged inventory of the arbitrage firms",
    "arb_stopped": "arbitrage firms that saw a gap in the last tick and had no balance for it",
    "dip_net_btc": "perp plus spot coins that dip buyers hold",
    "trend_net_btc": "perp position of the trend followers",
    "latent_net_btc": "perp plus spot coins of the latent layer; its spot coins of the start count",
    "stop_btc": "coins closed by stops of leveraged accounts in the interval",
    "take_profit_btc": "coins closed by take-profits of leveraged accounts in the interval",
    "panic_btc": "coins closed in panic by leveraged accounts in the interval",
    "top_up_usd": "free cash that isolated accounts added to their positions in the interval",
    "n_closing": "leveraged accounts with a voluntary close under way at the end of the interval",
    "n_messages": "orders, cancels, reduces and replaces that reached a book in the interval",
    "n_fills": "fills in all books in the interval",
    "kind": "what happened",
    "date": "day in New York",
    "who": "whose act it was: an issuer, a company, an account",
    "what": "what was done",
    "shares": "shares moved, below 0 given away or redeemed",
    "coins": "coins moved, below 0 given away",
    "amount_usd": "dollars moved, below 0 paid",
    "group": "kind of the account's owner, in a scenario with listings",
    "owner": "number of the owner over all listings; a portfolio and a bridge firm have one for all their accounts",
    "listing": "name of the listing",
    "exchange": "name of the exchange",
    "cash_on_way_usd": "money of bridge firms on its way to the exchange",
    "coins_on_way_usd": "coins of bridge firms on their way to the exchange, at the last spot mid there",
    "legs_sent": "orders that bridge firms sent since the row before, all exchanges",
    "legs_stopped": "firms times ticks in which a gap paid and a balance did not reach, since the row before",
    "start_usd": "cash, position at mark and coins at spot mid at the start",
    "end_usd": "cash, position at mark and coins at spot mid at the end",
    "account": "row of the account",
    "quantity_btc": "coins of the event",
    "price_usd": "price of the event",
    "cash_usd": "cash moved by the event, or held by the account at the end",
    "start_btc": "position at the start, short below 0",
    "end_btc": "position at the end, short below 0",
    "fees_paid_usd": "fees paid over the run, rebates below 0",
    "forced_btc": "coins closed by forced orders",
    "taken_btc": "coins taken over by the insurance fund",
    "first_forced_s": "time of the first forced order, since the start; empty when there was none",
    "liquidation_usd": "last mark at which the account met its maintenance",
}
"""What each column means; ``unit_of`` says in which unit it is."""

_UNITS = {"_usd": "USD", "_btc": "BTC", "_bp": "bp", "_s": "s", "_utc": "UTC", "_frac": "fraction"}
_RENAMED = {
    "lots": "quantity_btc",
    **{f"{s}_{p}pct_lots": f"depth_{s}_{p}pct_btc" for s in ("bid", "ask") for p in (1, 3, 5)},
}


def unit_of(column: str) -> str:
    """Tell the unit of a column by its name: "USD", "BTC", "bp", "s", "UTC", "fraction", "name" or "count"."""
    for suffix, unit in _UNITS.items():
        if column.endswith(suffix):
            return unit
    return "name" if column in ("kind", "group", "listing", "exchange") else "count"


def meaning_of(column: str) -> str:
    """One phrase on what a column holds; empty for columns that a participant defines itself."""
    if column.startswith("depth_"):
        _, side, within, unit = column.split("_")
        return f"perp {side}s within {within.replace('pct', ' %')} of mid, in {unit_of('_' + unit)}"
    if "_to_" in column:
        return f"perp {column.split('_', 1)[0]}s from the band before up to {column.split('_')[2]} from mid"
    return MEANINGS.get(column, "")


def table_of(name: str, rows: Rows, constants: Mapping[str, Any], start_utc: datetime) -> pd.DataFrame:
    """The table ``name`` of a run's: series, bands, events or accounts; the others as for ``series_frame``."""
    frame = {"series": series_frame, "bands": bands_frame, "events": events_frame, "accounts": accounts_frame}[name]
    return frame(rows, constants, start_utc)


def series_frame(rows: Rows, constants: Mapping[str, Any], start_utc: datetime) -> pd.DataFrame:
    """Table of the recorded seconds.

    Parameters
    ----------
    rows : RECORD[n]
        As ``Market.collect`` gives them.
    constants : mapping
        ``tick_usd`` (USD per tick) and ``lot_coin`` (coins per lot) of the perp book.
    start_utc : datetime
        Start of the scenario.

    Returns
    -------
    pandas.DataFrame
        One row a record; prices of an empty side are NaN.
    """
    table = _human(rows, constants, start_utc)
    for book in ("perp", "spot"):
        bid, ask = table[f"{book}_bid_usd"], table[f"{book}_ask_usd"]
        table[f"{book}_mid_usd"] = 0.5 * (bid + ask)
        table[f"{book}_spread_bp"] = 1e4 * (ask - bid) / table[f"{book}_mid_usd"]
    for column in [c for c in table if c.startswith("depth_")]:
        table[column.replace("_btc", "_usd")] = table[column] * table["perp_mid_usd"]
    return pd.DataFrame(table)


def bands_frame(rows: Rows, constants: Mapping[str, Any], start_utc: datetime) -> pd.DataFrame:
    """Table of the book profile: coins in each band by distance from mid, one column a band, bids first.

    Parameters are those of ``series_frame``, with BAND_ROW rows.
    """
    table = {**_clock(rows["time_us"], start_utc), "mid_usd": _price(rows["mid_ticks"], constants)}
    lots = rows["lots"].astype(np.float64) * constants["lot_coin"]
    for column, band in zip(band_columns(), lots.T, strict=True):
        table[column] = band.copy()
    return pd.DataFrame(table)


def band_columns() -> list[str]:
    """Names of the 60 band columns, bid bands from the touch outwards, then ask bands."""
    return [f"{side}_to_{edge:g}bp_btc" for side in ("bid", "ask") for edge in BAND_EDGES_BP]


def events_frame(rows: Rows, constants: Mapping[str, Any], start_utc: datetime) -> pd.DataFrame:
    """Table of what happened to whom; parameters are those of ``series_frame``, with EVENT rows."""
    table = _human(rows, constants, start_utc)
    is_closed_at_zero = np.isin(rows["kind"], [EVENT_ADL, EVENT_TAKEOVER]) & (rows["price_ticks"] == 0)
    table["price_usd"] = np.where(is_closed_at_zero, 0.0, table["price_usd"])  # a bankruptcy price, and no missing one
    table["kind"] = pd.array([EVENT_NAMES[k] for k in rows["kind"]], dtype="str")
    return pd.DataFrame(table)


def accounts_frame(rows: Rows, constants: Mapping[str, Any], start_utc: datetime) -> pd.DataFrame:
    """Table of the accounts that were touched; units by the suffix of each field."""
    return pd.DataFrame(_human(rows, constants, start_utc))


LEDGER_HEAD = {
    "date": "str",
    "who": "str",
    "what": "str",
    "shares": "int64",
    "coins": "float64",
    "amount_usd": "float64",
}


def ledger_frame(rows: Sequence[Mapping[str, Any]], start_utc: datetime) -> pd.DataFrame:
    """Table of an institution's ledger, one row an entry; further columns are empty where an entry lacks them.

    Parameters
    ----------
    rows : sequence of mapping
        As ``Institution.ledger`` gives them, in order of time.
    start_utc : datetime
        Start of the scenario.
    """
    table = pd.DataFrame(list(rows), columns=None if rows else ["elapsed_s", *LEDGER_HEAD])
    clock = _clock(np.round(table.pop("elapsed_s").to_numpy(np.float64) * 1e6).astype(np.int64), start_utc)
    table = table.astype(LEDGER_HEAD)
    for place, (name, values) in enumerate(clock.items()):
        table.insert(place, name, values)
    return table


def _human(rows: Rows, constants: Mapping[str, Any], start_utc: datetime) -> dict[str, Any]:
    """Each field of a structured array in human units, by its suffix."""
    table: dict[str, Any] = {}
    for field in rows.dtype.names or ():
        name, values = _RENAMED.get(field, field), rows[field]
        if field == "time_us":
            table |= _clock(values, start_utc)
        elif field.endswith("_us"):
            table[name.removesuffix("_us") + "_s"] = np.where(values >= 0, values / 1e6, np.nan)
        elif field.endswith("_half_ticks"):
            table[name.removesuffix("_half_ticks") + "_usd"] = _price(values, constants) / 2.0
        elif field.endswith("_ticks"):
            table[name.removesuffix("_ticks") + "_usd"] = _price(values, constants)
        elif field.endswith("lots"):
            table[name.removesuffix("_lots") + ("" if name.endswith("_btc") else "_btc")] = (
                values * constants["lot_coin"]
            )
        elif field.endswith("_micro"):
            table[name.removesuffix("_micro") + "_usd"] = values / 1e6
        else:
            table[name] = np.ascontiguousarray(values)
    return table


def _clock(time_us: NDArray[np.int64], start_utc: datetime) -> dict[str, Any]:
    start = pd.Timestamp(start_utc).as_unit("us")
    return {"time_utc": start + pd.to_timedelta(np.asarray(time_us, dtype="m8[us]")), "elapsed_s": time_us / 1e6}


def _price(ticks: NDArray[np.int64], constants: Mapping[str, Any]) -> NDArray[np.float64]:
    return np.where(ticks > 0, ticks * constants["tick_usd"], np.nan)
