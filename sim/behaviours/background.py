"""Background flow: market orders that excite each other and short-lived limit orders of a funded crowd without a view
(MODEL 4.2, layer A).

Takers: Hawkes arrivals for each book (a base rate proportional to the activity of the news, kernels exponential on
four time scales), uniform within the tick, lognormal sizes. Each order belongs to one of a fixed number of metaorders
at work, drawn at random, and has its sign; a metaorder has a Pareto number of orders and is then replaced by a new one
of random sign (Lillo, Mike and Farmer 2005): signs have a long memory. Limits: a fixed number of rows a book side;
each lives an exponential time and is then posted anew at a distance drawn from the depth profile's density, so that
together they hold their share of the profile.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.kernels._jit import inlined, small, trailing_zeros
from sim.kernels.book import U0, U1, slot_of
from sim.kernels.ledger import NO_TICKET, NOISE, ONE, TAKERS, TWO, ZERO, Order
from sim.kernels.mailbox import NEW, REPLACE, post
from sim.kernels.marks import PERP, bound_price
from sim.schema import BUY, IOC, POST

SERIAL_ROOM = np.int64(1 << 16)  # serials a sender may use in one tick
LAST_DRAWN = rng.BLOCKS // np.int64(2) - np.int64(1)  # of the takers drawn together, two blocks each
SPAN16 = 65536.0
THREE, FOUR = np.int64(3), np.int64(4)
MOST_RATE = 600.0  # arrivals that ``rng.poisson`` can draw at once
LARGEST_LOTS = 1e17  # a larger order could not be carried by int64, nor filled by any book a build accepts

CROWD = np.dtype(
    [
        ("base_per_tick", "f8"),  # arrivals at activity one that no other order caused
        ("caused", "f8", (4,)),  # arrivals a tick that earlier orders cause now, by time scale
        ("kept", "f8", (4,)),  # share of that left after one tick
        ("gain", "f8", (4,)),  # added by one arrival, so that its children sum to the branching ratio at any tick
        ("most_takers", "i8"),  # that one draw may give
        ("more_draws", "i8"),  # beyond the first, whose sum is the number of takers of a long tick
        ("pareto", "f8"),  # exponent of metaorder length
        ("longest", "f8"),  # orders of the longest metaorder
        ("log_median_lots", "f8"),
        ("sigma", "f8"),
        ("ticket0", "i8"),  # first ticket of the book's limit rows: bids, then asks
        ("rows_per_side", "i8"),
        ("renew_16", "i8"),  # chance of renewal in one tick, in 1/65536
        ("lots", "i8", (2,)),  # of one limit row of each side
    ]
)


METAORDER = np.dtype([("left", "i8"), ("side", "i8")])  # orders still to come, BUY or SELL


class Background(NamedTuple):
    """``crowd`` CROWD[n_books], ``knots`` float64[n_books, 2, k, 2]: distance and cumulative depth (0..1) of each
    side's profile; ``metaorders`` METAORDER[n_books, n_at_work].
    """

    crowd: Any
    knots: Any
    metaorders: Any


class LimitRow(NamedTuple):
    """A limit row due for renewal: where it stands, its ticket, and the moment within the tick (0..1)."""

    book: Any
    side: Any
    row: Any
    ticket: Any
    part: Any


@inlined
def distance_of(knots, u):
    """Distance (a fraction of the mid) at which the cumulative profile reaches ``u`` of its total: linear between
    knots.
    """
    k = 1
    while k < knots.shape[0] - 1 and knots[k, 1] < u:
        k += 1
    low, high = knots[k - 1, 1], knots[k, 1]
    part = (u - low) / (high - low) if high > low else 1.0
    return knots[k - 1, 0] + part * (knots[k, 0] - knots[k - 1, 0])


@inlined
def arrivals(ld, crowd, activity, key, tick, b):
    """Number of takers of one tick, and the rates of the next one. Past the declared bound of a draw it is counted as
    an overflow, which ends the run rather than clip.
    """
    rate = crowd["base_per_tick"] * activity
    caused = crowd["caused"]
    for k in range(4):
        rate += caused[k]
    n, draws = ZERO, ONE + crowd["more_draws"]
    each = rate / np.float64(draws)
    for k in range(draws):
        w0, w1, w2, w3 = rng.philox(key, tick, rng.TAKER_COUNT, ld.accounts[TAKERS]["key"], b + TWO * np.int64(k))
        drawn = rng.poisson(min(each, MOST_RATE), rng.uniform(w0, w1), crowd["most_takers"])
        if drawn == crowd["most_takers"] or each > MOST_RATE:
            ld.clock[0]["overflow"] = ld.clock[0]["overflow"] + ONE
        n += drawn
    for k in range(4):
        caused[k] = crowd["kept"][k] * caused[k] + np.float64(n) * crowd["gain"][k]
    return n


@small
def side_of_next(bg, key, tick, where, b, pick, row):
    """Sign of the next order: that of the metaorder it belongs to; a metaorder that ends is replaced."""
    n = np.int64(bg.metaorders.shape[1])
    work = bg.metaorders[b, (np.int64(pick) * n) >> np.int64(32)]
    side = np.int64(work["side"])
    work["left"] = work["left"] - ONE
    if work["left"] <= ZERO:
        w0, w1, w2, w3 = rng.philox(key, tick, rng.METAORDER, where, row)
        length = math.pow(rng.uniform(w0, w1), -1.0 / bg.crowd[b]["pareto"])
        work["left"] = np.int64(math.ceil(min(length, bg.crowd[b]["longest"])))
        work["side"] = np.int64(w2 & np.uint64(1))
    return side


@inlined
def send_takers(bg, ld, mail, px, news, key, draws, tick, start_us):
    """Step 5a of the tick: draw the market orders of the crowd and put them in the mailbox."""
    tick_us = np.float64(ld.clock[0]["tick_us"])
    for i in range(bg.crowd.shape[0]):
        b = np.int64(i)
        crowd = bg.crowd[b]
        n = arrivals(ld, crowd, news.now[0]["activity"], key, tick, b)
        reference = px.now[0]["mark_half_ticks"] if b == PERP else px.now[0]["spot_half_ticks"]
        where = ld.accounts[TAKERS]["key"] + (b << np.int64(16))
        for j in range(n):
            row, at = TWO * np.int64(j), TWO * (np.int64(j) & LAST_DRAWN)
            if at == ZERO:
                rng.draw_blocks(key, tick, rng.TAKER_ORDER, where, row, ONE, rng.BLOCKS, draws)
            w0, w1, w2, w3 = rng.block_words(draws, at)
            z = rng.normal(w0, w1, w2, w3)
            w0, w1, w2, w3 = rng.block_words(draws, at + ONE)
            size = math.exp(crowd["log_median_lots"] + crowd["sigma"] * z)
            lots = max(ONE, np.int64(min(size, LARGEST_LOTS)))
            side = side_of_next(bg, key, tick, where, b, w2, row)
            arrival = start_us + np.int64(rng.uniform(w0, w1) * tick_us)
            price = bound_price(reference, side, ld.rules[b]["order_bound_ppm"])
            serial = tick * SERIAL_ROOM + (b << np.int64(14)) + np.int64(j)
            order = Order(b, side, price, lots, TAKERS, IOC, NO_TICKET)
            post(ld, mail, arrival, serial, NEW, order)


@small
def noise_key(ld, b, side):
    """Participant word of a book side's limit orders."""
    return ld.accounts[NOISE]["key"] + (b << np.int64(16)) + (side << np.int64(20))


