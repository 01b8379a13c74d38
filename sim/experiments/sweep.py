"""The driver of a sweep: hands runs to executors, keeps what comes back, survives what dies.

The seam to where runs are made is ``Lane``: any ``concurrent.futures`` executor, and how many runs it may hold.
"""

from __future__ import annotations

import errno
import resource
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sim.errors import ResultError
from sim.experiments.cells import FAILED, Cell, Outcome, run_cell
from sim.experiments.lock import Held, locked
from sim.experiments.plan import Plan
from sim.experiments.store import PLAN, Key, Store, read_plan, save_plan
from sim.experiments.summary import write_manifest
from sim.experiments.workers import Worker
from sim.results.manifest import now_utc
from sim.stopping import heard

Work = Callable[[Cell], Outcome]
RETRIES = 2
"""How often a run is tried again after the worker that had it died."""
_GRACE_S = 3.0  # after the first Ctrl-C or SIGTERM: time for runs in flight to end
WINDOW = 2
"""Runs handed to a worker: one at work, one waiting. More would outrun the two files of ``spool.py``."""
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_GIVEN_UP = 3  # runs given up without one that ended: the machine is at fault, not the runs


@dataclass
class Tally:
    """How far a sweep is."""

    total: int
    done: int
    failed: int = 0
    made: int = 0
    """Runs made by this driver."""
    repeated: int = 0
    """Runs handed out again after a worker died."""
    damaged: tuple[str, ...] = ()
    """Files that did not match their checksum and were set aside."""
    interrupted: bool = False
    busy_s: float = 0.0
    """Seconds that workers spent on the runs made, build and summary included."""
    started: float = field(default_factory=time.monotonic)
    at_work_since: float = 0.0
    """When the first run that ended had begun; the start of workers lies before it."""
    last_end: float = 0.0

    def count(self, busy_s: float) -> None:
        """Add a run that has just ended, after keeping a worker busy for so long."""
        self.last_end = time.monotonic()
        if not self.made:
            self.at_work_since = self.last_end - busy_s
        self.made += 1
        self.busy_s += busy_s

    @property
    def working_s(self) -> float:
        """Seconds from the beginning of the first run to the last end so far; the start of workers is not in them."""
        return self.last_end - self.at_work_since

    @property
    def per_s(self) -> float:
        """Runs per second while workers were at work."""
        return self.made / self.working_s if self.working_s > 0.0 else 0.0

    @property
    def left_s(self) -> float:
        """Seconds to the end at this pace; infinite before the first run."""
        return (self.total - self.done) / self.per_s if self.per_s else float("inf")


class Place(Protocol):
    """Where runs are made: an executor, and what is to be known of it once it is lost."""

    executor: Executor

    def submit(self, work: Work, folder: Path, cell: Cell) -> Future[Outcome]:
        """Hand over a run of the sweep in ``folder``."""

    def how_it_ended(self) -> str:
        """Say how it was lost, such as "signal SIGKILL"."""

    def kill(self) -> None:
        """End it at once."""


class Lane:
    """One executor, the runs it holds in the order they were handed over, and how to begin anew when it breaks."""

    def __init__(self, open_worker: Callable[[], Place], capacity: int = WINDOW) -> None:
        self._open, self.capacity = open_worker, capacity
        self._worker: Place | None = None
        self.flying: dict[Future[Outcome], Key] = {}

    @property
    def free(self) -> int:
        """Runs it can still be handed."""
        return self.capacity - len(self.flying)

    def submit(self, work: Work, folder: Path, cell: Cell) -> bool:
        """Hand over a run; False when the executor has just broken and the runs it held must be seen to first."""
        for _ in range(2):
            if self._worker is None:
                self._worker = self._open()
            try:
                self.flying[self._worker.submit(work, folder, cell)] = (cell.point, cell.seed)
                return True
            except BrokenExecutor:
                if self.flying:
                    return False
                self.kill()  # it died while idle: nothing is lost
        raise ResultError("workers die as soon as they are started: is there enough memory?")

    def broke(self) -> tuple[str, list[Key]]:
        """The executor lost its process: how it ended, and the runs it held, the one at work first."""
        ended = self._worker.how_it_ended() if self._worker else ""
        lost = list(self.flying.values())
        self.kill()
        return ended, lost

    def kill(self) -> None:
        """End it at once; what it holds is lost."""
        if self._worker is not None:
            self._worker.kill()
        self._worker, self.flying = None, {}

    def close(self) -> None:
        """End it when it is idle."""
        if self._worker is not None:
            self._worker.executor.shutdown(wait=True)
        self._worker = None


