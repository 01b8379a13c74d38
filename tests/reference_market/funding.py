"""Slow twin of funding, written from MODEL 2.5 with fractions and lists; imports nothing of the simulator."""

import math
from fractions import Fraction

Levels = list[tuple[int, int]]  # price in ticks and lots, best first


def impact_price(levels: Levels, unit: int, impact_micro: int) -> Fraction | None:
    """Mean price, in ticks, of trading the impact notional; whole lots, the last rounded up."""
    lots = value = 0
    for price, here in levels:
        if value * unit >= impact_micro:
            break
        taken = min(here, math.ceil(Fraction(impact_micro - value * unit, price * unit)))
        lots, value = lots + taken, value + taken * price
    return Fraction(value, lots) if lots else None


def premium_ppb(bids: Levels, asks: Levels, index_half_ticks: int, unit: int, impact_micro: int) -> int:
    """[max(0, impact bid - I) - max(0, I - impact ask)] / I in 1e-9, each term rounded down."""
    index = Fraction(index_half_ticks, 2)
    out = 0
    bid, ask = impact_price(bids, unit, impact_micro), impact_price(asks, unit, impact_micro)
    if bid is not None and bid > index:
        out += math.floor((bid - index) / index * 10**9)
    if ask is not None and ask < index:
        out += math.floor((ask - index) / index * 10**9)
    return out


def rate_ppb(samples: list[tuple[int, int]], base: int, clamp: int, cap: int) -> int:
    """F of (weight, premium) samples."""
    mean = math.floor(Fraction(sum(w * p for w, p in samples), sum(w for w, _ in samples)))
    rate = mean + max(-clamp, min(clamp, base - mean))
    return max(-cap, min(cap, rate))


def payments(positions: list[int], mark_half_ticks: int, unit: int, rate: int) -> list[int]:
    """What each account pays; negative is received. Rounded up for who pays, down for who receives."""
    return [math.ceil(Fraction(p * mark_half_ticks * unit * rate, 2 * 10**9)) for p in positions]
