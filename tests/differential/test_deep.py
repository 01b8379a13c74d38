"""M16: deep queues are right: one taker through 5,000 makers, orders of one price cancelled at random.

What they cost is a figure of ``make bench``.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim import MatchingEngine
from sim.schema import CANCEL, REQUEST
from tests.reference.matching import ReferenceEngine


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_one_taker_through_five_thousand_makers(side: str) -> None:
    compiled, reference = MatchingEngine(self_trade="off"), ReferenceEngine(self_trade="off")
    other = "sell" if side == "buy" else "buy"
    answers = []
    for engine in (compiled, reference):
        for order_id in range(1, 5_001):
            engine.limit(other, 100, 1 + order_id % 3, owner=order_id % 7, order_id=order_id)
        for order_id in range(1, 5_001, 3):
            engine.cancel(order_id)
        answers.append(engine.limit(side, 100, 6_000, owner=8, order_id=9_999))
    assert answers[0] == answers[1]
    makers = [fill.maker_id for fill in answers[0].fills]
    assert makers == [i for i in range(1, 5_001) if i % 3 != 1][: len(makers)]
    assert answers[0].filled_lots == 6_000
    assert compiled.orders() == reference.orders()


def test_a_hundred_thousand_orders_at_one_price_cancelled_at_random() -> None:
    n = 100_000
    rng = np.random.default_rng(3)
    rows = np.zeros(2 * n + 1, REQUEST)
    rows["price_ticks"], rows["lots"] = 100, 1
    rows["order_id"][:n] = rng.permutation(n)
    gone = rng.permutation(n)[: n // 2]
    rows["type"][n : n + len(gone)] = CANCEL
    rows["order_id"][n : n + len(gone)] = gone
    taker = rows[n + len(gone) : n + len(gone) + 1]
    taker["side"], taker["lots"], taker["order_id"] = 1, n, n
    batch = MatchingEngine(self_trade="off").run(rows[: n + len(gone) + 1])
    left = rows["order_id"][:n][~np.isin(rows["order_id"][:n], gone)]
    assert batch.trades["maker_id"].tolist() == left.tolist()  # all that were left, in order of arrival
