"""Coins by age and cost on 10 October 2025, from daily closes and published anchors; the rule on the weeks after.

The anchors of MODEL 4.6 leave the shape open; it is the simplest that meets them: young coins decay with age at the one
rate that gives their mean cost, old ones are three blocks of cost whose sizes three anchors fix.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from calibration.recordings import btc_daily
from calibration.tables import Cell, table
from sim.cost_basis import OLD_AFTER, Coins, CostBasis, SpendingRules, rate_of_old
from sim.settings.holders import HoldersSettings

START = "2025-10-10"
YOUNG, OLD = 2.8e6, 14.4e6  # coins, MODEL 4.6 and 1.2
YOUNG_COST, ALL_COST = 113_000.0, 56_000.0  # USD a coin: short-term holders early October, realised price
UPPER_QUARTER = 99_000.0  # three quarters of all coins cost less
LOWEST, MIDDLE, UPPER, TOP = 250.0, 70_000.0, 96_000.0, 109_000.0
"""Edges of the blocks, USD: first bin; the cluster bought from October 2024 to April 2025, 70-96k; the highest price
before the young coins' time, of 20 January 2025."""
MIDDLE_MEAN = 93_000.0  # of the cluster
BIN, ROUND = 250.0, 100.0  # USD; coins
LAST = "2025-11-23"  # of the days after: MODEL's mean cost of 105.5k is of this day
LOT = 1e-3  # coins
COLUMNS = (
    "date", "price_usd", "old_coins", "young_coins", "aged_coins", "old_spent_coins", "young_spent_coins", "old_sopr",
    "young_sopr", "cost_usd", "young_cost_usd", "young_in_loss_coins",
)  # fmt: skip
DAY = pd.Timedelta(days=1)


def btc_holders(data: Path) -> str:
    """The table ``btc_holders_2025_10_10``."""
    rows: list[list[Cell]] = [
        [age, f"{cost:.0f}", f"{coins:.0f}"] for age, cost, coins in start_rows(btc_daily(data)) if coins
    ]
    header = (
        "BTC by age and by what it cost, 10 October 2025, 0:00 UTC: an estimate from anchors, not read off a chain.",
        "Source: closes: Sashamine/dat-tracker-next, c0c17e00; anchors of MODEL 4.6 (Glassnode as quoted there): 14.4m",
        "old and 2.8m young coins; mean cost of all 56k, of the young 113k; three quarters of all below 99k; a cluster",
        "at 70-96k with mean 93k. Licence: the repository states none; rounded facts.",
        "Method: young (below 155 days): the close of each day, coins falling with age at the rate that gives 113k.",
        "Old (all shown with age 155): even in the logarithm from 250 to 70k; 70-96k by a power that gives 93k; even",
        "from 96k to 109k; sizes so that the three other anchors hold. Rounding: 250 USD, 100 coins.",
    )
    return table(header, ("age_days", "cost_usd", "coins"), rows)


def start_rows(close: pd.Series) -> list[tuple[int, float, float]]:
    """Age in days, cost at the middle of its bin, coins."""
    days = pd.date_range(end=pd.Timestamp(START) - DAY, periods=OLD_AFTER)[::-1]
    costs = (np.floor(close.loc[days].to_numpy() / BIN) + 0.5) * BIN
    young = YOUNG * decaying(costs, YOUNG_COST)
    out = [(age, float(cost), _rounded(n)) for age, (cost, n) in enumerate(zip(costs, young, strict=True))]
    at, old = old_coins(costs, young)
    return out + [(OLD_AFTER, float(cost), _rounded(n)) for cost, n in zip(at, old, strict=True)]


def decaying(costs: np.ndarray, mean: float) -> np.ndarray:
    """Shares that fall exponentially with age, newest first, at the rate that gives the mean cost (by bisection)."""
    age, low, high = np.arange(len(costs)), -0.1, 0.1
    for _ in range(60):
        rate = 0.5 * (low + high)
        shares = np.exp(-rate * age) / np.exp(-rate * age).sum()
        low, high = (rate, high) if shares @ costs < mean else (low, rate)
    return np.asarray(shares)


