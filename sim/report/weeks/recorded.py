"""The recorded points of the weeks, ``weeks_recorded.csv``, as lines."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd

from sim.errors import DataError
from sim.report.weeks.beside import Series, Start, put
from sim.report.weeks.lines import Found
from sim.scenario.places import derived_dir

FILE = "weeks_recorded.csv"
WORDS = "words"
_KEYS = ("figure", "series", "date", "value", "unit", "bound", "source", "grade")


def recorded(start: Start) -> Found:
    """Every recorded point in the panels that take it; rows that are no points as sentences.

    Parameters
    ----------
    start : Start

    Raises
    ------
    DataError
        When the file is not there or not readable.
    """
    found, groups = Found(), dict[tuple[str, str, str], list[dict[str, str]]]()
    for row in rows():
        if row["bound"] == WORDS:
            panel = _panel_of_words(row["figure"])
            said = f"{row['series']}: {row['value']} {row['unit']} ({row['source']}, {row['grade']})"
            found.say(row["figure"], panel, f"Recorded: {said}")
        else:
            groups.setdefault((row["figure"], row["series"], row["unit"]), []).append(row)
    for (figure, name, unit), of in groups.items():
        of.sort(key=lambda row: pd.Timestamp(row["date"]).tz_localize(None))
        series = Series(
            figure, name, "recorded", unit, moments([row["date"] for row in of]),
            np.array([float(row["value"]) for row in of]), tuple(row["bound"] for row in of),
            "; ".join(dict.fromkeys(row["source"] for row in of)), "".join(sorted({row["grade"] for row in of})),
        )  # fmt: skip
        put(series, start, found)
    return found


def _panel_of_words(figure: str) -> str:
    return {"macro": "index", "etf": "flow", "treasuries": "premium", "lending": "share"}[figure]


def moments(dates: list[str]) -> pd.DatetimeIndex:
    """Dates and times of the file, UTC; a date is its 00:00."""
    return pd.DatetimeIndex([pd.Timestamp(text).tz_localize(None) for text in dates]).as_unit("us").tz_localize("UTC")


def rows() -> list[dict[str, str]]:
    """Rows of the file as text.

    Raises
    ------
    DataError
        When it is not there, or a row lacks a column or a number.
    """
    file = derived_dir() / FILE
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        cure = "write it with 'python -m calibration.derive' in a clone of the repository"
        raise DataError(f"{file.name}: cannot be read ({error.strerror}); {cure}") from error
    out = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    for row in out:
        try:
            float(row["value"]), pd.Timestamp(row["date"])
            assert all(row[key] is not None for key in _KEYS)
        except (KeyError, ValueError, TypeError, AssertionError):
            raise DataError(f"{file.name}: a row is damaged: {dict(row)}; make it anew") from None
    return out
