"""Matching: what one message does to a book. Rules: docs/rulebook.md; slow twin: tests/reference/matching.py.

``submit`` and ``cancel`` are forced inline, so one call site per step is the habit: callers that also replace take the
old order out with ``take_out`` and fall through to the same ``submit``.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.book import (
    MASK32,
    META_BITS,
    META_FAR,
    META_REDUCE,
    ONE,
    ZERO,
    append,
    append_far,
    drop_level_if_empty,
    free_slot,
    handle_of,
    shift_window,
    slot_of,
    take_slot,
    unlink,
)
from sim.kernels.fok import countable
from sim.schema import (
    BUY,
    FOK,
    GTC,
    IOC,
    MAX_LOTS,
    MAX_PRICE_TICKS,
    OK,
    POST,
    REDUCE_ONLY,
    REJECT_CAPACITY,
    REJECT_FOK,
    REJECT_KIND,
    REJECT_LOTS,
    REJECT_POST,
    REJECT_PRICE,
    REJECT_REDUCE,
    REJECT_STALE,
    STP_CANCEL_TAKER,
    STP_DECREMENT,
    STP_EXEMPT,
    STP_OFF,
)

TWO = np.int64(2)


@small
def reducible(bk, b, side, owner):
    """Lots by which an order of ``side`` may reduce the owner's position; 0 when positions are not tracked."""
    if owner >= bk.positions.shape[1]:
        return ZERO
    position = bk.positions[b, owner]
    return max(ZERO, -position if side == BUY else position)


@small
def remove_head(bk, row, at, slot):
    """Unlink and free the first order of level row ``at``; returns the next slot of the queue."""
    order = bk.pool[slot]
    after = np.int64(order["next"])
    level = bk.levels[at]
    level["head"] = after
    if after != ZERO:
        bk.pool[after]["prev"] = ZERO
    else:
        level["tail"] = ZERO
    if np.int64(order["meta"]) & META_REDUCE:
        bk.sides[row]["n_reduce"] = np.int64(bk.sides[row]["n_reduce"]) - ONE
    free_slot(bk.pool, bk.cursor, slot)
    return after


@small
def write_fill(bk, slot, price, lots, taker_owner, maker_owner):
    """Append one row to the fills; room was checked before matching began.

    A row of 0 lots is no trade: it tells that self-trade prevention or a cut (rule book 4, 7.3) took the resting order
    off.
    """
    c = bk.cursor[0]
    at = c["n_fills"]
    fill = bk.fills[at]
    fill["lots"] = lots
    fill["maker"] = handle_of(bk.pool, slot)
    fill["price_ticks"] = price
    fill["message"] = c["message"]
    fill["taker_owner"] = taker_owner
    fill["maker_owner"] = maker_owner
    c["n_fills"] = at + ONE


@behaviour
def settle_self_trade(bk, row, at, price, slot, left, stp):
    """An order met a resting one of its own owner. Returns the taker's lots left and the next slot (rule book 5.3a)."""
    owner = np.int64(bk.pool[slot]["owner"])
    order = bk.pool[slot]
    level = bk.levels[at]
    resting = order["lots"]
    if stp == STP_CANCEL_TAKER:
        return ZERO, slot
    if stp == STP_DECREMENT:
        both = min(resting, left)
        left -= both
        level["total_lots"] = level["total_lots"] - both
        order["lots"] = resting - both
        if both < resting:
            return left, slot
    else:
        level["total_lots"] = level["total_lots"] - resting
    write_fill(bk, slot, price, ZERO, owner, owner)
    return left, remove_head(bk, row, at, slot)


@behaviour
def cut_to_position(bk, b, row, at, price, slot):
    """Cut a resting reduce-only order to what its owner's position allows; returns what it keeps (rule book 7.3)."""
    order = bk.pool[slot]
    keeps = min(order["lots"], reducible(bk, b, row & ONE, np.int64(order["owner"])))
    level = bk.levels[at]
    level["total_lots"] = level["total_lots"] - (order["lots"] - keeps)
    order["lots"] = keeps
    if keeps == ZERO:
        write_fill(bk, slot, price, ZERO, np.int64(order["owner"]), np.int64(order["owner"]))
    return keeps


