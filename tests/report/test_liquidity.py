"""Liquidity, amplification and statistics over seeds, on data whose answer is known."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.metrics import amplification, liquidity, seeds
from sim.schema import BAND_EDGES_BP

RNG = np.random.default_rng(11)


def test_a_level_counts_for_as_long_as_it_stood():
    assert liquidity.time_weighted(np.array([0.0, 1.0, 4.0, 5.0]), np.array([2.0, 6.0, np.nan, 9.0])) == 5.0


def test_depth_of_a_known_profile():
    bands = np.zeros((3, 60))
    bands[:, :30], bands[:, 30:] = np.diff(BAND_EDGES_BP, prepend=0), 2 * np.diff(BAND_EDGES_BP, prepend=0)
    bid, ask = liquidity.depth_usd(np.arange(3.0), bands, np.full(3, 10.0), 0.0123)
    assert bid == pytest.approx(1230.0) and ask == pytest.approx(2460.0)


def test_effective_spread_is_realised_plus_impact():
    """A buy at 101 of a mid of 100 that goes to 100.4: effective 200 bp, realised 120 bp, impact 80 bp."""
    at, one = np.array([10.0]), np.array([1.0])
    mid_s, mid = np.array([0.0, 12.0, 40.0]), np.array([100.0, 100.4, 100.4])
    effective = liquidity.effective_spread_bp(np.array([101.0]), np.array([100.0]), one)
    realised = liquidity.realised_spread_bp(at, np.array([101.0]), one, one, np.array([100.0]), mid_s, mid, 5.0)
    assert effective == pytest.approx(200.0) and realised == pytest.approx(120.0)
    late = liquidity.realised_spread_bp(at, np.array([101.0]), one, one, np.array([100.0]), mid_s, mid, 60.0)
    assert math.isnan(late)


@pytest.mark.parametrize("width_s", [1.0, 10.0, 60.0, 300.0])
def test_kyle_lambda_finds_a_planted_slope(width_s):
    time_s, net = np.arange(1.0, 36_001.0), RNG.normal(0.0, 1e5, 36_000)
    mid = 100.0 * np.exp(np.cumsum(3e-9 * net + RNG.normal(0.0, 1e-5, net.size)))
    assert liquidity.kyle_lambda(time_s, mid, net, width_s) == pytest.approx(3e-9, rel=0.03)


def test_slope_agrees_with_scipy():
    x, y = RNG.normal(size=50), RNG.normal(size=50)
    assert liquidity.slope(x, y) == pytest.approx(stats.linregress(x, y).slope)
    assert math.isnan(liquidity.slope(np.ones(5), y[:5]))


def test_amihud_of_equal_days():
    time_s, price = np.array([1.0, 2.0, 3.0]) * 86400.0, 100.0 * np.exp([0.0, 0.01, -0.01])
    assert liquidity.amihud(time_s, price, np.array([1.0, 2e9, 4e9])) == pytest.approx((0.01 / 2e9 + 0.02 / 4e9) / 2)


def test_half_life_of_an_exponential_gap():
    time_s = np.arange(0.0, 500.0)
    gap = -7.0 * 0.5 ** ((time_s - 100.0) / 30.0) * (time_s >= 100.0)
    assert liquidity.half_life_s(time_s, gap) == pytest.approx(30.0)
    assert liquidity.half_life_s(time_s, np.minimum(time_s, 9.0)) == math.inf
    assert math.isnan(liquidity.half_life_s(time_s, 0.0 * time_s))


def test_impulse_response_leaves_the_common_noise_out():
    noise = np.cumsum(RNG.normal(0.0, 0.01, (4, 100)), axis=1)
    response = 0.02 * np.exp(-np.arange(100) / 20)
    assert liquidity.impulse_response(np.exp(noise + response), np.exp(noise)) == pytest.approx(response)


def test_a_walk_through_an_even_book_pays_half_the_way():
    edges, held = np.array([0.01, 0.02, 0.05]), np.array([100.0, 100.0, 300.0])
    paid = liquidity.walk_slippage(edges, held, np.array([0.0, 50.0, 100.0, 500.0, 600.0]))
    assert paid == pytest.approx([0.0, 0.0025, 0.005, 0.025, (500 * 0.025 + 100 * 0.05) / 600])


def test_slippage_at_risk_is_a_quantile_with_its_tail():
    slip, size = np.arange(1, 101) / 1000.0, np.full(100, 10.0)
    sar, esar, tsar = liquidity.slippage_at_risk(slip, size, 0.95)
    assert (sar, esar) == pytest.approx((0.095, np.mean(slip[94:]))) and tsar == pytest.approx(10 * slip[94:].sum())


@pytest.mark.parametrize(("count", "n"), [(0, 8), (3, 8), (64, 64), (17, 40)])
def test_wilson_agrees_with_scipy(count, n):
    mine = seeds.share_of_seeds(count, n)
    wanted = stats.binomtest(count, n).proportion_ci(method="wilson")
    assert (mine.low, mine.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert math.isnan(seeds.share_of_seeds(0, 0).share)


@pytest.mark.parametrize("n", [10, 11, 64])
def test_the_interval_of_a_median_covers_as_stated(n):
    draws = np.random.default_rng(n).exponential(size=(4000, n))
    found = [seeds.median_of_seeds(row) for row in draws]
    covered = np.mean([m.low <= math.log(2.0) <= m.high for m in found])
    assert found[0].level >= 0.95 and covered == pytest.approx(found[0].level, abs=0.012)


def test_the_median_of_few_seeds_is_not_shown():
    assert math.isnan(seeds.median_of_seeds(np.arange(9.0)).median)
    assert seeds.median_of_seeds(np.append(np.arange(10.0), np.nan)).median == 4.0


def test_falls_and_second_round():
    assert amplification.log_fall(np.array([100.0, 90.0, 95.0])) == pytest.approx(-math.log(0.9))
    assert amplification.log_fall(np.array([100.0, 90.0]), np.array([100.0, 90.0])) == 0.0
    assert amplification.second_round_share(6000.0, 100_000.0, 0.01) == pytest.approx(0.05)


def test_two_kinds_of_outcome_are_told_apart():
    n = 30
    forced = np.where(np.arange(n) < 12, 0.10, 0.001)
    fall, base = np.where(np.arange(n) < 12, 0.14, 0.021), np.full(n, 0.02)
    found = amplification.cascades(forced, fall, base)
    assert [s.n_hit for s in found.share] == [12, 12, 12] and found.share[1].share == pytest.approx(0.4)
    assert found.fall_if.median == 0.14 and found.fall_if_not.median == 0.021
    assert found.amplification_if.median == pytest.approx(7.0)
    assert found.amplification == pytest.approx(1.05)
    few = amplification.cascades(forced[:15], fall[:15], base[:15])
    assert math.isnan(few.fall_if_not.median) and few.fall_if_not.n == 3
