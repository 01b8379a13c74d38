"""A sweep as one tidy table, in Parquet and CSV with units beside it, and a LaTeX table of its points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import DataError
from sim.experiments import tables
from sim.experiments.cells import OK
from sim.experiments.merge import outcomes_of
from sim.experiments.plan import Plan
from sim.experiments.store import read_plan, write_whole

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("drop_from_start", "max_drawdown", "forced_share_of_oi")
"""Numbers of the LaTeX table where none are named."""


def export(folder: Path, out: Path, numbers: Sequence[str] = SHOWN) -> list[Path]:
    """Write ``<name>.parquet``, ``<name>.csv``, ``<name>.units.csv`` and ``<name>.tex``.

    Parameters
    ----------
    folder : Path
        A sweep folder.
    out : Path
        Where the files go; made when missing.
    numbers : sequence of str
        Columns of the LaTeX table.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    DataError
        When a number does not exist.
    ResultError
        When a result file was altered.
    """
    from sim.results.storage import csv_bytes, parquet_bytes

    plan = read_plan(folder)
    there = tables.numbers_of(plan)
    unknown = [name for name in numbers if name not in there or name in tables.TEXT]
    if unknown:
        raise DataError(f"no number {unknown[0]!r}; there are: {', '.join(there)}")
    frame = tidy(folder, plan)
    said = units(plan)
    files = {
        f"{plan.name}.parquet": parquet_bytes(frame, plan.id, said),
        f"{plan.name}.csv": csv_bytes(frame),
        f"{plan.name}.units.csv": units_csv(frame, said),
        f"{plan.name}.tex": latex(plan, frame, numbers).encode(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_whole(out / name, data)
    return [out / name for name in files]


def tidy(folder: Path, plan: Plan) -> pd.DataFrame:
    """One row a run in the order of the design: identity, parameters, numbers."""
    import pandas as pd

    found = {(o.point, o.seed): o.row for o in outcomes_of(folder, plan)}
    keys = [key for runs in plan.shards() for key in runs if key in found]
    rows = tables.runs_frame([found[key] for key in keys], plan)
    values = pd.DataFrame([plan.points[point].values for point, _ in keys], columns=list(plan.units))
    head = [name for name in tables.HEAD if name in rows]
    return pd.concat([rows[head], values, rows.drop(columns=head)], axis=1)


def units(plan: Plan) -> dict[str, tuple[str, str]]:
    """Unit and meaning of each column of the tidy table."""
    parameters = {path: (unit, "parameter of the design") for path, unit in plan.units.items()}
    return {**tables.HEAD, **parameters, **tables.numbers_of(plan)}


def units_csv(frame: pd.DataFrame, said: Mapping[str, tuple[str, str]]) -> bytes:
    """Sidecar of a table: column, unit, meaning."""
    import pandas as pd

    from sim.results.storage import csv_bytes

    rows = [(column, *said[column]) for column in frame.columns]
    return csv_bytes(pd.DataFrame(rows, columns=["column", "unit", "meaning"]))


def latex(plan: Plan, frame: pd.DataFrame, numbers: Sequence[str]) -> str:
    """Table of the points: parameters, runs that ended well, median and 10-90 % range over seeds of some numbers."""
    from sim.results.summary import over_seeds

    said = units(plan)
    heads = [c + (f" [{said[c][0]}]" if said[c][0] else "") for c in (*plan.units, *numbers)]
    heads.insert(len(plan.units), "runs")
    rows = []
    for point, runs in frame[frame["status"] == OK].groupby("point", sort=False):
        over = over_seeds([{name: row[name] for name in numbers} for _, row in runs.iterrows()])
        cells = [escaped(_figure(plan.points[str(point)].values[path])) for path in plan.units]
        rows.append([*cells, str(len(runs)), *(_range(over[name]) for name in numbers)])
    what = f"sweep {plan.id}: median [10%, 90%] over seeds"
    return latex_table(what, f"{'l' * len(plan.units)}r{'l' * len(numbers)}", [escaped(head) for head in heads], rows)


def latex_table(what: str, columns: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a LaTeX table of cells that are LaTeX already, for the package booktabs."""
    lines = [
        f"% {what}; scenario outcomes given this model, not a forecast",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        " & ".join(heads) + " \\\\",
        "\\midrule",
        *(" & ".join(row) + " \\\\" for row in rows),
    ]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _range(found: Mapping[str, float]) -> str:
    if not found["n"]:
        return "--"
    return f"${_figure(found['median'])}$ [${_figure(found['p10'])}$, ${_figure(found['p90'])}$]"


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^#$%&_{}]", lambda m: special.get(m[0], f"\\{m[0]}"), text)
