"""Finished cells of ``amplify`` as one small table that outlives a folder: ``outcomes.csv.gz``.

The first line is a comment with a head in JSON (scenario, kernels, version), the second names the columns, then comes
one row a cell. Numbers are written so that they are read back to the bit, rows are sorted and the file carries no time:
the same outcomes are the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import DataError
from sim.experiments.paired import COLUMNS, ENDED

FILE = "outcomes.csv.gz"
NUMBERS = {**COLUMNS, **ENDED}
SAID: dict[str, tuple[str, str]] = {
    "point": ("", "identity of the resolved scenario: first 16 hex digits of its hash"),
    "layer": ("", "what is scaled"),
    "depth": ("multiple", "depth over the scenario's"),
    "size": ("fraction|USD", "lowest point of the news, or dollars sold"),
    "seed": ("", "seed of the run; above 10,000 only whether it cascades is known"),
    **NUMBERS,
}
"""Columns, each with unit and meaning."""
_NOTE = "; scenario outcomes given this model, not a forecast"
_CURE = f"give the {FILE} that `shoal amplify` writes beside its tables"
_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """One finished cell.

    Attributes
    ----------
    point : str
    layer : str
    depth, size : float
    seed : int
    numbers : dict
        Each of ``NUMBERS``, in its unit; None where it is not known of this seed.
    number : int
        Line of the file it was read from; 0 where it was not.
    """

    point: str
    layer: str
    depth: float
    size: float
    seed: int
    numbers: dict[str, float | None]
    number: int = 0


def table_bytes(lines: Iterable[Line], head: Mapping[str, Any]) -> bytes:
    """Write the table, packed."""
    out = io.StringIO()
    out.write(f"# {json.dumps(head, sort_keys=True)}{_NOTE}\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(SAID)
    for line in sorted(lines, key=lambda one: (one.layer, one.depth, one.size, one.seed)):
        place = (line.point, line.layer, repr(line.depth), repr(line.size), line.seed)
        rows.writerow([*place, *(_text(line.numbers[name]) for name in NUMBERS)])
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as stream:
        stream.write(out.getvalue().encode())
    return packed.getvalue()


def known_number(value: Any) -> float | None:
    """A number of a row of a sweep; None where it is not known, which files write in several ways."""
    return None if value is None or math.isnan(value) else float(value)


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def read_table(path: Path) -> tuple[dict[str, Any], list[Line]]:
    """Read a table, packed or not.

    Returns
    -------
    dict, list of Line
        The head, and the rows in the order of the file.

    Raises
    ------
    DataError
        When it is missing, damaged or no such table, with the line.
    """
    texts = _texts(path)
    first = next(texts, "")
    try:
        head, _ = json.JSONDecoder().raw_decode(first.removeprefix("# "))
        if not first.startswith("# ") or not isinstance(head, dict):
            raise ValueError
    except ValueError:
        raise DataError(f"{path}:1: this is no table of outcomes; {_CURE}") from None
    if next(texts, "") != ",".join(SAID):
        raise DataError(f"{path}:2: expected the columns {', '.join(SAID)}; {_CURE}")
    lines: list[Line] = []
    there: dict[tuple[str, int], int] = {}
    for number, text in enumerate(texts, 3):
        try:
            line = _line(text, number)
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}; {_CURE}") from None
        before = there.setdefault((line.point, line.seed), number)
        if before != number:
            raise DataError(f"{path}:{number}: the same cell as line {before}; {_CURE}")
        lines.append(line)
    return head, lines


def _texts(path: Path) -> Iterator[str]:
    """Lines of the file without their ends."""
    at = 0
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            with io.TextIOWrapper(
                gzip.GzipFile(fileobj=raw) if packed else raw, encoding="utf-8", newline="\n"
            ) as text:
                for at, line in enumerate(text, 1):  # noqa: B007 (said when the next one is damaged)
                    yield line.removesuffix("\n")
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise DataError(f"{path}:{at + 1}: damaged from here on ({error}); {_CURE}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); {_CURE}") from error


def _line(text: str, number: int) -> Line:
    cells = next(csv.reader([text]), [])
    if len(cells) != len(SAID):
        raise ValueError(f"expected {len(SAID)} cells, got {len(cells)}")
    point, layer, depth, size, seed, *numbers = cells
    if not re.fullmatch("[0-9a-f]{16}", point):
        raise ValueError(f"point: expected 16 hex digits, got {point[:40]!r}")
    if not re.fullmatch("[1-9][0-9]{0,17}", seed):
        raise ValueError(f"seed: expected a whole number from 1 on, got {seed[:40]!r}")
    values = {name: _value(name, cell) for name, cell in zip(NUMBERS, numbers, strict=True)}
    at = [_value(name, cell) for name, cell in (("depth", depth), ("size", size))]
    if at[0] is None or at[1] is None:
        raise ValueError("depth and size: expected numbers, got none")
    return Line(point, layer, at[0], at[1], int(seed), values, number)


def _value(name: str, cell: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name}: expected a number, got {cell[:40]!r}")
    return value
