"""The recorded files as frames on a UTC time index, without any change of their values."""

from functools import cache
from pathlib import Path

import pandas as pd

DAY = "2025-10-10"


def at(clock: str) -> pd.Timestamp:
    """A time of 10 October 2025, UTC; "24:00" is the end of the day."""
    return pd.Timestamp(DAY) + pd.Timedelta(f"{clock}:00")


def mark_1m(data: Path) -> pd.DataFrame:
    """One-minute mark of the Binance coin-margined BTC perpetual, USD; index is the start of the minute."""
    return _indexed(data / "event_1011" / "BTCUSD_PERP_mark_1m_2025-10-09_10.csv", "open_time_utc")


def mark_5m(data: Path) -> pd.DataFrame:
    """Five-minute mark of the Binance BTCUSDT perpetual, USD; 4 October 2025 is missing."""
    return _indexed(data / "event_1011" / "BTCUSDT_mark_5m_2025-10-01_12-30.csv", "open_time_utc")


def qqq_2m(data: Path) -> pd.DataFrame:
    """Two-minute bars of the Nasdaq-100 fund, after hours included, USD; index is the start of the bar."""
    return _indexed(data / "event_1011" / "QQQ_2min_2025-10-09_14.csv", "bar_start_utc")


def depth_morning(data: Path) -> pd.DataFrame:
    """Depth of the BTCUSDT perpetual within -5 to 5%, USD, 00:00 to 15:25: before the bid side is corrupt."""
    raw = pd.read_csv(data / "event_1011" / "binance_um_bookDepth_BTCUSDT_2025-10-10_raw.csv")
    raw.index = pd.to_datetime(raw["timestamp"].str.strip())  # one row has a space before its time
    return raw[raw.index < at("15:26")]


def depth_corrected(data: Path) -> pd.DataFrame:
    """Depth without the phantom bid, about two rows a minute from 15:31; bands in % of the mark, NaN where unknown."""
    return _indexed(data / "event_1011" / "binance_um_depth_corrected_after_1531.csv", "ts")


@cache
def trade_bars(data: Path) -> pd.DataFrame:
    """One-minute bars of trades, 38 series: OHLC in USD, volume and taker sales in coins (coin-M: contracts)."""
    return _indexed(data / "event_1011" / "trades_1m_bars_2025-10-10_38series.csv.gz", "minute_utc")


def traded_volume(data: Path) -> pd.DataFrame:
    """Volume traded from 21:09 to 22:00 by market, USD, spot and futures; the coverage is its author's."""
    return pd.read_csv(data / "event_1011" / "volume_usd_2109_2200utc_by_exchange_market.csv")


def open_interest_daily(data: Path) -> pd.DataFrame:
    """Daily open interest of Binance contracts, USD; the coin-margined ones count contracts of fixed dollars."""
    folder = data / "oi_funding"
    files = (f"open_interest_{kind}_2025-08_2025-10.csv" for kind in ("majors", "alts"))
    return pd.concat([_indexed(folder / file, "date") for file in files])


def funding_daily(data: Path) -> pd.DataFrame:
    """Daily funding; ``funding_rate`` is per cent of 8 hours."""
    return _indexed(data / "oi_funding" / "funding_rates_2025-07_2025-10.csv", "date")


def etf_flows(data: Path) -> pd.Series:
    """Net flow into the US spot BTC funds by trading day, USD, to 6 November 2025."""
    return _indexed(data / "etf_dat" / "btc_etf_flows_to_2025-11-06.csv", "Date")["NetFlowUSD"]


def etf_flows_of_the_first_months(data: Path) -> pd.Series:
    """Net flow into the same funds, USD, from 11 January 2024 to 24 April 2025; another collector's.

    Its last day, 25 April 2025, is left out: it was read before the day's figure was complete.
    """
    raw = pd.read_csv(data / "etf_dat" / "btc_etf_flows_farside_raw.csv")
    days = pd.to_datetime(raw["Date"].str.removesuffix("T"), format="%Y%m%d")
    return pd.Series(1e6 * raw["Total"].to_numpy(), index=days).iloc[:-1]


def ibit_daily(data: Path) -> pd.Series:
    """Close of the largest spot BTC fund at 16:00 New York, USD a share, by trading day to January 2026."""
    raw = pd.read_csv(data / "etf_dat" / "IBIT_daily_2024-01_2026-01.csv")
    return raw.set_index(pd.to_datetime(raw["time"], unit="s").dt.normalize())["close"]


def strategy_purchases(data: Path) -> pd.DataFrame:
    """Strategy's purchases by 8-K: coins, cost (coins x stated mean price, USD) and coins held after it.

    Two rows are blank by the collector's own error; their index stays. The 8-K of 13 October 2025 is not there.
    """
    raw = _indexed(data / "etf_dat" / "mstr_btc_purchases.csv", "filingDate")
    raw = raw[raw.index.notna()]
    names = {"btcAcquired": "coins", "implied_cost": "cost", "cumulativeHoldings": "held"}
    return raw[list(names)].rename(columns=names)


def strategy_sales(data: Path) -> pd.DataFrame:
    """Strategy's sales at the market by 8-K: proceeds, USD, and shares of common and of preferred stock.

    ``programs`` names each program's shares ("Common ATM" or "MSTR ATM" is common stock) from 31 March 2025 on;
    before it all are common. The collector's own split misses three rows of 2026 and is not read.
    """
    raw = _indexed(data / "etf_dat" / "mstr_atm_sales.csv", "filingDate")
    common = [_common_shares(row.programs, row.shares) for row in raw.itertuples()]
    return pd.DataFrame({"proceeds": raw["proceeds"], "common": common, "preferred": raw["shares"] - common})


def _common_shares(programs: str | float, shares: float) -> float:
    if not isinstance(programs, str):
        return shares
    sold = (part.split(":") for part in programs.split(","))
    return sum(float(count) for name, count in sold if name.strip().startswith(("Common", "MSTR")))


def strategy_daily(data: Path) -> pd.DataFrame:
    """Strategy by trading day: price of a coin, coins held, and market value, debt, preferred stock and cash, USD.

    Diluted shares; coins lag by up to 0.1 %. The balance sheet is the last filing's as its collector read it: no debt
    from 31 December 2024 to 20 February 2025, and from 30 September 2025 on $2.8bn less preferred stock.
    """
    names = {
        "btcPrice": "price", "btcHoldings": "coins", "marketCap": "market_value", "totalDebt": "debt",
        "preferredEquity": "preferred", "cashAndEquivalents": "cash", "mnav": "m_ev", "stockPrice": "share",
    }  # fmt: skip
    return _indexed(data / "etf_dat" / "mstr_daily_mnav.csv", "date")[list(names)].rename(columns=names)


def btc_daily(data: Path) -> pd.Series:
    """Daily close of BTC, USD."""
    return pd.read_csv(data / "etf_dat" / "crypto_daily_close.csv", index_col=0, parse_dates=True)["BTC"]


def leverage_tiers(data: Path) -> pd.DataFrame:
    """Leverage tiers of 18 Binance symbols, October 2024."""
    return pd.read_csv(data / "microstructure" / "binance_um_leverage_tiers_2024-10.csv")


def _indexed(file: Path, column: str) -> pd.DataFrame:
    return pd.read_csv(file, parse_dates=[column], index_col=column)
