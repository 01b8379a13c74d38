"""Shapley values, first, last and joint effects on games whose answers are known."""

from fractions import Fraction
from itertools import permutations
from math import comb, factorial

import numpy as np
import pytest

from sim.attribution import shapley as s
from sim.attribution.orders import antithetic_orders


def values(game, n):
    return [s.value_of(s.shapley(i, n), game) for i in range(n)]


def game_of(n, worth):
    return {c: Fraction(worth({i for i in range(n) if c >> i & 1})) for c in range(1 << n)}


def integer_game(n, seed):
    draw = np.random.default_rng(seed)
    return {c: Fraction(int(draw.integers(-(10**6), 10**6))) for c in range(1 << n)}


def twin(game, n):
    """Mean marginal contribution over every order, walked one by one."""
    total = [Fraction(0)] * n
    for order in permutations(range(n)):
        on = 0
        for player in order:
            total[player] += game[on | 1 << player] - game[on]
            on |= 1 << player
    return [t / factorial(n) for t in total]


def twin_interaction(game, n, a, b):
    """Mean second difference over every order, at the players before the earlier of the two."""
    total = Fraction(0)
    for order in permutations(range(n)):
        on = 0
        for player in order:
            if player in (a, b):
                break
            on |= 1 << player
        total += game[on | 1 << a | 1 << b] - game[on | 1 << a] - game[on | 1 << b] + game[on]
    return total / factorial(n)


def test_glove_game():
    """One left glove, two right gloves: 2/3, 1/6, 1/6."""
    game = game_of(3, lambda on: 0 in on and bool(on & {1, 2}))
    assert values(game, 3) == [Fraction(2, 3), Fraction(1, 6), Fraction(1, 6)]


def test_airport_game():
    """Runways of 8, 11, 13, 18 (Littlechild and Owen 1973): each stretch is shared by those who need it."""
    costs = [8, 11, 13, 18]
    game = game_of(4, lambda on: max((costs[i] for i in on), default=0))
    assert values(game, 4) == [2, 3, 4, 9]


def test_additive_game_has_no_interaction():
    worth = [5, -3, 0, 11]
    game = game_of(4, lambda on: sum(worth[i] for i in on))
    assert values(game, 4) == worth
    for i in range(4):
        assert s.value_of(s.first_order(i), game) == s.value_of(s.last_order(i, 4), game) == worth[i]
        assert all(s.value_of(s.interaction(i, j, 4), game) == 0 for j in range(4) if j != i)


def test_two_that_only_act_together():
    game = game_of(3, lambda on: 12 if {0, 1} <= on else 0)
    assert values(game, 3) == [6, 6, 0]
    assert s.value_of(s.interaction(0, 1, 3), game) == 12 and s.value_of(s.interaction(0, 2, 3), game) == 0
    assert s.value_of(s.first_order(0), game) == 0 and s.value_of(s.last_order(0, 3), game) == 12


@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("seed", (1, 2))
def test_random_integer_games_are_those_of_every_order(n, seed):
    game = integer_game(n, seed)
    assert values(game, n) == twin(game, n)
    for a in range(n):
        for b in range(a):
            assert s.value_of(s.interaction(a, b, n), game) == twin_interaction(game, n, a, b)


@pytest.mark.parametrize("n", (1, 2, 5, 8))
def test_efficiency_is_exact(n):
    game = {c: Fraction(v) for c, v in enumerate(np.random.default_rng(n).normal(size=1 << n).tolist())}
    whole = game[(1 << n) - 1] - game[0]
    assert sum(values(game, n)) == whole
    pairs = sum(s.value_of(s.interaction(a, b, n), game) for a in range(n) for b in range(a))
    assert sum(s.value_of(s.first_order(i), game) for i in range(n)) + pairs == whole


@pytest.mark.parametrize("n", (2, 5, 11))
def test_efficiency_is_exact_over_drawn_orders(n):
    orders = antithetic_orders(n, 6)
    game = {c: Fraction(v) for c, v in enumerate(np.random.default_rng(n).normal(size=1 << n).tolist())}
    got = [s.value_of(s.shapley_by_orders(i, orders), game) for i in range(n)]
    assert sum(got) == game[(1 << n) - 1] - game[0]


@pytest.mark.parametrize("n", (3, 5))
def test_all_orders_give_the_exact_weights(n):
    orders = list(permutations(range(n)))
    for a in range(n):
        assert _nonzero(s.shapley_by_orders(a, orders)) == s.shapley(a, n)
        for b in range(a):
            assert _nonzero(s.interaction_by_orders(a, b, orders)) == s.interaction(a, b, n)


def _nonzero(effect):
    return {c: w for c, w in effect.items() if w}


def test_orders_come_with_their_reverses_and_grow_at_the_end():
    few, many = antithetic_orders(9, 20), antithetic_orders(9, 60)
    assert many[:20] == few and len(set(many)) > 50
    assert all(sorted(o) == list(range(9)) for o in many)
    assert all(many[k] == many[k + 1][::-1] for k in range(0, 60, 2))
    for wrong in (0, 1, 7):
        with pytest.raises(ValueError, match="pairs"):
            antithetic_orders(9, wrong)


def test_drawn_orders_are_unbiased_and_better_than_as_many_single_ones():
    """On a random game of five players: the error of the mean falls with the orders, and pairs beat single draws."""
    n, game = 5, integer_game(5, 3)
    exact = np.array([float(v) for v in values(game, n)])
    orders = antithetic_orders(n, 4000)
    pairs = np.array([[_gain(game, o, i) for i in range(n)] for o in orders], dtype=float).reshape(-1, 2, n)
    mean, error = pairs.mean(axis=(0, 1)), pairs.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(pairs))
    assert (np.abs(mean - exact) < 4.0 * error).all()
    got = [float(s.value_of(s.shapley_by_orders(i, orders), game)) for i in range(n)]
    assert np.allclose(got, mean, rtol=0, atol=1e-6)


def test_a_game_of_pairs_is_exact_after_one_pair_of_orders():
    """An order and its reverse cancel what is odd about an order: with joint effects of two alone nothing is left."""
    n = 6
    alone, joint = np.random.default_rng(5).integers(-9, 9, n), np.random.default_rng(6).integers(-9, 9, (n, n))
    game = game_of(n, lambda on: int(sum(alone[i] for i in on) + sum(joint[i, j] for i in on for j in on if i < j)))
    orders = antithetic_orders(n, 2)
    assert [s.value_of(s.shapley_by_orders(i, orders), game) for i in range(n)] == values(game, n)


def _gain(game, order, player):
    before = s.predecessors(order, player)
    return game[before | 1 << player] - game[before]


def test_weights_count_the_orders():
    n = 7
    assert sum(w for w in s.shapley(2, n).values() if w > 0) == 1
    assert s.shapley(0, n)[1] == Fraction(1, n) and s.interaction(0, 1, n)[0] == Fraction(2, n)
    assert s.interaction(0, 1, n)[0b11100 | 3] == Fraction(2, n * comb(n - 1, 3))
