"""QuantCup self-test: orders, cancels, more orders, and the executions in order.

Semantics mapped: ids are 1, 2, ... in the order of arrival; traders are owners and may trade with themselves
(self-trade prevention off); a cancel of an order that is gone does nothing.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.common import MakeEngine, expect


def recognises(case: dict[str, Any]) -> bool:
    """Whether the case has this pack's shape."""
    return {"orders1", "orders2", "cancels", "executions"} <= case.keys()


def run(case: dict[str, Any], header: dict[str, Any], make_engine: MakeEngine) -> None:
    """Run one case; raises ``Difference`` when an execution differs."""
    engine = make_engine(self_trade="off")
    orders = case["orders1"] + case["orders2"]
    traders = sorted({order["trader"] for order in orders})
    executions = []
    for number, order in enumerate(orders, start=1):
        if number == len(case["orders1"]) + 1:
            cancel_all(engine, case["cancels"])
        ack = engine.limit(
            order["side"], order["price"], order["qty"], owner=traders.index(order["trader"]), order_id=number
        )
        expect(f"order {number}", ack.status, "ok")
        for fill in ack.fills:
            maker, taker = traders[fill.maker_owner], traders[fill.taker_owner]
            buyer, seller = (taker, maker) if order["side"] == "buy" else (maker, taker)
            executions.append({"qty": fill.lots, "price": fill.price, "seller": seller, "buyer": buyer})
    if not case["orders2"]:
        cancel_all(engine, case["cancels"])
    expect("executions", executions, case["executions"])


def cancel_all(engine: Any, order_ids: list[int]) -> None:
    """Cancel each order, gone or not."""
    for order_id in order_ids:
        engine.cancel(order_id)
