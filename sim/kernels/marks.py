"""Index and mark price of the perp, in half ticks.

Index = mid of the spot book (never the news value); mark = median(P1, P2, last) with P1 = index plus the funding
base pro rata of the time to the next funding and P2 = index plus the mean of 30 samples of (perp mid - index), one
per 5 s. Source: MODEL 2.2, 2.3 [S:5]. Slow twin: tests/reference_market/rules.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.book import best_ask, best_bid
from sim.kernels.ledger import MILLION, ONE, TWO, ZERO
from sim.kernels.ledger import PERP as PERP
from sim.kernels.ledger import SPOT as SPOT
from sim.schema import BUY

BILLION = np.int64(1_000_000_000)
MICRO = np.int64(1_000_000)
FUNDING_US = np.int64(8 * 3600 * 1_000_000)
FUNDING_S = np.int64(8 * 3600)
STALE_US = np.int64(10_000_000)  # an index older than 10 s is stale (MODEL 2.2): the engine waits

PRICE = np.dtype(
    [
        ("index_half_ticks", "i8"),
        ("mark_half_ticks", "i8"),
        ("mid_half_ticks", "i8"),  # perp mid; the last one known when a side is empty
        ("index_us", "i8"),  # when the index was last computed from both sides
        ("sample_sum", "i8"),
        ("sample_at", "i8"),
        ("next_sample_us", "i8"),
        ("sample_every_us", "i8"),
        ("tick_usd", "f8"),
        ("interest_ppb", "i8"),  # funding base per 8 h, in 1e-9
    ]
)


class Prices(NamedTuple):
    """``now`` PRICE[1], ``samples`` int64[n_samples] (ring of perp mid - index, half ticks)."""

    now: Any
    samples: Any


@small
def rounded_ratio(numerator, denominator):
    """``numerator / denominator`` to the nearest integer, halves up; ``denominator`` > 0."""
    return (TWO * numerator + denominator) // (TWO * denominator)


@small
def median_of_three(a, b, c):
    """The middle one."""
    return max(min(a, b), min(max(a, b), c))


@small
def funding_base_half_ticks(index, interest_ppb, phase_us):
    """P1: index times one plus the interest base for the time left to the next funding; ``phase_us`` is the time
    since the last.
    """
    left_s = (FUNDING_US - phase_us % FUNDING_US) // MICRO
    return index + rounded_ratio(index * interest_ppb * left_s, FUNDING_S * BILLION)


@small
def read_mids(bk, now, now_us):
    """Refresh index and perp mid from the books; a side without orders leaves the old value."""
    bid, ask = best_bid(bk, SPOT), best_ask(bk, SPOT)
    if bid != ZERO and ask != ZERO:
        now["index_half_ticks"] = bid + ask
        now["index_us"] = now_us
    bid, ask = best_bid(bk, PERP), best_ask(bk, PERP)
    if bid != ZERO and ask != ZERO:
        now["mid_half_ticks"] = bid + ask


@behaviour
def update_prices(bk, px, clock, now_us):
    """Step 2 of the tick: index, basis sample, mark. Writes ``px``."""
    now = px.now[0]
    read_mids(bk, now, now_us)
    index = now["index_half_ticks"]
    n = np.int64(px.samples.shape[0])
    while now["next_sample_us"] <= now_us:
        at = now["sample_at"]
        sample = now["mid_half_ticks"] - index
        now["sample_sum"] = now["sample_sum"] + sample - px.samples[at]
        px.samples[at] = sample
        now["sample_at"] = (at + ONE) % n
        now["next_sample_us"] = now["next_sample_us"] + now["sample_every_us"]
    p1 = funding_base_half_ticks(index, now["interest_ppb"], clock[0]["funding_phase_us"] + now_us)
    p2 = index + rounded_ratio(now["sample_sum"], n)
    last = TWO * bk.book[PERP]["last_ticks"]
    if last == ZERO:
        last = now["mid_half_ticks"]
    now["mark_half_ticks"] = median_of_three(p1, p2, last)


@small
def bound_price(mark, side, bound_ppm):
    """Worst price, in ticks, of a market order: within ``bound_ppm`` of the mark (half ticks), rounded towards it."""
    if side == BUY:
        return mark * (MILLION + bound_ppm) // (TWO * MILLION)
    return max(ONE, (mark * (MILLION - bound_ppm) + TWO * MILLION - ONE) // (TWO * MILLION))
