"""What a portfolio is worth under a venue's rules, what margin it needs, and at which prices it is closed.

Each number is the margin kernel's own (``kernels/margin.py``, ``kernels/inverse.py``), asked through ``doors``; what is
written here is the sum over positions, the haircut of collateral and the way back to human units. Equality is safe:
a portfolio is liquidatable below maintenance. Source: MODEL 2.4 and 2.6 [S:1, S:2, S:4, S:6].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from sim.calculator import doors
from sim.calculator.grid import Frame, Grid, Leg, frame_of, tier_rows
from sim.calculator.terms import Number, Portfolio, Terms, number, terms_of, worth
from sim.errors import RuleError
from sim.kernels.margin import TIER
from sim.settings.venue import VenueSettings
from sim.units import PPM

Marks = Mapping[str, Number]


@dataclass(frozen=True)
class Standing:
    """A portfolio at its marks, in dollars, or in coins of inverse contracts.

    Attributes
    ----------
    equity : Fraction
        What the liquidation test counts.
    free_equity : Fraction
        What the test on opening counts: haircuts that apply to initial margin alone are taken off too.
    maintenance, initial : Fraction
        Requirements, summed over positions.
    notional : Fraction
        Absolute values at mark, summed.
    """

    equity: Fraction
    free_equity: Fraction
    maintenance: Fraction
    initial: Fraction
    notional: Fraction

    @property
    def is_liquidatable(self) -> bool:
        """Whether equity is below maintenance; equality is safe."""
        return self.equity < self.maintenance

    @property
    def may_open(self) -> bool:
        """Whether free equity covers the initial margin."""
        return self.free_equity >= self.initial

    def withdrawable(self, least_share: Number = 0) -> Fraction:
        """What may be taken out, with at least ``least_share`` of the notional left; 0 when nothing may.

        Hyperliquid-like venues ask max(initial margin, 10% of the notional): 0.1.
        """
        kept = max(self.initial, number(least_share, "the least share") * self.notional)
        return max(Fraction(0), self.free_equity - kept)


def standing(
    portfolio: Portfolio, marks: Marks, leverage: Mapping[str, Number] | None = None, grid: Grid = "fine"
) -> Standing:
    """Equity and requirements of a portfolio, isolated (one position) or cross.

    Parameters
    ----------
    portfolio : Portfolio
        Positions, money and collateral.
    marks : mapping
        Mark price in dollars of every market that it holds.
    leverage : mapping, optional
        What the account chose for a market: initial margin is one part in it, or the tier's where that is more.
    grid : str
        See ``grid.py``.

    Returns
    -------
    Standing
        Rounded against the account, on the quantum of the grid.

    Raises
    ------
    RuleError
        When a mark is missing or no number, or the portfolio fits no grid.
    """
    at = _marks(portfolio, marks)
    frame = frame_of(portfolio, at, grid)
    counted, free = _backing(portfolio, frame)
    need = opening = value = 0
    for name, leg in frame.legs.items():
        chosen = number((leverage or {}).get(name, 1 << 40), "the leverage")
        if chosen < 1:
            raise RuleError(f"a leverage of {float(chosen):g} is below 1")
        equity, notional, maintenance, initial = _ask(leg, at[name], ceil(PPM / chosen))
        counted, free = counted + equity, free + equity
        need, opening, value = need + maintenance, opening + initial, value + notional
    return Standing(*(amount * frame.quantum for amount in (counted, free, need, opening, value)))


def equity(portfolio: Portfolio, marks: Marks) -> Fraction:
    """What the liquidation test counts, in dollars; coins of inverse contracts. See ``standing``."""
    return standing(portfolio, marks).equity


def requirement(venue: VenueSettings | Terms, notional: Number, leverage: Number | None = None) -> tuple[Fraction, ...]:
    """Maintenance and initial margin of an absolute value, by tiers, each rounded up to a millionth of a dollar.

    Parameters
    ----------
    venue : VenueSettings or Terms
        Whose tiers.
    notional : number
        Dollars, of an inverse contract coins; at least 0.
    leverage : number, optional
        What the account chose; initial margin is one part in it, or the tier's where that is more.

    Returns
    -------
    tuple of Fraction
        Maintenance, initial margin.
    """
    value, chosen = number(notional, "the notional"), number(leverage or 1 << 40, "the leverage")
    if value < 0 or chosen < 1:
        raise RuleError("a notional is at least 0, and a leverage at least 1")
    quantum = Fraction(1, 10**8 if terms_of(venue).is_inverse else 10**6)
    rows = tier_rows(terms_of(venue), quantum)
    parts = doors.requirements(ceil(value / quantum), ceil(PPM / chosen), rows)
    return tuple(part * quantum for part in parts)


def liquidation_price(
    portfolio: Portfolio, name: str, marks: Marks | None = None, grid: Grid = "fine"
) -> Fraction | None:
    """The mark of one market nearest to liquidation at which the portfolio is still safe, other marks held.

    Parameters
    ----------
    portfolio : Portfolio
        One position, or several that margin each other.
    name : str
        The market whose mark moves.
    marks : mapping, optional
        Marks of the other markets; without any, where each stands at its entry.
    grid : str
        See ``grid.py``; "venue" gives the mark in half ticks that the market's engine keeps.

    Returns
    -------
    Fraction or None
        Dollars. A long is liquidatable at every mark below and a short at every mark above; None when no mark is.

    Raises
    ------
    RuleError
        When the portfolio is below maintenance at every mark, or as for ``standing``.
    """
    leg, cash = _alone(portfolio, name, marks, grid)
    owes_nothing = cash >= 0 and leg.lots > 0 and leg.terms.maintenance_on == "mark"
    if owes_nothing and not leg.terms.is_inverse:
        return None  # nothing is owed on it; the requirement's rounding would else give the smallest price there is
    safe = doors.last_safe(cash, leg.lots, leg.unit, _tiers_of(leg), leg.ceiling, leg.terms.is_inverse)
    if _is_short(leg, cash, safe):
        raise RuleError(f"the portfolio is below maintenance at every mark of {name}")
    lowest = 1 if leg.terms.is_inverse else 0
    return None if safe == (lowest if leg.lots > 0 else leg.ceiling) else leg.price(safe)


def bankruptcy_price(
    portfolio: Portfolio, name: str, marks: Marks | None = None, grid: Grid = "fine"
) -> Fraction | None:
    """The price of one market at which the portfolio is worth nothing, other marks held.

    Parameters
    ----------
    portfolio, name, marks, grid
        As for ``liquidation_price``.

    Returns
    -------
    Fraction or None
        Dollars, rounded up to half a step; None when it is worth something at every price.

    Raises
    ------
    RuleError
        As for ``standing``.
    """
    leg, cash = _alone(portfolio, name, marks, grid, with_maintenance=False)
    found = doors.bankrupt_at(cash, leg.lots, leg.unit, leg.terms.is_inverse)
    return leg.price(found) if found else None


def forced_size(portfolio: Portfolio, name: str, marks: Marks) -> Fraction:
    """How much of one position the venue's engine closes first: down to a lower tier that complies, or all of it.

    Parameters
    ----------
    portfolio, name
        As for ``liquidation_price``; on the venue's own grid, since it closes whole lots.
    marks : mapping
        Mark price of every market.

    Returns
    -------
    Fraction
        Coins, closed at mark with the clearance fee on them; 0 for a portfolio that is safe.

    Raises
    ------
    RuleError
        As for ``standing``, for inverse contracts, of which no market is built, and for engines that do not go down to
        a compliant tier.
    """
    leg, cash = _alone(portfolio, name, marks, "venue")
    if leg.terms.is_inverse:
        raise RuleError("the engine of forced orders knows linear contracts alone")
    if leg.terms.engine != "tiered_ioc":
        raise RuleError(f"the first size of an engine of kind {leg.terms.engine} is not offered, of tiered_ioc it is")
    mark = leg.half_steps(_marks(portfolio, marks)[name])
    if not _is_short(leg, cash, mark):
        return Fraction(0)
    if leg.terms.maintenance_on == "entry":
        return abs(leg.lots) * leg.terms.lot
    fee = ceil(leg.terms.clearance_fee * PPM)
    return doors.to_close(cash, leg.lots, mark, leg.unit, leg.tiers, fee) * leg.terms.lot


def _marks(portfolio: Portfolio, marks: Marks) -> dict[str, Fraction]:
    """Every mark that is needed, each a number above 0."""
    missing = sorted(portfolio.positions.keys() - marks.keys())
    if missing:
        raise RuleError(f"no mark of {', '.join(missing)}: name one for every market that is held")
    found = {name: number(marks[name], f"the mark of {name}") for name in portfolio.positions}
    low = [name for name, mark in found.items() if mark <= 0]
    if low:
        raise RuleError(f"the mark of {', '.join(low)} is not above 0")
    return found


def _backing(portfolio: Portfolio, frame: Frame) -> tuple[int, int]:
    """Money with the collateral that the liquidation test counts, and with what the test on opening counts."""
    counted = free = frame.money
    for item in portfolio.collateral:
        value = floor(worth(item) / frame.quantum)
        left = value - doors.part_up(value, ceil(number(item.haircut, "a haircut") * PPM))
        counted, free = counted + (left if item.applies_to == "both" else value), free + left
    return counted, free


def _tiers_of(leg: Leg) -> Any:
    """The leg's tiers; where maintenance is asked on the value at entry, one tier that asks a fixed sum."""
    if leg.terms.maintenance_on == "mark":
        return leg.tiers
    fixed = doors.requirements(abs(leg.cash), 0, leg.tiers)[0]
    return np.array([(1 << 62, 0, -fixed, PPM)], TIER)


