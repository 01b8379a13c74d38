"""What a worker has just finished, kept by the worker itself: with a killed driver only the runs at work are lost.

A worker begins a run when its driver has all but the last of those before it on the disk (``sweep.WINDOW``), so two
files used by turns hold everything that the driver may lack. They are renamed into place and not flushed: a kill
leaves the system's memory alone, and after a power cut the two runs are made again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from sim.experiments.cells import Cell, Outcome

SPOOL = "finished"
_TURNS = 2
_finished = count()


def make(work: Callable[[Cell], Outcome], folder: Path, cell: Cell) -> Outcome:
    """Make a run in a worker, and keep what became of it until the driver has it.

    Parameters
    ----------
    work : callable
        What a run is.
    folder : Path
        Of the sweep.
    cell : Cell
    """
    outcome = work(cell)
    place = folder / SPOOL / f"{os.getpid()}-{next(_finished) % _TURNS}"
    scratch = place.with_name(f".{place.name}")
    with suppress(OSError):  # a full disk: the driver gets the run as ever, and says what is wrong
        place.parent.mkdir(exist_ok=True)
        scratch.write_bytes(line(outcome, outcome.cost))
        os.replace(scratch, place)
    return outcome


def left_behind(folder: Path) -> list[Path]:
    """Files of workers in the folder of a sweep."""
    return sorted((folder / SPOOL).glob("[0-9]*"))


def clear(folder: Path) -> None:
    """Remove what is of no use any more."""
    place = folder / SPOOL
    for path in place.glob(".*"):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # it is not there, or a worker that outlives its driver has just written
        place.rmdir()


def line(outcome: Outcome, cost: dict[str, float] | None = None) -> bytes:
    """A finished run as a line with its checksum; without its cost where none is given."""
    kept = {**outcome._asdict(), "path": base64.b64encode(outcome.path).decode(), "cost": cost}
    names = ("point", "seed", "row", "path", *(("cost",) if cost else ()))
    text = json.dumps({name: kept[name] for name in names}, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:20].encode() + b" " + text + b"\n"


def parsed(line: bytes) -> Outcome | None:
    """The run of a line; None when it differs from its checksum."""
    digest, _, text = line.rstrip(b"\n").partition(b" ")
    if digest != hashlib.sha256(text).hexdigest()[:20].encode():
        return None
    kept = json.loads(text)
    return Outcome(kept["point"], kept["seed"], kept["row"], base64.b64decode(kept["path"]), kept.get("cost", {}))
