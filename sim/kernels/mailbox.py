"""Messages on their way to the books: written by behaviours and Python agents, matched in order of arrival.

Within a tick the order is (arrival time, keyed hash of sender and time, serial): messages of one sender keep their
order, senders of one microsecond take turns by lot. Insertion, after a counting sort over sub-intervals of the tick
where there are many.
Messages that arrive after the tick's end wait. A sender names its order by a ticket, valid before and after arrival
(DECISIONS 6, 7).
"""

from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, inlined, prefetch, small
from sim.kernels.book import MASK32, META_BITS, META_FAR, SIX
from sim.kernels.guests import first_guest, status_of_account
from sim.kernels.ledger import (
    HALT_REJECT,
    HALT_WAIT,
    NO_TICKET,
    ONE,
    PERP,
    SPOT,
    TWO,
    ZERO,
    Order,
    is_beyond_band,
    log_guest,
    trade,
)
from sim.kernels.matching import take_out
from sim.schema import (
    BUY,
    NO_FLAGS,
    OK,
    REJECT_BAND,
    REJECT_HALT,
    REJECT_LOAD,
    REJECT_LOTS,
    REJECT_PRICE,
    REJECT_STALE,
)

NEW, CANCEL, REPLACE = (np.int64(i) for i in range(3))
N_STARTS = 513  # at most 512 sub-intervals of a tick, about one for each message
SUBS = np.int64(N_STARTS - 1)
FEWEST_SUBS = np.int64(16)
FEW = np.int64(24)  # messages up to which insertion alone is faster
ROW_BITS, ROW_MASK = np.int64(26), np.int64((1 << 26) - 1)  # of a row in a sorting key
LATEST_US = np.int64(-(1 << 36))  # 19 hours: what waits longer in the mailbox is told apart by its arrival alone
AHEAD_TICKET, AHEAD_ORDER, AHEAD_LEVEL = np.int64(8), np.int64(4), np.int64(2)  # messages ahead of the use

MESSAGE = np.dtype(
    [
        ("arrival_us", "i8"),
        ("serial", "i8"),  # unique for the sender; tick * 2^16 + row for behaviours, a count for agents
        ("ticket", "i8"),
        ("price_ticks", "i8"),
        ("lots", "i8"),
        ("owner", "i4"),
        ("action", "i2"),  # NEW, CANCEL, REPLACE
        ("kind", "i2"),  # GTC, IOC, FOK, POST
        ("book", "i2"),
        ("side", "i2"),
        ("flags", "i4"),
    ]
)


class Mail(NamedTuple):
    """``messages`` MESSAGE[capacity], ``order`` and ``keys`` int64[capacity] (scratch), ``starts`` int64[N_STARTS]
    (scratch).
    """

    messages: Any
    order: Any
    keys: Any
    starts: Any


@small
def post_flagged(ld, mail, arrival_us, serial, action, order, flags):
    """Append a message; past the declared room it is counted as an overflow, which ends the run, and not written."""
    clock = ld.clock[0]
    at = clock["n_mail"]
    if at >= mail.messages.shape[0]:
        clock["overflow"] = clock["overflow"] + ONE
        return
    m = mail.messages[at]
    m["arrival_us"] = arrival_us
    m["serial"] = serial
    m["action"] = action
    m["ticket"] = order.ticket
    m["price_ticks"] = order.price
    m["lots"] = order.lots
    m["owner"] = order.owner
    m["kind"] = order.kind
    m["book"] = order.book
    m["side"] = order.side
    m["flags"] = flags
    clock["n_mail"] = at + ONE
    if order.ticket >= ZERO:
        ld.tickets[order.ticket]["pending"] = np.int64(ld.tickets[order.ticket]["pending"]) + ONE


@small
def post(ld, mail, arrival_us, serial, action, order):
    """Append a message without flags."""
    post_flagged(ld, mail, arrival_us, serial, action, order, NO_FLAGS)


@inlined
def take_inbox(ld, mail, inbox):
    """Append what the network decided between ticks: the first ``n_inbox`` rows of MESSAGE; there are none in a market
    of its own.
    """
    clock = ld.clock[0]
    for i in range(clock["n_inbox"]):
        m = inbox[i]
        post(ld, mail, m["arrival_us"], m["serial"], np.int64(m["action"]), order_of(m))
    clock["n_inbox"] = ZERO


@small
def order_of(m):
    """The order a message carries, widened."""
    return Order(
        np.int64(m["book"]),
        np.int64(m["side"]),
        m["price_ticks"],
        m["lots"],
        np.int64(m["owner"]),
        np.int64(m["kind"]),
        m["ticket"],
    )


