"""Properties of a fair book that the reference engine asserts after each message when asked to audit."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reference.orders import Fill, Resting


def assert_adds_up(order: Resting) -> None:
    assert order.original == order.filled + order.open + order.cancelled, order
    assert min(order.filled, order.open, order.cancelled) >= 0, order


def assert_priority(before: Sequence[Resting], fills: Sequence[Fill]) -> None:
    """Trades took orders in the order of priority, and none ahead of the last one is left standing (2.1)."""
    if not fills:
        return
    place = {order.order_id: i for i, order in enumerate(before)}
    places = [place[fill.maker_id] for fill in fills]
    assert places == sorted(places) and len(set(places)) == len(places), "trades out of priority"
    for order in before[: places[-1]]:
        assert order.open == 0, f"order {order.order_id} was passed over"
    for fill in fills:
        assert fill.lots > 0 and fill.price == before[place[fill.maker_id]].price, "not the maker's price"
