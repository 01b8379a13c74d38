"""One run of a sweep: what a worker is handed, what it does, what it hands back."""

from __future__ import annotations

import io
import json
import os
import resource
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import ResultError

OK, FAILED = "ok", "failed"
_COSTS = ("cpu_s", "wall_s", "messages_per_cpu_s", "simulated_s_per_cpu_s")
_PACKAGE = Path(__file__).resolve().parents[1]


class Cell(NamedTuple):
    """One run to be made."""

    point: str
    """Identity of the resolved scenario, 16 hex digits."""
    seed: int
    scenario: str
    """The resolved scenario as JSON."""
    kernel: str
    """Hash of the compiled sources that made the plan."""
    columns: tuple[str, ...] = ()
    """Columns of ``series`` to keep."""
    every_s: float = 0.0
    measure: dict[str, Any] = {}
    """Measure of the plan with its arguments (``measures.py``); empty for the summary alone."""


class Outcome(NamedTuple):
    """What became of a cell: a row of numbers or an error, perhaps a thinned path; and the cost, which is no result."""

    point: str
    seed: int
    row: dict[str, Any]
    path: bytes = b""
    """Little-endian float32, one after the other: ``elapsed_s``, then each column; empty when none is kept."""
    cost: dict[str, float] = {}


def run_cell(cell: Cell) -> Outcome:
    """Make one run; an error of the run becomes a row.

    Raises
    ------
    ResultError
        When code, venue profile or data of this worker are not those of the plan, or the plan asks for a column that
        does not exist: nothing it made could be kept.
    """
    from sim.experiments.measures import measure_of
    from sim.kernel_cache import kernel_hash
    from sim.results.manifest import text_hash
    from sim.results.storage import plain
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

    begin, begin_cpu = time.perf_counter(), time.process_time()
    scenario = Scenario(Spec.model_validate(json.loads(cell.scenario)))
    if kernel_hash() != cell.kernel:
        raise ResultError("the compiled code of a worker is not that of the plan: use one version of shoal everywhere")
    if text_hash(scenario.resolved)[:16] != cell.point:
        raise ResultError(
            "the venue profile or a data file changed since the sweep was planned: old and new results would mix;"
            " start in a new folder"
        )
    head = {"run_id": scenario.run_id((cell.seed,)), "point": cell.point, "seed": cell.seed}
    try:
        extra: dict[str, float] = {}
        if cell.measure:
            run, extra = measure_of(cell.measure).make(scenario, cell.seed, cell.measure)
        else:
            run = scenario.run(cell.seed)
        numbers = {name: value for name, value in plain(run.summary).items() if name not in _COSTS}
        row = {**head, "status": OK, "error": None, "result_sha256": text_hash(run.hashes), **numbers, **plain(extra)}
    except Exception as error:  # the run, not the sweep, failed
        row = {**head, "status": FAILED, "error": _told(error)}
        return Outcome(cell.point, cell.seed, row, cost={"busy_s": time.perf_counter() - begin})
    path = _thinned(run.series, cell.columns, cell.every_s) if cell.columns else b""
    cpu_s = time.process_time() - begin_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    busy_s = time.perf_counter() - begin
    cost = {"cpu_s": cpu_s, "wall_s": run.timing.wall_s, "busy_s": busy_s, "worker_peak_mb": peak_mb}
    return Outcome(cell.point, cell.seed, row, path, cost)


def _told(error: Exception) -> str:
    """Kind, sentence and place of an error, without paths of the machine: the same on every machine."""
    places = []
    for frame in traceback.extract_tb(error.__traceback__):
        file = Path(frame.filename)
        shown = file.relative_to(_PACKAGE.parent) if file.is_relative_to(_PACKAGE) else Path(file.name)
        places.append(f"{shown.as_posix()}:{frame.lineno}")
    return f"{type(error).__name__}: {error} (at {' < '.join(reversed(places[-4:]))})".replace(os.sep * 2, os.sep)


def is_flow(column: str) -> bool:
    """Whether a column of ``series`` counts what happened in its interval, and so adds up over intervals."""
    from sim.results.frames import meaning_of

    return meaning_of(column).endswith("in the interval")


def _thinned(series: Any, columns: tuple[str, ...], every_s: float) -> bytes:
    """Rows each ``every_s``: levels at the end of the interval, flows summed over it."""
    import numpy as np

    unknown = [c for c in columns if c not in series]
    if unknown:
        raise ResultError(f"series has no column {unknown[0]!r}; it has {', '.join(series.columns)}")
    elapsed_s = series["elapsed_s"].to_numpy()
    group = np.ceil(np.round(elapsed_s / every_s, 9)).astype(np.int64)  # (0, every] is 1; the row of the start is 0
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    last = np.r_[first[1:], len(group)] - 1
    out = io.BytesIO()
    out.write(elapsed_s[last].astype("<f4").tobytes())
    for column in columns:
        values = series[column].to_numpy().astype(np.float64)
        kept = np.add.reduceat(values, first) if is_flow(column) else values[last]
        out.write(kept.astype("<f4").tobytes())
    return out.getvalue()
