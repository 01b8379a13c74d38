"""Where the arrays of a network lie: what a tick reads of one listing lies together, on huge pages.

Between two ticks of a listing all others run, so that each tick begins with cold caches. Arrays allocated one by one
lie on a page each; the look-up of its address costs as much as the value. No result depends on it.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from sim.kernels.memory import CACHE_LINE, aligned_zeros
from sim.kernels.shared import Shared
from sim.state import Array, State

GROWING = frozenset({"tickets", "slot_ticket", "guest_fills", "messages", "order", "keys", "events", "rows", "bands"})
SCRATCH = frozenset({"starts", "draws"})  # of one size everywhere: one for all
OF_BOOKS = ("book", "cursor")  # not in the shared arrays


def pack(states: Sequence[State], shared: Shared) -> None:
    """Move every array of fixed size that is no part of the shared ones into one array, listing by listing, the small
    ones first; what a kernel uses as scratch alone is one array for all.
    """
    names = [room.name for room in fields(State) if room.name not in GROWING | {"books"} | SCRATCH]
    rooms = [
        [(name, array) for name in names if not is_part(array := getattr(state, name), shared)] for state in states
    ]
    for mine, state in zip(rooms, states, strict=True):
        mine += [(name, getattr(state.books, name)) for name in OF_BOOKS]
        mine.sort(key=lambda room: room[1].nbytes)
    lines = sum(lines_of(array) for mine in rooms for _, array in mine)
    whole, at = aligned_zeros(lines * CACHE_LINE, np.uint8), 0
    for mine, state in zip(rooms, states, strict=True):
        for name, array in mine:
            place = whole[at : at + array.nbytes].view(array.dtype).reshape(array.shape)
            place[...] = array
            at += lines_of(array) * CACHE_LINE
            if name in OF_BOOKS:
                state.books = state.books._replace(**{name: place})
            else:
                setattr(state, name, place)
        for name in SCRATCH:
            setattr(state, name, getattr(states[0], name))


def is_part(array: Array, shared: Shared) -> bool:
    """Whether an array lies in one of the shared ones."""
    return any(np.may_share_memory(array, whole) for whole in shared)


def lines_of(array: Array) -> int:
    """Cache lines that an array fills."""
    return -(-array.nbytes // CACHE_LINE)
