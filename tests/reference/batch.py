"""Batches for the reference engine: each row through the public method it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from sim.schema import (
    CANCEL,
    CHECK_OWNER,
    NEW,
    OK,
    ORDER_ACK,
    REDUCE,
    REDUCE_ONLY,
    REJECT_DUPLICATE,
    REJECT_FOK,
    REJECT_KIND,
    REJECT_LOTS,
    REJECT_POST,
    REJECT_PRICE,
    REJECT_REDUCE,
    REJECT_STALE,
    REPLACE,
    SET_LAST,
    STOP,
    STP_EXEMPT,
    TAKE_PROFIT,
    TRADE,
)
from tests.reference.orders import Ack
from tests.reference.rules import MAX_PRICE

SIDES = ("buy", "sell", "neither")
TIFS = ("GTC", "IOC", "FOK", "POST")
STATUS = {
    "": int(OK),
    "stale": int(REJECT_STALE),
    "price": int(REJECT_PRICE),
    "lots": int(REJECT_LOTS),
    "post": int(REJECT_POST),
    "fok": int(REJECT_FOK),
    "reduce_only": int(REJECT_REDUCE),
    "duplicate": int(REJECT_DUPLICATE),
    "kind": int(REJECT_KIND),
}
NAMES = ("type", "side", "kind", "price_ticks", "trigger_ticks", "lots", "order_id", "owner", "book", "flags")
T_NEW, T_CANCEL, T_REDUCE, T_REPLACE, T_SET_LAST = (int(t) for t in (NEW, CANCEL, REDUCE, REPLACE, SET_LAST))
TRIGGER_KINDS = {int(STOP): "stop", int(TAKE_PROFIT): "take_profit"}
F_REDUCE_ONLY, F_EXEMPT, F_CHECK_OWNER = int(REDUCE_ONLY), int(STP_EXEMPT), int(CHECK_OWNER)

Request = tuple[int, ...]  # in the order of NAMES


class Batch(NamedTuple):
    """Answers and trades of a batch: ORDER_ACK[n], TRADE[m]."""

    acks: np.ndarray
    trades: np.ndarray


def run(engine: Any, columns: Mapping[str, np.ndarray]) -> Batch:
    """Send every row; the columns are those of ``sim.MatchingEngine.run``, absent ones are 0."""
    n = len(columns["type"])
    rows = zip(*(columns[name].tolist() if name in columns else [0] * n for name in NAMES), strict=True)
    log = Log(engine)
    for row in rows:
        log.send(row)
    return log.batch()


class Log:
    """Sends requests to a reference engine and writes answers and trades down as rows."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.acks: list[tuple[int, ...]] = []
        self.fills: list[tuple[int, ...]] = []
        self.message = 0
        self.stood = {order.order_id: (SIDES.index(order.side), order.price) for order in engine.all_orders()}
        for waiting in engine.all_waiting():
            self.stood[waiting.order_id] = (SIDES.index(waiting.side), waiting.limit or 0)

    def send(self, request: Request) -> Ack:
        """Send one request and note what it came to."""
        ack = send(self.engine, request)
        kind, side, _, price, _, _, order_id, *_ = request
        if kind in (T_CANCEL, T_REDUCE):
            side, price = self.stood.get(order_id, (side, price))
        elif kind == T_REPLACE:
            side = self.stood.get(order_id, (side, price))[0]
        self._note(ack, side, price, fired=False)
        for fired in ack.triggered:
            side, price = self.stood[fired.order_id]
            self._note(fired, side, price or (1 if side else MAX_PRICE), fired=True)
        self.message += 1
        return ack

    def _note(self, ack: Ack, side: int, price: int, *, fired: bool) -> None:
        if ack.status == "ok":
            self.stood[ack.order_id] = (side, price)
        for f in ack.fills:
            self.fills.append(
                (f.lots, f.maker_id, f.taker_id, f.price, self.message, f.maker_owner, f.taker_owner, f.book, 0)
            )
        lots = (ack.filled_lots, ack.open_lots, ack.cancelled_lots)
        status = STATUS[ack.reason]
        self.acks.append((ack.order_id, *lots, price, len(self.fills), self.message, status, side, fired))

    def batch(self) -> Batch:
        """Everything noted so far."""
        return Batch(np.array(self.acks, ORDER_ACK), np.array(self.fills, TRADE))


def send(engine: Any, request: Request) -> Ack:
    """One request through the public method it stands for."""
    kind, side, tif, price, trigger, lots, order_id, owner, book, flags = request
    if kind == T_NEW:
        return engine.limit(
            SIDES[side], price, lots, owner=owner, book=book, tif=TIFS[tif], reduce_only=bool(flags & F_REDUCE_ONLY),
            stp_exempt=bool(flags & F_EXEMPT), order_id=order_id,
        )  # fmt: skip
    if kind in TRIGGER_KINDS:
        return engine.stop(
            SIDES[side], trigger, lots, limit=price or None, kind=TRIGGER_KINDS[kind], owner=owner, book=book,
            reduce_only=bool(flags & F_REDUCE_ONLY), stp_exempt=bool(flags & F_EXEMPT), order_id=order_id,
        )  # fmt: skip
    if kind == T_SET_LAST:
        return engine.set_last_price(book, price)._replace(order_id=order_id)
    sender = owner if flags & F_CHECK_OWNER else None
    if kind == T_CANCEL:
        return engine.cancel(order_id, owner=sender)
    if kind == T_REDUCE:
        return engine.reduce(order_id, lots, owner=sender)
    return engine.replace(order_id, price, lots, owner=sender)
