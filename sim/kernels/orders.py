"""The engine with client ids: requests in, acknowledgements and trades out. Rules: docs/rulebook.md.

One compiled loop serves order by order and batches. It stops before a message (or before firing a waiting order) for
which some array could be too small, so that Python can grow it and go on from the same row: growth never changes a
result.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import entry, prefetch, small
from sim.kernels.book import MASK32, META_BITS, META_REDUCE, ONE, ZERO, Books, handle_of, price_of
from sim.kernels.ids import NOWHERE, WAITING, drop_id, find_id, home_of, place_id, reference_of, widen
from sim.kernels.matching import TWO, cancel, reduce, replaceable, submit, take_out
from sim.kernels.triggers import crossed, direction_of, push_trigger, remove_trigger
from sim.schema import (
    BUY,
    CANCEL,
    CHECK_OWNER,
    GTC,
    IOC,
    MAX_LOTS,
    MAX_PRICE_TICKS,
    NEW,
    OK,
    POST,
    REDUCE,
    REJECT_DUPLICATE,
    REJECT_KIND,
    REJECT_LOTS,
    REJECT_PRICE,
    REJECT_STALE,
    REPLACE,
    SELL,
    SET_LAST,
    STOP,
    TAKE_PROFIT,
)

NONE = np.int64(-1)
FEW_IDS = np.int64(1 << 15)  # from about 40,000 live ids on looking ahead pays; 1,000,000: a random cancel 238 -> 68 ns
AHEAD_ID, AHEAD_ORDER, AHEAD_LINKS = np.int64(24), np.int64(16), np.int64(8)  # messages between a prefetch and its use
ENGINE = np.dtype(
    [
        ("n_acks", "i8"),
        ("n_trades", "i8"),
        ("n_ids", "i8"),  # live client ids
        ("n_cells", "i8"),  # of the table of client ids
        ("n_waiting", "i8"),
        ("heap_peak", "i8"),  # largest heap so far
        ("next_serial", "i8"),
        ("trigger_free", "i8"),
        ("trigger_fresh", "i8"),
        ("owner_limit", "i8"),
        ("firing_book", "i8"),  # book whose triggers were being fired when room ran out, -1 when none
    ]
)


class Desk(NamedTuple):
    """What the engine keeps beside the books: client ids, waiting orders, counters."""

    table: Any
    slot_id: Any
    triggers: Any
    heap: Any
    sizes: Any
    engine: Any


@small
def has_room(bk, d, acks, trades):
    """Whether one more message of any kind fits every array."""
    e, c = d.engine[0], bk.cursor[0]
    fresh = np.int64(c["fresh"])
    return (
        (np.int64(c["free_head"]) != ZERO or fresh < bk.pool.shape[0])
        and fresh <= bk.fills.shape[0]
        and fresh <= trades.shape[0] - e["n_trades"]
        and e["n_acks"] < acks.shape[0]
        and TWO * (e["n_ids"] + ONE) <= e["n_cells"]
        and (e["trigger_free"] != ZERO or e["trigger_fresh"] < d.triggers.shape[0])
        and e["heap_peak"] < d.heap.shape[1]
    )


@small
def enter_id(d, order_id, reference):
    """Let ``order_id`` name a slot or, with the ``WAITING`` bit, a trigger row."""
    at = find_id(d.table, d.engine[0]["n_cells"], order_id)
    if at == NOWHERE:
        at = place_id(d.table, d.engine[0]["n_cells"], order_id)
        d.engine[0]["n_ids"] = d.engine[0]["n_ids"] + ONE
    d.table[at]["reference"] = reference
    if (reference & WAITING) == ZERO:
        d.slot_id[reference] = order_id


@small
def forget_id(d, order_id):
    """Drop a client id that names an order now dead."""
    at = find_id(d.table, d.engine[0]["n_cells"], order_id)
    if at != NOWHERE:
        drop_id(d.table, d.engine[0]["n_cells"], at)
        d.engine[0]["n_ids"] = d.engine[0]["n_ids"] - ONE


@small
def print_trades(bk, d, trades, b, order_id, message):
    """Turn the core's fill rows of one message into trades with client ids, dropping the ids of makers that died."""
    e, c = d.engine[0], bk.cursor[0]
    for f in range(c["n_fills"]):
        fill = bk.fills[f]
        handle = fill["maker"]
        slot = handle & MASK32
        maker_id = d.slot_id[slot]
        if fill["lots"] != ZERO:
            trade = trades[e["n_trades"]]
            trade["lots"] = fill["lots"]
            trade["maker_id"] = maker_id
            trade["taker_id"] = order_id
            trade["price_ticks"] = fill["price_ticks"]
            trade["message"] = message
            trade["maker_owner"] = fill["maker_owner"]
            trade["taker_owner"] = fill["taker_owner"]
            trade["book"] = b
            e["n_trades"] = e["n_trades"] + ONE
        if handle_of(bk.pool, slot) != handle:
            forget_id(d, maker_id)
    c["n_fills"] = ZERO


