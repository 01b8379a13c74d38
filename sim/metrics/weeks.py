"""Rows of the six weeks after the event: what ``calibration/targets.yaml`` asks of a run that goes on for days.

Each function takes one run and the first and last day of a row, both included, and gives one number: a fraction, a
ratio, USD or coins; NaN where the run has not the days or not the desk. Days of prices are of UTC, those of flows and
companies New York's, as their ledgers write them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sim.metrics import event

if TYPE_CHECKING:
    from sim.results import Run
    from sim.targets import Target

NAN = float("nan")
PEAK_USD = 126_200.0
"""High of 6 October 2025, before any run begins: row A8."""
VENUE_BTC, ALL_PERPS_BTC = 130_000.0, 415_000.0
"""Open interest of the venue (row P3), and of all venues less CME (P2, P3), before the event."""
BARS_A_DAY, YEAR_DAYS = 288, 365.0
"""Five-minute returns of a day; days of a year of a market that never closes."""


class Days(NamedTuple):
    """First and last day of a row, both included, as "YYYY-MM-DD"."""

    first: str
    last: str


def days_of(text: str) -> Days:
    """Days of a row, "2025-10-13/2025-10-17" (ISO 8601)."""
    first, last = text.split("/")
    return Days(first, last)


def within(run: Run, days: Days, last_begun: bool = False) -> pd.DataFrame:
    """Recorded rows of whole days; none where the run does not cover each, or begin the last where that will do."""
    time, series = run.series["time_utc"], run.series
    first, last = (pd.Timestamp(day, tz="UTC") for day in days)
    end = last + pd.Timedelta(days=1)
    reached = last if last_begun else end - pd.Timedelta(seconds=run.spec.record_every)
    return series[(time >= first) & (time < end) & bool(time.iloc[0] <= first and time.iloc[-1] >= reached)]


def _ledger(run: Run, desk: str, days: Days, by_last: bool = False) -> pd.DataFrame | None:
    """Rows of a desk's ledger within days; None without the desk, or where the run does not reach them."""
    ledger = run.ledgers.get(desk)
    starts, ends = (run.series["time_utc"].iloc[k].tz_convert("America/New_York").date().isoformat() for k in (0, -1))
    if ledger is None or ledger.empty or ends < days.last or (starts > days.first and not by_last):
        return None
    return ledger[(ledger["date"] >= days.first) & (ledger["date"] <= days.last)]


def depth_share(run: Run, days: Days) -> float:
    """Mean depth within 1 % of the perp, both sides, over that of the morning before the event, less 1 (fraction)."""
    rows = within(run, days)
    points = (*run.spec.market.perp_bid_depth, *run.spec.market.perp_ask_depth)
    morning = sum(point.notional for point in points if point.within == 0.01)
    if rows.empty or not morning > 0.0:
        return NAN
    return float((rows["depth_bid_1pct_usd"] + rows["depth_ask_1pct_usd"]).mean()) / morning - 1.0


def funding_rate(run: Run, days: Days) -> float:
    """Mean funding rate of a period over days (fraction)."""
    rows = within(run, days)
    return float(rows["funding_rate_frac"].mean()) if len(rows) else NAN


def volatility(run: Run, days: Days) -> float:
    """Standard deviation of five-minute log returns of the mark, a year (fraction)."""
    rows = within(run, days)
    if len(rows) < 3 or 300.0 % run.spec.record_every:
        return NAN
    marks = rows["mark_usd"].to_numpy()[:: round(300.0 / run.spec.record_every)]
    return float(np.diff(np.log(marks)).std()) * math.sqrt(BARS_A_DAY * YEAR_DAYS)


def fall_from_peak(run: Run, days: Days) -> float:
    """Lowest mark of the days, the last as far as the run goes, over the high of 6 October 2025, less 1 (fraction)."""
    rows = within(run, days, last_begun=True)
    return float(rows["mark_usd"].min()) / PEAK_USD - 1.0 if len(rows) else NAN


def perp_open_interest(run: Run, days: Days) -> float:
    """Mean open interest of the days over the venue's share of all perps before the event (130,000 of 415,000), BTC."""
    rows = within(run, days)
    return ALL_PERPS_BTC / VENUE_BTC * float(rows["open_interest_btc"].mean()) if len(rows) else NAN


