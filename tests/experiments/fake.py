"""Runs that cost nothing, to see what a sweep does when workers, drivers and disks die; and a driver to be killed.

``python -m tests.experiments.fake FOLDER WORK WORKERS`` is a driver in a process of its own.
"""

import hashlib
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiments.cells import FAILED, OK, Cell, Outcome

if TYPE_CHECKING:
    from sim.experiments.plan import Plan
# All else is imported where it is used: workers import this module, and shall be there soon.

ROOT = Path(__file__).resolve().parents[2]


def plan(seeds: int = 5, shard: int = 4, **more: Any) -> "Plan":
    """Four points of a small calm market."""
    from sim.experiments.design import Design
    from sim.experiments.plan import make_plan

    wanted: dict[str, Any] = {
        "name": "small",
        "scenario": "calm_btc",
        "set": {"duration": "20s", "leveraged.accounts": 200},
        "parameters": {"market.depth_scale_visible": [1.0, 0.5], "news.scale": [0, 1]},
        "series": {"columns": ["mark_usd", "n_fills"], "every": "10s"},
        "shard": shard,
    }
    return make_plan(Design.model_validate(wanted | more), range(1, seeds + 1))


def folder_of(place: Path, wanted: "Plan") -> Path:
    """A sweep folder with nothing done."""
    from sim.experiments.store import save_plan

    place.mkdir(parents=True)
    save_plan(place, wanted)
    return place


def results(folder: Path) -> dict[str, bytes]:
    """Everything in a folder that is a result."""
    from sim.experiments.store import PLAN, RUNS, SERIES

    files = [folder / PLAN, *(folder / RUNS).iterdir(), *(folder / SERIES).iterdir()]
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(files)}


def quick(cell: Cell) -> Outcome:
    """Numbers that depend on the cell alone."""
    digest = hashlib.sha256(f"{cell.point} {cell.seed}".encode()).digest()
    numbers = [int.from_bytes(digest[k : k + 4]) / 2**32 for k in range(0, 32, 4)]
    row = {"run_id": digest.hex()[:12], "point": cell.point, "seed": cell.seed, "status": OK, "error": None}
    row |= {"result_sha256": digest.hex(), "drop_from_start": numbers[0], "max_drawdown": None, "messages": 7.0}
    path = struct.pack("<9f", 0.0, 10.0, 20.0, *numbers[:6]) if cell.columns else b""
    return Outcome(cell.point, cell.seed, row, path, {"cpu_s": 0.001})


def slow(cell: Cell) -> Outcome:
    """Sixty milliseconds of work."""
    time.sleep(0.06)
    return quick(cell)


def logged(cell: Cell) -> Outcome:
    """The same work; when it was begun stands in a file of this process."""
    with open(Path(os.environ["SHOAL_TEST_MARK"]) / str(os.getpid()), "a") as log:
        log.write(f"{cell.point} {cell.seed}\n")
    return slow(cell)


def endless(cell: Cell) -> Outcome:
    """A run that outlasts every patience, from seed 3 on."""
    time.sleep(600.0 if cell.seed > 2 else 0.0)
    return quick(cell)


def failing(cell: Cell) -> Outcome:
    """Seed 2 fails, as ``run_cell`` says it."""
    if cell.seed != 2:
        return quick(cell)
    head = {name: quick(cell).row[name] for name in ("run_id", "point", "seed")}
    return Outcome(cell.point, cell.seed, {**head, "status": FAILED, "error": "CapacityError: full"})


def fatal(cell: Cell) -> Outcome:
    """Seed 2 kills its worker, every time."""
    if cell.seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(cell)


def fatal_once(cell: Cell) -> Outcome:
    """Seed 2 kills its worker once: a file remembers."""
    mark = Path(os.environ["SHOAL_TEST_MARK"]) / f"{cell.point}-{cell.seed}"
    if cell.seed == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(cell)


def starved(cell: Cell) -> Outcome:
    """Seed 2 of a real market asks for more memory than it may have."""
    import resource

    if cell.seed != 2:
        return quick(cell)
    from sim.experiments.cells import run_cell
    from sim.network.memory import give_back

    before = resource.getrlimit(resource.RLIMIT_AS)
    give_back()  # from now on a large array is asked of the system, not found among what the run before has left
    run_cell(cell._replace(seed=1))  # kernels and libraries are there now
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 20), before[1]))
    try:
        return run_cell(cell)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def always_fatal(_cell: Cell) -> Outcome:
    """Every run kills its worker."""
    os._exit(9)


def shuffled(draw: int) -> Any:
    """Real runs, handed out in another order: that of the draw, or of the design where it is 0."""
    import random

    from sim.experiments import store
    from sim.experiments.cells import run_cell
    from sim.runner import warm

    inner = store.Store.left

    def left(self: store.Store, part: tuple[int, int] = (1, 1)) -> Any:
        keys = list(inner(self, part))
        random.Random(draw).shuffle(keys)
        return iter(keys)

    if draw:
        store.Store.left = left  # type: ignore[method-assign]
    warm()
    return run_cell


def main() -> None:
    """Drive a sweep; exit code 130 when it was interrupted. With work "real" and a draw, real runs in that order."""
    from sim import stopping
    from sim.errors import ShoalError

    stopping.leave_when_told()
    from sim.experiments.sweep import run_sweep

    folder, work, workers, *draw = sys.argv[1:]
    made = globals().get(work) or shuffled(int(draw[0]))
    try:
        tally = run_sweep(Path(folder), int(workers), work=made)
    except ShoalError as error:
        sys.exit(f"{error}")
    sys.stdout.write(f"{tally.made} made\n")
    sys.exit(130 if tally.interrupted else 0)


if __name__ == "__main__":
    # Workers import this module by its name, so the functions handed to them must be found there.
    from tests.experiments import fake

    fake.main()