def old_coins(costs: np.ndarray, young: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middles of bins, and old coins in each: three blocks, sized by total, mean cost and upper quarter of all."""
    at = (np.arange(round(TOP / BIN)) + 0.5) * BIN
    power = (MIDDLE_MEAN - MIDDLE) / (UPPER - MIDDLE_MEAN) - 1.0  # of a density (p - MIDDLE)^power with that mean
    blocks = np.array(
        [
            np.where((at > LOWEST) & (at < MIDDLE), 1.0 / at, 0.0),
            np.where((at > MIDDLE) & (at < UPPER), np.maximum(at - MIDDLE, 0.0) ** power, 0.0),
            np.where(at > UPPER, 1.0, 0.0),
        ]
    )
    blocks /= blocks.sum(axis=1, keepdims=True)
    wanted = [
        OLD,
        ALL_COST * (OLD + YOUNG) - costs @ young,
        0.75 * (OLD + YOUNG) - young[costs < UPPER_QUARTER].sum(),
    ]
    terms = [np.ones(3), blocks @ at, blocks @ (at < UPPER_QUARTER)]
    return at, np.linalg.solve(np.array(terms), np.array(wanted)) @ blocks


def _rounded(coins: float) -> float:
    return ROUND * round(coins / ROUND)


def holders_after(data: Path) -> str:
    """The table ``holders_after``: the rule on the recorded closes of the weeks after, all spent coins bought anew."""
    header = (
        "Holders by their rule on recorded closes, 10 October to 23 November 2025: a check without a market.",
        "Source: closes: Sashamine/dat-tracker-next, c0c17e00; start: btc_holders_2025_10_10. Licence: the repository",
        "states none; rounded figures below are facts of the rule.",
        "Method: each day coins of 155 days turn old, each cohort spends by MODEL 4.6 at the close of the day before,",
        "and what is spent is bought by young coins' owners at the close of the day. SOPR: spent x close over",
        "spent x cost. Rounding: 1,000 coins, 100 USD, 0.01.",
    )
    rows: list[list[Cell]] = [
        [_cell(name, value) for name, value in day.items()]
        for day in on_recorded_closes(btc_daily(data), HoldersSettings())
    ]
    return table(header, COLUMNS, rows)


def _cell(name: str, value: Cell | float) -> str:
    if isinstance(value, float):
        return (
            f"{round(value, -3 if 'coins' in name else -2):.0f}" if name.endswith(("coins", "usd")) else f"{value:.2f}"
        )
    return str(value)


def on_recorded_closes(close: pd.Series, settings: HoldersSettings, last: str = LAST) -> list[dict[str, Cell | float]]:
    """One row a day of the rule on given closes; coins and USD."""
    basis = CostBasis(settings.bin)
    for age, cost, coins in start_rows(close):
        basis.put(round(coins / LOT), cost, -age, 0)
    before = float(close.asof(pd.Timestamp(START) - DAY))
    rules = SpendingRules.of(settings)
    rules = replace(rules, old_rate=rate_of_old(basis, rules, before, settings.old_spending / before / LOT))
    out = []
    for day, (date, price) in enumerate(close.loc[START:last].items()):
        aged = basis.age(day)
        week = before / float(close.asof(date - 8 * DAY)) - 1.0
        spent = basis.spending(rules, before, week, 1.0)
        worth = basis.value_usd(spent)
        basis.take(spent)
        basis.put(spent.lots, float(price), day, day)
        out.append(_row(f"{date:%Y-%m-%d}", float(price), basis, aged, spent, worth))
        before = float(price)
    return out


def _row(
    date: str, price: float, basis: CostBasis, aged: int, spent: Coins, worth: tuple[float, float]
) -> dict[str, Cell | float]:
    spent_young, spent_old = (sum(rows.values()) for rows in spent)
    held, costs = [sum(rows.values()) for rows in basis.coins], basis.value_usd()
    figures = (
        date, price, LOT * held[1], LOT * held[0], LOT * aged, LOT * spent_old, LOT * spent_young,
        spent_old * price / worth[1], spent_young * price / worth[0], sum(costs) / basis.lots, costs[0] / held[0],
        LOT * basis.in_loss(price)[0],
    )  # fmt: skip
    return dict(zip(COLUMNS, figures, strict=True))