@inlined
def renewed(bg, ld, px, words, at):
    """The order that takes the place of a limit row, at a distance drawn afresh from the profile."""
    distance = distance_of(bg.knots[at.book, at.side], rng.uniform(words[0], words[1]))
    mid = 0.5 * np.float64(px.now[0]["mid_half_ticks"] if at.book == PERP else px.now[0]["spot_half_ticks"])
    if at.side == BUY:
        price = np.int64(math.floor(mid * (1.0 - distance)))
    else:
        price = np.int64(math.ceil(mid * (1.0 + distance)))
    return Order(at.book, at.side, max(ONE, price), bg.crowd[at.book]["lots"][at.side], NOISE, POST, at.ticket)


@inlined
def renew_row(bk, bg, ld, mail, px, key, at, tick):
    """Post one limit row anew, replacing what is left of it."""
    words = rng.philox(key, tick, rng.NOISE_PLACE, noise_key(ld, at.book, at.side), at.row)
    order = renewed(bg, ld, px, words, at)
    tick_us = ld.clock[0]["tick_us"]
    arrival = tick * tick_us + np.int64(at.part * np.float64(tick_us))
    serial = tick * SERIAL_ROOM + (at.book << np.int64(14)) + (at.side << np.int64(13)) + at.row
    is_live = slot_of(bk.pool, ld.tickets[at.ticket]["handle"]) != ZERO
    post(ld, mail, arrival, serial, REPLACE if is_live else NEW, order)


@inlined
def send_limits(bk, bg, ld, mail, px, key, draws, tick):
    """Step 4b of the tick: renew the limit rows whose life ended. In the warm-up tick every row is posted."""
    for i in range(bg.crowd.shape[0]):
        b = np.int64(i)
        crowd = bg.crowd[b]
        n = crowd["rows_per_side"]
        chance = np.int64(SPAN16) if tick < ZERO else crowd["renew_16"]
        if crowd["lots"][BUY] == ZERO and crowd["lots"][ONE - BUY] == ZERO:
            continue
        bids, asks = noise_key(ld, b, ZERO), noise_key(ld, b, ONE)
        rng.draw_pair(key, tick, rng.NOISE_CLOCK, bids, asks, ZERO, ZERO, ONE, rng.BLOCKS, draws)
        for s in range(2):
            side = np.int64(s)
            if crowd["lots"][side] == ZERO:
                continue
            where = noise_key(ld, b, side)
            for j in range((n + THREE) >> TWO):
                four = rng.four_of_row(key, tick, rng.NOISE_CLOCK, where, side, np.int64(j), draws)
                due = rng.below(four, chance)
                while due != U0:
                    row, draw = np.int64(j) * FOUR + trailing_zeros(due), rng.sixteen_bits(four, trailing_zeros(due))
                    due &= due - U1
                    ticket = crowd["ticket0"] + side * n + row
                    if row < n and np.int64(ld.tickets[ticket]["pending"]) == ZERO:
                        part = (np.float64(draw) + 0.5) / np.float64(chance)
                        renew_row(bk, bg, ld, mail, px, key, LimitRow(b, side, row, ticket, part), tick)
