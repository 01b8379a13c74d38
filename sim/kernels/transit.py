"""Money and coins of bridge firms on their way between exchanges (MODEL 2.9, 4.4).

Each firm has a target of cash and of coins in each listing. What a place misses, when that is a twentieth of its target
or more, comes from where the firm has most too much of the same money, or of the same coin: one transfer at a time to
each place, on its way for the firm's own time. None leaves while its origin or its destination stands still, and none
arrives at a place that does. Between listings of one exchange it moves at once, halts or not, and before anything is
sent for from another: it is one wallet. A firm whose orders are on their way, or may be among those that wait at a
halted or loaded book, sends nothing. Every amount is taken from one listing's totals and given to
another's when it arrives, so that each listing conserves cash and coins by itself, and the network with what is on its
way. Slow twin: tests/reference_market/transit.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import ONE, ZERO
from sim.kernels.margin import equity_micro

CASH, COINS = np.int64(0), np.int64(1)
GIVES, ASKS = np.int64(1), np.int64(2)  # of a firm and a kind: there is more than its target somewhere; a place asks
TWENTIETH = np.int64(20)  # a place that misses less than a twentieth of its target asks for nothing [judgement]

# One row a firm, a listing and a kind (cash, coins).
SEAT = np.dtype(
    [
        ("target", "i8"),  # micro-dollars or lots that the firm wants here
        ("on_way", "i8"),  # amount that is coming; 0 when none is
        ("due_us", "i8"),
    ]
)
FIRM = np.dtype(
    [
        ("latency_us", "i8"),
        ("travel_us", "i8"),  # time of a transfer between exchanges
        ("leverage", "f8"),  # largest perp notional over the money in the account
        ("busy_us", "i8"),  # orders are on their way up to and at this time
        ("legs", "i8", (2,)),  # rows of the rules of the books they go to, plus 1; 0 for none
    ]
)
HALT = np.dtype([("exchange", "i8"), ("start_us", "i8"), ("end_us", "i8")])  # exchange -1: everybody's transfers


class Wallets(NamedTuple):
    """``firms`` FIRM[n], ``seats`` SEAT[n, n_listings, 2], ``rows`` int64[n_listings] (account of the first firm in
    each listing, in the listing's own count), ``halts`` HALT[m], ``open`` int64[n_exchanges] (scratch), ``over``
    int64[n, n_listings + 1, 2] (scratch: what each seat has above its target; last GIVES and ASKS of each firm and
    kind, or both, or 0), ``net`` int64[n, n_assets] (scratch: coins, those on their way and perps over all listings).
    """

    firms: Any
    seats: Any
    rows: Any
    halts: Any
    open: Any
    over: Any
    net: Any


@small
def coins_at(listings, rows, at, f):
    """Place of a firm's coins in the shared positions."""
    return listings[at]["position0"] + listings[at]["n_owners"] + rows[at] + f


@small
def account_at(listings, rows, at, f):
    """Row of a firm's account in the shared accounts."""
    return listings[at]["account0"] + rows[at] + f


@inlined
def look_at_halts(w, transfers, now_us):
    """Note which exchanges send and receive now."""
    for e in range(w.open.shape[0]):
        w.open[e] = transfers
    for h in range(w.halts.shape[0]):
        halt = w.halts[h]
        if halt["start_us"] <= now_us < halt["end_us"]:
            for e in range(w.open.shape[0]):
                if halt["exchange"] < ZERO or halt["exchange"] == np.int64(e):
                    w.open[e] = ZERO


@small
def balance(s, w, at, f, kind):
    """What a firm has in a listing and could send away: money at mark beyond the margin of its position, or coins."""
    if kind == COINS:
        return s.positions[coins_at(s.listings, w.rows, at, f)]
    account = s.accounts[account_at(s.listings, w.rows, at, f)]
    cash, position = account["cash_micro"], account["held_lots"]
    if position == ZERO:
        return cash
    mark, unit = s.price[at]["mark_half_ticks"], s.rules[at + at]["micro_per_tick_lot"]
    used = np.int64(np.float64(abs(position) * mark * unit >> ONE) / w.firms[f]["leverage"])
    return equity_micro(cash, position, mark, unit) - used


@small
def asks(seat, over):
    """Whether a place misses enough to send for it."""
    return over < ZERO and -over * TWENTIETH >= seat["target"]


@small
def look_at_seat(s, w, at, f, kind):
    """What a firm has above its target in a place, and whether that is enough to give, or little enough to ask."""
    seat = w.seats[f, at, kind]
    over = balance(s, w, at, f, kind) - seat["target"]
    w.over[f, at, kind] = over
    gives = GIVES if over > ZERO else ZERO
    return gives | (ASKS if seat["on_way"] != ZERO or asks(seat, over) else ZERO)


@behaviour
def survey(s, w):
    """What each firm has above its target, and of each asset: listing by listing, because the firms' accounts of one
    lie together.
    """
    n = np.int64(s.listings.shape[0])
    for i in range(w.firms.shape[0]):
        w.over[i, n, CASH], w.over[i, n, COINS] = ZERO, ZERO
        for a in range(w.net.shape[1]):
            w.net[i, a] = ZERO
    for k in range(n):
        at = np.int64(k)
        asset = s.listings[at]["asset"]
        for i in range(w.firms.shape[0]):
            f = np.int64(i)
            w.over[f, n, CASH] |= look_at_seat(s, w, at, f, CASH)
            w.over[f, n, COINS] |= look_at_seat(s, w, at, f, COINS)
            held = s.accounts[account_at(s.listings, w.rows, at, f)]["held_lots"]
            coins = s.positions[coins_at(s.listings, w.rows, at, f)] + w.seats[f, at, COINS]["on_way"]
            w.net[f, asset] += held + coins


@small
def move(s, w, at, f, kind, amount):
    """Add an amount to a firm's balance in a listing and to the listing's totals."""
    w.over[f, at, kind] += amount
    if kind == COINS:
        s.positions[coins_at(s.listings, w.rows, at, f)] += amount
        s.clock[at]["coin_lots"] = s.clock[at]["coin_lots"] + amount
    else:
        account = s.accounts[account_at(s.listings, w.rows, at, f)]
        account["cash_micro"] = account["cash_micro"] + amount
        s.clock[at]["cash_micro"] = s.clock[at]["cash_micro"] + amount


@small
def serves(s, a, b, kind):
    """Whether what lies in listing ``a`` can be used in listing ``b``."""
    one, other = s.listings[a], s.listings[b]
    if kind == COINS:
        return one["asset"] == other["asset"] and one["has_spot"] != ZERO and other["has_spot"] != ZERO
    return one["quote"] == other["quote"]


@inlined
def request(s, w, f, at, kind, now_us):
    """Send for what a firm misses in a listing, from where it has most too much."""
    seat, n = w.seats[f, at, kind], np.int64(s.listings.shape[0])
    missing = -w.over[f, at, kind]
    here, best, most, near = s.listings[at]["exchange"], -ONE, ZERO, False
    for k in range(n):
        o = np.int64(k)
        over = w.over[f, o, kind]
        if over <= ZERO or o == at or not serves(s, o, at, kind):
            continue
        there = s.listings[o]["exchange"]
        is_near = there == here
        if not is_near and (w.open[here] == ZERO or w.open[there] == ZERO):
            continue
        if (is_near and not near) or (is_near == near and over > most):
            best, most, near = o, over, is_near
    if best < ZERO:
        return
    amount = min(missing, most)
    move(s, w, best, f, kind, -amount)
    if near:
        move(s, w, at, f, kind, amount)
    else:
        seat["on_way"], seat["due_us"] = amount, now_us + w.firms[f]["travel_us"]


@small
def wait_for_orders(s, firm, now_us):
    """Keep a firm busy whose orders were due while messages that had arrived at their book were not worked off."""
    if now_us <= firm["busy_us"]:
        return
    for j in range(2):
        leg = firm["legs"][j]
        if leg != ZERO and s.clock[(leg - ONE) >> ONE]["n_waiting"][(leg - ONE) & ONE] != ZERO:
            firm["busy_us"] = now_us
            return
    firm["legs"][0], firm["legs"][1] = ZERO, ZERO


@behaviour
def move_balances(s, w, transfers, now_us):
    """Deliver what is due and send for what is missing."""
    n = np.int64(s.listings.shape[0])
    look_at_halts(w, transfers, now_us)
    survey(s, w)
    for i in range(w.firms.shape[0]):
        f = np.int64(i)
        wait_for_orders(s, w.firms[f], now_us)
        is_free = now_us > w.firms[f]["busy_us"]
        cash, coins = w.over[f, n, CASH], w.over[f, n, COINS]
        if (cash | coins) & ASKS == ZERO:
            continue
        has_cash, has_coins = cash & GIVES != ZERO, coins & GIVES != ZERO
        for k in range(n):
            at = np.int64(k)
            for j in range(2):
                kind = np.int64(j)
                seat = w.seats[f, at, kind]
                if seat["on_way"] != ZERO:
                    if now_us < seat["due_us"] or w.open[s.listings[at]["exchange"]] == ZERO:
                        continue
                    move(s, w, at, f, kind, seat["on_way"])
                    seat["on_way"] = ZERO
                    has_cash, has_coins = has_cash or kind == CASH, has_coins or kind == COINS
                if is_free and asks(seat, w.over[f, at, kind]):
                    if has_cash if kind == CASH else has_coins:
                        request(s, w, f, at, kind, now_us)