@behaviour
def tie_break(accounts, key, message):
    """Keyed hash that orders senders within one microsecond; depends on the sender's key and the time, not on rows
    or slots.
    """
    arrival = message["arrival_us"]
    owner_key = accounts[np.int64(message["owner"])]["key"]
    w0, w1, w2, w3 = rng.philox(key, arrival, rng.TIE_BREAK, owner_key, arrival >> np.int64(32))
    return np.int64(w0 >> np.uint64(1)) * np.int64(1 << 31) + np.int64(w1 >> np.uint64(1))


@behaviour
def goes_before(accounts, key, a, b):
    """Whether message ``a`` is matched before message ``b``, which arrived in the same microsecond or, as ``a``, more
    than ``LATEST_US`` too late.
    """
    if a["arrival_us"] != b["arrival_us"]:
        return a["arrival_us"] < b["arrival_us"]
    hash_a, hash_b = tie_break(accounts, key, a), tie_break(accounts, key, b)
    if hash_a != hash_b:
        return hash_a < hash_b
    return a["serial"] < b["serial"]


@inlined
def sub_interval_bits(n, width_us):
    """Sub-intervals of a tick are of a power of two of microseconds, about one for each of ``n`` messages; returns the
    power.
    """
    subs, bits = FEWEST_SUBS, ZERO
    while subs < n and subs < SUBS:
        subs += subs
    while (width_us - ONE) >> bits >= subs:
        bits += ONE
    return bits


@inlined
def note_due(mail, n, start_us, width_us):
    """Write (microseconds after the tick's start, row) of each message that arrives in the tick, or is late, into
    ``mail.keys`` and ``mail.order``. Returns their number.
    """
    messages, order, keys, due = mail.messages, mail.order, mail.keys, ZERO
    for i in range(n):
        after = messages[i]["arrival_us"] - start_us
        if after < width_us:
            mine = (max(after, LATEST_US) << ROW_BITS) | np.int64(i)
            keys[due], order[due] = mine, mine
            due += ONE
    return due


@inlined
def place_keys(mail, due, width_us):
    """Counting sort of the ``due`` keys into ``mail.order`` by sub-interval; a late one belongs to the first."""
    bits = sub_interval_bits(due, width_us)
    subs = ((width_us - ONE) >> bits) + ONE
    starts, order, keys = mail.starts, mail.order, mail.keys
    for i in range(subs + ONE):
        starts[i] = ZERO
    for i in range(due):
        starts[(max(keys[i] >> ROW_BITS, ZERO) >> bits) + ONE] += ONE
    for i in range(1, subs + ONE):
        starts[i] += starts[i - 1]
    for i in range(due):
        sub = max(keys[i] >> ROW_BITS, ZERO) >> bits
        order[starts[sub]] = keys[i]
        starts[sub] += ONE


@behaviour
def sort_due(accounts, mail, n, key, start_us, width_us):
    """Fill ``mail.order`` with the rows of those of the first ``n`` messages that arrive before the tick's end, in
    matching order. Returns their number.
    """
    order, messages = mail.order, mail.messages
    due = note_due(mail, n, start_us, width_us)
    if due > FEW:
        place_keys(mail, due, width_us)
    for i in range(1, due):
        mine = order[i]
        j = i - 1
        while j >= 0 and mine >> ROW_BITS <= order[j] >> ROW_BITS:
            if mine >> ROW_BITS == order[j] >> ROW_BITS:
                if goes_before(accounts, key, messages[order[j] & ROW_MASK], messages[mine & ROW_MASK]):
                    break
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = mine
    for i in range(due):
        order[i] &= ROW_MASK
    return due


@inlined
def status_of_venue(rules, m):
    """Whether the venue admits a message: cancels always; nothing else in a halt that refuses, no price beyond the
    band.
    """
    if np.int64(m["action"]) == CANCEL:
        return OK
    if rules["halted"] == HALT_REJECT:
        return REJECT_HALT
    if is_beyond_band(rules, np.int64(m["side"]), m["price_ticks"], np.int64(m["kind"])):
        return REJECT_BAND
    return OK


@inlined
def status_of_change(ld, bk, m):
    """Take out the order a cancel or replace names; returns the status and whether a new order follows."""
    price, lots = m["price_ticks"], m["lots"]
    if np.int64(m["action"]) == REPLACE and (price < ONE or lots < ONE):
        return REJECT_PRICE if price < ONE else REJECT_LOTS
    slot = take_out(bk, ld.tickets[m["ticket"]]["handle"])
    return OK if slot != ZERO else REJECT_STALE


