"""Runs of a measure over seeds in a folder of their own, and their rows; runs that are there are not made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import ResultError
from sim.experiments import cases
from sim.experiments.cells import OK
from sim.experiments.export import tidy
from sim.experiments.store import read_plan

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.sweep import Lane, Tally
    from sim.runner import Scenario


class How(NamedTuple):
    """Where and how runs are made: folder, workers, who is told, other places."""

    out: Path = Path("results")
    workers: int | None = None
    told: Callable[[Tally], None] | None = None
    lanes: Callable[[], Sequence[Lane]] | None = None


def rows_over_seeds(
    name: str, scenarios: Sequence[Scenario], seeds: Sequence[int], measure: Mapping[str, Any], how: How
) -> tuple[Path, pd.DataFrame]:
    """Make what is missing; rows of these seeds and scenarios, failed runs left out.

    Returns
    -------
    folder : Path
    rows : pandas.DataFrame
        One a run, by scenario in the order given (column ``point``) and seed; ``missing`` in ``attrs``: failed runs.

    Raises
    ------
    ResultError
        When every run failed, with the first reason.
    """
    plan = cases.plan_of(name, scenarios, seeds, measure=measure)
    folder = cases.folder_of(how.out, plan)
    cases.make_runs(folder, plan, how.workers, how.told, how.lanes)
    rows = tidy(folder, read_plan(folder))
    points = [cases.point_of(case) for case in scenarios]
    mine = rows[rows["point"].isin(points) & rows["seed"].isin(list(seeds))]
    good = mine[mine["status"] == OK]
    if good.empty:
        raise ResultError(f"every run failed: {mine['error'].iloc[0]} ({folder})")
    good = good.sort_values(["point", "seed"], key=lambda c: c.map(points.index) if c.name == "point" else c)
    good = good.reset_index(drop=True)
    good.attrs["missing"] = len(mine) - len(good)
    return folder, good


def seeds_of(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """A number n means seeds 1 to n."""
    from sim.runner import checked_seeds

    return checked_seeds(range(1, seeds + 1) if isinstance(seeds, int) else seeds)
