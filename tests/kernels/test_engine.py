"""``MatchingEngine`` from Python: what the rules tests do not cover (columns, growth, bad arguments)."""

import copy
import pickle
import struct
from collections.abc import Callable

import numpy as np
import pytest

from sim import messages
from sim import schema as s
from sim.engine import MatchingEngine
from sim.errors import EngineError
from sim.kernels.orders import FEW_IDS


def test_one_request_is_packed_as_its_record() -> None:
    values = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    row = np.frombuffer(messages.REQUEST_LAYOUT.pack(*values), s.REQUEST)[0]
    assert row.item() == values
    assert struct.calcsize("<qqqqqiBBBB") == s.REQUEST.itemsize


def test_a_batch_of_columns_does_what_single_messages_do() -> None:
    rng = np.random.default_rng(3)
    n = 3_000
    columns = {
        "type": rng.choice([0, 0, 0, 1, 2, 3], n), "side": rng.integers(0, 2, n), "kind": rng.integers(0, 4, n),
        "price_ticks": rng.integers(95, 105, n), "lots": rng.integers(1, 20, n), "order_id": rng.integers(0, 200, n),
        "owner": rng.integers(0, 50, n),
    }  # fmt: skip
    batch = MatchingEngine(capacity=1).run(columns)
    single = MatchingEngine()
    fills = []
    for i in range(n):
        c = {name: int(values[i]) for name, values in columns.items()}
        side, tif = ("buy", "sell")[c["side"]], ("GTC", "IOC", "FOK", "POST")[c["kind"]]
        if c["type"] == 0:
            ack = single.limit(side, c["price_ticks"], c["lots"], owner=c["owner"], order_id=c["order_id"], tif=tif)
        elif c["type"] == 1:
            ack = single.cancel(c["order_id"])
        elif c["type"] == 2:
            ack = single.reduce(c["order_id"], c["lots"])
        else:
            ack = single.replace(c["order_id"], c["price_ticks"], c["lots"])
        fills += ack.fills
        row = batch.acks[i]
        assert (ack.status == "ok") == (row["status"] == s.OK)
        assert (ack.filled_lots, ack.open_lots, ack.cancelled_lots) == row[
            ["filled_lots", "open_lots", "cancelled_lots"]
        ].item()
    assert len(fills) == len(batch.trades) > 100
    assert [f.maker_id for f in fills] == batch.trades["maker_id"].tolist()
    assert [f.lots for f in fills] == batch.trades["lots"].tolist()


def test_answers_are_copies_unless_asked_otherwise() -> None:
    columns = {"type": [0], "side": [0], "price_ticks": [5], "lots": [5], "order_id": [1]}
    engine = MatchingEngine()
    kept, view = engine.run(columns), engine.run(columns | {"order_id": [2]}, copy=False)
    engine.limit("buy", 7, 7, order_id=3)
    assert kept.acks["order_id"][0] == 1
    assert view.acks["order_id"][0] == 3


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"type": [0], "sides": [0]}, "'sides' is not known"),
        ({"type": [0, 0], "side": [0]}, "of one length"),
        ({"type": [0.5]}, "whole numbers"),
        ({"type": [300]}, "outside 0 to 255"),
        ({"type": [[0]]}, "one-dimensional"),
    ],
)
def test_columns_that_cannot_be_used(columns: dict[str, list[float]], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        MatchingEngine().run(columns)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"self_trade": "maybe"}, "use one of off"),
        ({"window_ticks": 100}, "power of two"),
        ({"n_books": 0}, "n_books"),
        ({"n_owners": 0}, "n_owners"),
        ({"capacity": 0}, "capacity"),
    ],
)
def test_an_engine_that_cannot_be_made(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        MatchingEngine(**arguments)  # type: ignore[arg-type]


def test_arguments_that_are_no_whole_numbers() -> None:
    engine = MatchingEngine()
    for price in (100.0, "100", None, True):
        with pytest.raises(EngineError, match="whole number"):
            engine.limit("buy", price, 1)  # type: ignore[arg-type]
    assert engine.limit("buy", 1 << 80, 1).reason == "price"
    assert engine.limit("buy", 1, 1 << 80).reason == "lots"
    assert engine.limit("buy", 1, 1, owner=1 << 80).reason == "kind"
    assert engine.limit("buy", 1, 1, book=5).reason == "kind"
    assert engine.limit("hold", 1, 1).reason == "kind"
    assert engine.best() == (None, None)


def test_owners_beyond_the_limit_are_refused_and_open_tables_grow() -> None:
    assert MatchingEngine(n_owners=3).limit("buy", 1, 1, owner=3).reason == "kind"
    engine = MatchingEngine()
    engine.limit("sell", 10, 5, owner=70_000)
    engine.limit("buy", 10, 5, owner=3)
    assert (engine.position(70_000), engine.position(3), engine.position(1 << 22)) == (-5, 5, 0)


def test_many_waiting_and_live_orders_grow_every_room() -> None:
    engine = MatchingEngine(capacity=1, window_ticks=64)
    for k in range(2_000):
        assert engine.limit("buy", 1 + k % 700, 1, owner=1, order_id=k).status == "ok"
        assert engine.stop("sell", 1 + k % 500, 1, owner=2, order_id=10_000 + k).status == "ok"
    engine.check()
    assert len(engine.orders()) == 2_000
    assert len(engine.waiting()) == 2_000
    ack = engine.market("sell", 1, owner=3)
    assert ack.fills[0].price == 700
    assert len(ack.triggered) == 0, "no falling trigger stands at 700 or above"
    assert len(engine.market("sell", 800, owner=3).triggered) > 0
    engine.check()


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))])
def test_a_copied_engine_goes_on_by_itself(twin_of: Callable[[MatchingEngine], MatchingEngine]) -> None:
    engine = MatchingEngine()
    engine.limit("sell", 100, 5, owner=1)
    twin = twin_of(engine)
    assert twin.limit("buy", 100, 2, owner=2).filled_lots == 2
    assert (twin.depth(), engine.depth()) == (([], [(100, 3, 1)]), ([], [(100, 5, 1)]))


