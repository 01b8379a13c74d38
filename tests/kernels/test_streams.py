"""The core against the stream generator's own book: fills, volume, notional, last price and an order-sensitive hash."""

import numpy as np
import pytest

from sim import schema as s
from sim.kernels.batch import run_messages
from sim.kernels.checks import check_books
from sim.kernels.memory import allocate_books, grow_fills, grow_pool
from tests.bench import core, workload

STREAMS = {
    "core": {"n": 30_000, "depth": 500},
    "full with self-trade prevention": {"n": 30_000, "depth": 500, "profile": "full", "stp": True},
    "sixteen books": {"n": 40_000, "books": 16, "depth": 100},
}


@pytest.mark.parametrize("window", [256, 16_384])
@pytest.mark.parametrize("name", STREAMS)
def test_fills_equal_the_generators(name: str, window: int) -> None:
    options = STREAMS[name]
    columns, expected = workload.generate(**options)
    stp = int(s.STP_CANCEL_MAKER) if options.get("stp") else int(s.STP_OFF)
    replay = core.Replay(core.messages_of(columns), columns["oid"], [window] * expected["books"], 20_000, stp)
    trades = replay.fills[replay.fills["lots"] > 0]
    taker_id = columns["oid"][trades["message"]]
    maker_id = ids_of_makers(replay, columns["oid"], trades)
    assert len(trades) == expected["fills"]
    assert int(trades["lots"].sum()) == expected["volume"]
    assert int((trades["lots"] * trades["price_ticks"].astype(np.int64)).sum()) == expected["notional"]
    assert core.fill_hash(trades, taker_id, maker_id) == expected["hash"]


def ids_of_makers(replay: core.Replay, ids: np.ndarray, trades: np.ndarray) -> np.ndarray:
    """Client id behind each maker handle: a handle is given out once, by one message."""
    rested = replay.acks["handle"] != 0
    id_of_handle = dict(zip(replay.acks["handle"][rested].tolist(), ids[rested].tolist(), strict=True))
    return np.array([id_of_handle[h] for h in trades["maker"].tolist()])


def test_growth_at_any_message_changes_nothing() -> None:
    columns, expected = workload.generate(n=8_000, depth=300)
    replay = core.Replay(core.messages_of(columns), columns["oid"], [1024], 20_000)
    books = allocate_books([1024], 1, 2, 0, 0)
    acks = np.zeros_like(replay.acks)
    done, n_grown = 0, 0
    while (done := run_messages(*books, replay.messages, acks, np.int64(done))) < len(acks):
        n_grown += 1
        books = grow_pool(books, 2 * (len(books.pool) - 1)) if n_grown % 2 else grow_fills(books, 2 * len(books.fills))
    assert n_grown > 10
    assert books.cursor["n_fills"][0] == expected["fills"]
    assert (books.fills[: expected["fills"]] == replay.fills).all()
    assert (acks == replay.acks).all()
    assert check_books(*books) == 0
