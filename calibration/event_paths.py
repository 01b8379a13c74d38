"""Price, depth, index path and margin tiers of 10 October 2025, rounded so that only derived figures are published."""

from pathlib import Path

import pandas as pd

from calibration.recordings import at, depth_corrected, leverage_tiers, mark_1m, qqq_2m
from calibration.tables import START, clock, seconds, table
from sim import ingest

GLORY = "repository aaronwu2017/TheGlory, commit 929fd9c3, 27 Jan 2026"
NO_LICENCE = "Licence: the repository states none, so its file is not shipped; the rounded figures below are facts."
MINUTE = pd.Timedelta("1min")
INDEX_BAR = pd.Timedelta("2min")
NEWS_END = "22:00"  # v follows the index to 22:00 and is flat afterwards but for its noise (DECISIONS 21)


def btc_path(data: Path) -> str:
    """One-minute closes of BTC from 20:20 to 24:00 UTC, to the nearest 10 USD (DECISIONS 30)."""
    closes = mark_1m(data)["close"].loc[at(START) - MINUTE :]
    rows = [(clock(seconds(t + MINUTE)), seconds(t + MINUTE), round(close / 10.0) * 10) for t, close in closes.items()]
    header = (
        "BTC, 10 October 2025, one-minute closes, 20:20 to 24:00 UTC. Mark price, not trades.",
        f"Source: mark of the Binance coin-margined BTC perpetual (public archive), by way of {GLORY}.",
        NO_LICENCE,
        "Method: close of the minute that ends at that time.",
        "Rounding: to the nearest 10 USD. seconds: after 20:20:00 UTC; close_usd: USD.",
    )
    return table(header, ("time_utc", "seconds", "close_usd"), rows)


def depth_shares(data: Path) -> str:
    """Depth over the morning's median by minute and side, with the band in which it was measured."""
    looks = depth_corrected(data).loc[at(START) :]
    rows = []
    for minute, seen in looks.groupby(looks.index.floor("min")):
        cells: list[str | None] = []
        for side in ("bid", "ask"):
            known = seen[[f"{side}_band_pct", f"{side}_ratio"]].dropna()
            whole = len(known) == len(seen)  # a minute counts when every look at it could tell the side
            cells += [f"{known.iloc[:, k].mean():.{digits}f}" if whole else None for k, digits in ((0, 2), (1, 3))]
        second = seconds(minute)
        rows.append((clock(second), second, *cells))
    header = (
        "Binance BTCUSDT perpetual, 10 October 2025: depth as a share of the morning, 20:20 to 24:00 UTC.",
        f"Source: Binance bookDepth archive file (a look each 30 s), by way of {GLORY}; own correction.",
        NO_LICENCE,
        "Method: the archive's bid side is corrupt from 15:30:42 (a phantom bid of 17.65 BTC at 121,363 shifts its",
        "mid and with it every band). The phantom is removed, the true bands are recomputed against the mark. Share =",
        "value in the band / median value 00:00-15:25 in the same band; mean of the looks in the minute. Noisy within",
        "two minutes of a jump. Beyond 5% the comparison is with the morning's 5%: an upper bound. Bids cannot be told",
        "apart from 21:16 to 21:31: those cells are empty.",
        "Rounding: band to 0.01% of the mark, share to 0.001. seconds: start of the minute after 20:20:00 UTC.",
    )
    columns = ("time_utc", "seconds", "bid_band_pct", "bid_share", "ask_band_pct", "ask_share")
    return table(header, columns, rows)


