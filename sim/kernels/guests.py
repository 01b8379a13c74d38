"""Accounts of Python agents: what their open orders reserve, which orders are admitted, their place before the engine.

Nothing of a reservation is kept beside the book: it is computed from the agent's open orders where it is needed, so
that a fill or a cancel releases exactly what the order held. Open orders are a list through the agent's tickets.

1. A resting spot bid locks its price, with the fees, in ``free_micro``, where it backs no position; a spot ask reserves
   its coins.
2. Perp orders reserve initial margin for the larger of the two positions that they could lead to, all bids filled or
   all asks. A bid counts at its price or at mark, whichever is lower, an ask at the higher of the two; what a price is
   worse than mark is reserved in full, and so are taker fees, with a micro-dollar a lot for their rounding.
3. A new order or a replace is admitted when all that is then reserved is at most equity at mark plus locked cash; a
   perp order always when it can only close; a spot sale when the coins are there. What is refused changes nothing.

The rate of initial margin is 1 / the leverage that the agent asked for, or that of the venue's tier (1 / its largest
leverage on opening) where that is more. Source: DECISIONS 13, MODEL 2.4, 2.6. Slow twin:
tests/reference_market/order_margin.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, entry, inlined, small
from sim.kernels.book import META_BITS, price_of, slot_of
from sim.kernels.ladder import hang, unhang
from sim.kernels.ledger import (
    NO_OLDER,
    NO_TICKET,
    ONE,
    PERP,
    SPOT,
    TWO,
    ZERO,
    log_guest,
    maker_fee_ppm,
    rate_up,
    taker_fee_ppm,
)
from sim.kernels.margin import equity_micro, initial_micro
from sim.kernels.matching import take_out
from sim.schema import BUY, OK, ORDER_TAKEN_OFF, REJECT_COINS, REJECT_MARGIN

MOST_MICRO = np.int64(1 << 57)  # $144bn: an order above, or a side's orders together, are refused before they overflow


class Reserved(NamedTuple):
    """What open orders come to. Perp: lots of each side and twice their value in micro-dollars; what prices are worse
    than mark, and fees. Spot: money of bids, lots of asks.
    """

    bid_lots: Any
    ask_lots: Any
    bids_twice: Any
    asks_twice: Any
    costs_micro: Any
    spot_micro: Any
    spot_lots: Any


@small
def first_guest(ld):
    """First account row of Python agents, who come last."""
    return np.int64(ld.accounts.shape[0]) - ld.clock[0]["n_guests"]


@small
def most_fees(ld, b, a, value, lots):
    """Fees of an order of ``value`` micro-dollars, as taker or maker, whatever the number of its fills."""
    return rate_up(value, max(ZERO, taker_fee_ppm(ld, b, a), maker_fee_ppm(ld, b, a))) + lots


@small
def spot_cost(ld, a, price, lots):
    """What a spot bid may cost."""
    value = price * lots * ld.rules[SPOT]["micro_per_tick_lot"]
    return value + most_fees(ld, SPOT, a, value, lots)


@small
def with_order(ld, r, a, b, side, price, lots, mark):
    """Reservations with one more order."""
    if b == SPOT:
        cost, coins = (spot_cost(ld, a, price, lots), ZERO) if side == BUY else (ZERO, lots)
        return Reserved(r[0], r[1], r[2], r[3], r[4], r.spot_micro + cost, r.spot_lots + coins)
    unit = ld.rules[b]["micro_per_tick_lot"]
    worse = max(ZERO, TWO * price - mark if side == BUY else mark - TWO * price)
    twice = lots * unit * (min(TWO * price, mark) if side == BUY else max(TWO * price, mark))
    loss = (lots * unit * worse + ONE) >> ONE
    costs = r.costs_micro + loss + most_fees(ld, b, a, (twice + ONE) >> ONE, lots)
    if side == BUY:
        return Reserved(r.bid_lots + lots, r.ask_lots, r.bids_twice + twice, r.asks_twice, costs, r[5], r[6])
    return Reserved(r.bid_lots, r.ask_lots + lots, r.bids_twice, r.asks_twice + twice, costs, r[5], r[6])


@behaviour
def open_orders(bk, ld, a, but, mark):
    """Reservations of an agent's open orders but one ticket's; drops what is done from its list."""
    account, before = ld.accounts[a], NO_TICKET
    out = Reserved(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)
    k = account["newest_order"]
    while k >= ZERO:
        ticket = ld.tickets[k]
        older, slot = np.int64(ticket["older"]), slot_of(bk.pool, ticket["handle"])
        if slot == ZERO and np.int64(ticket["pending"]) == ZERO:
            ticket["older"] = NO_OLDER
            if before < ZERO:
                account["newest_order"] = older
            else:
                ld.tickets[before]["older"] = older
        else:
            before = k
            if slot != ZERO and k != but:
                row = np.int64(bk.pool[slot]["meta"]) >> META_BITS
                lots = bk.pool[slot]["lots"]
                out = with_order(ld, out, a, row >> ONE, row & ONE, price_of(bk, slot), lots, mark)
        k = older
    return out


@small
def reserved_micro(ld, tiers, a, position, mark, r):
    """Money that a position and open orders reserve: initial margin of the larger outcome, costs, spot bids."""
    held = position * mark * ld.rules[PERP]["micro_per_tick_lot"]
    exposure = (max(abs(held + r.bids_twice), abs(held - r.asks_twice)) + ONE) >> ONE
    return initial_micro(exposure, ld.accounts[a]["least_initial_ppm"], tiers) + r.costs_micro + r.spot_micro


@small
def money_micro(bk, ld, a, mark):
    """Equity at mark plus locked cash."""
    cash = ld.accounts[a]["cash_micro"] + ld.accounts[a]["free_micro"]
    return equity_micro(cash, bk.positions[PERP, a], mark, ld.rules[PERP]["micro_per_tick_lot"])


@behaviour
def status_of_account(bk, ld, rk, order, but, mark):
    """Whether an agent's account covers a new order, or a replace of ticket ``but``: OK, REJECT_MARGIN or
    REJECT_COINS. Of prices, sizes and tickets that the venue refuses anyhow nothing is said.
    """
    a, b, side, price, lots = order.owner, order.book, order.side, order.price, order.lots
    is_gone = but != NO_TICKET and slot_of(bk.pool, ld.tickets[but]["handle"]) == ZERO
    if price < ONE or lots < ONE or is_gone:
        return OK
    r, position = open_orders(bk, ld, a, but, mark), bk.positions[PERP, a]
    if b == SPOT and side != BUY:
        return OK if bk.positions[SPOT, a] - r.spot_lots >= lots else REJECT_COINS
    if lots > MOST_MICRO // (max(TWO * price, mark) * ld.rules[b]["micro_per_tick_lot"]):
        return REJECT_MARGIN
    closable = -position - r.bid_lots if side == BUY else position - r.ask_lots
    r = with_order(ld, r, a, b, side, price, lots, mark)
    if max(r.bids_twice, r.asks_twice, r.spot_micro) > MOST_MICRO:
        return REJECT_MARGIN
    if b == PERP and lots <= closable:
        return OK
    needed = reserved_micro(ld, rk.tiers, a, position, mark, r)
    return OK if needed <= money_micro(bk, ld, a, mark) else REJECT_MARGIN


@small
def lock_spot_bids(ld, a, r):
    """Lock what spot bids reserve, and unlock what is no longer reserved."""
    account = ld.accounts[a]
    account["cash_micro"] = account["cash_micro"] + account["free_micro"] - r.spot_micro
    account["free_micro"] = r.spot_micro


@behaviour
def take_off_orders(bk, ld, a, mark, now_us):
    """Cancel every resting order of an agent whom the engine works, and tell it; its locked cash backs its position
    again.
    """
    k = ld.accounts[a]["newest_order"]
    while k >= ZERO:
        ticket = ld.tickets[k]
        slot = take_out(bk, ticket["handle"])
        if slot != ZERO:
            side = (np.int64(bk.pool[slot]["meta"]) >> META_BITS) & ONE
            log_guest(ld, k, ORDER_TAKEN_OFF, ZERO, ticket["price_ticks"], side, ZERO, now_us)
        k = np.int64(ticket["older"])
    lock_spot_bids(ld, a, open_orders(bk, ld, a, NO_TICKET, mark))


@small
def is_queued(rk, a):
    """Whether the engine has an account under liquidation."""
    for i in range(rk.engine[0]["n_queue"]):
        if rk.queue[i] == a:
            return True
    return False


@small
def is_settled(bk, ld, a):
    """Whether an agent's account has no open order and hangs where it must, or has nothing to be hung for."""
    account, position = ld.accounts[a], bk.positions[PERP, a]
    if account["newest_order"] >= ZERO or account["free_micro"] != ZERO:
        return False
    if np.int64(account["bucket"]) >= ZERO:
        return position == account["hung_lots"] and account["cash_micro"] == account["hung_micro"]
    return position == ZERO and account["cash_micro"] >= ZERO


