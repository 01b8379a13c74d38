"""Index and mark price of the perp, in half ticks.

Index = mid of the spot book, or in a network what kernels/references.py makes of several (never the news value); mark =
median(P1, P2, last) with P1 = index plus the funding base pro rata of the time to the next funding and P2 = index plus
the mean of 30 samples of (perp mid - index), one per 5 s. Source: MODEL 2.2, 2.3 [S:5]. Slow twin:
tests/reference_market/rules.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.book import best_ask, best_bid
from sim.kernels.ledger import MILLION, ONE, TWO, ZERO
from sim.kernels.ledger import PERP as PERP
from sim.kernels.ledger import SPOT as SPOT
from sim.kernels.premium import sample_premium
from sim.schema import BUY

BILLION = np.int64(1_000_000_000)
MICRO = np.int64(1_000_000)
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
        ("rate_ppb", "i8"),  # last settled funding rate of a period, in 1e-9
        ("base_ppb", "i8"),
        ("clamp_ppb", "i8"),
        ("cap_ppb", "i8"),
        ("impact_micro", "i8"),  # value traded into a side to find its impact price
        ("premium_every_us", "i8"),
        ("next_premium_us", "i8"),
        ("premium_sum", "i8"),  # weight x premium in 1e-9, since the period began or the run did
        ("premium_weight", "i8"),
        ("funding_every_us", "i8"),
        ("next_funding_us", "i8"),
        ("funding_due", "i8"),  # 1 between the end of a period and its payment, within one tick
        ("funding_on", "i8"),  # 0: the rate is in the mark and nothing is paid
        ("row_funding_micro", "i8"),  # paid by those who pay, since the last recorded row
        ("index_given", "i8"),  # 1: the index is what the network writes below, not the mid of the own spot book
        ("given_half_ticks", "i8"),
        ("given_us", "i8"),  # when it was last computed from a component that is not stale
        ("others_half_ticks", "i8"),  # weighted median of the perp mids of other exchanges; 0 when there is none
        ("spot_half_ticks", "i8"),  # mid of the own spot book; the last one known when a side is empty
        ("spot_us", "i8"),  # when it was last read from both sides
        ("no_perp", "i8"),  # 1: no perpetual is listed; what would read its mid reads that of the spot book
    ]
)


class Prices(NamedTuple):
    """``now`` PRICE[1], ``samples`` int64[n_samples] (ring of perp mid - index, half ticks)."""

    now: Any
    samples: Any


@inlined
def rounded_ratio(numerator, denominator):
    """``numerator / denominator`` to the nearest integer, halves up; ``denominator`` > 0."""
    return (TWO * numerator + denominator) // (TWO * denominator)


@inlined
def median_of_three(a, b, c):
    """The middle one."""
    return max(min(a, b), min(max(a, b), c))


@inlined
def funding_base_half_ticks(index, rate_ppb, left_us, every_us):
    """P1: index times one plus the last funding rate for the share of its period that is left, in whole seconds.

    ``index * rate * left / every`` in steps, none of which passes 2^63; exact to the nearest, halves up.
    """
    left, every = min(left_us, every_us) // MICRO, every_us // MICRO
    gain = index * rate_ppb
    whole = gain // BILLION
    twice = TWO * whole * left + TWO * (gain - whole * BILLION) * left // BILLION
    return index + (twice + every) // (TWO * every)


@small
def read_mids(bk, now, now_us):
    """Refresh index and mids from the books; a side without orders leaves the old value. A given index stands until
    another is given.
    """
    bid, ask = best_bid(bk, SPOT), best_ask(bk, SPOT)
    if bid != ZERO and ask != ZERO:
        now["spot_half_ticks"], now["spot_us"] = bid + ask, now_us
        if now["index_given"] == ZERO:
            now["index_half_ticks"], now["index_us"] = bid + ask, now_us
        if now["no_perp"] != ZERO:
            now["mid_half_ticks"] = bid + ask
    if now["index_given"] != ZERO:
        now["index_half_ticks"], now["index_us"] = now["given_half_ticks"], now["given_us"]
    bid, ask = best_bid(bk, PERP), best_ask(bk, PERP)
    if bid != ZERO and ask != ZERO:
        now["mid_half_ticks"] = bid + ask


@behaviour
def update_prices(bk, px, ld, now_us):
    """Step 2 of the tick: index, samples of basis and premium, mark. Writes ``px``."""
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
    sample_premium(bk, now, ld.rules[PERP]["micro_per_tick_lot"], now_us)
    left_us = now["next_funding_us"] - now_us
    p1 = funding_base_half_ticks(index, now["rate_ppb"], left_us, now["funding_every_us"])
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
