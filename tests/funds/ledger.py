"""Slow twin of an issuer's books, from the words of docs/etf.md: every order and fee in a list, everything else asked
of the list, in fractions.
"""

from fractions import Fraction
from math import ceil, floor


class Ledger:
    """A fund as the list of what happened to it."""

    def __init__(self, lots, shares, basket, fee_ppm):
        self.start, self.basket, self.fee_ppm = (lots, shares), basket, fee_ppm
        self.orders, self.fees, self.owed = [], [], Fraction(0)

    def settled(self):
        done = [o for o in self.orders if o["settled"]]
        lots = self.start[0] + sum(o["lots"] for o in done) - sum(self.fees)
        return lots, self.start[1] + sum(o["shares"] for o in done)

    def promised(self):
        lots = self.start[0] + sum(o["lots"] for o in self.orders) - sum(self.fees)
        return lots, self.start[1] + sum(o["shares"] for o in self.orders)

    def order(self, baskets, day):
        lots, shares = self.promised()
        claim = Fraction(lots, shares) * abs(baskets) * self.basket
        moved = ceil(claim) if baskets > 0 else -floor(claim)
        self.orders.append({"day": day, "shares": baskets * self.basket, "lots": moved, "settled": False})

    def settle(self, day):
        for order in self.orders:
            order["settled"] = order["settled"] or order["day"] < day

    def fee(self, days):
        self.owed += Fraction(self.settled()[0] * self.fee_ppm * days, 365 * 10**6)
        whole = floor(self.owed)
        self.owed -= whole
        self.fees.append(whole)
