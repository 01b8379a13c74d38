"""The one format of every derived file, so that a file is reproduced byte for byte."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

DERIVED = Path(__file__).resolve().parent / "derived"
EVIDENCE_VARIABLE = "SHOAL_EVIDENCE"
START = "20:20"  # time 0 of every derived path of the event, UTC (DECISIONS 21)

Cell = str | int | None


@dataclass(frozen=True)
class Figure:
    """One figure as printed: row of the evidence table, name, value, unit, source."""

    row: str
    name: str
    value: str
    unit: str
    source: str


def table(header: Sequence[str], columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Text of a derived file.

    Parameters
    ----------
    header : sequence of str
        Lines about source, method, rounding and licence; each becomes a ``#`` line.
    columns : sequence of str
    rows : iterable of sequence
        Cells already rounded; None becomes an empty cell.
    """
    lines = [f"# {line}" for line in header] + [",".join(columns)]
    lines += [",".join("" if cell is None else quoted(str(cell)) for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A cell as CSV wants it."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def seconds(moment: pd.Timestamp) -> int:
    """Whole seconds from ``START`` of 10 October 2025."""
    return round((moment - pd.Timestamp(f"2025-10-10 {START}")).total_seconds())


def clock(second: int) -> str:
    """Time of day, UTC, HH:MM; midnight at the end of the day is 24:00."""
    minutes = 20 * 60 + 20 + second // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def evidence_folder() -> Path | None:
    """Folder with the recorded data, from the environment variable ``SHOAL_EVIDENCE``; None without one."""
    named = os.environ.get(EVIDENCE_VARIABLE)
    folder = Path(named) / "data" if named else None
    return folder if folder is not None and folder.is_dir() else None
