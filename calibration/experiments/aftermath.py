"""The six weeks after 10 October 2025: rows A of the event on ``aftermath_10_11``, over seeds.

Nothing after the evening is read by the scenario, so every row is beside the record and none was fitted to it.
"""

import math
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from calibration.experiments.common import say, write
from sim.results import Run
from sim.runner import load

NAME = "aftermath_10_11"
PEAK_USD = 126_200.0  # high of 6 October 2025: row A8
MORNING_MUSD = 546.0  # within 1% of the perp, both sides, before 10 October: P5 and P6
YEAR_DAYS = 365.0
# name, recorded, band (None: none is stated), role; of calibration/targets.yaml where it has the row
ROWS: tuple[tuple[str, float | None, tuple[float, float] | None, str], ...] = (
    ("A1 depth within 1% on 11 November over the morning of 10 October, %", -30.0, (-40.0, -25.0), "FIT"),
    ("A5 open interest on 21 November over that of the start, %", None, None, "FIT"),
    ("A7 realised volatility, 11-17 October, % a year", 52.0, (42.0, 62.0), "FIT"),
    ("A7 realised volatility, 18-31 October, % a year", 41.0, (33.0, 49.0), "FIT"),
    ("A7 realised volatility, 1-20 November, % a year", 50.0, (40.0, 60.0), "FIT"),
    ("A8 low to 21 November over the high of 6 October, %", -36.0, None, "CHK"),
    ("A9 fund flow, week to 17 October, $m", -1231.0, None, "FIT"),
    ("A9 fund flow, week to 24 October, $m", 446.0, None, "FIT"),
    ("A9 fund flow, week to 31 October, $m", -799.0, None, "FIT"),
    ("A9 fund flow, week to 7 November, $m", -1208.0, None, "FIT"),
    ("A10 fund flow, November to the 20th, $m", -2960.0, None, "CHK"),
    ("fund flow, 13 October to 20 November, $m", -4900.0, None, "CHK"),
    ("A12 coins of funds to 14 November, %", -3.6, None, "CHK"),
    ("A13 Strategy, enterprise premium, 31 October", 1.34, None, "FIT"),
    ("A13 Strategy, enterprise premium, 14 November", 1.19, None, "FIT"),
    ("A13 Strategy, enterprise premium, 20 November", 1.12, None, "FIT"),
    ("A14 Strategy, coins bought, 13 October to 14 November", 9620.0, None, "CHK"),
    ("A19 stablecoins, November to the 20th, $bn", -4.5, None, "IN"),
    ("short-term holders, price over cost of what they spent, lowest day", 0.97, None, "CHK"),
    ("long-term holders, coins to 16 November, thousands", -130.0, None, "CHK"),
    ("low over the start, %", None, None, ""),
    ("price on 21 November over the start, %", None, None, ""),
    ("news value on 21 November over the start, %", None, None, ""),
    ("forced sales after the evening, $m", None, None, ""),
    ("hours on fine ticks", None, None, ""),
)  # fmt: skip


