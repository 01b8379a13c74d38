"""Ask how much of a fall each channel makes: run the coalitions that a folder lacks, and read what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.attribution.answer import WORTHS, Answer, Floats
from sim.attribution.question import Layout, Question, layout_of
from sim.calendar_ny import open_time
from sim.errors import ResultError
from sim.experiments.cases import make_runs, plan_of, point_of
from sim.experiments.cells import OK
from sim.experiments.merge import outcomes_of
from sim.experiments.plan import Plan
from sim.experiments.store import read_plan
from sim.experiments.sweep import Lane, Tally
from sim.metrics.amplification import CUT
from sim.results.folder import run_folder
from sim.results.manifest import text_hash

ANSWER = "attribution"
IN_NEW_YORK = ("etf", "dat")
"""Channels that can do nothing while New York is closed."""
FEWEST_SEEDS = 2


class Estimate(NamedTuple):
    """What a question costs, before it is run.

    Attributes
    ----------
    coalitions, runs : int
        Coalitions, and runs over all seeds, base runs included.
    run_s : float
        CPU seconds of one run, measured on one.
    cpu_s : float
        Of all runs.
    """

    coalitions: int
    runs: int
    run_s: float
    cpu_s: float


class Points(NamedTuple):
    """Plan of a question, and the points of each coalition and of its base run."""

    plan: Plan
    run: dict[int, str]
    base: dict[int, str]


def attribute(
    question: Question | Layout,
    out: str | Path = "results",
    *,
    workers: int | None = None,
    told: Callable[[Tally], None] | None = None,
    lanes: Callable[[], Sequence[Lane]] | None = None,
) -> Answer:
    """Run every coalition that is needed at every seed, and share what the scenario does among its channels.

    Parameters
    ----------
    question : Question or Layout
    out : str or Path
        Folder to make the folder of the runs in; runs that it holds are not made again.
    workers, told, lanes
        As for ``cases.make_runs``.

    Raises
    ------
    ScenarioError
        When it cannot be asked of this scenario.
    ResultError
        When fewer than two seeds ended well in every coalition.
    Interrupted
        What is finished is kept.
    """
    layout = question if isinstance(question, Layout) else layout_of(question)
    points = points_of(layout)
    folder = folder_of(Path(out), points.plan)
    tally = make_runs(folder, points.plan, workers, told, lanes)
    return answer_of(layout, points, folder, tally)


def points_of(layout: Layout) -> Points:
    """Every scenario that is run, as one plan; nothing is run."""
    cases = {c: layout.scenario(c) for c in layout.coalitions}
    bases = {c: layout.base_run(c) for c in layout.coalitions}
    ordered = sorted({point_of(case): case for case in (*cases.values(), *bases.values())}.items(), key=_alike)
    seeds = range(1, layout.question.seeds + 1)
    plan = plan_of(f"attribute-{layout.base.name}", [case for _, case in ordered], seeds, measure=layout.measure)
    return Points(plan, {c: point_of(s) for c, s in cases.items()}, {c: point_of(s) for c, s in bases.items()})


def _alike(item: tuple[str, Any]) -> tuple[str, str]:
    """Scenarios that were alike up to the fork come together: a worker keeps the state at the fork."""
    point, case = item
    return case.spec.name, point


def folder_of(out: Path, plan: Plan) -> Path:
    """Folder of a question whatever its seeds and orders, so that more of them later find the runs that are there."""
    return run_folder(out, plan.name, text_hash([plan.kernel_sha256, plan.measure])[:12])


def answer_of(layout: Layout, points: Points, folder: Path, tally: Tally) -> Answer:
    """Read the runs of a folder.

    Raises
    ------
    ResultError
        When fewer than two seeds ended well in every coalition.
    """
    rows: dict[tuple[str, int], Mapping[str, Any]] = {
        (o.point, o.seed): o.row for o in outcomes_of(folder, read_plan(folder)) if o.row["status"] == OK
    }
    wanted = {*points.run.values(), *points.base.values()}
    seeds = tuple(
        seed for seed in range(1, layout.question.seeds + 1) if all((point, seed) in rows for point in wanted)
    )
    if len(seeds) < FEWEST_SEEDS:
        raise ResultError(f"{folder}: {len(seeds)} seeds ended well in every coalition; `shoal query` shows the errors")

    def column(of: Mapping[int, str], name: str) -> Floats:
        table = [[float(rows[of[c], seed][name]) for seed in seeds] for c in layout.coalitions]
        return np.array(table, dtype=np.float64)

    second = column(points.run, "forced_share") - column(points.base, "would_force")
    values: dict[str, Floats] = {
        "trough": 100.0 * column(points.run, "fall"),
        "cascade": np.where(second > CUT, 100.0, 0.0),
        "forced": column(points.run, "forced_usd"),
    }
    assert set(values) == {worth.name for worth in WORTHS}
    refuse_closed(layout, values)
    return Answer(layout, folder, seeds, values, tally)


def refuse_closed(layout: Layout, values: Mapping[str, Floats]) -> None:
    """Refuse runs in which a fund or a company moved a number though New York never opened (MODEL.md R9, 5.3).

    Raises
    ------
    ResultError
        It would be a defect of the model.
    """
    first = layout.base.start_utc
    if open_time(first, first + timedelta(seconds=layout.base.duration)).companies:
        return
    row = {coalition: k for k, coalition in enumerate(layout.coalitions)}
    for i, channel in enumerate(layout.channels):
        if channel.name not in IN_NEW_YORK:
            continue
        for coalition in (c for c in row if not c >> i & 1 and c | 1 << i in row):
            if any((rows[row[coalition]] != rows[row[coalition | 1 << i]]).any() for rows in values.values()):
                why = "though New York is closed throughout: a defect, please report it"
                raise ResultError(f"{channel.name} moves {layout.base.name} {why}")


def estimate(layout: Layout) -> Estimate:
    """What a question costs: one run is made, that with everything on."""
    from sim.attribution.measure import make
    from sim.runner import warm

    warm()
    points = points_of(layout)
    scenario = layout.scenario(layout.everybody)
    make(scenario, 1, points.plan.measure)  # the state at the fork is kept from here on
    begin = time.process_time()
    make(scenario, 1, points.plan.measure)
    run_s = time.process_time() - begin
    return Estimate(len(layout.coalitions), points.plan.count(), run_s, run_s * points.plan.count())
