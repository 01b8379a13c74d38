"""Client ids of live orders: an open-addressing table that grows with the live ids, so that it stays in the cache.

``table`` CELL[2^k] has an id beside what it names: a pool slot, or a trigger row with the top bit set; 0 when empty. A
table of ``size`` cells, a power of two, is rows ``size`` to ``2 * size - 1``: the next larger one lies behind it, and
growing copies from one to the other without asking anybody for memory.

Eight ids in succession share a home of two cache lines, and homes are spread by a golden-section hash, which keeps
consecutive ids apart, so that few collide while the table is at most half full. A cell counts the live ids that
had to pass over it: a search ends where none has, so removal moves nothing and leaves no tombstone.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined, small, trailing_zeros
from sim.kernels.book import ONE, ZERO

CELL = np.dtype(
    [
        ("order_id", "i8"),
        ("reference", "u4"),
        ("passed", "u4"),  # live ids that stand further on because this cell was taken
    ]
)
FIRST_SIZE = np.int64(64)
WAITING = np.int64(1 << 31)
NOWHERE = np.int64(-1)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
U64 = np.uint64(64)
GROUP_BITS, IN_GROUP = np.int64(3), np.int64(7)


@small
def home_of(size, order_id):
    """Row where an id would like to stand."""
    bits = np.uint64(trailing_zeros(np.uint64(size)))
    spread = np.int64((np.uint64(order_id >> GROUP_BITS) * GOLDEN) >> (U64 - bits))
    return size | (spread ^ (order_id & IN_GROUP))


@inlined
def row_after(size, at):
    """Next row of the table, circularly."""
    return size | ((at + ONE) & (size - ONE))


@small
def find_id(table, size, order_id):
    """Row that holds ``order_id``, ``NOWHERE`` when none does."""
    at = home_of(size, order_id)
    for _ in range(size):
        cell = table[at]
        if cell["order_id"] == order_id and np.int64(cell["reference"]) != ZERO:
            return at
        if np.int64(cell["passed"]) == ZERO:
            break
        at = row_after(size, at)
    return NOWHERE


@small
def reference_of(table, size, order_id):
    """What a client id names, 0 when no live order has it."""
    at = find_id(table, size, order_id)
    return ZERO if at == NOWHERE else np.int64(table[at]["reference"])


@small
def place_id(table, size, order_id):
    """Give an id that is not in the table a row, whose reference the caller sets; returns it."""
    at = home_of(size, order_id)
    while np.int64(table[at]["reference"]) != ZERO:
        table[at]["passed"] = np.int64(table[at]["passed"]) + ONE
        at = row_after(size, at)
    table[at]["order_id"] = order_id
    return at


@small
def drop_id(table, size, at):
    """Empty row ``at``, which holds an id."""
    before = home_of(size, table[at]["order_id"])
    while before != at:
        table[before]["passed"] = np.int64(table[before]["passed"]) - ONE
        before = row_after(size, before)
    table[at]["reference"] = ZERO


@behaviour
def widen(table, size):
    """Copy the ids into the table of twice as many cells, where there is memory for it; returns the size then."""
    if size << np.int64(2) > table.shape[0]:
        return size
    for at in range(size, size + size):
        cell = table[at]
        if np.int64(cell["reference"]) != ZERO:
            table[place_id(table, size + size, cell["order_id"])]["reference"] = cell["reference"]
    return size + size
