"""What an account is worth, what margin it needs, and which changes of it are allowed.

Amounts are whole quanta: a base quantum is the smallest step of a position, a quote quantum the smallest step of money
(at dYdX 1e-6 USD). Rates are in millionths (ppm). A requirement is rounded up, a value towards zero, a rate down.
Source: dydxprotocol/v4-chain, the rules alone (liquidity tiers, risk of a subaccount, updates of a subaccount).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sim.calculator.doors import part_up
from sim.errors import RuleError
from sim.settings.rules import RuleSettings
from sim.units import PPM, micro, ppm


@dataclass(frozen=True)
class Contract:
    """One perpetual at one oracle price.

    Attributes
    ----------
    rules : RuleSettings
        Its margin rules.
    quote_per_base : Fraction
        Quote quanta that a base quantum is worth at the oracle price.
    open_interest : int
        Base quanta.
    """

    rules: RuleSettings
    quote_per_base: Fraction
    open_interest: int = 0


@dataclass(frozen=True)
class Account:
    """Money and positions, before unrealised profit: equity is money plus positions at the oracle price.

    Attributes
    ----------
    quote : int
        Quote quanta; below 0 for who owes.
    positions : mapping
        Contract's name to base quanta; below 0 for a short.
    """

    quote: int
    positions: Mapping[str, int]

    def changed(self, name: str, base: int, quote: int) -> "Account":
        """The account after a change of one position and of the money.

        Returns
        -------
        Account
            A new one.
        """
        return Account(self.quote + quote, {**self.positions, name: self.positions.get(name, 0) + base})


@dataclass(frozen=True)
class Risk:
    """Net collateral (equity) and what it has to cover, in quote quanta."""

    net_collateral: int
    initial: int
    maintenance: int

    @property
    def is_liquidatable(self) -> bool:
        """Whether net collateral is below maintenance; equality is safe, and so is who has no position."""
        return 0 < self.maintenance and self.net_collateral < self.maintenance


def quote_of(base: int, quote_per_base: Fraction) -> int:
    """Worth of a position in quote quanta, rounded towards zero.

    Returns
    -------
    int
        With the sign of ``base``.
    """
    worth = abs(base) * quote_per_base.numerator // quote_per_base.denominator
    return worth if base > 0 else -worth


def maintenance_ppm(rules: RuleSettings) -> int:
    """Maintenance margin rate: its share of the initial margin rate, rounded down.

    Returns
    -------
    int
        Millionths of the notional.
    """
    return ppm(rules.initial_margin) * ppm(rules.maintenance_share) // PPM


def initial_margin_ppm(rules: RuleSettings, open_interest_quote: int) -> int:
    """Initial margin rate at an open interest in quote quanta of 1e-6 USD, rounded down.

    Returns
    -------
    int
        Millionths: the base rate up to the lower bound, 1e6 from the upper bound on, a straight line between.
    """
    base = ppm(rules.initial_margin)
    lower, upper = micro(rules.open_interest_lower), micro(rules.open_interest_upper)
    if upper == 0 or open_interest_quote <= lower:
        return base
    if open_interest_quote >= upper:
        return PPM
    return base + (PPM - base) * (open_interest_quote - lower) // (upper - lower)


def initial_margin(rules: RuleSettings, notional: int, open_interest_quote: int) -> int:
    """Initial margin of an absolute notional, rounded up.

    Returns
    -------
    int
        Quote quanta.
    """
    return part_up(notional, initial_margin_ppm(rules, open_interest_quote))


def maintenance_margin(rules: RuleSettings, notional: int) -> int:
    """Maintenance margin of an absolute notional: a share of the margin at the base rate, each rounded up.

    Returns
    -------
    int
        Quote quanta. Open interest does not raise it.
    """
    return part_up(part_up(notional, ppm(rules.initial_margin)), ppm(rules.maintenance_share))


def position_risk(contract: Contract, base: int) -> Risk:
    """Worth and requirements of one position, without the account's money.

    Returns
    -------
    Risk
        In quote quanta.
    """
    worth = quote_of(base, contract.quote_per_base)
    open_interest = quote_of(contract.open_interest, contract.quote_per_base)
    rules = contract.rules
    return Risk(worth, initial_margin(rules, abs(worth), open_interest), maintenance_margin(rules, abs(worth)))


def account_risk(account: Account, contracts: Mapping[str, Contract]) -> Risk:
    """Risk of an account whose positions margin each other: everything is added up.

    Parameters
    ----------
    account : Account
        Its funding is settled.
    contracts : mapping
        Every contract that the account holds, by name.

    Returns
    -------
    Risk
        In quote quanta.

    Raises
    ------
    RuleError
        When a contract is missing.
    """
    missing = sorted(account.positions.keys() - contracts.keys())
    if missing:
        raise RuleError(f"no price and rules of {', '.join(missing)}: name every contract that the account holds")
    each = [position_risk(contracts[name], base) for name, base in account.positions.items()]
    return Risk(
        account.quote + sum(r.net_collateral for r in each),
        sum(r.initial for r in each),
        sum(r.maintenance for r in each),
    )


def is_less_risky(before: Risk, after: Risk) -> bool:
    """Whether an account below its initial margin may go from one state to another.

    Returns
    -------
    bool
        True when maintenance does not rise and net collateral over maintenance does not fall; without any position
        before and after, when net collateral rises. Never when the last position goes and a debt stays.
    """
    if after.maintenance > before.maintenance:
        return False
    if after.maintenance == 0 or before.maintenance == 0:
        return before.maintenance == 0 and after.net_collateral > before.net_collateral
    return after.net_collateral * before.maintenance >= before.net_collateral * after.maintenance


def is_allowed(before: Risk, after: Risk) -> bool:
    """Whether a trade may take an account from one state to another.

    Returns
    -------
    bool
        True when it is above its initial margin afterwards, or ``is_less_risky``.
    """
    return after.net_collateral >= after.initial or is_less_risky(before, after)
