"""The critical shock with known luck taken out: the same s*, covered as often, in a narrower interval."""

import numpy as np
import pytest

from sim.metrics.threshold import Outcomes, bootstrap_weights, critical_shock
from sim.metrics.threshold_adjusted import Known, adjusted_shock, can_adjust, explained

SIZES = np.array([0.07, 0.09, 0.11])
MIDDLE = 0.09
SKEW = np.exp(0.5) - 1.0


def lucks(rng: np.random.Generator, n: int) -> np.ndarray:
    """A skewed covariate, as fuel is, and one that says nothing."""
    return np.column_stack([rng.gamma(4.0, 0.25, n), rng.standard_normal(n)])


def threshold(rng: np.random.Generator, known: np.ndarray, left: float = 0.12) -> np.ndarray:
    """Much fuel tips early: 0.3 in the log per unit of the first covariate, whose standard deviation is 0.5."""
    return MIDDLE * np.exp(-0.3 * (known[:, 0] - 1.0) + left * rng.standard_normal(len(known)))


def true_middle() -> float:
    rng = np.random.default_rng(77)
    return float(np.median(threshold(rng, lucks(rng, 400_000))))


def one(rng: np.random.Generator, n: int = 300, resamples: int = 300):
    own = lucks(rng, n)
    hit = (SIZES[None, :] > threshold(rng, own)[:, None]).astype(float)
    hit[n // 3 :, [0, 2]] = np.nan
    found = Outcomes(SIZES, np.arange(1, n + 1), hit)
    seeds, weights = bootstrap_weights([np.arange(1, n // 3 + 1), np.arange(n // 3 + 1, n + 1)], resamples)
    plain = critical_shock(found, seeds, weights)
    known = Known(own, lucks(rng, 4000))
    return found, known, plain, adjusted_shock(found, known, plain, seeds, weights)


def test_it_finds_the_same_threshold_and_covers_it():
    rng, truth = np.random.default_rng(8), true_middle()
    covered, gain, error, share = [], [], [], []
    for _ in range(80):
        found, known, plain, better = one(rng)
        assert can_adjust(found, known.own.shape[1])
        covered.append(better.low <= truth <= better.high)
        gain.append((better.half_width / plain.half_width) ** 2)
        error.append(np.log(better.size / truth))
        share.append(explained(plain, better))
    assert 0.88 <= np.mean(covered) <= 1.0
    assert abs(np.mean(error)) < 3.0 * np.std(error) / np.sqrt(80) + 0.002
    assert np.mean(gain) < 0.62  # 0.0144 of 0.0369 is left of the variance; covariates must be learned too
    assert 0.45 < np.mean(share) < 0.75


def test_luck_that_says_nothing_changes_little():
    rng = np.random.default_rng(4)
    own = rng.standard_normal((400, 2))
    hit = (SIZES[None, :] > MIDDLE * np.exp(0.2 * rng.standard_normal(400))[:, None]).astype(float)
    found = Outcomes(SIZES, np.arange(1, 401), hit)
    seeds, weights = bootstrap_weights([found.seeds], 500)
    plain = critical_shock(found, seeds, weights)
    better = adjusted_shock(found, Known(own, rng.standard_normal((4000, 2))), plain, seeds, weights)
    assert better.size == pytest.approx(plain.size, rel=0.01)
    assert better.half_width == pytest.approx(plain.half_width, rel=0.15)
    assert explained(plain, better) < 0.05


def test_too_few_events_or_a_threshold_beyond_are_left_alone():
    seeds = np.arange(1, 65)
    none = Outcomes(SIZES, seeds, np.zeros((64, 3)))
    assert not can_adjust(none, 2)
    few = np.zeros((64, 3))
    few[:39, 2] = 1.0
    assert not can_adjust(Outcomes(SIZES, seeds, few), 2)
    few[39, 2] = 1.0
    assert can_adjust(Outcomes(SIZES, seeds, few), 2)
    plain = critical_shock(none, *bootstrap_weights([seeds], 50))
    known = Known(np.zeros((64, 2)), np.ones((16, 2)))
    assert adjusted_shock(none, known, plain, *bootstrap_weights([seeds], 50)) is plain
