"""The treasury's rule beside Strategy's filings: ``derived/dat_rule.csv``.

Rates of preferred stock and notes from the weeks before 10 October 2025 alone, and what the rule then issues by source
where the premium is the recorded one.
"""

import math
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.dat_funding import EDGES_EV, FIRST_WEEK, LADDER_FROM, OFFERINGS, weeks
from calibration.recordings import strategy_daily, strategy_purchases, strategy_sales
from calibration.tables import Cell, table
from sim.calendar_ny import is_trading_day, session
from sim.settings.dat import DatSettings
from sim.treasury.balance import SELL_COMMON, SELL_FOR_DUES, SELL_NOTES, SELL_PREFERRED, Balance
from sim.treasury.company import Company, companies
from sim.treasury.issue import day_cap
from sim.treasury.treasurer import Treasurer
from sim.treasury.walk import trade_day

EVENT_WEEK = "2025-10-06"  # Monday of the week of the event: what comes before it fits the rule
PROGRAMMES_FROM = "2025-03-24"  # first week of preferred stock sold at the market
THIRD_QUARTER = ("2025-06-30", "2025-09-22")
SIX_WEEKS = ("2025-10-06", "2025-11-17")
SEEDS, FEW = 32, 4  # few: of what hardly hangs on chance
LOT = 0.001
MICRO = 1_000_000
SOURCES = ("common", "preferred", "convert")
KEYS = {SELL_COMMON: "coins", SELL_FOR_DUES: "dues", SELL_PREFERRED: "preferred", SELL_NOTES: "convert"}
COLUMNS = (
    "part", "of", "weeks", "common_musd", "preferred_musd", "convert_musd",
    "rule_common_for_coins_musd", "rule_common_for_dues_musd", "rule_preferred_musd", "rule_preferred_5",
    "rule_preferred_95", "rule_convert_musd", "rule_convert_5", "rule_convert_95",
)  # fmt: skip
HEADER = (
    "Strategy: common stock, preferred stock and convertible notes that its coins were paid with, and what the rule of",
    "sim.settings.dat issues on the recorded premium; 4 November 2024 to 25 January 2026, $m.",
    "Source: as dat_funding.csv. Licence: the repository states none; the rounded figures below are facts.",
    "Method: filings by source as in dat_funding.csv. Rule: the books of 4 November 2024, then day by day with the",
    "recorded price and enterprise premium, its own coins, notes and stock; 32 seeds of offerings, mean and 5 to 95%.",
    "The ladder is stated in August 2025 and holds here from the start. Rows 'ladder': with common_for_coins 0 as",
    "stated; 'measured': with the share of the cap since 18 August (last row of 'fit'), 4 seeds, common stock alone.",
    "fit: weeks before 6 October 2025, what the settings' rates are. Rounding: as printed.",
)


class OnRecordedPremium(Treasurer):
    """A treasurer whose premium is given by day instead of moved by the rule."""

    recorded: dict[date, float]

    def open(self, day: date, at_s: float, lot_micro: int) -> tuple[int, int]:
        """As ever, at the recorded premium."""
        self.today = day
        return super().open(day, at_s, lot_micro)

    def value(self, at_s: float, lot_micro: int, normal: float) -> None:
        """Take the day's recorded premium."""
        memory = self.memory
        memory.lot_micro, memory.valued_s = lot_micro, at_s
        memory.log_premium = math.log(self.recorded[self.today])


def dat_rule(data: Path) -> str:
    """Rates before the event, and purchases by source: filings beside the rule."""
    daily = strategy_daily(data).loc[FIRST_WEEK:]
    filed = weeks(strategy_purchases(data), strategy_sales(data), daily)
    share = _share_of_cap(filed, daily)
    rows = _fit(filed, share)
    rows += _beside("ladder", filed, [_issued(seed, daily, 0.0) for seed in range(1, 1 + SEEDS)])
    measured = [_issued(seed, daily, round(share, 2)) for seed in range(1, 1 + FEW)]
    rows += [[*row[:8], *[None] * (len(COLUMNS) - 8)] for row in _beside("measured", filed, measured)]
    for name, span in (("third quarter", THIRD_QUARTER), ("six weeks", SIX_WEEKS)):
        rows.append(_filed("pace", name, filed.loc[slice(*span)]) + [None] * 8)
    return table(HEADER, COLUMNS, rows)


