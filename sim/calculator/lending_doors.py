"""The lending kernels behind compiled doors, as ``doors`` is for clearing; no run reaches this file either.

Apart from ``doors``, so that a change of the market's kernels does not compile these anew.
"""

from sim.kernels._jit import entry
from sim.kernels.lending import Lending, borrow_rate_ppm, close_part_ppm, liquidate, may_borrow, sums
from sim.kernels.oracles import derived_price, observe


@entry
def sums_of(a, terms, reserves, modes, mode, collateral, debt, deficit):
    """See kernels/lending.py."""
    return sums(Lending(terms, reserves, modes, mode, collateral, debt, deficit), a)


@entry
def call_of(a, c, d, cover, terms, reserves, modes, mode, collateral, debt, deficit):
    """See kernels/lending.py."""
    return liquidate(Lending(terms, reserves, modes, mode, collateral, debt, deficit), a, c, d, cover)


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
