"""Where the arrays of a network lie: what a tick reads of one listing lies together, on huge pages.

Between two ticks of a listing all others run, so that each tick begins with cold caches. Arrays allocated one by one
lie on a page each; the look-up of its address costs as much as the value. No result depends on it.
"""

from collections.abc import Sequence

import numpy as np

from sim.kernels.memory import CACHE_LINE, aligned_zeros
from sim.kernels.shared import Shared
from sim.network.memory import PAGE, blank, copy_written, written_pages
from sim.network.spool import Spool
from sim.state import ROOMS, Array, State

GROWING = frozenset({"slot_ticket", "guest_fills", "messages", "events"})  # tickets grow as well, seldom and as a copy
SPOOLED = frozenset({"rows", "bands", "quotes"})  # written at one place a tick, or now and then
SCRATCH = frozenset({"starts", "draws", "order", "keys"})  # the longest is for all
OF_BOOKS = ("book", "cursor")  # not in the shared arrays
LARGE = 1 << 15  # bytes up to which an array is small
Room = tuple[State, str]


def pack(states: Sequence[State], shared: Shared) -> None:
    """Move every array of fixed size that is no part of the shared ones to others of its listing, the small ones first,
    on huge pages; those of which less than half is written on pages that are there when they are. What a kernel uses
    as scratch alone is one array for all.
    """
    names = [name for name in ROOMS if name not in GROWING | {"books"} | SCRATCH | SPOOLED]
    dense: list[Room] = []
    sparse: list[Room] = []
    for state in states:
        rooms = [(state, name) for name in names if not is_part(state.room(name), shared)]
        rooms += [(state, name) for name in OF_BOOKS]
        for room in sorted(rooms, key=bytes_in):
            (dense if is_dense(state.room(room[1])) else sparse).append(room)
    put(dense, aligned_zeros(bytes_of(dense, CACHE_LINE), np.uint8), CACHE_LINE)
    put(sparse, blank(bytes_of(sparse, PAGE)), PAGE)
    for name in SCRATCH:
        longest = max((getattr(state, name) for state in states), key=len)
        for state in states:
            setattr(state, name, longest)


def is_dense(array: Array) -> bool:
    """Whether an array is a small one, or something is written on half of its pages."""
    return array.nbytes <= LARGE or bool(2 * written_pages(array.ravel()).sum() >= array.nbytes // PAGE)


def spooled(states: Sequence[State]) -> Spool:
    """Move the rows of all listings, and the touch of each tick, into a file."""
    rooms = [(state, name) for state in states for name in sorted(SPOOLED)]
    spool = Spool(bytes_of(rooms, PAGE))
    put(rooms, spool.room, PAGE)
    return spool


def put(rooms: Sequence[Room], whole: Array, step: int) -> None:
    """Move arrays into ``whole``, one behind the other, each at the next multiple of ``step`` bytes; each old one is
    gone before the next is moved.
    """
    at = 0
    for state, name in rooms:
        array = state.room(name)
        place = whole[at : at + array.nbytes].view(array.dtype)
        copy_written(array.ravel(), place)
        at += -(-array.nbytes // step) * step
        state.put(name, place.reshape(array.shape))


def bytes_in(room: Room) -> int:
    """Bytes of one array."""
    state, name = room
    return int(state.room(name).nbytes)


def bytes_of(rooms: Sequence[Room], step: int) -> int:
    """Bytes that arrays fill, each up to a multiple of ``step``."""
    return sum(-(-bytes_in(room) // step) * step for room in rooms)


def is_part(array: Array, shared: Shared) -> bool:
    """Whether an array lies in one of the shared ones."""
    return any(np.may_share_memory(array, whole) for whole in shared)
