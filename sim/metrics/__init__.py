"""What is measured on a finished run: pure functions of named columns, which measure recorded series as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from sim.metrics import cascade, depth, price

__all__ = ["METRICS", "Metric", "cascade", "depth", "measure", "price"]


class Metric(NamedTuple):
    """One number of a run: ``function(*columns)``, in ``unit``."""

    name: str
    unit: str
    columns: tuple[str, ...]
    function: Callable[..., float]
    meaning: str
    worse: str = ""
    """Side that is worse for holders of coins and for the venue, "lower" or "higher"; empty where there is none."""


_MARK = ("elapsed_s", "mark_usd")
_FORCED = ("forced_sell_btc", "forced_buy_btc", "open_interest_btc")

METRICS: tuple[Metric, ...] = (
    Metric("min_mark_usd", "USD", ("mark_usd",), price.lowest, "lowest mark price", "lower"),
    Metric("low_after_s", "s", _MARK, price.time_of_low, "time from the start to the lowest mark"),
    Metric(
        "drop_from_start",
        "fraction",
        ("mark_usd",),
        price.drop_from_first,
        "lowest mark over the first, less 1",
        "lower",
    ),
    Metric(
        "max_drawdown",
        "fraction",
        ("mark_usd",),
        price.max_drawdown,
        "deepest fall of the mark from a running maximum",
        "lower",
    ),
    Metric("end_mark_usd", "USD", ("mark_usd",), lambda mark: float(mark[-1]), "mark price at the end", "lower"),
    Metric(
        "return_sd_1min",
        "fraction",
        _MARK,
        price.return_sd,
        "standard deviation of one-minute log returns of the mark",
        "higher",
    ),
    Metric(
        "forced_sell_usd", "USD", ("forced_sell_usd",), cascade.total, "longs liquidated through the book", "higher"
    ),
    Metric("forced_buy_usd", "USD", ("forced_buy_usd",), cascade.total, "shorts liquidated through the book", "higher"),
    Metric(
        "forced_share_of_oi",
        "fraction",
        _FORCED,
        cascade.forced_share,
        "coins liquidated through the book over starting OI",
        "higher",
    ),
    Metric(
        "forced_sell_peak_minute_share",
        "fraction",
        ("elapsed_s", "forced_sell_usd"),
        cascade.peak_minute_share,
        "largest share of the forced sales in one minute",
    ),
    Metric(
        "takeover_btc", "BTC", ("takeover_btc",), cascade.total, "positions taken over by the insurance fund", "higher"
    ),
    Metric(
        "adl_btc",
        "BTC",
        ("adl_btc",),
        cascade.total,
        "coins closed against counterparties by auto-deleveraging",
        "higher",
    ),
    Metric(
        "deficit_most_usd",
        "USD",
        ("deficit_usd",),
        cascade.highest,
        "largest uncovered deficit of the fund at mark",
        "higher",
    ),
    Metric(
        "chosen_btc",
        "BTC",
        ("stop_btc", "take_profit_btc", "panic_btc"),
        cascade.total_of,
        "coins that leveraged accounts closed by stops, take-profits and in panic",
    ),
    Metric("n_liquidated", "accounts", ("n_liquidated",), cascade.total, "accounts that got a forced order", "higher"),
    Metric(
        "oi_change",
        "fraction",
        ("open_interest_btc",),
        cascade.relative_change,
        "open interest at the end over the start, less 1",
    ),
    Metric(
        "fund_change_usd",
        "USD",
        ("fund_usd",),
        cascade.change,
        "insurance fund equity at mark, end less start",
        "lower",
    ),
    Metric(
        "fund_least_usd",
        "USD",
        ("fund_usd",),
        cascade.least,
        "lowest equity of the insurance fund; used up below 0",
        "lower",
    ),
    Metric("spread_median_bp", "bp", ("perp_spread_bp",), cascade.middle, "median perp spread", "higher"),
    Metric("spread_peak_bp", "bp", ("perp_spread_bp",), cascade.highest, "widest recorded perp spread", "higher"),
    Metric(
        "depth_bid_1pct_at_low_usd",
        "USD",
        ("mark_usd", "depth_bid_1pct_usd"),
        cascade.at_low,
        "perp bids within 1 % of mid at the low",
        "lower",
    ),
    Metric(
        "depth_ask_1pct_at_low_usd",
        "USD",
        ("mark_usd", "depth_ask_1pct_usd"),
        cascade.at_low,
        "perp asks within 1 % of mid at the low",
        "lower",
    ),
    Metric(
        "messages",
        "messages",
        ("elapsed_s", "n_messages"),
        cascade.total_after_start,
        "orders, cancels, reduces and replaces that reached a book",
    ),
    Metric("fills", "fills", ("elapsed_s", "n_fills"), cascade.total_after_start, "fills in all books"),
)


def measure(table: Mapping[str, Any]) -> dict[str, float]:
    """Every metric of ``METRICS`` on a table of columns (a run's ``series``).

    Parameters
    ----------
    table : mapping of column name to array
        For instance ``run.series``. Columns are read as NumPy arrays.

    Returns
    -------
    dict
        Metric name to value, in the unit of the metric; NaN where the run cannot answer.
    """
    return {m.name: m.function(*(np.asarray(table[c]) for c in m.columns)) for m in METRICS}
