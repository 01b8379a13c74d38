"""M15: quantities and prices at the edge of what is allowed are exact, on both engines and in the report stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import MatchingEngine
from sim.orderflow import replay
from tests.reference.matching import MAX_LOTS, ReferenceEngine
from tests.reference.rules import MAX_PRICE

ODD = 2**53 + 1  # the first whole number that a float64 cannot hold


@pytest.fixture(params=[MatchingEngine, ReferenceEngine])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param(self_trade="off", window_ticks=64)


@pytest.mark.parametrize("lots", [9_000_000_000, 13_000_000_000, ODD, MAX_LOTS])
@pytest.mark.parametrize("price", [1, 200_000, MAX_PRICE])
def test_large_numbers_are_exact(engine: Any, lots: int, price: int) -> None:
    engine.limit("sell", price, lots, owner=1, order_id=1)
    ack = engine.limit("buy", price, lots - 1, owner=2, order_id=2)
    assert [(f.price, f.lots, f.maker_id, f.taker_id) for f in ack.fills] == [(price, lots - 1, 1, 2)]
    assert engine.depth() == ([], [(price, 1, 1)])
    assert (engine.position(1), engine.position(2)) == (1 - lots, lots - 1)
    assert engine.last() == price


def test_a_level_of_many_large_orders_adds_up(engine: Any) -> None:
    for order_id in range(100):
        engine.limit("sell", 100, ODD, owner=1, order_id=order_id)
    assert engine.depth() == ([], [(100, 100 * ODD, 100)])
    assert engine.limit("buy", 100, MAX_LOTS, tif="FOK", owner=2, order_id=500).filled_lots == MAX_LOTS
    assert engine.depth() == ([], [(100, 100 * ODD - MAX_LOTS, 99)])
    engine.check()


def test_the_ends_of_the_price_range_meet(engine: Any) -> None:
    """Bids and asks that lie 2^31 ticks apart, far outside any window, and a market order through all of them."""
    for order_id, price in enumerate((MAX_PRICE, 1_000, 70_000, MAX_PRICE - 1)):
        engine.limit("sell", price, 1, order_id=order_id)
    engine.limit("buy", 1, 1, order_id=10)
    assert engine.best() == (1, 1_000)
    prices = [fill.price for fill in engine.market("buy", 9, order_id=11).fills]
    assert prices == [1_000, 70_000, MAX_PRICE - 1, MAX_PRICE]
    assert [fill.price for fill in engine.market("sell", 9, order_id=12).fills] == [1]
    assert engine.orders() == []


@pytest.mark.parametrize(
    ("price", "lots"), [(0, 1), (-1, 1), (MAX_PRICE + 1, 1), (5, 0), (5, -1), (5, MAX_LOTS + 1), (2**64, 1), (5, 2**70)]
)
def test_outside_the_range_is_rejected(engine: Any, price: int, lots: int) -> None:
    ack = engine.limit("buy", price, lots, order_id=1)
    assert (ack.status, ack.reason) == ("rejected", "lots" if price == 5 else "price")
    assert engine.orders() == []


def test_large_numbers_in_the_report_stream() -> None:
    columns = {name: np.zeros(2, np.int64) for name in ("type", "tif", "owner", "book", "reduce_only")}
    columns |= {"side": np.array([1, 0]), "qty": np.array([ODD, ODD]), "order_id": np.array([2**63 - 1, 0])}
    columns["price"] = np.array([MAX_PRICE, MAX_PRICE])
    pieces: list[bytes] = []
    replay(columns, sink=pieces.append)
    assert b"".join(pieces).decode().split("\n") == [
        f"0,0,1,{2**63 - 1},{MAX_PRICE},{ODD}",
        f"0,1,0,0,{MAX_PRICE},{ODD}",
        f"1,1,{MAX_PRICE},{ODD},{2**63 - 1},0",
    ]