@small
def write_ack(d, acks, message, order_id, side, price, status, filled, resting, cancelled, fired):
    """Append one acknowledgement; a rejection carries no lots (rule book 9.3)."""
    e = d.engine[0]
    ack = acks[e["n_acks"]]
    accepted = status == OK
    ack["order_id"] = order_id
    ack["filled_lots"] = filled if accepted else ZERO
    ack["open_lots"] = resting if accepted else ZERO
    ack["cancelled_lots"] = cancelled if accepted else ZERO
    ack["price_ticks"] = price
    ack["fills_end"] = e["n_trades"]
    ack["message"] = message
    ack["status"] = status
    ack["side"] = side
    ack["fired"] = fired
    e["n_acks"] = e["n_acks"] + ONE


@small
def check_request(bk, d, r):
    """Status of a new or trigger order before it reaches the book (rule book 1.5)."""
    known = ZERO <= np.int64(r["book"]) < bk.book.shape[0] and np.int64(r["side"]) <= SELL and r["order_id"] >= ZERO
    known = known and ZERO <= r["owner"] < d.engine[0]["owner_limit"] and np.int64(r["kind"]) <= POST
    if not known:
        return REJECT_KIND
    price = r["price_ticks"]
    waits = np.int64(r["type"]) != NEW
    if waits and (r["trigger_ticks"] < ONE or r["trigger_ticks"] > MAX_PRICE_TICKS):
        return REJECT_PRICE
    if price > MAX_PRICE_TICKS or price < (ZERO if waits else ONE):
        return REJECT_PRICE
    if r["lots"] < ONE or r["lots"] > MAX_LOTS:
        return REJECT_LOTS
    if find_id(d.table, d.engine[0]["n_cells"], r["order_id"]) != NOWHERE:
        return REJECT_DUPLICATE
    return OK


@small
def wait(bk, d, r):
    """Leave a trigger order waiting."""
    e = d.engine[0]
    t = e["trigger_free"]
    if t != ZERO:
        e["trigger_free"] = np.int64(d.triggers[t]["next"])
    else:
        t = e["trigger_fresh"]
        e["trigger_fresh"] = t + ONE
    b, side, kind = np.int64(r["book"]), np.int64(r["side"]), np.int64(r["type"])
    direction = direction_of(side, kind)
    row = d.triggers[t]
    row["key"] = r["trigger_ticks"] if direction == ZERO else -r["trigger_ticks"]
    row["serial"] = e["next_serial"]
    e["next_serial"] = e["next_serial"] + ONE
    row["lots"] = r["lots"]
    row["price_ticks"] = r["price_ticks"]
    row["order_id"] = r["order_id"]
    row["owner"] = r["owner"]
    row["book"] = b
    row["side"] = side
    row["flags"] = r["flags"]
    row["type"] = kind
    row["live"] = ONE
    heap_row = TWO * b + direction
    push_trigger(d.triggers, d.heap, d.sizes, heap_row, t)
    e["heap_peak"] = max(e["heap_peak"], d.sizes[heap_row])
    e["n_waiting"] = e["n_waiting"] + ONE
    enter_id(d, r["order_id"], t | WAITING)