def _ask(leg: Leg, mark: Fraction, least_ppm: int) -> tuple[int, int, int, int]:
    """Equity without money, notional, maintenance and initial margin of a leg, by the kernels."""
    tiers = _tiers_of(leg)
    gained, value = doors.position_at(leg.cash, leg.lots, leg.half_steps(mark), leg.unit, leg.terms.is_inverse)
    return gained, value, doors.requirements(value, 0, tiers)[0], doors.requirements(value, least_ppm, leg.tiers)[1]


def _alone(
    portfolio: Portfolio, name: str, marks: Marks | None, grid: Grid, with_maintenance: bool = True
) -> tuple[Leg, int]:
    """One leg, and the money that backs it when everything else stands at its mark: equity less maintenance of the
    others.
    """
    if name not in portfolio.positions:
        held = ", ".join(sorted(portfolio.positions)) or "nothing"
        raise RuleError(f"the portfolio holds no position of {name!r}; it holds {held}")
    at = _marks(portfolio, {n: p.entry for n, p in portfolio.positions.items()} | dict(marks or {}))
    frame = frame_of(portfolio, at, grid)
    cash = _backing(portfolio, frame)[0] + frame.legs[name].cash
    for other, leg in frame.legs.items():
        if other != name:
            gained, _, maintenance, _ = _ask(leg, at[other], 0)
            cash += gained - (maintenance if with_maintenance else 0)
    return frame.legs[name], cash


def _is_short(leg: Leg, cash: int, mark: int) -> bool:
    """Whether equity is below maintenance at a mark in half steps."""
    gained, value = doors.position_at(cash, leg.lots, mark, leg.unit, leg.terms.is_inverse)
    return gained < doors.requirements(value, 0, _tiers_of(leg))[0]
