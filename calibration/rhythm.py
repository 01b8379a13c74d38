"""How far BTC moves in five minutes, by hour of the day, on weekdays and at weekends."""

from pathlib import Path

import pandas as pd

from calibration.event_paths import NO_LICENCE
from calibration.recordings import mark_5m
from calibration.tables import table
from sim.rhythm import SATURDAY

BAR = "5min"
LEFT_OUT = ("2025-10-10", "2025-10-11")  # the event


def btc_rhythm(data: Path) -> str:
    """Mean absolute five-minute move by UTC hour, basis points."""
    moves = mark_5m(data)[["close"]].pct_change(freq=BAR).dropna().abs() * 1e4
    starts = pd.DatetimeIndex(moves.index)
    kept = ~starts.strftime("%Y-%m-%d").isin(LEFT_OUT)
    weekend = starts.day_of_week >= SATURDAY
    means = [
        [moves["close"][kept & days & (starts.hour == h)].mean() for h in range(24)] for days in (~weekend, weekend)
    ]
    rows = [(hour, f"{means[0][hour]:.1f}", f"{means[1][hour]:.1f}") for hour in range(24)]
    header = (
        "Binance BTCUSDT perpetual, 1 October to 30 December 2025 without 10 and 11 October: mean absolute move of the",
        "mark in five minutes by UTC hour, on weekdays and on Saturday and Sunday, basis points.",
        "Source: mark of the Binance BTCUSDT perpetual (public archive), by way of repository aaronwu2017/TheGlory,",
        "commit 929fd9c3, 27 Jan 2026; 4 October is missing.",
        NO_LICENCE,
        "Method: close over the close before, in the hour in which the bar begins; mean of absolute values.",
        "Rounding: to 0.1 bp.",
    )
    return table(header, ("hour_utc", "weekday_bp", "weekend_bp"), rows)
