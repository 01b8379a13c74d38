"""Prices that a lending protocol acts on: a feed that follows the market in steps, and feeds derived from another.

A feed sends a new price when the market is far enough from the price in force, or that price is old enough; it lands
after a delay, and until it has landed no other is sent. Source: MODEL 3.2 [K:h], [S:19]. Slow twin:
tests/reference_market/lending.py.
"""

import numpy as np

from sim.kernels._jit import small
from sim.kernels.ledger import MILLION, ONE, ZERO, rate_up
from sim.kernels.lending import BILLION, times

YEAR_US = np.int64(365 * 86_400 * 1_000_000)

FEED = np.dtype(
    [
        ("price", "i8"),  # in force, above 0
        ("landed_us", "i8"),  # since when
        ("sent", "i8"),  # on its way, 0: none
        ("lands_us", "i8"),
        ("deviation_ppm", "i8"),
        ("heartbeat_us", "i8"),
    ]
)


@small
def observe(feed, market, now_us, delay_us):
    """Let a feed see the market's price at a time that is not before the last; returns the price then in force.

    What has been sent lands at its own time, though it is asked for later; its age counts from there. A price sent
    at ``now_us`` is the market's of that moment, whatever the market does before it lands.
    """
    if feed["sent"] != ZERO and feed["lands_us"] <= now_us:
        feed["price"], feed["landed_us"], feed["sent"] = feed["sent"], feed["lands_us"], ZERO
    is_far = abs(market - feed["price"]) >= max(ONE, rate_up(feed["price"], feed["deviation_ppm"]))
    if feed["sent"] == ZERO and (is_far or now_us - feed["landed_us"] >= feed["heartbeat_us"]):
        if delay_us == ZERO:
            feed["price"], feed["landed_us"] = market, now_us
        else:
            feed["sent"], feed["lands_us"] = market, now_us + delay_us
    return feed["price"]


@small
def derived_price(price, ratio, snapshot, growth_ppm, age_us):
    """Price of a token by its exchange rate to another and that one's price, rounded down; no market of it is asked.

    Rates in 1e-9. The rate counts up to a cap, which grows from a rate recorded ``age_us`` ago by so much of it a year,
    rounded down. A rate and a record of one, without growth, is a price that is hard-coded to the other's.
    """
    cap = snapshot + times(times(snapshot, growth_ppm, MILLION), age_us, YEAR_US)
    return times(price, min(ratio, cap), BILLION)
