"""Slow twin of makers with one purse over their listings, from MODEL 4.1 and docs/network.md; imports nothing of the
simulator. Plain floats in the order in which the rules say them, so that results are equal, not near.
"""

import math
from dataclasses import dataclass


@dataclass
class Seat:
    """A firm in one listing: whose purse, which asset, what it has and owes; prices in half ticks."""

    purse: int  # -1: of its own
    asset: int
    cash: int
    perp: int
    coins: int
    stock: int
    hedge: float
    capital: float
    limit: int
    unit: int
    mark: int
    index: int

    def equity(self) -> float:
        """Cash, position at mark, coins beyond the stock at index, less what the hedge cost."""
        worth = float(self.perp) * float(self.mark) + float(self.coins - self.stock) * float(self.index)
        return float(self.cash) + 0.5 * float(self.unit) * worth - self.hedge

    def dollars(self, lots: int) -> float:
        """Lots at mark."""
        return 0.5 * float(self.unit * self.mark) * float(lots)


Loading = tuple[float, float]  # on the shared news, on the altcoins'
Part = tuple[float, float, float]  # of an asset's variance: shared news, altcoins', its own


def health(mine: list[Seat]) -> float:
    """Equity over capital, both summed."""
    equity = capital = 0.0
    for seat in mine:
        equity, capital = equity + seat.equity(), capital + seat.capital
    return equity / capital


def used(mine: list[Seat], loading) -> float:
    """Share of a limit that is used: dollars times loading over limits times its size."""
    held = limit = 0.0
    for seat in mine:
        held = held + loading(seat) * seat.dollars(seat.perp + seat.coins - seat.stock)
        limit = limit + abs(loading(seat)) * seat.dollars(seat.limit)
    return held / limit


def felt(seats: list[Seat], loadings: list[Loading], parts: list[Part]) -> list[tuple[float, int] | None]:
    """Health of each firm's purse and the inventory that it feels in its listing, in lots; None without a purse."""
    out: list[tuple[float, int] | None] = []
    for seat in seats:
        if seat.purse < 0:
            out.append(None)
            continue
        mine = [other for other in seats if other.purse == seat.purse]
        share = 0.0
        for j in (0, 1):
            if parts[seat.asset][j] > 0.0:
                part = parts[seat.asset][j] * used(mine, lambda s, j=j: loadings[s.asset][j])
                share += part if loadings[seat.asset][j] > 0.0 else -part
        if parts[seat.asset][2] > 0.0:
            same = [other for other in mine if other.asset == seat.asset]
            share += parts[seat.asset][2] * used(same, lambda s: 1.0)
        out.append((health(mine), math.floor(share * float(seat.limit) + 0.5)))
    return out
