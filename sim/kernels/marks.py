"""Index and mark price of the perp, in half ticks.

Index = mid of the spot book, or in a network what kernels/references.py makes of several (never the news value); mark =
median(P1, P2, last) with P1 = index plus the funding base pro rata of the time to the next funding and P2 = index plus
the mean of 30 samples of (perp mid - index), one per 5 s. Source: MODEL 2.2, 2.3 [S:5]. Slow twin:
tests/reference_market/rules.py.

The other formula (``ORACLE``, in the manner of Hyperliquid, MODEL 2.3 [S:3]) moves index and mark together, on a
lattice of ``sample_every_us``: the median of the index plus an exponential mean of (perp mid - index), of the median of
best bid, best ask and last trade, and of the perp mid of other exchanges. Where exactly two of them are there, an
exponential mean of the second joins them, or their middle before it has a value. Slow twin:
tests/reference_market/marks.py.
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
MEDIAN, ORACLE = np.int64(0), np.int64(1)
MARK_RULES = ("median3", "oracle")
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
        ("mark_rule", "i8"),  # MEDIAN or ORACLE
        ("previous_half_ticks", "i8"),  # ORACLE: the mark before this one
        ("basis_kept", "f8"),  # what is left of an exponential mean's weight after one step of the lattice
        ("basis_sum", "f8"),  # weights x (perp mid - index), in half ticks
        ("basis_weight", "f8"),
        ("touch_kept", "f8"),
        ("touch_sum", "f8"),  # of the median of best bid, best ask and last trade
        ("touch_weight", "f8"),
        ("simple_mean", "i8"),  # 1: samples of the premium weigh alike; 0: the n-th of a period weighs n
        ("more_payments", "i8"),  # payments in the time that the funding rate is for, less one
        ("on_index", "i8"),  # 1: funding is paid on the notional at the index; 0: at the mark
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
def read_index(now):
    """The index becomes what is given, or the own spot mid, with its time."""
    if now["index_given"] != ZERO:
        now["index_half_ticks"], now["index_us"] = now["given_half_ticks"], now["given_us"]
    else:
        now["index_half_ticks"], now["index_us"] = now["spot_half_ticks"], now["spot_us"]


@small
def read_mids(bk, now, now_us):
    """Refresh mids from the books, and the index unless it moves on a lattice; a side without orders leaves the old
    value. A given index stands until another is given.
    """
    bid, ask = best_bid(bk, SPOT), best_ask(bk, SPOT)
    if bid != ZERO and ask != ZERO:
        now["spot_half_ticks"], now["spot_us"] = bid + ask, now_us
        if now["no_perp"] != ZERO:
            now["mid_half_ticks"] = bid + ask
    if now["mark_rule"] == MEDIAN:
        read_index(now)
    bid, ask = best_bid(bk, PERP), best_ask(bk, PERP)
    if bid != ZERO and ask != ZERO:
        now["mid_half_ticks"] = bid + ask


@small
def touch_median(bk):
    """Median of best bid, best ask and last trade of the perp, in half ticks; the mid before the first trade, 0 where a
    side is empty.
    """
    bid, ask, last = best_bid(bk, PERP), best_ask(bk, PERP), bk.book[PERP]["last_ticks"]
    if bid == ZERO or ask == ZERO:
        return ZERO
    return bid + ask if last == ZERO else TWO * median_of_three(bid, ask, last)


@small
def oracle_median(now, touch):
    """The mark of the three inputs, of which the second (``touch``) and the third are 0 where they are missing."""
    basis = now["basis_sum"] / now["basis_weight"]
    fair, others = now["index_half_ticks"] + np.int64(np.floor(basis + 0.5)), now["others_half_ticks"]
    if touch == ZERO and others == ZERO:
        return fair
    if touch != ZERO and others != ZERO:
        return median_of_three(fair, touch, others)
    second = max(touch, others)
    if now["touch_weight"] == 0.0:
        return (fair + second) >> ONE
    return median_of_three(fair, second, np.int64(np.floor(now["touch_sum"] / now["touch_weight"] + 0.5)))


@behaviour
def update_oracle_mark(bk, now, now_us):
    """Index, exponential means and mark of every lattice point up to ``now_us``."""
    if now["next_sample_us"] > now_us:
        return
    read_index(now)
    seconds = np.float64(now["sample_every_us"]) / 1e6
    basis, touch = np.float64(now["mid_half_ticks"] - now["index_half_ticks"]), touch_median(bk)
    while now["next_sample_us"] <= now_us:
        now["basis_sum"] = now["basis_sum"] * now["basis_kept"] + basis * seconds
        now["basis_weight"] = now["basis_weight"] * now["basis_kept"] + seconds
        if touch != ZERO:
            now["touch_sum"] = now["touch_sum"] * now["touch_kept"] + np.float64(touch) * seconds
            now["touch_weight"] = now["touch_weight"] * now["touch_kept"] + seconds
        now["next_sample_us"] = now["next_sample_us"] + now["sample_every_us"]
    now["previous_half_ticks"] = now["mark_half_ticks"]
    now["mark_half_ticks"] = max(ONE, oracle_median(now, touch))


@inlined
def update_prices(bk, px, ld, now_us):
    """Step 2 of the tick: index, samples of basis and premium, mark. Writes ``px``."""
    now = px.now[0]
    read_mids(bk, now, now_us)
    if now["mark_rule"] == ORACLE:
        update_oracle_mark(bk, now, now_us)
        sample_premium(bk, now, ld.rules[PERP]["micro_per_tick_lot"], now_us)
        return
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
    left_us, rate_us = now["next_funding_us"] - now_us, now["funding_every_us"] * (ONE + now["more_payments"])
    p1 = funding_base_half_ticks(index, now["rate_ppb"], left_us, rate_us)
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
