"""Money: who holds how much cash, what each fill moves, who pays which fee.

Perp accounting is cash based: a buyer pays ``price * lots`` at once and owes nothing later, so equity = cash +
position x mark and the sum of cash over all accounts never changes. Spot is the same with coins as the position.
Slow twin: tests/reference_market/rules.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.book import MASK32, U0, U1
from sim.kernels.matching import submit
from sim.schema import BUY, IOC, OK, STP_EXEMPT

ZERO, ONE, TWO = np.int64(0), np.int64(1), np.int64(2)
PERP, SPOT = np.int64(0), np.int64(1)
WIDE = np.int64(1 << 31)  # factors below this have a product that fits 64 bits
TOP_BIT_BUT_ONE = np.uint64(1 << 62)
MILLION = np.int64(1_000_000)
NOBODY = np.int64(-1)
HALT_WAIT, HALT_REJECT = ONE, TWO  # orders for a halted book stay in the mailbox, or are refused
NO_TICKET = np.int64(-1)
NO_OLDER = np.int64(-1)  # end of the list of a Python agent's open orders

# The first rows of the account table; makers, leveraged accounts and guests follow (see build.py).
TAKERS, NOISE, FUND, FEES, FLOW, HEDGERS, FIRST_MAKER = (np.int64(i) for i in range(7))

ACCOUNT = np.dtype(
    [
        ("cash_micro", "i8"),  # backs the perp position: equity = cash + position x mark
        ("held_lots", "i8"),  # perp position as settled; equals the book's own after every tick
        ("entry_micro", "i8"),  # signed cost of that position, average-cost method, see `move_position`
        ("free_micro", "i8"),  # cash that backs no position; 0 for a cross account
        ("fees_paid_micro", "i8"),
        ("key", "i8"),  # participant word of the random counter; survives a relabelling of rows
        ("rank", "i8"),  # keyed hash that orders liquidation scans
        ("liquidation_half_ticks", "i8"),  # last safe mark, see kernels/margin.py
        ("hung_micro", "i8"),  # cash and position that it was computed from
        ("hung_lots", "i8"),
        ("start_lots", "i8"),  # perp position at time 0
        ("forced_lots", "i8"),  # closed by the engine through the book
        ("taken_lots", "i8"),  # taken over by the insurance fund or closed against others by deleveraging
        ("adl_lots", "i8"),  # of its own position, closed by deleveraging as a counterparty
        ("first_forced_us", "i8"),  # -1 until the engine acts
        ("bucket", "i4"),  # side x number of buckets + bucket; -1 when not hung
        ("next", "i4"),
        ("prev", "i4"),
        ("alert_half_ticks", "i8"),  # mark beyond which an owner with free cash thinks of adding margin
        ("alert_bucket", "i4"),  # side x number of buckets + bucket + 1; 0 when not hung
        ("alert_next", "i4"),
        ("alert_prev", "i4"),
        ("leveraged", "i4"),  # 1 when the liquidation engine watches this account
        ("isolated", "i4"),  # 1: margin of the position apart from the account's other cash; 0: cross
        ("is_maker", "i4"),  # 1 for market-making firms: what they take is no news to other makers
        ("professional", "i4"),  # 1 for firms on the venue's professional fees
        ("least_initial_ppm", "i8"),  # of a Python agent: 1 / the leverage it asked for; see kernels/guests.py
        ("joint", "i4"),  # 1: margined with positions in other listings, see kernels/portfolios.py; never hung
        ("called", "i4"),  # of such an account: see CALLED in kernels/ladder.py; 0 when the engine leaves it alone
        ("touched", "i4"),  # of such an account: 1 since its position or cash changed by itself
        ("adl_exempt", "i4"),  # 1: never a counterparty of deleveraging
        ("newest_order", "i8"),  # of a Python agent: the ticket at the head of its open orders, or NO_TICKET
        ("forced_again_us", "i8"),  # of a large position cut in part: when the rest goes; 0: not cut
        ("took_lots", "i8", (4,)),  # as taker since the start: perp bought, perp sold, spot bought, spot sold
    ]
)

# One row for each book: the contract's units and fees. Rates are in millionths of the notional.
RULES = np.dtype(
    [
        ("micro_per_tick_lot", "i8"),
        ("taker_fee_ppm", "i8"),
        ("maker_fee_ppm", "i8"),
        ("order_bound_ppm", "i8"),  # a market order trades no further than this from its reference price
        ("band_low_ticks", "i8"),  # no sell order below, no buy order above: the venue's price band, see `banded`
        ("band_high_ticks", "i8"),
        ("halted", "i8"),  # 0, HALT_WAIT or HALT_REJECT
        ("professional_taker_ppm", "i8"),
        ("professional_maker_ppm", "i8"),
        ("most_per_tick", "i8"),  # of the perp's row: messages worked off in one tick over both books; 0: no limit
    ]
)

# Public tape of each book: what takers did in this tick, in the last one and since the last recorded row.
FLOWS = np.dtype(
    [
        ("tick_net_micro", "i8"),  # taker buys minus sells, market makers' own left out
        ("last_net_micro", "i8"),
        ("tick_quoted_micro", "i8"),  # of that, what traded against market makers and the crowd's limit orders
        ("last_quoted_micro", "i8"),
        ("row_buy_lots", "i8"),
        ("row_sell_lots", "i8"),
        ("row_fills", "i8"),
        ("row_messages", "i8"),  # new orders, cancels and replaces that reached the book, the engine's own left out
    ]
)

# An order's identity for its sender, valid before and after it reaches the book.
TICKET = np.dtype(
    [
        ("handle", "i8"),  # 0 when nothing rests
        ("filled_lots", "i8"),
        ("price_ticks", "i8"),  # of the last new order or replace that reached the book
        ("pending", "i4"),  # messages on their way
        ("status", "i4"),  # of the last message that reached the book
        ("older", "i4"),  # 0: no Python agent's. Else what happens is logged: its next older open order, or NO_OLDER
    ]
)

# What happened to the orders of Python agents.
GUEST_FILL = np.dtype(
    [
        ("time_us", "i8"),
        ("ticket", "i8"),
        ("lots", "i8"),
        ("price_ticks", "i8"),
        ("side", "i8"),
        ("is_maker", "i8"),
        ("status", "i8"),  # OK: a fill; else why a message was refused or the order taken off, and no lots
    ]
)


class Order(NamedTuple):
    """One order as its sender states it: price in ticks, ``kind`` GTC, IOC, FOK or POST, ticket or ``NO_TICKET``."""

    book: Any
    side: Any
    price: Any
    lots: Any
    owner: Any
    kind: Any
    ticket: Any


class Ledger(NamedTuple):
    """Accounts and everything a fill writes.

    ``accounts`` ACCOUNT[n_owners], ``rules`` RULES[n_books], ``flows`` FLOWS[n_books], ``tickets`` TICKET[...],
    ``slot_ticket`` int64[pool rows], ``guest_fills`` GUEST_FILL[...], ``clock`` CLOCK[1].
    """

    accounts: Any
    rules: Any
    flows: Any
    tickets: Any
    slot_ticket: Any
    guest_fills: Any
    clock: Any


@small
def rate_up(amount_micro, rate_ppm):
    """``amount * rate`` rounded up, without overflow; a negative rate (a rebate) is thereby rounded down in size."""
    whole = amount_micro // MILLION
    rest = amount_micro - whole * MILLION
    return whole * rate_ppm - ((-(rest * rate_ppm)) // MILLION)


@small
def lots_paid_for(cash, price, unit, fee_ppm):
    """Lots that cash pays for at ``price`` or better, each fill's fee rounded up included."""
    value = price * unit
    return max(ZERO, cash) // (value + rate_up(value, max(ZERO, fee_ppm)) + ONE)


