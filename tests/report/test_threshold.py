"""Critical shock: the probit against SciPy's optimiser, its interval's coverage, pairing, and the edge cases."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from sim.metrics import threshold as th

SIZES = np.array([0.05, 0.07, 0.09, 0.11, 0.13])


def planted(rng: np.random.Generator, n: int, middle: float = 0.09, spread: float = 0.2) -> th.Outcomes:
    """Seeds whose thresholds are log-normal; every seed at every size."""
    own = middle * np.exp(spread * rng.standard_normal(n))
    return th.Outcomes(SIZES, np.arange(1, n + 1), (SIZES[None, :] > own[:, None]).astype(float))


def test_the_fit_is_the_maximum_of_the_likelihood():
    hits, runs = np.array([[3.0, 10.0, 33.0, 50.0, 60.0]]), np.full((1, 5), 64.0)
    x = np.log(SIZES)

    def minus_log_likelihood(p: np.ndarray) -> float:
        chance = norm.cdf(p[1] * (x - p[0]))
        return -float((hits[0] * np.log(chance) + (runs[0] - hits[0]) * np.log1p(-chance)).sum())

    best = minimize(
        minus_log_likelihood, [math.log(0.09), 4.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    critical, slope = th.probit(SIZES, hits, runs)
    assert critical[0] == pytest.approx(math.exp(best.x[0]), rel=1e-4)
    assert slope[0] == pytest.approx(best.x[1], rel=1e-3)


def test_a_separated_sample_gives_the_middle_in_logarithms():
    hits, runs = np.array([[0.0, 0.0, 64.0, 64.0, 64.0]]), np.full((1, 5), 64.0)
    critical, slope = th.probit(SIZES, hits, runs)
    assert 0.07 < critical[0] < 0.09 and critical[0] == pytest.approx(math.sqrt(0.07 * 0.09), rel=0.02)
    assert slope[0] > 10.0


def test_the_interval_covers_the_truth_in_93_to_97_of_100():
    rng = np.random.default_rng(5)
    inside = 0
    seeds, weights = th.bootstrap_weights([np.arange(1, 65)], 400, key=3)
    for _ in range(1000):
        found = th.critical_shock(planted(rng, 64), seeds, weights)
        inside += found.low <= 0.09 <= found.high
    assert 930 <= inside <= 970


def test_seeds_added_near_the_threshold_narrow_the_interval():
    rng = np.random.default_rng(1)
    first, more = planted(rng, 64), planted(rng, 256)
    seeds, weights = th.bootstrap_weights([np.arange(1, 65)])
    alone = th.critical_shock(first, seeds, weights)
    hit = np.full((320, 5), np.nan)
    hit[:64] = first.hit
    hit[64:, 2] = more.hit[:, 2]
    seeds, weights = th.bootstrap_weights([np.arange(1, 65), np.arange(65, 321)])
    both = th.critical_shock(th.Outcomes(SIZES, np.arange(1, 321), hit), seeds, weights)
    assert both.half_width < 0.65 * alone.half_width
    assert both.low < 0.09 < both.high


@pytest.mark.parametrize(("value", "word"), [(0.0, "above"), (1.0, "below")])
def test_a_threshold_beyond_the_sizes_is_said_to_be(value: float, word: str):
    seeds, weights = th.bootstrap_weights([np.arange(1, 17)], 50)
    found = th.critical_shock(th.Outcomes(SIZES, seeds, np.full((16, 5), value)), seeds, weights)
    assert found.beyond == word and math.isnan(found.size) and math.isnan(found.low)


def test_the_elasticity_of_a_planted_power_law():
    rng = np.random.default_rng(2)
    depths = np.array([1.5, 1.0, 0.65, 0.4])
    own = np.exp(0.15 * rng.standard_normal(256))  # the same seeds at every depth
    seeds, weights = th.bootstrap_weights([np.arange(1, 257)])
    found = []
    for depth in depths:
        own_here = 0.09 * depth**0.4 * own
        hit = (SIZES[None, :] > own_here[:, None]).astype(float)
        found.append(th.critical_shock(th.Outcomes(SIZES, seeds, hit), seeds, weights))
    slope = th.elasticity(depths, found)
    assert slope.low <= 0.4 <= slope.high and slope.high - slope.low < 0.12
    assert math.isnan(th.elasticity(depths[:2], found[:2]).slope)


def test_the_variance_ratio_of_planted_pairs():
    rng = np.random.default_rng(4)
    common, own = rng.standard_normal((2, 200_000))
    assert th.variance_ratio(common, common + own / 3.0) == pytest.approx((1 + 1 + 1 / 9) * 9, rel=0.02)
    assert th.variance_ratio(common, own) == pytest.approx(1.0, rel=0.02)
    assert th.variance_ratio(common, common + 1.0) > 1e12
    assert math.isnan(th.variance_ratio(common[:1], own[:1]))


def test_one_size_alone_gives_no_threshold_and_no_spread():
    found = th.Outcomes(SIZES[:1], np.arange(1, 9), np.zeros((8, 1)))
    c = th.critical_shock(found, *th.bootstrap_weights([found.seeds]))
    assert c.beyond == "above" and math.isnan(c.size) and math.isnan(c.spread)
