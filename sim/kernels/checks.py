"""Looks through a whole book: lists its orders, and finds what must never be."""

import numpy as np

from sim.kernels._jit import behaviour, entry
from sim.kernels.book import (
    META_BITS,
    META_FAR,
    META_REDUCE,
    N_PAGES,
    ONE,
    PAGE_BITS,
    SIX,
    SIXTY_THREE,
    U0,
    U1,
    ZERO,
    Books,
    next_key,
)
from sim.schema import BUY, NO_KEY

FINE = np.int64(0)
BROKEN = (
    "",
    "the book is crossed",
    "a level's total differs from the sum of its orders",
    "a queue's links are broken",
    "a bitmap bit differs from its level",
    "the best price is not that of the first level",
    "an order is on the wrong side, level or page, or dead in a queue",
    "the counts of far or reduce-only orders are wrong",
    "a far order is no worse than the window",
    "live orders in queues, dead slots in the free list and fresh slots do not add up to the pool",
)


@behaviour
def list_side(bk, row, slots, n):
    """Append the slots of a side to ``slots``: the window in priority order, then the far pages in arrival order."""
    side = bk.sides[row]
    end = np.int64(side["lo"]) + np.int64(side["mask"])
    key = np.int64(side["best"])
    while key <= end:
        slot = np.int64(bk.levels[np.int64(side["level0"]) + (key & np.int64(side["mask"]))]["head"])
        while slot != ZERO:
            slots[n] = slot
            n += ONE
            slot = np.int64(bk.pool[slot]["next"])
        key = next_key(bk.words, side, key)
    if np.int64(side["n_far"]) != ZERO:
        for page in range(N_PAGES):
            slot = np.int64(bk.far[np.int64(side["page0"]) + page]["head"])
            while slot != ZERO:
                slots[n] = slot
                n += ONE
                slot = np.int64(bk.pool[slot]["next"])
    return n


@entry
def list_orders(sides, book, levels, words, pool, far, positions, fills, cursor, b, slots):
    """Slots of the live orders of book ``b``: bids, then asks, each as ``list_side``; returns how many of each."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    n_bids = list_side(bk, np.int64(2) * b, slots, ZERO)
    return n_bids, list_side(bk, np.int64(2) * b + ONE, slots, n_bids) - n_bids


@behaviour
def check_queue(bk, row, at, head, tail):
    """Lots and orders of one queue, or a negative fault."""
    lots, n_orders, n_reduce = ZERO, ZERO, ZERO
    before, slot = ZERO, head
    while slot != ZERO:
        order = bk.pool[slot]
        meta = np.int64(order["meta"])
        if np.int64(order["prev"]) != before or n_orders > bk.pool.shape[0]:
            return ZERO, np.int64(-3), ZERO
        in_place = np.int64(order["level"]) == at or at < ZERO
        if (
            (np.int64(order["generation"]) & ONE) == ZERO
            or meta >> META_BITS != row
            or not in_place
            or order["lots"] <= ZERO
        ):
            return ZERO, np.int64(-6), ZERO
        lots += order["lots"]
        n_orders += ONE
        n_reduce += meta & META_REDUCE
        before, slot = slot, np.int64(order["next"])
    if before != tail:
        return ZERO, np.int64(-3), ZERO
    return lots, n_orders, n_reduce


@behaviour
def check_side(bk, row):
    """Orders of a side, or a negative fault."""
    side = bk.sides[row]
    lo, mask = np.int64(side["lo"]), np.int64(side["mask"])
    total, n_reduce, n_far, best = ZERO, ZERO, ZERO, NO_KEY
    worst = -NO_KEY
    for i in range(mask + ONE):
        index = np.int64(i)
        at = np.int64(side["level0"]) + index
        level = bk.levels[at]
        word = bk.words[np.int64(side["word0"]) + (index >> SIX)]
        marked = ((word >> np.uint64(index & SIXTY_THREE)) & U1) != U0
        head = np.int64(level["head"])
        if marked != (head != ZERO):
            return np.int64(-4)
        if head == ZERO:
            if level["total_lots"] != ZERO or np.int64(level["tail"]) != ZERO:
                return np.int64(-2)
            continue
        lots, n_orders, reducing = check_queue(bk, row, at, head, np.int64(level["tail"]))
        if n_orders <= ZERO:
            return n_orders
        if lots != level["total_lots"]:
            return np.int64(-2)
        total += n_orders
        n_reduce += reducing
        key = lo + ((index - lo) & mask)
        best, worst = min(best, key), max(worst, key)
    if best != side["best"]:
        return np.int64(-5)
    is_ask = (row & ONE) != BUY
    for page in range(N_PAGES):
        record = bk.far[np.int64(side["page0"]) + page]
        slot = np.int64(record["head"])
        if slot == ZERO:
            continue
        lots, n_orders, reducing = check_queue(bk, row, np.int64(-1), slot, np.int64(record["tail"]))
        if n_orders <= ZERO:
            return n_orders
        n_far += n_orders
        n_reduce += reducing
        while slot != ZERO:
            order = bk.pool[slot]
            price = np.int64(order["level"])
            if (np.int64(order["meta"]) & META_FAR) == ZERO or price >> PAGE_BITS != page:
                return np.int64(-6)
            if (price if is_ask else -price) <= max(worst, lo + mask):
                return np.int64(-8)
            slot = np.int64(order["next"])
    if n_far != np.int64(side["n_far"]) or n_reduce != np.int64(side["n_reduce"]) or (n_far != ZERO and best == NO_KEY):
        return np.int64(-7)
    return total + n_far


@behaviour
def find_fault(bk):
    """Index into ``BROKEN`` of the first broken law, ``FINE`` when all hold."""
    n_live = ZERO
    for b in range(bk.book.shape[0]):
        row = np.int64(2) * np.int64(b)
        bid, ask = np.int64(bk.sides[row]["best"]), np.int64(bk.sides[row + ONE]["best"])
        if bid != NO_KEY and ask != NO_KEY and -bid >= ask:
            return ONE
        for s in range(2):
            found = check_side(bk, row + np.int64(s))
            if found < ZERO:
                return -found
            n_live += found
    n_dead, slot = ZERO, np.int64(bk.cursor[0]["free_head"])
    while slot != ZERO and n_dead <= bk.pool.shape[0]:
        if np.int64(bk.pool[slot]["generation"]) & ONE:
            return np.int64(6)
        n_dead += ONE
        slot = np.int64(bk.pool[slot]["next"])
    if n_live + n_dead + ONE != np.int64(bk.cursor[0]["fresh"]):
        return np.int64(9)
    return FINE


@entry
def check_books(sides, book, levels, words, pool, far, positions, fills, cursor):
    """``find_fault`` for Python: index into ``BROKEN``."""
    return find_fault(Books(sides, book, levels, words, pool, far, positions, fills, cursor))
