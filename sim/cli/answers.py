"""What the commands of ``shoal calc`` share: tables read, answers printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from sim.errors import DataError

JSON = typer.Option("--json", help="Print JSON on stdout.")


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a CSV file with their numbers; every column of ``columns`` is there and filled."""
    import csv

    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file: {error}") from None
    for line, row in enumerate(found, 2):
        missing = [name for name in columns if not (row.get(name) or "").strip()]
        if missing:
            raise DataError(f"{path}: line {line}: no {' and no '.join(missing)}; columns are {', '.join(columns)}")
        yield line, {name: row[name].strip() for name in columns}


def say(answer: dict[str, Any], as_json: bool) -> None:
    """Numbers to ten digits, a line each or as JSON; what does not exist is null."""
    plain = {key: _plain(value) for key, value in answer.items()}
    if as_json:
        typer.echo(json.dumps(plain, indent=1))
        return
    width = max(map(len, plain))
    for key, value in plain.items():
        lines = [_line(row) for row in value] if isinstance(value, list) else [_shown(value)]
        for at, text in enumerate(lines or ["none"]):
            typer.echo(f"{key.replace('_', ' ') if at == 0 else '':{width}}  {text}")


def _plain(value: Any) -> Any:
    """What JSON holds: fractions as floats, also inside lists and tables."""
    from fractions import Fraction

    if isinstance(value, list):
        return [{key: _plain(part) for key, part in row.items()} for row in value]
    return float(value) if isinstance(value, Fraction) else value


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:,.10g}" if isinstance(value, float) else str(value)


def _line(row: dict[str, Any]) -> str:
    name, *rest = row.items()
    return f"{name[1]}: " + ", ".join(f"{key.replace('_', ' ')} {_shown(value)}" for key, value in rest)