@behaviour
def settle_accounts(bk, ld, rk, px):
    """Lock cash for spot bids and hang every agent's account anew that has changed, as cash and position are now. One
    without a position that owes money joins the queue of the engine, where the fund takes it over.
    """
    mark, engine = px.now[0]["mark_half_ticks"], rk.engine[0]
    for row in range(first_guest(ld), ld.accounts.shape[0]):
        a = np.int64(row)
        if is_settled(bk, ld, a):
            continue
        account = ld.accounts[a]
        lock_spot_bids(ld, a, open_orders(bk, ld, a, NO_TICKET, mark))
        if np.int64(account["bucket"]) >= ZERO:
            unhang(ld, rk, a)
        elif is_queued(rk, a):
            continue
        if bk.positions[PERP, a] != ZERO:
            hang(bk, ld, rk, a)
        elif account["cash_micro"] < ZERO:
            rk.queue[engine["n_queue"]] = a
            engine["n_queue"] = engine["n_queue"] + ONE


@inlined
def settle_guests(bk, ld, rk, px):
    """After orders were matched: the accounts of Python agents, where there are any."""
    if ld.clock[0]["n_guests"] != ZERO:
        settle_accounts(bk, ld, rk, px)


@entry
def account_of(a, bk, ld, tiers, mark):
    """Equity and what position and open orders reserve, both with locked cash, in micro-dollars."""
    r = open_orders(bk, ld, a, NO_TICKET, mark)
    return money_micro(bk, ld, a, mark), reserved_micro(ld, tiers, a, bk.positions[PERP, a], mark, r)
