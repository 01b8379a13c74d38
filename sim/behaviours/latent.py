"""The latent layer: value buyers and sellers who show no order until the price is near theirs (MODEL 4.2, layer B; R5).

Their reservation prices have a density in y, the log distance from the news value v: ``L min(y, y_c)`` on each side,
kept in bins and renewed toward that shape at rate nu. Nothing trades but through the book:

- *Reveal.* At rate 1/tau_r each bin near the price is looked at and its resting order set to
  ``mass * exp(-d / x_r)``, d the log distance from the mid; un-reveal is the same rule read backwards. A resting
  order whose price the value has left behind is taken off at the rate of stale quotes.
- *Re-entry.* Bins that the price has passed over (it fell through them faster than they were revealed) would pay more
  than the market asks. They come back at rate 1/tau_re, all together as one immediate order for what is on offer
  within x_r of the touch; what it does not get stays latent.
- *Funding.* Each book's layer is one account. Bids are limited to its cash, spot asks to its coins, perp shorts to
  what it is worth; cash is reserved by resting orders and spent at fill.

Executions empty the bins they came from. Slow twin: tests/reference_market/latent.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.behaviours.background import FOUR, SERIAL_ROOM, SPAN16, THREE
from sim.behaviours.news import log_value_seen
from sim.kernels._jit import behaviour, inlined, prefetch, small, trailing_zeros
from sim.kernels.book import U0, U1, best_ask, best_bid, slot_of
from sim.kernels.ledger import ONE, TWO, ZERO, Order
from sim.kernels.mailbox import CANCEL, NEW, REPLACE, post
from sim.kernels.marks import PERP
from sim.schema import BUY, IOC, POST

REACH = 8.0  # bins further than this many x_r from the mid would show less than 0.04% of their mass
FEE_RESERVE = np.int64(1000)  # one part in so many of the cash is kept for fees
SWEEP_SERIAL = np.int64(1 << 15)  # serials of re-entry orders, above those of every bin

LAYER = np.dtype(
    [
        ("owner", "i8"),
        ("on", "i8"),
        ("lots_per_unit2", "f8"),  # L: lots for each squared unit of log distance, at the start price
        ("y_c", "f8"),  # log distance from which the density is constant
        ("width", "f8"),  # of one bin, log units
        ("x_r", "f8"),
        ("renew_per_us", "f8"),  # nu
        ("reveal_16", "i8"),  # chance of a look in one tick, in 1/65536
        ("stale_16", "i8"),
        ("reenter_share", "f8"),  # of the passed mass in one tick
        ("lag_ticks", "f8"),  # age of the news they know
        ("latency_us", "i8"),
        ("ticket0", "i8"),  # bids' bins, then asks' bins, then the re-entry order of each side
        ("deepest", "i8", (2,)),  # no resting order in a bin beyond
    ]
)


class Latent(NamedTuple):
    """``layers`` LAYER[n_books]; ``mass`` float64 (lots), ``stamp_us`` int64, ``settled`` int64 (lots of the ticket's
    fills already taken off the mass), ``offered`` int64 (lots of the last message sent), each [n_books, 2, n_bins + 1];
    the last column belongs to the re-entry order.
    """

    layers: Any
    mass: Any
    stamp_us: Any
    settled: Any
    offered: Any


class Reach(NamedTuple):
    """One side of one layer in one tick: log value seen, value in ticks, log mid minus log value, first bin not passed,
    first bin too far.
    """

    book: Any
    side: Any
    log_value: Any
    value: Any
    gap: Any
    first: Any
    end: Any


@small
def distance_of_bin(layer, k):
    """Log distance from the value of the middle of bin ``k``."""
    return (np.float64(k) + 0.5) * layer["width"]


@inlined
def full_mass(layer, k):
    """Lots in bin ``k`` when nothing has been consumed: L min(y, y_c) times the width."""
    return layer["lots_per_unit2"] * min(distance_of_bin(layer, k), layer["y_c"]) * layer["width"]


@small
def ticket_of_bin(lt, b, side, k):
    """Ticket of a bin's resting order; ``k`` = n_bins is the re-entry order."""
    return lt.layers[b]["ticket0"] + side * np.int64(lt.mass.shape[2]) + k


