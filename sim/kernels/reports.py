"""Writes report lines of a replay as bytes (format: docs/rulebook.md, 10.2), many messages a call.

Slow twin: ``tests/reference/reports.py``.
"""

import numpy as np

from sim.kernels._jit import entry, small
from sim.schema import OK

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
def write_reports(types, lots, acks, trades, first_seq, out):
    """Report lines of consecutive messages, each beginning with a line feed.

    Parameters
    ----------
    types, lots : int64[n]
        Of each message: ``NEW_ROW``, ``CANCEL_ROW`` or ``MODIFY_ROW``, and the lots it asked for.
    acks : ORDER_ACK[n]
        What became of each.
    trades : TRADE[m]
        Their trades in order.
    first_seq : int64
        Sequence number of the first message.
    out : uint8[...]
        Written from the start; holds at least ``MAX_LINE_BYTES`` x (2 n + m).

    Returns
    -------
    int64
        Bytes written.
    """
    at = ZERO
    f = ZERO
    for i in range(types.shape[0]):
        ack = acks[i]
        seq = first_seq + np.int64(i)
        kind, order_id = types[i], ack["order_id"]
        side, price = np.int64(ack["side"]), ack["price_ticks"]
        accepted = np.int64(ack["status"]) == OK
        if kind == CANCEL_ROW:
            if accepted:
                at = put_order(out, at, LINE_CANCELLED, seq, side, order_id, price)
            else:
                at = put_number(out, put_line(out, at, LINE_NO_CANCEL, seq), order_id)
            continue
        if not accepted:
            if kind == MODIFY_ROW:
                at = put_number(out, put_line(out, at, LINE_NO_MODIFY, seq), order_id)
            continue
        if kind == NEW_ROW:
            at = put_order(out, at, LINE_NEW, seq, side, order_id, price)
            at = put_number(out, at, lots[i])
        while f < ack["fills_end"]:
            trade = trades[f]
            at = put_number(out, put_line(out, at, LINE_TRADE, seq), np.int64(trade["price_ticks"]))
            at = put_number(out, at, trade["lots"])
            at = put_number(out, at, trade["maker_id"])
            at = put_number(out, at, trade["taker_id"])
            f += ONE
        if ack["cancelled_lots"] > ZERO and ack["open_lots"] == ZERO:
            at = put_order(out, at, LINE_CANCELLED, seq, side, order_id, price)
        if kind == MODIFY_ROW:
            at = put_order(out, at, LINE_MODIFIED, seq, side, order_id, price)
            at = put_number(out, at, lots[i])
    return at
