"""``shoal check``: liquidity assumptions tested over seeds, which are added until each has its verdict.

The runs are a sweep: base scenario and one scenario for each sale, by seeds. Its folder is named by what is measured
and not by the limits, so that a changed limit, confidence or number of seeds finds its runs there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiments.assumed import Assumed, assumed, looks_of
from sim.experiments.cases import folder_of, make_runs, plan_of, point_of, scenario_of
from sim.experiments.cells import OK
from sim.experiments.looks import sale_shock
from sim.experiments.plan import Part, Plan
from sim.metrics.sequential import PASS, UNDECIDED, Decision, decide
from sim.scenario.listings import listing_specs

if TYPE_CHECKING:
    from sim.experiments.sweep import Lane, Tally
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

ERROR = "error"
FEWEST = 32
"""Seeds before which there is no verdict: the test needs no such rule, a committee that is told "2 of 3" does."""
BATCH = 32
"""Seeds that are made before the verdicts are looked at again; no verdict depends on it."""


@dataclass(frozen=True)
class Verdict:
    """What became of one assumption."""

    about: Assumed
    verdict: str
    """pass, fail, undecided, or error when a run failed."""
    reason: str
    """Why it is undecided or an error; empty otherwise."""
    decision: Decision
    values: tuple[float, ...]
    """Measure of each seed that was made, in the order of the seeds; infinite: never came, NaN: no answer."""
    within: tuple[bool | None, ...]
    """Whether each seed keeps the limit; None: the model cannot say."""

    @property
    def name(self) -> str:
        """Name of the assumption."""
        return self.about.name

    @property
    def good_until(self) -> date | None:
        """Last day on which the verdict holds, by the age of its depth data."""
        if self.about.as_of is None:
            return None
        days = min(self.about.max_age_s / 86_400.0, float((date.max - self.about.as_of).days))
        return self.about.as_of + timedelta(days=int(days))


@dataclass(frozen=True)
class Checked:
    """Verdicts of all assumptions of a scenario."""

    scenario: Scenario
    folder: Path
    today: date
    verdicts: tuple[Verdict, ...]
    joint: bool
    runs_made: int
    """Runs made now; the others were there."""

    @property
    def passed(self) -> bool:
        """Whether every assumption passed."""
        return all(v.verdict == PASS for v in self.verdicts)

    def of(self, name: str) -> Verdict:
        """Verdict of an assumption by its name."""
        return next(v for v in self.verdicts if v.name == name)


def check(
    scenario: str | Path | Scenario,
    set: Mapping[str, object] | Sequence[str] | None = None,
    *,
    out: str | Path = "results",
    seeds: int | None = None,
    joint: bool = False,
    today: date | None = None,
    workers: int | None = None,
    told: Callable[[str], None] | None = None,
    progress: Callable[[Tally], None] | None = None,
    batch: int = BATCH,
    lanes: Callable[[], Sequence[Lane]] | None = None,
) -> Checked:
    """Test the liquidity assumptions of a scenario.

    Parameters
    ----------
    scenario : str, Path or Scenario
        Shipped scenario or file with an ``assumptions`` section, or one that is loaded.
    set : mapping or sequence of str, optional
        Changes, as ``sim.load`` takes them.
    out : path
        Folder in which the folder of the check is made, or found again.
    seeds : int, optional
        Most seeds, instead of what the file says.
    joint : bool
        The confidence holds for all verdicts together (Bonferroni), not for each.
    today : date, optional
        Day on which the age of the data is judged; default: today in UTC.
    workers : int, optional
        Processes; as many as processors when not given.
    told : callable, optional
        Told in a sentence what is done next.
    progress : callable, optional
        Told how far the runs are.
    batch : int
        Seeds made between two looks at the verdicts; changes none of them.
    lanes : callable, optional
        Opens the places where runs are made instead (``cluster.cluster_lanes``).

    Returns
    -------
    Checked
        The verdicts, in the order of the file.

    Raises
    ------
    ScenarioError
        When the scenario is broken or has no assumptions.
    Interrupted
        After Ctrl-C or SIGTERM; what is finished is kept.
    ResultError
        When another driver is at work in the folder, or the disk is full.
    """
    from sim.experiments.sweep import Kept
    from sim.experiments.workers import Worker

    scenario = scenario_of(scenario, set)
    today = today or datetime.now(UTC).date()
    tests, plan, points, _ = prepared(scenario, today, seeds, joint)
    folder = folder_of(out, plan)
    own = [] if lanes else [Kept(Worker) for _ in range(workers or len(os.sched_getaffinity(0)))]
    done, made, left = 0, 0, list(tests)
    verdicts: dict[str, Verdict] = {}
    try:
        while left:
            upto = min(done + batch, max(one.seeds for one in left))
            if told is not None:
                told(f"{len(left)} of {len(tests)} without a verdict: seeds {done + 1} to {upto}")
            wanted = [points[""], *dict.fromkeys(points[one.key] for one in left if one.is_sale)]
            part = replace(plan, parts=(Part(wanted, list(range(done + 1, upto + 1))),))
            made += make_runs(folder, part, told=progress, lanes=lanes or (lambda: own)).made
            rows, done = rows_of(folder), upto
            for one in left:
                verdicts[one.name] = judged(one, seeds_of(one, rows, points, done), scenario.spec.duration)
            left = [one for one in left if _is_open(one, verdicts[one.name], done)]
    finally:
        for lane in own:
            lane.end()
    return Checked(scenario, folder, today, tuple(verdicts[one.name] for one in tests), joint, made)


def prepared(
    scenario: Scenario, today: date | None = None, seeds: int | None = None, joint: bool = False
) -> tuple[list[Assumed], Plan, dict[str, str], int]:
    """Make assumptions ready, and the sweep of their first seeds; nothing is run.

    Returns
    -------
    tests : list of Assumed
    plan : Plan
        With the first seeds.
    points : dict
        As ``sweep_of``.
    n : int
        How many seeds come first.
    """
    tests = assumed(scenario.spec, today or datetime.now(UTC).date(), seeds, joint)
    plan, points = sweep_of(scenario, tests)
    n = min(BATCH, max(one.seeds for one in tests))
    return tests, replace(plan, parts=(Part(list(plan.points), list(range(1, n + 1))),)), points, n


def sweep_of(scenario: Scenario, tests: Sequence[Assumed]) -> tuple[Plan, dict[str, str]]:
    """The sweep of a check without its seeds, and which scenario of it each sale is.

    Returns
    -------
    plan : Plan
        Depends on what is measured and on the code, on no limit.
    points : dict
        Key of a sale to the point that has it; "" to the point without one.
    """
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

    looks = looks_of(tests)
    base = scenario.resolved["scenario"]
    cases = {"": scenario}
    for look in looks:
        if look["kind"] == "exit_cost":
            cases[look["key"]] = Scenario(Spec.model_validate({**base, **with_sale(scenario.spec, look)}))
    name = f"check-{scenario.spec.name}"
    plan = plan_of(name, list(cases.values()), (), measure={"kind": "assumptions", "looks": looks})
    return plan, {key: point_of(case) for key, case in cases.items()}


def with_sale(spec: Spec, look: Mapping[str, Any]) -> dict[str, Any]:
    """What a scenario with a sale has instead: the sale as last shock, and its end when the sale is over.

    What comes later cannot have moved its price, so it is left out: shocks that begin after it, and time.
    """
    end = look["at"] + look["over"] + spec.tick
    shocks = [shock for shock in spec.shocks if shock.at < end]
    listings, of_listings, every_s = {}, [], spec.record_every
    for name, one in listing_specs(spec).items():
        own = one.shocks[: len(spec.listings[name].shocks)]
        of_listings += [shock for shock in own if shock.at < end]
        listing = spec.listings[name].model_dump(mode="json")
        raw = [shock for shock, read in zip(listing["shocks"], own, strict=True) if read.at < end]
        listings[name] = {**listing, "shocks": raw}
        every_s = max(every_s, one.record_every)
    lasting = [s.at + getattr(s, "over", 0.0) + getattr(s, "ramp", 0.0) for s in (*shocks, *of_listings)]
    rows = math.ceil(round(max([end, *lasting]) / every_s, 9))
    duration = min(spec.duration, rows * every_s)
    whole = [shock.model_dump(mode="json") for shock in shocks]
    (listings[look["listing"]]["shocks"] if "listing" in look else whole).append(sale_shock(look))
    return {"duration": f"{duration!r}s", "shocks": whole, **({"listings": listings} if listings else {})}


def rows_of(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Row of each finished run by its point and seed."""
    from sim.experiments.export import tidy
    from sim.experiments.store import read_plan

    rows: list[dict[Any, Any]] = tidy(folder, read_plan(folder)).to_dict("records")
    return {(str(row["point"]), int(row["seed"])): row for row in rows}