@small
def taker_fee_ppm(ld, b, a):
    """What account ``a`` pays for taking in book ``b``."""
    if np.int64(ld.accounts[a]["professional"]) != ZERO:
        return ld.rules[b]["professional_taker_ppm"]
    return ld.rules[b]["taker_fee_ppm"]


@small
def maker_fee_ppm(ld, b, a):
    """What account ``a`` pays for a resting order that trades in book ``b``."""
    if np.int64(ld.accounts[a]["professional"]) != ZERO:
        return ld.rules[b]["professional_maker_ppm"]
    return ld.rules[b]["maker_fee_ppm"]


@behaviour
def long_pro_rata(rest, part, whole):
    """``rest * part / whole`` rounded down for 0 <= rest < whole < 2^62 and 0 <= part <= whole: long division in digits
    of ``part`` of as many bits as 64 have room for beyond ``whole``.
    """
    by, add, digits = np.uint64(whole), np.uint64(rest), np.uint64(part)
    room, bits, at = by, U0, U0
    while room < TOP_BIT_BUT_ONE:
        room, bits = room + room, bits + U1
    while digits >> at != U0:
        at += bits
    mask, out, left = (U1 << bits) - U1, U0, U0
    while at != U0:
        at -= bits
        left = (left << bits) + add * ((digits >> at) & mask)  # below whole * 2^(bits + 1) <= 2^64
        each = left // by
        out, left = (out << bits) + each, left - each * by
    return np.int64(out)


