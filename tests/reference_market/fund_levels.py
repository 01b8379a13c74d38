"""Slow twin of the insurance funds that stand in for one another, from EVENT P13 and docs/network.md, with fractions;
imports nothing of the simulator.
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Fund:
    """The fund of one listing with a perp: money in micro-dollars, the mark in half ticks."""

    exchange: int
    quote: int
    cash: int
    lots: int
    open_interest: int
    mark: int
    unit: int

    def equity(self) -> int:
        """Money at mark, rounded down."""
        return math.floor(self.cash + Fraction(self.lots * self.mark * self.unit, 2))

    def weight(self) -> int:
        """Open interest at mark in whole dollars, at least one."""
        return max(1, math.floor(Fraction(self.open_interest * self.mark * self.unit, 2 * 10**6)))


def levelled(funds: list[Fund], shares: list[bool]) -> list[int]:
    """Cash of each fund after the funds of every exchange that shares, and of one money, were shared out anew."""
    out = [fund.cash for fund in funds]
    for exchange, quote in {(fund.exchange, fund.quote) for fund in funds}:
        mine = [k for k, fund in enumerate(funds) if (fund.exchange, fund.quote) == (exchange, quote)]
        if not shares[exchange]:
            continue
        total, weight = sum(funds[k].equity() for k in mine), sum(funds[k].weight() for k in mine)
        parts = [math.floor(Fraction(total * funds[k].weight(), weight)) for k in mine[:-1]]
        for k, part in zip(mine, [*parts, total - sum(parts)], strict=True):
            out[k] += part - funds[k].equity()
    return out
