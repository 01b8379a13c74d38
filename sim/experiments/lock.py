"""One driver on a sweep folder: a lock of the operating system, and who holds it in words with a heartbeat."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.errors import ResultError
from sim.results.manifest import now_utc

LOCK = "lock.json"
BEAT_S = 5.0
_SILENT_S = 3.2 * BEAT_S  # a holder on another machine that is not heard for so long is gone


class Held:
    """The lock while it is held; ``beat`` now and then shows that the driver lives."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._since = now_utc()
        self._beats = 0
        self._next = 0.0
        self.beat()

    def beat(self) -> None:
        """Renew the heartbeat if it is due."""
        if time.monotonic() >= self._next:
            self._beats += 1
            self._write({"host": socket.gethostname(), "pid": os.getpid(), "since": self._since, "beat": self._beats})
            self._next = time.monotonic() + BEAT_S

    def release(self) -> None:
        """Give the lock up; the file stays, empty."""
        self._write({})
        os.close(self._handle)

    def _write(self, holder: dict[str, object]) -> None:
        data = (json.dumps(holder) + "\n").encode()
        try:
            os.pwrite(self._handle, data, 0)
            os.ftruncate(self._handle, len(data))
        except OSError:  # a full disk must not stop a sweep through its heartbeat
            pass


@contextmanager
def locked(folder: Path) -> Iterator[Held]:
    """Hold the lock of a sweep folder.

    Raises
    ------
    ResultError
        When another driver holds it, on this machine or, judged by its heartbeat, on another.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = _holder(handle)
        os.close(handle)
        raise _taken(folder, holder) from None
    # The system's lock is free. On a network disk it may not reach other machines: their heartbeat does.
    holder = _holder(handle)
    if holder.get("host") not in (None, socket.gethostname()) and _still_beats(handle, holder):
        os.close(handle)
        raise _taken(folder, holder)
    held = Held(handle)
    try:
        yield held
    finally:
        held.release()


def _holder(handle: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(handle, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _still_beats(handle: int, before: dict[str, object]) -> bool:
    """Watch the heartbeat of a holder on another machine; clocks are not compared."""
    end = time.monotonic() + _SILENT_S
    while time.monotonic() < end:
        time.sleep(BEAT_S / 10.0)
        if _holder(handle) != before:
            return True
    return False


def _taken(folder: Path, holder: dict[str, object]) -> ResultError:
    who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}"
    return ResultError(f"{folder}: another sweep is at work here ({who}); wait for it, or stop it first")
