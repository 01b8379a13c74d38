"""Report lines of an order flow, message by message: clause 10 of docs/rulebook.md in plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SIDES = ("buy", "sell")
TIFS = ("GTC", "IOC", "FOK", "POST")


def report_lines(columns: Mapping[str, Sequence[int]], engine: Any) -> Iterator[str]:
    """Lines of the report stream of order-flow columns."""
    stood: dict[int, tuple[int, int]] = {}  # side and price with which each id last entered the book
    names = ("type", "side", "tif", "qty", "order_id", "price", "owner", "book", "reduce_only")
    rows = zip(*([int(x) for x in columns[name]] for name in names), strict=True)
    for seq, (kind, side, tif, qty, order_id, price, owner, book, reduce_only) in enumerate(rows):
        if kind == 0:
            ack = engine.limit(
                SIDES[side], price, qty, owner=owner, book=book, tif=TIFS[tif],
                reduce_only=bool(reduce_only), order_id=order_id,
            )  # fmt: skip
        elif kind == 1:
            ack = engine.cancel(order_id)
        else:
            ack = engine.replace(order_id, price, qty)
        yield from _lines(seq, kind, qty, side, price, ack, stood)


def _lines(
    seq: int, kind: int, qty: int, side: int, price: int, ack: Any, stood: dict[int, tuple[int, int]]
) -> Iterator[str]:
    order_id = ack.order_id
    if ack.status != "ok":
        if kind != 0:
            yield f"{3 + kind},{seq},{order_id}"
        return
    if kind == 1:
        yield f"2,{seq},{stood[order_id][0]},{order_id},{stood[order_id][1]}"
        return
    if kind == 2:
        side = stood[order_id][0]
    stood[order_id] = (side, price)
    if kind == 0:
        yield f"0,{seq},{side},{order_id},{price},{qty}"
    for fill in ack.fills:
        yield f"1,{seq},{fill.price},{fill.lots},{fill.maker_id},{fill.taker_id}"
    if ack.cancelled_lots and not ack.open_lots:
        yield f"2,{seq},{side},{order_id},{price}"
    if kind == 2:
        yield f"3,{seq},{side},{order_id},{price},{qty}"
