"""Memory that nobody uses any more goes back to the system."""

import ctypes
import gc
import sys
from functools import cache
from typing import Any

M_MMAP_THRESHOLD = -3  # of mallopt(3)
LARGE = 1 << 19  # bytes from which an array has pages of its own


def give_back() -> None:
    """Free dead markets and what builders left behind.

    A market, its model and its agents hold one another in circles. Python looks for those by the number of objects, not
    by their size: without this, three networks of 300 MB can be dead before one is found. What was freed in pieces
    stays with the process until the C library is asked for it, which is done where that is GNU's. That also cuts large
    arrays out of memory it has used before, all of which it must then clear; pages of the system's own are clear, and
    those that a room never fills are not there at all.
    """
    gc.collect()
    if (library := gnu_c()) is not None:
        library.malloc_trim(0)


@cache
def gnu_c() -> Any:
    """GNU's C library, told to give each large array pages of its own; None where there is another."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "malloc_trim"):
        return None
    library.mallopt(M_MMAP_THRESHOLD, LARGE)
    return library
