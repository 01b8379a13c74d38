"""Slow twin of how the deficit of a fund or vault is settled, written from MODEL 2.7; imports nothing of the
simulator."""

import math
from fractions import Fraction

from tests.reference_market.loss_shares import split, split_capped

Account = tuple[int, int, int]  # cash, lots, cost


def worth(cash: int, lots: int, mark: int, unit: int) -> int:
    """Cash plus position at a mark in half ticks, rounded down."""
    return math.floor(cash + Fraction(lots * mark * unit, 2))


def settle(rule: str, fund: Account, people: list[Account], mark: int, unit: int) -> list[tuple[int, int, int]]:
    """What each account that bears a part does: its number, lots given to it, money that it pays."""
    deficit = -worth(fund[0], fund[1], mark, unit)
    if deficit <= 0:
        return []
    wins = [p[1] != 0 and p[1] * fund[1] <= 0 for p in people]
    profit = [worth(-p[2], p[1], mark, unit) if w else 0 for p, w in zip(people, wins, strict=True)]
    equity = [max(0, worth(p[0], p[1], mark, unit)) if w else 0 for p, w in zip(people, wins, strict=True)]
    caps = [max(0, min(a, b)) for a, b in zip(profit, equity, strict=True)]
    if rule == "haircut":
        return [(i, 0, x) for i, x in enumerate(split(deficit, caps)[0]) if x]
    if rule == "optimal":
        return [(i, 0, x) for i, x in enumerate(split_capped(deficit, equity, caps)[0]) if x]
    if fund[1] == 0:
        return []
    bankrupt = max(0, math.ceil(Fraction(-2 * fund[0], fund[1] * unit)))
    sizes = [
        abs(p[1]) if gain > 0 and worth(p[0], p[1], bankrupt, unit) > 0 else 0
        for p, gain in zip(people, profit, strict=True)
    ]
    parts, _ = split(abs(fund[1]), sizes)
    cash, left, out = fund[0], abs(fund[1]), []
    for i, lots in enumerate(parts):
        if lots:
            paid = -math.floor(Fraction(cash * lots, left))
            cash, left = cash + paid, left - lots
            out.append((i, lots if fund[1] > 0 else -lots, paid))
    return out
