"""SQL over the results of a sweep: read-only, and blind to every file outside the sweep's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import DataError, ResultError
from sim.experiments import costs, tables
from sim.experiments.plan import Plan
from sim.experiments.store import RUNS, SERIES, read_plan, sealed, unsealed, whole

if TYPE_CHECKING:
    import pandas as pd

VIEWS = ("runs", "series", "points", "costs")


def query(folder: Path, sql: str) -> pd.DataFrame:
    """Answer one SQL query.

    Parameters
    ----------
    folder : Path
        A sweep folder; it may still be at work.
    sql : str
        One SELECT over ``runs`` (with a column for each parameter, by its dotted path, to be put in double quotes),
        ``series``, ``points`` and ``costs``.

    Returns
    -------
    pandas.DataFrame
        The answer.

    Raises
    ------
    ResultError
        When a result file was altered, or DuckDB is not installed.
    DataError
        When the query is not one SELECT, or DuckDB refuses it.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise ResultError("shoal query needs DuckDB: pip install 'shoal[sweep]'") from error
    plan = read_plan(folder)
    connection = duckdb.connect(":memory:")
    try:
        for name, table in _tables(folder, plan).items():
            connection.register(name, table)
        shown = "".join(f', p."{path}"' for path in map(_quoted, plan.units))
        connection.execute(f"CREATE VIEW runs AS SELECT r.*{shown} FROM made r LEFT JOIN points p USING (point)")
        for setting in (
            "python_enable_replacements = false",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise DataError("one SELECT is expected: a sweep is queried, never changed")
        answer: pd.DataFrame = connection.execute(statements[0]).df()
    except duckdb.Error as error:
        raise DataError(f"the query is refused: {error}") from error
    finally:
        connection.close()
    return answer


def _tables(folder: Path, plan: Plan) -> dict[str, Any]:
    """What the names of a query stand for; result files are read as they are asked for."""
    import pandas as pd
    import pyarrow as pa

    waiting = unsealed(folder)
    rows = tables.runs_frame([o.row for o in waiting], plan)
    paths = tables.series_frame(waiting, plan)
    points = pd.DataFrame([{"point": p.id, **p.values} for p in plan.points.values()], columns=["point", *plan.units])
    took = pd.DataFrame(costs.read(folder), columns=list(costs.COLUMNS))
    return {
        "made": _dataset(folder, RUNS, rows),
        "series": _dataset(folder, SERIES, paths),
        "points": pa.Table.from_pandas(points, preserve_index=False),
        "costs": pa.Table.from_pandas(took, preserve_index=False),
    }


def _dataset(folder: Path, kind: str, waiting: pd.DataFrame) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    files = whole(sealed(folder, kind).values())
    if not files:
        return pa.Table.from_pandas(waiting, preserve_index=False)
    there = ds.dataset(files)
    if waiting.empty:
        return there
    table = pa.Table.from_pandas(waiting, preserve_index=False).cast(there.schema)
    return ds.dataset([there, ds.dataset(table)])


def _quoted(name: str) -> str:
    return name.replace('"', '""')