class Kept(Lane):
    """A lane whose worker lives through several sweeps, until ``end``."""

    def close(self) -> None:
        """Leave the worker for the next sweep."""

    def end(self) -> None:
        """End the worker when it is idle."""
        super().close()


def begin(folder: Path, plan: Plan) -> str:
    """Make the folder of a sweep and save its plan there; one that is there is left as it is.

    Parameters
    ----------
    folder : Path
        Named by the plan's identity, so that a plan in it that can be read is this one.
    plan : Plan
        What is to be run.

    Returns
    -------
    str
        What was wrong with a plan that had to be replaced; empty where nothing was.

    Raises
    ------
    ResultError
        When another driver is at work there, or the disk refuses.
    """
    with writing(folder, "start the sweep again"):
        folder.mkdir(parents=True, exist_ok=True)
        wrong = ""
        if (folder / PLAN).exists():
            try:
                read_plan(folder)
                return ""
            except ResultError as error:
                wrong = str(error)
        with locked(folder):
            save_plan(folder, plan)
        return wrong


def extend(folder: Path, larger: Callable[[Plan], Plan]) -> None:
    """Replace the plan of a sweep by one that asks for more, with the lock held: nobody else's change is lost.

    Parameters
    ----------
    folder : Path
        With a saved plan.
    larger : callable
        Gives the new plan for the old one, such as ``lambda plan: plan.with_seeds(range(1, 65))``.

    Raises
    ------
    ResultError
        When another driver is at work there, or the disk refuses.
    """
    with writing(folder), locked(folder):
        plan = read_plan(folder)
        if (wanted := larger(plan)) is not plan:
            save_plan(folder, wanted)


def run_sweep(
    folder: Path,
    workers: int = 2,
    told: Callable[[Tally], None] | None = None,
    part: tuple[int, int] = (1, 1),
    retry_failed: bool = False,
    lanes: Sequence[Lane] | None = None,
    work: Work = run_cell,
    only: Collection[Key] | None = None,
) -> Tally:
    """Make the runs of a sweep folder that are not there yet.

    Parameters
    ----------
    folder : Path
        With a saved plan.
    workers : int
        Processes on this machine.
    told : callable, optional
        Told how far it is, about twice a second.
    part : (int, int)
        (k, n): make only every n-th result file from the k-th on, so that n machines share a sweep.
    retry_failed : bool
        Make failed runs again.
    lanes : sequence of Lane, optional
        Where runs are made instead.
    work : callable
        What a run is.
    only : collection of (str, int), optional
        Make no others than these: point and seed.

    Returns
    -------
    Tally
        ``interrupted`` after Ctrl-C or SIGTERM: what is finished is kept.

    Raises
    ------
    ResultError
        When another driver is at work, the disk is full, or code or data are not those of the plan.
    """
    with writing(folder), locked(folder) as held, heard() as stop:
        plan = read_plan(folder)
        store = Store(folder, plan)
        if retry_failed:
            store.forget_failed()
        tally = Tally(plan.count(), store.done, store.failed, damaged=tuple(store.found_damaged))
        started = now_utc()
        lines = list(lanes) if lanes is not None else [Lane(Worker) for _ in range(workers)]
        driver = _Driver(store, lines, work, tally, stop)
        try:
            left = store.left(part)
            driver.run(left if only is None else (key for key in left if key in only), held, told)
        finally:
            for lane in lines:
                lane.kill() if lane.flying else lane.close()
        store.adopt()  # of workers that were given up after their last run
        tally.done, tally.failed = store.done, store.failed
        write_manifest(store, tally, started, len(lines))
        tally.interrupted |= bool(stop)  # told to stop after the last run: those who would make more runs hear of it
        return tally


