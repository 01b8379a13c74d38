"""Handles of the core: a stale or forged one is rejected and changes nothing; the rest equals the reference."""

from __future__ import annotations

import numpy as np
import pytest

from sim.kernels.batch import run_messages
from sim.kernels.memory import allocate_books
from sim.schema import ACK, CANCEL, GTC, MESSAGE, NEW, OK, REDUCE, REJECT_STALE, REPLACE
from tests.reference.matching import ReferenceEngine

N = 30_000
CAPACITY = 512


def forged(rng: np.random.Generator, dead: list[int], live: dict[int, int]) -> int:
    """A handle that names nothing: dead, of a wrong generation, of a slot that does not exist, negative, or noise."""
    draw = int(rng.integers(7))
    if draw == 0 and dead:
        return dead[int(rng.integers(len(dead)))]
    slot = int(rng.integers(0, CAPACITY + 1))
    generation = int(rng.integers(0, 1 << 12))
    handle = {
        1: slot | (generation << 33),
        2: slot | ((1 << 31) - 1 << 32),
        3: (CAPACITY + 1 + int(rng.integers(1 << 20))) | (1 << 32),
        4: -int(rng.integers(1, 1 << 62)),
        5: slot,
    }.get(draw, int(rng.integers(0, 1 << 62)))
    return 0 if handle in live else handle


@pytest.mark.parametrize("seed", [11, 12])
def test_forged_and_stale_handles_are_rejected(seed: int) -> None:
    rng = np.random.default_rng(seed)
    books = allocate_books([64], CAPACITY, CAPACITY + 1, 1, 0)
    reference = ReferenceEngine(self_trade="off", audit=True)
    message, ack = np.zeros(1, MESSAGE), np.zeros(1, ACK)
    live: dict[int, int] = {}  # handle -> id in the reference
    dead: list[int] = []
    n_forged = 0
    for number in range(N):
        row = message[0]
        row["type"] = rng.choice([NEW, CANCEL, REDUCE, REPLACE], p=[0.5, 0.25, 0.1, 0.15])
        if len(live) > 400:
            row["type"] = CANCEL
        row["side"], row["kind"] = rng.integers(2), GTC
        row["price_ticks"], row["lots"] = 1_000 + rng.integers(-100, 100), rng.integers(1, 20)
        known = row["type"] != NEW and live and rng.random() < 0.5
        handle = list(live)[int(rng.integers(len(live)))] if known else forged(rng, dead, live)
        row["handle"] = handle
        books.cursor["n_fills"] = 0
        before = [array.copy() for array in (books.sides, books.levels, books.words, books.pool, books.book)]
        run_messages(*books, message, ack, np.int64(0))
        result, new_handle = int(ack["result"][0]), int(ack["handle"][0])
        if row["type"] != NEW and not known:
            n_forged += 1
            assert (result, new_handle) == (int(REJECT_STALE), 0)
            after = (books.sides, books.levels, books.words, books.pool, books.book)
            assert all((a == b).all() for a, b in zip(before, after, strict=True))
            continue
        order_id = live.get(handle, number)
        if row["type"] == NEW:
            want = reference.limit(
                ("buy", "sell")[row["side"]], int(row["price_ticks"]), int(row["lots"]), order_id=number
            )
        elif row["type"] == CANCEL:
            want = reference.cancel(order_id)
        elif row["type"] == REDUCE:
            want = reference.reduce(order_id, int(row["lots"]))
        else:
            want = reference.replace(order_id, int(row["price_ticks"]), int(row["lots"]))
        fills = books.fills[: int(books.cursor["n_fills"][0])]
        assert result >= int(OK)
        assert [(int(f["price_ticks"]), int(f["lots"])) for f in fills if f["lots"]] == [
            (f.price, f.lots) for f in want.fills
        ]
        if new_handle:
            assert want.open_lots > 0
            live[new_handle] = order_id
        for old, known_id in list(live.items()):
            if not reference.knows(known_id) or (old == handle and row["type"] == REPLACE and old != new_handle):
                dead.append(old)
                del live[old]
        if new_handle:
            live[new_handle] = order_id
    assert n_forged > N // 8
    assert len(live) == reference.n_live()
