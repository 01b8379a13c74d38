"""Sweeps: share of the workers' time that goes into runs, two workers against one, time foreseen, cost of the engine.

Wants an idle machine with two processors: what else runs on them counts as the sweep's loss.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sim.experiments.cells import Cell, Outcome
from sim.experiments.design import Design
from sim.experiments.plan import Plan, make_plan
from sim.experiments.store import MANIFEST, save_plan
from sim.experiments.summary import estimate
from sim.experiments.sweep import Lane, run_sweep
from sim.experiments.workers import Worker
from tests.bench.clock import cpu_seconds
from tests.bench.scale import CELL

RUNS, EMPTY_RUNS = 64, 2_000
# Runs of one scenario and seeds of their own, without an engine: what the machine itself loses to a second process.
BARE = """
import json, sys, time
from sim.experiments.cells import run_cell
from tests.bench.sweep import plan_of
wanted, first = plan_of(int(sys.argv[2])), int(sys.argv[1])
keys = [key for shard in wanted.shards() for key in shard]
run_cell(wanted.cell(*keys[0]))
print("ready", flush=True)
sys.stdin.readline()
begin = time.perf_counter()
for key in keys:
    run_cell(wanted.cell(*key))
print(len(keys) / (time.perf_counter() - begin))
"""


def plan_of(runs: int) -> Plan:
    """The sweep cell of the scale figures at four depths."""
    depths = [1.0, 0.8, 0.6, 0.4]
    wanted: dict[str, Any] = {"name": "bench", "scenario": "calm_btc", "set": CELL}
    wanted |= {"parameters": {"market.depth_scale_visible": depths}, "shard": 16}
    return make_plan(Design.model_validate(wanted), range(1, runs // len(depths) + 1))


def swept(plan: Plan, workers: int) -> dict[str, float]:
    """Make a sweep in a folder of its own: its session as the manifest has it, and CPU seconds of the driver."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "sweep"
        folder.mkdir()
        save_plan(folder, plan)
        begin = cpu_seconds()
        run_sweep(folder, workers)
        driver_s = cpu_seconds() - begin
        session = json.loads((folder / MANIFEST).read_bytes())["sessions"][0]
    return {**{k: session[k] for k in ("runs", "elapsed_s", "working_s", "busy_s")}, "driver_s": driver_s}


def pair(runs: int = RUNS) -> dict[str, float]:
    """The same sweep on one worker and on two, in turn, and what ``estimate`` said of it.

    Returns
    -------
    dict
        ``share`` of the workers' time in runs once they are at work, ``whole_share`` with their start; ``scaling``
        runs a second on two workers over twice those on one; ``bare`` the same for processes without an engine;
        ``foreseen`` time over the time taken; ``driver_ms`` CPU of the driver a run.
    """
    plan = plan_of(runs)
    foreseen_s = estimate(plan, 0, 2).time_s
    one, two = swept(plan, 1), swept(plan, 2)
    bare_one, bare_two = bare(1, runs // 2), bare(2, runs // 2)
    return {
        "share": two["busy_s"] / (2.0 * two["working_s"]),
        "whole_share": two["busy_s"] / (2.0 * two["elapsed_s"]),
        "scaling": two["runs"] / two["working_s"] / (2.0 * one["runs"] / one["working_s"]),
        "bare": bare_two / (2.0 * bare_one),
        "runs_per_s": two["runs"] / two["working_s"],
        "start_s": two["elapsed_s"] - two["working_s"],
        "foreseen": foreseen_s / two["elapsed_s"],
        "driver_ms": 1e3 * two["driver_s"] / two["runs"],
    }


def bare(processes: int, runs: int) -> float:
    """Runs a second of processes side by side that make runs and nothing else."""
    command = [sys.executable, "-c", BARE]
    env = {**os.environ, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([*command, str(k), str(runs)], stdin=-1, stdout=-1, text=True, env=env)
        for k in range(processes)
    ]
    for process in started:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in started)


def empty_run(cell: Cell) -> Outcome:
    """A run of no work whose row is as long as a real one."""
    from sim.experiments.cells import OK
    from sim.experiments.tables import measured

    row = {"run_id": f"{cell.seed:012x}", "point": cell.point, "seed": cell.seed, "status": OK, "error": None}
    numbers = {name: 1.5 for name in measured() if name != "low_time_utc"}
    return Outcome(cell.point, cell.seed, {**row, "result_sha256": "0" * 64, **numbers, "low_time_utc": "x"})


def engine_ms(runs: int = EMPTY_RUNS) -> tuple[float, float]:
    """Wall and driver's CPU milliseconds a run of the engine alone: runs of no work through two spawned workers."""
    plan = plan_of(runs)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "sweep"
        folder.mkdir()
        save_plan(folder, plan)
        cpu = cpu_seconds()
        since: list[float] = []

        def first(_tally: object) -> None:
            since.append(time.perf_counter())

        run_sweep(folder, told=first, lanes=[Lane(Worker) for _ in range(2)], work=empty_run)
        return 1e3 * (time.perf_counter() - since[0]) / runs, 1e3 * (cpu_seconds() - cpu) / runs
