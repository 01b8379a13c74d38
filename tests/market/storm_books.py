"""The books that the storm keeps of its own, and what it holds the market's against (tests/market/storm.py).

Written from nothing but the tape of fills and the rows of the event log, by formulas stated here.
"""

from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, small
from sim.kernels.book import slot_of
from sim.kernels.ledger import FEES, FUND, MILLION, ONE, PERP, TWO, ZERO
from sim.schema import (
    BUY,
    EVENT_ADL,
    EVENT_FORCED,
    EVENT_TAKEOVER,
    FOK,
    IOC,
    OK,
    ORDER_TAKEN_OFF,
    REJECT_COINS,
    REJECT_MARGIN,
    STP_OFF,
)

PURPOSE = np.int64(90)  # of the random counter; the market's own stop far below
SENDS, CANCELS, REPLACES, CLOSES, MARKS, WORKS, FUNDINGS, ADLS, TRANSFERS, UNLOADS, DEPOSITS, REBASES = (
    np.int64(i) for i in range(12)
)
FILLS, FORCED, TAKEN, LEGS, DEFICITS, REFUSED, TAKEN_OFF = (np.int64(i) for i in range(12, 19))  # led to by events
MAILS = np.int64(19)
COUNTS = (
    "order", "cancel", "replace", "reduce-only close", "engine scan", "account worked", "funding", "deleveraging",
    "transfer", "fund order", "deposit", "re-base", "fill", "forced order", "takeover", "deleveraged leg", "deficit",
    "order not covered", "order taken off", "order of the network",
)  # fmt: skip
# what does not hold; below 100 see sim/kernels/invariants.py
POSTING, ORDER_FILLED, ORDER_CHANGED, DEAD_TRADED, ORDER_SIZE, LIMIT, LEG, LOSS, REMAINDER, OVERFLOWED = (
    np.int64(i) for i in range(100, 110)
)
BILLION = np.int64(1_000_000_000)
OWNER, BOOK, SIDE, LIMITED, SENT, KIND, OPEN, FILLED, REDUCES = range(9)


class Own(NamedTuple):
    """What the loop keeps beside the market: ``cash`` int64[n], ``lots`` int64[2, n], of each ticket ``orders``
    int64[n_tickets, 9] (columns above), ``counts`` int64[20], ``now`` int64[3] (event, mark, first leveraged row).
    """

    cash: Any
    lots: Any
    orders: Any
    counts: Any
    now: Any


@small
def words(key, own, row):
    """Four 30-bit numbers of this event."""
    w0, w1, w2, w3 = rng.philox(key, own.now[0], PURPOSE, ZERO, np.int64(row))
    two = np.uint64(2)
    return np.int64(w0 >> two), np.int64(w1 >> two), np.int64(w2 >> two), np.int64(w3 >> two)


@small
def open_lots(bk, ld, k):
    """Lots of a ticket's order in the book."""
    slot = slot_of(bk.pool, ld.tickets[k]["handle"])
    return ZERO if slot == ZERO else bk.pool[slot]["lots"]


# --- the books of its own
# ----------------------------------------------------------------------------------------------------------------------


