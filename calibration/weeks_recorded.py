"""Recorded points of the weeks around the event, for the six figures of ``shoal weeks``: ``weeks_recorded.csv``.

Published numbers stand here with their source; what recordings give is computed: Friday closes, weekly sums, filings.
"""

from pathlib import Path

import pandas as pd

from calibration.figures import DEPTH_WINDOWS
from calibration.recordings import (
    depth_corrected,
    etf_flows,
    mark_5m,
    open_interest_daily,
    qqq_2m,
    strategy_daily,
    strategy_purchases,
)  # fmt: skip
from calibration.tables import table
from sim.calendar_ny import session

FRIDAYS = pd.date_range("2025-10-03", "2025-12-26", freq="W-FRI")
STOCK_DAYS = ("2025-10-09", "2025-10-10", "2025-10-13", "2025-10-14")
PREMIUM_DAYS = ("2025-10-10", "2025-10-31", "2025-11-14", "2025-11-21")
INTEREST_DAYS = ("2025-10-03", "2025-10-09", "2025-10-10", "2025-10-12", "2025-10-17", "2025-10-24")
FILINGS = slice("2025-10-13", "2025-12-29")
COST, COST_COINS, COST_DAY = 74_433.0, 649_870.0, "2025-11-17"
"""Strategy's mean cost, USD, of so many coins, as filed that day (MODEL.md R17)."""
MARK, DEPTH = "mark of the Binance BTCUSDT perpetual", "Binance BTCUSDT bookDepth, corrected, in bands of 1.6 to 4.7 %"
FILED, FLOWS = "8-K by way of Sashamine/dat-tracker-next", "daily flows by way of choosenobody/GoldTrendAlert"
INTEREST = "Coinalyze by way of smoothbrainquant/trading-for-new-dads, dollar contracts, close of the day"
COLUMNS = ("figure", "series", "date", "value", "unit", "bound", "source", "grade")
HEADER = (
    "Recorded points of the weeks around 10 October 2025, beside which shoal weeks draws a run. No input of any run.",
    "Source: rows A, F, P of calibration/targets.yaml and who published them; grades A primary text, B press, C blog",
    "or note, D computed here from a recording: marks, depth, stock bars by way of aaronwu2017/TheGlory, 929fd9c3;",
    "flows: choosenobody/GoldTrendAlert, da3315fa; open interest: smoothbrainquant/trading-for-new-dads, ca5c8252;",
    "filings, premia: Sashamine/dat-tracker-next, c0c17e00. Licence: none states one; no recording is shipped.",
    "Method: calibration/weeks_recorded.py. Closes are of 16:00 New York; flows and coins of weeks that end on this",
    "Friday, an 8-K of Monday counting for the Friday before. A date without a time is 00:00 UTC. Of a number that was",
    "published without a day the source says where it is drawn. bound: at most or at least; words: no point.",
    "Rounding: marks 10 USD, stock index 0.1, flows 1 $m, open interest 0.01 $bn; others as published.",
)  # fmt: skip

