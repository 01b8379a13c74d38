"""Measures against cases worked by hand."""

from math import isinf, isnan, log

import numpy as np
import pytest

from sim.metrics import METRICS, cascade, depth, measure, price
from sim.schema import BAND_EDGES_BP

TEN_S = np.arange(10.0, 601.0, 10.0)  # 60 rows, 10 minutes


def test_closes_are_the_last_value_in_each_minute():
    time_s, values = np.array([30.0, 60.0, 61.0, 119.0, 240.0]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    ends_s, closes = price.last_in_each(time_s, values, 60.0)
    assert ends_s.tolist() == [60.0, 120.0, 240.0]  # nothing in minute 3
    assert closes.tolist() == [2.0, 4.0, 5.0]


def test_return_sd_of_alternating_minutes():
    closes = np.array([100.0, 101.0, 100.0, 101.0, 100.0])  # returns +a, -a, +a, -a with a = ln 1.01
    sd = price.return_sd(np.arange(60.0, 301.0, 60.0), closes)
    assert sd == pytest.approx(log(1.01), rel=1e-12)
    assert isnan(price.return_sd(np.array([60.0, 120.0]), closes[:2]))  # one return has no deviation


def test_return_sd_skips_a_gap():
    # a minute is missing between the two pairs: the jump across it is no one-minute return
    time_s, closes = np.array([60.0, 120.0, 240.0, 300.0]), np.array([100.0, 101.0, 50.0, 50.0 * 1.01])
    assert price.return_sd(time_s, closes) == pytest.approx(0.0, abs=1e-12)


def test_fall_low_and_recovery():
    # 100 -> 80 at minute 4 -> 90 at minute 7 -> 95: half of the fall is back at 90, three minutes after the low
    path = np.interp(TEN_S, [0, 240, 420, 600], [100, 80, 90, 95])
    assert price.lowest(path) == 80.0
    assert price.time_of_low(TEN_S, path) == 240.0
    assert price.drop_from_first(np.array([100.0, 80.0, 95.0])) == pytest.approx(-0.2)
    assert price.half_recovery_minutes(TEN_S, path, 100.0) == pytest.approx(3.0)
    assert price.recovered_share(TEN_S, path, 100.0, 600.0) == pytest.approx(0.75)
    assert isinf(price.half_recovery_minutes(TEN_S, path, 200.0))  # 140 is never reached
    assert isnan(price.half_recovery_minutes(TEN_S, path, 79.0))  # never below the reference


def test_drawdown_counts_from_the_running_maximum():
    assert price.max_drawdown(np.array([100.0, 120.0, 90.0, 130.0, 110.0])) == pytest.approx(90 / 120 - 1)
    assert price.max_drawdown(np.array([1.0, 2.0, 3.0])) == 0.0


def test_first_passage_and_price_at():
    path = np.array([100.0, 97.0, 96.0, 99.0])
    time_s = np.array([0.0, 60.0, 120.0, 180.0])
    assert price.first_passage(time_s, path, 96.0) == 120.0
    assert isnan(price.first_passage(time_s, path, 90.0))
    assert price.price_at(time_s, path, 90.0) == 97.0
    assert isnan(price.price_at(time_s, path, 500.0))  # five minutes after the last price
    assert price.change_between(time_s, path, 0.0, 120.0) == pytest.approx(-0.04)


def test_depth_inside_a_distance_is_linear_within_a_band():
    bands = np.zeros((1, 60))
    bands[0, 0], bands[0, 1] = 4.0, 6.0  # 4 coins within 0.5 bp, 6 more within 1 bp
    bands[0, 30] = 8.0  # ask side
    assert depth.inside(bands, 0.5e-4, ask=False)[0] == pytest.approx(4.0)
    assert depth.inside(bands, 0.75e-4, ask=False)[0] == pytest.approx(7.0)  # half of the second band
    assert depth.inside(bands, 0.1, ask=False)[0] == pytest.approx(10.0)
    assert depth.inside(bands, 0.25e-4, ask=True)[0] == pytest.approx(4.0)
    assert isnan(depth.inside(bands, 0.11, ask=True)[0])  # beyond the last recorded edge


def test_profile_is_linear_between_its_points():
    points = [(0.01, 305e6), (0.02, 698e6), (0.05, 1197e6)]
    assert depth.profile_usd(points, 0.005) == pytest.approx(152.5e6)
    assert depth.profile_usd(points, 0.035) == pytest.approx(947.5e6)
    assert depth.profile_usd(points, 0.09) == 1197e6


def test_share_of_morning_in_the_records_own_band():
    coins = np.zeros((6, 60))
    coins[:, 30 + int(np.searchsorted(BAND_EDGES_BP, 100.0))] = 50.0  # 50 coins of asks between 75 and 100 bp
    time_s = np.arange(10.0, 61.0, 10.0)
    mid = np.full(6, 100_000.0)
    morning = [(0.01, 10e6)]
    minutes, within = np.array([0.0, 60.0, 0.0]), np.array([0.01, 0.01, np.nan])
    share = depth.share_by_minute(time_s, coins, mid, morning, minutes, within, ask=True)
    assert share[0] == pytest.approx(0.5)  # 50 coins x 100,000 = 5m of 10m
    assert isnan(share[1]) and isnan(share[2])  # no rows in that minute; no band in the record


def test_spread_in_basis_points():
    assert depth.spread_bp(np.array([99.0]), np.array([101.0]))[0] == pytest.approx(200.0)


def test_forced_share_and_peak_minute():
    sold, bought, interest = np.array([0, 10, 30]), np.array([5, 0, 0]), np.array([90.0, 80.0, 70.0])
    assert cascade.forced_share(sold, bought, interest) == pytest.approx(45 / 90)
    assert cascade.peak_minute_share(np.array([60.0, 61.0, 120.0]), np.array([1.0, 1.0, 2.0])) == pytest.approx(3 / 4)
    assert isnan(cascade.forced_share(sold, bought, np.array([0.0])))
    assert cascade.at_low(np.array([3.0, 1.0, 1.0]), np.array([7, 8, 9])) == 8.0
    assert cascade.relative_change(np.array([100, 81])) == pytest.approx(-0.19)


def test_every_metric_has_a_unit_a_meaning_and_a_finite_value(run):
    values = measure(run.series)
    assert list(values) == [m.name for m in METRICS]
    assert all(m.unit and m.meaning for m in METRICS)
    assert all(np.isfinite(v) for v in values.values()), values


def test_a_feed_shows_the_last_forced_order_of_each_second():
    # three in second 1, none in second 2, two in second 3: the feed shows 2 of 5, and 9 of 20 coins
    elapsed_s, coins = np.array([0.2, 0.9, 1.0, 2.1, 3.0]), np.array([5.0, 1.0, 2.0, 5.0, 7.0])
    shown = cascade.shown_by_feed(elapsed_s)
    assert shown.tolist() == [False, False, True, False, True]
    assert float(coins[shown].sum()) == 9.0
    assert cascade.shown_by_feed(np.zeros(0)).tolist() == []


def test_a_price_behind_the_news_counts_the_seconds_in_which_it_has_not_followed():
    time_s, value = np.arange(0.0, 6.0), np.array([100.0, 90.0, 90.0, 90.0, 90.0, 110.0])
    fallen_late = np.array([100.0, 100.0, 95.0, 91.0, 80.0, 100.0])  # 3: within 2%; 4: overshoots; 5: behind a rise
    assert price.seconds_behind_news(time_s, fallen_late, value, 0.02) == 3.0
    assert price.seconds_behind_news(time_s, value, value, 0.02) == 0.0
