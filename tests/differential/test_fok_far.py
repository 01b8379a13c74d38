"""Fill-or-kill that reaches from the window into the far list, past own and reduce-only orders (rule book 5.3a).

The far list is not kept in order of price, so counting in it is code of its own; the bulk streams rarely get there.
"""

from __future__ import annotations

import random

import pytest

from sim import MatchingEngine
from tests.reference.matching import SELF_TRADE, ReferenceEngine

N_BOOKS_BUILT = 150
N_ORDERS, N_TRIES = 24, 12
PRICES = (1_000, 1_001, 1_010, 1_100, 1_101, 1_130, 1_200)  # a window of 64 ticks holds the first three


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("self_trade", SELF_TRADE)
def test_both_engines_count_the_same(self_trade: str, side: str) -> None:
    rng = random.Random(f"{self_trade} {side}")
    maker_side = "sell" if side == "buy" else "buy"
    filled = rejected = 0
    for _ in range(N_BOOKS_BUILT):
        engines = (MatchingEngine(self_trade=self_trade, window_ticks=64), ReferenceEngine(self_trade=self_trade))
        for owner in range(3):
            lots = rng.randint(-30, 30)
            for engine in engines:
                engine.set_position(owner, lots)
        for order_id in range(N_ORDERS):
            price, lots, owner = rng.choice(PRICES), rng.randint(1, 9), rng.choice((0, 1, 1, 2, 2, 2))
            flags = {"owner": owner, "reduce_only": rng.random() < 0.15, "order_id": order_id}
            price = price if side == "buy" else 2_200 - price
            acks = [engine.limit(maker_side, price, lots, **flags) for engine in engines]
            assert acks[0] == acks[1]
        for order_id in range(N_ORDERS, N_ORDERS + N_TRIES):
            price, lots, owner = rng.choice(PRICES), rng.randint(1, 90), rng.choice((0, 0, 1, 2, 3))
            price = price if side == "buy" else 2_200 - price
            flags = {"owner": owner, "stp_exempt": rng.random() < 0.1, "order_id": order_id}
            acks = [engine.limit(side, price, lots, tif="FOK", **flags) for engine in engines]
            assert acks[0] == acks[1]
            filled += acks[0].status == "ok" and lots > 9
            rejected += acks[0].reason == "fok"
        assert engines[0].orders() == engines[1].orders()
    assert filled > N_BOOKS_BUILT // 4
    assert rejected > N_BOOKS_BUILT
