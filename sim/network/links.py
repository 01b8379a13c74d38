"""The arrays that the listings of a network share, and the views through which each listing's ticks see its part."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.kernels.book import META_FAR, Books
from sim.kernels.mailbox import MESSAGE
from sim.kernels.memory import grow_pool
from sim.kernels.shared import LISTING, Shared
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
    whole: dict[str, Array] = {}
    for name in ("price", "clock", "rules", "accounts", "firms"):
        whole[name] = np.concatenate([getattr(state, name) for state in states])
    for name in ("sides", "levels", "words", "far"):
        whole[name] = np.concatenate([getattr(state.books, name) for state in states])
    whole["positions"] = np.concatenate([state.books.positions.ravel() for state in states])
    whole["inbox"] = np.zeros(INBOX * len(states), MESSAGE)
    at = dict.fromkeys(whole, 0)

    def part(name: str, length: int) -> Array:
        first = at[name]
        at[name] = first + length
        return whole[name][first : first + length]

    for k, state in enumerate(states):
        n = len(state.accounts)
        listings[k]["account0"], listings[k]["n_owners"] = at["accounts"], n
        listings[k]["position0"] = at["positions"]
        listings[k]["maker0"], listings[k]["n_makers"] = at["firms"], len(state.firms)
        listings[k]["inbox0"], listings[k]["inbox_end"] = at["inbox"], at["inbox"] + INBOX
        for name in ("price", "clock", "rules", "accounts", "firms"):
            setattr(state, name, part(name, len(getattr(state, name))))
        if not len(state.inbox):
            state.clock[0]["most_messages"] += INBOX
        state.inbox = part("inbox", INBOX)
        state.books = state.books._replace(
            sides=part("sides", len(state.books.sides)),
            levels=whole["levels"],
            words=whole["words"],
            far=whole["far"],
            positions=part("positions", 2 * n).reshape(2, n),
        )
    shared = Shared(
        listings, whole["price"], whole["clock"], whole["rules"], whole["sides"], whole["levels"], whole["words"],
        whole["accounts"], whole["positions"], whole["inbox"], whole["firms"],
    )  # fmt: skip
    return shared, places


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
