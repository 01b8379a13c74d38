"""Margin of one account in an inverse contract: worth a fixed number of dollars, margined and settled in coins.

Cash based like the linear contract: who buys a contract at price p is credited with its worth in coins then, so
equity = cash - position x worth / mark. Money is in satoshi (1e-8 coins), the mark in half ticks; ``scale`` is the
worth of one contract, in dollars, over a half tick, times 1e8. Rounding is against the account. Tiers hold edges and
deductions in satoshi. Pure functions: build refuses a market of inverse contracts. Source: MODEL 2.4, conformance
cases of inverse contracts. Slow twin: tests/reference_market/inverse.py.
"""

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import ONE, ZERO
from sim.kernels.margin import maintenance_micro


@small
def inverse_equity(cash, position, mark, scale):
    """Coins that would be left after closing at mark, in satoshi, rounded down."""
    return cash + (-(position * scale)) // mark


@small
def inverse_notional(position, mark, scale):
    """Worth of the position in satoshi, rounded up."""
    return -((-(abs(position) * scale)) // mark)


@small
def inverse_is_liquidatable(cash, position, mark, scale, tiers):
    """Whether equity is below maintenance at a mark of at least one half tick; equality is safe."""
    need = maintenance_micro(inverse_notional(position, mark, scale), tiers)
    return inverse_equity(cash, position, mark, scale) < need


@behaviour
def inverse_last_safe(cash, position, scale, tiers, ceiling):
    """The liquidation price: the last safe mark, in half ticks, searched between 1 and ``ceiling``.

    A long is liquidatable below it, a short above it. 1 for a long that is safe everywhere, ``ceiling`` for a short
    that is; a long safe nowhere below has ``ceiling``, a short safe nowhere has 1.
    """
    low, high = ONE, ceiling
    while low < high:
        middle = (low + high + (ZERO if position > ZERO else ONE)) >> ONE
        bad = inverse_is_liquidatable(cash, position, middle, scale, tiers)
        if position > ZERO:
            low, high = (middle + ONE, high) if bad else (low, middle)
        else:
            low, high = (low, middle - ONE) if bad else (middle, high)
    return low


@small
def inverse_bankruptcy(cash, position, scale):
    """Price at which equity is zero, in half ticks, rounded up; 0 when it has none (a short of no leverage)."""
    if position == ZERO or cash == ZERO or (position ^ cash) < ZERO:
        return ZERO
    return -((-abs(position) * scale) // abs(cash))
