"""``costs.jsonl``: what each run took. No result depends on it; a line that was altered is set aside, never used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COSTS = "costs.jsonl"
COLUMNS = ("run_id", "cpu_s", "wall_s", "busy_s", "worker_peak_mb")
_MARK = b', "check": "'
_DIGITS = 16


def note(folder: Path, run_id: str, cost: Mapping[str, float]) -> None:
    """Add a line: the cost of a run, and the checksum of the line."""
    with open(folder / COSTS, "ab") as stream:
        stream.write(_line({"run_id": run_id, **cost}))


def read(folder: Path) -> list[dict[str, Any]]:
    """Costs of the runs, one each, from the lines that are whole; of a run that was made again, the last."""
    rows = [row for row in map(_parsed, _lines(folder)) if row is not None]
    return list({row["run_id"]: row for row in rows}.values())


def lines_of(folder: Path) -> tuple[bytes, bytes]:
    """The whole lines and the altered ones, as they stand in the file."""
    good, bad = b"", b""
    for line in _lines(folder):
        if _parsed(line) is None:
            bad += line + b"\n"
        else:
            good += line + b"\n"
    return good, bad


def take(folder: Path, other: Path) -> None:
    """Add the costs of another folder, of runs that have none here."""
    known = {row["run_id"] for row in read(folder)}
    lines = [_line(row) for row in read(other) if row["run_id"] not in known]
    if lines:
        with open(folder / COSTS, "ab") as stream:
            stream.write(b"".join(lines))


def _lines(folder: Path) -> list[bytes]:
    try:
        return [line for line in (folder / COSTS).read_bytes().split(b"\n") if line]
    except FileNotFoundError:
        return []


def _line(row: Mapping[str, Any]) -> bytes:
    text = json.dumps(row).encode()
    return text[:-1] + _MARK + _digest(text) + b'"}\n'


def _parsed(line: bytes) -> dict[str, Any] | None:
    text, _, check = line.rpartition(_MARK)
    text += b"}"
    if check != _digest(text) + b'"}':
        return None
    row: dict[str, Any] = json.loads(text)
    return row


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:_DIGITS].encode()