Row = tuple[str, str, str, str, str, str, str, str]
PUBLISHED: tuple[Row, ...] = (
    ("macro", "gold", "2025-10-07", "4000", "USD an ounce", "at least",
     "A20, press of 7 October: first above 4,000", "B"),
    ("macro", "Nasdaq Composite on 10 October", "2025-10-10", "-3.6", "%", "words", "A20, AP", "A"),
    ("macro", "S&P 500 on 10 October", "2025-10-10", "-2.7", "%", "words", "A20, AP", "A"),
    ("etf", "all funds", "2025-11-07", "-1208", "million USD", "", "A9, Farside as quoted", "B"),
    ("etf", "all funds, one day and not a week", "2025-11-13", "-867", "million USD", "",
     "A10, Farside as quoted", "B"),
    ("etf", "all funds, one day and not a week", "2025-11-20", "-903", "million USD", "",
     "A10, Farside as quoted", "B"),
    ("etf", "largest fund, one day and not a week", "2025-11-18", "-523", "million USD", "",
     "A10, Farside as quoted", "B"),
    ("etf", "total of November to the 22nd", "2025-11-22", "-2960", "million USD", "words",
     "A10, Farside as quoted", "B"),
    ("etf", "total since mid-October", "2025-11-22", "-4900", "million USD", "words",
     "A10, founding article of November 2025", "A"),
    ("treasuries", "all treasuries, inflow", "2025-11-30", "260", "million USD", "words",
     "A16, DefiLlama as quoted: as published, of November", "B"),
    ("open_interest", "BTC, all venues", "2025-10-10", "560", "thousand BTC", "", "P2, Glassnode by CoinDesk", "B"),
    ("open_interest", "BTC, all venues", "2025-10-12", "481", "thousand BTC", "",
     "F32, Glassnode by CoinDesk: after the fall, drawn at 12 October", "B"),
    ("open_interest", "BTC, Binance", "2025-10-10", "130", "thousand BTC", "", "P3, Glassnode by CoinDesk", "B"),
    ("open_interest", "BTC, Binance", "2025-10-12", "105", "thousand BTC", "",
     "F32, Glassnode by CoinDesk: after the fall, drawn at 12 October", "B"),
    ("open_interest", "BTC, CME", "2025-10-10", "145", "thousand BTC", "", "P3, Glassnode by CoinDesk", "B"),
    ("open_interest", "BTC, CME", "2025-10-12", "145", "thousand BTC", "",
     "F32, Glassnode by CoinDesk: unchanged", "B"),
    ("open_interest", "BTC, perps", "2025-10-10", "415", "thousand BTC", "",
     "P2 less CME of P3, Glassnode by CoinDesk", "B"),
    ("open_interest", "BTC, perps", "2025-12-01", "310", "thousand BTC", "at most",
     "A5, Glassnode as quoted: below about 310 to December, drawn on the 1st", "B"),
    ("open_interest", "all coins, all venues", "2025-10-10", "146.7", "billion USD", "",
     "P1, Amberdata as quoted in a research note", "C"),
    ("open_interest", "all coins, all venues", "2025-10-11", "110.0", "billion USD", "",
     "F31, Amberdata as quoted in a research note: 36.7 less", "C"),
    ("open_interest", "all coins, Hyperliquid", "2025-10-10", "13.8", "billion USD", "", "P4, The Block", "B"),
    ("open_interest", "all coins, Hyperliquid", "2025-10-11", "6.4", "billion USD", "", "F33, The Block", "B"),
    ("lending", "Aave, loans outstanding", "2025-09-18", "30.5", "billion USD", "", "P19, A18, Token Terminal", "B"),
    ("lending", "Aave, loans outstanding", "2025-12-24", "16.3", "billion USD", "", "A18, CryptoQuant", "B"),
    ("lending", "USDe supply", "2025-10-10", "14.8", "billion USD", "", "P19, A17, The Block", "B"),
    ("lending", "USDe supply", "2025-10-31", "8.5", "billion USD", "",
     "A17, The Block: October, drawn at its end", "B"),
    ("lending", "USDe supply", "2025-11-30", "7.5", "billion USD", "",
     "A17, Keyrock as quoted: 7.4 to 7.6 in November, drawn at its end", "C"),
    ("lending", "USDe loans on Aave, change", "2025-11-30", "-65", "%", "words",
     "A17, founding article of November 2025", "A"),
    ("lending", "WETH and LST loans on Aave, change", "2025-11-30", "-37.5", "%", "words",
     "A17, founding article of November 2025: -35 to -40", "A"),
    ("depth", "BTC spot, 1 %, mean of venues", "2025-10-06", "20", "million USD", "",
     "A1, CoinDesk Research: early October, drawn on the 6th", "B"),
    ("depth", "BTC spot, 1 %, mean of venues", "2025-11-11", "14", "million USD", "", "A1, CoinDesk Research", "B"),
    ("depth", "BTC spot, 0.5 %, mean of venues", "2025-10-06", "15.5", "million USD", "", "A1, CoinDesk Research", "B"),
    ("depth", "BTC spot, 0.5 %, mean of venues", "2025-11-11", "10", "million USD", "at most",
     "A1, CoinDesk Research", "B"),
    ("depth", "BTC spot, 5 %, mean of venues", "2025-10-06", "40", "million USD", "at least",
     "A1, CoinDesk Research", "B"),
    ("depth", "BTC spot, 5 %, mean of venues", "2025-11-11", "30", "million USD", "at most",
     "A1, CoinDesk Research", "B"),
    ("depth", "ETH spot, 1 %, mean of venues", "2025-10-06", "8", "million USD", "at least",
     "A2, CoinDesk Research", "B"),
    ("depth", "ETH spot, 1 %, mean of venues", "2025-11-11", "6", "million USD", "at most",
     "A2, CoinDesk Research", "B"),
    ("depth", "other coins spot, 1 %, mean of venues", "2025-10-06", "2.5", "million USD", "",
     "A2, CoinDesk Research", "B"),
    ("depth", "other coins spot, 1 %, mean of venues", "2025-10-10T21:20Z", "1.3", "million USD", "",
     "A2, CoinDesk Research: in the panic", "B"),
    ("depth", "BTC, ETH, SOL, 2 %", "2025-11-20", "65", "% of before", "",
     "A3, founding article of November 2025: 30 to 40 % less, middle, drawn on the 20th", "A"),
)  # fmt: skip
"""Published figures that no recording gives."""


