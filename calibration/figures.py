"""Derived figures: the rows of the evidence table that this version uses, computed again from the recordings."""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd

from calibration import flow_figures, later_figures
from calibration.microstructure import read_feed
from calibration.recordings import at, depth_corrected, depth_morning, mark_1m, mark_5m, qqq_2m
from calibration.tables import Figure, table

COIN_M = "mark of the Binance coin-M BTC perpetual, 1 min"
USDT_M = "mark of the Binance BTCUSDT perpetual, 5 min"
DEPTH = "Binance BTCUSDT bookDepth, a look each 30 s"
QQQ = "QQQ after hours, 2 min"
FEEDS = "Binance raw feeds of 8 Aug 2024, 23:54-24:00 UTC"
SHARE = "share of morning"


def figures(data: Path) -> str:
    """Every derived figure as one file."""
    groups: tuple[Callable[[Path], list[Figure]], ...] = (
        depth_of_the_morning, volatility_before, fall, returns_of_the_day, depth_of_the_evening, news_ratio,
        flow_figures.impact, flow_figures.volume, flow_figures.altcoins_before_2110, flow_figures.perp_below_spot,
        later_figures.open_interest,
        later_figures.funding, later_figures.volatility, later_figures.etf_weeks, later_figures.etf_reaction, quotes,
    )  # fmt: skip
    rows = [astuple(figure) for group in groups for figure in group(data)]
    header = (
        "Figures measured on recordings of 10 October 2025 (times UTC) and of 8 August 2024. Rows P, F and A are",
        "those of calibration/targets.yaml, which holds what is accepted; R8, R14 are points of the model's review.",
        "Source: named in each row; BTC, depth, index and trade recordings by way of repository aaronwu2017/TheGlory,",
        "commit 929fd9c3; raw feeds: nkaz001/hftbacktest, 5f3ec40b; volume by exchange: Jamster187/oct10-black-swan-",
        "analysis, c291d3db; open interest and funding: smoothbrainquant/trading-for-new-dads, ca5c8252; ETF flows:",
        "choosenobody/GoldTrendAlert, da3315fa; BTC daily closes: Sashamine/dat-tracker-next, c0c17e00.",
        "Licence: hftbacktest is MIT, the others state none; no recording is shipped, the figures are facts.",
        "Method: calibration/figures.py, flow_figures.py, later_figures.py; returns are logarithmic but in A11, drops",
        "simple. Rounding: as printed. Rows that rest on a published number alone, without a file, are not here: F28,",
        "F32, and the Binance BTC spot hour of F23 among them; calibration/targets.yaml holds them with their source.",
    )
    names = ("id", "name", "value", "unit", "source")
    return table(header, names, rows)


def depth_of_the_morning(data: Path) -> list[Figure]:
    """P5, P6: median of the looks from 00:00 to 15:25."""
    median = depth_morning(data).groupby("percentage")["notional"].median() * 1e-6
    out = []
    for row, side, sign in (("P5", "bid", -1), ("P6", "ask", 1)):
        for band in (1, 2, 5):
            name = f"{side} depth within {band}%, median 00:00-15:25"
            out.append(Figure(row, name, f"{float(median[sign * band]):.0f}", "$m", DEPTH))
    return out


def volatility_before(data: Path) -> list[Figure]:
    """P16: standard deviation of 5-minute log returns, 1-9 October (4 October is missing), times sqrt(288 x 365)."""
    closes = mark_5m(data).loc[: pd.Timestamp("2025-10-09 23:59"), "close"]
    unbroken = closes.index.to_series().diff() == pd.Timedelta("5min")
    year = float(np.log(closes).diff()[unbroken].std() * np.sqrt(288 * 365) * 100.0)
    name = "realised volatility, 5-min returns, 1-9 Oct, annualised"
    return [Figure("P16", name, f"{year:.1f}", "%", USDT_M)]


def fall(data: Path) -> list[Figure]:
    """F0 to F5: pause, drop, second leg, times, recovery. Levels against the close of 20:49."""
    bars, usdt = mark_1m(data), mark_5m(data)
    close, before = bars["close"], float(bars["close"].loc[at("20:49")])
    after = bars.loc[at("20:50") : at("23:59")]
    low, low_minute = float(after["low"].min()), after["low"].idxmin()
    usdt_low = float(usdt.loc[at("20:50") : at("23:59"), "low"].min())
    usdt_before = float(usdt["close"].loc[at("20:45")])  # this bar ends at 20:50
    pause = close.loc[at("21:00") : at("21:10")] / before - 1.0
    passage = after.index[after["low"] <= 0.96 * before][0]
    leg = float(bars.loc[at("21:11") : at("21:20"), "low"].min() / close.loc[at("21:10")]) - 1.0
    risen = after.loc[low_minute:, "close"] >= low + 0.5 * (before - low)
    half = risen.idxmax()
    recovered = (float(close.loc[at("21:59")]) - low) / (before - low)
    return [
        Figure("F0", "highest close 21:00-21:10 against 20:49", _pct(pause.max()), "%", COIN_M),
        Figure("F0", "lowest close 21:00-21:10 against 20:49", _pct(pause.min()), "%", COIN_M),
        Figure("F0", "first passage of -4%, from 20:50", _minutes("20:50", passage), "min", COIN_M),
        Figure("F1", "drop, close of 20:49 to low, coin-M", _pct(low / before - 1.0), "%", COIN_M),
        Figure("F1", "drop, 20:50 to low, USDT-M", _pct(usdt_low / usdt_before - 1.0), "%", USDT_M),
        Figure("F2", "second leg, close of 21:10 to low by 21:20", _pct(leg), "%", COIN_M),
        Figure("F3", "minute of the low, from 20:50", _minutes("20:50", low_minute), "min", COIN_M),
        Figure("F4", "half recovery, from the low", _minutes(low_minute, half), "min", COIN_M),
        Figure("F5", "share of the drop recovered at 22:00", f"{100.0 * recovered:.0f}", "%", COIN_M),
    ]


