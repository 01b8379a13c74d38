"""Premium index and funding rate of the perp.

Premium = [max(0, impact bid - index) - max(0, index - impact ask)] / index, sampled at a fixed interval; an impact
price is the mean price of trading the impact notional into a side. At the end of a period the rate is

    F = P + clamp(base - P, -clamp, +clamp), cut to +-cap,

with P the mean of the period's samples, the n-th weighted n or all alike. Rates are in 1e-9 of the notional a period. A
run that starts inside a period averages the samples it saw, at their own weights. Source: MODEL 2.5 [S:5b]. Slow twin:
tests/reference_market/funding.py.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined
from sim.kernels.book import next_key
from sim.kernels.ledger import ONE, PERP, TWO, ZERO
from sim.schema import BUY, NO_KEY

THOUSAND = np.int64(1000)


@inlined
def billionths(part, whole):
    """``part / whole`` in 1e-9, rounded down, by long division: exact for ``whole`` below 2^53."""
    out = part // whole
    rest = part - out * whole
    for _ in range(3):
        rest = rest * THOUSAND
        out = out * THOUSAND + rest // whole
        rest = rest % whole
    return out


@behaviour
def impact(bk, row, unit, impact_micro):
    """Lots and value, in ticks x lots, of trading ``impact_micro`` into a side of the window; the last level counts
    in whole lots, rounded up. A side that holds less is taken whole.
    """
    side = bk.sides[row]
    end = np.int64(side["lo"]) + np.int64(side["mask"])
    key = np.int64(side["best"])
    lots, value = ZERO, ZERO
    while key <= end and key != NO_KEY and value * unit < impact_micro:
        price = abs(key)
        wanted = (impact_micro - value * unit + price * unit - ONE) // (price * unit)
        here = min(wanted, bk.levels[np.int64(side["level0"]) + (key & np.int64(side["mask"]))]["total_lots"])
        lots += here
        value += here * price
        key = next_key(bk.words, side, key)
    return lots, value


@inlined
def premium_ppb(bk, index, unit, impact_micro):
    """Premium of the perp over ``index`` (half ticks), in 1e-9 of it; an empty side says nothing."""
    total = ZERO
    for s in range(2):
        lots, value = impact(bk, TWO * PERP + s, unit, impact_micro)
        if lots != ZERO:
            above = billionths(TWO * value - lots * index, lots * index)
            total += max(ZERO, above) if s == BUY else min(ZERO, above)
    return total


@inlined
def funding_rate_ppb(premium, base, clamp, cap):
    """F = P + clamp(base - P), cut to +-cap."""
    rate = premium + max(-clamp, min(clamp, base - premium))
    return max(-cap, min(cap, rate))


@inlined
def close_period(now):
    """Settle the rate of the period that ends: the last one stays when there was no sample. A payment is then due."""
    if now["premium_weight"] != ZERO:
        mean = now["premium_sum"] // now["premium_weight"]
        now["rate_ppb"] = funding_rate_ppb(mean, now["base_ppb"], now["clamp_ppb"], now["cap_ppb"])
    now["premium_sum"], now["premium_weight"] = ZERO, ZERO
    now["next_funding_us"] = now["next_funding_us"] + now["funding_every_us"]
    now["funding_due"] = ONE


@behaviour
def sample_premium(bk, now, unit, now_us):
    """Take the premium samples due up to ``now_us`` and close the periods that end by then."""
    while now["next_premium_us"] <= now_us:
        at = now["next_premium_us"]
        since = at - (now["next_funding_us"] - now["funding_every_us"])
        weight = ONE if now["simple_mean"] != ZERO else since // now["premium_every_us"]
        premium = premium_ppb(bk, now["index_half_ticks"], unit, now["impact_micro"])
        now["premium_sum"] = now["premium_sum"] + weight * premium
        now["premium_weight"] = now["premium_weight"] + weight
        now["next_premium_us"] = at + now["premium_every_us"]
        if at >= now["next_funding_us"]:
            close_period(now)
