"""Points in several inputs, each with seeds: one sweep that grows as more is asked, safe from kills, read as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sim.errors import ScenarioError
from sim.experiments.cases import folder_of, make_runs, plan_of, point_of
from sim.experiments.cells import OK
from sim.experiments.merge import outcomes_of
from sim.experiments.plan import Plan
from sim.experiments.store import read_plan
from sim.experiments.sweep import Tally
from sim.scenario.spec import Spec
from sim.sensitivity.factors import Added, Factor, applied

if TYPE_CHECKING:
    from sim.runner import Scenario

Values = tuple[float, ...]
"""Value of each factor."""
Wanted = Sequence[tuple[Sequence[Values], Sequence[int]]]
"""Points and the seeds of all of them, several times."""


class Asked:
    """Runs at points of some factors.

    Parameters
    ----------
    word : str
        Names the sweep's folder.
    base : Spec
        The scenario.
    factors : sequence of Factor
    out : Path
        Where the folder is made.
    measure : mapping
        What is measured beyond the summary (``measures.py``); empty for nothing.
    added : Added
        Where a shock goes that is added.
    """

    def __init__(
        self, word: str, base: Spec, factors: Sequence[Factor], out: Path, measure: Mapping[str, Any], added: Added
    ) -> None:
        self.word, self.base, self.factors, self.out = word, base, tuple(factors), out
        self.measure, self.added = dict(measure), added
        self.points: dict[Values, str] = {}
        self.folder: Path | None = None
        self.tally = Tally(0, 0)

    def plan(self, wanted: Wanted) -> Plan:
        """What must be run, as a plan; nothing is."""
        plan = None
        for points, seeds in wanted:
            cases = [self.scenario(values) for values in points]
            self.points |= {values: point_of(case) for values, case in zip(points, cases, strict=True)}
            more = plan_of(f"{self.word}-{self.base.name}", cases, seeds, measure=self.measure)
            plan = more if plan is None else plan.extended(more)
        assert plan is not None
        return plan

    def make(self, wanted: Wanted, **how: Any) -> None:
        """Make the runs that the folder lacks; ``how`` as for ``make_runs``."""
        plan = self.plan(wanted)
        self.folder = self.folder or folder_of(self.out, plan)
        self.tally = make_runs(self.folder, plan, **how)

    def rows(self) -> dict[Values, dict[int, dict[str, Any]]]:
        """Rows of every run that ended well, by point and seed."""
        assert self.folder is not None
        found: dict[str, dict[int, dict[str, Any]]] = {}
        for outcome in outcomes_of(self.folder, read_plan(self.folder)):
            if outcome.row["status"] == OK:
                found.setdefault(outcome.point, {})[outcome.seed] = outcome.row
        return {values: dict(sorted(found.get(point, {}).items())) for values, point in self.points.items()}

    def scenario(self, values: Values) -> Scenario:
        """The scenario of a point."""
        from sim.runner import Scenario

        return Scenario(applied(self.base, self.factors, values, self.added))


def lasting(base: Spec, seconds: float) -> Spec:
    """The scenario with another end, to a whole recorded row.

    Raises
    ------
    ScenarioError
        When it cannot be that long.
    """
    whole = math.ceil(seconds / base.record_every - 1e-9) * base.record_every
    try:
        return Spec.model_validate(base.model_dump(mode="json") | {"duration": f"{whole:.10g}s"})
    except ValidationError as error:
        raise ScenarioError(f"--horizon {seconds:g} s: {error.errors()[0]['msg']}") from None
