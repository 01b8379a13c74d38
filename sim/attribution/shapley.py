"""Shapley values and their kin as exact weights: every effect is linear in the values of the coalitions.

A coalition is a bit mask: bit i is set where player i is on. An effect maps coalitions to weights (fractions), so that
its value on a game is a sum. Nothing here knows of markets.

Source: Shapley 1953; order-2 Shapley-Taylor index of Sundararajan, Dhamdhere, Agarwal 2020, theorem 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb, factorial

Effect = dict[int, Fraction]
"""Coalition to weight; weights add up to 0."""

Order = tuple[int, ...]
"""A permutation of the players."""


def shapley(player: int, n: int) -> Effect:
    """Mean contribution of a player over all orders in which ``n`` players may be switched on.

    Parameters
    ----------
    player, n : int
        0 <= player < n.
    """
    out: Effect = {}
    for without in _subsets(n, player):
        size = without.bit_count()
        weight = Fraction(factorial(size) * factorial(n - size - 1), factorial(n))
        _add(out, without | 1 << player, weight)
        _add(out, without, -weight)
    return out


def first_order(player: int) -> Effect:
    """What a player does where all others are off."""
    return {1 << player: Fraction(1), 0: Fraction(-1)}


def last_order(player: int, n: int) -> Effect:
    """What a player does where all others are on."""
    everybody = (1 << n) - 1
    return {everybody: Fraction(1), everybody ^ 1 << player: Fraction(-1)}


def interaction(a: int, b: int, n: int) -> Effect:
    """Order-2 Shapley-Taylor index of two players: what they do together beyond what each does alone.

    The indices of all pairs and the first-order effects of all players add up to v(all) - v(none), exactly.
    """
    out: Effect = {}
    for without in _subsets(n, a, b):
        _square(out, without, a, b, Fraction(2, n * comb(n - 1, without.bit_count())))
    return out


def shapley_by_orders(player: int, orders: Sequence[Order]) -> Effect:
    """Mean contribution of a player over the given orders; what the players add up to stays v(all) - v(none)."""
    out: Effect = {}
    weight = Fraction(1, len(orders))
    for order in orders:
        before = predecessors(order, player)
        _add(out, before | 1 << player, weight)
        _add(out, before, -weight)
    return out


def interaction_by_orders(a: int, b: int, orders: Sequence[Order]) -> Effect:
    """Order-2 index of two players as the mean over the given orders, each at those before the earlier of the two."""
    out: Effect = {}
    for order in orders:
        before = min(predecessors(order, a), predecessors(order, b), key=int.bit_count)
        _square(out, before, a, b, Fraction(1, len(orders)))
    return out


def predecessors(order: Order, player: int) -> int:
    """The players that come before one in an order, as a coalition."""
    out = 0
    for other in order:
        if other == player:
            return out
        out |= 1 << other
    raise ValueError(f"player {player} is not in {order}")


def value_of(effect: Effect, game: Mapping[int, Fraction]) -> Fraction:
    """An effect's value on a game, exactly.

    Parameters
    ----------
    effect : Effect
    game : mapping
        Coalition to value; a float is the fraction that it stands for: ``Fraction(0.1)``.
    """
    return sum((weight * game[coalition] for coalition, weight in effect.items()), Fraction(0))


def _subsets(n: int, *left_out: int) -> list[int]:
    mask = sum(1 << player for player in left_out)
    return [coalition for coalition in range(1 << n) if not coalition & mask]


def _square(out: Effect, without: int, a: int, b: int, weight: Fraction) -> None:
    """Add the second difference at a coalition that has neither of two players."""
    _add(out, without | 1 << a | 1 << b, weight)
    _add(out, without | 1 << a, -weight)
    _add(out, without | 1 << b, -weight)
    _add(out, without, weight)


def _add(out: Effect, coalition: int, weight: Fraction) -> None:
    out[coalition] = out.get(coalition, Fraction(0)) + weight