def between(frame: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    """Rows from a day of UTC to another, both included."""
    day = frame["time_utc"].dt.strftime("%Y-%m-%d")
    return frame[(day >= first) & (day <= last)]


def volatility(series: pd.DataFrame, first: str, last: str) -> float:
    """Of five-minute returns of the mark, % a year."""
    marks = between(series, first, last)["mark_usd"].to_numpy()[::5]
    return 100.0 * float(np.diff(np.log(marks)).std()) * math.sqrt(288.0 * YEAR_DAYS)


def flow(etf: pd.DataFrame, first: str, last: str) -> float:
    """Published flow of sessions from a New York date to another, $m."""
    rows = etf[(etf["what"] == "published") & (etf["date"] >= first) & (etf["date"] <= last)]
    return 1e-6 * float(rows["amount_usd"].sum())


def premium(dat: pd.DataFrame, day: str) -> float:
    """Strategy's enterprise premium at the close of a day."""
    rows = dat[(dat["who"] == "strategy") & (dat["what"] == "close") & (dat["date"] == day)]
    return float(rows["m_ev"].iloc[-1])


def fine_hours(run: Run) -> float:
    """Hours on fine ticks; a run begins on them."""
    times = run.events.loc[run.events["kind"] == "clock", "elapsed_s"].tolist()
    ends = [0.0, *times, float(run.series["elapsed_s"].iloc[-1])]
    return sum(b - a for a, b in zip(ends[::2], ends[1::2], strict=False)) / 3600.0


def seed_job(seed: int) -> list[float]:
    """Every row of one seed, in their order."""
    run = load(NAME).run(seed=seed)
    series, etf, dat = run.series, run.ledgers["etf"], run.ledgers["dat"]
    mark, holders, coins = series["mark_usd"], run.ledgers["holders"], run.ledgers["stablecoins"]
    day = between(series, "2025-11-11", "2025-11-11")
    depth = 1e-6 * float((day["depth_bid_1pct_usd"] + day["depth_ask_1pct_usd"]).mean())
    held = etf[etf["what"] == "struck"].groupby("date")["coins"].sum()
    bought = dat[(dat["who"] == "strategy") & (dat["what"] == "buy coins")]
    supply = coins.set_index("date")["supply_usd"]
    young, old = (holders[holders["who"] == who] for who in ("short-term", "long-term"))
    later = series[series["elapsed_s"] > 24_000.0]
    start = float(mark.iloc[0])
    return [
        100.0 * (depth / MORNING_MUSD - 1.0),
        100.0 * (float(series["open_interest_btc"].iloc[-1] / series["open_interest_btc"].iloc[0]) - 1.0),
        volatility(series, "2025-10-11", "2025-10-17"),
        volatility(series, "2025-10-18", "2025-10-31"),
        volatility(series, "2025-11-01", "2025-11-20"),
        100.0 * (float(mark.min()) / PEAK_USD - 1.0),
        flow(etf, "2025-10-13", "2025-10-17"),
        flow(etf, "2025-10-20", "2025-10-24"),
        flow(etf, "2025-10-27", "2025-10-31"),
        flow(etf, "2025-11-03", "2025-11-07"),
        flow(etf, "2025-11-01", "2025-11-20"),
        flow(etf, "2025-10-13", "2025-11-20"),
        100.0 * (float(held.loc[:"2025-11-14"].iloc[-1] / held.iloc[0]) - 1.0),
        premium(dat, "2025-10-31"),
        premium(dat, "2025-11-14"),
        premium(dat, "2025-11-20"),
        float(bought.loc[bought["date"] <= "2025-11-14", "coins"].sum()),
        1e-9 * float(supply.loc[:"2025-11-20"].iloc[-1] - supply.loc[:"2025-10-31"].iloc[-1]),
        float(young["sopr"].min()),
        1e-3 * float(old.loc[old["date"] <= "2025-11-16", "held_coins"].iloc[-1] - old["held_coins"].iloc[0]),
        100.0 * (float(mark.min()) / start - 1.0),
        100.0 * (float(mark.iloc[-1]) / start - 1.0),
        100.0 * (float(series["value_usd"].iloc[-1] / series["value_usd"].iloc[0]) - 1.0),
        1e-6 * float((later["forced_sell_usd"] + later["forced_buy_usd"]).sum()),
        fine_hours(run),
    ]


def aftermath(pool: ProcessPoolExecutor, n: int) -> None:
    """Write ``aftermath.csv``: one row a fact, with the record, the band and the seeds."""
    found = np.array(list(pool.map(seed_job, range(1, n + 1))))
    rows: list[dict[str, Any]] = []
    for (name, recorded, band, role), values in zip(ROWS, found.T, strict=True):
        low, high = band or (math.nan, math.nan)
        inside = int(((values >= low) & (values <= high)).sum()) if band else None
        rows.append(
            {
                "what": name, "role": role, "recorded": recorded, "band_low": low, "band_high": high,
                "median": float(np.median(values)), "p10": float(np.quantile(values, 0.1)),
                "p90": float(np.quantile(values, 0.9)), "seeds": n, "inside": inside,
                "verdict": ("pass" if low <= np.median(values) <= high else "miss") if band else "",
            }
        )  # fmt: skip
        say(rows[-1])
    write("aftermath.csv", rows, "aftermath", n, NAME)
