"""Margin of one perp account at one mark: equity, tiered maintenance, the last safe price, the size that restores
compliance.

Pure functions of integers. The mark is in half ticks (the index is a mid, exact at half a tick). Rounding is against
the account: equity floors, notional and maintenance ceil. Source: MODEL 2.4 [S:1, S:4]. Slow twin:
tests/reference_market/rules.py.
"""

import math

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import ONE, TWO, ZERO, rate_up

# MM(N) = N * maintenance - deduction, continuous over the edges; the last row is open-ended. Initial margin, 1 over the
# largest leverage on opening, is asked of Python agents alone.
TIER = np.dtype([("up_to_micro", "i8"), ("maintenance_ppm", "i8"), ("deduction_micro", "i8"), ("initial_ppm", "i8")])
# Micro-dollars by which a tick must change what equity has over its requirement: several times what roundings can.
ALTERNATES = 64.0


@small
def equity_micro(cash, position, mark_half_ticks, micro_per_tick_lot):
    """Cash plus position at mark, in micro-dollars, rounded down."""
    return cash + ((position * mark_half_ticks * micro_per_tick_lot) >> ONE)


@small
def notional_micro(position, mark_half_ticks, micro_per_tick_lot):
    """Absolute position at mark, in micro-dollars, rounded up."""
    return (abs(position) * mark_half_ticks * micro_per_tick_lot + ONE) >> ONE


@small
def tier_of(notional, tiers):
    """Row of the tier table that holds a notional (an edge belongs to the lower tier)."""
    last = np.int64(tiers.shape[0]) - ONE
    t = ZERO
    while t < last and notional > tiers[t]["up_to_micro"]:
        t += ONE
    return t


@small
def maintenance_micro(notional, tiers):
    """Maintenance margin of a notional, in micro-dollars, rounded up."""
    tier = tiers[tier_of(notional, tiers)]
    return rate_up(notional, tier["maintenance_ppm"]) - tier["deduction_micro"]


@small
def initial_micro(notional, least_ppm, tiers):
    """Initial margin of a notional at the rate of its tier, or ``least_ppm`` where that is more, rounded up."""
    return rate_up(notional, max(least_ppm, tiers[tier_of(notional, tiers)]["initial_ppm"]))


@small
def is_liquidatable(cash, position, mark, micro_per_tick_lot, tiers):
    """Whether equity is below maintenance at ``mark`` (half ticks). The exact test; equality is safe."""
    if position == ZERO:
        return cash < ZERO
    notional = notional_micro(position, mark, micro_per_tick_lot)
    return equity_micro(cash, position, mark, micro_per_tick_lot) < maintenance_micro(notional, tiers)


@small
def balance_half_ticks(cash, position, micro_per_tick_lot, tiers, ceiling, multiple):
    """About the last mark at which equity is ``multiple`` times maintenance, half ticks from 0 to ``ceiling``: the zero
    of a line in each tier, in floats. With it the number of looks, see ``next_look``, that count as had: what a search
    finds does not depend on where it begins, except where a tick moves what equity has over by so little that rounding
    makes marks safe and unsafe by turns; there it begins in the middle.
    """
    per_tick, side = np.float64(abs(position) * micro_per_tick_lot), 1.0 if position > ZERO else -1.0
    t, last, notional = ZERO, np.int64(tiers.shape[0]) - ONE, 0.0
    while True:
        rate, deduction = multiple * tiers[t]["maintenance_ppm"] * 1e-6, multiple * tiers[t]["deduction_micro"]
        if per_tick * (1.0 - side * rate) < ALTERNATES:
            return ZERO, TWO
        notional = -side * (cash + deduction) / (1.0 - side * rate)
        if t == last or notional <= tiers[t]["up_to_micro"]:
            break
        t += ONE
    at = min(max(2.0 * notional / per_tick, 0.0), np.float64(ceiling))
    return np.int64(math.ceil(at) if position > ZERO else math.floor(at)), ZERO


