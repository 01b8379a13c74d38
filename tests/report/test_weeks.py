"""Rows of the weeks after the event: each estimator on a run made by hand, and what a scorecard says of them."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.metrics import weeks
from sim.metrics.weeks import Days
from sim.report.scorecard import Scorecard, is_after
from sim.scenario.load import load_spec
from sim.targets import targets

MORNING = SimpleNamespace(
    perp_bid_depth=(SimpleNamespace(within=0.01, notional=60.0), SimpleNamespace(within=0.02, notional=1e9)),
    perp_ask_depth=(SimpleNamespace(within=0.01, notional=40.0),),
)


def made(start: str, end: str, ledgers: dict[str, pd.DataFrame] | None = None, **columns: Any) -> Any:
    """A run of five-minute rows with these columns, constant where a number is given."""
    time = pd.date_range(start, end, freq="5min", tz="UTC")
    series = pd.DataFrame({"time_utc": time, "elapsed_s": np.arange(len(time)) * 300.0, **columns})
    spec = SimpleNamespace(market=MORNING, record_every=300.0)
    return SimpleNamespace(series=series, ledgers=ledgers or {}, spec=spec)


def test_depth_is_that_of_the_day_over_the_morning():
    run = made("2025-11-10", "2025-11-13", depth_bid_1pct_usd=30.0, depth_ask_1pct_usd=40.0)
    day = run.series["time_utc"].dt.day == 11
    run.series.loc[day, "depth_ask_1pct_usd"] = 20.0
    assert weeks.depth_share(run, Days("2025-11-11", "2025-11-11")) == pytest.approx(-0.5)
    assert weeks.depth_share(run, Days("2025-11-10", "2025-11-12")) == pytest.approx(0.3 + (40 + 20 + 40) / 300 - 1.0)


@pytest.mark.parametrize(("first", "last"), [("2025-11-09", "2025-11-10"), ("2025-11-12", "2025-11-13")])
def test_days_that_are_not_whole_are_not_measured(first, last):
    run = made("2025-11-10", "2025-11-13 20:00", depth_bid_1pct_usd=30.0, depth_ask_1pct_usd=40.0)
    assert math.isnan(weeks.depth_share(run, Days(first, last)))


def test_volatility_is_that_of_five_minute_returns_a_year():
    run = made("2025-10-11", "2025-10-18")
    run.series["mark_usd"] = 1e5 * np.exp(0.001 * (np.arange(len(run.series)) % 2))
    expected = 0.001 * math.sqrt(288 * 365)
    assert weeks.volatility(run, Days("2025-10-11", "2025-10-17")) == pytest.approx(expected, rel=1e-3)


def test_the_fall_from_the_peak_takes_the_last_day_as_far_as_it_goes():
    run = made("2025-10-10 20:20", "2025-11-21 20:20", mark_usd=100_000.0)
    run.series.loc[len(run.series) - 1, "mark_usd"] = 63_100.0
    run.series.loc[0, "mark_usd"] = 1.0  # before the first day
    assert weeks.fall_from_peak(run, Days("2025-10-11", "2025-11-21")) == pytest.approx(-0.5)
    assert math.isnan(weeks.fall_from_peak(run, Days("2025-10-11", "2025-11-22")))


def test_open_interest_and_funding_are_means_of_days():
    run = made("2025-11-19", "2025-11-21 01:00", open_interest_btc=13_000.0, funding_rate_frac=1e-4)
    assert weeks.perp_open_interest(run, Days("2025-11-20", "2025-11-20")) == pytest.approx(41_500.0)
    assert weeks.funding_rate(run, Days("2025-11-19", "2025-11-20")) == pytest.approx(1e-4)


def ledger(*rows: tuple[str, str, str, dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame([{"date": date, "who": who, "what": what, **numbers} for date, who, what, numbers in rows])


def test_flows_coins_and_purchases_are_summed_over_new_york_days():
    etf = ledger(
        ("2025-10-10", "", "published", {"amount_usd": 7.0}),
        ("2025-10-13", "", "published", {"amount_usd": -3.0}),
        ("2025-10-13", "large", "struck", {"coins": 60.0}),
        ("2025-10-13", "rest", "struck", {"coins": 40.0}),
        ("2025-10-17", "", "published", {"amount_usd": 1.0}),
        ("2025-10-17", "large", "struck", {"coins": 57.0}),
        ("2025-10-17", "rest", "struck", {"coins": 38.0}),
        ("2025-10-20", "", "published", {"amount_usd": 100.0}),
    )
    dat = ledger(
        ("2025-10-13", "strategy", "buy coins", {"coins": 2.0}),
        ("2025-10-15", "strategy", "buy coins", {"coins": 3.0}),
        ("2025-10-15", "small_1", "buy coins", {"coins": 50.0}),
        ("2025-10-16", "strategy", "close", {"m_ev": 1.4}),
        ("2025-10-17", "strategy", "close", {"m_ev": 1.3}),
    )
    coins = ledger(("2025-10-13", "", "day", {"supply_usd": 10.0}), ("2025-10-17", "", "day", {"supply_usd": 9.0}))
    holders = ledger(
        ("2025-10-13", "short-term", "day", {"sopr": 0.99}),
        ("2025-10-17", "short-term", "day", {"sopr": 0.96}),
        ("2025-10-13", "long-term", "day", {"held_coins": 500.0, "sopr": 0.1}),
        ("2025-10-17", "long-term", "day", {"held_coins": 480.0, "sopr": 0.1}),
    )
    token, lending = (
        ledger(
            ("2025-10-12", who, "day", {column: 10.0}),
            ("2025-10-13", who, "day", {column: 8.0}),
            ("2025-10-15", who, "noted", {column: 100.0}),
            ("2025-10-17", who, "day", {column: 6.0}),
        )
        for who, column in (("issuer", "supply_usd"), ("protocol", "amount_usd"))
    )
    desks = {"etf": etf, "dat": dat, "stablecoins": coins, "holders": holders}
    desks |= {"dollar_token": token, "lending": lending}
    run = made("2025-10-12 12:00", "2025-10-21 12:00", desks)
    week = Days("2025-10-13", "2025-10-17")
    assert weeks.fund_flow(run, week) == -2.0
    assert weeks.fund_coins(run, week) == pytest.approx(-0.05)
    assert weeks.strategy_purchases(run, week) == 5.0
    assert weeks.strategy_premium(run, Days("2025-10-17", "2025-10-17")) == 1.3
    assert weeks.stablecoin_change(run, week) == -1.0
    assert weeks.token_supply(run, week) == weeks.loans(run, week) == -0.25
    assert weeks.young_sopr(run, week) == 0.96
    assert weeks.old_coins(run, week) == -20.0
    beyond = Days("2025-10-13", "2025-10-24")
    for estimator in (weeks.fund_flow, weeks.fund_coins, weeks.strategy_purchases, weeks.young_sopr):
        assert math.isnan(estimator(run, beyond)), estimator
        assert math.isnan(estimator(made("2025-10-12", "2025-10-21"), week)), "without the desk"


def test_a_row_is_measured_in_its_unit():
    run = made("2025-10-11", "2025-10-12", funding_rate_frac=5e-5)
    target = next(t for t in targets() if t.id == "A6")
    assert weeks.measure(target, run) == pytest.approx(0.5)
    flash = next(t for t in targets() if t.id == "F1")
    assert math.isnan(weeks.measure(flash, run))


def test_a_run_of_the_weeks_has_a_scorecard_of_its_rows_alone():
    spec = load_spec("aftermath_reset")
    assert is_after(spec) and is_after(load_spec("aftermath_10_11"))
    assert not is_after(load_spec("flash_10_11_btc")) and not is_after(load_spec("recovery"))
    run = sim.load("aftermath_reset", duration="25h").run(seed=1)
    card = Scorecard((run,), None)
    rows = card.rows("P", "F", "A")
    assert {row.id[0] for row in rows} == {"A"}
    depth = next(row for row in rows if row.id == "A1")
    assert depth.verdict == "not measurable" and "does not go through its days" in depth.note
    assert depth.estimator.startswith("depth_share: Mean depth")
