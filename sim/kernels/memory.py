"""Memory of the books: making the arrays of the room and letting them grow."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.kernels.book import N_PAGES, Books
from sim.schema import BOOK, CURSOR, FILL, LEVEL, NO_KEY, ORDER, PAGE, SIDE

CACHE_LINE, HUGE_PAGE = 64, 1 << 21  # bytes
MIN_WINDOW, MAX_WINDOW = 64, 1 << 20


def allocate_books(
    windows: Sequence[int], capacity_orders: int, capacity_fills: int, n_owners: int, self_trade: int
) -> Books:
    """Empty books, one for each entry of ``windows``.

    Parameters
    ----------
    windows : sequence of int
        Ticks in the ladder of each side of each book; powers of two from 64 to 2^20.
    capacity_orders : int
        Live orders over all books before the pool must grow.
    capacity_fills : int
        Rows for fills before the cursor is reset by whoever consumes them.
    n_owners : int
        Owners whose positions are tracked; 0 switches tracking (and reduce-only) off.
    self_trade : int
        ``STP_OFF`` and its siblings, for every book.
    """
    sides = np.zeros(2 * len(windows), SIDE)
    level0 = word0 = 0
    for b, window in enumerate(windows):
        if window & (window - 1) or not MIN_WINDOW <= window <= MAX_WINDOW:
            raise ValueError(
                f"window of book {b} is {window} ticks; use a power of two from {MIN_WINDOW} to {MAX_WINDOW}"
            )
        n_words = window >> 6
        n_summary = (n_words + 63) >> 6
        for s in range(2):
            row = sides[2 * b + s]
            row["best"], row["lo"], row["mask"] = NO_KEY, 0, window - 1
            row["level0"], row["word0"], row["summary0"] = level0, word0, word0 + n_words
            row["page0"] = (2 * b + s) * N_PAGES
            level0 += window
            word0 += n_words + n_summary
    book = np.zeros(len(windows), BOOK)
    book["stp"] = self_trade
    positions = np.zeros((len(windows), n_owners) if n_owners else (0, 0), np.int64)
    books = Books(
        sides, book, np.zeros(level0, LEVEL), np.zeros(word0, np.uint64), np.zeros(1, ORDER),
        np.zeros(2 * len(windows) * N_PAGES, PAGE), positions, np.zeros(capacity_fills, FILL), np.zeros(1, CURSOR),
    )  # fmt: skip
    books.cursor["fresh"] = 1
    return grow_pool(books, capacity_orders)


def aligned_zeros(length: int, dtype: Any) -> Any:
    """Zeros of which no row crosses a cache line it need not, on whole huge pages when they are large.

    An array of NumPy begins 16 bytes after a line; half the orders of 32 bytes then lie on two lines.
    """
    n_bytes = length * np.dtype(dtype).itemsize
    step = HUGE_PAGE if n_bytes >= HUGE_PAGE else CACHE_LINE
    room = np.zeros(-(-n_bytes // step) * step + step, np.uint8)
    first = -room.ctypes.data % step
    return room[first : first + n_bytes].view(dtype)


def grow_pool(books: Books, capacity_orders: int) -> Books:
    """The same books with room for ``capacity_orders`` live orders; slots and handles stay valid."""
    if capacity_orders < len(books.pool) - 1:
        raise ValueError(f"a pool of {len(books.pool) - 1} orders cannot shrink to {capacity_orders}")
    pool = aligned_zeros(capacity_orders + 1, ORDER)
    pool[: len(books.pool)] = books.pool
    return books._replace(pool=pool)


def grow_fills(books: Books, capacity_fills: int) -> Books:
    """The same books with room for ``capacity_fills`` fill rows; written rows are kept."""
    fills = np.zeros(capacity_fills, FILL)
    fills[: len(books.fills)] = books.fills
    return books._replace(fills=fills)


def memory_bytes(books: Books) -> int:
    """Bytes of all arrays of the room, untouched pages included."""
    return int(sum(array.nbytes for array in books))
