"""Walks through a book and worst moves, by hand and by brute force."""

import math

import numpy as np
import pytest

from sim.risk.books import walk_cost, worst_move

FAR = (0.01, 0.02, 0.05)


def test_a_walk_by_hand():
    """100 lie evenly to 1 %, 100 more to 2 %, none further: 150 cost (100 x 0.5 % + 50 x 1.25 %) / 150."""
    depth = np.array([100.0, 200.0, 200.0])
    assert walk_cost(50, depth, FAR) == (pytest.approx(0.0025), False)
    assert walk_cost(150, depth, FAR) == (pytest.approx((100 * 0.005 + 50 * 0.0125) / 150), False)
    assert walk_cost(201, depth, FAR) == (math.inf, True)
    gap = np.array([0.0, 0.0, 300.0])  # the first order lies beyond 2 %
    assert walk_cost(100, gap, FAR) == (pytest.approx(0.025), False)
    assert walk_cost(1, np.zeros(3), FAR) == (math.inf, True)


def test_what_is_beyond_the_book_goes_on_at_the_last_slope():
    depth = np.array([100.0, 200.0, 500.0])
    cost, beyond = walk_cost(800, depth, FAR)
    whole = 100 * 0.005 + 100 * 0.015 + 300 * 0.035 + 300 * (0.05 + 0.015)
    assert beyond and cost == pytest.approx(whole / 800)


def test_worst_moves_are_those_of_all_pairs():
    draw = np.random.default_rng(4)
    for _ in range(20):
        t = np.cumsum(draw.uniform(0.5, 3.0, 60))
        p = 100.0 * np.exp(np.cumsum(draw.normal(0, 0.01, 60)))
        pairs = [(i, j) for i in range(60) for j in range(i, 60) if t[j] - t[i] <= 20.0]
        assert worst_move(t, p, 20.0) == pytest.approx(max(1 - p[j] / p[i] for i, j in pairs))
        assert worst_move(t, 1 / p, 20.0, is_rise=True) == pytest.approx(max(p[j] / p[i] - 1 for i, j in pairs))
