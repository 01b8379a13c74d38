"""Waiting stop and take-profit orders: one binary heap a book and direction, ordered by (trigger price, arrival).

Row ``2 * book`` of ``heap`` uint32[2 * n_books, capacity] holds the rising orders (fire when last >= trigger), row ``2
* book + 1`` the falling ones. ``sizes`` int64[2 * n_books]. ``triggers`` TRIGGER[capacity + 1], row 0 means none.
Rules: docs/rulebook.md 8.
"""

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.book import ONE, ZERO
from sim.schema import BUY, STOP

TWO = np.int64(2)


@small
def direction_of(side, kind):
    """0 for a rising order (buy stop, sell take-profit), 1 for a falling one."""
    return ZERO if (side == BUY) == (kind == STOP) else ONE


@small
def fires_before(triggers, a, b):
    """Whether waiting order ``a`` of one heap fires before ``b``."""
    x, y = triggers[a], triggers[b]
    return x["key"] < y["key"] or (x["key"] == y["key"] and x["serial"] < y["serial"])


@small
def put(triggers, heap, row, position, t):
    """Place ``t`` at a position of a heap."""
    heap[row, position] = t
    triggers[t]["position"] = position


@behaviour
def sift(triggers, heap, sizes, row, position, t):
    """Place ``t`` where it belongs in a heap that has a hole at ``position``."""
    while position > ZERO:
        parent = (position - ONE) // TWO
        p = np.int64(heap[row, parent])
        if not fires_before(triggers, t, p):
            break
        put(triggers, heap, row, position, p)
        position = parent
    while True:
        child = TWO * position + ONE
        if child >= sizes[row]:
            break
        if child + ONE < sizes[row] and fires_before(
            triggers, np.int64(heap[row, child + ONE]), np.int64(heap[row, child])
        ):
            child += ONE
        c = np.int64(heap[row, child])
        if not fires_before(triggers, c, t):
            break
        put(triggers, heap, row, position, c)
        position = child
    put(triggers, heap, row, position, t)


@behaviour
def push_trigger(triggers, heap, sizes, row, t):
    """Add a waiting order to its heap, which has room."""
    sizes[row] += ONE
    sift(triggers, heap, sizes, row, sizes[row] - ONE, t)


@behaviour
def remove_trigger(triggers, heap, sizes, row, t):
    """Take a waiting order out of its heap."""
    sizes[row] -= ONE
    hole, moved = np.int64(triggers[t]["position"]), np.int64(heap[row, sizes[row]])
    if moved != t:
        sift(triggers, heap, sizes, row, hole, moved)


@small
def crossed(triggers, heap, sizes, b, last_ticks):
    """The waiting order that fires next at this last price, 0 when none does."""
    if last_ticks == ZERO:
        return ZERO
    for direction in range(2):
        row = TWO * b + np.int64(direction)
        if sizes[row] != ZERO:
            t = np.int64(heap[row, 0])
            level = last_ticks if direction == 0 else -last_ticks
            if triggers[t]["key"] <= level:
                return t
    return ZERO
