"""One compiled loop that throws random events at a small market and checks every law after each (QUALITY L4).

The loop draws an event, lets the market's own kernels do it, and holds the result against books of its own
(storm_books.py). So a posting that goes astray is seen in the event that made it, on the account that it hit.

Rows: 0-5 the venue's, then firms with all the money and coins they could want, then leveraged accounts, which trade by
transfer and by reduce-only orders alone, then Python agents, whose orders are subject to margin. In a network
(tests/network/storm.py) the last of the leveraged are legs of portfolios, whom the engine works when they are called,
and what the network sends comes first.
"""

import numpy as np

from sim.kernels._jit import behaviour, entry, small
from sim.kernels.adl import deleverage
from sim.kernels.book import MASK32, recentre
from sim.kernels.engines import TIERED, work_fok, work_tiered
from sim.kernels.fund import unload_fund
from sim.kernels.funding import settle_funding
from sim.kernels.guests import first_guest, settle_guests
from sim.kernels.invariants import broken_law
from sim.kernels.ladder import hang, rehang, unhang
from sim.kernels.ledger import FUND, HEDGERS, MILLION, ONE, PERP, TWO, ZERO, Order, transfer
from sim.kernels.liquidation import find_called, find_crossed, is_for_engine, run_engine, sort_queue
from sim.kernels.mailbox import CANCEL, NEW, REPLACE, match_mail, order_of, post_flagged
from sim.schema import BUY, GTC, IOC, NO_FLAGS, OK, REDUCE_ONLY, SELL
from tests.market.storm_books import (
    ADLS,
    BOOK,
    CANCELS,
    CLOSES,
    DEPOSITS,
    FUNDINGS,
    KIND,
    LIMITED,
    MAILS,
    MARKS,
    OPEN,
    OVERFLOWED,
    OWNER,
    REDUCES,
    REPLACES,
    SENDS,
    SENT,
    SIDE,
    TRANSFERS,
    UNLOADS,
    WORKS,
    book_events,
    book_funding,
    book_tape,
    broken_order,
    broken_posting,
    equity_of,
    words,
)  # fmt: skip

# events of each kind among 64; accounts are worked whenever the engine's queue is not empty
DRAW = np.repeat(np.arange(12), [18, 6, 5, 4, 9, 0, 2, 2, 8, 2, 6, 2])


@behaviour
def mail_one(bk, ld, mail, rk, px, key, own, action, order, flags):
    """One message through the mailbox; settles nothing else."""
    at = own.now[0] * np.int64(100)
    post_flagged(ld, mail, at, own.now[0], action, order, flags)
    match_mail(bk, ld, mail, rk, px, key, at, at + np.int64(100))


@small
def name_order(ld, own, k, order, reduces):
    """Write a new order on a free ticket."""
    row = own.orders[k]
    row[OWNER], row[BOOK], row[SIDE], row[LIMITED] = order.owner, order.book, order.side, order.price
    row[SENT], row[KIND], row[REDUCES] = order.lots, order.kind, reduces
    ld.tickets[k]["handle"] = ZERO
    if order.owner >= first_guest(ld):
        ld.tickets[k]["older"] = ld.accounts[order.owner]["newest_order"]
        ld.accounts[order.owner]["newest_order"] = k


