"""An executor of this process: runs when asked, so that tests of the driver need no workers."""

import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from sim.experiments.sweep import Lane


class Inline(Executor):
    """Runs at once; after some runs it sends this process the signal that a user would."""

    def __init__(self, stop_after: int | None) -> None:
        self.left = stop_after

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)
        return future


class Here:
    """What a lane opens."""

    def __init__(self, stop_after: int | None) -> None:
        self.executor = Inline(stop_after)

    def submit(self, work: Callable[..., Any], _folder: Path, cell: Any) -> Future[Any]:
        return self.executor.submit(work, cell)

    def how_it_ended(self) -> str:
        return "it cannot end"

    def kill(self) -> None:
        pass


def inline(stop_after: int | None = None) -> Lane:
    """A lane without a process."""
    return Lane(lambda: Here(stop_after), capacity=1)  # type: ignore[arg-type,return-value]
