"""Loans of a lending protocol as pure functions: where one stands, what may be borrowed, what a liquidation call does.

The kernels answer (``kernels/lending.py``). Source: MODEL 3.1 [S:18].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from sim.calculator.lending_room import LoanRoom, above, asset_of, close_part, room_of
from sim.calculator.terms import Number, number
from sim.errors import RuleError
from sim.kernels.lending import REASONS
from sim.settings.lender import LenderSettings
from sim.units import PPM

Amounts = Mapping[str, Number]


@dataclass(frozen=True)
class Loan:
    """What one account of a protocol has put up and owes, in coins by asset.

    Attributes
    ----------
    lender : LenderSettings
        The protocol.
    collateral, debt : mapping
        Asset of the protocol to coins, at least 0.
    mode : str or None
        Efficiency mode that it is in.
    """

    lender: LenderSettings
    collateral: Amounts = field(default_factory=dict)
    debt: Amounts = field(default_factory=dict)
    mode: str | None = None


@dataclass(frozen=True)
class LoanStanding:
    """Where a loan stands, in dollars.

    Attributes
    ----------
    collateral : Fraction
        Worth of what backs it, down.
    limit : Fraction
        What may be borrowed against it, down.
    threshold : Fraction
        What may be owed before it is liquidated, down.
    debt : Fraction
        What is owed, up.
    """

    collateral: Fraction
    limit: Fraction
    threshold: Fraction
    debt: Fraction

    @property
    def health(self) -> Fraction | None:
        """Threshold over debt; None without debt."""
        return self.threshold / self.debt if self.debt else None

    @property
    def is_liquidatable(self) -> bool:
        """Whether health is below one."""
        return self.threshold < self.debt

    @property
    def room(self) -> Fraction:
        """What may be borrowed more."""
        return max(Fraction(0), self.limit - self.debt)


@dataclass(frozen=True)
class LiquidationCall:
    """What one call does.

    Attributes
    ----------
    repaid : Fraction
        Coins of the debt that the liquidator pays.
    seized : Fraction
        Coins of the collateral that the borrower loses.
    fee : Fraction
        Part of ``seized`` that the protocol keeps.
    deficit : dict
        Asset to coins of debt written off, because no collateral of any worth is left.
    before, after : LoanStanding
        Around the call, what is written off included in neither.
    loan : Loan
        What is left of it.
    paid, taken : Fraction
        Dollars that ``repaid`` and ``seized`` are worth at the prices given.
    """

    repaid: Fraction
    seized: Fraction
    fee: Fraction
    deficit: dict[str, Fraction]
    before: LoanStanding
    after: LoanStanding
    loan: Loan
    paid: Fraction
    taken: Fraction

    @property
    def liquidator(self) -> Fraction:
        """Coins of the collateral that the liquidator takes."""
        return self.seized - self.fee

    @property
    def bonus(self) -> Fraction:
        """Dollars by which what is seized exceeds what is repaid, fee included."""
        return self.taken - self.paid

    @property
    def largest_slippage(self) -> Fraction:
        """How far below the price given the liquidator's coins may sell before the call costs him money."""
        return 1 - self.paid * self.seized / (self.taken * self.liquidator) if self.liquidator else Fraction(0)


def loan_standing(loan: Loan, prices: Amounts) -> LoanStanding:
    """Where a loan stands at prices.

    Parameters
    ----------
    loan : Loan
        Of any assets of its protocol.
    prices : mapping
        Asset to dollars, of each that the loan has.

    Returns
    -------
    LoanStanding
        Rounded to 1e-9 dollars, of loans beyond about $1bn to 1e-6.

    Raises
    ------
    RuleError
        For an asset, mode or price that is not there, or an amount below 0 or beyond 64 bits.
    """
    return _standing(_room(loan, prices))


def may_borrow(loan: Loan, prices: Amounts, asset: str, coins: Number) -> bool:
    """Whether an account may borrow so many coins more: its mode allows the asset, and its limit covers all it owes.

    Parameters
    ----------
    loan : Loan
        As it is.
    prices : mapping
        Asset to dollars, the borrowed one's too.
    asset : str
        To be borrowed.
    coins : number
        Above 0.

    Returns
    -------
    bool

    Raises
    ------
    RuleError
        As for ``loan_standing``.
    """
    amount = above(coins, "the loan")
    room = _room(loan, prices, {asset: amount})
    return room.may_borrow(room.names.index(asset), room.to_lots(asset, amount))