@small
def bring_up_to_date(ld, lt, b, side, k, now_us):
    """Take off the mass of a bin what its order has traded, then renew it up to now. Returns the mass in lots."""
    layer = lt.layers[b]
    row = ld.tickets[ticket_of_bin(lt, b, side, k)]
    mass = max(0.0, lt.mass[b, side, k] - np.float64(row["filled_lots"] - lt.settled[b, side, k]))
    lt.settled[b, side, k] = row["filled_lots"]
    full = full_mass(layer, k)
    age_us = np.float64(now_us - lt.stamp_us[b, side, k])
    mass = full + (mass - full) * math.exp(-layer["renew_per_us"] * age_us)
    lt.stamp_us[b, side, k] = now_us
    lt.mass[b, side, k] = mass
    return mass


@small
def price_of_bin(news, layer, at, k):
    """Price of bin ``k`` in ticks, bids rounded down, asks up, at least 1."""
    sign = -1.0 if at.side == BUY else 1.0
    now = news.now[0]
    price = now["start_usd"] / now["tick_usd"] * math.exp(at.log_value + sign * distance_of_bin(layer, k))
    return max(ONE, np.int64(math.floor(price) if at.side == BUY else math.ceil(price)))


@small
def committed_lots(bk, ld, lt, at, k):
    """Lots that the order of bin ``k`` rests with, or may rest with once its message arrives: the larger, because what
    rests can trade until then.
    """
    row = ld.tickets[ticket_of_bin(lt, at.book, at.side, k)]
    slot = slot_of(bk.pool, row["handle"])
    resting = ZERO if slot == ZERO else bk.pool[slot]["lots"]
    return max(resting, lt.offered[at.book, at.side, k]) if np.int64(row["pending"]) != ZERO else resting


