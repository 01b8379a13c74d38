"""Client ids of live orders: an open-addressing table that holds live ids only, so that it stays in the cache.

``table`` uint32[2^k] holds references, 0 when empty: a pool slot, or a trigger row with the top bit set. The id of a
slot is ``slot_id[slot]``, that of a trigger row its field ``order_id``. Removal shifts later entries back, so there are
no tombstones.
"""

import numpy as np

from sim.kernels._jit import small
from sim.kernels.book import ONE, ZERO

WAITING = np.int64(1 << 31)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
U32 = np.uint64(32)


@small
def home_of(table, order_id):
    """Where an id would like to stand."""
    return np.int64((np.uint64(order_id) * GOLDEN) >> U32) & (table.shape[0] - ONE)


@small
def id_of(slot_id, triggers, reference):
    """Client id behind a reference."""
    if reference & WAITING:
        return triggers[reference ^ WAITING]["order_id"]
    return slot_id[reference]


@small
def find_id(table, slot_id, triggers, order_id):
    """Row of the table that holds ``order_id``, or the empty row where it would go."""
    at = home_of(table, order_id)
    last = table.shape[0] - ONE
    while True:
        reference = np.int64(table[at])
        if reference == ZERO or id_of(slot_id, triggers, reference) == order_id:
            return at
        at = (at + ONE) & last


@small
def drop_id(table, slot_id, triggers, at):
    """Empty row ``at`` and shift back what had to step over it."""
    last = table.shape[0] - ONE
    hole, probe = at, at
    while True:
        probe = (probe + ONE) & last
        reference = np.int64(table[probe])
        if reference == ZERO:
            break
        home = home_of(table, id_of(slot_id, triggers, reference))
        if ((probe - home) & last) >= ((probe - hole) & last):
            table[hole] = table[probe]
            hole = probe
    table[hole] = ZERO
