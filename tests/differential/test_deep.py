"""M16: deep queues. One taker through 5,000 makers; a million orders at one price, cancelled in random order."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numba import njit

from sim import MatchingEngine
from sim.kernels.batch import run_messages
from sim.kernels.memory import allocate_books
from sim.schema import ACK, CANCEL, MESSAGE, NEW, REQUEST
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


# ---- cost
# ------------------------------------------------------------------------------------------------------------ Random
# cancels reach into memory at random, so the time of ANY linked queue grows faster than its length once it leaves the
# caches (a bare doubly linked list: about 45x for 10x on a 1 MB L2). The test divides that out: cost of the engine in
# units of the bare list must not grow by more than 14 / 10, the bar of M16.

NODE = np.dtype([("lots", "i8"), ("next", "u4"), ("prev", "u4"), ("rest", "u4", (4,))])
CHUNK = 1 << 16
ROUNDS = 5


@njit
def unlink_all(nodes, order, out):  # type: ignore[no-untyped-def]
    """Take the nodes of a doubly linked list out in the given order."""
    for i in range(order.shape[0]):
        node = nodes[order[i]]
        nodes[node["prev"]]["next"] = node["next"]
        nodes[node["next"]]["prev"] = node["prev"]
        out[i] = node["lots"]


def bare_list_seconds(n: int) -> float:
    """CPU time to empty a bare list of n nodes at random."""
    nodes = np.zeros(n + 2, NODE)
    nodes["next"][:-1] = np.arange(1, n + 2)
    nodes["prev"][1:] = np.arange(n + 1)
    order = np.random.default_rng(1).permutation(n) + 1
    out = np.zeros(n, np.int64)
    started = time.process_time()
    unlink_all(nodes, order, out)
    return time.process_time() - started


def cancel_seconds(n: int) -> float:
    """CPU time of the core to cancel n orders of one price at random."""
    books = allocate_books([64], n, n + 1, 1, 0)
    acks, handles = np.zeros(n, ACK), np.zeros(n, np.int64)
    rows = np.zeros(n, MESSAGE)
    rows["type"], rows["price_ticks"], rows["lots"] = NEW, 100, 1
    assert run_messages(*books, rows, acks, np.int64(0)) == n
    handles[:] = acks["handle"]
    rows["type"], rows["handle"] = CANCEL, handles[np.random.default_rng(1).permutation(n)]
    started = time.process_time()
    assert run_messages(*books, rows, acks, np.int64(0)) == n
    seconds = time.process_time() - started
    assert (acks["result"] == 1).all()
    return seconds


@pytest.mark.long
def test_a_million_random_cancels_cost_what_a_list_costs() -> None:
    sizes = (100_000, 1_000_000)
    for measure in (bare_list_seconds, cancel_seconds):
        measure(10)  # compiles
    cost = [
        min(cancel_seconds(n) for _ in range(ROUNDS)) / min(bare_list_seconds(n) for _ in range(ROUNDS)) for n in sizes
    ]
    assert cost[1] <= 1.4 * cost[0]
