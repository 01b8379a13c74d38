"""Verdicts over seeds: error rates with the stopping rule on, coverage of the band at all times, and a slow twin."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from sim.metrics.sequential import ACCOUNTS, FAIL, PASS, UNDECIDED, band, decide, log_wealth

REPEATS, MOST = 1_000, 256


@cache
def tables(least: float, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether k of n seeds within the limit decide: pass[n - 1, k], fail[n - 1, k]."""
    n, k = np.arange(1.0, MOST + 1.0)[:, None], np.arange(MOST + 1.0)[None, :]
    k, n = np.broadcast_arrays(np.minimum(k, n), n)
    wanted = -math.log(1.0 - confidence)
    return log_wealth(k, n, least, True) >= wanted, log_wealth(k, n, least, False) >= wanted


def verdicts(p: float, least: float, confidence: float) -> dict[str, float]:
    """Share of the repeats that end in each verdict, looked at after each seed."""
    hits = np.cumsum(np.random.default_rng([7, round(1e4 * p)]).random((REPEATS, MOST)) < p, axis=1)
    rows = np.arange(MOST)[None, :]
    passes, fails = (table[rows, hits] for table in tables(least, confidence))
    stopped = passes | fails
    first = stopped.argmax(axis=1)
    ended = stopped.any(axis=1)
    passed = ended & passes[np.arange(REPEATS), first]
    return {PASS: passed.mean(), FAIL: (ended & ~passed).mean(), UNDECIDED: (~ended).mean()}


@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize("least", [0.5, 0.9, 0.95])
def test_wrong_verdicts_are_rarer_than_the_confidence_allows(least, confidence):
    """1,000 repeats at the limit, just below and just above; three standard errors of the repeats are allowed."""
    alpha = 1.0 - confidence
    allowed = alpha + 3.0 * math.sqrt(alpha * confidence / REPEATS)
    below, at, above = (verdicts(p, least, confidence) for p in (least - 0.004, least, least + 0.004))
    assert below[PASS] <= allowed
    assert at[FAIL] <= allowed and above[FAIL] <= allowed
    assert at[PASS] <= allowed  # where p is the limit itself, p <= limit is true as well
    assert at[UNDECIDED] > 0.8


def test_far_from_the_limit_nearly_every_check_ends():
    assert verdicts(0.995, 0.95, 0.95)[PASS] > 0.99
    assert verdicts(0.80, 0.95, 0.95)[FAIL] > 0.99


def test_a_rule_that_looks_too_often_would_be_caught():
    """The fixed-sample test, looked at after each seed, is wrong far more often than 5%: the repeats can see it."""
    from scipy.stats import binom

    p, n = 0.9, np.arange(1, MOST + 1)
    hits = np.cumsum(np.random.default_rng(3).random((REPEATS, MOST)) < p, axis=1)
    assert (binom.cdf(hits, n[None, :], p) <= 0.05).any(axis=1).mean() > 0.2


def test_the_band_covers_at_all_times_together():
    least = 0.93
    hits = np.cumsum(np.random.default_rng(5).random((REPEATS, MOST)) < least, axis=1).astype(float)
    n = np.broadcast_to(np.arange(1.0, MOST + 1.0), hits.shape)
    looked = [0, 1, 3, 7, 15, 31, 63, 127, 255]
    low, high = band(hits[:, looked], n[:, looked], 0.95)
    assert (low > least).any(axis=1).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPEATS)
    assert (high < least).any(axis=1).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / REPEATS)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 3), (30, 32), (0, 5), (200, 256)])
@pytest.mark.parametrize("m", [0.5, 0.95])
@pytest.mark.parametrize("above", [True, False])
def test_the_wealth_is_that_of_the_slow_twin(k, n, m, above):
    """Account by account, product of payoffs; each payoff has mean 1 at p = m, exactly."""
    total = 0.0
    angle, end = math.asin(math.sqrt(m)), math.pi / 2 if above else 0.0
    for j in range(1, ACCOUNTS + 1):
        p = math.sin(angle + (end - angle) * j / ACCOUNTS) ** 2
        if j == ACCOUNTS:
            p = 1.0 if above else 0.0
        exact, share = Fraction(p), Fraction(m)
        assert share * (exact / share) + (1 - share) * ((1 - exact) / (1 - share)) == 1
        total += (p / m) ** k * ((1.0 - p) / (1.0 - m)) ** (n - k) / ACCOUNTS
    assert float(log_wealth(np.array(k), np.array(n), m, above)) == pytest.approx(math.log(total), abs=1e-9)


def test_without_a_breach_95_percent_takes_74_seeds():
    """A fixed sample would take 59; the difference is the price of stopping when one likes."""
    assert decide([True] * 200, 0.95, 0.95) == (PASS, 74, 74, 0)
    assert decide([True] * 73, 0.95, 0.95).verdict == UNDECIDED


def test_later_seeds_do_not_move_a_verdict():
    seeds = [True] * 74 + [False] * 200
    assert decide(seeds, 0.95, 0.95) == decide(seeds[:74], 0.95, 0.95)
    assert decide([False] * 10, 0.95, 0.95).verdict == FAIL


def test_the_batch_plays_no_part():
    seeds = list(np.random.default_rng(2).random(300) < 0.99)
    found = decide(seeds, 0.95, 0.95)
    steps = [decide(seeds[:n], 0.95, 0.95) for n in range(1, 301)]
    first = next(step for step in steps if step.verdict != UNDECIDED)
    assert first == found


def test_seeds_that_cannot_be_judged_count_against_either_verdict():
    assert decide([None] * 300, 0.95, 0.95) == (UNDECIDED, 300, 0, 300)
    assert decide([True] * 60 + [None] * 30 + [True] * 100, 0.95, 0.95).verdict == UNDECIDED
    assert decide([None, False, None, False, False], 0.95, 0.95).verdict == FAIL


def test_the_band_passes_the_limit_when_the_verdict_falls():
    hits, n = np.array([73.0, 74.0]), np.array([73.0, 74.0])
    low, high = band(hits, n, 0.95)
    assert low[0] < 0.95 <= low[1]
    assert (high == 1.0).all()


def test_no_seeds_is_no_verdict():
    assert decide([], 0.95, 0.95) == (UNDECIDED, 0, 0, 0)