@small
def fee_of(value, ppm):
    """A rate in millionths of a value, rounded up for who pays."""
    return -((-value * ppm) // MILLION)


@behaviour
def book_fill(ld, own, b, side, taker, maker, price, lots):
    """Buyer pays seller one price for one quantity; both pay the fee account (C3)."""
    value = price * lots * ld.rules[b]["micro_per_tick_lot"]
    buyer, seller = (maker, taker) if side == BUY else (taker, maker)  # the side is the maker's
    own.cash[buyer] -= value
    own.cash[seller] += value
    own.lots[b, buyer] += lots
    own.lots[b, seller] -= lots
    rules, accounts = ld.rules[b], ld.accounts
    taker_ppm, maker_ppm = rules["taker_fee_ppm"], rules["maker_fee_ppm"]
    if accounts[taker]["professional"] == ONE:
        taker_ppm = rules["professional_taker_ppm"]
    if accounts[maker]["professional"] == ONE:
        maker_ppm = rules["professional_maker_ppm"]
    taker_fee, maker_fee = fee_of(value, taker_ppm), fee_of(value, maker_ppm)
    own.cash[taker] -= taker_fee
    own.cash[maker] -= maker_fee
    own.cash[FEES] += taker_fee + maker_fee
    own.counts[FILLS] += ONE


@behaviour
def book_tape(ld, own, i, taker, most):
    """Book fills from row ``i`` of the tape until ``most`` lots have passed; returns the row after them."""
    while i < ld.clock[0]["n_guest_fills"] and most > ZERO:
        fill = ld.guest_fills[i]
        i += ONE
        if fill["is_maker"] != ZERO:
            order = own.orders[fill["ticket"]]
            book_fill(ld, own, order[BOOK], fill["side"], taker, order[OWNER], fill["price_ticks"], fill["lots"])
            most -= fill["lots"]
    return i


@small
def equity_of(ld, own, a):
    """Twice the equity of an account at mark, by the loop's own books: no rounding."""
    return TWO * own.cash[a] + own.lots[PERP, a] * own.now[1] * ld.rules[PERP]["micro_per_tick_lot"]


@behaviour
def book_events(ld, rk, own, worked, is_engine):
    """Book forced orders, takeovers and deleveraging in the order of the log; returns what is wrong with a leg.

    A counterparty holds the other side and gives up as many lots as the account closed (C7). The engine asks one only
    when the fund cannot bear one lot's share of the loss that is left (C6).
    """
    at = ZERO
    for i in range(ld.clock[0]["n_events"]):
        event = rk.events[i]
        a, lots, cash = event["account"], event["lots"], event["cash_micro"]
        if event["kind"] == EVENT_FORCED:
            at = book_tape(ld, own, at, a, abs(lots))
            own.cash[a] -= cash
            own.cash[FUND] += cash
            own.counts[FORCED] += ONE
        elif event["kind"] == EVENT_TAKEOVER:
            own.cash[a] -= cash
            own.cash[FUND] += cash
            own.lots[PERP, a] -= lots
            own.lots[PERP, FUND] += lots
            own.counts[TAKEN] += ONE
        elif event["kind"] == EVENT_ADL:
            held, left = own.lots[PERP, a], own.lots[PERP, worked]
            if a == worked or held * lots >= ZERO or left * lots <= ZERO or abs(lots) > min(abs(held), abs(left)):
                return LEG
            loss, fund = -equity_of(ld, own, worked), equity_of(ld, own, FUND)
            if is_engine and fund * abs(left) > loss + np.int64(4) * abs(left):
                return LOSS
            own.cash[worked] += cash
            own.cash[a] -= cash
            own.lots[PERP, worked] -= lots
            own.lots[PERP, a] += lots
            own.counts[LEGS] += ONE
    own.counts[DEFICITS] += ONE if equity_of(ld, own, FUND) < ZERO else ZERO
    return ZERO


@behaviour
def book_funding(ld, px, own):
    """Longs pay at a positive rate: rounded up for who pays, down for who receives; the rest to the fees (C5)."""
    rest, holders = ZERO, ZERO
    unit, rate = ld.rules[PERP]["micro_per_tick_lot"], px.now[0]["rate_ppb"]
    for a in range(own.cash.shape[0]):
        paid = -((-own.lots[PERP, a] * own.now[1] * unit * rate) // (TWO * BILLION))
        own.cash[a] -= paid
        rest += paid
        holders += ONE if own.lots[PERP, a] != ZERO else ZERO
    own.cash[FEES] += rest
    return REMAINDER if rest < ZERO or rest > holders else ZERO


# --- what must hold
# ----------------------------------------------------------------------------------------------------------------------


@behaviour
def broken_posting(bk, ld, own):
    """C1, C3, C8, C10: every account has the cash and the lots that its postings leave it."""
    for a in range(own.cash.shape[0]):
        account = ld.accounts[a]
        if account["cash_micro"] + account["free_micro"] != own.cash[a]:
            return POSTING
        if bk.positions[0, a] != own.lots[0, a] or bk.positions[1, a] != own.lots[1, a]:
            return POSTING
    return ZERO


@small
def is_wrong(bk, row, status, now, traded, action):
    """Whether what became of a message's own order does not add up: sent = filled + open + what its kind cancels."""
    if action == CANCELS:
        return now != ZERO or traded != ZERO
    if status != OK:  # nothing changed
        return traded != ZERO or now != (row[OPEN] if action == REPLACES else ZERO)
    if row[KIND] == IOC or row[KIND] == FOK:
        return now != ZERO or traded > row[SENT] or (row[KIND] == FOK and traded != row[SENT] and row[REDUCES] == ZERO)
    is_whole = bk.book[row[BOOK]]["stp"] == STP_OFF and row[REDUCES] == ZERO
    return traded + now > row[SENT] or (is_whole and traded + now != row[SENT])


@behaviour
def broken_order(bk, ld, own, subject, action, sender):
    """C4: every order but the one addressed has lost exactly what it traded, unless its owner met itself or its
    position cut it; the dead trade no more; nobody traded beyond a limit.
    """
    for i in range(ld.clock[0]["n_guest_fills"]):
        fill = ld.guest_fills[i]
        if fill["lots"] == ZERO:
            own.counts[REFUSED] += ONE if fill["status"] == REJECT_MARGIN or fill["status"] == REJECT_COINS else ZERO
            own.counts[TAKEN_OFF] += ONE if fill["status"] == ORDER_TAKEN_OFF else ZERO
            continue
        row = own.orders[fill["ticket"]]
        row[FILLED] += fill["lots"]
        price, side = fill["price_ticks"], row[SIDE]
        if (price > row[LIMITED] if side == BUY else price < row[LIMITED]) or side != fill["side"]:
            return LIMIT
    for k in range(own.orders.shape[0]):
        row, ticket = own.orders[k], ld.tickets[k]
        now, traded = open_lots(bk, ld, k), row[FILLED]
        if ticket["filled_lots"] != traded:
            return ORDER_FILLED
        if k == subject:
            if is_wrong(bk, row, np.int64(ticket["status"]), now, traded, action):
                return ORDER_SIZE
        elif row[OPEN] == ZERO:
            if traded != ZERO or now != ZERO:
                return DEAD_TRADED
        elif now != row[OPEN] - traded and not (
            now < row[OPEN] - traded and (row[OWNER] == sender or row[REDUCES] != ZERO)
        ):
            return ORDER_CHANGED
        row[OPEN], row[FILLED] = now, ZERO
        ticket["filled_lots"] = ZERO
    return ZERO