@small
def pro_rata(amount, part, whole):
    """``amount * part / whole`` rounded down, exact, for 0 <= part <= whole and 0 < whole < 2^62, without overflow."""
    each = amount // whole
    rest = amount - each * whole
    if whole < WIDE:
        return each * part + rest * part // whole
    return each * part + long_pro_rata(rest, part, whole)


@small
def move_position(ld, owner, lots, value):
    """Settle a change of a perp position by ``lots`` (negative: given away) that cost ``value`` micro-dollars in all.

    The cost of a position follows the average-cost method: it grows by what is added and shrinks pro rata, rounded
    down, with what is taken off; what crosses zero is opened anew at the price of this change. The open interest, the
    sum of long positions, follows each change.
    """
    account = ld.accounts[owner]
    held = account["held_lots"]
    after = held + lots
    if held == ZERO or (held ^ lots) >= ZERO:
        account["entry_micro"] = account["entry_micro"] + value
    elif after == ZERO or (held ^ after) >= ZERO:
        account["entry_micro"] = pro_rata(account["entry_micro"], abs(after), abs(held))
    else:
        account["entry_micro"] = pro_rata(value, abs(after), abs(lots))
    account["held_lots"] = after
    if np.int64(account["joint"]) != ZERO:
        account["touched"], ld.clock[0]["joint_touched"] = ONE, ONE
    ld.clock[0]["open_interest_lots"] = ld.clock[0]["open_interest_lots"] + max(after, ZERO) - max(held, ZERO)


@small
def transfer(bk, ld, giver, taker, lots, value):
    """Hand perp lots (negative: a short) from one account to another outside the book, for ``value`` micro-dollars."""
    ld.accounts[giver]["cash_micro"] = ld.accounts[giver]["cash_micro"] + value
    ld.accounts[taker]["cash_micro"] = ld.accounts[taker]["cash_micro"] - value
    bk.positions[PERP, giver] -= lots
    bk.positions[PERP, taker] += lots
    if lots != ZERO:  # else only money moves
        move_position(ld, giver, -lots, -value)
        move_position(ld, taker, lots, value)


@small
def charge(accounts, owner, amount_micro):
    """Move a fee from an account to the fee account."""
    accounts[owner]["cash_micro"] = accounts[owner]["cash_micro"] - amount_micro
    accounts[owner]["fees_paid_micro"] = accounts[owner]["fees_paid_micro"] + amount_micro
    accounts[FEES]["cash_micro"] = accounts[FEES]["cash_micro"] + amount_micro


@small
def log_guest(ld, ticket, status, lots, price, side, is_maker, now_us):
    """Write one row for the Python agent that owns the ticket; room is guaranteed by the growth check of the tick."""
    at = ld.clock[0]["n_guest_fills"]
    row = ld.guest_fills[at]
    row["time_us"] = now_us
    row["ticket"] = ticket
    row["lots"] = lots
    row["price_ticks"] = price
    row["side"] = side
    row["is_maker"] = is_maker
    row["status"] = status
    ld.clock[0]["n_guest_fills"] = at + ONE


@small
def note_ticket(ld, ticket, lots, price, side, is_maker, now_us):
    """Add filled lots to a ticket, and a log row when a Python agent owns it."""
    if ticket >= ZERO:
        row = ld.tickets[ticket]
        row["filled_lots"] = row["filled_lots"] + lots
        if np.int64(row["older"]) != ZERO:
            log_guest(ld, ticket, OK, lots, price, side, is_maker, now_us)


