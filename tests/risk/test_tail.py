"""Quantiles and shortfalls over seeds against sums of binomials and means by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest

from sim.metrics import tail


def coverage_ends(n: int, q: Fraction) -> tuple[int, int]:
    """Ranks by whole sums: largest k with P(B <= k - 1) <= 2.5 %, smallest m with P(B >= m) <= 2.5 %."""
    mass = [math.comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(n + 1)]
    miss = Fraction(25, 1000)
    k = max(k for k in range(n + 1) if sum(mass[:k]) <= miss)
    m = min(m for m in range(n + 2) if sum(mass[m:]) <= miss)
    return k, m


@pytest.mark.parametrize("n", [5, 20, 32, 100])
@pytest.mark.parametrize("q", [Fraction(1, 2), Fraction(9, 10), Fraction(95, 100)])
def test_ends_are_the_order_statistics_of_the_binomial(n, q):
    values = np.arange(1.0, n + 1.0)[::-1]
    k, m = coverage_ends(n, q)
    got = tail.quantile(values, float(q))
    assert got.value == math.ceil(n * q)
    assert got.low == (k if k else -math.inf) and got.high == (m if m <= n else math.inf)


def test_how_many_seeds_bound_a_far_quantile():
    assert math.isinf(tail.quantile(np.arange(367.0), 0.99).high)
    assert tail.quantile(np.arange(368.0), 0.99).high == 367.0
    assert tail.quantile(np.array([np.nan]), 0.5).n == 0


def test_expected_shortfall_counts_parts_of_a_seed():
    losses = np.arange(1.0, 33.0)  # the worst 10 % are 3.2 seeds: 32, 31, 30 and a fifth of 29
    assert tail.shortfall(losses, 0.9).value == pytest.approx((32 + 31 + 30 + 0.2 * 29) / 3.2)
    assert tail.shortfall(losses, 0.975).value == 32.0  # less than one seed: the worst
    few = tail.shortfall(losses[:4], 0.5)
    assert few.value == 3.5 and math.isnan(few.low)
    got = tail.shortfall(losses, 0.9)
    assert got.low < got.value <= got.high <= 32.0