@small
def match_level(bk, b, row, at, price, left, owner, stp):
    """Trade up to ``left`` lots against the queue of one level. Returns lots left and lots traded."""
    level = bk.levels[at]
    slot = np.int64(level["head"])
    tracked = bk.positions.shape[0] != 0
    traded = ZERO
    while left != ZERO and slot != ZERO:
        order = bk.pool[slot]
        maker_owner = np.int64(order["owner"])
        if stp != STP_OFF and maker_owner == owner:
            left, slot = settle_self_trade(bk, row, at, price, slot, left, stp)
            continue
        if np.int64(order["meta"]) & META_REDUCE and cut_to_position(bk, b, row, at, price, slot) == ZERO:
            slot = remove_head(bk, row, at, slot)
            continue
        resting = order["lots"]
        lots = min(resting, left)
        write_fill(bk, slot, price, lots, owner, maker_owner)
        left -= lots
        traded += lots
        level["total_lots"] = level["total_lots"] - lots
        if tracked:
            signed = lots if (row & ONE) == BUY else -lots  # the maker's side is the level's
            bk.positions[b, maker_owner] += signed
            bk.positions[b, owner] -= signed
        if lots == resting:
            slot = remove_head(bk, row, at, slot)
        else:
            order["lots"] = resting - lots
    return left, traded


@inlined
def match(bk, b, row, key_limit, lots, owner, stp):
    """Trade up to ``lots`` against side ``row`` at ``key_limit`` or better. Returns lots left and lots traded."""
    side = bk.sides[row]
    book = bk.book[b]
    left, traded = lots, ZERO
    key = np.int64(side["best"])
    while left != ZERO and key <= key_limit:
        at = np.int64(side["level0"]) + (key & np.int64(side["mask"]))
        price = abs(key)
        left, here = match_level(bk, b, row, at, price, left, owner, stp)
        if here != ZERO:
            traded += here
            book["last_ticks"] = price
            book["n_trades"] = book["n_trades"] + ONE
        drop_level_if_empty(bk, row, at)
        key = np.int64(side["best"])
    book["volume_lots"] = book["volume_lots"] + traded
    return left, traded


@small
def rest(bk, row, key, price, lots, owner, flags):
    """Put a new order at the end of its queue; returns its handle. The caller has checked for a free slot."""
    side = bk.sides[row]
    slot = take_slot(bk.pool, bk.cursor)
    order = bk.pool[slot]
    order["lots"] = lots
    order["generation"] = (np.int64(order["generation"]) + ONE) & MASK32
    order["owner"] = owner
    reduce_only = flags & REDUCE_ONLY
    order["meta"] = (row << META_BITS) | reduce_only
    if reduce_only != ZERO:
        side["n_reduce"] = np.int64(side["n_reduce"]) + ONE
    inside = key - np.int64(side["lo"])
    if inside < ZERO or inside > np.int64(side["mask"]):
        place_outside(bk, row, key, price, slot)
    else:
        append(bk, row, key, slot)
    return handle_of(bk.pool, slot)


@behaviour
def place_outside(bk, row, key, price, slot):
    """Rest an order whose price is outside the window: move the window when it is the best, else wait far."""
    side = bk.sides[row]
    if key < side["best"]:
        shift_window(bk, row, key)
        append(bk, row, key, slot)
    else:
        append_far(bk, row, price, slot)


@small
def check_new(bk, side, price, lots, owner, kind):
    """Status of a new order's plain fields."""
    if price < ONE or price > MAX_PRICE_TICKS:
        return REJECT_PRICE
    if lots < ONE or lots > MAX_LOTS:
        return REJECT_LOTS
    if side < ZERO or side > ONE or kind < GTC or kind > POST:
        return REJECT_KIND
    if bk.positions.shape[0] != 0 and (owner < ZERO or owner >= bk.positions.shape[1]):
        return REJECT_KIND
    return OK