class _Driver:
    """The loop of a sweep."""

    def __init__(self, store: Store, lanes: list[Lane], work: Work, tally: Tally, stop: list[int]) -> None:
        self.store, self.lanes, self.work, self.tally, self.stop = store, lanes, work, tally, stop
        self.again: list[Key] = []
        self.deaths: Counter[Key] = Counter()
        self.given_up = 0

    def run(self, left: Iterator[Key], held: Held, told: Callable[[Tally], None] | None) -> None:
        """Until nothing is left, or until told to stop."""
        deadline = None
        while True:
            if self.stop and deadline is None:
                deadline = time.monotonic() + _GRACE_S
                self.tally.interrupted = True
                self._recall()
            if deadline is None:
                self._hand_out(left)
            flying = [future for lane in self.lanes for future in lane.flying]
            if not flying or len(self.stop) > 1 or (deadline is not None and time.monotonic() > deadline):
                return
            wait(flying, timeout=0.2, return_when=FIRST_COMPLETED)
            for lane in self.lanes:
                self._collect(lane)
            held.beat()
            if told is not None:
                told(self.tally)

    def _hand_out(self, left: Iterator[Key]) -> None:
        """Fill the lanes evenly: nobody gets a second run before everybody has a first."""
        for level in range(max(lane.capacity for lane in self.lanes)):
            for lane in self.lanes:
                if lane.free > 0 and len(lane.flying) <= level:
                    key = self.again.pop(0) if self.again else next(left, None)
                    if key is None:
                        return
                    if not lane.submit(self.work, self.store.folder, self.store.plan.cell(*key)):
                        self.again.insert(0, key)

    def _recall(self) -> None:
        for lane in self.lanes:
            for future in [future for future in lane.flying if future.cancel()]:
                del lane.flying[future]

    def _collect(self, lane: Lane) -> None:
        for future in [future for future in lane.flying if future.done()]:
            try:
                outcome = future.result()
            except BrokenExecutor:
                self._lost(lane)
                return
            except CancelledError:
                del lane.flying[future]
            except Exception as error:
                if type(error).__name__ != "KilledWorker":  # of Dask, which has tried it again by itself
                    raise
                self._keep(_dead(self.store, lane.flying.pop(future), _died("KilledWorker")))
            else:
                del lane.flying[future]
                self._keep(outcome)

    def _keep(self, outcome: Outcome) -> None:
        self.store.add(outcome)
        self.tally.done, self.tally.failed = self.store.done, self.store.failed
        self.tally.count(outcome.cost.get("busy_s", 0.0))

    def _lost(self, lane: Lane) -> None:
        """A worker died. The run it was at is to blame; the one that waited behind it is not."""
        for future in [f for f in lane.flying if f.done() and not f.cancelled() and f.exception() is None]:
            del lane.flying[future]
            self._keep(future.result())
        ended, (blamed, *others) = lane.broke()
        self.again = [*others, *self.again]
        self.tally.repeated += 1
        if self.stop:
            return
        self.deaths[blamed] += 1
        if self.deaths[blamed] <= RETRIES:
            self.again = [blamed, *self.again]
            return
        self.given_up += 1
        if self.given_up >= _GIVEN_UP and self.tally.made == self.given_up - 1:
            raise ResultError(f"every worker dies ({ended}) and no run ends: is there memory for so many workers?")
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0  # the largest of all that ended
        self._keep(_dead(self.store, blamed, _died(ended))._replace(cost={"worker_peak_mb": peak_mb}))


def _died(ended: str) -> str:
    return f"the worker died {RETRIES + 1} times at this run ({ended})"


def _dead(store: Store, key: Key, why: str) -> Outcome:
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

    point, seed = key
    scenario = Scenario(Spec.model_validate(store.plan.scenario(point)))
    head = {"run_id": scenario.run_id((seed,)), "point": point, "seed": seed}
    return Outcome(point, seed, {**head, "status": FAILED, "error": why})


@contextmanager
def writing(folder: Path, then: str = "") -> Iterator[None]:
    """Turn the refusal of a disk into one sentence: why, what to do about it, and what ``then``."""
    try:
        yield
    except OSError as error:
        cure = "free some space" if error.errno in _NO_SPACE else "put that right"
        then = then or f"`shoal resume {folder}`: what is finished is kept"
        raise ResultError(f"{folder}: cannot write ({error.strerror or error}); {cure}, then {then}") from error
