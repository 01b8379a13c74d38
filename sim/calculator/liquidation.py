"""What a forced close must bring, at which price it is offered, what the fund gains or bears, and deleveraging.

Quanta, rates and roundings as in ``margin``. The bankruptcy quote is rounded up: in favour of the account's remaining
equity. Source: dydxprotocol/v4-chain, the rules alone (liquidations and deleveraging of the order-book module).
"""

from collections.abc import Mapping
from fractions import Fraction

from sim.calculator.doors import share_down
from sim.calculator.margin import Account, Contract, account_risk, is_allowed, position_risk, quote_of
from sim.errors import RuleError
from sim.units import PPM, micro, ppm

Contracts = Mapping[str, Contract]


def _closes(account: Account, name: str, delta: int) -> int:
    """The position that ``delta`` closes, or a part of it; else refused."""
    size = account.positions.get(name, 0)
    if size * delta >= 0 or abs(delta) > abs(size):
        raise RuleError(
            f"invalid position size delta {delta} of {name}: it must be opposite to the position, {size}, and no larger"
        )
    return size


def bankruptcy_quote(account: Account, contracts: Contracts, name: str, delta: int) -> int:
    """What the account must receive for closing ``delta``, so that equity shrinks as its maintenance does.

    Parameters
    ----------
    account : Account
        Its funding is settled.
    contracts : mapping
        Every contract that the account holds, by name.
    name : str
        The contract that is closed, whole or in part.
    delta : int
        Change of the position in base quanta, opposite to it.

    Returns
    -------
    int
        Quote quanta, below 0 for what it may pay at most: minus the change of worth, minus the share of net collateral
        that falls to the maintenance which is freed; the whole rounded up.

    Raises
    ------
    RuleError
        When ``delta`` is no close, or the account needs no maintenance.
    """
    size = _closes(account, name, delta)
    before, after = (position_risk(contracts[name], base) for base in (size, size + delta))
    total = account_risk(account, contracts)
    if total.maintenance == 0:
        raise RuleError("an account that needs no maintenance margin has no bankruptcy price")
    freed = share_down(total.net_collateral, before.maintenance - after.maintenance, total.maintenance)
    return before.net_collateral - after.net_collateral - freed


def liquidation_limit(account: Account, contracts: Contracts, name: str) -> Fraction:
    """Limit price of the forced order on one position.

    Returns
    -------
    Fraction
        Quote quanta per base quantum, exact: the oracle price, worse by ``maintenance_spread`` of the position's
        maintenance at bankruptcy and proportionally less before.

    Raises
    ------
    RuleError
        When there is no position, or the account needs no maintenance.
    """
    size, total = account.positions.get(name, 0), account_risk(account, contracts)
    if size == 0 or total.maintenance == 0:
        raise RuleError(f"an account without a position of {name} that needs margin has no forced order")
    rules, position = contracts[name].rules, position_risk(contracts[name], size)
    lost = (1 - Fraction(total.net_collateral, total.maintenance)) * ppm(rules.bankruptcy_adjustment) / PPM
    spread = min(max(lost, Fraction(0)), Fraction(1)) * ppm(rules.maintenance_spread) / PPM * position.maintenance
    return (position.net_collateral - spread) / size


def fund_change(account: Account, contracts: Contracts, name: str, delta: int, quote: int) -> int:
    """What the insurance fund gains from a forced fill.

    Parameters
    ----------
    account, contracts, name, delta
        As for ``bankruptcy_quote``, before the fill.
    quote : int
        Quote quanta that the fill brings the account; below 0 for a buy.

    Returns
    -------
    int
        Quote quanta: what the fill brings beyond the bankruptcy quote, at most ``liquidation_fee`` of its value,
        rounded down; below 0 the whole shortfall, which the fund pays.

    Raises
    ------
    RuleError
        As ``bankruptcy_quote``.
    """
    left = quote - bankruptcy_quote(account, contracts, name, delta)
    return min(left, abs(quote) * ppm(contracts[name].rules.liquidation_fee) // PPM)


def liquidation_delta(account: Account, contracts: Contracts, name: str, step: int = 1, used: int = 0) -> int:
    """How much of a position one block may liquidate.

    Parameters
    ----------
    account, contracts, name
        As for ``bankruptcy_quote``.
    step : int
        Smallest order, in base quanta.
    used : int
        Quote quanta of the account that this block has liquidated already.

    Returns
    -------
    int
        Change of the position in base quanta, a multiple of ``step`` unless it closes the whole: ``position_share`` of
        the position, worth ``position_least`` at least, and no more than is left of ``account_most``; rounded down,
        but one step at least.

    Raises
    ------
    RuleError
        When there is no position, or nothing is left of the block's allowance.
    """
    size, rules = account.positions.get(name, 0), contracts[name].rules
    allowance = micro(rules.account_most) - used
    if size == 0 or allowance < 0:
        raise RuleError(f"no position of {name}" if size == 0 else "this block has liquidated more than it may")
    worth = abs(quote_of(size, contracts[name].quote_per_base))
    share = max(micro(rules.position_least), worth * ppm(rules.position_share) // PPM)
    most = min(share, allowance)
    whole = worth <= most or abs(size) <= step
    base = abs(size) if whole else int(most / contracts[name].quote_per_base) // step * step
    base = min(max(base, step), abs(size))
    return -base if size > 0 else base


def deleverage(
    liquidated: Account, offsetting: Account, contracts: Contracts, name: str, base: int
) -> tuple[Account, Account]:
    """Close ``base`` quanta of two opposite positions against each other at the bankruptcy price of the first.

    Returns
    -------
    tuple of Account
        Both afterwards. What one is paid the other pays.

    Raises
    ------
    RuleError
        When a position is too small or on the wrong side, or the second account would be left in a state that a trade
        may not leave it in: their bankruptcy prices cross. The first may always follow, its own price makes it no
        riskier.
    """
    side = 1 if liquidated.positions.get(name, 0) > 0 else -1
    delta = -side * base
    quote = bankruptcy_quote(liquidated, contracts, name, delta)
    _closes(offsetting, name, -delta)
    left = offsetting.changed(name, -delta, -quote)
    if not is_allowed(account_risk(offsetting, contracts), account_risk(left, contracts)):
        raise RuleError("state transition not allowed: the bankruptcy prices of the two accounts cross")
    return liquidated.changed(name, delta, quote), left