@behaviour
def send(bk, ld, mail, rk, px, key, own):
    """A new order of a firm or agent on a free ticket, a cancel where that is in use. Returns ticket and kind."""
    a, b, c, d = words(key, own, 1)
    e, f, g, h = words(key, own, 2)
    k = ONE + a % (np.int64(ld.tickets.shape[0]) - TWO)  # not 0: no agent's order is older than all
    row = own.orders[k]
    if row[OPEN] != ZERO:
        order = Order(row[BOOK], row[SIDE], ZERO, ZERO, row[OWNER], GTC, k)
        mail_one(bk, ld, mail, rk, px, key, own, CANCEL, order, NO_FLAGS)
        return k, CANCELS
    agents, firms = ld.clock[0]["n_guests"], own.now[2] - HEDGERS
    owner = HEDGERS + b % firms if g & np.int64(64) else first_guest(ld) + b % agents
    side, book, kind = c & ONE, (c >> ONE) & ONE, d & np.int64(3)
    price = max(ONE, own.now[1] // TWO + e % np.int64(81) - np.int64(40))
    lots = ONE + f % (np.int64(60) if g % np.int64(8) == ZERO else np.int64(9))
    lots <<= ZERO if owner < first_guest(ld) else h & np.int64(3)
    reduces = REDUCE_ONLY if h % np.int64(6) == ZERO else NO_FLAGS
    name_order(ld, own, k, Order(book, side, price, lots, owner, kind, k), reduces)
    mail_one(bk, ld, mail, rk, px, key, own, NEW, Order(book, side, price, lots, owner, kind, k), reduces)
    return k, SENDS


@behaviour
def change(bk, ld, mail, rk, px, key, own, action):
    """Cancel or replace the order of a ticket drawn, alive or not. Returns the ticket."""
    a, b, c, d = words(key, own, 1)
    k = ONE + a % (np.int64(ld.tickets.shape[0]) - TWO)
    row, lots = own.orders[k], ONE + c % np.int64(9)
    price = max(ONE, own.now[1] // TWO + b % np.int64(41) - np.int64(20))
    limit, sent, kind, reduces = row[LIMITED], row[SENT], row[KIND], row[REDUCES]
    if action == REPLACE and row[OPEN] != ZERO:
        row[LIMITED], row[SENT], row[KIND], row[REDUCES] = price, lots, GTC, NO_FLAGS
    order = Order(row[BOOK], row[SIDE], price, lots, row[OWNER], GTC, k)
    mail_one(bk, ld, mail, rk, px, key, own, action, order, NO_FLAGS)
    if np.int64(ld.tickets[k]["status"]) != OK:  # the old order stands
        row[LIMITED], row[SENT], row[KIND], row[REDUCES] = limit, sent, kind, reduces
    return k


@small
def pick(bk, ld, own, word):
    """A leveraged account with a position, looked for from a place drawn; 0 when there is none."""
    n = first_guest(ld) - own.now[2]
    for i in range(n):
        a = own.now[2] + (word + np.int64(i)) % n
        if bk.positions[PERP, a] != ZERO:
            return a
    return ZERO


@behaviour
def close_one(bk, ld, mail, rk, px, key, own):
    """A leveraged account closes a part by a reduce-only market order. Returns its ticket, -1 when nobody can."""
    a, b, c, d = words(key, own, 1)
    who, k = pick(bk, ld, own, a), np.int64(ld.tickets.shape[0]) - ONE  # the last ticket is theirs
    if who == ZERO:
        return np.int64(-1)
    side = SELL if bk.positions[PERP, who] > ZERO else BUY
    price = max(ONE, own.now[1] // TWO + (np.int64(60) if side == BUY else np.int64(-60)))
    order = Order(PERP, side, price, ONE + b % np.int64(12), who, IOC, k)
    name_order(ld, own, k, order, REDUCE_ONLY)
    mail_one(bk, ld, mail, rk, px, key, own, NEW, order, REDUCE_ONLY)
    rehang(bk, ld, rk, who)
    return k


@behaviour
def deliver(bk, ld, mail, rk, px, key, own, inbox):
    """The first message that the network sent. Returns its ticket, which is that of closes."""
    k, n = np.int64(ld.tickets.shape[0]) - ONE, ld.clock[0]["n_inbox"]
    m = order_of(inbox[0])
    order = Order(m.book, m.side, m.price, m.lots, m.owner, m.kind, k)
    for i in range(1, n):
        inbox[i - 1] = inbox[i]
    ld.clock[0]["n_inbox"] = n - ONE
    name_order(ld, own, k, order, NO_FLAGS)
    mail_one(bk, ld, mail, rk, px, key, own, NEW, order, NO_FLAGS)
    return k


@behaviour
def move_mark(bk, ld, rk, px, key, own):
    """The mark moves by up to 4%, then the engine finds whom it hit; alone and safe accounts in one scan of its own."""
    a, b, c, d = words(key, own, 1)
    step = own.now[1] * (a % np.int64(81) - np.int64(40)) // np.int64(1000)
    own.now[1] = min(np.int64(4_000), max(np.int64(700), own.now[1] + step))
    px.now[0]["mark_half_ticks"] = own.now[1]
    rk.engine[0]["ranked_side"] = ZERO
    find_crossed(ld, rk, own.now[1])
    if ld.clock[0]["n_called"] != ZERO:
        find_called(ld, rk)
    sort_queue(ld, rk)
    if rk.engine[0]["n_queue"] > ONE:
        return ZERO
    queued = rk.queue[0] if rk.engine[0]["n_queue"] == ONE else ZERO
    now = own.now[0] * np.int64(100)
    px.now[0]["index_us"], rk.engine[0]["next_scan_us"] = now, now
    run_engine(bk, ld, rk, px, now)
    return queued


@behaviour
def work_first(bk, ld, rk, key, own):
    """The engine works the first account of its queue, within a budget drawn. Returns the account."""
    a, b, c, d = words(key, own, 3)
    who, n = rk.queue[0], rk.engine[0]["n_queue"]
    rk.engine[0]["ranked_side"] = ZERO
    budget, now = a % np.int64(80), own.now[0] * np.int64(100)
    is_now, stays = is_for_engine(bk, ld, rk, who, own.now[1])
    if is_now and rk.engine[0]["kind"] == TIERED:
        used, stays = work_tiered(bk, ld, rk, who, own.now[1], budget, now)
    elif is_now:
        used, stays = work_fok(bk, ld, rk, who, own.now[1], budget, np.int64(80), now)
    for i in range(1, n):
        rk.queue[i - 1] = rk.queue[i]
    if stays:
        rk.queue[n - ONE] = who
    else:
        rk.engine[0]["n_queue"] = n - ONE
    return who


@behaviour
def deleverage_one(bk, ld, rk, key, own):
    """One account drawn, solvent or not, is closed against ranked counterparties alone."""
    a, b, c, d = words(key, own, 1)
    who = pick(bk, ld, own, a)
    if who != ZERO and np.int64(ld.accounts[who]["bucket"]) >= ZERO:
        rk.engine[0]["ranked_side"] = ZERO
        unhang(ld, rk, who)
        deleverage(bk, ld, rk, who, own.now[1], ZERO, own.now[0] * np.int64(100))
        hang(bk, ld, rk, who)
        return who
    return ZERO


@behaviour
def open_one(bk, ld, rk, key, own):
    """A leveraged account pays in and takes a position over from the hedgers at mark; its shadow follows here."""
    a, b, c, d = words(key, own, 1)
    who = own.now[2] + a % (first_guest(ld) - own.now[2])
    account = ld.accounts[who]
    for i in range(rk.engine[0]["n_queue"]):
        if rk.queue[i] == who:
            return
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    lots = (ONE + b % np.int64(40)) * (ONE if c & ONE else -ONE)
    value = lots * own.now[1] * unit // TWO
    margin = abs(value) // (ONE + d % np.int64(60))
    deposit(ld, own, who, margin)
    if np.int64(account["bucket"]) >= ZERO:
        unhang(ld, rk, who)
    transfer(bk, ld, HEDGERS, who, lots, value)
    own.cash[HEDGERS], own.cash[who] = own.cash[HEDGERS] + value, own.cash[who] - value
    own.lots[PERP, HEDGERS], own.lots[PERP, who] = own.lots[PERP, HEDGERS] - lots, own.lots[PERP, who] + lots
    hang(bk, ld, rk, who)


@small
def deposit(ld, own, who, amount):
    """Money enters, or leaves, an account and the sum of all."""
    ld.accounts[who]["cash_micro"] = ld.accounts[who]["cash_micro"] + amount
    ld.clock[0]["cash_micro"] = ld.clock[0]["cash_micro"] + amount
    own.cash[who] += amount


@behaviour
def pay_in(bk, ld, rk, key, own):
    """A deposit or withdrawal of a firm; an agent takes out half and pays something in; or the fund is brought to what
    is often less than the next loss.
    """
    a, b, c, d = words(key, own, 1)
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    if b & TWO:
        who = first_guest(ld) + c % ld.clock[0]["n_guests"]
        half = max(ZERO, equity_of(ld, own, who) >> TWO)
        deposit(ld, own, who, a % (own.now[1] * unit << (d % np.int64(4))) - half)
    elif b & ONE:
        deposit(ld, own, FUND, (a % MILLION >> (d % np.int64(20))) - max(ZERO, equity_of(ld, own, FUND) >> ONE))
    else:
        deposit(ld, own, HEDGERS + c % (own.now[2] - HEDGERS), a % MILLION - MILLION // TWO)


@behaviour
def one_event(bk, ld, mail, rk, px, key, own, draw, inbox):
    """Draw and do one event, book it, and say what does not hold; 0 when all does."""
    ld.clock[0]["n_events"], ld.clock[0]["n_guest_fills"] = ZERO, ZERO
    a, b, c, d = words(key, own, 0)
    kind = draw[a % np.int64(draw.shape[0])]
    subject, worked, wrong, taker = np.int64(-1), ZERO, ZERO, np.int64(-1)
    now = own.now[0] * np.int64(100)
    if ld.clock[0]["n_inbox"] != ZERO:
        kind, subject = MAILS, deliver(bk, ld, mail, rk, px, key, own, inbox)
    elif rk.engine[0]["n_queue"] != ZERO and b & ONE:
        kind, worked = WORKS, work_first(bk, ld, rk, key, own)
    elif kind == SENDS:
        subject, kind = send(bk, ld, mail, rk, px, key, own)
    elif kind == CANCELS or kind == REPLACES:
        subject = change(bk, ld, mail, rk, px, key, own, CANCEL if kind == CANCELS else REPLACE)
    elif kind == CLOSES:
        subject = close_one(bk, ld, mail, rk, px, key, own)
    elif kind == MARKS:
        worked = move_mark(bk, ld, rk, px, key, own)
    elif kind == FUNDINGS:
        px.now[0]["rate_ppb"], px.now[0]["funding_due"] = c % np.int64(4_000_001) - np.int64(2_000_000), ONE
        settle_funding(bk, ld, rk, px, now)
        wrong = book_funding(ld, px, own)
    elif kind == ADLS:
        worked = deleverage_one(bk, ld, rk, key, own)
    elif kind == TRANSFERS:
        open_one(bk, ld, rk, key, own)
    elif kind == UNLOADS:
        unload_fund(bk, ld, rk, px, now)
        taker = FUND
    elif kind == DEPOSITS:
        pay_in(bk, ld, rk, key, own)
    else:
        recentre(bk, c & ONE)
    own.counts[kind] += ONE
    settle_guests(bk, ld, rk, px)
    if subject >= ZERO:
        taker = own.orders[subject, OWNER]
    if taker >= ZERO:
        book_tape(ld, own, ZERO, taker, MASK32)
    elif wrong == ZERO:
        wrong = book_events(ld, rk, own, worked, kind != ADLS)
    if wrong == ZERO:
        wrong = broken_law(bk, ld)
    if wrong == ZERO:
        wrong = broken_posting(bk, ld, own)
    if wrong == ZERO:
        wrong = broken_order(bk, ld, own, subject, kind, taker if taker >= ZERO else worked)
    return OVERFLOWED if ld.clock[0]["overflow"] != ZERO else wrong


@entry
def run_storm(n, key, bk, ld, mail, rk, px, own, draw, inbox):
    """Up to ``n`` events; returns how many held and what broke in the one after (0: nothing)."""
    for i in range(n):
        own.now[0] += ONE
        wrong = one_event(bk, ld, mail, rk, px, key, own, draw, inbox)
        if wrong != ZERO:
            return np.int64(i), wrong
    return np.int64(n), ZERO
