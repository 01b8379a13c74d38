"""A disk that refuses, stays full, or is the last thing a process ever touched: its calls are counted."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest import mock

REFUSES, FULL, DIES, TORN = "refuses once", "stays full", "dies before it", "dies in the middle of it"
_CHANGING = ("write", "pwrite", "fsync", "replace", "ftruncate", "mkdir", "unlink")
_GROWING = ("create", "write", "pwrite", "mkdir")  # what a full disk refuses; it can still cut, rename and delete


class Dead(BaseException):
    """This process was killed: nothing after this moment reaches the disk."""


class Disk:
    """While it is entered, every call that changes a file is counted; call ``at`` goes as ``how`` says.

    Death is played: from that call on every other one dies too, so that nothing can be tidied up.
    """

    def __init__(self, at: int = 0, how: str = REFUSES) -> None:
        self.at, self.how = at, how
        self.calls: list[str] = []
        self._patches: list[Any] = []

    def __enter__(self) -> "Disk":
        real_open, real_os_open = builtins.open, os.open
        for name in _CHANGING:
            self._patch(os, name, self._counted(name, getattr(os, name)))

        def opening(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
                self._call("create")
            return real_os_open(path, flags, *more, **named)

        def opened(path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
            if not set(mode) & set("wax+"):
                return real_open(path, mode, *more, **named)
            self._call("create")
            stream = io.BufferedWriter(_Raw(path, mode.replace("b", "").replace("t", ""), self))
            return stream if "b" in mode else io.TextIOWrapper(stream, encoding="utf-8", newline="")

        self._patch(os, "open", opening)
        self._patch(builtins, "open", opened)
        return self

    def __exit__(self, _type: type | None, error: BaseException | None, _where: TracebackType | None) -> bool:
        for patch in self._patches:
            patch.stop()
        return isinstance(error, Dead)

    def _patch(self, holder: Any, name: str, replacement: Callable[..., Any]) -> None:
        patch = mock.patch.object(holder, name, replacement)
        patch.start()
        self._patches.append(patch)

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name in ("write", "pwrite"):
                return self.written(name, lambda data: real(arguments[0], data, *arguments[2:]), arguments[1])
            if name != "mkdir" or not Path(arguments[0]).is_dir():  # a folder that is there takes no space
                self._call(name)
            return real(*arguments, **named)

        return call

    def written(self, name: str, real: Callable[[bytes], int], data: Any) -> int:
        """A write; one in whose middle the process dies, or the disk becomes full, leaves half of it there."""
        meant = len(self.calls) + 1 == self.at
        if meant and self.how in (TORN, FULL) and len(data) > 1:
            real(bytes(data)[: len(data) // 2])
        self._call(name)
        return real(bytes(data))

    def _call(self, name: str) -> None:
        self.calls.append(name)
        n = len(self.calls)
        if not self.at or n < self.at:
            return
        if self.how in (DIES, TORN):
            raise Dead
        if n == self.at or (self.how == FULL and name in _GROWING):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _Raw(io.FileIO):
    """The lowest level of ``open``."""

    def __init__(self, path: Any, mode: str, disk: Disk) -> None:
        super().__init__(path, mode)
        self._disk = disk

    def write(self, data: Any) -> int:
        return self._disk.written("write", super().write, data)


def let_go(folder: Path) -> None:
    """Close what a process that died inside this one still holds open in a folder, its lock above all."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            held = os.readlink(entry)
        except OSError:
            continue
        if held.startswith(f"{folder}/"):
            os.close(int(entry.name))
