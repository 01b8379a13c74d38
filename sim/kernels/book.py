"""The book's data structure: ring ladders, bitmaps, the order pool and the far pages.

A side keeps prices as keys (asks ``+price``, bids ``-price``), so that better is always lower and both sides share one
code path. Its ladder is a ring of ``P = 2^k`` levels; level ``key & (P - 1)`` holds the FIFO queue of that price while
``lo <= key < lo + P``. Moving the window moves ``lo`` alone. Orders outside wait in pages of 2^20 ticks, in arrival
order, and come back in it.

Invariants (checked by ``check_books`` and the differential tests):
a side with any live order has its best order in the window (``best == NO_KEY`` means the side is empty);
every far order is worse than every order in the window of its side.

Rule book: docs/rulebook.md. Slow twin: tests/reference/matching.py.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, small, trailing_zeros
from sim.schema import (
    BOOK,
    BUY,
    CURSOR,
    FILL,
    LEVEL,
    MAX_PRICE_TICKS,
    NO_KEY,
    ORDER,
    PAGE,
    SIDE,
)

META_REDUCE = np.int64(1)
META_FAR = np.int64(2)
META_BITS = np.int64(2)
PAGE_BITS = np.int64(20)
N_PAGES = (int(MAX_PRICE_TICKS) >> int(PAGE_BITS)) + 1
MASK32 = np.int64(0xFFFFFFFF)
SHIFT32 = np.int64(32)
ZERO, ONE, SIX, SIXTY_THREE = np.int64(0), np.int64(1), np.int64(6), np.int64(63)
U0, U1, ALL_BITS = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)
MIN_WINDOW, MAX_WINDOW = 64, 1 << 20


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


def allocate_books(
    windows: Sequence[int], capacity_orders: int, capacity_fills: int, n_owners: int, self_trade: int
) -> Books:
    """Empty books, one for each entry of ``windows``.

    Parameters
    ----------
    windows : sequence of int
        Ticks in the ladder of each side of each book; powers of two from 64 to 2^20.
    capacity_orders : int
        Live orders over all books before the pool must grow.
    capacity_fills : int
        Rows for fills before the cursor is reset by whoever consumes them.
    n_owners : int
        Owners whose positions are tracked; 0 switches tracking (and reduce-only) off.
    self_trade : int
        ``STP_OFF`` and its siblings, for every book.
    """
    sides = np.zeros(2 * len(windows), SIDE)
    level0 = word0 = 0
    for b, window in enumerate(windows):
        if window & (window - 1) or not MIN_WINDOW <= window <= MAX_WINDOW:
            raise ValueError(
                f"window of book {b} is {window} ticks; use a power of two from {MIN_WINDOW} to {MAX_WINDOW}"
            )
        n_words = window >> 6
        n_summary = (n_words + 63) >> 6
        for s in range(2):
            row = sides[2 * b + s]
            row["best"], row["lo"], row["mask"] = NO_KEY, 0, window - 1
            row["level0"], row["word0"], row["summary0"] = level0, word0, word0 + n_words
            row["page0"] = (2 * b + s) * N_PAGES
            level0 += window
            word0 += n_words + n_summary
    book = np.zeros(len(windows), BOOK)
    book["stp"] = self_trade
    positions = np.zeros((len(windows), n_owners) if n_owners else (0, 0), np.int64)
    books = Books(
        sides, book, np.zeros(level0, LEVEL), np.zeros(word0, np.uint64), np.zeros(1, ORDER),
        np.zeros(2 * len(windows) * N_PAGES, PAGE), positions, np.zeros(capacity_fills, FILL), np.zeros(1, CURSOR),
    )  # fmt: skip
    books.cursor["fresh"] = 1
    return grow_pool(books, capacity_orders)


def grow_pool(books: Books, capacity_orders: int) -> Books:
    """The same books with room for ``capacity_orders`` live orders; slots and handles stay valid."""
    if capacity_orders < len(books.pool) - 1:
        raise ValueError(f"a pool of {len(books.pool) - 1} orders cannot shrink to {capacity_orders}")
    pool = np.zeros(capacity_orders + 1, ORDER)
    pool[: len(books.pool)] = books.pool
    return books._replace(pool=pool)


def grow_fills(books: Books, capacity_fills: int) -> Books:
    """The same books with room for ``capacity_fills`` fill rows; written rows are kept."""
    fills = np.zeros(capacity_fills, FILL)
    fills[: len(books.fills)] = books.fills
    return books._replace(fills=fills)


def memory_bytes(books: Books) -> int:
    """Bytes of all arrays of the room, untouched pages included."""
    return int(sum(array.nbytes for array in books))


@small
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


@small
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
    """Best key among the far orders of a side, which has some."""
    side = bk.sides[row]
    page0 = np.int64(side["page0"])
    is_ask = (row & ONE) != BUY
    for i in range(N_PAGES):
        page = np.int64(i) if is_ask else np.int64(N_PAGES - 1 - i)
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
    lo = key - (window >> np.int64(2))
    evict(bk, row, lo + window)
    side["lo"] = lo
    if np.int64(side["n_far"]) != ZERO:
        pull_far(bk, row)


@behaviour
def refill_window(bk, row):
    """After the window emptied while far orders wait: move it to the best of them."""
    if np.int64(bk.sides[row]["n_far"]) != ZERO:
        shift_window(bk, row, best_far_key(bk, row))


@behaviour
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
