"""Rules by which a venue holds its perp back as it runs: a price band that moves with the mark, a circuit breaker.

Band: no buy order rests above mark x (1 + width), no sell order below mark x (1 - width); takers trade up to the edge.
The mark is that of the tick's step 2, so nothing that trades in a tick moves the band in it. Orders that rest already
stay. Breaker: the mark is looked at once a second (or tick, where that is longer); when it is ``move`` or more below
the highest or above the lowest of the last ``within``, itself among them, nothing is matched in the perp for ``halt``;
then messages that waited are matched in order of arrival, and looks begin anew. Both go on beside bands and halts that
shocks set: the narrower band and the stricter halt hold. Source: MODEL 2.1, policy experiments. Slow twin:
tests/reference_market/safeguards.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.fund import write_event
from sim.kernels.ledger import FEES, MILLION, ONE, PERP, TWO, ZERO
from sim.schema import EVENT_HALT, MAX_PRICE_TICKS

SAFEGUARD = np.dtype(
    [
        ("band_ppm", "i8"),  # 0: no band
        ("move_ppm", "i8"),  # 0: no breaker
        ("step_us", "i8"),  # between two looks
        ("most_looks", "i8"),  # that count: those of the last ``within``, and the present one
        ("halt_us", "i8"),
        ("manner", "i8"),  # HALT_WAIT or HALT_REJECT
        ("is_banded", "i8"),  # 1: the book's edges are those of the band
        ("shock_low_ticks", "i8"),  # edges that shocks have set; 0: none
        ("shock_high_ticks", "i8"),
        ("shock_halted", "i8"),
        ("n_looks", "i8"),  # since the start or the last halt
        ("next_us", "i8"),  # when the breaker looks again
        ("until_us", "i8"),  # end of a halt; 0: none
    ]
)
LOOK = np.dtype([("half_ticks", "i8")])
MOST_LOOKS = 3601  # an hour of seconds and the present one


class Safeguards(NamedTuple):
    """``safeguards`` SAFEGUARD[1], ``looks`` LOOK[MOST_LOOKS] (ring of marks)."""

    safeguards: Any
    looks: Any


@small
def low_edge(half_ticks, ppm):
    """Lowest whole tick at or above the price less the width."""
    return -(-half_ticks * (MILLION - ppm) // (TWO * MILLION))


@small
def high_edge(half_ticks, ppm):
    """Highest whole tick at or below the price plus the width."""
    return half_ticks * (MILLION + ppm) // (TWO * MILLION)


@inlined
def move_band(sg, rules, mark):
    """Put the band around the mark, within that of shocks."""
    high = sg["shock_high_ticks"] if sg["shock_high_ticks"] != ZERO else MAX_PRICE_TICKS
    rules["band_low_ticks"] = max(ONE, sg["shock_low_ticks"], low_edge(mark, sg["band_ppm"]))
    rules["band_high_ticks"] = min(high, high_edge(mark, sg["band_ppm"]))
    sg["is_banded"] = ONE


@inlined
def lift_band(sg, rules):
    """Leave the edges to shocks: the band was switched off."""
    rules["band_low_ticks"] = max(ONE, sg["shock_low_ticks"])
    rules["band_high_ticks"] = sg["shock_high_ticks"] if sg["shock_high_ticks"] != ZERO else MAX_PRICE_TICKS
    sg["is_banded"] = ZERO


@behaviour
def has_moved(s, mark):
    """Remember the mark; whether it is as far as the breaker's move from one of those that count."""
    sg, ring = s.safeguards[0], np.int64(s.looks.shape[0])
    s.looks[sg["n_looks"] % ring]["half_ticks"] = mark
    sg["n_looks"] = sg["n_looks"] + ONE
    low, high = mark, mark
    for k in range(min(sg["n_looks"], sg["most_looks"])):
        before = s.looks[(sg["n_looks"] - ONE - np.int64(k)) % ring]["half_ticks"]
        low, high = min(low, before), max(high, before)
    return (high - mark) * MILLION >= high * sg["move_ppm"] or (mark - low) * MILLION >= low * sg["move_ppm"]


@inlined
def guard(s, ld, rk, px, now_us):
    """Step 2 of the tick, once the mark is known: band, end of a halt, look of the breaker."""
    sg, rules, mark = s.safeguards[0], ld.rules[PERP], px.now[0]["mark_half_ticks"]
    if sg["band_ppm"] != ZERO:
        move_band(sg, rules, mark)
    elif sg["is_banded"] != ZERO:
        lift_band(sg, rules)
    if sg["until_us"] != ZERO and now_us >= sg["until_us"]:
        sg["until_us"], sg["n_looks"], sg["next_us"] = ZERO, ZERO, now_us
        rules["halted"] = sg["shock_halted"]
    if sg["move_ppm"] != ZERO and sg["until_us"] == ZERO and now_us >= sg["next_us"]:
        sg["next_us"] = now_us + sg["step_us"]
        if has_moved(s, mark):
            sg["until_us"] = now_us + sg["halt_us"]
            rules["halted"] = max(sg["manner"], sg["shock_halted"])
            write_event(ld, rk, EVENT_HALT, FEES, ZERO, mark >> ONE, ZERO, now_us)