@small
def post_fills(bk, ld, b, side, ticket, now_us):
    """Settle the fills of one message: cash, positions, fees, tape, tickets. Empties the fill rows. Returns the traded
    value.

    Each fill moves ``price * lots * micro_per_tick_lot`` from buyer to seller. Fees are charged on that value,
    rounded up for who pays.

    Returns
    -------
    int64
        Micro-dollars traded.
    """
    rules = ld.rules[b]
    flow = ld.flows[b]
    n = bk.cursor[0]["n_fills"]
    total = ZERO
    for i in range(n):
        fill = bk.fills[i]
        lots = fill["lots"]
        if lots == ZERO:  # a self-trade prevented: the maker's order is gone, nothing moved
            continue
        price = np.int64(fill["price_ticks"])
        taker, maker = np.int64(fill["taker_owner"]), np.int64(fill["maker_owner"])
        value = price * lots * rules["micro_per_tick_lot"]
        paid = value if side == BUY else -value
        if b == PERP:
            change = lots if side == BUY else -lots
            move_position(ld, taker, change, paid)
            move_position(ld, maker, -change, -paid)
        ld.accounts[taker]["cash_micro"] = ld.accounts[taker]["cash_micro"] - paid
        ld.accounts[maker]["cash_micro"] = ld.accounts[maker]["cash_micro"] + paid
        charge(ld.accounts, taker, rate_up(value, taker_fee_ppm(ld, b, taker)))
        charge(ld.accounts, maker, rate_up(value, maker_fee_ppm(ld, b, maker)))
        note_ticket(ld, ld.slot_ticket[fill["maker"] & MASK32], lots, price, ONE - side, ONE, now_us)
        note_ticket(ld, ticket, lots, price, side, ZERO, now_us)
        if np.int64(ld.accounts[taker]["is_maker"]) == ZERO:
            flow["tick_net_micro"] = flow["tick_net_micro"] + paid
            if maker == NOISE or np.int64(ld.accounts[maker]["is_maker"]) != ZERO:
                flow["tick_quoted_micro"] = flow["tick_quoted_micro"] + paid
        took = ld.accounts[taker]["took_lots"]
        took[TWO * b + side] = took[TWO * b + side] + lots
        if side == BUY:
            flow["row_buy_lots"] = flow["row_buy_lots"] + lots
        else:
            flow["row_sell_lots"] = flow["row_sell_lots"] + lots
        total += value
        flow["row_fills"] = flow["row_fills"] + ONE
    bk.cursor[0]["n_fills"] = ZERO
    return total


@inlined
def is_beyond_band(rules, side, price, kind):
    """Whether an order is refused for its price: a buyer's above the band, a seller's below. One that rests nothing
    is not refused; it trades up to the edge.
    """
    return kind != IOC and (price > rules["band_high_ticks"] if side == BUY else price < rules["band_low_ticks"])


@inlined
def banded(rules, side, price):
    """A taker's price bound, within the venue's band."""
    return min(price, rules["band_high_ticks"]) if side == BUY else max(price, rules["band_low_ticks"])


@inlined
def trade(bk, ld, order, flags, now_us):
    """Submit one order, settle its fills, remember whose ticket rests. Returns handle, lots filled, status, value."""
    price = banded(ld.rules[order.book], order.side, order.price) if order.kind == IOC else order.price
    handle, filled, left, status = submit(bk, order.book, order.side, price, order.lots, order.owner, order.kind, flags)
    value = ZERO
    if bk.cursor[0]["n_fills"] != ZERO:
        value = post_fills(bk, ld, order.book, order.side, order.ticket, now_us)
    if handle != ZERO:
        ld.slot_ticket[handle & MASK32] = order.ticket
    return handle, filled, status, value


@behaviour
def trade_now(bk, ld, order, now_us):
    """A forced order, compiled once for the rare callers: exempt from self-trade prevention. Returns lots, value."""
    handle, filled, status, value = trade(bk, ld, order, STP_EXEMPT, now_us)
    return filled, value
