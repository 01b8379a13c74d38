"""A loan in the kernels' integers: a room of one borrower on the finest grid that fits, and the doors asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from sim.calculator.doors import held
from sim.calculator.terms import Number, number
from sim.errors import RuleError
from sim.kernels import lending_entries
from sim.kernels.lending import MODE, NO_MODE, RESERVE
from sim.loans.rows import reserve_row, shares_row, terms_row
from sim.settings.lender import AssetRules, LenderSettings
from sim.units import LIMIT

FINEST = 15  # decimal parts of a coin
QUANTA = tuple(Fraction(1, 10**n) for n in (9, 6))
REACH = 1 << 54  # lots of an amount, so that sums and bonuses stay far from 2^62


@dataclass(frozen=True)
class LoanRoom:
    """Arrays in the order of the doors, and what turns their integers back.

    Attributes
    ----------
    arrays : tuple
        A protocol and one borrower, row 0.
    names : tuple of str
        Assets in the order of reserves.
    quantum : Fraction
        Dollars of a unit of money.
    lots : tuple of Fraction
        Coins of a lot, by asset.
    """

    arrays: tuple[Any, ...]
    names: tuple[str, ...]
    quantum: Fraction
    lots: tuple[Fraction, ...]

    def sums(self) -> tuple[int, int, int, int]:
        """Collateral, limit, threshold and debt, in units of money."""
        collateral, limit, threshold, debt = lending_entries.sums_of(np.int64(0), *self.arrays)
        return int(collateral), int(limit), int(threshold), int(debt)

    def call(self, c: int, d: int, cover: int | None) -> tuple[int, int, int, int]:
        """Reason, repaid, seized and fee of a call, which changes the room; None covers all it may."""
        debt = self.arrays[5]
        offered = debt[0, d] if cover is None else held(cover, "the cover")
        ask = lending_entries.call_of(np.int64(0), np.int64(c), np.int64(d), offered, *self.arrays)
        return int(ask[0]), int(ask[1]), int(ask[2]), int(ask[3])

    def may_borrow(self, r: int, lots: int) -> bool:
        """Whether the borrower may borrow so many lots more."""
        return bool(lending_entries.borrow_of(np.int64(0), np.int64(r), held(lots, "the loan"), *self.arrays))

    def coins(self, which: int) -> dict[str, Fraction]:
        """What there is of collateral (4), debt (5) or what was written off (6), by asset; without what is none."""
        row = np.atleast_2d(self.arrays[which])[0]
        return {name: int(row[r]) * self.lots[r] for r, name in enumerate(self.names) if row[r] != 0}

    def to_lots(self, name: str, coins: Fraction) -> int:
        """Whole lots of an amount.

        Raises
        ------
        RuleError
            When it has more digits than the grid.
        """
        return _whole(name, coins, self.lots[self.names.index(name)])


def room_of(
    lender: LenderSettings,
    collateral: Mapping[str, Fraction],
    debt: Mapping[str, Fraction],
    prices: Mapping[str, Fraction],
    mode: str | None,
    more: Mapping[str, Fraction],
) -> LoanRoom:
    """Put a loan on a grid.

    Parameters
    ----------
    lender : LenderSettings
        The protocol.
    collateral, debt : mapping
        Asset to coins, at least 0.
    prices : mapping
        Asset to dollars, above 0, of every asset named.
    mode : str or None
        Efficiency mode of the account.
    more : mapping
        Coins that a question adds, such as what a call covers, for which the grid must have room too.

    Returns
    -------
    LoanRoom
        Nothing has happened in it yet.

    Raises
    ------
    RuleError
        When an amount does not fit 64 bits, or has more digits than the grid that does.
    """
    names = tuple(lender.assets)
    largest = {name: max(part.get(name, Fraction(0)) for part in (collateral, debt, more)) for name in names}
    value = sum(((collateral.get(n, Fraction(0)) + largest[n]) * prices[n] for n in names if largest[n]), Fraction(0))
    quantum = next((step for step in QUANTA if 4 * value < LIMIT * step), None)
    if quantum is None:
        raise RuleError(
            f"the loan is worth ${float(value):.3g}, past 2^62 millionths: the rules are computed in 64 bits"
        )
    lots = tuple(_lot(largest[name]) for name in names)
    n = len(names)
    rows = np.zeros((2, 1, n), np.int64)
    for row, amounts in zip(rows, (collateral, debt), strict=True):
        row[0] = [_whole(name, amounts.get(name, Fraction(0)), lot) for name, lot in zip(names, lots, strict=True)]
    reserves = np.zeros(n, RESERVE)
    for r, name in enumerate(names):
        rate = prices.get(name, Fraction(1)) * lots[r] / quantum
        reserves[r] = reserve_row(
            lender, name, held(rate.numerator, f"the price of {name}"), held(rate.denominator, "a grid")
        )
    modes = np.zeros(len(lender.modes) + 1, MODE)
    for m, rules in enumerate(lender.modes.values(), 1):
        modes[m] = shares_row(rules)
    place = NO_MODE if mode is None else np.int64(1 + list(lender.modes).index(mode))
    arrays = (terms_row(lender, quantum), reserves, modes, np.array([place]), rows[0], rows[1], np.zeros(n, np.int64))
    return LoanRoom(arrays, names, quantum, lots)


def close_part(lender: LenderSettings, health: Fraction, collateral: Fraction, debt: Fraction) -> int:
    """Close factor in millionths at a health, and values of the pair in dollars."""
    terms, step = terms_row(lender, QUANTA[-1]), QUANTA[-1]
    threshold, whole = held(health.numerator, "the health"), held(health.denominator, "the health")
    values = (held(floor(value / step), "a value") for value in (collateral, debt))
    return int(lending_entries.part_of(terms, threshold, whole, *values))


def asset_of(lender: LenderSettings, name: str) -> AssetRules:
    """Rules of one asset; refused when there is none of that name."""
    if name not in lender.assets:
        raise RuleError(f"no asset {name!r} (there is: {', '.join(lender.assets)})")
    return lender.assets[name]


def above(value: Number, what: str) -> Fraction:
    """The number a person meant; refused when it is not above 0."""
    found = number(value, what)
    if found <= 0:
        raise RuleError(f"{what} is {float(found):g}: give a number above 0")
    return found


def _lot(coins: Fraction) -> Fraction:
    """The finest lot of which an amount is few enough."""
    for decimals in range(FINEST, -1, -1):
        if ceil(coins * 10**decimals) < REACH:
            return Fraction(1, 10**decimals)
    raise RuleError(f"{float(coins):.3g} coins do not fit 64-bit integers")


def _whole(name: str, coins: Fraction, lot: Fraction) -> int:
    lots = coins / lot
    if lots.denominator != 1:
        raise RuleError(f"{float(coins):.15g} {name} has more digits than fit: round it to {float(lot):g}")
    return int(lots)
