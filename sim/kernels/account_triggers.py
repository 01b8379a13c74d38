"""Stops and take-profits of accounts, hung in coarse buckets of their price.

Four ladders: fired by the mark or by the last trade, when it falls to the trigger or when it rises to it. A move walks
only the buckets it crossed; the bucket is a filter that is never late, the integer test decides. A trigger hangs until
it fires; what became of its account is asked then. Slow twin: tests/reference_market/leveraged.py.
"""

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import ONE, ZERO

ON_MARK, ON_LAST = np.int64(0), np.int64(1)
FALLING, RISING = np.int64(0), np.int64(1)
N_LADDERS = 4  # 2 x reference + direction
NOT_FOUND = np.int64(-1)

ACCOUNT_TRIGGER = np.dtype(
    [
        ("price_half_ticks", "i8"),
        ("account", "i4"),
        ("next", "i4"),  # in its bucket; of those that fired: the next that fired in this walk
        ("cause", "i4"),
        ("ladder", "i4"),
    ]
)


@small
def trigger_bucket(heads, shift, half_ticks):
    """Bucket of a price; the last one also holds everything above."""
    return min(half_ticks >> shift, np.int64(heads.shape[1]) - ONE)


@behaviour
def hang_triggers(triggers, heads, reach, shift):
    """Hang every trigger; ``reach`` int64[4] becomes the bucket beyond which a ladder is empty."""
    for i in range(triggers.shape[0]):
        node = triggers[np.int64(i)]
        ladder = np.int64(node["ladder"])
        bucket = trigger_bucket(heads, shift, node["price_half_ticks"])
        node["next"] = np.int64(heads[ladder, bucket]) - ONE
        heads[ladder, bucket] = np.int64(i) + ONE
        if ladder & ONE == FALLING:
            reach[ladder] = max(reach[ladder], bucket)
        else:
            reach[ladder] = min(reach[ladder], bucket)


@behaviour
def take_crossed(triggers, heads, reach, shift, ladder, price):
    """Take off every trigger of a ladder that ``price`` (half ticks) fires; returns the first of a list linked by
    ``next``, or -1.
    """
    here = trigger_bucket(heads, shift, price)
    falls = ladder & ONE == FALLING
    first, last = (here, reach[ladder]) if falls else (reach[ladder], here)
    fired = NOT_FOUND
    for bucket in range(first, last + ONE):
        kept = NOT_FOUND
        i = np.int64(heads[ladder, bucket]) - ONE
        while i >= ZERO:
            node = triggers[i]
            after = np.int64(node["next"])
            at = node["price_half_ticks"]
            if (falls and price <= at) or (not falls and price >= at):
                node["next"] = fired
                fired = i
            else:
                node["next"] = kept
                kept = i
            i = after
        heads[ladder, bucket] = kept + ONE
    reach[ladder] = min(reach[ladder], here) if falls else max(reach[ladder], here)
    return fired
