"""Tail of forced sizes on samples whose index is known."""

from math import isnan

import numpy as np
import pytest

from sim.metrics.accounts import forced_size_tail


@pytest.mark.parametrize("index", [0.7, 1.5])
def test_a_pareto_sample_has_its_index(index):
    n = 40_000  # 2,000 in the tail: the standard error is index / sqrt(2000), 2.2%
    sizes = (1.0 - np.random.default_rng(7).random(n)) ** (-1.0 / index)
    part = np.random.default_rng(8).random(n)
    assert forced_size_tail(part * sizes, (1.0 - part) * sizes) == pytest.approx(index, rel=0.09)


def test_accounts_that_were_not_hit_do_not_count():
    sizes = np.random.default_rng(7).pareto(0.7, 2000) + 1.0
    padded = np.concatenate([sizes, np.zeros(50_000)])
    assert forced_size_tail(padded, np.zeros(52_000)) == forced_size_tail(sizes, np.zeros(2000))


def test_too_few_sizes_say_nothing():
    assert isnan(forced_size_tail(np.ones(100), np.zeros(100)))
