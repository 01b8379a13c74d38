"""What a venue's liquidation engine does with one account below maintenance, after its open orders were cancelled and
the test was made again: three rules (MODEL 2.6).

TIERED, in the manner of Binance:

1. Equity below zero: the fund takes cash and position whole, which is exactly the bankruptcy price.
2. Else one IOC sized to the next lower compliant tier, or flat, cut to what is left of this scan's budget for that
   side, bounded by ``order_bound`` of the mark. The clearance fee on the filled part goes to the fund and never exceeds
   the equity left.
3. Still below maintenance, and either equity below zero or the order not filled within its bound: the fund takes the
   rest. An order cut by the budget waits for the next scan.

TIER_FOK, in the manner of Bybit:

1. Equity below zero, or a position in the lowest tier: the fund takes it whole, at its bankruptcy price.
2. Else one FOK for what is above the next lower tier, bounded likewise. One that is larger than a whole scan's budget,
   or does not fill, is not to be had: the fund takes the account. One larger than what is left of the budget waits.
3. Still below maintenance: the next scan goes a tier lower; equity below zero: the fund takes the rest.

BACKSTOP, in the manner of Hyperliquid: the fund's row is a vault.

1. Equity below ``backstop_below`` of maintenance: position and margin go to the vault whole; none of it is returned.
2. Else a market order for the whole position, bounded likewise, without a budget; what is left of the collateral stays
   with the user. Of a position above ``large_order`` only ``large_share`` goes first, the rest ``cooldown`` later.
3. What did not fill stays, and is looked at in the next scan.

Slow twin: tests/reference_market/engines.py.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.adl import close_out
from sim.kernels.fund import take_over, write_event
from sim.kernels.guests import first_guest, take_off_orders
from sim.kernels.ladder import BROKE, hang
from sim.kernels.ledger import FUND, NO_TICKET, ONE, PERP, TWO, ZERO, Order, banded, rate_up, trade_now
from sim.kernels.margin import (
    equity_micro,
    is_liquidatable,
    lots_to_close,
    maintenance_micro,
    notional_micro,
    tier_of,
)
from sim.kernels.marks import bound_price
from sim.schema import BUY, EVENT_FORCED, FOK, IOC, SELL

TIERED, TIER_FOK, BACKSTOP = (np.int64(i) for i in range(3))
ENGINES = ("tiered_ioc", "tier_fok", "backstop")


@small
def pays_alone(ld, a):
    """Whether nothing but this account stands before the fund: not so a leg whose portfolio has equity left."""
    return np.int64(ld.accounts[a]["joint"]) == ZERO or np.int64(ld.accounts[a]["called"]) & BROKE != ZERO


@behaviour
def force_order(bk, ld, rk, a, lots, kind, mark, now_us):
    """One IOC or FOK for account ``a`` and its clearance fee. Returns lots filled."""
    account, engine = ld.accounts[a], rk.engine[0]
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    side = SELL if bk.positions[PERP, a] > ZERO else BUY
    price = banded(ld.rules[PERP], side, bound_price(mark, side, engine["order_bound_ppm"]))
    filled, value = trade_now(bk, ld, Order(PERP, side, price, lots, a, kind, NO_TICKET), now_us)
    if account["first_forced_us"] < ZERO:
        account["first_forced_us"] = now_us
        engine["row_accounts"] = engine["row_accounts"] + ONE
    if filled != ZERO:
        equity = equity_micro(account["cash_micro"], bk.positions[PERP, a], mark, unit)
        fee = min(rate_up(value, engine["clearance_fee_ppm"]), max(equity, ZERO))
        account["cash_micro"] = account["cash_micro"] - fee
        account["forced_lots"] = account["forced_lots"] + filled
        ld.accounts[FUND]["cash_micro"] = ld.accounts[FUND]["cash_micro"] + fee
        write_event(ld, rk, EVENT_FORCED, a, filled if side == BUY else -filled, value // (unit * filled), fee, now_us)
    if side == SELL:
        engine["row_sell_lots"] = engine["row_sell_lots"] + filled
        engine["row_sell_micro"] = engine["row_sell_micro"] + value
    else:
        engine["row_buy_lots"] = engine["row_buy_lots"] + filled
        engine["row_buy_micro"] = engine["row_buy_micro"] + value
    return filled


@inlined
def work_tiered(bk, ld, rk, a, mark, budget, now_us):
    """TIERED for one account. Returns lots used and whether it stays in the queue."""
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    if a >= first_guest(ld):
        take_off_orders(bk, ld, a, mark, now_us)
    cash, position = ld.accounts[a]["cash_micro"], bk.positions[PERP, a]
    if not is_liquidatable(cash, position, mark, unit, rk.tiers):
        hang(bk, ld, rk, a)
        return ZERO, False
    if equity_micro(cash, position, mark, unit) < ZERO:
        close_out(bk, ld, rk, a, mark, now_us)
        return ZERO, False
    wanted = lots_to_close(cash, position, mark, unit, rk.tiers, rk.engine[0]["clearance_fee_ppm"])
    lots = min(wanted, budget)
    if lots == ZERO:
        return ZERO, True
    filled = force_order(bk, ld, rk, a, lots, IOC, mark, now_us)
    cash, position = ld.accounts[a]["cash_micro"], bk.positions[PERP, a]
    if position == ZERO and (cash >= ZERO or not pays_alone(ld, a)):
        return filled, False
    if not is_liquidatable(cash, position, mark, unit, rk.tiers):
        hang(bk, ld, rk, a)
        return filled, False
    is_negative = equity_micro(cash, position, mark, unit) < ZERO
    if (is_negative and pays_alone(ld, a)) or (filled < lots and not is_negative):
        close_out(bk, ld, rk, a, mark, now_us)
        return filled, False
    return filled, True


@inlined
def work_fok(bk, ld, rk, a, mark, budget, whole, now_us):
    """TIER_FOK for one account, with what is left of a scan's budget and the whole of it. Returns lots used and whether
    it stays in the queue.
    """
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    if a >= first_guest(ld):
        take_off_orders(bk, ld, a, mark, now_us)
    cash, position = ld.accounts[a]["cash_micro"], bk.positions[PERP, a]
    if not is_liquidatable(cash, position, mark, unit, rk.tiers):
        hang(bk, ld, rk, a)
        return ZERO, False
    tier = tier_of(notional_micro(position, mark, unit), rk.tiers)
    filled = ZERO
    if tier != ZERO and equity_micro(cash, position, mark, unit) >= ZERO:
        lots = abs(position) - rk.tiers[tier - ONE]["up_to_micro"] * TWO // (mark * unit)
        if budget < lots <= whole:
            return ZERO, True
        if lots <= budget:
            filled = force_order(bk, ld, rk, a, lots, FOK, mark, now_us)
    cash, position = ld.accounts[a]["cash_micro"], bk.positions[PERP, a]
    if filled != ZERO and not is_liquidatable(cash, position, mark, unit, rk.tiers):
        hang(bk, ld, rk, a)
        return filled, False
    if filled == ZERO or (equity_micro(cash, position, mark, unit) < ZERO and pays_alone(ld, a)):
        close_out(bk, ld, rk, a, mark, now_us)
        return filled, False
    return filled, True


@inlined
def work_backstop(bk, ld, rk, a, mark, now_us):
    """BACKSTOP for one account. Returns whether it stays in the queue."""
    account, engine, unit = ld.accounts[a], rk.engine[0], ld.rules[PERP]["micro_per_tick_lot"]
    if a >= first_guest(ld):
        take_off_orders(bk, ld, a, mark, now_us)
    position = bk.positions[PERP, a]
    if not is_liquidatable(account["cash_micro"], position, mark, unit, rk.tiers):
        account["forced_again_us"] = ZERO
        hang(bk, ld, rk, a)
        return False
    notional = notional_micro(position, mark, unit)
    least = rate_up(maintenance_micro(notional, rk.tiers), engine["backstop_ppm"])
    if equity_micro(account["cash_micro"], position, mark, unit) < least or position == ZERO:
        take_over(bk, ld, rk, a, position, now_us)
        account["forced_again_us"] = ZERO
        return False
    if now_us < account["forced_again_us"]:
        return True
    lots = abs(position)
    if notional > engine["large_micro"] and account["forced_again_us"] == ZERO:
        lots = rate_up(lots, engine["large_share_ppm"])
        account["forced_again_us"] = now_us + engine["cooldown_us"]
    force_order(bk, ld, rk, a, lots, IOC, mark, now_us)
    position = bk.positions[PERP, a]
    if is_liquidatable(account["cash_micro"], position, mark, unit, rk.tiers):
        return True
    account["forced_again_us"] = ZERO
    hang(bk, ld, rk, a)
    return False
