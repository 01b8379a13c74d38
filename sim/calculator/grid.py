"""From human units to the kernels' integers: the finest grid on which a portfolio's numbers fit 64 bits.

A price is whole steps (a mark: half steps), a size whole lots, money whole quanta. ``grid="venue"`` is the grid on
which the venue's market runs. On the fine one a linear position is one lot and a step of its price is one quantum of
money, so that prices come out between the venue's ticks. What a grid cannot hold is rounded against the account: money
down, what was paid up, a mark down for a long and up for a short.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import Any, Literal

import numpy as np

from sim.calculator.terms import Portfolio, Position, Terms, notional, number, terms_of, worth
from sim.errors import RuleError
from sim.kernels.margin import TIER
from sim.units import PPM

ROOM = 1 << 61  # no product of a kernel comes near 2^63
FINEST = 6  # decimal parts of a tick that an inverse contract's price may have
USD_QUANTA = tuple(Fraction(1, 10**n) for n in (9, 6))
COIN_QUANTA = tuple(Fraction(1, 10**n) for n in (10, 8))
REACH = 4  # times entry and mark and what else backs a unit: above, a short is under water and a long no worse

Grid = Literal["fine", "venue"]


@dataclass(frozen=True)
class Leg:
    """One position in integers.

    Attributes
    ----------
    lots : int
        Below 0 for a short; 1 or -1 on the fine grid, where the whole position is a lot.
    cash : int
        Quanta: what was paid for it, below 0 for a long; of an inverse contract what was credited.
    unit : int
        Quanta that a lot gains on a step; of an inverse contract the worth of a lot over a half step, see
        ``kernels/inverse.py``.
    step : Fraction
        Dollars.
    tiers : TIER[n]
        Money in quanta.
    ceiling : int
        Half steps: no price is looked for above.
    """

    terms: Terms
    lots: int
    cash: int
    unit: int
    step: Fraction
    tiers: Any
    ceiling: int

    def half_steps(self, mark: Fraction) -> int:
        """A mark in half steps, rounded against the account; at least 1."""
        exact = 2 * mark / self.step
        return max(1, floor(exact) if self.lots > 0 else ceil(exact))

    def price(self, half_steps: int) -> Fraction:
        """Dollars of a number of half steps."""
        return half_steps * self.step / 2


@dataclass(frozen=True)
class Frame:
    """A portfolio in integers; the quantum of money in dollars, or coins of inverse contracts."""

    quantum: Fraction
    money: int
    legs: Mapping[str, Leg]


def frame_of(portfolio: Portfolio, marks: Mapping[str, Fraction], grid: Grid = "fine") -> Frame:
    """Put a portfolio on a grid.

    Parameters
    ----------
    portfolio : Portfolio
        At least one position, all linear or all inverse.
    marks : mapping
        Name of the market to a price that the search reaches far beyond.
    grid : str
        "fine", or "venue": the grid on which the venue's market runs.

    Returns
    -------
    Frame
        On one quantum of money.

    Raises
    ------
    RuleError
        When it cannot be put on any, or a size is no whole number of lots.
    """
    kinds = {terms_of(position.venue).is_inverse for position in portfolio.positions.values()}
    if len(kinds) > 1:
        raise RuleError("linear and inverse contracts are margined in different money: ask about each by itself")
    quanta = COIN_QUANTA if True in kinds else USD_QUANTA
    money = number(portfolio.money, "the money")
    backing = abs(money) + sum(abs(worth(item)) for item in portfolio.collateral)
    backing += sum(_most(position, marks[name]) for name, position in portfolio.positions.items())
    for quantum in quanta if grid == "fine" else quanta[-1:]:
        legs = {name: _leg(p, marks[name], backing, quantum, grid) for name, p in portfolio.positions.items()}
        if backing / quantum < ROOM and all(legs.values()):
            return Frame(quantum, floor(money / quantum), {name: leg for name, leg in legs.items() if leg})
    raise RuleError("the portfolio is too large for 64-bit integers at its venue's tick and lot")


def _most(position: Position, mark: Fraction) -> Fraction:
    """The larger of a position's values at entry and at mark."""
    terms, size = terms_of(position.venue), number(position.size, "the size")
    return max(notional(terms, size, price) for price in (number(position.entry, "the entry price"), mark))


def _leg(position: Position, mark: Fraction, backing: Fraction, quantum: Fraction, grid: Grid) -> Leg | None:
    """A position on a quantum of money; None when it does not fit."""
    terms = terms_of(position.venue)
    size, entry = number(position.size, "the size"), number(position.entry, "the entry price")
    lots = size / terms.lot
    if lots.denominator != 1:
        raise RuleError(f"a size of {float(size):g} is no whole number of lots of {float(terms.lot):g}")
    if terms.is_inverse:
        return _inverse_leg(terms, lots, size / entry, REACH * max(entry, mark), quantum, grid)
    step = terms.tick if grid == "venue" else quantum / abs(size)
    whole = lots if grid == "venue" else lots / abs(lots)
    unit, ceiling = step * size / (whole * quantum), ceil(2 * REACH * backing / (abs(size) * step))
    if unit.denominator != 1 or abs(whole) * ceiling * unit >= ROOM:
        return None
    return Leg(terms, int(whole), floor(-size * entry / quantum), int(unit), step, tier_rows(terms, quantum), ceiling)


def _inverse_leg(
    terms: Terms, lots: Fraction, coins: Fraction, top: Fraction, quantum: Fraction, grid: Grid
) -> Leg | None:
    """The same of an inverse contract, credited with ``coins``, on the finest decimal part of a tick that fits."""
    for digits in reversed(range(FINEST + 1)) if grid == "fine" else [0]:
        step = terms.tick / 10**digits
        unit, ceiling = 2 * terms.lot / (step * quantum), ceil(2 * top / step)
        if unit.denominator == 1 and abs(lots) * unit < ROOM and ceiling < ROOM:
            return Leg(terms, int(lots), floor(coins / quantum), int(unit), step, tier_rows(terms, quantum), ceiling)
    return None


@lru_cache(maxsize=256)
def tier_rows(terms: Terms, quantum: Fraction) -> Any:
    """TIER rows in quanta: rates rounded up to millionths, deductions down; edges beyond reach are without end.

    Returns
    -------
    TIER[n]
        As the market's own on its quantum.
    """
    rows = np.zeros(len(terms.tiers), TIER)
    for row, tier in zip(rows, terms.tiers, strict=True):
        row["up_to_micro"] = 1 << 62 if tier.up_to is None else min(1 << 62, floor(tier.up_to / quantum))
        row["maintenance_ppm"] = ceil(tier.maintenance * PPM)
        row["deduction_micro"] = min(1 << 62, floor(tier.deduction / quantum))
        row["initial_ppm"] = ceil(tier.initial * PPM)
    return rows
