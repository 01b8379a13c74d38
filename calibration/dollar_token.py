"""The rule of a dollar token's holders on the recorded funding of October 2025, beside what its supply did (A17)."""

import math
from pathlib import Path

import pandas as pd

from calibration.recordings import funding_daily
from calibration.tables import Cell, table
from sim import units
from sim.settings.dollar_token import DollarTokenSettings
from sim.token_supply import DAY_S, Supply, leaving_rate, yield_of

START, LAST = "2025-10-10", "2025-10-25"  # the recording ends with the second
COINS = ("BTC", "ETH")
A_YEAR = 3 * 365 / 100  # per cent of eight hours to a fraction of a year
OTHER_YIELDS = (0.05, 0.08)  # a year: the default, and one that is higher than any large lender's [judgement]
COLUMNS = ("date", "funding_percent", "mean_percent", "yield_percent", "supply_usd", "supply_at_8_percent_usd")


def dollar_token_after(data: Path) -> str:
    """The table ``dollar_token_after``."""
    header = (
        "Supply of a dollar token by its holders' rule on recorded funding, 10 to 25 October 2025: no market.",
        "Source: daily funding, Binance coin-M, of BTC and ETH: smoothbrainquant/trading-for-new-dads, ca5c8252.",
        "Licence: the repository states none; rounded figures below are facts of the rule.",
        "Method: funding of a day is the mean of its first and last rate, half of either coin; shares of the backing,",
        "rates of leaving and mean of funding by the defaults of dollar_token; no discount, nobody waits but for the",
        "cooldown. Columns: funding, its mean that holders see, their yield, a year; tokens left at the end,",
        "where a dollar earns 5% elsewhere, and 8%. Recorded: 14.8 to 8.5 $bn in the month. Rounding: 0.01, 1m.",
    )
    return table(header, COLUMNS, on_recorded_funding(funding_of(data)))


def funding_of(data: Path) -> pd.Series:
    """Mean funding of a day over both coins, a year."""
    daily = funding_daily(data)
    daily = daily[daily["coin_symbol"].isin(COINS)]
    rates = 0.5 * (daily["fr_open"] + daily["funding_rate"]) * A_YEAR
    return rates.groupby(level=0).mean().sort_index()


def on_recorded_funding(funding: pd.Series) -> list[list[Cell]]:
    """One row a day of the rule."""
    settings = DollarTokenSettings()
    hedged = settings.hedged_share
    staking = settings.staking_yield * hedged * (1.0 - settings.share_here)
    supplies = [Supply.of(units.micro(settings.supply), settings.staked_share) for _ in OTHER_YIELDS]
    mean, rows = float(funding.iloc[0]), []
    for k, (day, rate) in enumerate(funding.loc[:LAST].items()):
        mean += -math.expm1(-DAY_S / settings.yield_over) * (float(rate) - mean)
        if day < pd.Timestamp(START):
            continue
        earned = yield_of(mean, hedged, staking, 1.0 - hedged, 1.0, settings.stable_yield)
        for supply, other in zip(supplies, OTHER_YIELDS, strict=True):
            leaving = leaving_rate(other - earned, 0.0, settings.leave_for_yield, settings.leave_for_depeg)
            now_us = units.us(k * DAY_S)
            supply.leave(leaving, DAY_S, now_us, units.us(settings.cooldown))
            supply.thaw(now_us)
            supply.burn(supply.queue)
        left = [f"{units.usd(supply.total) / 1e6:.0f}000000" for supply in supplies]
        rows.append([f"{day:%Y-%m-%d}", *(f"{100 * x:.2f}" for x in (rate, mean, earned)), *left])
    return rows