@pytest.mark.parametrize("lots", [4, 1 << 55, (1 << 63) - 1, 1 << 80])
def test_a_reduce_by_more_than_is_open_cancels(lots: int) -> None:
    """However much more (docs/rulebook.md 6.2)."""
    engine = MatchingEngine()
    engine.limit("sell", 100, 4, order_id=1)
    assert engine.reduce(1, lots).cancelled_lots == 4
    engine.limit("sell", 100, 4, order_id=1)
    columns = {"type": [2], "order_id": [1], "lots": [min(lots, (1 << 63) - 1)]}
    assert engine.run(columns).acks["cancelled_lots"].tolist() == [4]


def test_positions_and_batches_of_the_wrong_type_are_refused() -> None:
    engine = MatchingEngine()
    with pytest.raises(EngineError, match=r"lots is 5\.5"):
        engine.set_position(1, 5.5)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="mapping of columns"):
        engine.run([1, 2])  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="one-dimensional"):
        engine.run(np.zeros((2, 2), s.REQUEST))
    assert len(engine.run({"type": [], "order_id": []}).acks) == 0


def test_the_far_orders_come_back_nearest_first_from_every_page() -> None:
    """Both sides, prices pages apart, the window moving to and fro."""
    engine = MatchingEngine(window_ticks=64, self_trade="off")
    middle = 1 << 30
    away = [1, 500, 300_000, 300_010, 5_000_000, middle - 1]
    for k, distance in enumerate(reversed(away)):
        engine.limit("sell", middle + distance, 1, order_id=k)
        engine.limit("buy", middle - distance, 1, order_id=100 + k)
    engine.check()
    assert [order.price - middle for order in engine.orders() if order.side == "sell"] == away
    for distance in away:
        assert engine.market("buy", 1).fills[0].price == middle + distance
        assert engine.market("sell", 1).fills[0].price == middle - distance
        engine.check()


def test_a_very_deep_queue_cancelled_at_random_keeps_its_order() -> None:
    """Enough live ids for the engine to look ahead of the requests."""
    n = 40_000
    assert n > FEW_IDS
    engine = MatchingEngine(self_trade="off")
    engine.run({"type": [0] * n, "price_ticks": [100] * n, "lots": [2] * n, "order_id": np.arange(n) * 7})
    gone = np.random.default_rng(2).permutation(n)[: n // 2]
    answer = engine.run({"type": [1] * len(gone), "order_id": gone * 7})
    assert (answer.acks["status"] == s.OK).all()
    left = np.setdiff1d(np.arange(n), gone) * 7
    ack = engine.market("sell", 2 * len(left))
    assert [fill.maker_id for fill in ack.fills] == left.tolist()
    assert engine.best() == (None, None)
