"""Batches: many messages through the core in one compiled loop."""

import numpy as np

from sim.kernels._jit import entry, prefetch, small
from sim.kernels.book import MASK32, META_BITS, META_REDUCE, ONE, ZERO, Books
from sim.kernels.matching import cancel, reduce, replaceable, submit, take_out
from sim.schema import BUY, CANCEL, GTC, NEW, OK, REDUCE, REJECT_CAPACITY, REJECT_KIND, REJECT_STALE, REPLACE

FEW_BOOKS = np.int64(8)  # up to here the hot levels stay in the cache, and looking ahead costs 1 ns a message
AHEAD = np.int64(8)  # messages between a prefetch and its use: 16 books 21.7 -> 18.9 ns, 200 books 47 -> 28 ns


@small
def execute(bk, m):
    """Apply one MESSAGE row. Returns the two fields of its ACK."""
    kind = np.int64(m["type"])
    if kind == CANCEL:
        lots = cancel(bk, m["handle"])
        return ZERO, REJECT_STALE if lots == ZERO else lots
    if kind == REDUCE:
        left = reduce(bk, m["handle"], m["lots"])
        return (m["handle"] if left > ZERO else ZERO), left
    b, side = np.int64(m["book"]), np.int64(m["side"])
    owner, flags, tif = np.int64(m["owner"]), np.int64(m["flags"]), np.int64(m["kind"])
    if kind == REPLACE:
        status = replaceable(bk, m["handle"], np.int64(m["price_ticks"]), m["lots"])
        if status != OK:
            return ZERO, status
        order = bk.pool[take_out(bk, m["handle"])]
        meta = np.int64(order["meta"])
        row = meta >> META_BITS
        b, side = row >> ONE, row & ONE
        owner, flags, tif = np.int64(order["owner"]), meta & META_REDUCE, GTC
    elif kind != NEW or b >= bk.book.shape[0]:
        return ZERO, REJECT_KIND
    handle, traded, _, status = submit(bk, b, side, np.int64(m["price_ticks"]), m["lots"], owner, tif, flags)
    return handle, traded if status == OK else status


@small
def look_ahead(bk, m):
    """Prefetch the order or the level that a message will touch."""
    prefetch(bk.pool, min(m["handle"] & MASK32, bk.pool.shape[0] - ONE))
    price, side = np.int64(m["price_ticks"]), np.int64(m["side"])
    row = bk.sides[np.int64(2) * np.int64(m["book"]) + side]
    key = price if side != BUY else -price
    prefetch(bk.levels, np.int64(row["level0"]) + (key & np.int64(row["mask"])))


@entry
def run_messages(sides, book, levels, words, pool, far, positions, fills, cursor, messages, acks, start):
    """Apply MESSAGE rows from ``start`` on, writing one ACK row each.

    Returns
    -------
    int64
        The first row not applied: ``len(messages)``, or earlier when the pool or the fills must grow first.
    """
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    last = messages.shape[0] - ONE
    many_books = book.shape[0] > FEW_BOOKS
    for i in range(start, messages.shape[0]):
        if many_books:
            look_ahead(bk, messages[min(i + AHEAD, last)])
        cursor[0]["message"] = i
        handle, result = execute(bk, messages[i])
        if result == REJECT_CAPACITY:
            return i
        ack = acks[i]
        ack["handle"] = handle
        ack["result"] = result
    return messages.shape[0]
