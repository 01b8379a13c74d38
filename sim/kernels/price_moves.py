"""What coins count for as collateral, and how far the prices of an exchange have moved since portfolios were looked at.

The bound on the move, and why it never leaves a portfolio alone too long: kernels/portfolios.py.
"""

import math

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import ZERO

OWN_BOOK, INDEX, REDEMPTION, FLOOR = (np.int64(i) for i in range(4))  # sources of a collateral value
NEW_REFERENCE = 0.01  # log distance from its reference at which an exchange gets a new one: changes speed, no result
APART = 2.0  # a price that becomes zero has moved farther than any portfolio is left alone


@small
def collateral_half_ticks(s, c, at):
    """What a coin of a listing is worth as collateral, in half ticks."""
    price = s.price[at]
    book = price["spot_half_ticks"]
    if c["source"] == OWN_BOOK:
        return book
    if c["source"] == INDEX:
        return price["given_half_ticks"] if price["index_given"] != ZERO else price["index_half_ticks"]
    nano = 1e9
    if c["redeems"] >= ZERO:
        other = s.price[c["redeems"]]["index_half_ticks"]
        nano = np.float64(other * s.listings[c["redeems"]]["half_tick_nano"])
    redemption = np.int64(c["ratio"] * nano / np.float64(s.listings[at]["half_tick_nano"]) + 0.5)
    if c["source"] == REDEMPTION:
        return redemption
    mixed = c["weight"] * np.float64(redemption) + (1.0 - c["weight"]) * np.float64(book)
    return max(np.int64(mixed + 0.5), np.int64(c["floor"] * np.float64(redemption) + 0.5))


@small
def apart(now, was):
    """Ratio of the larger of two prices to the smaller; 2 where one is zero and the other is not."""
    if now == was:
        return 1.0
    if min(now, was) <= ZERO:
        return APART
    return np.float64(max(now, was)) / np.float64(min(now, was))


@behaviour
def watch_prices(s, p):
    """Refresh collateral values; note how far the prices of each exchange have been from those of its reference."""
    for e in range(p.moved.shape[0]):
        farthest = 1.0
        for k in range(s.listings.shape[0]):
            at = np.int64(k)
            if s.listings[at]["exchange"] != np.int64(e):
                continue
            c = p.collateral[at]
            if c["source"] >= ZERO:
                c["value_half_ticks"] = collateral_half_ticks(s, c, at)
            farthest = max(farthest, apart(s.price[at]["mark_half_ticks"], p.seen[at, 0]))
            farthest = max(farthest, apart(c["value_half_ticks"], p.seen[at, 1]))
        reached = math.log(farthest)
        if reached > p.moved[e, 1]:
            p.moved[e, 0] += reached - p.moved[e, 1]
            p.moved[e, 1] = reached
        if reached > NEW_REFERENCE:
            refer_anew(s, p, np.int64(e))


@behaviour
def refer_anew(s, p, e):
    """Take the prices of now as an exchange's reference."""
    p.moved[e, 1] = 0.0
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        if s.listings[at]["exchange"] == e:
            p.seen[at, 0], p.seen[at, 1] = s.price[at]["mark_half_ticks"], p.collateral[at]["value_half_ticks"]
