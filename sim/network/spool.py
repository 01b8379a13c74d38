"""Rows that ticks append and nobody reads until the end, in an unnamed file that is mapped into memory.

They read and write as any array does; what has been written does not stay with the process. Where there is no room for
the file, or no such system call, they lie in memory.
"""

import mmap
import os
import tempfile

import numpy as np
import numpy.typing as npt

from sim.network.memory import blank


class Spool:
    """Zeros to put arrays into.

    Attributes
    ----------
    room : uint8[n_bytes]
    """

    def __init__(self, n_bytes: int) -> None:
        self._map = mapped_file(n_bytes)
        self.room: npt.NDArray[np.uint8] = blank(n_bytes) if self._map is None else np.frombuffer(self._map, np.uint8)

    @property
    def is_file(self) -> bool:
        """Whether the room is that of a file."""
        return self._map is not None

    def release(self) -> None:
        """Keep no page of the file in the process; the next look at one finds it again."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)  # of a shared mapping: nothing that was written is lost


def mapped_file(n_bytes: int) -> mmap.mmap | None:
    """A new file of so many zeros in the folder of temporary files, mapped, without a name: it is gone with its last
    array. All of its room is taken at once, since a write to what the disk has not got would end the process. None
    where that fails.
    """
    if n_bytes == 0 or not hasattr(os, "posix_fallocate"):
        return None
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            return mmap.mmap(file.fileno(), n_bytes)
    except OSError:
        return None
