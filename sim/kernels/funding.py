"""Funding payments: peer to peer on the notional at mark or index, exact to the micro-dollar.

The rate may be one for a longer time than lies between two payments: each then pays its part of it.

Who pays is charged rounded up, who receives is paid rounded down; what rounding leaves goes to the fee account and is
below one micro-dollar an account (law C5). Every watched account is hung anew afterwards, since its cash changed.
Source: MODEL 2.5 [S:5b], DECISIONS 14. Slow twin: tests/reference_market/funding.py.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined
from sim.kernels.fund import write_event
from sim.kernels.ledger import FEES, ONE, PERP, ZERO, pro_rata
from sim.kernels.liquidation import rehang
from sim.schema import EVENT_FUNDING

TWO_BILLION = np.int64(2_000_000_000)


@inlined
def payment_micro(position, price, unit, rate_ppb, payments):
    """What an account pays (negative: receives) at a price in half ticks, rounded up: longs pay where the rate, one for
    ``payments`` of them, is above 0.
    """
    owed = position * price * unit
    return -pro_rata(-owed if rate_ppb >= ZERO else owed, abs(rate_ppb), TWO_BILLION * payments)


@behaviour
def pay_funding(bk, ld, rk, px, now_us):
    """Every account pays or receives."""
    now = px.now[0]
    price = now["index_half_ticks"] if now["on_index"] != ZERO else now["mark_half_ticks"]
    unit, payments = ld.rules[PERP]["micro_per_tick_lot"], ONE + now["more_payments"]
    paid, left = ZERO, ZERO
    for a in range(ld.accounts.shape[0]):
        position = bk.positions[PERP, a]
        if position == ZERO:
            continue
        amount = payment_micro(position, price, unit, now["rate_ppb"], payments)
        ld.accounts[a]["cash_micro"] = ld.accounts[a]["cash_micro"] - amount
        paid += max(ZERO, amount)
        left += amount
        rehang(bk, ld, rk, np.int64(a))
        if np.int64(ld.accounts[a]["joint"]) != ZERO:
            ld.accounts[a]["touched"], ld.clock[0]["joint_touched"] = ONE, ONE
    ld.accounts[FEES]["cash_micro"] = ld.accounts[FEES]["cash_micro"] + left
    now["row_funding_micro"] = now["row_funding_micro"] + paid
    write_event(ld, rk, EVENT_FUNDING, FEES, ld.clock[0]["open_interest_lots"], price >> ONE, paid, now_us)


@inlined
def settle_funding(bk, ld, rk, px, now_us):
    """Step 3 of the tick: pay what is due at this tick's mark, or at its index."""
    now = px.now[0]
    is_due = now["funding_due"] != ZERO and now["funding_on"] != ZERO
    now["funding_due"] = ZERO
    if is_due:
        pay_funding(bk, ld, rk, px, now_us)
