"""Killed drivers and killed workers: nothing is lost, nothing is doubled."""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from sim.errors import ResultError
from sim.experiments import store
from sim.experiments.cells import FAILED
from sim.experiments.store import RUNS, Key, Store, read_plan
from sim.experiments.sweep import RETRIES, Lane, Tally, run_sweep
from sim.experiments.tables import keys
from sim.experiments.workers import Worker
from tests.experiments import fake
from tests.experiments.drivers import gone, members, started
from tests.experiments.fake import folder_of, plan, results
from tests.experiments.inline import inline

WORKERS = 2


def begun(marks: Path) -> dict[str, list[Key]]:
    """Runs that each worker began, in order; workers are named by their process."""
    lines = {f.name: f.read_text().splitlines() for f in marks.iterdir()}
    return {pid: [(line.split()[0], int(line.split()[1])) for line in told] for pid, told in lines.items()}


def killed_after(seconds: float, folder: Path, marks: Path) -> Counter[str]:
    """Kill a driver at a moment of its life: when that was, and how many runs each worker had begun in vain."""
    marks.mkdir()
    driver = started(folder, "logged", WORKERS, SHOAL_TEST_MARK=str(marks))
    try:
        driver.wait(timeout=seconds)
    except Exception:
        driver.kill()
    driver.communicate()
    assert gone(driver.pid), members(driver.pid)
    kept = Store(folder, read_plan(folder))._done
    found = Counter({pid: sum(key not in kept for key in runs) for pid, runs in begun(marks).items()})
    found["kept"] = len(kept)
    return found


def kills(place: Path, n: int, undisturbed: dict[str, bytes], draw: random.Random) -> list[int]:
    """Kill ``n`` drivers at moments spread over their life; each sweep is then finished. Runs repeated by a worker."""
    begin = time.monotonic()
    whole = killed_after(600.0, folder_of(place / "whole", plan()), place / "marks of whole")
    life_s, repeated, phases = time.monotonic() - begin, [], Counter[str]()
    assert whole.pop("kept") == 20 and not +whole
    for k in range(n):
        folder = folder_of(place / f"sweep {k}", plan())
        found = killed_after(draw.uniform(0.0, 1.05 * life_s), folder, place / f"marks {k}")
        kept = found.pop("kept")
        phases["before the first run" if not kept else "after the last" if kept == 20 else "among the runs"] += 1
        repeated += found.values()
        assert run_sweep(folder, lanes=[inline()], work=fake.quick).made == 20 - kept
        assert results(folder) == undisturbed, f"kill {k}"
    print(f"{n} kills: {dict(phases)}; runs repeated by a worker: {dict(Counter(repeated))}")
    return repeated


def test_a_driver_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path, undisturbed: dict[str, bytes]):
    assert max(kills(tmp_path, 3, undisturbed, random.Random(1)), default=0) <= 2


@pytest.mark.long
def test_fifty_kills(tmp_path: Path, undisturbed: dict[str, bytes]):
    repeated = kills(tmp_path, 50, undisturbed, random.Random(2))
    assert max(repeated) <= 2 and sum(repeated) <= len(repeated)


def test_a_worker_that_dies_once_costs_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHOAL_TEST_MARK", str(tmp_path))
    folder = folder_of(tmp_path / "sweep", plan())
    tally = run_sweep(folder, 2, work=fake.fatal_once)
    assert (tally.done, tally.failed, tally.repeated) == (20, 0, 4)
    assert results(folder) == undisturbed


@pytest.mark.long
def test_workers_killed_from_outside_lose_no_run(tmp_path: Path, undisturbed: dict[str, bytes]):
    draw, killed = random.Random(3), 0
    for k in range(10):
        folder = folder_of(tmp_path / f"sweep {k}", plan())
        lanes = [Lane(Worker) for _ in range(WORKERS)]
        due = sorted(draw.sample(range(1, 17), RETRIES))  # so few that no run can be given up

        def kill_one(tally: Tally, lanes: list[Lane] = lanes, due: list[int] = due) -> None:
            nonlocal killed
            lane = draw.choice(lanes)
            if due and tally.done >= due[0] and lane.flying and isinstance(lane._worker, Worker):
                os.kill(lane._worker._context.started[-1].pid or 0, signal.SIGKILL)
                killed += 1
                due.pop(0)

        tally = run_sweep(folder, told=kill_one, lanes=lanes, work=fake.slow)
        assert (tally.done, tally.failed) == (20, 0) and not due and tally.repeated > 0
        assert results(folder) == undisturbed
    print(f"{killed} workers killed, 200 runs kept")


def test_a_run_that_kills_its_worker_becomes_a_row(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan(seeds=3))
    tally = run_sweep(folder, 2, work=fake.fatal)
    assert (tally.done, tally.failed, tally.repeated) == (12, 4, 4 * (RETRIES + 1))
    rows = [row for path in store.sealed(folder, RUNS).values() for row in keys(path)]
    assert sorted(key[1] for key, status in rows if status == FAILED) == [2, 2, 2, 2]
    (failed, *_) = [row for row in table(folder) if row["status"] == FAILED]
    assert "signal SIGKILL" in failed["error"] and failed["drop_from_start"] is None


def table(folder: Path) -> list[dict[str, object]]:
    import pyarrow.parquet as pq

    return [row for path in store.sealed(folder, RUNS).values() for row in pq.read_table(path).to_pylist()]


def test_a_run_without_memory_is_a_row_and_the_others_are_not_touched(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan(seeds=3))
    tally = run_sweep(folder, 2, work=fake.starved)
    assert (tally.done, tally.failed) == (12, 4)
    for row in table(folder):
        assert (row["status"] == FAILED) == (row["seed"] == 2), row
        assert row["status"] != FAILED or "MemoryError" in row["error"] or "signal" in row["error"], row["error"]


def test_where_every_worker_dies_the_sweep_says_so(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan())
    with pytest.raises(ResultError, match="every worker dies"):
        run_sweep(folder, 1, work=fake.always_fatal)
