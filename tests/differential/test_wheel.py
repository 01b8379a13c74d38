"""M7, third engine: the ``liquibook`` wheel, where its rules and ours coincide.

Compared: limit GTC, IOC and FOK, market orders (sent to it as IOC at an extreme price, for its own market orders
rest), cancel, and replace, which loses its place there too, even at the same price with a smaller quantity. Left out,
because it has no such thing or another rule: reduce with priority kept, post-only, reduce-only, self-trade
prevention, take-profits; stops (its market orders rest). Traps met: its fills are taken from ``on_fill``; its book
with depth throws on some streams and is then wrong, so the plain book is used; its trackers count quantities in 32
bits, so quantities stay below 9,000 here.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from sim import MatchingEngine
from tests.differential.compare import as_rows, same_answers, same_state
from tests.differential.flow import FOK, GTC, IOC, WORDS, Flow
from tests.reference.batch import T_CANCEL, T_NEW, Log, Request
from tests.reference.matching import ReferenceEngine

liquibook = pytest.importorskip("liquibook", reason="the liquibook wheel is not installed")

N_REQUESTS = 120_000
BLOCK = 2_000
SHARED = {"limit": 60, "ioc": 6, "fok": 6, "market": 3, "cancel": 12, "replace": 10}
SHARED_DRAINING = SHARED | {"limit": 25, "cancel": 40}


def weights(of: dict[str, float]) -> tuple[float, ...]:
    return tuple(of.get(word, 0) for word in WORDS)


class Listener(liquibook.OrderListener):
    """Passes events on to the orders, as the wheel leaves that to its user, and keeps the fills."""

    def __init__(self) -> None:
        liquibook.OrderListener.__init__(self)
        self.fills: list[tuple[int, int, int, int]] = []  # taker, maker, lots, price; the wheel's own order numbers
        self.rejected = 0

    def on_accept(self, order: Any) -> None:
        order.accept()

    def on_fill(self, order: Any, matched: Any, lots: int, price: int) -> None:
        order.fill(lots, price, 0)
        matched.fill(lots, price, 0)
        self.fills.append((order.order_id_, matched.order_id_, lots, price))

    def on_cancel(self, order: Any) -> None:
        order.cancel()

    def on_replace(self, order: Any, delta: int, price: int) -> None:
        order.replace(delta, price)

    def on_cancel_reject(self, order: Any, reason: str) -> None:
        self.rejected += 1

    def on_replace_reject(self, order: Any, reason: str) -> None:
        self.rejected += 1


class Wheel:
    """The wheel behind client ids."""

    CONDITIONS: ClassVar = {GTC: None, IOC: liquibook.oc_immediate_or_cancel, FOK: liquibook.oc_fill_or_kill}

    def __init__(self) -> None:
        self.book = liquibook.liquibook_book_OrderBook()
        self.listener = Listener()
        self.book.set_order_listener(self.listener)
        self.orders: dict[int, Any] = {}
        self.client_id: dict[int, int] = {}

    def send(self, request: Request, open_lots: int) -> tuple[bool, list[tuple[int, int, int, int]]]:
        """Whether it was accepted, and trades as (taker, maker, lots, price) with client ids."""
        kind, side, tif, price, _, lots, order_id, *_ = request
        self.listener.fills.clear()
        self.listener.rejected = 0
        if kind == T_NEW:
            order = liquibook.SimpleOrder(side == 0, price, lots)
            self.orders[order_id] = order
            self.client_id[order.order_id_] = order_id
            conditions = self.CONDITIONS[tif]
            self.book.add(order) if conditions is None else self.book.add(order, conditions)
        elif kind == T_CANCEL:
            self.book.cancel(self.orders[order_id])
        else:
            self.book.replace(self.orders[order_id], lots - open_lots, price)
        fills = [(self.client_id[t], self.client_id[m], n, p) for t, m, n, p in self.listener.fills]
        return self.listener.rejected == 0, fills


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_engines_agree(seed: int) -> None:
    reference = ReferenceEngine(self_trade="off", audit=True)
    compiled, wheel = MatchingEngine(self_trade="off", window_ticks=256), Wheel()
    flow = Flow(
        seed, reference, filling=weights(SHARED), draining=weights(SHARED_DRAINING), far_ticks=500, max_lots=9_000
    )
    n_trades = 0
    for start in range(0, N_REQUESTS // 3, BLOCK):
        log, requests = Log(reference), []
        for _ in range(BLOCK):
            request = (*flow.request()[:7], 0, 0, 0)  # one owner, no flags
            order_id = request[6]
            if request[0] == T_NEW and reference.knows(order_id):
                continue  # the wheel has no client ids to be used twice
            requests.append(request)
            open_lots = reference.open_lots(order_id)
            ack = log.send(request)
            if request[0] != T_NEW and order_id not in wheel.orders:
                continue  # an id that was never sent; the wheel takes orders, not ids
            accepted, fills = wheel.send(request, open_lots)
            where = f"seed {seed}, {request}"
            assert accepted == (ack.status == "ok" or ack.reason == "fok"), where
            assert fills == [(f.taker_id, f.maker_id, f.lots, f.price) for f in ack.fills], where
            n_trades += len(fills)
        same_answers(compiled.run(as_rows(requests)), log.batch(), requests, f"seed {seed}, block at {start}")
        same_state(compiled, reference, 1, 1, f"seed {seed}, block at {start}")
        for order in reference.orders():
            assert wheel.orders[order.order_id].open_qty() == order.lots
            assert wheel.orders[order.order_id].price() == order.price
    assert n_trades > N_REQUESTS // 20
