"""The book's data structure: ring ladders, bitmaps, the order pool and the far pages.

A side keeps prices as keys (asks ``+price``, bids ``-price``), so that better is always lower and both sides share one
code path. Its ladder is a ring of ``P = 2^k`` levels; level ``key & (P - 1)`` holds the FIFO queue of that price while
``lo <= key < lo + P``. Moving the window moves ``lo`` alone. Orders outside wait in pages of 2^18 ticks, in arrival
order, and come back in it.

Invariants (checked by ``check_books`` and the differential tests):
a side with any live order has its best order in the window (``best == NO_KEY`` means the side is empty);
every far order is worse than every order in the window of its side.

Rule book: docs/rulebook.md. Slow twin: tests/reference/matching.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small, trailing_zeros
from sim.schema import (
    BUY,
    MAX_PRICE_TICKS,
    NO_KEY,
)

META_REDUCE = np.int64(1)
META_FAR = np.int64(2)
META_BITS = np.int64(2)
PAGE_BITS = np.int64(18)
N_PAGES = (int(MAX_PRICE_TICKS) >> int(PAGE_BITS)) + 1
MASK32 = np.int64(0xFFFFFFFF)
SHIFT32 = np.int64(32)
ZERO, ONE, SIX, SIXTY_THREE = np.int64(0), np.int64(1), np.int64(6), np.int64(63)
U0, U1, ALL_BITS = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)


class Books(NamedTuple):
    """All books of a market: record arrays only, bundled inside compiled code.

    ``sides`` SIDE[2 * n_books], ``book`` BOOK[n_books], ``levels`` LEVEL[...], ``words`` uint64[...] (bitmaps and their
    summaries), ``pool`` ORDER[capacity + 1] (row 0 means none), ``far`` PAGE[...], ``positions`` int64[n_books,
    n_owners] or [0, 0] when untracked, ``fills`` FILL[capacity], ``cursor`` CURSOR[1].
    """

    sides: Any
    book: Any
    levels: Any
    words: Any
    pool: Any
    far: Any
    positions: Any
    fills: Any
    cursor: Any


@inlined
def set_bit(words, side, index):
    """Mark level ``index`` of the ladder as occupied."""
    word = np.int64(side["word0"]) + (index >> SIX)
    words[word] = words[word] | (U1 << np.uint64(index & SIXTY_THREE))
    group = index >> SIX
    summary = np.int64(side["summary0"]) + (group >> SIX)
    words[summary] = words[summary] | (U1 << np.uint64(group & SIXTY_THREE))


@small
def clear_bit(words, side, index):
    """Mark level ``index`` of the ladder as empty."""
    word = np.int64(side["word0"]) + (index >> SIX)
    left = words[word] & ~(U1 << np.uint64(index & SIXTY_THREE))
    words[word] = left
    if left == U0:
        group = index >> SIX
        summary = np.int64(side["summary0"]) + (group >> SIX)
        words[summary] = words[summary] & ~(U1 << np.uint64(group & SIXTY_THREE))


@behaviour
def next_key_slow(words, side, key):
    """``next_key`` beyond the word that holds ``key``: the summary, circularly."""
    mask = np.int64(side["mask"])
    word0 = np.int64(side["word0"])
    summary0 = np.int64(side["summary0"])
    index = key & mask
    group = index >> SIX
    n_summary = ((mask >> SIX) >> SIX) + ONE
    at = group >> SIX
    bits = words[summary0 + at] & ((ALL_BITS << np.uint64(group & SIXTY_THREE)) << U1)
    step = ZERO
    while bits == U0:
        if step == n_summary:
            return NO_KEY
        step += ONE
        at += ONE
        if at == n_summary:
            at = ZERO
        bits = words[summary0 + at]
    group = (at << SIX) + trailing_zeros(bits)
    found = (group << SIX) + trailing_zeros(words[word0 + group])
    return key + ((found - index - ONE) & mask) + ONE


@small
def next_key(words, side, key):
    """Key of the next occupied level after ``key``; past the window when only better ones are left, ``NO_KEY`` when
    none is.
    """
    index = key & np.int64(side["mask"])
    bit = np.uint64(index & SIXTY_THREE)
    bits = words[np.int64(side["word0"]) + (index >> SIX)] & ((ALL_BITS << bit) << U1)
    if bits != U0:
        return key + (trailing_zeros(bits) - (index & SIXTY_THREE))
    return next_key_slow(words, side, key)


@inlined
def take_slot(pool, cursor):
    """Pop a free slot, a recycled one first; the caller has checked that there is one."""
    c = cursor[0]
    slot = np.int64(c["free_head"])
    if slot != ZERO:
        c["free_head"] = pool[slot]["next"]
        return slot
    slot = np.int64(c["fresh"])
    c["fresh"] = slot + ONE
    return slot


@small
def free_slot(pool, cursor, slot):
    """Kill the order in ``slot`` (generation becomes even) and push the slot on the free list."""
    c = cursor[0]
    order = pool[slot]
    order["generation"] = (np.int64(order["generation"]) + ONE) & MASK32
    order["next"] = c["free_head"]
    c["free_head"] = slot


@small
def slot_of(pool, handle):
    """Slot of a live order, 0 when the handle is stale, forged or of nothing."""
    slot = handle & MASK32
    generation = (handle >> SHIFT32) & MASK32
    if slot >= pool.shape[0] or (generation & ONE) == ZERO or np.int64(pool[slot]["generation"]) != generation:
        return ZERO
    return slot


@small
def handle_of(pool, slot):
    """Handle of the live order in ``slot``."""
    return slot | (np.int64(pool[slot]["generation"]) << SHIFT32)


@small
def price_of(bk, slot):
    """Price in ticks of the live order in ``slot``."""
    order = bk.pool[slot]
    meta = np.int64(order["meta"])
    level = np.int64(order["level"])
    if meta & META_FAR:
        return level
    side = bk.sides[meta >> META_BITS]
    lo = np.int64(side["lo"])
    return abs(lo + ((level - np.int64(side["level0"]) - lo) & np.int64(side["mask"])))


@small
def append(bk, row, key, slot):
    """Put the order in ``slot`` at the end of the queue of ``key``, which lies in the window."""
    side = bk.sides[row]
    index = key & np.int64(side["mask"])
    at = np.int64(side["level0"]) + index
    level = bk.levels[at]
    order = bk.pool[slot]
    tail = np.int64(level["tail"])
    order["next"] = ZERO
    order["prev"] = tail
    order["level"] = at
    level["tail"] = slot
    level["total_lots"] = level["total_lots"] + order["lots"]
    if tail != ZERO:
        bk.pool[tail]["next"] = slot
    else:
        level["head"] = slot
        set_bit(bk.words, side, index)
        if key < side["best"]:
            side["best"] = key


@behaviour
def append_far(bk, row, price, slot):
    """Put the order in ``slot`` at the end of the far page of ``price``."""
    side = bk.sides[row]
    page = bk.far[np.int64(side["page0"]) + (price >> PAGE_BITS)]
    order = bk.pool[slot]
    tail = np.int64(page["tail"])
    order["next"] = ZERO
    order["prev"] = tail
    order["level"] = price
    order["meta"] = np.int64(order["meta"]) | META_FAR
    page["tail"] = slot
    if tail != ZERO:
        bk.pool[tail]["next"] = slot
    else:
        page["head"] = slot
    side["n_far"] = np.int64(side["n_far"]) + ONE


@behaviour
def unlink_far(bk, row, slot):
    """Take the order in ``slot`` out of its far page."""
    side = bk.sides[row]
    order = bk.pool[slot]
    page = bk.far[np.int64(side["page0"]) + (np.int64(order["level"]) >> PAGE_BITS)]
    before, after = np.int64(order["prev"]), np.int64(order["next"])
    if before != ZERO:
        bk.pool[before]["next"] = after
    else:
        page["head"] = after
    if after != ZERO:
        bk.pool[after]["prev"] = before
    else:
        page["tail"] = before
    order["meta"] = np.int64(order["meta"]) & ~META_FAR
    side["n_far"] = np.int64(side["n_far"]) - ONE


@behaviour
def best_far_key(bk, row):
    """Best key among the far orders of a side, which has some, all beyond its window."""
    side = bk.sides[row]
    page0 = np.int64(side["page0"])
    is_ask = (row & ONE) != BUY
    end = np.int64(side["lo"]) + np.int64(side["mask"]) + ONE
    first = (end if is_ask else -end) >> PAGE_BITS
    for i in range(N_PAGES):
        page = first + np.int64(i) if is_ask else first - np.int64(i)
        if page < ZERO or page >= N_PAGES:
            break
        slot = np.int64(bk.far[page0 + page]["head"])
        best = NO_KEY
        while slot != ZERO:
            price = np.int64(bk.pool[slot]["level"])
            best = min(best, price if is_ask else -price)
            slot = np.int64(bk.pool[slot]["next"])
        if best != NO_KEY:
            return best
    return NO_KEY


@behaviour
def pull_far(bk, row):
    """Bring the far orders that lie in the window of the side into its ladder, in arrival order of each price."""
    side = bk.sides[row]
    lo, mask = np.int64(side["lo"]), np.int64(side["mask"])
    is_ask = (row & ONE) != BUY
    low = lo if is_ask else -(lo + mask)
    first = max(low, ZERO) >> PAGE_BITS
    last = min(max(low + mask, ZERO), MAX_PRICE_TICKS) >> PAGE_BITS
    for page in range(first, last + ONE):
        slot = np.int64(bk.far[np.int64(side["page0"]) + page]["head"])
        while slot != ZERO:
            after = np.int64(bk.pool[slot]["next"])
            price = np.int64(bk.pool[slot]["level"])
            key = price if is_ask else -price
            if lo <= key <= lo + mask:
                unlink_far(bk, row, slot)
                append(bk, row, key, slot)
            slot = after


@behaviour
def evict(bk, row, first_key):
    """Move every level of the window from ``first_key`` on to the far pages, queue by queue."""
    side = bk.sides[row]
    end = np.int64(side["lo"]) + np.int64(side["mask"]) + ONE
    key = next_key(bk.words, side, max(first_key, np.int64(side["lo"])) - ONE)
    while key < end:
        index = key & np.int64(side["mask"])
        level = bk.levels[np.int64(side["level0"]) + index]
        slot = np.int64(level["head"])
        level["head"], level["tail"], level["total_lots"] = ZERO, ZERO, ZERO
        clear_bit(bk.words, side, index)
        if key == side["best"]:
            side["best"] = NO_KEY
        while slot != ZERO:
            after = np.int64(bk.pool[slot]["next"])
            append_far(bk, row, abs(key), slot)
            slot = after
        key = next_key(bk.words, side, key)


@behaviour
def shift_window(bk, row, key):
    """Put the window of a side so that ``key``, its best or about to be, lies a quarter inside; levels and slots stay
    put.

    Also called with ``key`` equal to the present best, to let far orders in.
    """
    side = bk.sides[row]
    window = np.int64(side["mask"]) + ONE
    before, lo = np.int64(side["lo"]), key - (window >> np.int64(2))
    evict(bk, row, lo + window)
    side["lo"] = lo
    if lo > before and np.int64(side["n_far"]) != ZERO:  # towards better prices nothing can come in
        pull_far(bk, row)


@inlined
def refill_window(bk, row):
    """After the window emptied while far orders wait: move it to the best of them."""
    if np.int64(bk.sides[row]["n_far"]) != ZERO:
        shift_window(bk, row, best_far_key(bk, row))


@inlined
def recentre(bk, b):
    """Re-base both sides of a book whose touch came within an eighth of the better edge, or past the middle of its
    window.
    """
    for s in range(2):
        row = np.int64(2) * b + np.int64(s)
        side = bk.sides[row]
        best = np.int64(side["best"])
        if best != NO_KEY:
            window = np.int64(side["mask"]) + ONE
            inside = best - np.int64(side["lo"])
            if inside < (window >> np.int64(3)) or inside > (window >> ONE):
                shift_window(bk, row, best)


@small
def drop_level_if_empty(bk, row, at):
    """After an order left level row ``at``: if the queue is empty clear its bit and find the next best."""
    side = bk.sides[row]
    if np.int64(bk.levels[at]["head"]) == ZERO:
        index = at - np.int64(side["level0"])
        clear_bit(bk.words, side, index)
        best = np.int64(side["best"])
        if (best & np.int64(side["mask"])) == index:
            side["best"] = next_key(bk.words, side, best)
            if side["best"] == NO_KEY:
                refill_window(bk, row)


@small
def unlink(bk, slot):
    """Take a live order out of its queue, wherever it waits; returns its row of ``sides``. The slot is not freed."""
    order = bk.pool[slot]
    meta = np.int64(order["meta"])
    row = meta >> META_BITS
    if meta & (META_FAR | META_REDUCE):
        if meta & META_REDUCE:
            bk.sides[row]["n_reduce"] = np.int64(bk.sides[row]["n_reduce"]) - ONE
        if meta & META_FAR:
            unlink_far(bk, row, slot)
            return row
    at = np.int64(order["level"])
    level = bk.levels[at]
    before, after = np.int64(order["prev"]), np.int64(order["next"])
    level["total_lots"] = level["total_lots"] - order["lots"]
    if before != ZERO:
        bk.pool[before]["next"] = after
    else:
        level["head"] = after
    if after != ZERO:
        bk.pool[after]["prev"] = before
    else:
        level["tail"] = before
    if before == ZERO and after == ZERO:
        drop_level_if_empty(bk, row, at)
    return row


@small
def best_bid(bk, b):
    """Best bid in ticks, 0 when there is none."""
    key = np.int64(bk.sides[np.int64(2) * b]["best"])
    return ZERO if key == NO_KEY else -key


@small
def best_ask(bk, b):
    """Best ask in ticks, 0 when there is none."""
    key = np.int64(bk.sides[np.int64(2) * b + ONE]["best"])
    return ZERO if key == NO_KEY else key