@behaviour
def capacity_lots(bk, ld, lt, at, price):
    """Lots the layer may still offer on a side at ``price``: what its cash or coins cover, less what is committed."""
    n_bins = np.int64(lt.mass.shape[2]) - ONE
    committed = committed_lots(bk, ld, lt, at, n_bins)
    for k in range(lt.layers[at.book]["deepest"][at.side] + ONE):
        committed += committed_lots(bk, ld, lt, at, np.int64(k))
    owner = lt.layers[at.book]["owner"]
    held, cash = bk.positions[at.book, owner], ld.accounts[owner]["cash_micro"]
    covered = (cash - cash // FEE_RESERVE) // (price * ld.rules[at.book]["micro_per_tick_lot"])
    if at.side == BUY:
        return covered - committed
    return (TWO * held + covered if at.book == PERP else held) - committed


@inlined
def look(bk, ld, mail, news, lt, at, k, part, room, tick):
    """Set the resting order of bin ``k`` to what its distance from the mid lets it show. Returns lots newly offered;
    what it takes back is free only once the message has arrived.
    """
    layer = lt.layers[at.book]
    now_us = tick * ld.clock[0]["tick_us"]
    ticket = ticket_of_bin(lt, at.book, at.side, k)
    row = ld.tickets[ticket]
    mass = bring_up_to_date(ld, lt, at.book, at.side, k, now_us)
    slot = slot_of(bk.pool, row["handle"])
    resting = ZERO if slot == ZERO else bk.pool[slot]["lots"]
    sign = 1.0 if at.side == BUY else -1.0
    away = distance_of_bin(layer, k) + sign * at.gap
    wanted = ZERO
    if k >= at.first and away < REACH * layer["x_r"]:
        wanted = min(np.int64(mass * math.exp(-max(away, 0.0) / layer["x_r"])), max(ZERO, resting + room))
    price = price_of_bin(news, layer, at, k)
    if resting == ZERO and wanted == ZERO:
        return ZERO
    if resting == wanted and row["price_ticks"] == price:
        return ZERO
    action = NEW if resting == ZERO else (CANCEL if wanted == ZERO else REPLACE)
    tick_us = ld.clock[0]["tick_us"]
    arrival = tick * tick_us + np.int64(part * np.float64(tick_us)) + layer["latency_us"]
    serial = tick * SERIAL_ROOM + (at.side << np.int64(14)) + k
    lt.offered[at.book, at.side, k] = wanted
    post(ld, mail, arrival, serial, action, Order(at.book, at.side, price, wanted, layer["owner"], POST, ticket))
    if wanted > ZERO:
        lt.layers[at.book]["deepest"][at.side] = max(lt.layers[at.book]["deepest"][at.side], k)
    return max(ZERO, wanted - resting)


@inlined
def is_left_behind(bk, ld, lt, at, k):
    """Whether a resting order bids above, or asks below, the value its owner sees now, in ticks."""
    row = ld.tickets[ticket_of_bin(lt, at.book, at.side, k)]
    price = np.float64(row["price_ticks"])
    return (price > at.value if at.side == BUY else price < at.value) and slot_of(bk.pool, row["handle"]) != ZERO


@inlined
def look_key(ld, layer, side):
    """Participant word of one side's looks."""
    return ld.accounts[layer["owner"]]["key"] + (side << np.int64(20))


@inlined
def reveal_side(bk, ld, mail, news, lt, key, draws, at, tick):
    """Look at each bin in reach at the rate of revealing, and at orders the value has left behind at the stale rate."""
    layer = lt.layers[at.book]
    n_bins = np.int64(lt.mass.shape[2]) - ONE
    end = min(n_bins, max(at.end, layer["deepest"][at.side] + ONE))
    room, is_room_known = ZERO, False
    where = look_key(ld, layer, at.side)
    usual = np.int64(SPAN16) if tick < ZERO else layer["reveal_16"]
    most = max(usual, layer["stale_16"])
    for i in range((end + THREE) >> TWO):
        four = rng.four_of_row(key, tick, rng.LATENT_LOOK, where, at.side, np.int64(i), draws)
        due = rng.below(four, most)
        while due != U0:
            k, chance = np.int64(i) * FOUR + trailing_zeros(due), usual
            draw = rng.sixteen_bits(four, trailing_zeros(due))
            due &= due - U1
            if k >= end or np.int64(ld.tickets[ticket_of_bin(lt, at.book, at.side, k)]["pending"]) != ZERO:
                continue
            if draw >= chance and is_left_behind(bk, ld, lt, at, k):
                chance = layer["stale_16"]
            if draw < chance:
                if not is_room_known:
                    room = capacity_lots(bk, ld, lt, at, price_of_bin(news, layer, at, at.first))
                    is_room_known = True
                part = (np.float64(draw) + 0.5) / np.float64(chance)
                room -= look(bk, ld, mail, news, lt, at, k, part, room, tick)
    while layer["deepest"][at.side] >= at.end and is_idle(bk, ld, lt, at, layer["deepest"][at.side]):
        layer["deepest"][at.side] = layer["deepest"][at.side] - ONE


@inlined
def is_idle(bk, ld, lt, at, k):
    """Whether bin ``k`` has neither an order in the book nor a message on its way."""
    row = ld.tickets[ticket_of_bin(lt, at.book, at.side, k)]
    return np.int64(row["pending"]) == ZERO and slot_of(bk.pool, row["handle"]) == ZERO


@small
def settle_reentry(ld, lt, at, ticket, passed):
    """Take the fills of the last re-entry order off the passed bins, each in proportion to its mass."""
    n_bins = np.int64(lt.mass.shape[2]) - ONE
    traded = ld.tickets[ticket]["filled_lots"] - lt.settled[at.book, at.side, n_bins]
    if traded > ZERO and passed > 0.0:
        kept = max(0.0, 1.0 - np.float64(traded) / passed)
        for k in range(at.first):
            lt.mass[at.book, at.side, k] = lt.mass[at.book, at.side, k] * kept
        passed = passed * kept
    lt.settled[at.book, at.side, n_bins] = ld.tickets[ticket]["filled_lots"]
    return passed


@inlined
def reenter(bk, ld, mail, news, lt, at, tick):
    """One immediate order for the share of the passed mass that comes back in this tick."""
    layer = lt.layers[at.book]
    n_bins = np.int64(lt.mass.shape[2]) - ONE
    ticket = ticket_of_bin(lt, at.book, at.side, n_bins)
    if np.int64(ld.tickets[ticket]["pending"]) != ZERO:
        return
    tick_us = ld.clock[0]["tick_us"]
    passed = 0.0
    for k in range(at.first):
        passed += bring_up_to_date(ld, lt, at.book, at.side, np.int64(k), tick * tick_us)
    passed = settle_reentry(ld, lt, at, ticket, passed)
    touch = best_ask(bk, at.book) if at.side == BUY else best_bid(bk, at.book)
    lots = np.int64(passed * layer["reenter_share"])
    if touch == ZERO or lots == ZERO:
        return
    reach = layer["x_r"] if at.side == BUY else -layer["x_r"]
    nearest = price_of_bin(news, layer, at, at.first - ONE)
    price = np.int64(np.float64(touch) * (1.0 + reach))
    price = min(price, nearest) if at.side == BUY else max(price, nearest)
    lots = min(lots, capacity_lots(bk, ld, lt, at, price))
    if lots > ZERO:
        serial = tick * SERIAL_ROOM + SWEEP_SERIAL + at.side
        arrival = tick * tick_us + layer["latency_us"]
        lt.offered[at.book, at.side, n_bins] = lots
        post(ld, mail, arrival, serial, NEW, Order(at.book, at.side, price, lots, layer["owner"], IOC, ticket))


@inlined
def look_ahead(ld, lt, b):
    """Prefetch what stands for the re-entry orders of both sides."""
    last = np.int64(lt.mass.shape[2]) - ONE
    for s in range(2):
        prefetch(ld.tickets, ticket_of_bin(lt, b, np.int64(s), last))
        prefetch(lt.settled, (TWO * b + np.int64(s) + ONE) * (last + ONE) - ONE)


@small
def reach_of(lt, b, side, log_value, value, gap):
    """Where one side of a layer stands: see ``Reach``. Bins before ``first`` would pay more than the market asks."""
    layer = lt.layers[b]
    behind = -gap if side == BUY else gap  # how far the mid lies on this side's own side of the value
    n_bins = lt.mass.shape[2] - 1
    first = min(n_bins, max(0, int(math.floor(behind / layer["width"] + 0.5))))
    end = min(n_bins, max(0, int(math.ceil((behind + REACH * layer["x_r"]) / layer["width"]))))
    return Reach(b, side, log_value, value, gap, np.int64(first), np.int64(end))


@inlined
def tend_layers(bk, ld, mail, px, news, lt, key, draws, tick):
    """Step 4c of the tick: re-entry and revealing of both sides of each book's layer."""
    now = news.now[0]
    for i in range(lt.layers.shape[0]):
        b = np.int64(i)
        if lt.layers[b]["on"] == ZERO:
            continue
        look_ahead(ld, lt, b)
        log_value = log_value_seen(news, tick, lt.layers[b]["lag_ticks"])
        value = now["start_usd"] / now["tick_usd"] * math.exp(log_value)
        mid = 0.5 * np.float64(px.now[0]["mid_half_ticks"] if b == PERP else px.now[0]["spot_half_ticks"])
        gap = math.log(mid * now["tick_usd"] / now["start_usd"]) - log_value
        bids, asks = look_key(ld, lt.layers[b], ZERO), look_key(ld, lt.layers[b], ONE)
        rng.draw_pair(key, tick, rng.LATENT_LOOK, bids, asks, ZERO, ZERO, ONE, rng.BLOCKS, draws)
        for s in range(2):
            at = reach_of(lt, b, np.int64(s), log_value, value, gap)
            if tick >= ZERO:
                reenter(bk, ld, mail, news, lt, at, tick)
            reveal_side(bk, ld, mail, news, lt, key, draws, at, tick)


@inlined
def write_layers(bk, lt, row):
    """Fill the layer's column of a recorded row: what its accounts hold, each in its own book."""
    total = ZERO
    for i in range(lt.layers.shape[0]):
        b = np.int64(i)
        total += bk.positions[b, lt.layers[b]["owner"]]
    row["latent_net_lots"] = total
