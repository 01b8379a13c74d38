"""Paired differences on data whose answer is known, and how often their intervals cover it."""

import math

import numpy as np
import pytest

from sim.metrics import paired
from sim.metrics.seeds import median_of_seeds

RNG = np.random.default_rng(4)


LAWS = {
    "normal": (lambda rng, size: rng.normal(3.0, 2.0, size), 3.0),
    "exponential": (lambda rng, size: rng.exponential(1.0, size), 1.0),
    "two kinds of outcome": (lambda rng, size: (rng.random(size) < 0.3) * -0.12, -0.036),  # a share falls by 12 %
    "Student's t, 3": (lambda rng, size: rng.standard_t(3.0, size), 0.0),
}


@pytest.mark.parametrize("n", [32, 64])
@pytest.mark.parametrize("law", LAWS)
def test_the_interval_of_the_mean_covers_93_to_97_per_cent(law: str, n: int):
    draw, truth = LAWS[law]
    low, high = paired.mean_interval(draw(np.random.default_rng(n), (n, 4000)))
    assert np.isnan(low).mean() < 0.002
    assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97


@pytest.mark.parametrize("n", [8, 10, 16])
@pytest.mark.parametrize("law", LAWS)
def test_with_few_seeds_it_covers_92_per_cent_or_more_or_says_nothing(law: str, n: int):
    draw, truth = LAWS[law]
    low, high = paired.mean_interval(draw(np.random.default_rng(n), (n, 4000)))
    assert ((low > truth) | (high < truth)).mean() <= 0.08


def test_where_one_seed_differs_the_mean_has_no_interval():
    """A third of the draws do not see it."""
    one = np.zeros((32, 2))
    one[3], one[:8, 1] = 1.0, 1.0
    low, high = paired.mean_interval(one)
    assert np.isnan([low[0], high[0]]).all() and 0.0 < low[1] < 0.25 < high[1] < 0.5
    p = paired.pair(np.zeros(32), one[:, 0])
    assert p.mean == 1 / 32 and math.isnan(p.half_width) and not p.same


def test_the_interval_has_the_width_of_students_for_a_normal_sample():
    values = RNG.normal(0.0, 1.0, (32, 400))
    low, high = paired.mean_interval(values)
    students = 2.0 * 2.0395 * values.std(axis=0, ddof=1) / math.sqrt(32)
    assert np.median((high - low) / students) == pytest.approx(1.0, abs=0.02)


def test_the_interval_of_the_median_covers_what_it_says():
    gaps = np.random.default_rng(3).standard_t(2.0, (1000, 32))
    found = [median_of_seeds(gap) for gap in gaps]
    covered = np.mean([m.low <= 0.0 <= m.high for m in found])
    assert found[0].level >= 0.95 and covered == pytest.approx(found[0].level, abs=0.015)


def test_a_planted_shift_is_found_exactly():
    a = RNG.normal(100.0, 5.0, 32).round(3)
    b = a + 0.5
    p = paired.pair(a, b)
    assert p.mean == pytest.approx(0.5, abs=1e-12) and p.low == pytest.approx(0.5) and p.high == pytest.approx(0.5)
    assert p.median.median == pytest.approx(0.5) and (p.higher.n_hit, p.lower.n_hit, p.n) == (32, 0, 32)
    exact = paired.pair(np.arange(32.0), np.arange(32.0) + 2.0)
    assert (exact.mean, exact.low, exact.high, exact.variance_ratio) == (2.0, 2.0, 2.0, math.inf)


def test_pairing_pays_by_the_correlation():
    """Var a = Var b = 1 and correlation r: unpaired 2, paired 2 (1 - r)."""
    common, own = RNG.normal(size=(2000, 1)), RNG.normal(size=(2000, 2))
    a, b = (math.sqrt(0.9) * common[:, 0] + math.sqrt(0.1) * own[:, k] for k in (0, 1))
    assert paired.pair(a, b).variance_ratio == pytest.approx(10.0, rel=0.15)


