"""The loans of a protocol in the kernels' integers: coins of a market against dollars.

Reserve 0 is the coin in lots, reserve 1 dollars in micro-dollars at a price of one. Rules: ``kernels/lending.py``.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import units
from sim.kernels import lending_entries as rules
from sim.kernels.lending import MODE, REASONS, RESERVE
from sim.loans.rows import curve_row, reserve_row, shares_row, terms_row
from sim.settings.lender import LenderSettings

COIN, DOLLAR = np.int64(0), np.int64(1)
MICRO_USD = Fraction(1, units.MICRO)
YEAR_US = 365 * 86_400 * units.MICRO

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Called:
    """What a call does, or why it does nothing.

    Attributes
    ----------
    reason : str
        Empty when it is done.
    repaid_micro, seized_lots, fee_lots : int
        Debt repaid; coins the borrower loses; those of them that the protocol keeps.
    """

    reason: str
    repaid_micro: int
    seized_lots: int
    fee_lots: int


class LoanBook:
    """Who owes what against which coins.

    Parameters
    ----------
    lender : LenderSettings
        The protocol.
    coin, dollar : str
        Assets of it that are put up and borrowed.
    mode : str or None
        Efficiency mode of every loan.
    unit_micro : int
        Micro-dollars of a lot at a price of one tick.
    debt_micro, coin_lots : int64[n]
        What each borrower owes and has put up.
    """

    def __init__(
        self, lender: LenderSettings, coin: str, dollar: str, mode: str | None, unit_micro: int,
        debt_micro: Ints, coin_lots: Ints,
    ) -> None:  # fmt: skip
        self.unit_micro = unit_micro
        n = len(debt_micro)
        reserves = np.zeros(2, RESERVE)
        reserves[0] = reserve_row(lender, coin, 1, 2)
        reserves[1] = reserve_row(lender, dollar, 1, 1)
        modes = np.zeros(len(lender.modes) + 1, MODE)
        for m, numbers in enumerate(lender.modes.values(), 1):
            modes[m] = shares_row(numbers)
        place = 0 if mode is None else 1 + list(lender.modes).index(mode)
        self.collateral = np.stack([coin_lots, np.zeros(n, np.int64)], axis=1).astype(np.int64)
        self.debt = np.stack([np.zeros(n, np.int64), debt_micro], axis=1).astype(np.int64)
        self.deficit = np.zeros(2, np.int64)
        self._reserves = reserves
        self._head = (terms_row(lender, MICRO_USD), reserves, modes, np.full(n, place, np.int64))
        curve = lender.assets[dollar].curve
        assert curve is not None  # the settings ask for one
        self.curve = curve_row(curve)
        self._found = np.zeros(n, np.int64)

    @property
    def _arrays(self) -> tuple[Any, ...]:
        return *self._head, self.collateral, self.debt, self.deficit

    def price(self, half_ticks: int) -> None:
        """Put a price of the coin in force."""
        self._reserves[0]["price"] = half_ticks * self.unit_micro

    def below(self, health: float = 1.0) -> Ints:
        """Borrowers whose health is below a number, largest debt first."""
        n = rules.below_of(self._found, np.int64(units.ppm(health)), *self._arrays)
        found = self._found[:n].copy()
        return found[np.argsort(-self.debt[found, 1], kind="stable")]

    def standing(self, borrower: int) -> tuple[int, int]:
        """What may be owed before it is liquidated, and what is owed; micro-dollars."""
        _, _, threshold, debt = rules.sums_of(np.int64(borrower), *self._arrays)
        return int(threshold), int(debt)

    def quote(self, borrower: int, cover_micro: int) -> Called:
        """What a call would do that offers so much."""
        return self._called(rules.quote_of(np.int64(borrower), COIN, DOLLAR, np.int64(cover_micro), *self._arrays))

    def call(self, borrower: int, cover_micro: int) -> Called:
        """Do it; what is owed without collateral of any worth then is written off, into ``deficit``."""
        return self._called(rules.call_of(np.int64(borrower), COIN, DOLLAR, np.int64(cover_micro), *self._arrays))

    def rate_ppm(self, supply_micro: int) -> int:
        """Borrowing rate of a year at so much money supplied, in millionths, rounded up."""
        owed = int(self.debt[:, 1].sum())
        return int(rules.rate_of_year(self.curve, np.int64(owed), np.int64(max(supply_micro - owed, 0))))

    def accrue(self, rate_ppm: int, over_us: int) -> int:
        """Add interest to every loan, each rounded up; returns micro-dollars in all."""
        whole = units.PPM * YEAR_US
        added = [-(-int(owed) * rate_ppm * over_us // whole) for owed in self.debt[:, 1]]
        self.debt[:, 1] += np.array(added, np.int64)
        return sum(added)

    @staticmethod
    def _called(found: tuple[Any, ...]) -> Called:
        reason, repaid, seized, fee = (int(part) for part in found)
        return Called(REASONS[reason], repaid, seized, fee)


def drawn(
    draws: np.random.Generator, n: int, total_micro: int, size_spread: float, health_median: float, health_spread: float
) -> tuple[Ints, "NDArray[np.float64]"]:  # fmt: skip
    """Debts and healths of borrowers.

    Parameters
    ----------
    draws : numpy.random.Generator
    n, total_micro : int
        Borrowers; what they owe together, exactly.
    size_spread : float
        Standard deviation of the logarithm of debts.
    health_median, health_spread : float
        Median of health, above 1, and standard deviation of the logarithm of health less one.

    Returns
    -------
    debt_micro : int64[n]
    health : float64[n]
        Above 1.
    """
    weights = np.exp(size_spread * draws.standard_normal(n))
    ends = np.floor(np.cumsum(weights) / weights.sum() * total_micro).astype(np.int64)
    ends[-1] = total_micro
    health = 1.0 + (health_median - 1.0) * np.exp(health_spread * draws.standard_normal(n))
    return np.diff(ends, prepend=0), health