def _share_of_cap(filed: pd.DataFrame, daily: pd.DataFrame) -> float:
    """Common stock sold between the filing that opened the ladder and the event, over the cap of those weeks."""
    settings = DatSettings()
    company, _ = companies(settings, 1, 1e5, LOT)[0]
    inside = filed.loc[LADDER_FROM:EVENT_WEEK].iloc[:-1]
    worth = float(daily.loc[LADDER_FROM : inside.index[-1] + pd.Timedelta(days=6), "market_value"].mean())
    return float(inside["common_sold"].mean()) * 1e6 / (5 * day_cap(company, settings, int(worth * MICRO)) / MICRO)


def _fit(filed: pd.DataFrame, share: float) -> list[list[Cell]]:
    before = filed.loc[:EVENT_WEEK].iloc[:-1]
    sold = before.loc[PROGRAMMES_FROM:]
    out: list[list[Cell]] = [
        ["fit", "sold at the market, a week", len(sold), None, f"{sold['preferred_sold'].mean():.1f}"]
    ]
    for source, weeks_open in (("preferred", before), ("convert", before[before["m_ev"] >= 1.8])):
        sizes = [size for day, kind, size in OFFERINGS if kind == source and day < EVENT_WEEK]
        logs = np.log(sizes)
        cells = {"preferred": (4, 5), "convert": (5, 4)}[source]
        for what, value in (
            ("days between offerings", 7 * len(weeks_open) / len(sizes)),
            ("geometric mean of an offering", math.exp(logs.mean())),
            ("sigma of log size", logs.std(ddof=1)),
        ):
            row: list[Cell] = ["fit", f"{source}: {what}", len(weeks_open), None, None, None]
            row[cells[0]] = f"{value:.3g}" if value < 100 else f"{value:.0f}"
            out.append(row)
    out.append(["fit", "common since the ladder, share of the cap", 7, f"{share:.2f}"])
    return [row + [None] * (len(COLUMNS) - len(row)) for row in out]


def _filed(part: str, of: str, inside: pd.DataFrame) -> list[Cell]:
    return [part, of, len(inside), *(f"{float(inside[source].sum()):.0f}" for source in SOURCES)]


Issued = Counter[tuple[pd.Timestamp, str]]
"""By Monday and kind of issue, $m."""


def _beside(part: str, filed: pd.DataFrame, runs: list[Issued]) -> list[list[Cell]]:
    """Rows of the weeks by recorded premium: filings, then the rule over its runs."""
    rows = []
    spans = [("all weeks", filed)]
    for low, high in zip(EDGES_EV, (*EDGES_EV[1:], math.inf), strict=True):
        inside = filed[(filed["m_ev"] >= low) & (filed["m_ev"] < high)]
        if len(inside):
            spans.append((f"{low:g} to {high:g}", inside))
    for name, inside in spans:
        found = {
            key: np.array([sum(run[monday, key] for monday in inside.index) for run in runs])
            for key in ("coins", "dues", "preferred", "convert")
        }
        cells: list[Cell] = [f"{found[key].mean():.0f}" for key in ("coins", "dues")]
        for key in ("preferred", "convert"):
            cells += [f"{value:.0f}" for value in (found[key].mean(), *np.quantile(found[key], (0.05, 0.95)))]
        rows.append(_filed(part, name, inside) + cells)
    return rows


def _issued(seed: int, daily: pd.DataFrame, for_coins: float) -> Issued:
    """What the rule issues by week and source, $m; common stock for coins and for dues apart."""
    settings = DatSettings(common={"for_coins": for_coins})
    first: Any = daily.iloc[0]
    company = Company(0, "strategy", "strategy", first.m_ev, first.m_ev, settings.strategy.turnover, 0.0042)
    shares = round(first.market_value / first.share)
    balance = Balance(
        int(first.coins / LOT), shares, int(first.cash * MICRO), int(first.debt * MICRO), int(first.preferred * MICRO)
    )  # fmt: skip
    start = session(daily.index[0].date())
    assert start is not None
    one = OnRecordedPremium(company, balance, settings, seed, start.opens.timestamp() - 86400.0, _lot(first.price))
    one.recorded = {when.date(): float(row.m_ev) for when, row in daily.iterrows()}
    found: Issued = Counter()
    for when, row in daily.iterrows():
        day = when.date()
        if not is_trading_day(day):
            continue
        monday = when.normalize() - pd.Timedelta(days=when.day_of_week)
        trade_day(one, day, _lot(row.price), _lot(row.price))
        for what, *changes in one.balance.journal:
            if what in KEYS:
                found[monday, KEYS[what]] += changes[2] / MICRO / 1e6
        one.balance.journal.clear()
    return found


def _lot(price: float) -> int:
    return round(price * LOT * MICRO)
