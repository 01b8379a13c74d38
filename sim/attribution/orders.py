"""Which orders of the channels are looked at where there are too many to run all coalitions: antithetic pairs."""

from __future__ import annotations

import numpy as np

from sim.attribution.shapley import Order

MOST_EXACT = 8
"""Channels up to which all coalitions are run (MODEL.md 5.3)."""
ORDERS = 200
"""Orders that are drawn beyond (MODEL.md 5.3)."""
_DRAWS = 20251010  # the same question asks the same coalitions


def antithetic_orders(n: int, count: int = ORDERS) -> list[Order]:
    """Random orders, each followed by its reverse, in which the first player is the last.

    Parameters
    ----------
    n : int
        Players.
    count : int
        Orders, an even number. A larger count begins with the orders of a smaller one, so that its coalitions are kept.

    Returns
    -------
    list of tuple of int
    """
    if count < 2 or count % 2:
        raise ValueError(f"orders come in pairs: expected an even number from 2 on, got {count}")
    draw, out = np.random.default_rng(_DRAWS), []
    for _ in range(count // 2):
        order = tuple(int(player) for player in draw.permutation(n))
        out += [order, order[::-1]]
    return out
