"""Dip buyers: local cash that waits below the market (MODEL 4.5, R5).

Some rest bids at fixed prices from the start on; a bid that is filled is spent. The others watch the mark: once it has
passed a buyer's threshold, and after a delay of the buyer's own, it buys by immediate-or-cancel orders of at most
``pace`` a second, never above the threshold, until the cash is spent; while the mark is above it waits. Cash lies in
one book's venue, bids are covered when they are posted, perps are paid in full. Nobody sells within a run.
Slow twin: tests/reference_market/funded.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.behaviours.background import SERIAL_ROOM
from sim.behaviours.slices import SECOND_US, arrival_us, passes, slice_us
from sim.kernels._jit import behaviour, inlined
from sim.kernels.ledger import ONE, TWO, ZERO, Order, lots_paid_for
from sim.kernels.mailbox import NEW, post
from sim.kernels.marks import PERP, SPOT, bound_price
from sim.schema import BUY, GTC, IOC

BUYER = np.dtype(
    [
        ("owner", "i8"),
        ("book", "i8"),
        ("ticket0", "i8"),
        ("n_bids", "i8"),  # 0 for those who wait
        ("threshold_ticks", "i8"),
        ("delay_us", "i8"),
        ("passed_us", "i8"),  # when the mark first stood at the threshold or below; -1 before
        ("phase_us", "i8"),  # of its slices
        ("pace_micro", "i8"),  # a second
    ]
)


class DipBuyers(NamedTuple):
    """``buyers`` BUYER[n], ``bids`` int64[n, bids, 2]: price in ticks and lots."""

    buyers: Any
    bids: Any


@behaviour
def rest_bids(dip, ld, mail, tick):
    """Warm-up tick: post the bids of those who rest."""
    for k in range(dip.buyers.shape[0]):
        i = np.int64(k)
        buyer = dip.buyers[i]
        for j in range(buyer["n_bids"]):
            bid = np.int64(j)
            price, lots = dip.bids[i, bid, 0], dip.bids[i, bid, 1]
            if lots > ZERO:
                order = Order(buyer["book"], BUY, price, lots, buyer["owner"], GTC, buyer["ticket0"] + bid)
                post(ld, mail, tick * ld.clock[0]["tick_us"], tick * SERIAL_ROOM + bid, NEW, order)


@inlined
def slice_of(ld, px, buyer, tick_us):
    """Price and lots of one slice: at most the threshold, the venue's bound and what the cash pays for."""
    b = buyer["book"]
    reference = px.now[0]["mark_half_ticks"] if b == PERP else px.now[0]["spot_half_ticks"]
    price = min(buyer["threshold_ticks"], bound_price(reference, BUY, ld.rules[b]["order_bound_ppm"]))
    most = np.int64(np.float64(buyer["pace_micro"]) * (np.float64(slice_us(tick_us)) / np.float64(SECOND_US)))
    cash = min(most, ld.accounts[buyer["owner"]]["cash_micro"])
    return price, lots_paid_for(cash, price, ld.rules[b]["micro_per_tick_lot"], ld.rules[b]["taker_fee_ppm"])


@behaviour
def send_slice(ld, mail, px, key, buyer, tick):
    """One slice of a buyer whose last one is not on its way."""
    tick_us = ld.clock[0]["tick_us"]
    price, lots = slice_of(ld, px, buyer, tick_us)
    if lots >= ONE and np.int64(ld.tickets[buyer["ticket0"]]["pending"]) == ZERO:
        arrival = arrival_us(key, tick, rng.DIP_SLICE, ld.accounts[buyer["owner"]]["key"], tick_us)
        order = Order(buyer["book"], BUY, price, lots, buyer["owner"], IOC, buyer["ticket0"])
        post(ld, mail, arrival, tick * SERIAL_ROOM, NEW, order)


@inlined
def buy_dips(dip, ld, mail, px, key, tick, start_us):
    """Step 5a of the tick: buyers whose time has come send a slice."""
    tick_us = ld.clock[0]["tick_us"]
    for k in range(dip.buyers.shape[0]):
        buyer = dip.buyers[np.int64(k)]
        if buyer["n_bids"] != ZERO or px.now[0]["mark_half_ticks"] > TWO * buyer["threshold_ticks"]:
            continue
        if buyer["passed_us"] < ZERO:
            buyer["passed_us"] = start_us
        is_awake = start_us >= buyer["passed_us"] + buyer["delay_us"]
        if is_awake and passes(start_us, tick_us, buyer["phase_us"], slice_us(tick_us)):
            send_slice(ld, mail, px, key, buyer, tick)


@inlined
def write_dip_buyers(bk, dip, row):
    """Fill the buyers' column of a recorded row: all they hold, in both books."""
    total = ZERO
    for k in range(dip.buyers.shape[0]):
        owner = dip.buyers[np.int64(k)]["owner"]
        total += bk.positions[PERP, owner] + bk.positions[SPOT, owner]
    row["dip_net_lots"] = total