@small
def look_ahead(bk, ld, mail, k, due):
    """Prefetch what the messages after row ``k`` of the matching order will touch: ticket, then order and new level,
    then the level that the order leaves. Begins AHEAD_TICKET rows before the first.
    """
    if k + AHEAD_TICKET < due:
        prefetch(ld.tickets, max(ZERO, mail.messages[mail.order[k + AHEAD_TICKET]]["ticket"]))
    if ZERO <= k + AHEAD_ORDER < due:
        m = mail.messages[mail.order[k + AHEAD_ORDER]]
        prefetch(bk.pool, ld.tickets[max(ZERO, m["ticket"])]["handle"] & MASK32)
        price, side = m["price_ticks"], np.int64(m["side"])
        row = bk.sides[np.int64(2) * np.int64(m["book"]) + side]
        index = (price if side != BUY else -price) & np.int64(row["mask"])
        prefetch(bk.levels, np.int64(row["level0"]) + index)
        prefetch(bk.words, np.int64(row["word0"]) + (index >> SIX))
    if ZERO <= k + AHEAD_LEVEL < due:
        m = mail.messages[mail.order[k + AHEAD_LEVEL]]
        if np.int64(m["action"]) != NEW:
            resting = bk.pool[ld.tickets[max(ZERO, m["ticket"])]["handle"] & MASK32]
            meta, at = np.int64(resting["meta"]), np.int64(resting["level"])
            row = bk.sides[meta >> META_BITS]
            index = at - np.int64(row["level0"])
            if ZERO <= index <= np.int64(row["mask"]) and (meta & META_FAR) == ZERO:
                prefetch(bk.levels, at)
                prefetch(bk.words, np.int64(row["word0"]) + (index >> SIX))


@inlined
def match_mail(bk, ld, mail, rk, px, key, start_us, end_us):
    """Step 5b of the tick: match every message that has arrived, then close the gaps in the mailbox."""
    due = sort_due(ld.accounts, mail, ld.clock[0]["n_mail"], key, start_us, end_us - start_us)
    guests = first_guest(ld)
    most = ld.rules[PERP]["most_per_tick"] if start_us >= ZERO else ZERO  # the warm-up seeds the books whole
    waiting = ld.clock[0]["n_waiting"]
    waiting[PERP], waiting[SPOT] = ZERO, ZERO
    for k in range(-AHEAD_TICKET, due):
        look_ahead(bk, ld, mail, k, due)
        if k < ZERO:
            continue
        m = mail.messages[mail.order[k]]
        ticket, b, action = m["ticket"], np.int64(m["book"]), np.int64(m["action"])
        is_late = most != ZERO and k >= most
        if ld.rules[b]["halted"] == HALT_WAIT or (is_late and (k < TWO * most or action != NEW)):
            waiting[b] += ONE
            continue  # it stays in the mailbox
        status, handle = REJECT_LOAD if is_late else status_of_venue(ld.rules[b], m), ZERO
        if status == OK and action != CANCEL and np.int64(m["owner"]) >= guests:
            but = ticket if action == REPLACE else NO_TICKET
            status = status_of_account(bk, ld, rk, order_of(m), but, px.now[0]["mark_half_ticks"])
        admitted = status == OK
        if admitted and action != NEW:
            status = status_of_change(ld, bk, m)
        ld.flows[b]["row_messages"] = ld.flows[b]["row_messages"] + ONE
        if action != CANCEL and status == OK:
            handle, filled, status, value = trade(bk, ld, order_of(m), np.int64(m["flags"]), m["arrival_us"])
        if ticket >= ZERO:
            row = ld.tickets[ticket]
            row["pending"] = np.int64(row["pending"]) - ONE
            row["status"] = status
            if admitted and status != REJECT_PRICE and status != REJECT_LOTS:
                row["handle"] = handle
                row["price_ticks"] = m["price_ticks"]
            if status != OK and np.int64(row["older"]) != ZERO:
                log_guest(ld, ticket, status, ZERO, m["price_ticks"], np.int64(m["side"]), ZERO, m["arrival_us"])
        m["owner"] = -1  # delivered
    n, kept = ld.clock[0]["n_mail"], ZERO
    for i in range(n):
        if np.int64(mail.messages[i]["owner"]) >= ZERO:
            if kept != i:
                mail.messages[kept] = mail.messages[i]
            kept += ONE
    ld.clock[0]["n_mail"] = kept
