"""Which of two clocks a market needs: fine ticks while something is under way, long ones after a calm time.

Looked at once each long tick, on either clock. Something is under way when accounts are under liquidation and those
within reach hold much against the depth there, when the mark jumped, when a maker is PULLED, after a deleveraging,
when perp and index are apart, or when a long tick would draw many times its mean of background orders.
Source: MODEL 7. Slow twin: tests/reference_market/pace.py.
"""

import math

import numpy as np

from sim.behaviours.maker_risk import PULLED
from sim.kernels._jit import behaviour, inlined
from sim.kernels.depth import depth_between
from sim.kernels.ladder import bucket_of
from sim.kernels.ledger import MILLION, ONE, TWO, ZERO
from sim.kernels.marks import PERP
from sim.schema import EVENT_ADL, NO_KEY

PACE = np.dtype(
    [
        ("slow_us", "i8"),  # a long tick; 0: the run has one clock
        ("is_slow", "i8"),
        ("calm_us", "i8"),
        ("live_us", "i8"),  # when something was last found under way
        ("n_looks", "i8"),
        ("n_events", "i8"),  # rows of the events that were seen
        ("log_mark", "f8"),  # at the last look
        ("sigma", "f8"),  # standard deviation of a long tick at reference volatility
        ("move", "f8"),
        ("fuel", "f8"),
        ("reach", "f8"),
        ("busy", "f8", (2,)),  # background orders of the next long tick of each book
        ("gap_ppm", "i8"),
        ("why", "i8"),  # of what the last look found: sum of the powers of two below
    ]
)
FUEL, MOVE, PULL, ADL, GAP, BUSY = (np.int64(1 << i) for i in range(6))


@behaviour
def fuel_lots(bk, ld, rk, mark, far):
    """Lots of accounts whose last safe mark lies within ``far`` half ticks of the mark: longs below, shorts above."""
    here, below, above = bucket_of(rk, mark), ZERO, ZERO
    for bucket in range(bucket_of(rk, max(ZERO, mark - far)), here + ONE):
        a = np.int64(rk.heads[0, bucket]) - ONE
        while a >= ZERO:
            safe = ld.accounts[a]["liquidation_half_ticks"]
            if mark - far <= safe <= mark:
                below += abs(bk.positions[PERP, a])
            a = np.int64(ld.accounts[a]["next"])
    for bucket in range(here, bucket_of(rk, mark + far) + ONE):
        a = np.int64(rk.heads[1, bucket]) - ONE
        while a >= ZERO:
            safe = ld.accounts[a]["liquidation_half_ticks"]
            if mark <= safe <= mark + far:
                above += abs(bk.positions[PERP, a])
            a = np.int64(ld.accounts[a]["next"])
    return below, above


@inlined
def depth_lots(bk, side, far):
    """Lots of the perp within ``far`` half ticks of the best price of a side."""
    best = np.int64(bk.sides[side]["best"])
    return ZERO if best == NO_KEY else depth_between(bk, side, best, best + far // TWO)


@inlined
def has_fuel(p, bk, ld, rk, mark):
    """Whether accounts are under liquidation and those within reach hold more than their share of the depth there."""
    if rk.engine[0]["n_queue"] == ZERO:
        return False
    far = np.int64(p["reach"] * p["sigma"] * np.float64(mark))
    below, above = fuel_lots(bk, ld, rk, mark, far)
    share = p["fuel"]
    bids, asks = np.float64(depth_lots(bk, ZERO, far)), np.float64(depth_lots(bk, ONE, far))
    return np.float64(below) > share * bids or np.float64(above) > share * asks


@inlined
def has_adl(p, ld, rk):
    """Whether somebody was deleveraged since the last look."""
    found, n = False, ld.clock[0]["n_events"]
    for i in range(p["n_events"], n):
        found = found or np.int64(rk.events[i]["kind"]) == EVENT_ADL
    p["n_events"] = n
    return found


@inlined
def is_pulled(mk):
    """Whether a maker that is in the market shows nothing near."""
    found = False
    for i in range(mk.firms.shape[0]):
        found = found or (mk.firms[i]["live"] != ZERO and mk.firms[i]["state"] == PULLED)
    return found


@inlined
def is_busy(p, bg, news, ticks):
    """Whether a long tick, of ``ticks`` of the present ones, would have very many background orders to draw."""
    found = False
    for b in range(bg.crowd.shape[0]):
        crowd = bg.crowd[b]
        rate = crowd["base_per_tick"] * news.now[0]["activity"]
        for k in range(4):
            rate += crowd["caused"][k]
        found = found or rate * ticks > p["busy"][b]
    return found


@behaviour
def look_at_market(pace, bk, ld, rk, px, mk, bg, news, now_us):
    """Whether the run is to change its clock."""
    p, now = pace[0], px.now[0]
    mark, index = now["mark_half_ticks"], now["index_half_ticks"]
    log_mark = math.log(np.float64(mark))
    moved = abs(log_mark - p["log_mark"]) > p["move"] * p["sigma"]
    apart = abs(now["mid_half_ticks"] - index) * MILLION > index * p["gap_ppm"]
    why = FUEL if has_fuel(p, bk, ld, rk, mark) else ZERO
    why += MOVE if moved else ZERO
    why += PULL if is_pulled(mk) else ZERO
    why += ADL if has_adl(p, ld, rk) else ZERO
    why += GAP if apart else ZERO
    why += BUSY if is_busy(p, bg, news, np.float64(p["slow_us"]) / np.float64(ld.clock[0]["tick_us"])) else ZERO
    p["log_mark"], p["n_looks"], p["why"] = log_mark, p["n_looks"] + ONE, why
    if why != ZERO:
        p["live_us"] = now_us
        return p["is_slow"] != ZERO
    return p["is_slow"] == ZERO and now_us - p["live_us"] >= p["calm_us"]


@inlined
def is_other_clock_due(pace, bk, ld, rk, px, mk, bg, news, now_us):
    """After the tick that ends at ``now_us``: look where a look falls due; whether the run is to change its clock."""
    slow_us = pace[0]["slow_us"]
    if slow_us == ZERO or now_us % slow_us != ZERO:
        return False
    return look_at_market(pace, bk, ld, rk, px, mk, bg, news, now_us)
