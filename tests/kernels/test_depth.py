"""Lots between two prices against a sum over the orders that were sent: any window, wrapped or not, far orders."""

import numpy as np
import pytest

from sim import schema as s
from sim.kernels._jit import entry
from sim.kernels.batch import run_messages
from sim.kernels.book import Books
from sim.kernels.depth import depth_between
from sim.kernels.memory import allocate_books


@entry
def lots_between(sides, book, levels, words, pool, far, positions, fills, cursor, row, key_from, key_to):  # fmt: skip
    return depth_between(Books(sides, book, levels, words, pool, far, positions, fills, cursor), row, key_from, key_to)


def sent(draws: np.random.Generator, books: Books, n: int, spread: int) -> list[tuple[int, int, int]]:
    """Send ``n`` orders that never cross and cancel a third; returns side, key and lots of those that are left."""
    middle = int(draws.integers(spread + 2, 4 * spread + 200_000))
    messages, acks = np.zeros(n, s.MESSAGE), np.zeros(n, s.ACK)
    messages["side"] = draws.integers(0, 2, n)
    away = 1 + np.minimum(draws.geometric(8.0 / spread, n), spread)
    messages["price_ticks"] = middle + np.where(messages["side"] == int(s.BUY), -away, away)
    messages["type"], messages["lots"] = int(s.NEW), draws.integers(1, 1000, n)
    assert run_messages(*books, messages, acks, np.int64(0)) == n
    gone = draws.random(n) < 1 / 3
    cancels = np.zeros(int(gone.sum()), s.MESSAGE)
    cancels["type"], cancels["handle"] = int(s.CANCEL), acks["handle"][gone]
    assert run_messages(*books, cancels, np.zeros(len(cancels), s.ACK), np.int64(0)) == len(cancels)
    prices = messages["price_ticks"].astype(np.int64)
    keys = np.where(messages["side"] == int(s.BUY), -prices, prices)
    return [(int(m["side"]), int(key), int(m["lots"])) for m, key in zip(messages[~gone], keys[~gone], strict=True)]


@pytest.mark.parametrize("size", [64, 256, 4096, 16_384])
def test_depth_is_the_sum_over_orders(size: int) -> None:
    for seed in range(8):
        draws = np.random.default_rng([seed, size])
        books = allocate_books([size], 2_000, 4_000, 4, int(s.STP_OFF))
        left = sent(draws, books, 600, int(draws.choice([size // 4, size, 4 * size])))
        for _ in range(60):
            side = int(draws.integers(0, 2))
            mine = [(key, lots) for which, key, lots in left if which == side]
            low, high = np.sort(draws.choice([key for key, _ in mine], 2) + draws.integers(-3, 4, 2)).tolist()
            if draws.random() < 0.2:
                low = -int(s.NO_KEY)
            found = lots_between(*books, np.int64(side), np.int64(low), np.int64(high))
            assert found == sum(lots for key, lots in mine if low <= key <= high)


def test_nothing_lies_in_an_empty_book_or_between_prices_in_the_wrong_order() -> None:
    books = allocate_books([256], 100, 200, 4, int(s.STP_OFF))
    assert lots_between(*books, np.int64(1), np.int64(0), np.int64(1000)) == 0
    message = np.zeros(1, s.MESSAGE)
    message["type"], message["side"], message["price_ticks"], message["lots"] = int(s.NEW), 1, 100, 5
    run_messages(*books, message, np.zeros(1, s.ACK), np.int64(0))
    assert lots_between(*books, np.int64(1), np.int64(101), np.int64(99)) == 0
    assert lots_between(*books, np.int64(1), np.int64(100), np.int64(100)) == 5