def returns_of_the_day(data: Path) -> list[Figure]:
    """F11, F12: standard deviation of one-minute log returns by phase."""
    returns = np.log(mark_1m(data)["close"]).diff()
    spans = (("00:00", "14:50"), ("20:50", "21:30"), ("21:31", "22:30"), ("22:31", "23:59"))
    base, crash, later, late = (float(returns.loc[at(first) : at(last)].std() * 100.0) for first, last in spans)
    return [
        Figure("F11", "1-min return sd 00:00-14:50 (base)", f"{base:.3f}", "%", COIN_M),
        Figure("F11", "1-min return sd 20:50-21:30", f"{crash:.2f}", "%", COIN_M),
        Figure("F11", "1-min return sd 20:50-21:30 over base", f"{crash / base:.0f}", "x", COIN_M),
        Figure("F12", "1-min return sd 21:31-22:30 over base", f"{later / base:.1f}", "x", COIN_M),
        Figure("F12", "1-min return sd 22:31-23:59 over base", f"{late / base:.1f}", "x", COIN_M),
    ]


DEPTH_WINDOWS = (
    ("F13", "bid", "20:30", "20:30"),
    ("F13", "ask", "20:30", "20:30"),
    ("F14", "bid", "20:55", "21:10"),
    ("F14", "ask", "20:55", "21:10"),
    ("F15", "bid", "21:15", "21:19"),
    ("F15", "ask", "21:15", "21:19"),
    ("F16", "ask", "21:20", "21:31"),
    ("F17", "bid", "22:00", "22:00"),
    ("F17", "ask", "22:00", "22:00"),
    ("F17", "bid", "23:55", "23:55"),
    ("F17", "ask", "23:55", "23:55"),
)
"""Row, side, first and last minute: the windows of the same rows of calibration/targets.yaml (tested)."""


def depth_of_the_evening(data: Path) -> list[Figure]:
    """F13 to F17: median over the looks of the window; band (which the mark moves) and their number are in the name."""
    looks = depth_corrected(data)
    out = []
    for row, side, first, last in DEPTH_WINDOWS:
        seen = looks[(looks.index >= at(first)) & (looks.index < at(last) + pd.Timedelta("1min"))]
        seen = seen[[f"{side}_ratio", f"{side}_band_pct"]].dropna()
        ratio, band = (float(seen[column].median()) for column in seen.columns)
        span = first if first == last else f"{first}-{last}"
        name = f"{side} depth {span}, band {band:.1f}%, {len(seen)} looks"
        out.append(Figure(row, name, f"{ratio:.2f}", SHARE, DEPTH))
    return out


def news_ratio(data: Path) -> list[Figure]:
    """R8: log return of BTC over that of the stock index, in the drift before 20:49 and in the first hit after it."""
    btc, index = np.log(mark_1m(data)["close"]), np.log(qqq_2m(data)["close"])
    spans = (("drift", "14:56", "20:49", "14:54", "20:48"), ("first hit", "20:49", "20:56", "20:48", "20:54"))
    out = []
    for what, first, last, bar, last_bar in spans:
        ratio = (btc.loc[at(last)] - btc.loc[at(first)]) / (index.loc[at(last_bar)] - index.loc[at(bar)])
        name = f"BTC over QQQ, {what} {first}-{last}"
        out.append(Figure("R8", name, f"{float(ratio):.2f}", "x", f"{COIN_M}; {QQQ}"))
    return out


def quotes(data: Path) -> list[Figure]:
    """P9, P10: spread, top of book and rates on calm minutes of another year; orders of magnitude, not targets."""
    btc, eth = (read_feed(data, f"usdm_{pair}_20240808") for pair in ("btcusdt", "ethusdt"))
    spot = read_feed(data, "spot_btcusdt_20240808")
    day_bn = btc.traded_usd / btc.seconds * 86400.0 * 1e-9
    rows = (
        ("P9", "BTC perp spread, time-weighted mean", f"{btc.spread_bp():.3f}", "bp"),
        ("P9", "BTC spot spread, time-weighted mean", f"{spot.spread_bp():.4f}", "bp"),
        ("P10", "BTC perp, best bid, median over quotes", f"{btc.best_bid_usd():.0f}", "USD"),
        ("P10", "ETH perp, best bid, median over quotes", f"{eth.best_bid_usd():.0f}", "USD"),
        ("P10", "BTC perp, level updates", f"{btc.level_updates / btc.seconds:.0f}", "1/s"),
        ("P10", "BTC perp, changes of the best quote", f"{len(btc.quotes) / btc.seconds:.0f}", "1/s"),
        ("P10", "BTC perp, trades", f"{btc.trades / btc.seconds:.0f}", "1/s"),
        ("P10", "BTC perp, level updates a trade", f"{btc.level_updates / btc.trades:.1f}", "x"),
        ("P10", "BTC perp, traded value a day at this rate", f"{day_bn:.1f}", "$bn"),
    )
    return [Figure(*row, FEEDS) for row in rows]


def _pct(fraction: float) -> str:
    return f"{100.0 * fraction:.1f}"


def _minutes(first: str | pd.Timestamp, last: pd.Timestamp) -> str:
    start = at(first) if isinstance(first, str) else first
    return f"{(last - start).total_seconds() / 60.0:.0f}"
