"""Stale and forged handles are rejected, and whatever they were aimed at stays as it was."""

import numpy as np
import pytest

from sim import schema as s
from sim.kernels.batch import run_messages
from sim.kernels.book import Books
from sim.kernels.checks import check_books
from sim.kernels.memory import allocate_books


def send(books: Books, *rows: dict[str, int]) -> np.ndarray:
    """Apply rows of MESSAGE fields; returns their ACK rows."""
    messages, acks = np.zeros(len(rows), s.MESSAGE), np.zeros(len(rows), s.ACK)
    for message, row in zip(messages, rows, strict=True):
        for field, value in row.items():
            message[field] = value
    assert run_messages(*books, messages, acks, np.int64(0)) == len(rows)
    return acks


def new(side: int, price: int, lots: int, **more: int) -> dict[str, int]:
    return {"type": int(s.NEW), "side": side, "price_ticks": price, "lots": lots, **more}


@pytest.fixture
def books() -> Books:
    return allocate_books([256], 100, 200, 4, int(s.STP_OFF))


CHANGES = [
    {"type": int(s.CANCEL)},
    {"type": int(s.REDUCE), "lots": 1},
    {"type": int(s.REPLACE), "lots": 1, "price_ticks": 50},
]


@pytest.mark.parametrize("change", CHANGES, ids=["cancel", "reduce", "replace"])
def test_a_handle_dies_with_its_order(books: Books, change: dict[str, int]) -> None:
    first = int(send(books, new(0, 100, 5))["handle"][0])
    assert send(books, {"type": int(s.CANCEL), "handle": first})["result"][0] == 5
    second = int(send(books, new(0, 100, 7))["handle"][0])
    assert second & 0xFFFFFFFF == first & 0xFFFFFFFF, "the slot was meant to be used again"
    assert send(books, change | {"handle": first})["result"][0] == s.REJECT_STALE
    assert books.levels["total_lots"].sum() == 7
    assert check_books(*books) == 0


@pytest.mark.parametrize("change", CHANGES, ids=["cancel", "reduce", "replace"])
def test_forged_handles_are_rejected(books: Books, change: dict[str, int]) -> None:
    live = int(send(books, new(1, 100, 5))["handle"][0])
    slot, generation = live & 0xFFFFFFFF, live >> 32
    forged = [
        0, -1, slot, slot | (generation + 1) << 32, slot | (generation + 2) << 32, (slot + 1) | generation << 32,
        99_999 | generation << 32, 0xFFFFFFFF | generation << 32, -(1 << 63), (1 << 63) - 1,
        live | (1 << 63) - (1 << 62),
    ]  # fmt: skip
    before = [array.copy() for array in books]
    for handle in forged:
        assert send(books, change | {"handle": handle})["result"][0] == s.REJECT_STALE, hex(handle)
    for name, old, now in zip(books._fields, before, books, strict=True):
        if name != "cursor":
            assert (old == now).all(), name


def test_random_handles_never_hit(books: Books) -> None:
    live = set(send(books, *(new(0, 50 + k, 3) for k in range(40)))["handle"].tolist())
    rng = np.random.default_rng(1)
    handles = rng.integers(0, 128, 20_000) | rng.integers(0, 8, 20_000) << 32
    aimed = [h for h in handles.tolist() if h not in live]
    acks = send(books, *({"type": int(s.CANCEL), "handle": h} for h in aimed))
    assert (acks["result"] == s.REJECT_STALE).all()
    assert books.levels["total_lots"].sum() == 120


def test_a_rejected_order_changes_nothing(books: Books) -> None:
    send(books, new(0, 100, 5), new(1, 110, 5))
    before = [array.copy() for array in books]
    rejected = {
        s.REJECT_PRICE: new(0, 0, 1),
        s.REJECT_LOTS: new(0, 100, 0),
        s.REJECT_POST: new(0, 110, 1, kind=int(s.POST)),
        s.REJECT_FOK: new(0, 110, 6, kind=int(s.FOK)),
        s.REJECT_REDUCE: new(1, 110, 6, flags=int(s.REDUCE_ONLY), owner=1),
        s.REJECT_KIND: new(0, 100, 1, book=1),
    }
    for status, row in rejected.items():
        assert send(books, row)["result"][0] == status
    for name, old, now in zip(books._fields, before, books, strict=True):
        if name != "cursor":
            assert (old == now).all(), name


def test_a_pool_that_is_full_says_so_and_goes_on_after_growth() -> None:
    books = allocate_books([256], 2, 3, 0, int(s.STP_OFF))
    messages, acks = np.zeros(3, s.MESSAGE), np.zeros(3, s.ACK)
    messages["lots"], messages["price_ticks"] = 1, 100
    assert run_messages(*books, messages, acks, np.int64(0)) == 2
    assert books.levels["total_lots"].sum() == 2


def test_a_replace_without_room_for_fills_leaves_the_order_where_it_stands() -> None:
    books = allocate_books([256], 10, 2, 0, int(s.STP_OFF))
    resting = send(books, new(0, 100, 5))["handle"][0]
    books.cursor["n_fills"] = 2
    messages, acks = np.zeros(1, s.MESSAGE), np.zeros(1, s.ACK)
    messages[0]["type"], messages[0]["handle"], messages[0]["lots"], messages[0]["price_ticks"] = (
        s.REPLACE,
        resting,
        5,
        90,
    )
    assert run_messages(*books, messages, acks, np.int64(0)) == 0
    assert books.levels["total_lots"].sum() == 5
    books.cursor["n_fills"] = 0
    assert run_messages(*books, messages, acks, np.int64(0)) == 1
    assert acks["handle"][0] not in (0, resting)
