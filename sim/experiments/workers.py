"""Worker processes on this machine: spawned, one thread each, deaf to Ctrl-C, gone when their driver is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import connection, parent_process, resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

from sim.experiments import spool
from sim.experiments.cells import Cell, Outcome

_ONE_THREAD = {
    name: "1"
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")
}


class _Quiet(SpawnProcess):
    """A process that starts with one thread in its environment and with Ctrl-C blocked: the driver alone hears it."""

    def start(self) -> None:
        resource_tracker.ensure_running()  # started with the first process otherwise, which lets Ctrl-C through again
        before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(_ONE_THREAD)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


class _Context(SpawnContext):
    """Remembers the processes it started, so that the way one ended can be told."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]
        process = _Quiet(*arguments, **named)
        self.started.append(process)
        return process


def _prepare() -> None:
    """First act of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_the_driver, daemon=True).start()


def _leave_with_the_driver() -> None:
    driver = parent_process()
    if driver is not None:
        connection.wait([driver.sentinel])
        os._exit(1)


class Worker:
    """One spawned process behind an executor: when it dies, the run it had is known."""

    def __init__(self) -> None:
        self._context = _Context()
        self.executor: Executor = ProcessPoolExecutor(1, mp_context=self._context, initializer=_prepare)

    def submit(self, work: Callable[[Cell], Outcome], folder: Path, cell: Cell) -> Future[Outcome]:
        """Hand over a run; what became of it is kept until the driver has it (``spool.py``)."""
        return self.executor.submit(spool.make, work, folder.absolute(), cell)

    def how_it_ended(self) -> str:
        """How the process ended: "signal SIGKILL", "exit code 3"."""
        end = time.monotonic() + 10.0
        for process in self._context.started:
            while process.exitcode is None and time.monotonic() < end:
                time.sleep(0.01)  # the executor's own thread waits for it as well, and only one of the two is told
        codes = [process.exitcode for process in self._context.started if process.exitcode]
        if not codes:
            return "no exit code"
        return f"signal {signal.Signals(-codes[-1]).name}" if codes[-1] < 0 else f"exit code {codes[-1]}"

    def kill(self) -> None:
        """End the process at once."""
        for process in self._context.started:
            if process.is_alive():
                process.kill()
        self.executor.shutdown(wait=False, cancel_futures=True)
