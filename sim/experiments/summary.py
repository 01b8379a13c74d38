"""``manifest.json`` of a sweep: code, machine, counts, sessions; and what a sweep will cost before it is started."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.experiments import tables
from sim.experiments.cells import OK, Outcome, run_cell
from sim.experiments.plan import SCHEMA, Plan
from sim.experiments.store import MANIFEST, RUNS, SERIES, Store, sealed, write_whole
from sim.results.manifest import code, now_utc, text_hash
from sim.results.storage import json_bytes

if TYPE_CHECKING:
    from sim.experiments.sweep import Tally


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
        "sessions": [*_sessions(path), session],
    }
    write_whole(path, json_bytes(manifest))


def _files(store: Store, kind: str) -> list[Path]:
    return list(sealed(store.folder, kind).values())


def _sessions(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_bytes())["sessions"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return found if isinstance(found, list) else []


class Estimate(NamedTuple):
    """What a sweep will take, judged by one run of its first point."""

    runs: int
    points: int
    one_run_s: float
    time_s: float
    disk_bytes: int


def estimate(plan: Plan, done: int, workers: int) -> Estimate:
    """Make the first run and tell what all will take.

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
    """
    runs = plan.count()
    point, seed = next(iter(plan.shards()))[0]
    run_cell(plan.cell(point, seed))  # the first one also compiles, or loads, the kernels
    begin = time.perf_counter()
    outcome = run_cell(plan.cell(point, seed))
    one_s = time.perf_counter() - begin
    files = runs / plan.shard + 1.0
    one = len(tables.runs_bytes([outcome], plan))
    disk = files * one + runs * (8.0 * len(tables.numbers_of(plan)) + 200.0)
    if outcome.path and outcome.row["status"] == OK:
        disk += files * len(tables.series_bytes([_empty(outcome)], plan)) + runs * len(outcome.path)
    return Estimate(runs, len(plan.points), one_s, one_s * (runs - done) / workers, round(disk))


def _empty(outcome: Outcome) -> Outcome:
    return outcome._replace(path=b"")
