"""The kernels that the calculator asks, behind compiled doors: inner kernels have no Python wrapper of their own.

Python integers go in and come out; one that 64 bits cannot hold is refused. No run reaches this file, so it is no part
of the kernel hash.
"""

import numpy as np

from sim.errors import RuleError
from sim.kernels._jit import entry
from sim.kernels.funding import payment_micro
from sim.kernels.ledger import pro_rata, rate_up
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
