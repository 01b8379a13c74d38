"""An answer of one table and one figure: its folder, and the table as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from sim.experiments.store import write_whole
from sim.report import style
from sim.results.storage import csv_bytes, parquet_bytes

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, tuple[str, str]]


def write(place: Path, name: str, frame: pd.DataFrame, columns: Columns, figure: Figure | None) -> None:
    """Table as Parquet and CSV, units and meanings beside it, and the figure as SVG: the same answer, the same bytes.

    Parameters
    ----------
    place : Path
        A folder within that of the runs, made when missing.
    name : str
        Of the files.
    frame : pandas.DataFrame
    columns : mapping
        Column to unit and meaning.
    figure : Figure, optional
    """
    import pandas as pd

    place.mkdir(exist_ok=True)
    run_id = place.parent.name.rpartition("-")[2]
    write_whole(place / f"{name}.csv", csv_bytes(frame))
    write_whole(place / f"{name}.parquet", parquet_bytes(frame, run_id, columns))
    told = pd.DataFrame([(column, *said) for column, said in columns.items()], columns=["column", "unit", "meaning"])
    write_whole(place / "units.csv", csv_bytes(told))
    if figure is not None:
        write_whole(place / f"{name}.svg", style.svg_bytes(figure, f"{run_id}-{name}"))


def text_rows(frame: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """Some columns of a table in aligned text; columns that are empty throughout are left out."""
    used = [name for name in shown if not frame[name].isna().all()]
    rows = [used, *([_cell(row[name]) for name in used] for _, row in frame.iterrows())]
    wide = [max(len(row[k]) for row in rows) for k in range(len(used))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return str(value)
