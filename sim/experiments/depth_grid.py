"""Depths x sizes of a shock x seeds: what is asked, as cells of one sweep, and what its finished runs hold.

Every cell is a run beside its base runs (``paired.py``). Definitions: MODEL.md 5.2 and R10, DECISIONS 20.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.errors import ScenarioError
from sim.experiments.cases import folder_of, make_runs, plan_of, point_of, scenario_of
from sim.experiments.cells import OK
from sim.experiments.merge import outcomes_of
from sim.experiments.plan import Part, Plan, changed
from sim.experiments.shock_axis import Axis, checked_size, flow_axis, news_axis
from sim.experiments.store import Key, read_plan
from sim.experiments.sweep import Tally
from sim.metrics.amplification import CUT
from sim.metrics.threshold import Outcomes
from sim.scenario.spec import Spec

if TYPE_CHECKING:
    from sim.runner import Scenario

DEPTHS = (1.5, 1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2)
"""Depth multiples (MODEL.md 5.2)."""
ANSWER = "amplification"
MOST_SEEDS = 10_000
"""Most seeds at every depth and size; seeds beyond are those added near a threshold, which only tell who cascades."""
ADDED_AT_ONCE = 64
"""Seeds added near a threshold before its interval is looked at again: blocks of so many from 10,001 on."""
LAYERS: dict[str, tuple[str, ...]] = {
    "all": ("visible", "latent", "refill"),
    "visible": ("visible",),
    "latent": ("latent",),
    "refill": ("refill",),
    "all+answer": ("visible", "latent", "refill", "answer"),
    "visible+answer": ("visible", "answer"),
}
"""Name of a way to thin the market: what it scales. "answer" is the makers' answer to a dollar of flow, which stays the
same at every depth otherwise (DECISIONS 20) and grows here as depth falls."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    scenario : str
        Name of a shipped scenario, or path of a YAML file.
    changes : tuple of str
        ``key=value`` for every run.
    shock : str
        "news" (the scenario's news scaled as a whole) or "flow" (a sale added to it).
    sizes : tuple of float
        Lowest points of the news (-0.05), or dollars sold; empty to look for them (news only).
    depths : tuple of float
        Multiples of the scenario's depth, above 0.
    layers : tuple of str
        Names of ``LAYERS``.
    seeds : int
        1 to this many at every depth and size.
    half_width : float
        Asked half-width of s*, in the unit of the sizes; 0 adds no seeds.
    most_seeds : int
        Most seeds near the threshold of one depth.
    horizon_s : float
        Seconds that a run goes on after the shock began.
    at_s, over_s : float
        Start and duration of an added shock, in seconds.
    side, book : str
        Of an added sale.
    """

    scenario: str
    changes: tuple[str, ...] = ()
    shock: str = "news"
    sizes: tuple[float, ...] = ()
    depths: tuple[float, ...] = DEPTHS
    layers: tuple[str, ...] = ("all",)
    seeds: int = 64
    half_width: float = 0.001
    most_seeds: int = 256
    horizon_s: float = 7200.0
    at_s: float = 600.0
    over_s: float = 60.0
    side: str = "sell"
    book: str = "perp"


class Cell(NamedTuple):
    """One setting: a way to thin the market, by how much, and a shock."""

    layer: str
    depth: float
    size: float


Wanted = tuple[Sequence[Cell], Sequence[int]]
"""Cells, and the seeds that each of them is asked at."""


@dataclass(frozen=True)
class Found:
    """What the finished runs of one line (a layer and a depth) hold.

    ``rows`` maps size to seed to the row of the sweep; failed runs are not in it.
    """

    layer: str
    depth: float
    rows: Mapping[float, Mapping[int, Mapping[str, Any]]]

    def outcomes(self, cut: float = CUT) -> Outcomes:
        """Who cascaded: second-round share above the cut."""
        sizes = sorted(self.rows, key=abs)
        seeds = sorted({seed for rows in self.rows.values() for seed in rows})
        hit = np.full((len(seeds), len(sizes)), np.nan)
        place = {seed: k for k, seed in enumerate(seeds)}
        for j, size in enumerate(sizes):
            for seed, second in self.column(size, "second_round").items():
                hit[place[seed], j] = float(second > cut)
        return Outcomes(np.abs(np.array(sizes)), np.array(seeds, dtype=np.int64), hit)

    def column(self, size: float, name: str) -> dict[int, float]:
        """One number of every seed at a size that has it."""
        found = {seed: row[name] for seed, row in self.rows[size].items()}
        return {seed: float(value) for seed, value in found.items() if value is not None and value == value}


def axis_of(question: Question, spec: Spec) -> Axis:
    """The axis a question speaks of.

    Raises
    ------
    ScenarioError
        When the question cannot be asked of this scenario.
    """
    if question.shock == "news":
        return news_axis(spec, question.at_s, question.over_s)
    if question.shock == "flow":
        if not question.sizes:
            raise ScenarioError("a flow shock wants its sizes, such as --sale $50m,$150m,$450m")
        return flow_axis(spec, question.at_s, question.over_s, question.side, question.book)
    raise ScenarioError(f'shock {question.shock!r}: expected "news" or "flow"')


class Sweeper:
    """Asks for cells by adding to the plan of one folder, and reads what is there.

    Parameters
    ----------
    question : Question
    out : Path
        Where the folder is made.

    Attributes
    ----------
    known : mapping
        Point and seed of cells that need not be run to their rows (``known.py``); they count as finished.
    """

    def __init__(self, question: Question, out: Path) -> None:
        base = scenario_of(question.scenario, question.changes)
        self.question, self.out = question, out
        self.axis = axis_of(question, base.spec)
        for size in question.sizes:
            checked_size(self.axis, size)
        self.given, self.base = base, self._lasting(base.spec)
        self.known: Mapping[Key, Mapping[str, Any]] = {}
        self.asked: dict[Cell, list[int]] = {}
        self.points: dict[Cell, str] = {}
        self.folder: Path | None = None
        self.tally = Tally(0, 0)

    def ask(self, cell: Cell, seeds: Sequence[int], point: str) -> None:
        """Let cells take part whose outcomes are there: known, or in the folder."""
        there = self.asked.setdefault(cell, [])
        there += sorted(set(seeds) - set(there))
        self.points[cell] = point

    def make(self, wanted: Sequence[Wanted], **how: Any) -> None:
        """Run cells at seeds, those neither known nor in the folder; ``how`` as for ``make_runs``."""
        plan = self._plan(wanted)
        for cells, seeds in wanted:
            for cell in cells:
                self.ask(cell, seeds, self.points[cell])
        self.folder = self.folder or folder_of(self.out, plan)
        self.tally = make_runs(self.folder, self._unknown(plan), **how)

    def settle(self, cells: Sequence[Cell]) -> None:
        """Choose the folder as a question does that begins with these cells; nothing is made."""
        self.folder = self.folder or folder_of(self.out, self._plan([(cells, [1])]))

    def again(self, cells: Mapping[Key, Cell], **how: Any) -> dict[Key, dict[str, Any]]:
        """Run cells in the folder though they are known, and read their rows; they take no part yet."""
        assert self.folder is not None
        make_runs(self.folder, self._plan([([cell], [seed]) for (_, seed), cell in cells.items()]), **how)
        return {key: row for key, row in self._rows().items() if key in cells}

    def _plan(self, wanted: Sequence[Wanted]) -> Plan:
        measure = {
            "kind": "amplification",
            "quiet": dict(self.axis.quiet),
            "from_s": self.axis.from_s,
            "whole_seeds": MOST_SEEDS,
        }
        plan = None
        for cells, seeds in wanted:
            cases = [self.scenario(cell) for cell in cells]
            more = plan_of(f"amplify-{self.base.name}", cases, seeds, measure=measure)
            plan = more if plan is None else plan.extended(more)
            self.points |= {cell: point_of(case) for cell, case in zip(cells, cases, strict=True)}
        assert plan is not None
        return plan

    def _unknown(self, plan: Plan) -> Plan:
        """The plan without the runs whose outcome is known."""
        if not self.known:
            return plan
        left: dict[tuple[int, ...], list[str]] = {}
        for part in plan.parts:
            for point in part.points:
                if seeds := tuple(seed for seed in part.seeds if (point, seed) not in self.known):
                    left.setdefault(seeds, []).append(point)
        return replace(plan, parts=tuple(Part(points, list(seeds)) for seeds, points in left.items()))

    def _rows(self) -> dict[Key, dict[str, Any]]:
        """Rows of the runs of the folder that ended well."""
        assert self.folder is not None
        outcomes = outcomes_of(self.folder, read_plan(self.folder))
        return {(o.point, o.seed): o.row for o in outcomes if o.row["status"] == OK}

    @property
    def place(self) -> Path:
        """Where the answer is written: a folder within that of the runs, which must have been made."""
        assert self.folder is not None
        return self.folder / ANSWER

    def found(self) -> dict[tuple[str, float], Found]:
        """Rows of the cells and seeds that were asked, whatever else is known or in the folder."""
        rows: dict[Key, Mapping[str, Any]] = {**self.known, **self._rows()}
        lines: dict[tuple[str, float], dict[float, dict[int, Mapping[str, Any]]]] = {}
        for cell, seeds in self.asked.items():
            kept = {s: rows[self.points[cell], s] for s in seeds if (self.points[cell], s) in rows}
            lines.setdefault((cell.layer, cell.depth), {})[cell.size] = kept
        return {key: Found(*key, sizes) for key, sizes in lines.items()}

    def scenario(self, cell: Cell) -> Scenario:
        """The scenario of a cell."""
        return self._with({**self._thinned(cell.layer, cell.depth), **self.axis.changes(self.base, cell.size)})

    def point(self, cell: Cell) -> str:
        """Identity of the scenario of a cell."""
        return point_of(self.scenario(cell))

    def at_depth(self, layer: str, depth: float) -> Scenario:
        """The scenario at a depth, with the shock that it has itself."""
        return self._with(self._thinned(layer, depth))

    def _with(self, changes: Mapping[str, Any]) -> Scenario:
        from sim.runner import Scenario

        return Scenario(Spec.model_validate(changed(self.base.model_dump(mode="json"), changes)))

    def _thinned(self, layer: str, depth: float) -> dict[str, Any]:
        market, out = self.base.market, {}
        for what in LAYERS[layer]:
            if what == "answer":
                out["market_maker.flow_response"] = self.base.market_maker.flow_response / depth
            else:
                out[f"market.depth_scale_{what}"] = getattr(market, f"depth_scale_{what}") * depth
        return out

    def _lasting(self, spec: Spec) -> Spec:
        """The scenario, ending ``horizon_s`` after the shock began, or when its last shock ends."""
        ends = [s.at + getattr(s, "over", 0.0) + getattr(s, "ramp", 0.0) for s in spec.shocks]
        end = max([self.axis.from_s + self.question.horizon_s, self.axis.until_s, *ends])
        whole = math.ceil(end / spec.record_every - 1e-9) * spec.record_every
        return Spec.model_validate(spec.model_dump(mode="json") | {"duration": f"{whole:.10g}s"})


def check(question: Question) -> None:
    """Refuse what makes no sense before anything is run.

    Raises
    ------
    ScenarioError
        With the reason.
    """
    unknown = [layer for layer in question.layers if layer not in LAYERS]
    if unknown or not question.layers:
        raise ScenarioError(f"layers {', '.join(unknown) or 'none'}: there are {', '.join(LAYERS)}")
    if not question.depths or any(not 0.001 <= d <= 1000.0 for d in question.depths):
        raise ScenarioError("depths: expected multiples from 0.001 to 1000, such as 1.5,1,0.5")
    if len(set(question.depths)) < len(question.depths) or len(set(question.sizes)) < len(question.sizes):
        raise ScenarioError("depths and sizes: each may appear once")
    if not 2 <= question.seeds <= MOST_SEEDS:
        raise ScenarioError(f"seeds: expected 2 to {MOST_SEEDS}, got {question.seeds}")
    if question.horizon_s <= 0.0:
        raise ScenarioError("horizon: expected more than 0 s")
