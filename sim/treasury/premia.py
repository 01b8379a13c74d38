"""A company that holds coins: three premia that are never mixed, and what issues and buybacks do to coins a share.

Exact, without a market. Gross coins a share counts every coin, whoever has a claim on it; what lenders and preferred
holders are owed is in two of the premia alone. Source: MODEL 4.8, 6.2.15.
"""

from dataclasses import dataclass
from fractions import Fraction

from sim.errors import RuleError
from sim.given import Number, number


@dataclass(frozen=True)
class Premia:
    """What a market pays for a treasury, in three measures.

    Attributes
    ----------
    equity : Fraction
        Market value of the shares over the coins at their price; decides whether an issue of shares adds coins a share.
    enterprise : Fraction
        Shares, debt and preferred stock less cash, over the coins at their price: what most sources call mNAV.
    net : Fraction or None
        Market value of the shares over what is left of the coins for them; None where nothing is.
    """

    equity: Fraction
    enterprise: Fraction
    net: Fraction | None


@dataclass(frozen=True)
class AgainstCost:
    """Coins at their price against what was paid for them, dollars.

    Attributes
    ----------
    value, cost : Fraction
    gain : Fraction
        Below 0 under water.
    """

    value: Fraction
    cost: Fraction
    gain: Fraction


def against_cost(coins: Number, price: Number, mean_cost: Number) -> AgainstCost:
    """Gross value of a treasury beside its cost.

    Parameters
    ----------
    coins : number
        Held, above 0.
    price, mean_cost : number
        Dollars a coin, above 0.

    Raises
    ------
    RuleError
        For a number that is not above 0.
    """
    held = _above_zero(coins, "the number of coins")
    value, cost = held * _above_zero(price, "the price"), held * _above_zero(mean_cost, "the mean cost")
    return AgainstCost(value, cost, value - cost)


def treasury_premia(
    coins: Number, price: Number, market_value: Number, debt: Number = 0, preferred: Number = 0, cash: Number = 0
) -> Premia:
    """Three premia of one balance sheet.

    Parameters
    ----------
    coins : number
        Held, above 0.
    price : number
        Dollars a coin, above 0.
    market_value : number
        Of the common shares, dollars, above 0. Whether the shares are counted diluted is the caller's to say.
    debt, preferred, cash : number
        Dollars, at least 0.

    Returns
    -------
    Premia
        m_eq = MC / (H P); m_EV = (MC + debt + preferred - cash) / (H P); m_net = MC / (H P - debt - preferred + cash).

    Raises
    ------
    RuleError
        For a number below its bound.
    """
    value = _above_zero(coins, "the number of coins") * _above_zero(price, "the price")
    shares = _above_zero(market_value, "the market value")
    owed, owned, kept = (
        _at_least_zero(amount, what)
        for amount, what in ((debt, "debt"), (preferred, "preferred stock"), (cash, "cash"))
    )
    claims = owed + owned - kept
    left = value - claims
    return Premia(shares / value, (shares + claims) / value, shares / left if left > 0 else None)


def after_issue(fraction: Number, premium: Number) -> Fraction:
    """Factor on coins a share when new shares are sold at the market and coins are bought for all of it.

    Parameters
    ----------
    fraction : number
        New shares, as a fraction of those there were; at least 0. An issue of G dollars is G / market value.
    premium : number
        The *equity* premium, above 0. The enterprise premium says nothing of it: above 1 with an equity premium below
        1, an issue takes coins from each share.

    Returns
    -------
    Fraction
        (1 + f m_eq) / (1 + f): above 1 where m_eq is, and only there.

    Raises
    ------
    RuleError
        For a number below its bound.
    """
    new = _at_least_zero(fraction, "the fraction of new shares")
    return (1 + new * _above_zero(premium, "the equity premium")) / (1 + new)


def after_claims(fraction: Number) -> Fraction:
    """Factor on gross coins a share when coins are bought with preferred stock or converts: nobody's shares change.

    Parameters
    ----------
    fraction : number
        Dollars raised over the coins at their price; at least 0.

    Returns
    -------
    Fraction
        1 + fraction. What the claim is owed grows by as much, so what is left for the shares is unchanged.

    Raises
    ------
    RuleError
        For a number below 0.
    """
    return 1 + _at_least_zero(fraction, "the fraction raised")


def after_buyback(fraction: Number, premium: Number) -> Fraction:
    """Factor on coins a share when coins are sold and shares bought at the market for all of it.

    Parameters
    ----------
    fraction : number
        Coins sold, as a fraction of those held; at least 0, below 1 and below the equity premium.
    premium : number
        The equity premium, above 0.

    Returns
    -------
    Fraction
        (1 - g) / (1 - g / m_eq): above 1 where m_eq is below 1, and only there.

    Raises
    ------
    RuleError
        For a number outside its bounds; at g = m_eq the coins buy every share.
    """
    sold, worth = _at_least_zero(fraction, "the fraction of coins sold"), _above_zero(premium, "the equity premium")
    if sold >= 1 or sold >= worth:
        raise RuleError(
            f"coins sold are {float(sold):g} of those held: below 1, and below the equity premium of {float(worth):g}, "
            "at which they buy every share"
        )
    return (1 - sold) / (1 - sold / worth)


def _above_zero(value: Number, what: str) -> Fraction:
    found = number(value, what)
    if found <= 0:
        raise RuleError(f"{what} is {float(found):g}: it is above 0")
    return found


def _at_least_zero(value: Number, what: str) -> Fraction:
    found = number(value, what)
    if found < 0:
        raise RuleError(f"{what} is {float(found):g}: it is at least 0")
    return found
