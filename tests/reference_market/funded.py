"""Slow twins of dip buyers and trend followers, from MODEL 4.5; imports nothing of the simulator.

Prices in ticks, marks in half ticks, money in micro-dollars, times in microseconds.
"""

import math
from dataclasses import dataclass

SECOND = 1_000_000


def beats(start: int, tick: int, phase: int, period: int) -> bool:
    """Whether some multiple of the period, shifted back by the phase, lies in (start, start + tick]."""
    first = -(-(start + 1 + phase) // period) * period
    return first <= start + tick + phase


def bound(reference: int, side: int, ppm: int) -> int:
    """Worst price of a market order, rounded towards the reference."""
    exact = reference * (10**6 + (ppm if side == 0 else -ppm))
    return exact // (2 * 10**6) if side == 0 else max(1, -(-exact // (2 * 10**6)))


def affordable(cash: int, price: int, unit: int, fee_ppm: int) -> int:
    """Lots that cash pays for when every lot is a fill of its own and pays its fee rounded up, and one micro more."""
    return max(0, cash) // (price * unit + math.ceil(price * unit * fee_ppm / 10**6) + 1)


@dataclass
class Buyer:
    """A dip buyer that waits."""

    book: int
    threshold: int
    delay: int
    passed: int
    phase: int
    pace: int
    cash: int


def dip_order(
    b: Buyer, mark: int, index: int, start: int, tick: int, unit: int, fee_ppm: int, bound_ppm: int
) -> tuple[int, int, int] | None:
    """Book, price and lots of the slice that a buyer sends in this tick; notes when the threshold was passed."""
    if mark > 2 * b.threshold:
        return None
    if b.passed < 0:
        b.passed = start
    every = max(SECOND, tick)
    if start - b.passed < b.delay or not beats(start, tick, b.phase, every):
        return None
    price = min(b.threshold, bound(mark if b.book == 0 else index, 0, bound_ppm))
    lots = affordable(min(b.cash, int(b.pace * (every / SECOND))), price, unit, fee_ppm)
    return (b.book, price, lots) if lots else None


@dataclass
class Signal:
    """What trend followers see."""

    fast_us: float
    slow_us: float
    half_life_us: float
    every: int
    looked: int
    log_mark: float
    fast: float
    slow: float
    variance: float


def look(s: Signal, mark: int, now: int) -> None:
    """Exponential averages with time constants, variance a day with a half-life."""
    passed = now - s.looked
    if passed < s.every or passed == 0:
        return
    x = math.log(mark)
    for name in ("fast", "slow"):
        setattr(s, name, x + (getattr(s, name) - x) * math.exp(-passed / getattr(s, f"{name}_us")))
    kept = 0.5 ** (passed / s.half_life_us)
    s.variance = kept * s.variance + (1.0 - kept) * ((x - s.log_mark) ** 2 / (passed / 86_400e6))
    s.log_mark, s.looked = x, now


def wanted(s: Signal, money: int, mark: int, unit: int, target: float, most: float) -> int:
    """Money x clip(m / sigma) x target / sigma, in lots."""
    sigma = math.sqrt(s.variance)
    if sigma == 0.0:
        return 0
    share = min(1.0, max(-1.0, (s.fast - s.slow) / sigma)) * min(target / sigma, most)
    return int(2.0 * share * max(0, money) / (mark * unit))


def next_slice(missing: int, left: int, every: int) -> int:
    """What is missing over the slices left, rounded up."""
    return math.ceil(abs(missing) / max(1, left // every)) if left > 0 else abs(missing)
