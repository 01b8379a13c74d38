"""Laws that hold after every tick, checked by ``==`` on integers when a market is audited (MODEL 6.2.16, QUALITY
L4).
"""

import numpy as np

from sim.kernels._jit import behaviour
from sim.kernels.book import META_BITS, META_FAR, best_ask, best_bid, price_of
from sim.kernels.guests import first_guest, spot_cost
from sim.kernels.ledger import ONE, TWO, ZERO
from sim.kernels.marks import PERP, SPOT

HOLDS, CASH, POSITIONS, COINS, CROSSED, BOOK_TOTALS, NEGATIVE_COINS, FILLS_LEFT, SETTLED, INTEREST = (
    np.int64(i) for i in range(10)
)
FREE_CASH, LOCKED = np.int64(10), np.int64(11)
LAWS = (
    "all laws hold",
    "cash over all accounts changed",
    "perp positions do not sum to zero",
    "coins over all accounts changed",
    "a book is crossed",
    "orders of a side do not sum to its levels",
    "an account owes coins",
    "fills were left unsettled",
    "a perp position differs from what was settled",
    "open interest is not the sum of long positions",
    "an account owes free cash",
    "the cash locked for an agent's spot bids is not what its bids in the book reserve",
)


@behaviour
def side_is_whole(bk, row):
    """Whether the live orders of a side sum to its level totals and none of them is empty."""
    in_orders, in_levels = ZERO, ZERO
    for slot in range(1, bk.pool.shape[0]):
        order = bk.pool[slot]
        meta = np.int64(order["meta"])
        if np.int64(order["generation"]) & ONE and meta >> META_BITS == row and meta & META_FAR == ZERO:
            if order["lots"] <= ZERO:
                return False
            in_orders += order["lots"]
    side = bk.sides[row]
    first = np.int64(side["level0"])
    for at in range(first, first + np.int64(side["mask"]) + ONE):
        in_levels += bk.levels[at]["total_lots"]
    return in_orders == in_levels


@behaviour
def is_locked(bk, ld, a):
    """Whether an agent's locked cash is what its spot bids reserve, counted through the whole pool."""
    reserved = ZERO
    for slot in range(1, bk.pool.shape[0]):
        order = bk.pool[slot]
        is_bid = np.int64(order["meta"]) >> META_BITS == TWO * SPOT  # buys are the even rows
        if np.int64(order["generation"]) & ONE and is_bid and np.int64(order["owner"]) == a:
            reserved += spot_cost(ld, a, price_of(bk, np.int64(slot)), order["lots"])
    return reserved == ld.accounts[a]["free_micro"]


@behaviour
def broken_law(bk, ld):
    """Number of the first law that does not hold, 0 when all do."""
    cash, position, coins, longs = ZERO, ZERO, ZERO, ZERO
    for a in range(ld.accounts.shape[0]):
        account = ld.accounts[a]
        cash += account["cash_micro"] + account["free_micro"]
        position += bk.positions[PERP, a]
        longs += max(ZERO, bk.positions[PERP, a])
        if account["held_lots"] != bk.positions[PERP, a]:
            return SETTLED
        if account["free_micro"] < ZERO:
            return FREE_CASH
        coins += bk.positions[SPOT, a]
        if bk.positions[SPOT, a] < ZERO:
            return NEGATIVE_COINS
    for a in range(first_guest(ld), ld.accounts.shape[0]):
        if not is_locked(bk, ld, np.int64(a)):
            return LOCKED
    if cash != ld.clock[0]["cash_micro"]:
        return CASH
    if position != ZERO:
        return POSITIONS
    if longs != ld.clock[0]["open_interest_lots"]:
        return INTEREST
    if coins != ld.clock[0]["coin_lots"]:
        return COINS
    if bk.cursor[0]["n_fills"] != ZERO:
        return FILLS_LEFT
    for b in range(2):
        bid, ask = best_bid(bk, np.int64(b)), best_ask(bk, np.int64(b))
        if bid != ZERO and ask != ZERO and bid >= ask:
            return CROSSED
        for s in range(2):
            if not side_is_whole(bk, TWO * b + s):
                return BOOK_TOTALS
    return HOLDS
