"""Ten thousand runs: what the driver needs for them in memory and time."""

import resource
import time
import tracemalloc
from pathlib import Path

import pytest

from sim.experiments import tables
from sim.experiments.cells import Cell, Outcome
from sim.experiments.sweep import Tally, run_sweep
from tests.experiments import fake
from tests.experiments.fake import folder_of, plan
from tests.experiments.inline import inline

RUNS = 10_000


def counted(cell: Cell) -> Outcome:
    """A run whose row is as long as a real one."""
    outcome = fake.quick(cell)
    return outcome._replace(row=outcome.row | dict.fromkeys(tables.measured(), 1.5) | {"low_time_utc": "x"})


def rss_kb() -> int:
    """Memory of this process that is resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


@pytest.mark.long
def test_ten_thousand_runs_need_no_memory_in_the_parent(tmp_path: Path):
    wanted = plan(seeds=RUNS // 4, shard=100, series=None)
    folder = folder_of(tmp_path / "sweep", wanted)
    run_sweep(folder_of(tmp_path / "first", plan(series=None)), lanes=[inline()], work=counted)
    before_kb, begin = rss_kb(), time.process_time_ns()
    seen: dict[int, int] = {}

    def look(tally: Tally) -> None:
        if tally.made % 1000 == 0:
            seen[tally.made] = rss_kb()

    assert run_sweep(folder, told=look, lanes=[inline()], work=counted).done == RUNS
    cpu_ms = (time.process_time_ns() - begin) / 1e6
    grown_mb = (max(seen.values()) - before_kb) / 1024
    per_run_kb = (seen[RUNS] - seen[2000]) / (RUNS - 2000)
    print(f"parent grew by {grown_mb:.1f} MB, {per_run_kb:.2f} kB a run; {cpu_ms / RUNS:.2f} ms of CPU a run")
    assert grown_mb <= 50.0 and per_run_kb <= 10.0


@pytest.mark.long
def test_no_object_is_kept_for_a_run_that_is_on_the_disk(tmp_path: Path):
    def peak(seeds: int) -> int:
        wanted = plan(seeds=seeds, shard=20, series=None)
        folder = folder_of(tmp_path / f"{seeds}", wanted)
        run_sweep(folder_of(tmp_path / f"first {seeds}", plan(series=None)), lanes=[inline()], work=counted)
        tracemalloc.start()
        run_sweep(folder, lanes=[inline()], work=counted)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert (peak(250) - peak(50)) / 800 <= 1024.0  # bytes a run


def test_the_pace_does_not_count_the_start_of_workers():
    tally = Tally(total=100, done=0)
    tally.started -= 60.0
    assert tally.left_s == float("inf") and tally.per_s == 0.0
    for busy_s in (2.0, 2.0):
        tally.count(busy_s)
        tally.done += 1
    assert tally.per_s == pytest.approx(1.0, rel=0.01) and tally.left_s == pytest.approx(98.0, rel=0.01)
    assert tally.working_s == pytest.approx(2.0, rel=0.01) and tally.busy_s == 4.0
