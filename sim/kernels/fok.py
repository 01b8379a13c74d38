"""What a fill-or-kill may count on, before anything happens (docs/rulebook.md 5.3a)."""

import numpy as np

from sim.kernels._jit import behaviour
from sim.kernels.book import META_REDUCE, ONE, ZERO, next_key
from sim.schema import BUY, NO_KEY, STP_CANCEL_MAKER, STP_CANCEL_TAKER, STP_DECREMENT, STP_OFF


@behaviour
def countable_in_queue(bk, b, slot, owner, stp):
    """Lots of a queue that a fill-or-kill may count on, and whether counting must stop here (rule book 5.3a)."""
    total = ZERO
    while slot != ZERO:
        order = bk.pool[slot]
        own = stp != STP_OFF and np.int64(order["owner"]) == owner
        if own and stp != STP_CANCEL_MAKER:
            return total, True
        if not own and (np.int64(order["meta"]) & META_REDUCE) == ZERO:
            total += order["lots"]
        slot = np.int64(order["next"])
    return total, False


@behaviour
def countable_far(bk, row, key_limit, owner, stp):
    """The same for the far orders of a side, whose pages are not in price order."""
    stop_key = NO_KEY
    is_ask = (row & ONE) != BUY
    page0 = np.int64(bk.sides[row]["page0"])
    n_pages = bk.far.shape[0] // bk.sides.shape[0]
    if stp == STP_CANCEL_TAKER or stp == STP_DECREMENT:
        for page in range(n_pages):
            slot = np.int64(bk.far[page0 + page]["head"])
            while slot != ZERO:
                price = np.int64(bk.pool[slot]["level"])
                if np.int64(bk.pool[slot]["owner"]) == owner:
                    stop_key = min(stop_key, price if is_ask else -price)
                slot = np.int64(bk.pool[slot]["next"])
    total = ZERO
    for page in range(n_pages):
        slot = np.int64(bk.far[page0 + page]["head"])
        met = False
        while slot != ZERO:
            order = bk.pool[slot]
            price = np.int64(order["level"])
            key = price if is_ask else -price
            own = stp != STP_OFF and np.int64(order["owner"]) == owner
            met = met or (own and key == stop_key)
            counts = key < stop_key or (key == stop_key and not met)
            if counts and key <= key_limit and not own and (np.int64(order["meta"]) & META_REDUCE) == ZERO:
                total += order["lots"]
            slot = np.int64(order["next"])
    return total


@behaviour
def countable(bk, b, row, key_limit, lots, owner, stp):
    """Lots at ``key_limit`` or better on side ``row`` that a fill-or-kill of ``owner`` may count on, up to ``lots``."""
    side = bk.sides[row]
    end = np.int64(side["lo"]) + np.int64(side["mask"])
    whole = stp == STP_OFF and np.int64(side["n_reduce"]) == ZERO
    key = np.int64(side["best"])
    total = ZERO
    while key <= key_limit and key <= end and total < lots:
        level = bk.levels[np.int64(side["level0"]) + (key & np.int64(side["mask"]))]
        if whole:
            total += level["total_lots"]
        else:
            in_queue, stop = countable_in_queue(bk, b, np.int64(level["head"]), owner, stp)
            total += in_queue
            if stop:
                return total
        key = next_key(bk.words, side, key)
    if total < lots and key_limit > end and np.int64(side["n_far"]) != ZERO:
        total += countable_far(bk, row, key_limit, owner, stp)
    return total