def test_equal_seeds_are_the_same_and_missing_ones_are_left_out():
    a = np.array([1.0, np.nan, 2.0])
    assert paired.pair(a, a.copy()).same and paired.pair(a, a.copy()).missing == 1
    p = paired.pair(a, np.array([1.0, 5.0, 3.0]))
    assert (p.same, p.n, p.missing, p.mean) == (False, 2, 1, 0.5) and math.isnan(p.low) and math.isnan(p.median.median)
    none = paired.pair(np.full(3, np.nan), np.full(3, np.nan))
    assert none.same and none.n == 0 and math.isnan(none.mean)
    with pytest.raises(ValueError, match="as many"):
        paired.pair(a, a[:2])


def test_intervals_do_not_depend_on_the_unit_and_are_the_same_each_time():
    gap = RNG.normal(1.0, 1.0, (32, 3))
    low, high = paired.mean_interval(gap)
    small, smaller = paired.mean_interval(1e-9 * gap)
    assert np.allclose(small, 1e-9 * low) and np.allclose(smaller, 1e-9 * high)
    assert np.array_equal(low, paired.mean_interval(gap)[0])
    assert np.isnan(paired.mean_interval(gap[:7])[0]).all()


def test_seeds_that_go_over_are_named():
    seeds = np.arange(1, 7)
    a, b = np.array([0, 0, 1, 1, 0, 1], bool), np.array([0, 1, 1, 0, 1, 1], bool)
    f = paired.flips(seeds, a, b)
    assert (f.into, f.out_of, f.both, f.neither) == ((2, 5), (4,), 2, 1)
    assert (f.share_a.n_hit, f.share_b.n_hit) == (3, 4)


def test_a_median_of_many_seeds_has_an_interval():
    """Beyond 1,023 seeds the binomial counts fit no float; the ends are near 1.96 sqrt(n) / 2 places off the middle."""
    m = median_of_seeds(np.arange(10_000.0))
    assert m.median == 4999.0 and m.low == pytest.approx(4999.5 - 98.0, abs=1.5) and 0.95 <= m.level < 0.952


def test_a_planted_response_is_found_exactly():
    without = RNG.normal(0.0, 1e-3, (32, 50)).cumsum(axis=1)
    planted = -2e-4 * np.exp(-np.arange(50) / 10.0)
    c = paired.curve(without, without + planted)
    assert np.allclose(c.mean, planted, atol=1e-15) and np.allclose(c.low, planted) and np.allclose(c.high, planted)
    assert (c.variance_ratio > 1e10).all()


def test_the_half_life_of_a_planted_decay():
    time_s = np.arange(1.0, 401.0)
    size = 1.0 + 0.2 * np.linspace(-1.0, 1.0, 32)[:, None]
    d = paired.decay(time_s, -size * 0.5 ** (np.clip(time_s - 20.0, 0.0, None) / 30.0) * (time_s >= 20.0), -1.0)
    assert d.peak.value == pytest.approx(-1.0) and d.peak.low < -1.0 < d.peak.high
    assert (d.peak_after_s.value, d.half_life_s.value, d.half_life_s.low, d.half_life_s.high) == (
        20.0,
        30.0,
        30.0,
        30.0,
    )
    assert d.left.value == pytest.approx(0.5 ** (380.0 / 30.0))
    stays = paired.decay(time_s, np.ones((8, 400)), 1.0)
    assert stays.half_life_s.value == math.inf and stays.left.value == 1.0
    few = paired.decay(time_s, np.ones((3, 400)), 1.0)
    assert few.peak.value == 1.0 and math.isnan(few.peak.low)


def test_the_interval_of_a_response_covers_the_planted_one():
    """1,000 sets of 32 seeds, three times each, whose differences are skewed."""
    rng = np.random.default_rng(17)
    noise = rng.gamma(4.0, 1.0, (32, 3000)) - 4.0
    c = paired.curve(np.zeros((32, 3000)), noise + 7.0)
    assert 0.93 <= ((c.low <= 7.0) & (c.high >= 7.0)).mean() <= 0.97