@small
def next_look(low, high, about, looks, up):
    """Where a search among the marks from ``low`` to ``high`` looks next: at ``about``, then beside it on the side that
    is left, after which mostly one mark is left; else in the middle. ``up`` is 0 for a long and 1 for a short: halves
    are rounded so, and the mark looked for is ``high`` or ``low`` where ``about`` was safe.
    """
    if looks == ZERO:
        return min(max(about, low + up), high - ONE + up)
    if looks == ONE and up == ZERO:
        return high - ONE if high == about else low
    if looks == ONE:
        return low + ONE if low == about else high
    return (low + high + up) >> ONE


@behaviour
def last_safe_half_ticks(cash, position, micro_per_tick_lot, tiers, ceiling):
    """The liquidation price: the mark nearest to it, in half ticks, at which the account is still safe.

    A long is liquidatable at every mark below the value returned and at none from it on (equity falls faster than
    maintenance); a short at every mark above it. So the filter built on it is exact: ``equity - maintenance`` there
    is at least 0 and less than what one half tick takes away. 0 for a long that can never be liquidated, ``ceiling``
    for a short that is safe up to there; ``ceiling`` for a long unsafe everywhere and 0 for a short unsafe everywhere.
    """
    low, high, up = ZERO, ceiling, ONE if position < ZERO else ZERO
    about, looks = balance_half_ticks(cash, position, micro_per_tick_lot, tiers, ceiling, 1.0)
    while low < high:
        mark = next_look(low, high, about, looks, up)
        looks += ONE
        if is_liquidatable(cash, position, mark, micro_per_tick_lot, tiers):
            low, high = (mark + ONE, high) if position > ZERO else (low, mark - ONE)
        else:
            low, high = (low, mark) if position > ZERO else (mark, high)
    return low


@behaviour
def alert_half_ticks(cash, position, micro_per_tick_lot, tiers, ceiling, multiple_ppm):
    """The mark nearest to it at which equity is still ``multiple_ppm`` millionths of maintenance: of a long the lowest,
    of a short the highest, in half ticks. The multiple times the highest maintenance rate must be below 1.
    """
    low, high, up = ZERO, ceiling, ONE if position < ZERO else ZERO
    about, looks = balance_half_ticks(cash, position, micro_per_tick_lot, tiers, ceiling, multiple_ppm * 1e-6)
    while low < high:
        mark = next_look(low, high, about, looks, up)
        looks += ONE
        needed = maintenance_micro(notional_micro(position, mark, micro_per_tick_lot), tiers)
        if equity_micro(cash, position, mark, micro_per_tick_lot) < rate_up(needed, multiple_ppm):
            low, high = (mark + ONE, high) if position > ZERO else (low, mark - ONE)
        else:
            low, high = (low, mark) if position > ZERO else (mark, high)
    return low


@small
def bankruptcy_half_ticks(cash, position, micro_per_tick_lot):
    """Price at which equity is zero, in half ticks, rounded up; 0 when it has none."""
    if position == ZERO:
        return ZERO
    price = -((TWO * cash) // (position * micro_per_tick_lot))
    return max(price, ZERO)


@small
def lots_to_close(cash, position, mark, micro_per_tick_lot, tiers, fee_ppm):
    """Smallest close that brings the account into compliance at mark: down to a lower tier's edge, or flat.

    Closing at mark leaves equity unchanged but for the fee on the closed notional; tier edges are tried from the
    highest below the present notional downwards (MODEL 2.6, "drop to the next lower tier, or flat").
    """
    size = abs(position)
    per_half_tick = mark * micro_per_tick_lot
    equity = equity_micro(cash, position, mark, micro_per_tick_lot)
    t = tier_of(notional_micro(position, mark, micro_per_tick_lot), tiers) - ONE
    while t >= ZERO:
        kept = (tiers[t]["up_to_micro"] * TWO) // per_half_tick
        if kept < size:
            fee = rate_up(notional_micro(size - kept, mark, micro_per_tick_lot), fee_ppm)
            if equity - fee >= maintenance_micro(notional_micro(kept, mark, micro_per_tick_lot), tiers):
                return size - kept
        t -= ONE
    return size
