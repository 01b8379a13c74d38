"""What was forced: totals, fuel of price and news, minutes of a single run; on made-up runs."""

from dataclasses import replace

import numpy as np
import pytest

from sim.experiments import base_run
from sim.report import page, rounds
from tests.report.conftest import made_run, made_spec

SPEC = {"leveraged": {"accounts": 2000}, "market": {"bid_depth_share": "50%"}}


@pytest.fixture(scope="module")
def runs():
    return tuple(made_run(seed, made_spec(**SPEC), every_s=5) for seed in (1, 2))


def test_the_last_minute_holds_everything_that_was_forced(runs):
    run = runs[0]
    found = rounds.rounds(run)
    start = float(run.series["open_interest_btc"].iloc[0])
    assert found.forced[-1] == pytest.approx(base_run.forced_btc(run) / start)
    assert (np.diff(found.forced) >= 0).all() and found.end_s[-1] == 7200.0


def test_fuel_is_that_of_the_deepest_fall_so_far(runs):
    run = runs[0]
    found = rounds.rounds(run)
    for name, share in (("mark_usd", found.passed), ("value_usd", found.by_news)):
        level = run.series[name].to_numpy()
        fall = 1.0 - level.min() / level[0]
        assert share[-1] == base_run.fuel(run.spec, run.seed, np.array([fall]))[0]
        assert (np.diff(share) >= 0).all() and share[0] < share[-1]
    assert found.by_news[-1] < found.passed[-1]


def test_minutes_of_a_single_run_are_its_largest_in_order_of_time(runs):
    found = rounds.minutes(runs[:1])
    assert len(found) == 10 and [m.clock for m in found] == sorted(m.clock for m in found)
    series = runs[0].series
    minute = np.ceil(series["elapsed_s"].to_numpy() / 60.0).astype(int)
    coins = np.bincount(minute, weights=series[list(rounds.CAUSES)].to_numpy().sum(axis=1))
    largest = np.sort(np.argsort(-coins, kind="stable")[:10])
    assert [m.clock[-5:] for m in found] == [f"{20 + (19 + k) // 60}:{(19 + k) % 60:02d}" for k in largest]
    assert float(found[0].forced.split()[0].replace(",", "")) == pytest.approx(coins[largest[0]], rel=1e-3)
    assert rounds.minutes(runs) == []


def test_a_fall_below_that_of_the_news_has_nothing_beyond_it(runs):
    assert "; beyond it: " in rounds.sentences(runs[:1])[0]
    deep = runs[0].series.assign(value_usd=runs[0].series["value_usd"] * np.linspace(1.0, 0.7, len(runs[0].series)))
    assert (
        "does not go beyond it" in rounds.sentences((replace(runs[0], tables=runs[0].tables._replace(series=deep)),))[0]
    )


def test_the_page_says_what_was_forced_and_nothing_where_nobody_was(runs):
    one = page.page_files(runs[:1], "abc")
    html = one["report.html"].decode()
    assert "What was forced" in html and "minutes with most liquidations" in html and "figures/rounds.svg" in one
    both = page.page_files(runs, "abc")["report.html"].decode()
    assert "Medians over 2 seeds, each by itself" in both and "minutes with most liquidations" not in both
    quiet = runs[0].series.assign(**dict.fromkeys(rounds.CAUSES, 0.0))
    still = replace(runs[0], tables=runs[0].tables._replace(series=quiet))
    assert not rounds.applies((still,)) and rounds.sentences((still,)) == []
    assert "What was forced" not in page.page_files((still,), "abc")["report.html"].decode()
    off = made_run(1, made_spec(leveraged={"enabled": False}), every_s=5)
    assert not rounds.applies((off,))
