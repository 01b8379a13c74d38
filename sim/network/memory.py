"""Memory that nobody uses any more goes back to the system."""

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.coupling import couple
from sim.kernel_locator import drop_bitcode
from sim.tick import advance

M_MMAP_THRESHOLD = -3  # of mallopt(3)
LARGE, SMALL = 1 << 19, 1 << 14  # bytes from which an array has pages of its own: else, and while a network is built
PAGE = 4096  # bytes; where the system's are larger, more is copied than needs to be


def give_back() -> None:
    """Free dead markets and what builders left behind.

    A market, its model and its agents hold one another in circles. Python looks for those by the number of objects, not
    by their size: without this, three networks of 300 MB can be dead before one is found. What was freed in pieces
    stays with the process until the C library is asked for it, which is done where that is GNU's. That also cuts large
    arrays out of memory it has used before, all of which it must then clear; pages of the system's own are clear, and
    those that a room never fills are not there at all.
    """
    for function in (advance, couple):
        drop_bitcode(function)
    gc.collect()
    if (library := gnu_c()) is not None:
        library.malloc_trim(0)


@contextmanager
def pages_of_their_own() -> Iterator[None]:
    """While a network is built each array of SMALL bytes or more has pages of its own: those that nothing is written to
    are not there, and an array that has been moved leaves none behind.
    """
    library = gnu_c()
    if library is not None:
        library.mallopt(M_MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:
        if library is not None:
            library.mallopt(M_MMAP_THRESHOLD, LARGE)


@cache
def gnu_c() -> Any:
    """GNU's C library, told to give each large array pages of its own; None where there is another."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "malloc_trim"):
        return None
    library.mallopt(M_MMAP_THRESHOLD, LARGE)
    return library


def blank(n_bytes: int) -> npt.NDArray[np.uint8]:
    """Zeros on pages of which none is there until it is written."""
    room = mmap.mmap(-1, max(1, n_bytes), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(room, np.uint8, n_bytes)


def copy_written(array: npt.NDArray[Any], out: npt.NDArray[Any]) -> None:
    """Copy the stretches of a page's length that are not all zero."""
    source, target, written = np.ascontiguousarray(array).view(np.uint8), out.view(np.uint8), written_pages(array)
    whole = len(written) * PAGE
    pages = target[:whole].view(np.uint64).reshape(-1, PAGE // 8)
    pages[written] = source[:whole].view(np.uint64).reshape(-1, PAGE // 8)[written]
    target[whole:] = source[whole:]


def written_pages(array: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Of each whole stretch of a page's length of an array of one dimension: whether it is not all zero."""
    source = np.ascontiguousarray(array).view(np.uint8)
    whole = len(source) // PAGE * PAGE
    found: npt.NDArray[np.bool_] = source[:whole].view(np.uint64).reshape(-1, PAGE // 8).any(axis=1)
    return found
