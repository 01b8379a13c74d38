"""Result files of a sweep: one row a run, and rows of thinned paths. The same outcomes give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiments.cells import OK, Outcome

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.plan import Plan

HEAD = {
    "run_id": ("", "what `shoal run` calls a run of this scenario and seed"),
    "point": ("", "identity of the scenario: hash of its settings, venue profile and data files"),
    "seed": ("", "key of all random draws"),
    "status": ("", "ok or failed"),
    "error": ("", "why the run failed"),
    "result_sha256": ("", "hash of all the run recorded and of its last state"),
}
TEXT = ("low_time_utc",)


def measured() -> dict[str, tuple[str, str]]:
    """Numbers of a run in a sweep: name to unit and meaning."""
    from sim.metrics import METRICS

    return {
        **{m.name: (m.unit, m.meaning) for m in METRICS},
        "drop_from_2049": ("fraction", "lowest mark after the second headline over the close of 20:49 (replays alone)"),
        "low_time_utc": ("UTC", "time of the lowest mark"),
    }


def numbers_of(plan: Plan) -> dict[str, tuple[str, str]]:
    """Numbers of a run in this sweep, those of its measure included: name to unit and meaning."""
    from sim.experiments.measures import columns_of

    return {**measured(), **columns_of(plan.measure)}


def runs_frame(rows: Sequence[dict[str, Any]], plan: Plan) -> pd.DataFrame:
    """One row a run: identity, status, every number; numbers of a failed run are empty."""
    import pandas as pd

    numbers = numbers_of(plan)
    frame = pd.DataFrame({name: [row.get(name) for row in rows] for name in (*HEAD, *numbers)})
    for name in numbers:
        if name not in TEXT:
            frame[name] = frame[name].astype("float64")
    for name in (*(name for name in HEAD if name != "seed"), *TEXT):
        frame[name] = frame[name].astype("str").where(frame[name].notna(), None).astype("str")
    return frame.astype({"seed": "int64"})


def runs_bytes(outcomes: Sequence[Outcome], plan: Plan) -> bytes:
    """Result file of rows."""
    from sim.results.storage import parquet_bytes

    return parquet_bytes(runs_frame([o.row for o in outcomes], plan), plan.kernel_sha256, {**HEAD, **numbers_of(plan)})


def series_frame(outcomes: Sequence[Outcome], plan: Plan) -> pd.DataFrame:
    """Thinned paths below one another: point, seed, ``elapsed_s`` and the columns kept, in single precision."""
    import numpy as np
    import pandas as pd

    names = ("elapsed_s", *plan.columns)
    whole = [o for o in outcomes if o.path]
    paths = [np.frombuffer(o.path, dtype="<f4").reshape(len(names), -1) for o in whole]
    rows = [path.shape[1] for path in paths]
    together = np.concatenate(paths, axis=1) if paths else np.empty((len(names), 0), dtype="<f4")
    table = {
        "point": pd.array(np.repeat([o.point for o in whole], rows), dtype="str"),
        "seed": np.repeat(np.array([o.seed for o in whole], dtype=np.int64), rows),
    }
    return pd.DataFrame(table | dict(zip(names, together, strict=True)))


def series_bytes(outcomes: Sequence[Outcome], plan: Plan) -> bytes:
    """Result file of thinned paths."""
    from sim.results.storage import parquet_bytes

    return parquet_bytes(series_frame(outcomes, plan), plan.kernel_sha256, HEAD)


def keys(path: Path) -> list[tuple[tuple[str, int], str]]:
    """Point, seed and status of each row of a result file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["point", "seed", "status"]).to_pydict()
    return list(zip(zip(table["point"], table["seed"], strict=True), table["status"], strict=True))


def made_by(path: Path) -> str:
    """Hash of the compiled code that made a result file, as the file says."""
    import pyarrow.parquet as pq

    said = (pq.read_schema(path).metadata or {}).get(b"shoal_run_id", b"")
    return bytes(said).decode()


def path_keys(path: Path) -> list[tuple[str, int]]:
    """Point and seed of the runs whose paths are in a result file, in order."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["point", "seed"])
    found = table.group_by(["point", "seed"], use_threads=False).aggregate([]).to_pydict()
    return list(zip(found["point"], found["seed"], strict=True))


def outcomes(runs: Path, series: Path | None, plan: Plan) -> list[Outcome]:
    """Back from result files to what made them, without the costs."""
    import numpy as np
    import pyarrow.parquet as pq

    rows = pq.read_table(runs).to_pylist()
    paths: dict[tuple[str, int], bytes] = {}
    if series is not None:
        frame = pq.read_table(series).to_pandas()
        for (point, seed), group in frame.groupby(["point", "seed"], sort=False):
            columns = group[["elapsed_s", *plan.columns]].to_numpy(dtype="<f4")
            paths[point, seed] = np.ascontiguousarray(columns.T).tobytes()
    return [Outcome(r["point"], r["seed"], _row(r), paths.get((r["point"], r["seed"]), b"")) for r in rows]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Row without what a failed run has not; numbers that were not defined are NaN again."""
    head = {name: row[name] for name in HEAD}
    return head | {k: v for k, v in row.items() if k not in HEAD} if row["status"] == OK else head
