"""Slow twin of the reference prices of a network, from MODEL 2.2 and docs/network.md, with fractions and sorted lists;
imports nothing of the simulator.

Prices are in nano-dollars of the money that the listing asked is quoted in.
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Quote:
    """What one listing shows: prices in half ticks, when its spot mid was last seen, in its own money."""

    spot: int
    perp: int
    half_tick_nano: int
    seen_us: int


@dataclass
class Rule:
    """How one listing makes its index."""

    is_median: bool
    deviation: Fraction
    stale_us: int


Priced = list[tuple[Fraction, Fraction]]  # price, weight > 0


def in_money(price: Fraction, rate: int, quotes: list[Quote]) -> Fraction:
    """A price in another money: times the spot mid of listing ``rate - 1``, or over that of listing ``-rate - 1``."""
    if rate == 0:
        return price
    via = quotes[abs(rate) - 1]
    worth = Fraction(via.spot * via.half_tick_nano, 10**9)
    return price * worth if rate > 0 else price / worth


def middle(priced: Priced) -> Fraction:
    """Lowest price at which half of the weight lies at or below."""
    half = sum((weight for _, weight in priced), Fraction(0)) / 2
    return min(at for at, _ in priced if sum(w for p, w in priced if p <= at) >= half)


def index(priced: Priced, rule: Rule) -> Fraction:
    """The weighted mean of those near the median, or the median when more than one is far."""
    centre = middle(priced)
    near = [(p, w) for p, w in priced if abs(p / centre - 1) <= rule.deviation]
    if rule.is_median or len(priced) - len(near) > 1:
        return centre
    return sum(p * w for p, w in near) / sum(w for _, w in near)


def half_ticks(price: Fraction, quote: Quote) -> int:
    """Nearest half tick, halves up, at least one."""
    return max(1, math.floor(price / quote.half_tick_nano + Fraction(1, 2)))


def given_index(
    at: int, quotes: list[Quote], weights: list[float], rates: list[int], rule: Rule, now: int
) -> int | None:
    """Index of listing ``at`` in its half ticks; None when no component is fresh."""
    priced = [
        (in_money(Fraction(q.spot * q.half_tick_nano), rate, quotes), Fraction(weight))
        for q, weight, rate in zip(quotes, weights, rates, strict=True)
        if weight > 0 and now - q.seen_us <= rule.stale_us
    ]
    return half_ticks(index(priced, rule), quotes[at]) if priced else None


def perp_of_others(at: int, quotes: list[Quote], weights: list[float], rates: list[int]) -> int | None:
    """Weighted median of the perp mids of other exchanges, in half ticks of listing ``at``; None without any."""
    priced = [
        (in_money(Fraction(q.perp * q.half_tick_nano), rate, quotes), Fraction(weight))
        for q, weight, rate in zip(quotes, weights, rates, strict=True)
        if weight > 0
    ]
    return half_ticks(middle(priced), quotes[at]) if priced else None