def close_factor(lender: LenderSettings, health: Number, collateral: Number, debt: Number) -> Fraction:
    """The part of all that an account owes which one call may repay.

    Parameters
    ----------
    lender : LenderSettings
        The protocol.
    health : number
        Of the account, below 1.
    collateral, debt : number
        Dollars of the account's collateral and debt in the pair of assets.

    Returns
    -------
    Fraction
        1 at or below ``full_close_health`` or where either is small, else ``close_factor``.

    Raises
    ------
    RuleError
        For a health of 1 or more, or a number below 0.
    """
    values = [number(v, what) for v, what in ((health, "the health"), (collateral, "collateral"), (debt, "debt"))]
    if min(values) < 0 or values[0] >= 1:
        raise RuleError("values are at least 0, and a health below 1: nothing else is liquidated")
    return Fraction(close_part(lender, *values), PPM)


def liquidation_call(
    loan: Loan, prices: Amounts, collateral: str, debt: str, cover: Number | None = None
) -> LiquidationCall:
    """Repay debt of a loan for its collateral and the bonus.

    Parameters
    ----------
    loan : Loan
        With a health below 1.
    prices : mapping
        Asset to dollars, of each that the loan has.
    collateral, debt : str
        Asset taken, and asset repaid.
    cover : number, optional
        Coins offered, above 0; what the close factor or the collateral does not allow is not taken. Default: all.

    Returns
    -------
    LiquidationCall
        With what is left of the loan.

    Raises
    ------
    RuleError
        Where the protocol refuses: health of 1 or more, nothing of either asset, less than ``least_left`` of both left;
        or as for ``loan_standing``.
    """
    offered = None if cover is None else above(cover, "the cover")
    room = _room(loan, prices, {debt: Fraction(0) if offered is None else offered, collateral: Fraction(0)})
    before = _standing(room)
    c, d = room.names.index(collateral), room.names.index(debt)
    reason, repaid, seized, fee = room.call(c, d, None if offered is None else room.to_lots(debt, offered))
    if reason:
        raise RuleError(_REFUSED[REASONS[reason]].format(health=_shown(before.health), collateral=collateral, debt=debt,
                                                         least=loan.lender.least_left))  # fmt: skip
    left = replace(loan, collateral=room.coins(4), debt=room.coins(5))
    coins = repaid * room.lots[d], seized * room.lots[c]
    worth = coins[0] * number(prices[debt], debt), coins[1] * number(prices[collateral], collateral)
    return LiquidationCall(*coins, fee * room.lots[c], room.coins(6), before, _standing(room), left, *worth)


_REFUSED = {
    "healthy": "health is {health}, not below 1: nothing may be liquidated",
    "no_collateral": "no {collateral} backs the loan",
    "no_debt": "no {debt} is owed",
    "nothing": "so small a cover takes nothing",
    "dust": "would leave less than ${least:g} of {debt} owed or of {collateral} held, and clear neither: refused",
}


def _shown(health: Fraction | None) -> str:
    return "without debt" if health is None else f"{float(health):.6g}"


def _standing(room: LoanRoom) -> LoanStanding:
    return LoanStanding(*(part * room.quantum for part in room.sums()))


def _room(loan: Loan, prices: Amounts, more: Mapping[str, Fraction] | None = None) -> LoanRoom:
    """The loan in integers; every asset of it and of the question has a price."""
    lender, extra = loan.lender, dict(more or {})
    sides = [{name: number(coins, name) for name, coins in part.items()} for part in (loan.collateral, loan.debt)]
    if loan.mode is not None and loan.mode not in lender.modes:
        raise RuleError(f"no mode {loan.mode!r} (there is: {', '.join(lender.modes) or 'none'})")
    named = sides[0] | sides[1] | extra
    for name in named:
        asset_of(lender, name)
        if name not in prices:
            raise RuleError(f"no price of {name}")
    if any(coins < 0 for side in sides for coins in side.values()):
        raise RuleError("collateral and debt are at least 0")
    worth = {name: above(prices[name], f"the price of {name}") for name in named}
    return room_of(lender, sides[0], sides[1], worth, loan.mode, extra)
