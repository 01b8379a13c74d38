"""One model on two clocks (MODEL 7): a calm day on long ticks beside the same day on fine ones, and a single order's
price after ten minutes on each.
"""

import math
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from calibration.experiments.common import say, write
from sim.agents import TradingAgent
from sim.build import build
from sim.runner import load

SLOW = "1min"
AFTER_S = 600
AT_S = 1800
COINS = 600.0  # about $70m: a quarter of what rests within 1% of either side
CLOCKS = ("fine", "slow")


def settings(clock: str, hours: int) -> dict[str, object]:
    """A calm market that stays on one clock."""
    rule = {"slow_tick": SLOW, "start": clock, "calm_for": "24h" if clock == "fine" else "30min"}
    return {"duration": f"{hours}h", "record_every": SLOW, "clock": rule}


def kurtosis(x: np.ndarray) -> float:
    """Excess kurtosis."""
    return float(((x - x.mean()) ** 4).mean() / x.var() ** 2 - 3.0)


def lag_one(x: np.ndarray) -> float:
    """Autocorrelation at lag 1."""
    return float(np.corrcoef(x[1:], x[:-1])[0, 1])


def tail(x: np.ndarray) -> float:
    """Hill exponent of the largest 5% of absolute returns."""
    largest = np.sort(np.abs(x))[-len(x) // 20 :]
    return float(1.0 / np.log(largest[1:] / largest[0]).mean())


def day_job(job: tuple[str, int]) -> dict[str, float]:
    """One calm day on one clock."""
    clock, seed = job
    ran = load("calm_btc", **settings(clock, 24)).run(seed=seed)
    series = ran.series
    mid, value = np.log(series["perp_mid_usd"].to_numpy()), np.log(series["value_usd"].to_numpy())
    moves, fives = np.diff(mid), np.diff(mid[::5])
    return {
        "1-minute sd, % a day": 100.0 * float(moves.std()) * math.sqrt(1440.0),
        "1-hour sd, % a day": 100.0 * float(np.diff(mid[::60]).std()) * math.sqrt(24.0),
        "sd over that of the value": float(moves.std() / np.diff(value).std()),
        "fact 1: autocorrelation of 5-minute returns": lag_one(fives),
        "fact 2: Hill exponent of 1-minute returns": tail(moves),
        "fact 3: excess kurtosis of 1-minute returns": kurtosis(moves),
        "fact 4: autocorrelation of absolute returns": lag_one(np.abs(moves)),
        "bids within 1%, $m": float(series["depth_bid_1pct_usd"].mean()) / 1e6,
        "asks within 1%, $m": float(series["depth_ask_1pct_usd"].mean()) / 1e6,
        "bids within 5%, $m": float(series["depth_bid_5pct_usd"].mean()) / 1e6,
        "spread, bp": float(series["perp_spread_bp"].mean()),
        "taker volume of the perp, coins": float((series["perp_taker_buy_btc"] + series["perp_taker_sell_btc"]).sum()),
        "perp less index, sd in bp": float((1e4 * (series["perp_mid_usd"] / series["index_usd"] - 1.0)).std()),
    }


class Seller(TradingAgent):
    """Sells once at a given time, by one order a long tick in both clocks."""

    def act(self) -> None:
        """Its one order."""
        self.market_order("perp", "sell", COINS)


def order_job(job: tuple[str, int]) -> float:
    """Fall of the log mid ten minutes after one sale, in basis points, paired with the run without it."""
    clock, seed = job
    mids = []
    for sells in (False, True):
        market = build(load("calm_btc", **settings(clock, 1)).spec, seed)
        if sells:
            Seller(market, cash_usd=1e9).wake_at(float(AT_S))
        market.run_until(float(AT_S + AFTER_S))
        view = market.view()
        mids.append(math.log(view.mid("perp") or math.nan))
    return 1e4 * (mids[0] - mids[1])


def clocks(pool: ProcessPoolExecutor, n: int) -> None:
    """A calm day and one order's price on either clock, with the interval of the difference."""
    seeds = range(1, n + 1)
    days = {clock: list(pool.map(day_job, [(clock, seed) for seed in seeds])) for clock in CLOCKS}
    found = {name: tuple(np.array([day[name] for day in days[clock]]) for clock in CLOCKS) for name in days["fine"][0]}
    left = (np.array(list(pool.map(order_job, [(clock, seed) for seed in range(1, 16 * n + 1)]))) for clock in CLOCKS)
    found[f"fall {AFTER_S // 60} min after a sale of {COINS:g} coins, bp"] = tuple(left)
    rows = []
    for name, (fine, slow) in found.items():
        apart = slow - fine
        half = 1.96 * float(apart.std(ddof=1)) / math.sqrt(len(apart))
        row = {
            "what": name, "seeds": len(fine), "fine": float(fine.mean()), "slow": float(slow.mean()),
            "difference": float(apart.mean()), "difference_half_width_95": half,
            "relative_pct": 100.0 * float(slow.mean() / fine.mean() - 1.0),
        }  # fmt: skip
        say(row)
        rows.append(row)
    write("clocks.csv", rows, "clocks", n)
