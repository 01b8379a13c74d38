"""Reference prices of a network: each listing's index from the spot books of several exchanges, and the perp mid of the
others.

Between ticks every listing with weights is given an index: the weighted mean (or median) of the spot mids of its
asset's listings, in nano-dollars, rounded to half ticks. A component that has had no mid for longer than ``stale_us``
weighs nothing; nor does one farther than ``deviation`` from the weighted median, and when several are, the median is
the index (MODEL 2.2 [S:3, S:5]). A component quoted in another money is converted at the mid of the listing that trades
one for the other. Without any component the last index stands, its age known to the engine. Slow twin:
tests/reference_market/references.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import ONE, TWO, ZERO

F0 = np.float64(0.0)
NANO = 1e9  # nano-dollars of a dollar


class References(NamedTuple):
    """``weights`` float64[n, n] (row: listing, column: component of its asset), ``others`` float64[n, n] (of perp
    mids), ``rates`` int64[n, n] (listing whose spot mid turns the column's money into the row's: its number + 1, below
    0 to divide, 0 for one money), ``nano`` float64[n] and ``part`` float64[n] (scratch).
    """

    weights: Any
    others: Any
    rates: Any
    nano: Any
    part: Any


@small
def converted(listings, price, rates, at, k, nano):
    """A price of listing ``k`` in the money of listing ``at``."""
    rate = rates[at, k]
    if rate == ZERO:
        return nano
    via = abs(rate) - ONE
    worth = np.float64(price[via]["spot_half_ticks"] * listings[via]["half_tick_nano"]) / NANO
    return nano * worth if rate > ZERO else nano / worth


@small
def weighted_median(nano, part, n):
    """Lowest of the first ``n`` prices at which half of the weight lies at or below; 0 when there is none."""
    total = F0
    for k in range(n):
        total += part[k]
    best = F0
    for k in range(n):
        if best == F0 or nano[k] < best:
            below = F0
            for j in range(n):
                if nano[j] <= nano[k]:
                    below += part[j]
            if TWO * below >= total:
                best = nano[k]
    return best


@small
def index_nano(listing, refs, n):
    """Index of the first ``n`` prices ``refs.nano`` with weights ``refs.part``."""
    median = weighted_median(refs.nano, refs.part, n)
    if listing["median"] != ZERO:
        return median
    total, weight, n_far = F0, F0, ZERO
    for k in range(n):
        if abs(refs.nano[k] - median) > listing["deviation"] * median:
            n_far += ONE
        else:
            total += refs.part[k] * refs.nano[k]
            weight += refs.part[k]
    return median if n_far > ONE else total / weight


@small
def half_ticks_of(nano, half_tick_nano):
    """Nearest half tick, at least one."""
    return max(ONE, np.int64(nano / np.float64(half_tick_nano) + 0.5))


@inlined
def update_reference(listings, price, refs, first, at, now_us):
    """Give a listing its index and the perp mid of the others; its asset's listings begin with ``first``."""
    listing, m, k = listings[at], ZERO, first  # m: prices that weigh
    while k >= ZERO:
        if refs.weights[at, k] > F0 and now_us - price[k]["spot_us"] <= listing["stale_us"]:
            nano = np.float64(price[k]["spot_half_ticks"] * listings[k]["half_tick_nano"])
            refs.part[m], refs.nano[m] = refs.weights[at, k], converted(listings, price, refs.rates, at, k, nano)
            m += ONE
        k = listings[k]["next_same"] - ONE
    if m > ZERO:
        price[at]["given_half_ticks"] = half_ticks_of(index_nano(listing, refs, m), listing["half_tick_nano"])
        price[at]["given_us"] = now_us
    m, k = ZERO, first
    while k >= ZERO:
        if refs.others[at, k] > F0:
            nano = np.float64(price[k]["mid_half_ticks"] * listings[k]["half_tick_nano"])
            refs.part[m], refs.nano[m] = refs.others[at, k], converted(listings, price, refs.rates, at, k, nano)
            m += ONE
        k = listings[k]["next_same"] - ONE
    if m > ZERO:
        middle = weighted_median(refs.nano, refs.part, m)
        price[at]["others_half_ticks"] = half_ticks_of(middle, listing["half_tick_nano"])


@behaviour
def update_references(listings, price, refs, assets, now_us):
    """Give every listing its index and the perp mid of the others, as of the end of the last tick. ``assets`` tell
    the first listing of each; only listings of one asset weigh.
    """
    for a in range(assets.shape[0]):
        first = assets[a]["first"] - ONE
        at = first
        while at >= ZERO:
            update_reference(listings, price, refs, first, at, now_us)
            at = listings[at]["next_same"] - ONE