def headline_depth(data: Path) -> str:
    """Depth after the headline of 14:57 over that before it, by side and band, both measured from the market."""
    before, after = (_profile(data, *window) for window in (("00:00", "14:57"), ("15:00", "15:30")))
    rows = []
    for side in ("bid", "ask"):
        for low, high in ((0, 2), (2, 4)):
            usd = [held[side][high] - held[side].get(low, 0.0) for held in (before, after)]
            rows.append((side, low, high, *(f"{value * 1e-6:.0f}" for value in usd), f"{usd[1] / usd[0]:.2f}"))
    header = (
        "Binance BTCUSDT perpetual, 10 October 2025: depth after the first headline, by side and distance from mid.",
        f"Source: Binance bookDepth archive file (a look each 30 s), by way of {GLORY}.",
        NO_LICENCE,
        "Method: medians of 00:00-14:57 and of 15:00-15:30, the second with the phantom bid taken out and the bands",
        "measured again from the coin-margined mark (`shoal ingest depth --repair --mark`), as the file is shifted",
        "from 14:57:33 on. Nearer than 2 % the asks are unknown then, farther than 4 % the bids.",
        "Rounding: to $1m and 0.01. above_pct, within_pct: distance, %; before_musd, after_musd: USD million;",
        "share: ratio.",
    )
    return table(header, ("side", "above_pct", "within_pct", "before_musd", "after_musd", "share"), rows)


def _profile(data: Path, start: str, end: str) -> dict[str, dict[int, float]]:
    """Median cumulative USD by side and whole per cent, repaired."""
    folder = data / "event_1011"
    file = folder / "binance_um_bookDepth_BTCUSDT_2025-10-10_raw.csv"
    mark = folder / "BTCUSD_PERP_mark_1m_2025-10-09_10.csv"
    read = ingest.depth(file, start=start, end=end, mark=mark, repair=True)
    return {
        name: {round(100.0 * w): float(usd) for w, usd in zip(side.within, side.usd, strict=True)}
        for name, side in (("bid", read.bid), ("ask", read.ask))
    }


def qqq_path(data: Path) -> str:
    """Two-minute returns of the Nasdaq-100 fund from 20:20 to 22:00 UTC, in whole basis points (DECISIONS 30)."""
    closes = qqq_2m(data)["close"].loc[at(START) - INDEX_BAR : at(NEWS_END) - INDEX_BAR]
    rows, level = [], float(closes.iloc[0])
    for bar, close in closes.items():
        return_bp = round(1e4 * (float(close) / level - 1.0))
        level *= 1.0 + 1e-4 * return_bp  # what rounding leaves over is made good by the next bar
        second = seconds(bar + INDEX_BAR)
        rows.append((clock(second), second, return_bp))
    header = (
        f"Nasdaq-100 fund (QQQ) after hours, 10 October 2025: returns over two minutes, {START} to {NEWS_END} UTC.",
        f"Source: BATS bars (one venue), by way of {GLORY}.",
        NO_LICENCE,
        "Method: close of the bar that ends at that time over the level to which the rows before it add up, less 1;",
        "so the path is never off the record by more than half a basis point. Row 0 stands for the level at 20:20.",
        "Rounding: to 1 basis point. seconds: after 20:20:00 UTC; return_bp: simple return, basis points.",
    )
    return table(header, ("time_utc", "seconds", "return_bp"), rows)


def btc_tiers(data: Path) -> str:
    """Leverage tiers of BTCUSDT."""
    tiers = leverage_tiers(data)
    rows = [
        (f"{row.max_notional_usd:.0f}", f"{row.mmr:g}", f"{row.max_leverage:g}")
        for row in tiers[tiers["symbol"] == "BTC/USDT:USDT"].itertuples()
    ]
    header = (
        "Binance USD-M, BTCUSDT, leverage tiers, October 2024: a year older than the event.",
        "Source: answer of the exchange's public interface, kept in repository freqtrade/freqtrade, commit c9ae5e1e.",
        "Licence: the repository is GPL-3.0; the table is the exchange's published rule, a fact, and none of its code.",
        "Method: copied, no rounding. up_to_usd: upper end, USD; maintenance: fraction of notional; max_leverage: x.",
    )
    return table(header, ("up_to_usd", "maintenance", "max_leverage"), rows)
