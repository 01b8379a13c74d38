"""Inverse contracts: kernel against the slow rules; the liquidation price is the last safe mark; rounding is against
the account.
"""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.margin import TIER
from tests.market.drivers import inverse_of
from tests.reference_market import inverse

SCALE = 2 * 10 * 10**8  # contracts of one dollar, ticks of 0.1 dollars
CEILING = 10_000_000
EDGES = [(2 * 10**8, 5_000), (20 * 10**8, 10_000), (None, 25_000)]  # satoshi, millionths
TABLE = np.array([(2 * 10**8, 5_000, 0, 0), (20 * 10**8, 10_000, 10**6, 0), (1 << 62, 25_000, 31 * 10**6, 0)], TIER)

sizes = st.one_of(st.integers(1, 100), st.integers(1, 10_000_000))
marks = st.integers(20_000, 3_000_000)
leverages = st.fractions(Fraction(1), Fraction(100), max_denominator=1000)


def opened(size, is_long, entry, leverage):
    """Cash and position after buying or selling at ``entry`` half ticks on margin."""
    side = 1 if is_long else -1
    worth = size * SCALE // entry
    return worth * leverage.denominator // leverage.numerator + side * worth, side * size


def ask(cash, position, mark):
    return tuple(
        int(v) for v in inverse_of(*(np.int64(x) for x in (cash, position, mark, SCALE)), TABLE, np.int64(CEILING))
    )


@settings(max_examples=500, deadline=None)
@given(sizes, st.booleans(), marks, leverages, marks)
def test_kernel_equals_the_slow_rules(size, is_long, entry, leverage, mark):
    cash, position = opened(size, is_long, entry, leverage)
    equity, bad, safe, bankrupt = ask(cash, position, mark)
    assert equity == inverse.equity(cash, position, mark, SCALE)
    assert bool(bad) == inverse.is_liquidatable(cash, position, mark, SCALE, EDGES)
    assert bankrupt == inverse.bankruptcy(cash, position, SCALE)
    if 1 < safe < CEILING:
        assert not inverse.is_liquidatable(cash, position, safe, SCALE, EDGES)
        assert inverse.is_liquidatable(cash, position, safe + (-1 if is_long else 1), SCALE, EDGES)
    assert bool(bad) == ((mark < safe) if is_long else (mark > safe))


@settings(max_examples=300, deadline=None)
@given(sizes, st.booleans(), marks, leverages)
def test_equity_is_zero_at_bankruptcy_within_a_half_tick(size, is_long, entry, leverage):
    cash, position = opened(size, is_long, entry, leverage)
    price = ask(cash, position, entry)[3]
    if price > 1:
        side = 1 if is_long else -1
        values = [side * (cash - Fraction(position * SCALE, p)) for p in (price - 1, price)]
        assert values[0] <= 0 <= values[1]


def test_a_short_without_leverage_is_never_bankrupt():
    """Coins to the worth of the short at entry: what is owed in dollars is always there."""
    cash, position = opened(50_000, False, 1_000_000, Fraction(1))
    assert cash == 0
    assert ask(cash, position, 1_000_000)[3] == 0