Pair = tuple[Mapping[str, Any], Mapping[str, Any] | None]


def seeds_of(
    one: Assumed, rows: Mapping[tuple[str, int], Mapping[str, Any]], points: Mapping[str, str], upto: int
) -> list[Pair]:
    """Rows of an assumption, one a seed from seed 1 on, without a gap: the run, and the run with the sale."""
    found: list[Pair] = []
    for seed in range(1, min(upto, one.seeds) + 1):
        row = rows.get((points[""], seed))
        sale = rows.get((points[one.key], seed)) if one.is_sale else None
        if row is None or (one.is_sale and sale is None):
            break
        found.append((row, sale))
    return found


def judged(one: Assumed, pairs: Sequence[Pair], duration_s: float) -> Verdict:
    """Verdict of an assumption on the seeds that were made."""
    errors = [r["error"] for pair in pairs for r in pair if r is not None and r["status"] != OK]
    if errors:
        why = f"{len(errors)} run{'s' if len(errors) > 1 else ''} failed: {errors[0]}"
        return Verdict(one, ERROR, why, Decision(UNDECIDED, 0, 0, 0), (), ())
    values = [one.value(row, sale) for row, sale in pairs]
    within = [one.within(v, row, sale, duration_s) for v, (row, sale) in zip(values, pairs, strict=True)]
    decision = decide(within, one.least, one.confidence, min(FEWEST, one.seeds))
    if one.reasons:
        n_hit, n_open = sum(w is True for w in within), sum(w is None for w in within)
        decision = Decision(UNDECIDED, len(within), n_hit, n_open)
    reason = "" if decision.verdict != UNDECIDED else "; ".join(one.reasons) or _not_yet(one, decision)
    return Verdict(one, decision.verdict, reason, decision, tuple(values), tuple(within))


def _not_yet(one: Assumed, decision: Decision) -> str:
    if decision.n_open:
        what = (
            "nobody held such a position"
            if one.test.kind == "adl"
            else "the price lost the news, fell beyond 40 %, or the fund was used up"
        )
        return f"in {decision.n_open} of {decision.n} seeds the model cannot say ({what})"
    return f"not decided by {decision.n} seeds"


def _is_open(one: Assumed, verdict: Verdict, done: int) -> bool:
    return verdict.verdict == UNDECIDED and not one.reasons and done < one.seeds