@small
def submit(bk, b, side, price, lots, owner, kind, flags):
    """One new order: trade what crosses, then rest, cancel or reject what is left.

    Parameters
    ----------
    bk : Books
    b, side : int64
        Book (must exist) and ``BUY`` or ``SELL``.
    price : int64
        Limit in ticks; for a market order its bound.
    lots, owner : int64
    kind : int64
        ``GTC``, ``IOC``, ``FOK`` or ``POST``. A market order is an IOC.
    flags : int64
        ``REDUCE_ONLY``, ``STP_EXEMPT``.

    Returns
    -------
    handle : int64
        Of what rests, 0 when nothing does.
    traded : int64
        Lots filled; the fills are rows of ``bk.fills`` up to the cursor.
    left : int64
        Lots that neither traded nor were decremented against the owner's own: resting if ``handle``, else cancelled.
    status : int64
        ``OK`` or a negative ``REJECT_...``; a rejected order has changed nothing.
    """
    status = check_new(bk, side, price, lots, owner, kind)
    if status != OK:
        return ZERO, ZERO, lots, status
    if flags & REDUCE_ONLY:
        lots = min(lots, reducible(bk, b, side, owner))
        if lots == ZERO:
            return ZERO, ZERO, ZERO, REJECT_REDUCE
    c = bk.cursor[0]
    if np.int64(c["free_head"]) == ZERO and np.int64(c["fresh"]) == bk.pool.shape[0]:
        return ZERO, ZERO, lots, REJECT_CAPACITY
    row = TWO * b + side
    key = price if side != BUY else -price
    left, traded = lots, ZERO
    other = row ^ ONE
    if bk.sides[other]["best"] <= -key:
        if kind == POST:
            return ZERO, ZERO, lots, REJECT_POST
        if bk.fills.shape[0] - c["n_fills"] < np.int64(c["fresh"]):
            return ZERO, ZERO, lots, REJECT_CAPACITY
        stp = STP_OFF if flags & STP_EXEMPT else bk.book[b]["stp"]
        if kind == FOK and countable(bk, b, other, -key, lots, owner, stp) < lots:
            return ZERO, ZERO, lots, REJECT_FOK
        left, traded = match(bk, b, other, -key, lots, owner, stp)
    elif kind == FOK:
        return ZERO, ZERO, lots, REJECT_FOK
    if left == ZERO or kind == IOC or kind == FOK:
        return ZERO, traded, left, OK
    return rest(bk, row, key, price, left, owner, flags), traded, left, OK


@inlined
def take_out(bk, handle):
    """Remove a live order. Returns its slot as it was (now free) or 0 when the handle is stale or forged."""
    slot = slot_of(bk.pool, handle)
    if slot != ZERO:
        unlink(bk, slot)
        free_slot(bk.pool, bk.cursor, slot)
    return slot


@small
def cancel(bk, handle):
    """Cancel a live order; returns the lots cancelled, 0 when the handle is stale or forged."""
    slot = take_out(bk, handle)
    return ZERO if slot == ZERO else np.int64(bk.pool[slot]["lots"])


@small
def reduce(bk, handle, lots):
    """Take ``lots`` off a live order, which keeps its place; all of it or more cancels.

    Returns
    -------
    int64
        Lots still open, or ``REJECT_STALE``, ``REJECT_LOTS`` (lots below 1).
    """
    slot = slot_of(bk.pool, handle)
    if slot == ZERO:
        return REJECT_STALE
    if lots < ONE:
        return REJECT_LOTS
    order = bk.pool[slot]
    if lots >= order["lots"]:
        take_out(bk, handle)
        return ZERO
    order["lots"] = order["lots"] - lots
    if (np.int64(order["meta"]) & META_FAR) == ZERO:
        level = bk.levels[np.int64(order["level"])]
        level["total_lots"] = level["total_lots"] - lots
    return np.int64(order["lots"])


@small
def replaceable(bk, handle, price, lots):
    """Status of a replace before anything is touched: OK, or why the old order stays as it is."""
    slot = slot_of(bk.pool, handle)
    if slot == ZERO:
        return REJECT_STALE
    if price < ONE or price > MAX_PRICE_TICKS:
        return REJECT_PRICE
    if lots < ONE or lots > MAX_LOTS:
        return REJECT_LOTS
    order = bk.pool[slot]
    meta = np.int64(order["meta"])
    row = meta >> META_BITS
    if meta & META_REDUCE and reducible(bk, row >> ONE, row & ONE, np.int64(order["owner"])) == ZERO:
        return REJECT_REDUCE
    if bk.fills.shape[0] - bk.cursor[0]["n_fills"] < np.int64(bk.cursor[0]["fresh"]):
        return REJECT_CAPACITY
    return OK


@small
def replace(bk, handle, price, lots):
    """Give a live order a new price and open size; it loses its place and trades if it crosses. Returns as
    ``submit``.
    """
    status = replaceable(bk, handle, price, lots)
    if status != OK:
        return ZERO, ZERO, lots, status
    slot = take_out(bk, handle)
    order = bk.pool[slot]
    meta = np.int64(order["meta"])
    row = meta >> META_BITS
    return submit(bk, row >> ONE, row & ONE, price, lots, np.int64(order["owner"]), GTC, meta & META_REDUCE)
