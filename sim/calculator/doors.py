"""The kernels that the calculator asks, behind compiled doors: inner kernels have no Python wrapper of their own.

Python integers go in and come out; one that 64 bits cannot hold is refused. No run reaches this file, so it is no part
of the kernel hash.
"""

from typing import Any

import numpy as np

from sim.errors import RuleError
from sim.kernels._jit import entry
from sim.kernels.funding import payment_micro
from sim.kernels.inverse import inverse_bankruptcy, inverse_equity, inverse_last_safe, inverse_notional
from sim.kernels.ledger import pro_rata, rate_up
from sim.kernels.margin import (
    bankruptcy_half_ticks,
    equity_micro,
    initial_micro,
    last_safe_half_ticks,
    lots_to_close,
    maintenance_micro,
    notional_micro,
)
from sim.kernels.premium import funding_rate_ppb
from sim.units import LIMIT


@entry
def rate_up_of(amount, rate_ppm):
    """See kernels/ledger.py."""
    return rate_up(amount, rate_ppm)


@entry
def pro_rata_of(amount, part, whole):
    """See kernels/ledger.py."""
    return pro_rata(amount, part, whole)


@entry
def rate_of(premium, base, clamp, cap):
    """See kernels/premium.py."""
    return funding_rate_ppb(premium, base, clamp, cap)


@entry
def payment_of(position, mark, unit, rate_ppb):
    """See kernels/funding.py."""
    return payment_micro(position, mark, unit, rate_ppb)


@entry
def requirements_of(notional, least_ppm, tiers):
    """See kernels/margin.py."""
    return maintenance_micro(notional, tiers), initial_micro(notional, least_ppm, tiers)


@entry
def linear_of(cash, position, mark, unit):
    """See kernels/margin.py."""
    return (
        equity_micro(cash, position, mark, unit),
        notional_micro(position, mark, unit),
        bankruptcy_half_ticks(cash, position, unit),
    )


@entry
def linear_safe_of(cash, position, unit, tiers, ceiling):
    """See kernels/margin.py."""
    return last_safe_half_ticks(cash, position, unit, tiers, ceiling)


@entry
def close_of(cash, position, mark, unit, tiers, fee_ppm):
    """See kernels/margin.py."""
    return lots_to_close(cash, position, mark, unit, tiers, fee_ppm)


@entry
def inverse_of(cash, position, mark, scale):
    """See kernels/inverse.py."""
    return (
        inverse_equity(cash, position, mark, scale),
        inverse_notional(position, mark, scale),
        inverse_bankruptcy(cash, position, scale),
    )


@entry
def inverse_safe_of(cash, position, scale, tiers, ceiling):
    """See kernels/inverse.py."""
    return inverse_last_safe(cash, position, scale, tiers, ceiling)


def held(value: int, what: str) -> np.int64:
    """An integer of a kernel.

    Raises
    ------
    RuleError
        When it is 2^62 or more; the sentence names ``what``.
    """
    if abs(value) >= LIMIT:
        raise RuleError(f"{what} is {float(value):.3g}, past 2^62: the rules are computed in 64-bit integers")
    return np.int64(value)


def part_up(amount: int, ppm: int) -> int:
    """``amount x ppm / 1e6``, rounded up; 0 <= ``ppm`` <= 1e6."""
    return int(rate_up_of(held(amount, "an amount"), held(ppm, "a share")))


def share_down(amount: int, part: int, whole: int) -> int:
    """``amount x part / whole``, rounded down, for 0 <= ``part`` <= ``whole`` and ``whole`` > 0."""
    return int(pro_rata_of(held(amount, "an amount"), held(part, "a part"), held(whole, "a whole")))


def clamped_rate(premium: int, base: int, clamp: int, cap: int) -> int:
    """``premium + clamp(base - premium)``, cut to ``cap`` either way; all four in one unit."""
    return int(rate_of(*(held(v, "a rate") for v in (premium, base, clamp, cap))))


def payment_up(position: int, mark_halves: int, unit: int, rate_ppb: int) -> int:
    """What a position pays (below 0: receives) at a mark in halves of a tick, rounded up."""
    held(position * mark_halves * unit, "the value of a position")
    return int(payment_of(np.int64(position), np.int64(mark_halves), np.int64(unit), held(rate_ppb, "a rate")))


def requirements(notional: int, least_ppm: int, tiers: Any) -> tuple[int, int]:
    """Maintenance, and initial margin at the tier's rate or ``least_ppm``, of a notional, each rounded up."""
    maintenance, initial = requirements_of(held(notional, "a notional"), np.int64(least_ppm), tiers)
    return int(maintenance), int(initial)


def position_at(cash: int, lots: int, mark: int, unit: int, is_inverse: bool) -> tuple[int, int]:
    """Cash and position at a mark in half steps, rounded down; notional, rounded up."""
    ask = inverse_of if is_inverse else linear_of
    gained, value, _ = ask(held(cash, "money"), np.int64(lots), held(mark, "a mark"), held(unit, "a unit"))
    return int(gained), int(value)


def bankrupt_at(cash: int, lots: int, unit: int, is_inverse: bool) -> int:
    """Half steps at which nothing is left, rounded up; 0 when there is no such price."""
    ask = inverse_of if is_inverse else linear_of
    return int(ask(held(cash, "money"), np.int64(lots), np.int64(1), held(unit, "a unit"))[2])


def last_safe(cash: int, lots: int, unit: int, tiers: Any, ceiling: int, is_inverse: bool) -> int:
    """The last safe mark in half steps; see the kernels for what the ends of the range mean."""
    ask = inverse_safe_of if is_inverse else linear_safe_of
    return int(ask(held(cash, "money"), np.int64(lots), held(unit, "a unit"), tiers, held(ceiling, "a price")))


def to_close(cash: int, lots: int, mark: int, unit: int, tiers: Any, fee_ppm: int) -> int:
    """Lots to close at a mark in half steps, the fee on them included."""
    return int(close_of(held(cash, "money"), np.int64(lots), np.int64(mark), np.int64(unit), tiers, np.int64(fee_ppm)))
