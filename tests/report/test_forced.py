"""Figures of forced trading against cases worked by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.report import forced
from tests.report.conftest import made_run, made_spec


@pytest.fixture(scope="module")
def crowded():
    """A run of 2,000 accounts whose rows start at 10, and the population behind it."""
    run = made_run(1, made_spec(duration="20min", leveraged={"accounts": 2000}))
    run = replace(run, constants={**run.constants, "first_leveraged": 10})
    return run, forced.crowd_of(run)


def with_accounts(run, rows, coins, taken):
    table = pd.DataFrame({"account": rows, "forced_btc": coins, "taken_btc": taken})
    return replace(run, tables=run.tables._replace(accounts=table))


def test_shares_by_group_are_of_what_the_group_held(crowded):
    run, crowd = crowded
    longs = np.flatnonzero(crowd["side"] > 0)
    hot = longs[crowd["leverage"][longs] > 20.0]
    lots = crowd["lots"] * 0.001
    hit = hot[:3]
    by_leverage, by_rank = forced.forced_by_group(with_accounts(run, hit + 10, lots[hit] / 2, lots[hit] / 2))
    assert by_leverage[4] == pytest.approx(lots[hit].sum() / lots[hot].sum()) and (by_leverage[:4] == 0).all()
    assert by_rank[0] < 1.0
    everyone, ranks = forced.forced_by_group(with_accounts(run, longs + 10, lots[longs] * 2, -lots[longs]))
    assert everyone[np.isfinite(everyone)] == pytest.approx(1.0) and ranks == pytest.approx(1.0)


def test_rows_that_are_no_leveraged_account_count_for_nobody(crowded):
    run, _ = crowded
    by_leverage, _ = forced.forced_by_group(with_accounts(run, [0, 9, 10**7], [5.0] * 3, [0.0] * 3))
    assert np.nansum(by_leverage) == 0.0


def test_a_feed_shows_the_last_order_of_each_second(crowded):
    run, _ = crowded
    table = pd.DataFrame(
        {
            "elapsed_s": [1.2, 1.9, 4.0, 4.5, 4.9, 6.0],
            "kind": ["forced_order"] * 5 + ["takeover"],
            "quantity_btc": [-1.0, -2.0, 3.0, -1.0, -4.0, 9.0],
            "price_usd": [10.0] * 6,
        }
    )
    second, both = forced.feed_usd(replace(run, tables=run.tables._replace(events=table)))
    assert second.tolist() == [2.0, 4.0, 5.0]
    assert both.tolist() == [[30.0, 20.0], [30.0, 30.0], [50.0, 40.0]]
    assert forced.feed_usd(replace(run, tables=run.tables._replace(events=table[5:])))[0].size == 0


def test_fuel_rises_from_nothing_and_is_drawn_beside_the_floor(crowded):
    run, _ = crowded
    figure = forced.fuel_figure((run,), "abc")
    fuel, floor = (line.get_ydata() for line in figure.axes[0].get_lines())
    assert (np.diff(fuel) >= 0).all() and fuel[0] < 0.1 < fuel[-1] < 130_000 * 116_720e-9
    # the made-up book holds 20 coins a bp (5 % of noise on top) down to 5 % of a mid of about 116,700 USD
    assert floor[7] == pytest.approx(200 * 20 * 1.05 * 116_700e-9, rel=0.03) and floor[-1] == pytest.approx(floor[19])


def test_without_leverage_there_is_no_fuel_and_nobody_to_force():
    run = made_run(1, made_spec(duration="20min", leveraged={"enabled": False}))
    assert forced.fuel_figure((run,), "abc") is None and forced.who_figure((run,), "abc") is None
