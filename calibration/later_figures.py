"""Figures of the days around the event: open interest (F34), funding (A6), volatility (A7), ETF flow (A9, A11)."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.recordings import btc_daily, etf_flows, funding_daily, mark_5m, open_interest_daily
from calibration.tables import Figure

INTEREST = "daily open interest, Binance coin-M, contracts of fixed dollars"
FUNDING = "daily funding, Binance coin-M"
USDT_M = "mark of the Binance BTCUSDT perpetual, 5 min"
FLOWS = "net flow into US spot BTC funds, by day"
CLOSES = "BTC daily close"

DAYS_OF_VOLATILITY = (
    ("2025-10-11", "2025-10-17"),
    ("2025-10-18", "2025-10-31"),
    ("2025-11-01", "2025-11-20"),
    ("2025-11-21", "2025-11-21"),
)
FRIDAYS = ("2025-10-03", "2025-10-10", "2025-10-17", "2025-10-24", "2025-10-31")


def open_interest(data: Path) -> list[Figure]:
    """F34: close of 9 October to the lowest of 10 to 12 October, in dollar contracts, so free of the price."""
    daily = open_interest_daily(data)
    out = []
    for coin in ("BTC", "ETH", "SOL", "XRP", "DOGE", "FIL"):
        mine = daily[daily["symbol"] == f"{coin}USD_PERP.A"]
        fall = float(mine.loc["2025-10-10":"2025-10-12", "oi_low"].min() / mine.loc["2025-10-09", "oi_close"]) - 1.0
        name = f"open interest {coin}, 9 Oct close to lowest of 10-12 Oct"
        out.append(Figure("F34", name, f"{100.0 * fall:.0f}", "%", INTEREST))
    return out


def funding(data: Path) -> list[Figure]:
    """A6 and P11: funding of 11 and 10 October; the file holds per cent of 8 hours."""
    daily = funding_daily(data)
    out = []
    for row, day in (("P11", "2025-10-10"), ("A6", "2025-10-11")):
        for coin in ("BTC", "ETH", "SOL", "XRP", "DOGE"):
            mine = daily[daily["symbol"] == f"{coin}USD_PERP.A"]
            rate = 100.0 * float(mine.loc[day, "funding_rate"])
            name = f"funding {coin}, {int(day[-2:])} Oct"
            out.append(Figure(row, name, f"{rate:.2f}", "bp/8h", FUNDING))
    return out


def volatility(data: Path) -> list[Figure]:
    """A7: as P16, in the days that follow."""
    returns = np.log(mark_5m(data)["close"]).diff()
    out = []
    for first, last in DAYS_OF_VOLATILITY:
        year = 100.0 * float(returns.loc[first:last].std() * np.sqrt(288 * 365))
        name = f"realised volatility, 5-min returns, {_days(first, last)}, annualised"
        out.append(Figure("A7", name, f"{year:.0f}", "%", USDT_M))
    return out


def etf_weeks(data: Path) -> list[Figure]:
    """A9: sums of the weeks that end on a Friday; the file ends on Thursday 6 November, so that week is left out."""
    weekly = etf_flows(data).resample("W-FRI").sum() * 1e-6
    return [
        Figure("A9", f"ETF net flow, week to {_day(friday)}", f"{float(weekly[friday]):.0f}", "$m", FLOWS)
        for friday in FRIDAYS
    ]


def etf_reaction(data: Path) -> list[Figure]:
    """A11: flow on the flow of the trading day before, and on simple returns of the calendar days before.

    Ordinary least squares; r(-1) is the return of the day before, r(-6..-2) the sum of the five before that.
    """
    flow = etf_flows(data) * 1e-6
    known = etf_terms(btc_daily(data), flow).dropna()
    slopes = least_squares(known)
    y = known.pop("flow").to_numpy()
    explained = 1.0 - float((y - known.to_numpy() @ slopes).var() / y.var())
    source = f"{FLOWS}; {CLOSES}"
    formats = (".0f", ".2f", ".0f", ".0f")
    units = ("$m", "$m/$m", "$m/%", "$m/%")
    names = ("constant", *(str(name).split(",")[0] for name in known.columns[1:]))
    out = [
        Figure("A11", f"ETF flow by day, Aug 2024 to 6 Nov 2025: {name}", f"{slope:{form}}", unit, source)
        for name, slope, form, unit in zip(names, slopes, formats, units, strict=True)
    ]
    out += [
        Figure("A11", "the same, share of variance explained", f"{explained:.2f}", "1", source),
        Figure("A11", "ETF flow by day, standard deviation", f"{float(flow.std()):.0f}", "$m", FLOWS),
        Figure("A11", "ETF flow by day, autocorrelation at a day", f"{float(flow.autocorr()):.2f}", "1", FLOWS),
    ]
    return out


def etf_terms(close: pd.Series, flow: pd.Series) -> pd.DataFrame:
    """Terms of A11 and the flow, $m, a row a day of either; of a day without its flow that one cell is NaN."""
    daily = 100.0 * close.pct_change()
    days = flow.index.union(close.index[close.index > flow.index[-1]])
    return pd.DataFrame(
        {
            "constant": 1.0,
            "flow(-1), $m a $m": flow.shift(1),
            "r(-1), $m a %": daily.shift(1).reindex(days),
            "r(-6..-2), $m a %": daily.shift(2).rolling(5).sum().reindex(days),
            "flow": flow,
        },
        index=days,
    )


def least_squares(known: pd.DataFrame) -> NDArray[np.float64]:
    """Coefficients of the column ``flow`` on the others, in their order."""
    slopes: NDArray[np.float64] = np.linalg.lstsq(known.drop(columns="flow").to_numpy(), known["flow"].to_numpy())[0]
    return slopes


def _day(iso: str) -> str:
    day = pd.Timestamp(iso)
    return f"{day.day} {day:%b}"


def _days(first: str, last: str) -> str:
    return _day(first) if first == last else f"{_day(first)} to {_day(last)}"
