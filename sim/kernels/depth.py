"""How much rests where: lots of a side between two prices."""

import numpy as np

from sim.kernels._jit import behaviour, small, trailing_zeros
from sim.kernels.book import ALL_BITS, ONE, PAGE_BITS, SIX, SIXTY_THREE, U0, U1, ZERO
from sim.schema import BUY, MAX_PRICE_TICKS, NO_KEY


@behaviour
def ladder_lots(levels, words, side, first, last):
    """Lots of the levels ``first`` to ``last`` of a side's ladder, which lie in this order in its ring."""
    total, low, high = ZERO, first >> SIX, last >> SIX
    for at in range(low >> SIX, (high >> SIX) + ONE):
        groups = words[np.int64(side["summary0"]) + at]
        if at == low >> SIX:
            groups = groups & (ALL_BITS << np.uint64(low & SIXTY_THREE))
        if at == high >> SIX:
            groups = groups & (ALL_BITS >> np.uint64(SIXTY_THREE - (high & SIXTY_THREE)))
        while groups != U0:
            group = (np.int64(at) << SIX) + trailing_zeros(groups)
            groups = groups & (groups - U1)
            bits = words[np.int64(side["word0"]) + group]
            if group == low:
                bits = bits & (ALL_BITS << np.uint64(first & SIXTY_THREE))
            if group == high:
                bits = bits & (ALL_BITS >> np.uint64(SIXTY_THREE - (last & SIXTY_THREE)))
            level0 = np.int64(side["level0"]) + (group << SIX)
            while bits != U0:
                total += levels[level0 + trailing_zeros(bits)]["total_lots"]
                bits = bits & (bits - U1)
    return total


@small
def depth_between(bk, row, key_from, key_to):
    """Lots resting on a side at ``key_from <= key <= key_to``, far orders included."""
    side = bk.sides[row]
    best, lo, mask = np.int64(side["best"]), np.int64(side["lo"]), np.int64(side["mask"])
    total = ZERO
    if best == NO_KEY:
        return total
    first, last = max(key_from, best), min(key_to, lo + mask)
    if first <= last:
        begin, n = first & mask, last - first
        end = min(begin + n, mask)
        total += ladder_lots(bk.levels, bk.words, side, begin, end)
        if end < begin + n:  # the rest lies at the start of the ring
            total += ladder_lots(bk.levels, bk.words, side, ZERO, begin + n - mask - ONE)
    if np.int64(side["n_far"]) != ZERO and key_to > lo + mask:
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