@small
def stop_waiting(d, t):
    """Take a waiting order out of its heap, free its row and id; its fields stay readable until the next ``wait``."""
    e = d.engine[0]
    row = d.triggers[t]
    heap_row = TWO * np.int64(row["book"]) + direction_of(np.int64(row["side"]), np.int64(row["type"]))
    forget_id(d, row["order_id"])
    remove_trigger(d.triggers, d.heap, d.sizes, heap_row, t)
    row["live"] = ZERO
    row["next"] = e["trigger_free"]
    e["trigger_free"] = t
    e["n_waiting"] = e["n_waiting"] - ONE


@small
def find_order(bk, d, r):
    """Reference of the live order that a request names, 0 when it is unknown, dead or another owner's."""
    reference = reference_of(d.table, d.engine[0]["n_cells"], r["order_id"])
    if reference != ZERO and np.int64(r["flags"]) & CHECK_OWNER:
        if reference & WAITING:
            owner = np.int64(d.triggers[reference ^ WAITING]["owner"])
        else:
            owner = np.int64(bk.pool[reference]["owner"])
        if owner != r["owner"]:
            return ZERO
    return reference


@small
def take_off(bk, d, acks, r, message, reference):
    """Cancel or reduce a live order; returns its book."""
    kind, order_id = np.int64(r["type"]), r["order_id"]
    if reference & WAITING:
        t = reference ^ WAITING
        b, side = np.int64(d.triggers[t]["book"]), np.int64(d.triggers[t]["side"])
        status = OK if kind == CANCEL else REJECT_KIND
        if status == OK:
            stop_waiting(d, t)
        lots, price = d.triggers[t]["lots"], d.triggers[t]["price_ticks"]
        write_ack(d, acks, message, order_id, side, price, status, ZERO, ZERO, lots, ZERO)
        return b
    meta = np.int64(bk.pool[reference]["meta"])
    row = meta >> META_BITS
    price, before = price_of(bk, reference), bk.pool[reference]["lots"]
    handle = handle_of(bk.pool, reference)
    left = ZERO
    if kind == CANCEL:
        cancel(bk, handle)
    else:
        left = reduce(bk, handle, r["lots"])
    if left == ZERO:
        forget_id(d, order_id)
    status = min(left, OK)
    write_ack(d, acks, message, order_id, row & ONE, price, status, ZERO, left, before - left, ZERO)
    return row >> ONE


@small
def look_ahead(bk, d, requests, i):
    """Prefetch what later requests will touch: the place of their id, then its order, then that order's neighbours."""
    last, size = requests.shape[0] - ONE, d.engine[0]["n_cells"]
    prefetch(d.table, home_of(size, requests[min(i + AHEAD_ID, last)]["order_id"]))
    r = requests[min(i + AHEAD_ORDER, last)]
    if np.int64(r["type"]) != NEW:
        reference = reference_of(d.table, size, r["order_id"])
        if (reference & WAITING) == ZERO:
            prefetch(bk.pool, reference)
    r = requests[min(i + AHEAD_LINKS, last)]
    if np.int64(r["type"]) != NEW:
        reference = reference_of(d.table, size, r["order_id"])
        if (reference & WAITING) == ZERO:
            order = bk.pool[reference]
            prefetch(bk.pool, np.int64(order["next"]))
            prefetch(bk.pool, np.int64(order["prev"]))


