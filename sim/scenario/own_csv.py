"""CSV files of the user's own that a scenario names: read once with the scenario, plain settings from then on."""

import csv
import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from sim.calendar_ny import why_closed
from sim.settings.problems import Document, Place, Problem, shown

MOST_BYTES, MOST_ROWS = 1_000_000, 10_000
_FACTOR = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")


class Line(NamedTuple):
    """A row of a file: where it stands, for messages, and its cells."""

    where: str
    cells: list[str]


def read_own_csv(document: Document, folder: Path, *, inside: bool) -> None:
    """Replace the name of every CSV file in one document by what that file holds; what is wrong joins its problems.

    Parameters
    ----------
    document : Document
        Changed in place.
    folder : Path
        Where names are looked up.
    inside : bool
        Whether a file must lie in or below the folder, as for a name that stands in a scenario file.
    """
    for keys, read in SLOTS.items():
        group = document.data.get(keys[0]) if isinstance(document.data, dict) else None
        name = group.get(keys[1]) if isinstance(group, dict) else None
        if not isinstance(group, dict) or not isinstance(name, str) or not name.lower().endswith(".csv"):
            continue
        try:
            group[keys[1]] = read(_text(folder, name, inside), name)
        except ValueError as error:
            place = document.place_of(keys, Place("?", 1, 1))
            document.problems.append(Problem(place, keys, str(error)))
            group[keys[1]] = None


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


def _rows(
    text: str, name: str, is_heading: Callable[[Sequence[str]], bool], wanted: str
) -> tuple[list[str], list[Line]]:
    """Heading and rows with as many cells, or a ValueError that says what the file must begin with."""
    rows = [
        (line, [cell.strip() for cell in row])
        for line, row in enumerate(csv.reader(text.splitlines()), start=1)
        if row and any(row) and not row[0].lstrip().startswith("#")
    ]
    heading = rows[0][1] if rows else []
    if not is_heading(heading):
        raise ValueError(f"{name!r} must begin with {wanted}, got {','.join(heading)[:40]!r}")
    if not 1 <= len(rows) - 1 <= MOST_ROWS:
        raise ValueError(f"{name!r} holds {len(rows) - 1} rows: give 1 to {MOST_ROWS}")
    found = [Line(f"{name!r} line {line}", cells) for line, cells in rows[1:]]
    for where, cells in found:
        if len(cells) != len(heading):
            raise ValueError(f"{where}: expected {len(heading)} columns, got {len(cells)}")
    return heading, found


def _news_points(text: str, name: str) -> list[dict[str, Any]]:
    """Points of a news path: times as they stand, moves against the first row (value) or multiplied up (return)."""
    from sim.settings.fields import field_extra  # models are slow to import, and seldom needed here
    from sim.settings.news import NewsPoint

    heading, rows = _rows(
        text, name, lambda cells: list(cells) in (["seconds", "value"], ["seconds", "return"]),
        "'seconds,value' or 'seconds,return'",
    )  # fmt: skip
    low, high = (float(field_extra(NewsPoint, "move")[end]) for end in ("minimum", "maximum"))
    points: list[dict[str, Any]] = []
    before, first, level = -1.0, 0.0, 1.0
    for where, cells in rows:
        seconds, figure = (_number(cell, where) for cell in cells)
        if seconds < 0.0 or seconds <= before:
            raise ValueError(f"{where}: seconds must start at 0 or later and rise, got {seconds:g} after {before:g}")
        if heading[1] == "value":
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


def _held_coins(text: str, name: str) -> list[dict[str, Any]]:
    """Coins by age and cost."""
    columns = ["age_days", "cost_usd", "coins"]
    _, rows = _rows(text, name, lambda cells: list(cells) == columns, f"{','.join(columns)!r}")
    out = []
    for where, cells in rows:
        age, cost, coins = (_number(cell, where) for cell in cells)
        if age < 0.0 or age != int(age):
            raise ValueError(f"{where}: age_days must be a whole number from 0 on, got {age:g}")
        if cost < 0.0 or coins < 0.0:
            raise ValueError(f"{where}: cost_usd and coins must not be below 0, got {cost:g} and {coins:g}")
        out.append({"age": int(age), "cost": f"${cost!r}", "coins": coins})
    return out


def _macro_days(text: str, name: str) -> list[dict[str, Any]]:
    """Daily levels of macro factors."""
    heading, rows = _rows(
        text, name, lambda cells: len(cells) > 1 and cells[0] == "date" and all(map(_FACTOR.fullmatch, cells[1:])),
        "'date,<factor>' and more factors, names in lower case",
    )  # fmt: skip
    out: list[dict[str, Any]] = []
    before = date.min
    for where, cells in rows:
        try:
            day = date.fromisoformat(cells[0])
        except ValueError:
            raise ValueError(f"{where}: expected a date such as 2025-10-10, got {shown(cells[0])}") from None
        if day <= before:
            raise ValueError(f"{where}: days must rise, got {day} after {before}")
        if why := why_closed(day):
            raise ValueError(f"{where}: {why}: leave the row out")
        levels = [_number(cell, where) for cell in cells[1:]]
        out.append({"date": day.isoformat(), "levels": dict(zip(heading[1:], levels, strict=True))})
        before = day
    return out


def _number(cell: str, where: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where}: expected a number, got {shown(cell)}")
    return number


SLOTS: dict[tuple[str, str], Callable[[str, str], list[dict[str, Any]]]] = {
    ("news", "path"): _news_points,
    ("holders", "start"): _held_coins,
    ("macro", "path"): _macro_days,
}
"""Settings that may name a file, and what reads its text."""