def weeks_recorded(data: Path) -> str:
    """The table, by figure and series."""
    parts = (_bitcoin, _stocks, _weekly_flows, _cost, _purchases, _premia, _coin_margined, _perp_depth)
    rows = [*PUBLISHED, *(row for part in parts for row in part(data))]
    rows.sort(key=lambda row: (ORDER.index(row[0]), row[1], row[2]))
    return table(HEADER, COLUMNS, rows)


ORDER = ("macro", "etf", "treasuries", "open_interest", "lending", "depth")


def _close(day: pd.Timestamp) -> pd.Timestamp:
    """End of New York's session of a day, UTC without a zone, as the recordings are."""
    hours = session(day.date())
    assert hours is not None, day
    return pd.Timestamp(hours[1]).tz_localize(None)


def _moment(when: pd.Timestamp) -> str:
    return f"{when:%Y-%m-%dT%H:%MZ}"


def _bitcoin(data: Path) -> list[Row]:
    """The mark at 16:00 New York on Fridays, and the low of 21 November (A8)."""
    bars = mark_5m(data)
    out: list[Row] = []
    for friday in FRIDAYS:
        end = _close(friday)
        level = f"{round(float(bars['close'].loc[end - pd.Timedelta('5min')]), -1):.0f}"
        out.append(("macro", "BTC", _moment(end), level, "USD", "", MARK, "D"))
    low = bars.loc["2025-11-21", "low"]
    level = f"{round(float(low.min()), -1):.0f}"
    return [*out, ("macro", "BTC", _moment(low.idxmin()), level, "USD", "", f"A8: low of 21 November, {MARK}", "D")]


def _stocks(data: Path) -> list[Row]:
    """The Nasdaq-100 fund at 16:00 New York; no later bar was found."""
    bars = qqq_2m(data)["close"]
    ends = [_close(pd.Timestamp(day)) for day in STOCK_DAYS]
    levels = [float(bars.loc[: end - pd.Timedelta("2min")].iloc[-1]) for end in ends]
    what = "QQQ, 2 min bars of one venue; no later day was found"
    return [
        ("macro", "Nasdaq-100 fund", _moment(end), f"{level:.1f}", "USD a share", "", what, "D")
        for end, level in zip(ends, levels, strict=True)
    ]