@entry
def run_requests(
    sides, book, levels, words, pool, far, positions, fills, cursor,
    table, slot_id, triggers, heap, sizes, engine, requests, acks, trades, start,
):  # fmt: skip
    """Apply REQUEST rows from ``start`` on; acknowledgements and trades are appended at the engine's counters.

    Returns
    -------
    int64
        Row to go on from: ``len(requests)`` when done, an earlier one when an array must grow first.
    """
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    d = Desk(table, slot_id, triggers, heap, sizes, engine)
    e = engine[0]
    for i in range(start, requests.shape[0]):
        r = requests[i]
        if e["n_ids"] > FEW_IDS:
            look_ahead(bk, d, requests, i)
        b = e["firing_book"]
        firing = b != NONE
        while True:
            t = ZERO
            if firing:
                if e["n_waiting"] == ZERO:
                    break
                t = crossed(triggers, heap, sizes, b, book[b]["last_ticks"])
                if t == ZERO:
                    break
            if TWO * (e["n_ids"] + ONE) > e["n_cells"]:
                e["n_cells"] = widen(table, e["n_cells"])
            unknown_owner = positions.shape[1] <= r["owner"] < e["owner_limit"]
            if unknown_owner or not has_room(bk, d, acks, trades):
                e["firing_book"] = b if firing else NONE
                return i
            kind, order_id, lots, status = np.int64(r["type"]), r["order_id"], r["lots"], OK
            side, owner, price = np.int64(r["side"]), r["owner"], r["price_ticks"]
            tif, flags = np.int64(r["kind"]), np.int64(r["flags"])
            if firing:
                row = triggers[t]
                kind, order_id, lots, side = NEW, row["order_id"], row["lots"], np.int64(row["side"])
                owner, price, flags, tif = np.int64(row["owner"]), row["price_ticks"], np.int64(row["flags"]), GTC
                if price == ZERO:
                    price, tif = (MAX_PRICE_TICKS if side == BUY else ONE), IOC
                stop_waiting(d, t)
            elif kind == NEW or kind == STOP or kind == TAKE_PROFIT:
                b = np.int64(r["book"])
                status = check_request(bk, d, r)
                if status == OK and kind != NEW:
                    wait(bk, d, r)
                    write_ack(d, acks, i, order_id, side, price, OK, ZERO, lots, ZERO, ZERO)
                    firing = True
                    continue
            elif kind == SET_LAST:
                b = np.int64(r["book"])
                if b < ZERO or b >= book.shape[0]:
                    status = REJECT_KIND
                elif price < ONE or price > MAX_PRICE_TICKS:
                    status = REJECT_PRICE
                else:
                    book[b]["last_ticks"] = price
                    write_ack(d, acks, i, order_id, side, price, OK, ZERO, ZERO, ZERO, ZERO)
                    firing = True
                    continue
            elif kind == CANCEL or kind == REDUCE or kind == REPLACE:
                reference = find_order(bk, d, r)
                if reference == ZERO:
                    status = REJECT_STALE
                elif kind != REPLACE:
                    b = take_off(bk, d, acks, r, i, reference)
                    firing = True
                    continue
                elif reference & WAITING:
                    status = REJECT_KIND
                else:
                    handle = handle_of(pool, reference)
                    status = replaceable(bk, handle, price, lots)
                    meta = np.int64(pool[reference]["meta"])
                    owner, flags, tif = np.int64(pool[reference]["owner"]), meta & META_REDUCE, GTC
                    b, side = (meta >> META_BITS) >> ONE, (meta >> META_BITS) & ONE
                    if status == OK:
                        take_out(bk, handle)
            else:
                status = REJECT_KIND
            handle, traded = ZERO, ZERO
            left = lots
            if status == OK:
                handle, traded, left, status = submit(bk, b, side, price, lots, owner, tif, flags)
                print_trades(bk, d, trades, b, order_id, i)
                if handle != ZERO:
                    enter_id(d, order_id, handle & MASK32)
                elif kind == REPLACE:
                    forget_id(d, order_id)
            resting = left if handle != ZERO else ZERO
            fired = ONE if firing else ZERO
            write_ack(d, acks, i, order_id, side, price, status, traded, resting, lots - traded - resting, fired)
            if status != OK and not firing:
                break
            firing = True
        e["firing_book"] = NONE
    return requests.shape[0]


@entry
def knows_id(table, size, order_id):
    """Whether a client id names a live order."""
    return find_id(table, size, order_id) != NOWHERE


@entry
def price_at(sides, book, levels, words, pool, far, positions, fills, cursor, slot):
    """Price in ticks of the live order in ``slot``."""
    return price_of(Books(sides, book, levels, words, pool, far, positions, fills, cursor), slot)
