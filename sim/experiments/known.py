"""What ``amplify`` need not run: outcomes of an earlier answer (``outcomes.py``), checked by running a few again.

A row counts where its point, the identity of the whole resolved scenario, is that of its cell in this question. Points
are other ones once the format of scenarios has a new setting: where none fits, the scenario that the file carries is
read as this version reads it, and if that is the scenario of the question, rows count by layer, depth and size. The
compiled code may be another than that which made them: whether results are still the same is seen on a sample, to the
bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sim import __version__
from sim.errors import DataError, ScenarioError
from sim.experiments.cases import NAMES, Interrupted
from sim.experiments.depth_grid import ADDED_AT_ONCE, MOST_SEEDS, Cell, Sweeper, Wanted
from sim.experiments.outcomes import FILE, NUMBERS, Line, known_number, read_table, table_bytes
from sim.experiments.shock_axis import checked_size
from sim.experiments.store import Key, write_whole
from sim.kernel_cache import kernel_hash
from sim.results.manifest import text_hash

RECHECK = 16
"""Known outcomes that are run again unless another number is asked: enough that a change which moves one in five
results is missed once in 36 times (judgement)."""


class Taken(NamedTuple):
    """What an answer owes to outcomes that were known.

    Attributes
    ----------
    file : str
        Name of their file.
    used : int
        Cells of the answer that were known.
    rechecked : int
        Of the known ones that were run again and gave the same to the bit.
    other : int
        Rows of the file that belong to no cell of this question.
    renamed : int
        Of the known ones those whose point was made before the format of scenarios changed.
    """

    file: str
    used: int
    rechecked: int
    other: int
    renamed: int


@dataclass(frozen=True)
class Known:
    """Outcomes of a file that this question can use."""

    file: Path
    lines: dict[Key, Line]
    other: int
    rechecked: int
    renamed: int

    def cell(self, key: Key) -> Cell:
        """The cell of one of them."""
        line = self.lines[key]
        return Cell(line.layer, line.depth, line.size)

    def taken(self, sweeper: Sweeper) -> Taken:
        """How many of the cells that were asked were known."""
        asked = {(sweeper.points[cell], seed) for cell, seeds in sweeper.asked.items() for seed in seeds}
        return Taken(self.file.name, len(asked & self.lines.keys()), self.rechecked, self.other, self.renamed)


def take(
    sweeper: Sweeper, file: Path, recheck: int = RECHECK, say: Callable[[str], None] = lambda _: None, **how: Any
) -> Known:
    """Read known outcomes, run a sample of them again, and let the sweeper count the rest as finished.

    Parameters
    ----------
    sweeper : Sweeper
        Its folder must be settled.
    file : Path
    recheck : int
        How many are run again.
    say : callable
        Told in a sentence what is done.
    **how
        As for ``make_runs``.

    Raises
    ------
    ScenarioError
        When ``recheck`` is below 0.
    DataError
        When the file cannot be read, holds nothing of this question, or an outcome is no longer what it says.
    """
    if recheck < 0:
        raise ScenarioError(f"recheck: expected 0 or more, got {recheck}")
    head, read = read_table(file)
    old = {(line.point, line.seed) for line in read}
    of_it = _of_this_question(sweeper, file, read, by_cell=False)
    if not of_it and recheck > 0 and _is_its_scenario(sweeper, head):
        of_it = _of_this_question(sweeper, file, read, by_cell=True)
    lines = {(line.point, line.seed): line for line in of_it}
    if not lines:
        made_by = f"scenario {head.get('scenario')}, version {head.get('version')}"
        raise DataError(
            f"{file}: none of its {len(read)} outcomes ({made_by}) is of a cell that is asked here: "
            "another scenario, other settings or another version; ask without --known"
        )
    chosen = sample(lines.values(), recheck)
    say(f"{len(lines)} outcomes are known from {file.name}; run again to check them: {len(chosen) or 'none'}")
    known = Known(file, lines, len(read) - len(lines), len(chosen), len(lines.keys() - old))
    if chosen:
        _compare(sweeper, known, chosen, **how)
    sweeper.known = {key: line.numbers for key, line in lines.items()}
    return known


def _is_its_scenario(sweeper: Sweeper, head: Mapping[str, Any]) -> bool:
    """Whether the scenario of a file, as this version reads it, is that of the question; names apart."""
    from pydantic import ValidationError

    from sim.scenario.spec import Spec

    try:
        given = Spec.model_validate(head.get("base")).model_dump(mode="json")
    except ValidationError:
        return False
    here = sweeper.base.model_dump(mode="json")
    same = all(given[name] == here[name] for name in here if name not in NAMES)
    return same and head.get("data") == sweeper.given.resolved["data"]


def _of_this_question(sweeper: Sweeper, file: Path, read: Iterable[Line], by_cell: bool) -> list[Line]:
    """Lines whose cell may be asked and whose point is the one it has here, or is given it where cells are enough."""
    question = sweeper.question
    points: dict[Cell, str] = {}
    kept = []
    for line in read:
        if line.layer not in question.layers or line.depth not in question.depths:
            continue
        added = line.seed > MOST_SEEDS
        if not added and (line.seed > question.seeds or (question.sizes and line.size not in question.sizes)):
            continue
        cell = Cell(line.layer, line.depth, line.size)
        if cell not in points:
            try:
                checked_size(sweeper.axis, line.size)
            except ScenarioError as error:
                raise DataError(f"{file}:{line.number}: {error}") from error
            points[cell] = sweeper.point(cell)
        if by_cell or points[cell] == line.point:
            kept.append(line._replace(point=points[cell]))
    return kept


def sample(lines: Iterable[Line], n: int) -> list[Line]:
    """Up to ``n`` lines by a hash of point and seed: one of each layer and depth first, as far as it goes."""
    order = sorted(lines, key=lambda line: hashlib.sha256(f"{line.point}:{line.seed}".encode()).digest())
    first = {(line.layer, line.depth): line for line in reversed(order)}.values()
    front = sorted(first, key=order.index)
    return [*front, *(line for line in order if line not in front)][:n]


def _compare(sweeper: Sweeper, known: Known, chosen: list[Line], **how: Any) -> None:
    found = sweeper.again({(line.point, line.seed): known.cell((line.point, line.seed)) for line in chosen}, **how)
    for line in chosen:
        row = found.get((line.point, line.seed))
        where = f"{known.file}:{line.number}: {line.layer} x{line.depth:g}, size {line.size:g}, seed {line.seed}"
        cure = "results have moved since the file was made; make them again without --known"
        if row is None:
            raise DataError(f"{where}: the run fails in this version; {cure}")
        for name, said in line.numbers.items():
            now = known_number(row.get(name))
            if repr(now) != repr(said):
                raise DataError(f"{where}: {name} is {now} here and {said} in the file; {cure}")


def added_blocks(sweeper: Sweeper, known: Known, finish: bool) -> list[tuple[Cell, list[int]]]:
    """Let all known added seeds take part, at whatever sizes they were run.

    Parameters
    ----------
    sweeper : Sweeper
    known : Known
    finish : bool
        Ask whole blocks, so that one that was begun is finished; else only the seeds that are known.

    Returns
    -------
    list of (Cell, list of int)
        Each cell with each block of added seeds of which it has some, by first seed; what of them is not known has
        still to be made.
    """
    there: dict[tuple[int, Cell], list[Key]] = {}
    for key in known.lines:
        if key[1] > MOST_SEEDS:
            nth = (key[1] - MOST_SEEDS - 1) // ADDED_AT_ONCE
            there.setdefault((nth, known.cell(key)), []).append(key)
    out = []
    for (nth, cell), keys in sorted(there.items()):
        first = MOST_SEEDS + 1 + nth * ADDED_AT_ONCE
        block = list(range(first, first + ADDED_AT_ONCE))
        sweeper.ask(cell, block if finish else [seed for _, seed in keys], keys[0][0])
        out.append((cell, block))
    return out


def left_of(sweeper: Sweeper, blocks: list[tuple[Cell, list[int]]]) -> list[Wanted]:
    """Those blocks of which not all is known."""
    return [([c], block) for c, block in blocks if any((sweeper.points[c], s) not in sweeper.known for s in block)]


def keep(sweeper: Sweeper, known: Known | None, last: bool) -> None:
    """Write the table of all outcomes there are: of the cells that were asked, and all that were known.

    Parameters
    ----------
    sweeper : Sweeper
    known : Known, optional
    last : bool
        False while the question is not answered: a longer table of an earlier pass is then left in place.
    """
    lines = {} if known is None else dict(known.lines)
    for (layer, depth), found in sweeper.found().items():
        for size, rows in found.rows.items():
            point = sweeper.points[Cell(layer, depth, size)]
            for seed, row in rows.items():
                numbers = {name: known_number(row.get(name)) for name in NUMBERS}
                lines[point, seed] = Line(point, layer, depth, size, seed, numbers)
    place = sweeper.place / FILE
    if not last and _rows_there(place) > len(lines):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, table_bytes(lines.values(), head_of(sweeper, known)))


def head_of(sweeper: Sweeper, known: Known | None) -> dict[str, Any]:
    """What the table says of where it is from."""
    question = sweeper.question
    unchecked = known is not None and not known.rechecked
    return {
        "scenario": sweeper.base.name,
        "changes": list(question.changes),
        "scenario_sha256": text_hash(sweeper.given.resolved)[:12],
        "kernel_sha256": kernel_hash()[:12],
        "version": __version__,
        "data": sweeper.given.resolved["data"],
        "base": sweeper.base.model_dump(mode="json"),
        **({"unchecked": "known outcomes were taken without running any again"} if unchecked else {}),
    }


def _rows_there(place: Path) -> int:
    try:
        return len(read_table(place)[1])
    except DataError:
        return 0


def make(sweeper: Sweeper, known: Known | None, wanted: list[Wanted], **how: Any) -> None:
    """Run what is missing and keep the table, after an interruption as well."""
    try:
        sweeper.make(wanted, **how)
    except Interrupted:
        keep(sweeper, known, last=False)
        raise
    keep(sweeper, known, last=False)
