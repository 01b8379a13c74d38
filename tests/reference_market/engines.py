"""Slow twin of two liquidation engines and of one account in them, written from MODEL 2.6 with lists; of the simulator
it imports nothing. Prices of the mark in half ticks, of orders in ticks.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference_market.rules import Tiers, equity, is_liquidatable, requirement

Event = tuple[str, int, int, int]  # kind, signed lots of the account, price in ticks, cash


@dataclass
class Desk:
    """One account, the fund or vault, and the levels (price, lots) of both sides, best first."""

    cash: int
    lots: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    tiers: Tiers
    bound_ppm: int
    unit: int = 1
    fund_cash: int = 0
    fund_lots: int = 0
    again_us: int = 0
    large: int = 0
    large_ppm: int = 0
    cooldown_us: int = 0
    backstop_ppm: int = 0
    pays_alone: bool = True  # a leg whose portfolio has equity left does not
    events: list[Event] = field(default_factory=list)

    def notional(self, mark: int) -> int:
        """At mark, rounded up."""
        return math.ceil(Fraction(abs(self.lots) * mark * self.unit, 2))

    def tier(self, mark: int) -> int:
        """Number of the tier that holds the position; an edge belongs to the lower one."""
        n = self.notional(mark)
        return next(i for i, (edge, _) in enumerate(self.tiers) if edge is None or n <= edge)

    def is_safe(self, mark: int) -> bool:
        """Whether the engine leaves the account alone."""
        return not is_liquidatable(self.cash, self.lots, mark, self.unit, self.tiers)

    def to_fund(self) -> None:
        """The fund takes cash and position whole."""
        price = math.ceil(Fraction(-2 * self.cash, self.lots * self.unit)) if self.lots else 0
        self.events.append(("takeover", self.lots, max(price, 0) >> 1, self.cash))
        self.fund_cash += self.cash
        self.fund_lots += self.lots
        self.cash = self.lots = 0

    def levels(self) -> list[tuple[int, int]]:
        """What a forced order of the account meets."""
        return self.bids if self.lots > 0 else self.asks

    def depth(self) -> int:
        """Lots within 90% of the best price: a whole scan's budget where all of it may be used."""
        levels = self.levels()
        return sum(n for p, n in levels if abs(p - levels[0][0]) <= levels[0][0] * 9 // 10)

    def trade(self, lots: int, mark: int, all_or_none: bool) -> int:
        """A forced order within its bound; returns lots filled."""
        side = 1 if self.lots > 0 else -1
        share = Fraction(self.bound_ppm, 10**6)
        bound = max(1, math.ceil(mark * (1 - share) / 2)) if side > 0 else math.floor(mark * (1 + share) / 2)
        levels = self.levels()
        within = sum(n for p, n in levels if p * side >= bound * side)
        if all_or_none and within < lots:
            return 0
        filled = value = 0
        while filled < lots and levels and levels[0][0] * side >= bound * side:
            price, here = levels[0]
            taken = min(here, lots - filled)
            filled, value = filled + taken, value + taken * price * self.unit
            levels[:1] = [(price, here - taken)] if here > taken else []
        if filled:
            self.cash += side * value
            self.lots -= side * filled
            self.events.append(("forced", -side * filled, value // (self.unit * filled), 0))
        return filled

    def fok(self, mark: int) -> bool:
        """TIER_FOK: returns whether the account waits for the next scan."""
        if self.is_safe(mark):
            return False
        tier, filled = self.tier(mark), 0
        if tier and equity(self.cash, self.lots, mark, self.unit) >= 0:
            edge = self.tiers[tier - 1][0]
            assert edge is not None
            excess = abs(self.lots) - math.floor(Fraction(2 * edge, mark * self.unit))
            if excess <= self.depth():
                filled = self.trade(excess, mark, all_or_none=True)
        if filled and self.is_safe(mark):
            return False
        if not filled or (equity(self.cash, self.lots, mark, self.unit) < 0 and self.pays_alone):
            self.to_fund()
            return False
        return True

    def backstop(self, mark: int, now_us: int) -> bool:
        """BACKSTOP: returns whether the account waits for the next scan."""
        if self.is_safe(mark):
            self.again_us = 0
            return False
        need = math.ceil(requirement(Fraction(self.notional(mark)), self.tiers))
        if self.lots == 0 or equity(self.cash, self.lots, mark, self.unit) < math.ceil(
            Fraction(need * self.backstop_ppm, 10**6)
        ):
            self.to_fund()
            self.again_us = 0
            return False
        if now_us < self.again_us:
            return True
        lots = abs(self.lots)
        if self.notional(mark) > self.large and self.again_us == 0:
            lots = math.ceil(Fraction(lots * self.large_ppm, 10**6))
            self.again_us = now_us + self.cooldown_us
        self.trade(lots, mark, all_or_none=False)
        if not self.is_safe(mark):
            return True
        self.again_us = 0
        return False


@dataclass
class Called:
    """A leg of a portfolio at its engine: what the portfolio has told (``called``: 1 to be taken in, 2 taken in, 4 all
    equity is gone, 8 sound again) and whether it is in the queue.
    """

    desk: Desk
    kind: str
    called: int = 0
    waits: bool = False

    def scan(self, mark: int, now_us: int) -> None:
        """One scan. Sound or flat, it is let go; below zero it waits for the portfolio while that has equity; else it
        is worked by the rule of its venue, and let go when it is safe by itself.
        """
        if self.called & 3 == 1:
            self.called += 1
            self.waits = True
        if not self.waits:
            return
        desk, self.desk.pays_alone = self.desk, bool(self.called & 4)
        if self.called & 8 or desk.lots == 0:
            self.called, self.waits = 0, False
        elif desk.pays_alone or equity(desk.cash, desk.lots, mark, desk.unit) >= 0:
            self.waits = desk.fok(mark) if self.kind == "fok" else desk.backstop(mark, now_us)
            if not self.waits and desk.lots:
                self.called = 0
