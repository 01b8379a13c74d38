"""Ctrl-C and SIGTERM, at any moment of the ``shoal`` command: the command ends at once, unless somebody listens.

The handler raises nothing while modules are imported: an exception in an import is swallowed by libraries that try one
module and take another. What the command writes is whole or not there, so it may end anywhere, as a kill may end it.
"""

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130
"""Exit code after either."""
_WORDS = "Interrupted: what was not finished is not kept.\n"


def begin() -> None:
    """First act of ``import sim``: where this process is the command, it can be stopped from here on."""
    if _is_command():
        leave_when_told()


def _is_command() -> bool:
    """Whether this is ``shoal`` or ``python -m sim``: no script, no notebook, no worker."""
    name, words = getattr(sys, "argv", [""])[0], sys.orig_argv
    if name == "-m":  # the module that was asked for is still being looked for
        return "-msim" in words or ("-m", "sim") in zip(words, words[1:], strict=False)
    return os.path.basename(name) == "shoal" and name in words


def leave_when_told() -> None:
    """Let either signal end this process with exit code 130, whatever it is at. Workers leave with their driver."""
    for number in SIGNALS:
        signal.signal(number, _leave)
    atexit.register(_end_as_decided)


def _end_as_decided() -> None:
    """At the very end Python sets the handlers back, and a second signal would replace the exit code by its own."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _leave(_number: int, _frame: FrameType | None) -> None:
    shown = "\r\x1b[K\x1b[?25h" if os.isatty(2) else ""  # a progress line has hidden the cursor
    try:
        os.write(2, (shown + _WORDS).encode())
    finally:
        os._exit(INTERRUPTED)


@contextmanager
def heard() -> Iterator[list[int]]:
    """Signals to stop, in a list that grows; no exception flies through the writing of a file.

    In the command the second one ends the process; a script of the user's is asked to stop, and not killed.
    """
    told: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if len(told) > 1 and before.get(number) is _leave:
            _leave(number, frame)

    before: dict[int, object] = {}
    with _handled(hear, before):
        yield told


@contextmanager
def raising() -> Iterator[None]:
    """Around work that cleans up behind itself: in the command a signal raises KeyboardInterrupt here."""
    if signal.getsignal(signal.SIGINT) is not _leave:
        yield
        return
    with _handled(signal.default_int_handler, {}):
        yield


@contextmanager
def _handled(handler: object, before: dict[int, object]) -> Iterator[None]:
    """Both signals go to a handler; those of before are put into ``before`` and set again at the end."""
    try:
        for number in SIGNALS:
            before[number] = signal.signal(number, handler)  # type: ignore[arg-type]
    except ValueError:  # not the main thread: signals go elsewhere
        before.clear()
    try:
        yield
    finally:
        for which, earlier in before.items():
            signal.signal(which, earlier)  # type: ignore[arg-type]
