"""Amplification where it is known: the linear book against 1 / (1 - n) and 1 / D, the market at the ends of its range.

The linear book takes a fixed value per unit of fall; accounts stand under it at random, n of its density. A sale that
alone moves the price by s then ends at s / (1 - n) on average, whatever their sizes: each unit of fall forces n units
more (a busy period with load n). MODEL 5.2 and 6.2.2.
"""

import math

import numpy as np
import pytest

from sim.experiments import paired
from sim.metrics.amplification import log_fall
from sim.runner import load
from tests.exact.test_linear_cascade import MAINTENANCE, START, TIERS
from tests.market.rig import Rig

PER_TICK = 100  # lots on each tick of the book at depth 1
SIZE = 40  # lots of an account
SOLD = 10_000  # a fall of 100 ticks, 0.1 %
LEVELS = 9_000


def fall(n: float, seed: int, depth: float = 1.0, sold: int = SOLD) -> int:
    """Ticks by which a sale moves a linear book with accounts of n times its density under it."""
    per_tick = round(PER_TICK * depth)
    count = np.random.default_rng([seed, 7]).poisson(n * PER_TICK * LEVELS / SIZE)
    under = np.random.default_rng([seed, 8]).uniform(0.0, LEVELS, count)
    marks = np.sort((2.0 * (START - under)).astype(np.int64))[::-1]  # last safe marks, in half ticks
    lots = np.full(count, SIZE)
    cash = -(-lots * marks * MAINTENANCE // 200) - lots * marks // 2
    rig = Rig(cash, lots, START, bids=[(START - 1 - i, per_tick) for i in range(LEVELS)], tiers=TIERS)
    rig.sell(sold)
    forced = -1
    while forced != int(rig.accounts["forced_lots"].sum()):
        forced = int(rig.accounts["forced_lots"].sum())
        rig.scan(2 * rig.last())
    assert rig.last() > START - LEVELS  # the book was not exhausted
    return START - rig.last()


@pytest.mark.parametrize("n", [0.0, 0.2, 0.4, 0.6, 0.8])
def test_the_measured_amplification_is_one_over_one_less_n(n: float):
    found = np.array([fall(n, seed) for seed in range(1, 41)]) / (SOLD / PER_TICK)
    expected = 1.0 / (1.0 - n)
    # One tick is 1 % of the sale alone, and prices are whole ticks: the last one counts in full.
    error = 4.0 * found.std(ddof=1) / math.sqrt(found.size) + 0.01
    assert abs(found.mean() - expected) <= error
    if n:  # the variance of the busy period: load n, service SIZE / PER_TICK ticks
        variance = (SIZE / PER_TICK) * n / (1.0 - n) ** 3 / (SOLD / PER_TICK)
        assert 0.4 * variance < found.var(ddof=1) < 2.2 * variance


def test_near_the_pole_amplification_grows_without_bound():
    medians = [np.median([fall(n, seed) for seed in range(1, 12)]) for n in (0.8, 0.9, 0.95)]
    assert medians[0] < medians[1] < medians[2]
    assert medians[2] > 10.0 * SOLD / PER_TICK


def test_without_leverage_a_sale_costs_one_over_depth():
    at_one = fall(0.0, 1)
    for depth in (0.2, 0.5, 1.0, 2.0, 4.0, 10.0):
        assert fall(0.0, 1, depth) == math.ceil(SOLD / (PER_TICK * depth)) == math.ceil(at_one / depth)
    assert fall(0.0, 1, 1000.0) == 1  # toward 0: one tick is the least there is


@pytest.mark.parametrize("seed", [1, 2])
def test_the_fall_of_a_sale_scales_with_depth_as_the_load_does(seed: int):
    """Depth 0.5 doubles n: 0.4 becomes 0.8, and A_flow is 2 x (1 - 0.4) / (1 - 0.8) = 6 on average."""
    thick = np.mean([fall(0.4, 100 * seed + k) for k in range(24)])
    thin = np.mean([fall(0.4, 100 * seed + k, 0.5) for k in range(24)])
    assert thin / thick == pytest.approx(6.0, rel=0.25)


NEWS = {"kind": "news_move", "at": "10min", "over": "60s", "move": "-3%"}
SALE = {"kind": "flow", "at": "10min", "over": "60s", "side": "sell", "notional": "$150m"}
QUIET = {"kind": "amplification", "quiet": {"shocks": []}, "from_s": 600.0}


def measured(shock: dict[str, str], seed: int, **changes: object) -> dict[str, float]:
    scenario = load("calm_btc", set={"duration": "15min", "shocks": [shock], **changes})
    return paired.make(scenario, seed, QUIET)[1]


def scaled(depth: float) -> dict[str, float]:
    return {"market.depth_scale_visible": depth, "market.depth_scale_latent": depth}


@pytest.mark.parametrize("shock", [NEWS, SALE], ids=["news", "sale"])
def test_without_leverage_and_withdrawal_amplification_is_one_to_the_bit(shock: dict[str, str]):
    for seed in (1, 2):
        found = measured(shock, seed, **{"leveraged.enabled": False, "market_maker.withdrawal": False})
        assert found["fall"] == found["base_fall"] > 0.0


def test_at_a_thousand_times_the_depth_news_is_not_amplified():
    found = measured(NEWS, 2, **scaled(1000.0), **{"market_maker.withdrawal": False})
    assert found["fall"] == pytest.approx(found["base_fall"], rel=0.01)
    assert found["second_round"] <= 0.0  # nobody is liquidated beyond what the base fall would


def test_a_sale_costs_little_at_a_thousand_times_the_depth():
    one, deep = (np.array([measured(SALE, s, **scaled(d))["fall"] for s in (1, 2)]) for d in (1.0, 1000.0))
    assert np.median(deep) < 0.35 * np.median(one)


def test_depth_one_is_the_scenario_itself():
    plain = load("calm_btc", set={"duration": "12min", "shocks": [SALE]})
    ones = load("calm_btc", set={"duration": "12min", "shocks": [SALE], **scaled(1.0)})
    first, second = (s.run(seed=1).series["mark_usd"].to_numpy() for s in (plain, ones))
    assert log_fall(first) == log_fall(second)
