"""Market makers: ladders of quotes around a belief that follows the news and answers to fills (MODEL 4.1).

Each firm keeps, on each side of each book, a geometric ladder of rungs between an inner and an outer distance; a
rung holds its firm's share of the depth profile times what the firm dares to show (behaviours/maker_risk.py). The
reservation price is news value seen x exp(belief) x (1 - skew x net / limit). Half-spread and skew are those of Gueant,
Lehalle and Fernandez-Tapia (kernels/quotes.py) at the volatility of the moment. The belief moves by ``flow_response``
for each dollar of signed flow that the posted quotes of both books absorbed; what latent buyers and sellers absorb
teaches nobody anything, which is how they hold the price. It also drifts toward the consolidated mid of both books: a
firm's fair value is the market's, plus the news and the fills since. Size fades to zero on the side that adds to
inventory. Quotes are post-only, except one that crosses the touch by more than the taker fee: that one is worth paying
the fee and trades. Information is the state at the last tick's end and the news seen with latency; messages take the
same latency.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.behaviours.background import FOUR, SERIAL_ROOM, SPAN16, THREE
from sim.behaviours.maker_risk import NEAR, NORMAL, felt_lots, net_lots, review_firm, update_volatility, view_of
from sim.behaviours.news import log_value_seen
from sim.kernels._jit import inlined, small, trailing_zeros
from sim.kernels.book import U0, U1, best_ask, best_bid, slot_of
from sim.kernels.ledger import MILLION, ONE, TWO, ZERO, Order, taker_fee_ppm
from sim.kernels.mailbox import CANCEL, NEW, REPLACE, post
from sim.kernels.marks import PERP, SPOT
from sim.kernels.quotes import skew_per_lot
from sim.schema import BUY, GTC, MAX_PRICE_TICKS, POST

# A rung is moved when its price is off target by more than this share of its distance from the reservation price
# [judgement]. With 16 rungs, 8 firms and the default rates it gives 163 messages a second on the perp of calm_btc at
# ticks of 1 s (each rung sends at most one a tick) against the 200-400 of DECISIONS 25.
REPRICE_SHARE = 0.002
SHORT_SHARE = 0.5  # a rung with less than this share of its target size is refilled at the add rate [judgement]
LONG_SHARE = 1.5  # a rung with more than this multiple of its target size is cut at the cancel rate [judgement]
RUNGS = np.int64(8)  # that a block of draws serves
LADDER_WORDS = np.int64(256)  # last counter words of a ladder: one for each eight rungs, at most 200 of them

QUOTING = np.dtype(
    [
        ("add_16", "i8"),  # chance in one tick, in 1/65536
        ("cancel_16", "i8"),
        ("response_per_micro", "f8"),  # log price for each micro-dollar of net flow into posted quotes
        ("anchor_share", "f8"),  # of the gap between the consolidated mid and a firm's fair price, closed in one tick
        ("quote_age_ticks", "f8"),  # how much older the news in resting quotes is than what firms see
        ("perp_weight", "f8"),  # of the perp in the consolidated mid; the rest is the spot book's
        ("gamma", "f8"),  # of the GLFT quotes, for prices in fractions and inventory in mean background orders
        ("k", "f8"),
        ("growth", "f8"),  # what follows from the two, see sim/kernels/quotes.py
        ("base", "f8"),  # half-spread at no volatility, a fraction of the price
        ("fill_rate", "f8"),  # A, 1/s
        ("limit_orders", "f8"),  # inventory limit at median capital, in mean background orders
        ("news_lag_ticks", "f8"),
        ("latency_us", "i8"),
        ("ticket0", "i8"),
        ("listed", "i8", (2,)),  # 0: there is no such book
    ]
)


class Makers(NamedTuple):
    """``firms`` MAKER[n], ``caution`` CAUTION[1], ``quoting`` QUOTING[1], ``distance`` float64 and ``lots`` int64,
    [n, books, 2, rungs].
    """

    firms: Any
    caution: Any
    quoting: Any
    distance: Any
    lots: Any


class Ladder(NamedTuple):
    """One ladder in one tick: whose and where, reservation price (float ticks), shares of full size near and far, what
    is added to every distance, price to take.
    """

    firm: Any
    book: Any
    side: Any
    reservation: Any
    near: Any
    far: Any
    widening: Any
    take_beyond: Any


@inlined
def all_net_lots(bk, mk):
    """Inventory summed over firms."""
    total = ZERO
    for i in range(mk.firms.shape[0]):
        total += net_lots(bk, mk.firms[i])
    return total


@inlined
def reservation_ticks(news, firm, skew, log_seen, net):
    """Price, as a float in ticks, around which a firm quotes; ``skew`` is the shift at its inventory limit."""
    shift = skew * np.float64(net) / np.float64(firm["limit_lots"])
    return news.now[0]["start_usd"] / news.now[0]["tick_usd"] * math.exp(log_seen + firm["belief"]) * (1.0 - shift)


@inlined
def log_consolidated(px, quoting, perp):
    """Log of the mid of both books, weighted by posted depth, in half ticks; ``perp`` is that of the perp alone."""
    return perp + (1.0 - quoting["perp_weight"]) * (math.log(np.float64(px.now[0]["spot_half_ticks"])) - perp)


@inlined
def glft_quotes(quoting, reference, x):
    """Half-spread at the reference volatility; half-spread, and skew at the inventory limit, at ``x`` times that; all
    as fractions.
    """
    gamma, k, fill_rate = quoting["gamma"], quoting["k"], quoting["fill_rate"]
    base, growth = quoting["base"], quoting["growth"]
    calm = skew_per_lot(gamma, k, fill_rate, reference, growth)
    skew = skew_per_lot(gamma, k, fill_rate, reference * x, growth)
    return base + 0.5 * calm, base + 0.5 * skew, skew * quoting["limit_orders"]


@inlined
def size_share(net, side, limit):
    """Share of its full size that a firm quotes on a side: 1 - |net| / limit, in 0..1, where a fill adds to
    inventory; else 1.
    """
    adds = net if side == BUY else -net
    return min(1.0, max(0.0, 1.0 - np.float64(max(adds, ZERO)) / np.float64(limit)))


@small
def action_for(bk, row, draw, price, lots, tolerance, quoting, warm_up):
    """What a firm does with one rung in this tick: -1 nothing, else NEW, REPLACE or CANCEL; and the chance it was
    drawn against.
    """
    slot = slot_of(bk.pool, row["handle"])
    if slot == ZERO:
        chance = np.int64(SPAN16) if warm_up else quoting["add_16"]
        return (NEW if draw < chance and lots > ZERO else -ONE), chance
    resting = np.float64(bk.pool[slot]["lots"])
    if abs(row["price_ticks"] - price) > tolerance or resting > LONG_SHARE * np.float64(lots):
        chance = quoting["cancel_16"]
        return ((REPLACE if lots > ZERO else CANCEL) if draw < chance else -ONE), chance
    if resting < SHORT_SHARE * np.float64(lots):
        chance = quoting["add_16"]
        return (REPLACE if draw < chance else -ONE), chance
    return -ONE, ONE


@inlined
def take_beyond_ticks(bk, ld, b, side, owner):
    """Price beyond which a quote that crosses the touch is worth its taker fee: the opposite best, worsened by the
    fee.
    """
    fee = taker_fee_ppm(ld, b, owner)
    if side == BUY:
        ask = best_ask(bk, b)
        return MAX_PRICE_TICKS if ask == ZERO else ask + ask * fee // MILLION
    bid = best_bid(bk, b)
    return bid - bid * fee // MILLION


@small
def tend_rung(bk, mk, ld, mail, at, rung, draw, tick):
    """Decide about one rung and send the message."""
    quoting, firm = mk.quoting[0], mk.firms[at.firm]
    n_rungs = np.int64(mk.lots.shape[3])
    ticket = quoting["ticket0"] + ((at.firm * TWO + at.book) * TWO + at.side) * n_rungs + rung
    row = ld.tickets[ticket]
    if np.int64(row["pending"]) != ZERO:
        return
    distance = mk.distance[at.firm, at.book, at.side, rung]
    share = at.near if distance < NEAR else at.far
    offset = max(distance + at.widening, 0.0) * at.reservation
    if at.side == BUY:
        price = np.int64(math.floor(at.reservation - offset))
        takes = price > at.take_beyond
    else:
        price = np.int64(math.ceil(at.reservation + offset))
        takes = price < at.take_beyond
    price = max(ONE, price)
    lots = np.int64(share * np.float64(mk.lots[at.firm, at.book, at.side, rung]))
    tolerance = max(ONE, np.int64(REPRICE_SHARE * offset))
    action, chance = action_for(bk, row, draw, price, lots, tolerance, quoting, tick < ZERO)
    if action < ZERO:
        return
    part = (np.float64(draw) + 0.5) / np.float64(chance)
    delay = ZERO if tick < ZERO else quoting["latency_us"]
    tick_us = ld.clock[0]["tick_us"]
    arrival = tick * tick_us + np.int64(part * np.float64(tick_us)) + delay
    serial = tick * SERIAL_ROOM + ((at.book * TWO + at.side) << np.int64(12)) + rung
    order = Order(at.book, at.side, price, lots, firm["owner"], GTC if takes else POST, ticket)
    post(ld, mail, arrival, serial, action, order)


@inlined
def quote_ladder(bk, mk, ld, mail, draws, at, first, due, tick):
    """Those of up to eight rungs of one ladder, from ``first`` on, that are ``due``; ``draws`` are their two words."""
    while due != U0:
        w = trailing_zeros(due)
        due &= due - U1
        tend_rung(bk, mk, ld, mail, at, first + w, rng.sixteen_bits(draws[w >> TWO], w & THREE), tick)


@inlined
def due_rungs(draws, most, n):
    """Which of the first ``n`` of eight rungs, whose two words are ``draws``, are tended in this tick."""
    due = rng.below(draws[0], most) | (rng.below(draws[1], most) << np.uint64(4))
    return due & ((U1 << np.uint64(min(n, RUNGS))) - U1)


@inlined
def quote_firm(bk, mk, ld, mail, i, reservation, widening, net, draws, block, tick):
    """Eight rungs of each ladder of one firm."""
    firm, listed, first = mk.firms[i], mk.quoting[0]["listed"], block * RUNGS
    most = np.int64(SPAN16) if tick < ZERO else max(mk.quoting[0]["add_16"], mk.quoting[0]["cancel_16"])
    for b in range(2):
        if listed[b] == ZERO:
            continue
        for s in range(2):
            book, side = np.int64(b), np.int64(s)
            words = draws[TWO * (TWO * book + side) :]
            due = due_rungs(words, most, np.int64(mk.lots.shape[3]) - first)
            if due == U0:
                continue
            share = size_share(net, side, firm["limit_now_lots"])
            near = share * firm["near"] * firm["shock_near"][side]
            far = share * firm["far"] * firm["shock_far"][side]
            beyond = take_beyond_ticks(bk, ld, book, side, firm["owner"])
            at = Ladder(i, book, side, reservation, near, far, widening, beyond)
            quote_ladder(bk, mk, ld, mail, words, at, first, due, tick)


@inlined
def draw_rungs(mk, ld, key, pair, n_blocks, draws, tick):
    """Draw for two items at a time, each eight rungs of the four ladders of one firm: numbers ``2 pair`` and after,
    firm by firm.
    """
    one = TWO * pair
    other = min(one + ONE, mk.firms.shape[0] * n_blocks - ONE)
    a = ld.accounts[mk.firms[one // n_blocks]["owner"]]["key"]
    b = ld.accounts[mk.firms[other // n_blocks]["owner"]]["key"]
    rng.draw_pair(key, tick, rng.RUNG_CLOCK, a, b, one % n_blocks, other % n_blocks, LADDER_WORDS, rng.BLOCKS, draws)


@inlined
def make_markets(bk, mk, ld, mail, px, news, key, draws, tick):
    """Step 4a of the tick: every firm updates its belief and its caution and tends its ladders."""
    quoting, n_blocks, drawn = mk.quoting[0], (np.int64(mk.lots.shape[3]) + RUNGS - ONE) // RUNGS, -ONE
    flow = np.float64(ld.flows[PERP]["last_quoted_micro"] + ld.flows[SPOT]["last_quoted_micro"])
    log_mid = math.log(np.float64(px.now[0]["mid_half_ticks"]))
    if tick > ZERO:
        update_volatility(mk, log_mid, tick * ld.clock[0]["tick_us"])
    calm, spread, skew = glft_quotes(quoting, mk.caution[0]["reference"], mk.caution[0]["x"])
    log_seen = log_value_seen(news, tick, quoting["news_lag_ticks"])
    log_quoted = log_value_seen(news, tick, min(quoting["news_lag_ticks"] + quoting["quote_age_ticks"], tick + 1.0))
    market_belief = log_consolidated(px, quoting, log_mid) - news.now[0]["start_log"] - log_quoted
    view = view_of(ld, mk, px, news, log_seen, tick)
    for k in range(mk.firms.shape[0]):
        i = np.int64(k)
        firm = mk.firms[i]
        drift = quoting["anchor_share"] * (market_belief - firm["belief"])
        firm["belief"] = firm["belief"] + drift + quoting["response_per_micro"] * flow
        review_firm(bk, ld, mk, px, key, i, view)
        if firm["live"] == ZERO:
            continue
        net = felt_lots(bk, firm)
        reservation = reservation_ticks(news, firm, skew, log_seen, net)
        widening = (TWO * spread if firm["state"] != NORMAL else spread) - calm
        for j in range(n_blocks):
            item = i * n_blocks + np.int64(j)
            if item >> ONE != drawn:
                drawn = item >> ONE
                draw_rungs(mk, ld, key, drawn, n_blocks, draws, tick)
            words = draws[TWO * FOUR * (item & ONE) :]
            quote_firm(bk, mk, ld, mail, i, reservation, widening, net, words, np.int64(j), tick)
