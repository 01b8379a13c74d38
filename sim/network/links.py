"""The arrays that the listings of a network share, and the views through which each listing's ticks see its part."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.kernels.book import META_FAR, Books
from sim.kernels.mailbox import MESSAGE
from sim.kernels.memory import grow_pool
from sim.kernels.shared import LISTING, Shared
from sim.network.memory import blank, copy_written
from sim.state import Array, State

INBOX = 512  # orders that the network may send to one listing between two ticks


class Place(NamedTuple):
    """Where a listing's ladders lie in the shared arrays: its levels, words of bitmap and far pages."""

    levels: slice
    words: slice
    far: slice


def shared_arrays(states: Sequence[State], listings: Array) -> tuple[Shared, list[Place]]:
    """Put the states' fixed rooms into shared arrays and give each state its part of them as a view.

    Parameters
    ----------
    states : sequence of State
        Those of the listings, each with ladders of its own, after their warm-up tick. Changed: rows of ladders are
        named by their shared place.
    listings : LISTING[n]
        ``account0``, ``n_owners``, ``position0``, ``inbox0``, ``inbox_end``, ``maker0`` and ``n_makers`` are written.
    """
    places = []
    firsts = {"levels": 0, "words": 0, "far": 0}
    for state in states:
        ends = {name: first + len(getattr(state.books, name)) for name, first in firsts.items()}
        places.append(Place(**{name: slice(first, ends[name]) for name, first in firsts.items()}))
        shift_ladders(state.books, *firsts.values())
        firsts = ends
    for listing, state in zip(listings, states, strict=True):
        listing["n_owners"], listing["n_makers"] = len(state.accounts), len(state.firms)
        if not len(state.inbox):
            state.clock[0]["most_messages"] += INBOX
    whole: dict[str, Array] = {"inbox": np.zeros(INBOX * len(states), MESSAGE)}
    for k, state in enumerate(states):
        state.inbox = whole["inbox"][k * INBOX : (k + 1) * INBOX]
        listings[k]["inbox0"], listings[k]["inbox_end"] = k * INBOX, (k + 1) * INBOX
    for name in (*Place._fields, "price", "clock", "rules", "accounts", "firms", "sides", "positions"):
        whole[name] = put_together(states, name)
    for first, sizes in (
        ("account0", listings["n_owners"]), ("position0", 2 * listings["n_owners"]), ("maker0", listings["n_makers"])
    ):  # fmt: skip
        listings[first] = np.cumsum(sizes) - sizes
    shared = Shared(
        listings, whole["price"], whole["clock"], whole["rules"], whole["sides"], whole["levels"], whole["words"],
        whole["accounts"], whole["positions"], whole["inbox"], whole["firms"],
    )  # fmt: skip
    return shared, places


def put_together(states: Sequence[State], name: str) -> Array:
    """Move one array of each listing into one for all: each has a part of it then, or, of ladders, whose levels are
    named by their shared place, the whole. Every old array is gone before the next is moved.

    Far pages are there when something is written. Levels might be, since six in seven of their bytes hold nothing: 25
    MB less for 34 listings, but 2 to 5% of a tick's time, for NumPy has large arrays on huge pages.
    """
    dtype, length = states[0].room(name).dtype, sum(state.room(name).size for state in states)
    whole = blank(length * dtype.itemsize).view(dtype) if name == "far" else np.empty(length, dtype)
    at = 0
    for state in states:
        array = state.room(name)
        part = whole[at : at + array.size]
        if name == "far":
            copy_written(array.ravel(), part)
        else:
            part[:] = array.ravel()
        at += array.size
        state.put(name, whole if name in Place._fields else part.reshape(array.shape))
    return whole


def own_ladders(books: Books, place: Place) -> Books:
    """The books of a listing with ladders of its own: copies in which they are named as before they were shared."""
    parts = {name: getattr(books, name)[place[k]].copy() for k, name in enumerate(Place._fields)}
    alone: Books = grow_pool(books, len(books.pool) - 1)._replace(sides=books.sides.copy(), **parts)
    shift_ladders(alone, -place.levels.start, -place.words.start, -place.far.start)
    return alone


def shift_ladders(books: Books, levels: int, words: int, pages: int) -> None:
    """Name ladders, bitmaps and far pages by places so much further on in their arrays."""
    for name, by in (("level0", levels), ("word0", words), ("summary0", words), ("page0", pages)):
        books.sides[name] += np.uint32(by % (1 << 32))
    pool: Any = books.pool
    here = (pool["generation"] & 1 == 1) & (pool["meta"] & np.uint32(META_FAR) == 0)
    pool["level"][here] += np.uint32(levels % (1 << 32))


def listing_rows(n: int) -> Array:
    """Empty LISTING rows."""
    return np.zeros(n, LISTING)
