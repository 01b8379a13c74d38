"""The lending kernels as compiled entries, asked by the desk of a lending protocol and by the calculator; and what the
liquidators of one see of the spot book that they sell in.
"""

import numpy as np

from sim.kernels._jit import behaviour, entry
from sim.kernels.book import ONE, ZERO, next_key
from sim.kernels.lending import (
    Lending,
    borrow_rate_ppm,
    close_part_ppm,
    is_below,
    liquidate,
    may_borrow,
    quote_call,
    sums,
)
from sim.kernels.oracles import derived_price, observe
from sim.schema import NO_KEY


@entry
def sums_of(a, terms, reserves, modes, mode, collateral, debt, deficit):
    """See kernels/lending.py."""
    return sums(Lending(terms, reserves, modes, mode, collateral, debt, deficit), a)


@entry
def quote_of(a, c, d, cover, terms, reserves, modes, mode, collateral, debt, deficit):
    """See kernels/lending.py; nothing changes."""
    return quote_call(Lending(terms, reserves, modes, mode, collateral, debt, deficit), a, c, d, cover)


@entry
def call_of(a, c, d, cover, terms, reserves, modes, mode, collateral, debt, deficit):
    """See kernels/lending.py."""
    return liquidate(Lending(terms, reserves, modes, mode, collateral, debt, deficit), a, c, d, cover)


@entry
def below_of(found, health_ppm, terms, reserves, modes, mode, collateral, debt, deficit):
    """Accounts whose health is below a number of millionths, in order, written to ``found``; returns how many."""
    ln = Lending(terms, reserves, modes, mode, collateral, debt, deficit)
    n = ZERO
    for a in range(mode.shape[0]):
        _, _, threshold, owed = sums(ln, a)
        if owed > ZERO and is_below(threshold, owed, health_ppm):
            found[n] = a
            n += ONE
    return n


@entry
def borrow_of(a, r, lots, terms, reserves, modes, mode, collateral, debt, deficit):
    """See kernels/lending.py."""
    return may_borrow(Lending(terms, reserves, modes, mode, collateral, debt, deficit), a, r, lots)


@entry
def part_of(terms, threshold, debt, collateral_worth, debt_worth):
    """See kernels/lending.py."""
    return close_part_ppm(terms[0], threshold, debt, collateral_worth, debt_worth)


@entry
def rate_of_year(curve, borrowed, available):
    """See kernels/lending.py."""
    return borrow_rate_ppm(curve[0], borrowed, available)


@entry
def observed(feed, market, now_us, delay_us, prices):
    """See kernels/oracles.py; the price in force after each observation."""
    for i in range(market.shape[0]):
        prices[i] = observe(feed[0], market[i], now_us[i], delay_us)


@entry
def derived_of(price, ratio, snapshot, growth_ppm, age_us):
    """See kernels/oracles.py."""
    return derived_price(price, ratio, snapshot, growth_ppm, age_us)


@behaviour
def walk(bk, row, lots, worst_key):
    """What an order of so many lots would meet on a side of a book, in its window, at keys up to ``worst_key``: lots,
    and the sum of lots times price in ticks.
    """
    side = bk.sides[row]
    end = min(np.int64(side["lo"]) + np.int64(side["mask"]), worst_key)
    key = np.int64(side["best"])
    met, value = ZERO, ZERO
    while key != NO_KEY and key <= end and met < lots:
        level = bk.levels[np.int64(side["level0"]) + (key & np.int64(side["mask"]))]
        here = min(lots - met, np.int64(level["total_lots"]))
        met += here
        value += here * abs(key)
        key = next_key(bk.words, side, key)
    return met, value


@entry
def walk_of(bk, row, lots, worst_key):
    """See ``walk``."""
    return walk(bk, row, lots, worst_key)
