"""Slow twin of a portfolio's standing, written from MODEL 2.4 with fractions; imports nothing of the simulator.

A position is (size, entry, tiers); tiers are (upper edge or None, rate). All in dollars and coins, nothing is rounded.
"""

from fractions import Fraction

Tiers = list[tuple[Fraction | None, Fraction]]
Held = tuple[Fraction, Fraction, Tiers]


def maintenance(notional: Fraction, tiers: Tiers) -> Fraction:
    """Each part of the notional at the rate of the bracket it lies in: what makes the requirement continuous."""
    total, lower = Fraction(0), Fraction(0)
    for edge, rate in tiers:
        upper = notional if edge is None or edge > notional or edge == tiers[-1][0] else edge
        total += max(Fraction(0), upper - lower) * rate
        lower = max(lower, upper)
    return total


def equity(money: Fraction, held: dict[str, Held], marks: dict[str, Fraction]) -> Fraction:
    return money + sum(size * (marks[name] - entry) for name, (size, entry, _) in held.items())


def needed(held: dict[str, Held], marks: dict[str, Fraction]) -> Fraction:
    return sum((maintenance(abs(size) * marks[n], tiers) for n, (size, _, tiers) in held.items()), Fraction(0))


def margin_left(money: Fraction, held: dict[str, Held], marks: dict[str, Fraction]) -> Fraction:
    """Equity less maintenance: the liquidation price of one market is its root in that market's mark."""
    return equity(money, held, marks) - needed(held, marks)
