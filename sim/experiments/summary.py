"""``manifest.json`` of a sweep: code, machine, counts, sessions; and what a sweep will cost before it is started."""

from __future__ import annotations

import math
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.errors import ResultError
from sim.experiments import tables
from sim.experiments.cells import OK, Outcome, run_cell
from sim.experiments.plan import SCHEMA, Plan
from sim.experiments.store import MANIFEST, RUNS, SERIES, Store, read_manifest, sealed, write_manifest_file
from sim.experiments.workers import Worker
from sim.results.manifest import code, now_utc, text_hash

if TYPE_CHECKING:
    from sim.experiments.sweep import Tally

_TRIED = 4
"""Points of which a run is made to judge what a sweep takes."""


def write_manifest(store: Store, tally: Tally, started_utc: str, workers: int) -> None:
    """Say what is in the folder; for people and records, no result depends on it."""
    path = store.folder / MANIFEST
    files = {p.relative_to(store.folder).as_posix(): p.stat().st_size for k in (RUNS, SERIES) for p in _files(store, k)}
    session = {
        "started_utc": started_utc,
        "ended_utc": now_utc(),
        "workers": workers,
        "runs": tally.made,
        "elapsed_s": time.monotonic() - tally.started,
        "working_s": tally.working_s,
        "busy_s": tally.busy_s,
        "handed_out_again": tally.repeated,
        "interrupted": tally.interrupted,
        "set_aside": list(tally.damaged),
    }
    manifest = {
        "kind": "sweep",
        "schema": SCHEMA,
        **code(),
        "plan_sha256": text_hash(store.plan.plain()),
        "name": store.plan.name,
        "status": "complete" if tally.done == tally.total else "incomplete",
        "points": len(store.plan.points),
        "runs": tally.total,
        "done": tally.done,
        "failed": tally.failed,
        "files": files,
        "sessions": [*(read_manifest(path) or {}).get("sessions", []), session],
    }
    write_manifest_file(path, manifest)


def _files(store: Store, kind: str) -> list[Path]:
    return list(sealed(store.folder, kind).values())


class Estimate(NamedTuple):
    """What a sweep will take, judged by a run each of a few of its points."""

    runs: int
    points: int
    start_s: float
    """Until a worker is at work on its first run."""
    one_run_s: float
    """Mean of the runs made."""
    time_s: float
    disk_bytes: int


def estimate(plan: Plan, done: int, workers: int) -> Estimate:
    """Make a few runs in a worker, of points spread over the design, and tell what all will take.

    Parameters
    ----------
    plan : Plan
        What would be run.
    done : int
        Runs that are there already.
    workers : int
        Processes that share the work.

    Returns
    -------
    Estimate
        Time on ``workers`` idle processors; disk as if nothing compressed across runs, so at most about that.

    Raises
    ------
    ResultError
        When the worker dies, or code or data are not those of the plan.
    """
    runs = plan.count()
    seed, points = plan.parts[0].seeds[0], plan.parts[0].points
    tried = [(points[k], seed) for k in spread(len(points), _TRIED)]
    worker, took_s = Worker(), []
    try:
        for key in (tried[0], *tried):  # the first one starts the worker and loads the kernels
            begin = time.perf_counter()
            outcome = worker.executor.submit(run_cell, plan.cell(*key)).result()
            took_s.append(time.perf_counter() - begin)
    except BrokenExecutor as error:
        raise ResultError(f"the worker died at the first runs ({worker.how_it_ended()})") from error
    finally:
        worker.kill()
    one_s = sum(took_s[1:]) / len(tried)
    start_s = max(0.0, took_s[0] - took_s[1])
    files = runs / plan.shard + 1.0
    one = len(tables.runs_bytes([outcome], plan))
    disk = files * one + runs * (8.0 * len(tables.numbers_of(plan)) + 200.0)
    if outcome.path and outcome.row["status"] == OK:
        disk += files * len(tables.series_bytes([_empty(outcome)], plan)) + runs * len(outcome.path)
    time_s = start_s + one_s * math.ceil((runs - done) / workers) if done < runs else 0.0
    return Estimate(runs, len(plan.points), start_s, one_s, time_s, round(disk))


def spread(n: int, most: int) -> list[int]:
    """Up to ``most`` of n places, from the first to the last: not each m-th, as an axis of a grid may repeat there."""
    if n <= most:
        return list(range(n))
    return [round(k * (n - 1) / (most - 1)) for k in range(most)]


def _empty(outcome: Outcome) -> Outcome:
    return outcome._replace(path=b"")