def fund_flow(run: Run, days: Days) -> float:
    """Published flow of the spot funds' sessions in the days, USD."""
    rows = _ledger(run, "etf", days)
    return float(rows.loc[rows["what"] == "published", "amount_usd"].sum()) if rows is not None else NAN


def fund_coins(run: Run, days: Days) -> float:
    """Coins of all spot funds at the last strike of the days over those at the first, less 1 (fraction)."""
    rows = _ledger(run, "etf", days)
    if rows is None:
        return NAN
    held = rows[rows["what"] == "struck"].groupby("date")["coins"].sum()
    return float(held.iloc[-1] / held.iloc[0]) - 1.0 if len(held) > 1 else NAN


def strategy_premium(run: Run, days: Days) -> float:
    """Enterprise premium of Strategy at the last close of the days."""
    rows = _ledger(run, "dat", days, by_last=True)
    if rows is None:
        return NAN
    rows = rows[(rows["who"] == "strategy") & (rows["what"] == "close")]
    return float(rows["m_ev"].iloc[-1]) if len(rows) else NAN


def strategy_purchases(run: Run, days: Days) -> float:
    """Coins that Strategy bought in the days."""
    rows = _ledger(run, "dat", days)
    if rows is None:
        return NAN
    return float(rows.loc[(rows["who"] == "strategy") & (rows["what"] == "buy coins"), "coins"].sum())


def stablecoin_change(run: Run, days: Days) -> float:
    """Supply of stablecoins on the last of the days less that on the first, USD."""
    rows = _ledger(run, "stablecoins", days)
    if rows is None:
        return NAN
    supply = rows.loc[rows["what"] == "day", "supply_usd"]
    return float(supply.iloc[-1] - supply.iloc[0]) if len(supply) > 1 else NAN


def token_supply(run: Run, days: Days) -> float:
    """Supply of the dollar token at the end of the last of the days over that of the first, less 1 (fraction)."""
    return _change(_ledger(run, "dollar_token", days), "supply_usd")


def loans(run: Run, days: Days) -> float:
    """What borrowers of the lending protocol owe at the end of the last of the days over the first, less 1
    (fraction).
    """
    return _change(_ledger(run, "lending", days), "amount_usd")


def _change(rows: pd.DataFrame | None, column: str) -> float:
    """Last over first end of a day, less 1."""
    if rows is None:
        return NAN
    levels = rows.loc[rows["what"] == "day", column]
    return float(levels.iloc[-1] / levels.iloc[0] - 1.0) if len(levels) > 1 and levels.iloc[0] > 0.0 else NAN


def young_sopr(run: Run, days: Days) -> float:
    """Lowest daily ratio of price to cost of the coins that short-term holders spent (SOPR)."""
    rows = _ledger(run, "holders", days)
    return float(rows.loc[rows["who"] == "short-term", "sopr"].min()) if rows is not None else NAN


def old_coins(run: Run, days: Days) -> float:
    """Coins of long-term holders on the last of the days less those on the first."""
    rows = _ledger(run, "holders", days)
    if rows is None:
        return NAN
    held = rows.loc[rows["who"] == "long-term", "held_coins"]
    return float(held.iloc[-1] - held.iloc[0]) if len(held) > 1 else NAN


ESTIMATORS: Mapping[str, Callable[[Run, Days], float]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            depth_share, funding_rate, volatility, fall_from_peak, perp_open_interest, fund_flow, fund_coins,
            strategy_premium, strategy_purchases, stablecoin_change, token_supply,
        )
    }
)  # fmt: skip
"""By the name that a row of scope "weeks" gives."""
PER_UNIT: Mapping[str, float] = MappingProxyType({"bp/8h": 1e4, "$bn": 1e-9, "thousand BTC": 1e-3})


def measure(target: Target, run: Run) -> float:
    """Measure a row of scope "weeks" on a run, in the unit of the row; NaN where the run cannot answer."""
    if target.scope != "weeks" or target.dates is None:
        return NAN
    factor = PER_UNIT.get(target.unit, event.PER_UNIT.get(target.unit, 1.0))
    return factor * ESTIMATORS[target.estimator](run, days_of(target.dates))


def how(target: Target) -> str:
    """What the estimator of such a row does, one sentence."""
    text = " ".join((ESTIMATORS[target.estimator].__doc__ or "").split())
    return f"{target.estimator}: {text}"
