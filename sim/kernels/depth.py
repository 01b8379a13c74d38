"""How much rests where: lots of a side between two prices."""

import numpy as np

from sim.kernels._jit import behaviour
from sim.kernels.book import ONE, PAGE_BITS, ZERO, next_key
from sim.schema import BUY, MAX_PRICE_TICKS, NO_KEY


@behaviour
def depth_between(bk, row, key_from, key_to):
    """Lots resting on a side at ``key_from <= key <= key_to``, far orders included."""
    side = bk.sides[row]
    end = np.int64(side["lo"]) + np.int64(side["mask"])
    key = np.int64(side["best"])
    total = ZERO
    if key == NO_KEY:
        return total
    if key < key_from:
        start = min(max(key_from, np.int64(side["lo"])) - ONE, end)
        key = next_key(bk.words, side, start)
    while key <= end and key <= key_to:
        total += bk.levels[np.int64(side["level0"]) + (key & np.int64(side["mask"]))]["total_lots"]
        key = next_key(bk.words, side, key)
    if np.int64(side["n_far"]) != ZERO and key_to > end:
        total += far_between(bk, row, key_from, key_to)
    return total


@behaviour
def far_between(bk, row, key_from, key_to):
    """Lots waiting outside the window of a side at ``key_from <= key <= key_to``."""
    page0 = np.int64(bk.sides[row]["page0"])
    is_ask = (row & ONE) != BUY
    low, high = (key_from, key_to) if is_ask else (-key_to, -key_from)
    low, high = max(low, ZERO), min(max(high, ZERO), MAX_PRICE_TICKS)
    total = ZERO
    for page in range(low >> PAGE_BITS, (high >> PAGE_BITS) + ONE):
        slot = np.int64(bk.far[page0 + page]["head"])
        while slot != ZERO:
            order = bk.pool[slot]
            if low <= np.int64(order["level"]) <= high:
                total += order["lots"]
            slot = np.int64(order["next"])
    return total
