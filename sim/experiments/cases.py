"""A plan of scenarios given one by one, all with the same seeds; the runs a folder lacks are made, the rest is kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import ResultError, ScenarioError
from sim.experiments import plan as plans
from sim.experiments.plan import Part, Plan, Point
from sim.experiments.store import PLAN, read_plan, save_plan
from sim.experiments.sweep import Lane, Tally, run_sweep, writing
from sim.results.folder import run_folder
from sim.results.manifest import text_hash
from sim.scenario.listings import listing_specs

if TYPE_CHECKING:
    from sim.market import Market
    from sim.network import Network
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

NAMES = ("name", "title", "description")
"""Settings that name a scenario and move no result."""
RESOLVED = "scenario.resolved.yaml"


class Difference(NamedTuple):
    """One setting in which two scenarios differ, each value in ``unit``; None where it is not set."""

    path: str
    unit: str
    a: Any
    b: Any


def scenario_of(given: Scenario | str | Path, changes: Mapping[str, object] | Sequence[str] | None = None) -> Scenario:
    """Read a scenario: by name, file, or the folder of a run of it.

    Parameters
    ----------
    given : Scenario, str or Path
        One that is loaded already is taken as it is.
    changes : mapping or sequence of str, optional
        As for ``sim.load(set=...)``.

    Raises
    ------
    ScenarioError
        With one line for each problem.
    """
    from sim.runner import Scenario, load

    if isinstance(given, Scenario):
        if changes:
            raise ScenarioError(f"{given.spec.name} is loaded already: give its changes to sim.load(set=...)")
        return given
    if Path(given).is_dir() and (Path(given) / RESOLVED).is_file():
        given = Path(given) / RESOLVED
    return load(given, set=changes)


def listing_spec(spec: Spec, listing: str | None) -> Spec:
    """The settings of one listing, the first if none is named; those of the scenario itself where it lists none.

    Raises
    ------
    ScenarioError
        When there is no such listing.
    """
    if listing is not None and listing not in spec.listings:
        known = f"it has {', '.join(spec.listings)}" if spec.listings else "it has one market alone"
        raise ScenarioError(f"listing {listing!r} is not in {spec.name}: {known}")
    return listing_specs(spec)[listing or next(iter(spec.listings))] if spec.listings else spec


def named(spec: Spec, listing: str | None) -> dict[str, str]:
    """How a measure names a listing: not at all where it is the first, whose market is the scenario's own."""
    return {} if listing is None or listing == next(iter(spec.listings), None) else {"listing": listing}


def live_market(live: Market | Network, listing: str | None) -> Market:
    """The market of a listing, of the first if none is named."""
    markets: dict[str, Market] = getattr(live, "markets", {"": live})
    return markets[listing or next(iter(markets))]


def with_shock(scenario: Scenario, shock: Mapping[str, Any], listing: str | None = None) -> Scenario:
    """Add a shock, written as in a scenario file, behind those of a scenario, or of one of its listings."""
    if listing is not None and listing != next(iter(scenario.spec.listings), None):
        own = scenario.resolved["scenario"]["listings"][listing]["shocks"]
        return _altered(scenario, {f"listings.{listing}.shocks": [*own, dict(shock)]})
    return _altered(scenario, {"shocks": [*scenario.resolved["scenario"]["shocks"], dict(shock)]})


def order(at_s: float, over_s: float, side: str, book: str, usd: float) -> dict[str, str]:
    """A flow shock as a scenario file writes it."""
    span = {"at": f"{at_s!r}s", "over": f"{over_s!r}s"}
    return {"kind": "flow", **span, "side": side, "notional": f"${usd!r}", "book": book}


def lasting(scenario: Scenario, seconds: float) -> Scenario:
    """The same scenario with another duration; what happens until then does not depend on it."""
    return _altered(scenario, {"duration": f"{seconds!r}s"})


