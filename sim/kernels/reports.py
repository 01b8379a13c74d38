"""Writes report lines of a replay as bytes (format: docs/rulebook.md, 10.2), many messages a call.

Slow twin: ``tests/reference/reports.py``.
"""

import numpy as np

from sim.kernels._jit import entry, small

ZERO, ONE, TEN = np.int64(0), np.int64(1), np.int64(10)
DIGIT_ZERO, COMMA, LINE_FEED = np.uint8(48), np.uint8(44), np.uint8(10)
MAX_LINE_BYTES = 8 + 5 * 20  # line feed, type, five numbers of up to 19 digits with their commas

NEW_ROW, CANCEL_ROW, MODIFY_ROW = np.int64(0), np.int64(1), np.int64(2)
LINE_NEW, LINE_TRADE, LINE_CANCELLED, LINE_MODIFIED, LINE_NO_CANCEL, LINE_NO_MODIFY = (np.int64(i) for i in range(6))


@small
def put_number(out, at, value):
    """Write a comma and a number >= 0 in decimal; returns the next free byte."""
    out[at] = COMMA
    width = ONE
    rest = value // TEN
    while rest > ZERO:
        width += ONE
        rest //= TEN
    end = at + width
    for place in range(end, at, -1):
        out[place] = np.uint8(DIGIT_ZERO + np.uint8(value % TEN))
        value //= TEN
    return end + ONE


@small
def put_line(out, at, line, seq):
    """Write the line feed, type and sequence number that begin a line."""
    out[at] = LINE_FEED
    out[at + 1] = np.uint8(DIGIT_ZERO + np.uint8(line))
    return put_number(out, at + 2, seq)


@small
def put_order(out, at, line, seq, side, order_id, price):
    """Write what lines 0, 2 and 3 have in common."""
    at = put_line(out, at, line, seq)
    at = put_number(out, at, side)
    at = put_number(out, at, order_id)
    return put_number(out, at, price)


@entry
def write_reports(rows, acks, fills, order_index, stood_side, stood_price, first_seq, out):
    """Report lines of consecutive rows, each beginning with a line feed.

    Parameters
    ----------
    rows : FLOW_ROW[n]
        Order-flow rows: type, side, order_id, lots, price_ticks.
    acks : ACK_ROW[n]
        What became of each: status (0 ok), filled, open and cancelled lots, end of its fills in ``fills``.
    fills : FILL_ROW[m]
        Trades in order: price_ticks, lots, maker_id, taker_id.
    order_index : int64[n]
        A dense number for each row's order id.
    stood_side, stood_price : int64[number of ids]
        Side and price with which each id last entered the book; read and written.
    first_seq : int
        Sequence number of ``rows[0]``.
    out : uint8[...]
        At least ``MAX_LINE_BYTES`` for each row and each fill, and as many again for remainders that are cancelled.

    Returns
    -------
    int64
        Bytes written.
    """
    at = ZERO
    f = ZERO
    for i in range(rows.shape[0]):
        row, ack = rows[i], acks[i]
        seq = first_seq + i
        kind, order_id, k = np.int64(row["type"]), row["order_id"], order_index[i]
        accepted = ack["status"] == ZERO
        if kind == CANCEL_ROW:
            if accepted:
                at = put_order(out, at, LINE_CANCELLED, seq, stood_side[k], order_id, stood_price[k])
            else:
                at = put_number(out, put_line(out, at, LINE_NO_CANCEL, seq), order_id)
            continue
        if not accepted:
            if kind == MODIFY_ROW:
                at = put_number(out, put_line(out, at, LINE_NO_MODIFY, seq), order_id)
            continue
        price = np.int64(row["price_ticks"])
        stood_price[k] = price
        if kind == NEW_ROW:
            stood_side[k] = np.int64(row["side"])
            at = put_order(out, at, LINE_NEW, seq, stood_side[k], order_id, price)
            at = put_number(out, at, row["lots"])
        while f < ack["fills_end"]:
            fill = fills[f]
            at = put_number(out, put_line(out, at, LINE_TRADE, seq), np.int64(fill["price_ticks"]))
            at = put_number(out, at, fill["lots"])
            at = put_number(out, at, fill["maker_id"])
            at = put_number(out, at, fill["taker_id"])
            f += ONE
        if ack["cancelled_lots"] > ZERO and ack["open_lots"] == ZERO:
            at = put_order(out, at, LINE_CANCELLED, seq, stood_side[k], order_id, price)
        if kind == MODIFY_ROW:
            at = put_order(out, at, LINE_MODIFIED, seq, stood_side[k], order_id, price)
            at = put_number(out, at, row["lots"])
    return at
