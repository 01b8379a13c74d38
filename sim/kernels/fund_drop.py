"""When a fund has lost so much that deleveraging starts before it is empty (in the manner of Bybit, MODEL 2.7 [S:9b]).

What the fund has made in this listing since the start is its equity at mark less what it began with and less what other
listings' funds gave it (kernels/fund_levels.py). When that has fallen from its highest of the window by the share
``drop`` of the highest pool of the window, nothing more is taken by the fund: an account that would be handed to it is
deleveraged at its bankruptcy price instead, whatever it is worth at mark. It ends when the fall is smaller again. The
pool is the fund's own equity, or of funds that stand in for one another their sum. Highest values are kept by 480ths of
the window. Slow twin: tests/reference_market/fund_drop.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined
from sim.kernels.ledger import FUND, MILLION, ONE, PERP, ZERO
from sim.kernels.margin import equity_micro

DROP = np.dtype(
    [
        ("drop_ppm", "i8"),  # 0: deleveraging starts when the fund is empty
        ("part_us", "i8"),  # a 480th of the window
        ("start_micro", "i8"),  # equity of the fund at the start
        ("n_parts", "i8"),  # begun so far
    ]
)
PEAK = np.dtype([("made_micro", "i8"), ("pool_micro", "i8")])
N_PARTS = 480


class FundDrop(NamedTuple):
    """``drop`` DROP[1], ``peaks`` PEAK[N_PARTS + 1] (ring: the highest of each part of the window and of the present
    one).
    """

    drop: Any
    peaks: Any


@inlined
def note_peak(peak, made, pool):
    """Raise what is remembered of a part."""
    peak["made_micro"] = max(peak["made_micro"], made)
    peak["pool_micro"] = max(peak["pool_micro"], pool)


@behaviour
def has_dropped(rule, peaks, clock, equity, now_us):
    """Note the fund's equity among the highest of the window; whether it has dropped by the rule."""
    made = equity - rule["start_micro"] - clock["levelled_micro"]
    pool = clock["pool_micro"] if clock["is_pooled"] != ZERO else equity
    ring = np.int64(peaks.shape[0])
    part = now_us // rule["part_us"] + ONE
    while rule["n_parts"] < part:
        peaks[rule["n_parts"] % ring]["made_micro"], peaks[rule["n_parts"] % ring]["pool_micro"] = made, pool
        rule["n_parts"] = rule["n_parts"] + ONE
    note_peak(peaks[(rule["n_parts"] - ONE) % ring], made, pool)
    most_made, most_pool = made, pool
    for k in range(min(rule["n_parts"], ring)):
        most_made = max(most_made, peaks[np.int64(k)]["made_micro"])
        most_pool = max(most_pool, peaks[np.int64(k)]["pool_micro"])
    lost = most_made - made
    return lost > ZERO and lost >= max(ZERO, most_pool) // MILLION * rule["drop_ppm"]


@inlined
def watch_fund(f, bk, ld, rk, px, now_us):
    """Before the engine works: look at the fund and say whether it has dropped."""
    rule, engine = f.drop[0], rk.engine[0]
    if rule["drop_ppm"] == ZERO:
        engine["fund_dropped"] = ZERO
        return
    unit, cash = ld.rules[PERP]["micro_per_tick_lot"], ld.accounts[FUND]["cash_micro"]
    equity = equity_micro(cash, bk.positions[PERP, FUND], px.now[0]["mark_half_ticks"], unit)
    engine["fund_dropped"] = np.int64(has_dropped(rule, f.peaks, ld.clock[0], equity, now_us))