def _altered(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

    whole = scenario.spec.model_dump(mode="json")
    return Scenario(Spec.model_validate(plans.changed(whole, changes)), scenario.overrides)


def differences(a: Scenario, b: Scenario) -> list[Difference]:
    """Every setting in which two scenarios differ, but for their names; in the order of the settings."""
    there, here = (s.resolved["scenario"] for s in (a, b))
    paths = [p for p in plans.difference(there, here) if p not in NAMES]
    return [
        Difference(
            p, plans.unit_of(a.spec, p) or plans.unit_of(b.spec, p), *(plans.value_of(s.spec, p) for s in (a, b))
        )
        for p in paths
    ]


def plan_of(
    name: str,
    cases: Sequence[Scenario],
    seeds: Sequence[int],
    columns: Sequence[str] = (),
    every_s: float = 0.0,
    measure: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan the same seeds of several scenarios; nothing is run.

    Parameters
    ----------
    name : str
        Names folder and files; letters other than a-z, 0-9, _ and - become -.
    cases : sequence of Scenario
        The first is the base that the others are told apart from; equal ones are one point.
    seeds : sequence of int
    columns, every_s
        Columns of ``series`` that are kept, and the time between their rows.
    measure : mapping, optional
        What is measured beyond the summary (``measures.py``).
    """
    from sim.kernel_cache import kernel_hash

    base = cases[0].resolved["scenario"]
    units = {d.path: d.unit for case in cases[1:] for d in differences(cases[0], case)}
    points: dict[str, Point] = {}
    for case in cases:
        differs = plans.difference(base, case.resolved["scenario"])
        values = {path: plans.value_of(case.spec, path) for path in units}
        id = point_of(case)
        points.setdefault(id, Point(id, differs, differs, values))
    return Plan(
        name=re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:64],
        kernel_sha256=kernel_hash(),
        base=base,
        units=units,
        points=points,
        parts=(Part(list(points), list(seeds)),),
        columns=tuple(columns),
        every_s=every_s,
        measure=dict(measure or {}),
    )


def point_of(case: Scenario) -> str:
    """Identity of a scenario in a sweep."""
    return text_hash(case.resolved)[:16]


def folder_of(out: str | Path, plan: Plan) -> Path:
    """Folder of a plan whatever its seeds, so that more seeds later find the runs that are there."""
    decides = [plan.kernel_sha256, sorted(plan.points), list(plan.columns), plan.every_s, plan.measure]
    return run_folder(Path(out), plan.name, text_hash(decides)[:12])


def make_runs(
    folder: Path,
    wanted: Plan,
    workers: int | None = None,
    told: Callable[[Tally], None] | None = None,
    lanes: Callable[[], Sequence[Lane]] | None = None,
) -> Tally:
    """Make the runs of a plan that its folder lacks.

    Parameters
    ----------
    folder : Path
        As ``folder_of``; made when missing.
    wanted : Plan
        Runs of the folder beyond it stay.
    workers : int, optional
        Processes; as many as processors when not given.
    told : callable, optional
        As for ``run_sweep``.
    lanes : callable, optional
        Opens the places where runs are made instead.

    Raises
    ------
    Interrupted
        After Ctrl-C or SIGTERM; what is finished is kept.
    ResultError
        When another driver is at work, the disk is full, or data are not those of the plan.
    """
    from sim.experiments.lock import locked
    from sim.runner import warm

    with writing(folder, "ask again"):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            plan = _joined(folder, wanted)
            if plan is not None:
                save_plan(folder, plan)
    warm()  # once, here: workers find compiled kernels
    only = {key for runs in wanted.shards() for key in runs}
    places = lanes() if lanes else None
    tally = run_sweep(folder, workers or len(os.sched_getaffinity(0)), told, lanes=places, only=only)
    if tally.interrupted:
        raise Interrupted(f"interrupted; what is finished is kept, the same command goes on: {folder}")
    return tally


class Interrupted(ResultError):
    """Ctrl-C or SIGTERM while the runs were made."""

    exit_code = 130


def _joined(folder: Path, wanted: Plan) -> Plan | None:
    """What the plan of a folder becomes; None when it stays."""
    if not (folder / PLAN).exists():
        return wanted
    try:
        there = read_plan(folder)
    except ResultError:
        return wanted  # damaged; finished runs that it asks for are found again
    joined = there.extended(wanted)
    return None if joined is there else joined
