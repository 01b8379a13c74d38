"""Killed drivers and killed workers: nothing is lost, nothing is doubled."""

import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from sim.errors import ResultError
from sim.experiments import spool, store
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


def killed_after(seconds: float, folder: Path, marks: Path, runs: int = 0) -> Counter[str]:
    """Kill a driver so long after so many runs were begun: how many runs each worker had begun in vain."""
    marks.mkdir()
    driver = started(folder, "logged", WORKERS, SHOAL_TEST_MARK=str(marks))
    while sum(map(len, begun(marks).values())) < runs and driver.poll() is None:
        time.sleep(0.002)
    try:
        driver.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        driver.kill()
    driver.communicate()
    assert gone(driver.pid), members(driver.pid)
    kept = Store(folder, read_plan(folder))._done
    found = Counter({pid: sum(key not in kept for key in runs) for pid, runs in begun(marks).items()})
    found["kept"] = len(kept)
    return found


def kills(place: Path, n: int, undisturbed: dict[str, bytes], draw: random.Random) -> list[int]:
    """Kill ``n`` drivers, every other one among the runs; each sweep is then finished. Runs repeated by a worker."""
    begin = time.monotonic()
    whole = killed_after(600.0, folder_of(place / "whole", plan()), place / "marks of whole")
    life_s, repeated, phases = time.monotonic() - begin, [], Counter[str]()
    assert whole.pop("kept") == 20 and not +whole
    for k in range(n):
        folder = folder_of(place / f"sweep {k}", plan())
        after = (draw.uniform(0.0, 0.1), draw.randint(1, 20)) if k % 2 else (draw.uniform(0.0, 1.05 * life_s), 0)
        found = killed_after(after[0], folder, place / f"marks {k}", after[1])
        kept = found.pop("kept")
        phases["before the first run" if not kept else "after the last" if kept == 20 else "among the runs"] += 1
        repeated += found.values()
        assert run_sweep(folder, lanes=[inline()], work=fake.quick).made == 20 - kept
        assert results(folder) == undisturbed, f"kill {k}"
    print(f"{n} kills: {dict(phases)}; runs repeated by a worker: {dict(Counter(repeated))}")
    return repeated


def test_a_driver_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path, undisturbed: dict[str, bytes]):
    assert max(kills(tmp_path, 3, undisturbed, random.Random(1)), default=0) <= 1


@pytest.mark.long
def test_fifty_kills(tmp_path: Path, undisturbed: dict[str, bytes]):
    repeated = kills(tmp_path, 50, undisturbed, random.Random(2))
    assert max(repeated) <= 1


def test_what_a_worker_had_finished_is_taken_over_and_a_spoilt_file_is_told(
    tmp_path: Path, undisturbed: dict[str, bytes]
):
    folder = folder_of(tmp_path / "sweep", plan())
    first, second, third = list(Store(folder, read_plan(folder)).left())[:3]
    for key in (first, second, third):
        assert spool.make(fake.quick, folder, read_plan(folder).cell(*key)) == fake.quick(read_plan(folder).cell(*key))
    held = spool.left_behind(folder)
    assert len(held) == 2  # by then the driver has the first
    assert {spool.parsed(f.read_bytes()).seed for f in held} == {second[1], third[1]}  # type: ignore[union-attr]
    held[0].write_bytes(held[0].read_bytes().replace(b"drop", b"drip"))
    (folder / spool.SPOOL / ".17-0").write_bytes(b"torn")
    tally = run_sweep(folder, lanes=[inline()], work=fake.quick)
    assert (tally.made, tally.done, tally.damaged) == (19, 20, (f"{spool.SPOOL}/{held[0].name}",))
    assert results(folder) == undisturbed and not (folder / spool.SPOOL).exists()


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
        due = sorted(draw.sample(range(1, 13), RETRIES))  # so few that no run can be given up

        def kill_one(tally: Tally, lanes: list[Lane] = lanes, due: list[int] = due) -> None:
            nonlocal killed
            lane = draw.choice(lanes)
            if due and tally.done >= due[0] and lane.flying and isinstance(lane._worker, Worker):
                process = lane._worker._context.started[-1]
                if process.is_alive():  # the one that was killed last may not have been missed yet
                    process.kill()
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
