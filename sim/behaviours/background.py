"""Background flow: Poisson market orders and short-lived limit orders of a funded crowd without a view (MODEL 4.2,
layer A, thin).

Takers: Poisson arrivals for each book, lognormal sizes, independent signs, uniform arrival in the tick. Limits: a
fixed number of rows a book side; each lives an exponential time and is then posted anew at a distance drawn from the
depth profile's density, so that together they hold their share of the profile. Order splitting and clustering of
signs are not in this version (docs/limits.md).
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, small
from sim.kernels.book import slot_of
from sim.kernels.ledger import NO_TICKET, NOISE, ONE, TAKERS, TWO, ZERO
from sim.kernels.mailbox import NEW, REPLACE, post
from sim.kernels.marks import PERP, bound_price
from sim.schema import BUY, IOC, POST, SELL

SERIAL_ROOM = np.int64(1 << 16)  # serials a sender may use in one tick
ROW_WORDS = np.int64(8)  # 16-bit draws in one Philox block
SPAN16 = 65536.0
LARGEST_LOTS = 1e17  # a larger order could not be carried by int64, nor filled by any book a build accepts

CROWD = np.dtype(
    [
        ("takers_per_tick", "f8"),
        ("most_takers", "i8"),
        ("log_median_lots", "f8"),
        ("sigma", "f8"),
        ("ticket0", "i8"),  # first ticket of the book's limit rows: bids, then asks
        ("rows_per_side", "i8"),
        ("renew_16", "i8"),  # chance of renewal in one tick, in 1/65536
        ("lots", "i8", (2,)),  # of one limit row of each side
    ]
)


class Background(NamedTuple):
    """``crowd`` CROWD[n_books], ``knots`` float64[n_books, 2, k, 2]: distance and cumulative depth (0..1) of each
    side's profile.
    """

    crowd: Any
    knots: Any


@small
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


@behaviour
def send_takers(bg, ld, mail, px, key, tick, start_us):
    """Step 5a of the tick: draw the market orders of the crowd and put them in the mailbox."""
    tick_us = np.float64(ld.clock[0]["tick_us"])
    for i in range(bg.crowd.shape[0]):
        b = np.int64(i)
        crowd = bg.crowd[b]
        w0, w1, w2, w3 = rng.philox(key, tick, rng.TAKER_COUNT, ld.accounts[TAKERS]["key"], b)
        n = rng.poisson(crowd["takers_per_tick"], rng.uniform(w0, w1), crowd["most_takers"])
        reference = px.now[0]["mark_half_ticks"] if b == PERP else px.now[0]["index_half_ticks"]
        for j in range(n):
            row = TWO * np.int64(j)
            where = ld.accounts[TAKERS]["key"] + (b << np.int64(16))
            w0, w1, w2, w3 = rng.philox(key, tick, rng.TAKER_ORDER, where, row)
            z = rng.normal(w0, w1, w2, w3)
            w0, w1, w2, w3 = rng.philox(key, tick, rng.TAKER_ORDER, where, row + ONE)
            size = math.exp(crowd["log_median_lots"] + crowd["sigma"] * z)
            lots = max(ONE, np.int64(min(size, LARGEST_LOTS)))
            side = np.int64(w2 & np.uint64(1))
            arrival = start_us + np.int64(rng.uniform(w0, w1) * tick_us)
            price = bound_price(reference, side, ld.rules[b]["order_bound_ppm"])
            serial = tick * SERIAL_ROOM + (b << np.int64(14)) + np.int64(j)
            post(ld, mail, arrival, serial, TAKERS, NO_TICKET, NEW, b, side, price, lots, IOC)


@small
def renew_row(bg, ld, mail, px, key, tick, start_us, b, side, row, part, is_live):
    """Post one limit row anew at a fresh distance; ``part`` (0..1) is the moment within the tick."""
    where = ld.accounts[NOISE]["key"] + (b << np.int64(16)) + (side << np.int64(20))
    w0, w1, w2, w3 = rng.philox(key, tick, rng.NOISE_PLACE, where, row)
    distance = distance_of(bg.knots[b, side], rng.uniform(w0, w1))
    mid = 0.5 * np.float64(px.now[0]["mid_half_ticks"] if b == PERP else px.now[0]["index_half_ticks"])
    price = np.int64(math.floor(mid * (1.0 - distance))) if side == BUY else np.int64(math.ceil(mid * (1.0 + distance)))
    crowd = bg.crowd[b]
    arrival = start_us + np.int64(part * np.float64(ld.clock[0]["tick_us"]))
    ticket = crowd["ticket0"] + side * crowd["rows_per_side"] + row
    serial = tick * SERIAL_ROOM + (b << np.int64(14)) + (side << np.int64(13)) + row
    action = REPLACE if is_live else NEW
    post(ld, mail, arrival, serial, NOISE, ticket, action, b, side, max(ONE, price), crowd["lots"][side], POST)


@behaviour
def send_limits(bk, bg, ld, mail, px, key, tick, start_us):
    """Step 4b of the tick: renew the limit rows whose life ended. In the warm-up tick every row is posted."""
    for i in range(bg.crowd.shape[0]):
        b = np.int64(i)
        crowd = bg.crowd[b]
        n, chance = crowd["rows_per_side"], crowd["renew_16"]
        if tick < ZERO:
            chance = np.int64(SPAN16)
        for side in range(SELL + ONE):
            if crowd["lots"][side] == ZERO:
                continue
            where = ld.accounts[NOISE]["key"] + (b << np.int64(16)) + (np.int64(side) << np.int64(20))
            for block in range((n + ROW_WORDS - ONE) // ROW_WORDS):
                words = rng.philox(key, tick, rng.NOISE_CLOCK, where, np.int64(block))
                for w in range(4):
                    for half in range(2):
                        row = np.int64(block) * ROW_WORDS + np.int64(2 * w + half)
                        draw = rng.sixteen_bits(words[w], half)
                        ticket = crowd["ticket0"] + np.int64(side) * n + row
                        if row < n and draw < chance and np.int64(ld.tickets[ticket]["pending"]) == ZERO:
                            live = slot_of(bk.pool, ld.tickets[ticket]["handle"]) != ZERO
                            part = (np.float64(draw) + 0.5) / np.float64(chance)
                            renew_row(bg, ld, mail, px, key, tick, start_us, b, np.int64(side), row, part, live)
