"""A made-up run for the tests of results and report: a random walk in the recorder's types, no market behind it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim.results import Ensemble, Origin, Run, Timing
from sim.scenario.spec import Spec
from sim.schema import BAND_EDGES_BP, BAND_ROW, EVENT, RECORD
from sim.venues.profile import load_profile

START = datetime(2025, 10, 10, 20, 20, tzinfo=UTC)
ACCOUNT = np.dtype(
    [(name, "i8") for name in ("account", "first_us", "entry_ticks", "forced_lots", "taken_lots", "cash_micro")]
)


def made_spec(**changes: Any) -> Spec:
    """A short scenario over the headline of 10 October."""
    base = {"name": "made_up", "title": "A made-up walk", "start_utc": START, "duration": "2h"}
    return Spec.model_validate({**base, **changes})


def made_arrays(seed: int, seconds: int, every_s: int = 1) -> Any:
    """Record arrays of a random walk with one fall, deterministic in ``seed``."""
    rng = np.random.default_rng(seed)
    n = seconds // every_s
    series = np.zeros(n, RECORD)
    series["time_us"] = np.arange(1, n + 1) * every_s * 1_000_000
    walk = 116_720.0 * np.exp(np.cumsum(rng.normal(0, 1e-4, n)))
    fall = np.interp(series["time_us"] / 1e6, [0, 3060, 3600, 4200, seconds + 5000], [0, 0, -0.12, -0.06, -0.05])
    series["mark_usd"] = walk * np.exp(fall)
    series["value_usd"] = 116_720.0 * np.exp(fall / 10)
    series["index_usd"] = series["mark_usd"]
    mid = np.rint(series["mark_usd"] * 10).astype(np.int64)
    for book in ("perp", "spot"):
        series[f"{book}_bid_ticks"], series[f"{book}_ask_ticks"], series[f"{book}_last_ticks"] = mid, mid + 1, mid
    series["open_interest_lots"] = 130_000_000 - np.cumsum(rng.integers(0, 900, n))
    hit = (series["time_us"] > 3.06e9) & (series["time_us"] < 3.7e9)
    series["forced_sell_lots"] = np.where(hit, rng.integers(0, 60_000, n), 0)
    series["forced_sell_micro"] = series["forced_sell_lots"] * mid * 100
    series["forced_buy_lots"] = np.where(hit, rng.integers(0, 6_000, n), 0)
    series["forced_buy_micro"] = series["forced_buy_lots"] * mid * 100
    series["n_liquidated"] = np.where(hit, rng.integers(0, 5, n), 0)
    series["fund_micro"] = 1_230_000_000 * 1_000_000 - np.cumsum(hit) * 1_000_000
    for k, within in enumerate((1, 3, 5)):
        series[f"bid_{within}pct_lots"] = (2 - fall * -10) * 1e6 * (k + 1)
        series[f"ask_{within}pct_lots"] = 1.8e6 * (k + 1)
    series["n_messages"], series["n_fills"] = rng.integers(100, 900, n), rng.integers(0, 90, n)
    at = np.arange(10, seconds + 1, 10)
    bands = np.zeros(at.size, BAND_ROW)
    bands["time_us"] = at * 1_000_000
    bands["mid_ticks"] = mid[at // every_s - 1]
    width = np.diff(np.concatenate(([0], BAND_EDGES_BP))) * (BAND_EDGES_BP <= 500)
    bands["lots"] = np.rint(np.tile(width, 2) * 20_000 * (1 + 0.1 * rng.random((at.size, 60)))).astype(np.int64)
    events = np.zeros(3, EVENT)
    events["time_us"], events["kind"], events["lots"] = (
        [3_100_000_000, 3_200_000_000, 3_300_000_000],
        [0, 1, 3],
        [5, 7, 11],
    )
    accounts = np.zeros(2, ACCOUNT)
    accounts["account"], accounts["first_us"], accounts["forced_lots"] = [4, 9], [3_100_000_000, 3_200_000_000], [5, 7]
    constants = {"tick_usd": 0.1, "lot_coin": 0.001, "micro_per_tick_lot": 100}
    return SimpleNamespace(series=series, bands=bands, events=events, accounts=accounts, constants=constants)


def made_run(seed: int = 1, spec: Spec | None = None, every_s: int = 1) -> Run:
    """A finished run made of ``made_arrays``."""
    spec = spec or made_spec()
    resolved = {
        "scenario": spec.model_dump(mode="json"),
        "venue": load_profile(spec.venue).model_dump(mode="json"),
        "data": {},
    }
    timing = Timing(2.0, 2.5, "2026-01-01T00:00:00Z", "2026-01-01T00:00:03Z")
    arrays = made_arrays(seed, round(spec.duration), every_s)
    return Run.from_arrays(spec, seed, arrays, f"{seed:064x}", timing, Origin(resolved, ("market.price=$116720",)))


@pytest.fixture(scope="session")
def run() -> Run:
    """One seed."""
    return made_run(1)


@pytest.fixture(scope="session")
def ensemble() -> Ensemble:
    """Three seeds."""
    return Ensemble(tuple(made_run(seed, every_s=5) for seed in (1, 2, 3)))
