"""A news path from a CSV file of the user's own: read once with the scenario, points from then on."""

import csv
import math
from pathlib import Path

from sim.settings.problems import Document, Place, Problem, shown

COLUMNS = ("value", "return")
MOST_BYTES, MOST_ROWS = 1_000_000, 10_000
_KEYS = ("news", "path")


def read_news_csv(document: Document, folder: Path, *, inside: bool) -> None:
    """Replace ``news.path: file.csv`` of one document by the points in that file; what is wrong joins its problems.

    Parameters
    ----------
    document : Document
        Changed in place.
    folder : Path
        Where the name is looked up.
    inside : bool
        Whether the file must lie in or below the folder, as for a name that stands in a scenario file.
    """
    news = document.data.get("news") if isinstance(document.data, dict) else None
    name = news.get("path") if isinstance(news, dict) else None
    if not isinstance(news, dict) or not isinstance(name, str) or not name.lower().endswith(".csv"):
        return
    try:
        news["path"] = _points(_text(folder, name, inside), name)
    except ValueError as error:
        place = document.place_of(_KEYS, Place("?", 1, 1))
        document.problems.append(Problem(place, _KEYS, str(error)))
        news["path"] = None


def _text(folder: Path, name: str, inside: bool) -> str:
    """Text of the file, or a ValueError in words."""
    path = folder / name
    try:
        if inside and not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{name!r} leaves the folder of this file: put the CSV file in or below it")
        if not path.is_file():
            raise ValueError(f"no file {name!r} beside this scenario")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{name!r} is larger than {MOST_BYTES:,} bytes: keep fewer rows")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name!r} is not UTF-8 text: save it as CSV in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{name!r} cannot be read ({error.strerror})") from None


def _points(text: str, name: str) -> list[dict[str, object]]:
    """Points of the path: times as they stand, moves against the first row (value) or multiplied up (return)."""
    from sim.settings.fields import field_extra  # models are slow to import, and seldom needed here
    from sim.settings.news import NewsPoint

    rows = [
        (line, [cell.strip() for cell in row])
        for line, row in enumerate(csv.reader(text.splitlines()), start=1)
        if row and any(row) and not row[0].lstrip().startswith("#")
    ]
    if not rows or len(rows[0][1]) != 2 or rows[0][1][0] != "seconds" or rows[0][1][1] not in COLUMNS:
        found = ",".join(rows[0][1])[:40] if rows else ""
        raise ValueError(f"{name!r} must begin with 'seconds,value' or 'seconds,return', got {found!r}")
    what = rows[0][1][1]
    if not 1 <= len(rows) - 1 <= MOST_ROWS:
        raise ValueError(f"{name!r} holds {len(rows) - 1} rows: give 1 to {MOST_ROWS}")
    low, high = (float(field_extra(NewsPoint, "move")[end]) for end in ("minimum", "maximum"))
    points: list[dict[str, object]] = []
    before, first, level = -1.0, 0.0, 1.0
    for line, row in rows[1:]:
        where = f"{name!r} line {line}"
        if len(row) != 2:
            raise ValueError(f"{where}: expected 2 columns, got {len(row)}")
        seconds, figure = (_number(cell, where) for cell in row)
        if seconds < 0.0 or seconds <= before:
            raise ValueError(f"{where}: seconds must start at 0 or later and rise, got {seconds:g} after {before:g}")
        if what == "value":
            if figure <= 0.0:
                raise ValueError(f"{where}: value must be above 0, got {figure:g}")
            first = first or figure
            level = figure / first
        else:
            level *= 1.0 + figure
        if not low <= level - 1.0 <= high:
            raise ValueError(f"{where}: moves the value by {level - 1.0:+.0%}; allowed is {low:+.0%} to {high:+.0%}")
        points.append({"at": f"{seconds!r}s", "move": level - 1.0})
        before = seconds
    return points


def _number(cell: str, where: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where}: expected a number, got {shown(cell)}")
    return number