def _weekly_flows(data: Path) -> list[Row]:
    """A9: sums of weeks; the recording ends on a Thursday, so its last week is the published one."""
    daily = etf_flows(data)
    weekly = daily.resample("W-FRI").sum() * 1e-6
    weekly = weekly.loc["2025-09-26" : daily.index[-1]]
    return [
        ("etf", "all funds", f"{friday:%Y-%m-%d}", f"{value:.0f}", "million USD", "", f"A9: {FLOWS}", "D")
        for friday, value in weekly.items()
    ]


def _cost(data: Path) -> list[Row]:
    """Mean cost after each filing, from the stated one of 17 November backwards and forwards by coins and cost."""
    filed = strategy_purchases(data).loc[FILINGS]
    spent, coins = filed["cost"].cumsum(), filed["coins"].cumsum()
    out: list[Row] = []
    for day in filed.index:
        held = COST_COINS + float(coins[day] - coins[COST_DAY])
        whole = COST * COST_COINS + float(spent[day] - spent[COST_DAY])
        what = (
            "CoinDesk, 24 November 2025"
            if f"{day:%Y-%m-%d}" == COST_DAY
            else f"from the cost of 17 November and {FILED}"
        )
        row = ("treasuries", "Strategy, mean cost of all coins", f"{day:%Y-%m-%d}", f"{whole / held:.0f}")
        out.append((*row, "USD per BTC", "", what, "B" if what == "CoinDesk, 24 November 2025" else "D"))
    return out


def _purchases(data: Path) -> list[Row]:
    """A14: coins and stated mean price of each filing, at the Friday before it."""
    out: list[Row] = []
    for day, row in strategy_purchases(data).loc[FILINGS].iterrows():
        friday = f"{day - pd.Timedelta(days=3):%Y-%m-%d}"
        what = f"A14: {FILED}"
        out.append(("treasuries", "Strategy, coins bought", friday, f"{row['coins']:.0f}", "BTC", "", what, "D"))
        price = f"{row['cost'] / row['coins']:.0f}"
        out.append(("treasuries", "Strategy, paid in the week", friday, price, "USD per BTC", "", what, "D"))
    return out


def _premia(data: Path) -> list[Row]:
    """A13: enterprise premium of four days; 18 November's 0.94 is of the shares alone."""
    daily = strategy_daily(data)["m_ev"]
    out: list[Row] = [
        ("treasuries", "Strategy, m_EV", _moment(_close(pd.Timestamp(day))), f"{daily[day]:.2f}", "x", "",
         f"A13: {FILED}", "D")
        for day in PREMIUM_DAYS
    ]  # fmt: skip
    said = ("treasuries", "Strategy, shares alone over coins on 18 November", "2025-11-18", "0.94", "x", "words")
    return [*out, (*said, "A13, press of 18 November", "C")]


def _coin_margined(data: Path) -> list[Row]:
    """Binance coin-margined BTC contracts of $100: free of the price."""
    daily = open_interest_daily(data)
    mine = daily.loc[daily["symbol"] == "BTCUSD_PERP.A", "oi_close"]
    out: list[Row] = []
    for day in INTEREST_DAYS:
        end = _moment(pd.Timestamp(day) + pd.Timedelta(days=1))
        value = f"{1e-9 * float(mine[day]):.2f}"
        out.append(("open_interest", "BTC, Binance coin-margined", end, value, "billion USD", "", INTEREST, "D"))
    return out


def _perp_depth(data: Path) -> list[Row]:
    """Shares of the morning at three times of the evening (F13, F17), in the band that the record has then."""
    looks = depth_corrected(data)
    out: list[Row] = []
    for _, side, first, last in DEPTH_WINDOWS:
        if first != last:
            continue
        when = pd.Timestamp(f"2025-10-10 {first}")
        seen = looks[(looks.index >= when) & (looks.index < when + pd.Timedelta("1min"))]
        share = float(seen[f"{side}_ratio"].dropna().median())
        what = f"F13, F17: {DEPTH}"
        series = f"BTC perp, {side}s, Binance"
        out.append(("depth", series, _moment(when), f"{100.0 * share:.0f}", "% of before", "", what, "D"))
    return out
