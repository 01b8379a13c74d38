"""What a question to the calculator is about: contract terms of a venue, positions, and what backs them.

Human units in, exact: a float is the number a person meant by it, a text such as "0.1" is itself. Source: MODEL 2.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from sim.errors import RuleError
from sim.given import Number as Number
from sim.given import number as number
from sim.settings.venue import VenueSettings


@dataclass(frozen=True)
class Tier:
    """One bracket: maintenance is notional x ``maintenance`` - ``deduction`` up to ``up_to``, None in the last.

    Money is in dollars, of an inverse contract in coins.
    """

    up_to: Fraction | None
    maintenance: Fraction
    deduction: Fraction
    initial: Fraction


@dataclass(frozen=True)
class Terms:
    """What margin rules say of one contract.

    Attributes
    ----------
    tick : Fraction
        Smallest price step in dollars.
    lot : Fraction
        Smallest size: coins, or dollars of an inverse contract.
    tiers : tuple of Tier
        Lowest first.
    clearance_fee : Fraction
        Of the value that is closed by force.
    is_inverse : bool
        Worth a number of dollars, margined and settled in coins.
    maintenance_on : str
        "mark", or "entry": maintenance is asked on the value at entry and stays what it is (in the manner of Bybit's
        isolated linear contracts).
    engine : str
        Kind of the engine of forced orders, see ``kernels/engines.py``.
    """

    tick: Fraction
    lot: Fraction
    tiers: tuple[Tier, ...]
    clearance_fee: Fraction = Fraction(0)
    is_inverse: bool = False
    maintenance_on: Literal["mark", "entry"] = "mark"
    engine: str = "tiered_ioc"


def terms_of(profile: VenueSettings | Terms) -> Terms:
    """Contract terms of a venue profile; terms are handed back as they are.

    Returns
    -------
    Terms
        Of the perpetual. The lot of an inverse contract is a dollar, and its tiers' edges count coins.
    """
    if isinstance(profile, Terms):
        return profile
    tiers = tuple(
        Tier(
            None if tier.up_to is None else number(tier.up_to, "the end of a tier"),
            number(tier.maintenance, "a maintenance rate"),
            number(deduction, "a deduction"),
            1 / number(tier.max_leverage, "a leverage"),
        )
        for tier, deduction in zip(profile.margin_tiers, profile.deductions_usd, strict=True)
    )
    is_inverse = profile.contract == "inverse"
    return Terms(
        number(profile.perp.tick_usd, "the tick"),
        Fraction(1) if is_inverse else number(profile.perp.lot_coin, "the lot"),
        tiers,
        number(profile.engine.clearance_fee, "the clearance fee"),
        is_inverse,
        engine=profile.engine.kind,
    )


@dataclass(frozen=True)
class Position:
    """A position in one contract.

    Attributes
    ----------
    venue : VenueSettings or Terms
        Whose contract it is.
    size : number
        Coins, of an inverse contract dollars; below 0 for a short. Whole lots.
    entry : number
        Mean price in dollars.
    """

    venue: VenueSettings | Terms
    size: Number
    entry: Number


@dataclass(frozen=True)
class Collateral:
    """Coins or tokens that back a cross account.

    Attributes
    ----------
    amount, price : number
        Units, and dollars a unit: whatever the venue marks them at. Of a portfolio margined in coins, coins a unit.
    haircut : number
        Share of the worth that does not count.
    applies_to : str
        "initial": for opening alone, and the liquidation test counts the whole worth; "both".
    """

    amount: Number
    price: Number
    haircut: Number = 0
    applies_to: Literal["initial", "both"] = "both"


def worth(item: Collateral) -> Fraction:
    """What collateral is worth before its haircut, in dollars; coins in a portfolio margined in coins.

    Raises
    ------
    RuleError
        For an amount or a price below 0, or a haircut that is no share.
    """
    amount, price = number(item.amount, "an amount of collateral"), number(item.price, "the price of collateral")
    cut = number(item.haircut, "a haircut")
    if amount < 0 or price < 0 or not 0 <= cut <= 1:
        raise RuleError("collateral has an amount and a price of at least 0, and a haircut within 0 and 1")
    return amount * price


@dataclass(frozen=True)
class Portfolio:
    """Positions that margin each other, and what backs them; an isolated position is a portfolio of one.

    Attributes
    ----------
    money : number
        Dollars before unrealised profit, of inverse contracts coins; below 0 for who owes.
    positions : mapping
        Name of the market to its position.
    collateral : sequence
        Beside the money.
    """

    money: Number
    positions: Mapping[str, Position]
    collateral: Sequence[Collateral] = field(default=())


def isolated(
    venue: VenueSettings | Terms, size: Number, entry: Number, leverage: Number, name: str = "perp"
) -> Portfolio:
    """A position that nothing backs but its own margin, one part in ``leverage`` of its value at entry.

    Parameters
    ----------
    venue, size, entry
        As in ``Position``.
    leverage : number
        At least 1, and no more than the venue grants for the size.
    name : str
        Of the market.

    Returns
    -------
    Portfolio
        Of one position.

    Raises
    ------
    RuleError
        For a leverage outside these bounds.
    """
    terms, times = terms_of(venue), number(leverage, "the leverage")
    value = notional(terms, number(size, "the size"), number(entry, "the entry price"))
    most = 1 / _tier(terms, value).initial
    if not 1 <= times <= most:
        raise RuleError(f"a leverage of {float(times):g} is not within 1 and {float(most):g}, which this size may have")
    return Portfolio(value / times, {name: Position(terms, size, entry)})


def notional(terms: Terms, size: Fraction, price: Fraction) -> Fraction:
    """Absolute value of a size at a price: dollars, or coins of an inverse contract.

    Raises
    ------
    RuleError
        For a price that is not above 0, or a size of 0.
    """
    if price <= 0 or size == 0:
        found = f"a price of {float(price):g}" if price <= 0 else "a size of 0"
        raise RuleError(f"{found}: prices are above 0, and a position has a size")
    return abs(size) / price if terms.is_inverse else abs(size) * price


def _tier(terms: Terms, value: Fraction) -> Tier:
    """The bracket of a value; beyond the last, where a venue refuses, its terms go on."""
    return next((tier for tier in terms.tiers if tier.up_to is None or value <= tier.up_to), terms.tiers[-1])
