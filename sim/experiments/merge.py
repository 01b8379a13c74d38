"""Results of several folders in one: shares that several machines made, or sweeps that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.errors import ResultError
from sim.experiments import costs, tables
from sim.experiments.cells import Outcome
from sim.experiments.lock import locked
from sim.experiments.plan import Plan
from sim.experiments.store import RUNS, SERIES, Store, read_plan, save_plan, sealed, unsealed, whole
from sim.experiments.summary import write_manifest
from sim.experiments.sweep import Tally, writing
from sim.results.manifest import now_utc


def merge(folder: Path, others: Sequence[Path]) -> Tally:
    """Take the finished runs of other folders into one.

    Parameters
    ----------
    folder : Path
        A sweep folder; points and seeds of the others that it does not hold are put behind its own.
    others : sequence of Path
        Sweep folders made by the same code; nothing in them is changed.

    Returns
    -------
    Tally
        ``made`` counts the runs taken over; what is missing yet, ``run_sweep`` makes.

    Raises
    ------
    ResultError
        When a file of another folder was altered, or code or kept columns differ.
    """
    if folder.resolve() in [other.resolve() for other in others]:
        raise ResultError(f"{folder}: cannot be merged with itself")
    with writing(folder), locked(folder):
        plan = read_plan(folder)
        plans = [read_plan(other) for other in others]
        together = plan
        for another in plans:
            together = together.extended(another)
        if together is not plan:
            save_plan(folder, together)
        store = Store(folder, together)
        before, started = store.done, now_utc()
        for other, its_plan in zip(others, plans, strict=True):
            for outcome in outcomes_of(other, its_plan):
                store.add(outcome)
            costs.take(folder, other)
        tally = Tally(
            together.count(), store.done, store.failed, store.done - before, damaged=tuple(store.found_damaged)
        )
        write_manifest(store, tally, started, 0)
        return tally


def outcomes_of(folder: Path, plan: Plan) -> list[Outcome]:
    """Every finished run of a folder, after each file was compared with its checksum."""
    series = {int(path.name.partition("-")[0]): path for path in whole(sealed(folder, SERIES).values())}
    found: list[Outcome] = []
    for path in whole(sealed(folder, RUNS).values()):
        found += tables.outcomes(path, series.get(int(path.name.partition("-")[0])), plan)
    return found + unsealed(folder)
