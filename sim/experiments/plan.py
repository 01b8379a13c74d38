"""The saved design of a sweep: base scenario, points as differences from it, seeds. The sweep is a function of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sim.errors import ResultError, ScenarioError
from sim.experiments.cells import Cell
from sim.experiments.design import Changes, Design
from sim.results.manifest import text_hash

SCHEMA = 1
_MOST_SAID = 10


class Point(NamedTuple):
    """One scenario of the design."""

    id: str
    """First 16 hex digits of the hash of the resolved scenario, its venue profile and its data files."""
    set: Changes
    """What the design changes."""
    resolved: dict[str, Any]
    """What differs from the base once resolved: dotted path to value."""
    values: dict[str, Any]
    """Each parameter's value in the unit of its setting."""


class Part(NamedTuple):
    """Points crossed with seeds; a sweep that was extended has several."""

    points: list[str]
    seeds: list[int]


@dataclass(frozen=True)
class Plan:
    """Everything that decides the results of a sweep."""

    name: str
    kernel_sha256: str
    base: dict[str, Any]
    units: dict[str, str]
    """Parameter to the unit of its values."""
    points: dict[str, Point]
    parts: tuple[Part, ...]
    columns: tuple[str, ...] = ()
    every_s: float = 0.0
    measure: dict[str, Any] = field(default_factory=dict)
    """What is measured beyond the summary, with its arguments (``measures.py``)."""
    shard: int = 64
    designs: tuple[dict[str, Any], ...] = field(default=())
    """The design files that made it, as read."""

    @property
    def id(self) -> str:
        """Twelve hex digits that name the sweep: hash of everything in it."""
        return text_hash(self.plain())[:12]

    def plain(self) -> dict[str, Any]:
        """As written to ``plan.json``."""
        own = {name: getattr(self, name) for name in ("name", "kernel_sha256", "base", "units", "every_s", "shard")}
        return {
            "schema": SCHEMA,
            **own,
            **({"measure": self.measure} if self.measure else {}),
            "columns": list(self.columns),
            "designs": list(self.designs),
            "points": [point._asdict() for point in self.points.values()],
            "parts": [part._asdict() for part in self.parts],
        }

    @staticmethod
    def read(data: dict[str, Any]) -> Plan:
        """Read back what ``plain`` gives."""
        if data.get("schema") != SCHEMA:
            raise ResultError(f"plan.json: layout version {data.get('schema')!r}, this shoal reads {SCHEMA}")
        points = {p["id"]: Point(**p) for p in data["points"]}
        parts = tuple(Part(**p) for p in data["parts"])
        own = {name: data[name] for name in ("name", "kernel_sha256", "base", "units", "every_s", "shard")}
        kept = {"columns": tuple(data["columns"]), "measure": data.get("measure", {})}
        return Plan(**own, **kept, points=points, parts=parts, designs=tuple(data["designs"]))

    def shards(self) -> Iterator[list[tuple[str, int]]]:
        """Point and seed of the runs of each result file, in order: all points of a seed before the next seed."""
        done: set[tuple[str, int]] = set()
        for part in self.parts:
            runs = [(p, s) for s in part.seeds for p in part.points if (p, s) not in done]
            done.update(runs)
            for k in range(0, len(runs), self.shard):
                yield runs[k : k + self.shard]

    def count(self) -> int:
        """Runs of the sweep."""
        return sum(len(runs) for runs in self.shards())

    def scenario(self, point: str) -> dict[str, Any]:
        """The resolved scenario of a point."""
        return changed(self.base, self.points[point].resolved)

    def cell(self, point: str, seed: int) -> Cell:
        """What a worker is handed for one run."""
        text = json.dumps(self.scenario(point), allow_nan=False)
        return Cell(point, seed, text, self.kernel_sha256, self.columns, self.every_s, self.measure)

    def extended(self, other: Plan) -> Plan:
        """Add what another plan asks beyond this one behind it; results that are there stay where they are.

        Raises
        ------
        ResultError
            When the two were made with different code, or keep other columns.
        """
        if other.kernel_sha256 != self.kernel_sha256:
            raise ResultError("the compiled code changed: results of before and after would mix; use a new folder")
        if (other.columns, other.every_s) != (self.columns, self.every_s):
            raise ResultError("the two designs keep different columns of the paths (series): use a new folder")
        if other.measure != self.measure:
            raise ResultError("the two designs measure different things (measure): use a new folder")
        known = {(p, s) for runs in self.shards() for p, s in runs}
        parts = [part for part in other.parts if any((p, s) not in known for p in part.points for s in part.seeds)]
        points = dict(self.points)
        for point in other.points.values():
            if point.id not in points:
                differs = difference(self.base, other.scenario(point.id))
                points[point.id] = point._replace(resolved=differs)
        if not parts:
            return self
        units = {**self.units, **other.units}
        points = {id: p._replace(values=_values(changed(self.base, p.resolved), units)) for id, p in points.items()}
        new = [d for d in other.designs if d not in self.designs]
        return replace(self, units=units, points=points, parts=(*self.parts, *parts), designs=(*self.designs, *new))

    def with_seeds(self, seeds: Sequence[int]) -> Plan:
        """Add every point at further seeds behind this plan."""
        return self.extended(replace(self, parts=(Part(list(self.points), list(seeds)),), designs=()))


def make_plan(design: Design, seeds: Sequence[int], measure: Mapping[str, Any] | None = None) -> Plan:
    """Resolve every point of a design; nothing is run.

    Parameters
    ----------
    design : Design
        As read from its file.
    seeds : sequence of int
        Each point is run with each.
    measure : mapping, optional
        What is measured beyond the summary, with its arguments (``measures.py``).

    Returns
    -------
    Plan
        Points that resolve to the same scenario are one point.

    Raises
    ------
    ScenarioError
        With the problems of the first ten points that are no valid scenario.
    """
    from sim.kernel_cache import kernel_hash
    from sim.runner import Scenario, load

    base = load(design.scenario, set=design.changes)
    base_dict = base.resolved["scenario"]
    points: dict[str, Point] = {}
    refused: list[str] = []
    units: dict[str, str] = {}
    for k, changes in enumerate(design.chosen()):
        try:
            spec = load(design.scenario, set={**design.changes, **changes}).spec
        except ScenarioError as error:
            refused += [f"point {k + 1}: {line}" for line in error.problems]
            if len(refused) >= _MOST_SAID:
                break
            continue
        resolved = Scenario(spec).resolved
        units = units or {path: unit_of(spec, path) for path in design.paths}
        point = Point(
            text_hash(resolved)[:16],
            changes,
            difference(base_dict, resolved["scenario"]),
            {path: value_of(spec, path) for path in design.paths},
        )
        points.setdefault(point.id, point)
    if refused:
        raise ScenarioError(refused)
    kept = design.series
    return Plan(
        name=design.name,
        kernel_sha256=kernel_hash(),
        base=base_dict,
        units=units,
        points=points,
        parts=(Part(list(points), list(seeds)),),
        columns=tuple(kept.columns) if kept else (),
        every_s=kept.every if kept else 0.0,
        measure=dict(measure or {}),
        shard=design.shard,
        designs=(design.model_dump(mode="json", by_alias=True, exclude={"scenario"}),),
    )


def _values(scenario: dict[str, Any], paths: dict[str, str]) -> dict[str, Any]:
    from sim.scenario.spec import Spec

    spec = Spec.model_validate(scenario)
    return {path: value_of(spec, path) for path in paths}


def value_of(spec: Any, path: str) -> Any:
    """A setting's value in its unit: a number, a flag or a word; a group or list as JSON; None where it is not set."""
    found = spec
    for key in path.split("."):
        try:
            found = _inside(found, key)
        except (AttributeError, IndexError, KeyError, ValueError):
            return None
    if found is None or isinstance(found, (bool, int, float, str)):
        return found
    whole = spec.model_dump(mode="json")
    for key in path.split("."):
        whole = whole[int(key)] if isinstance(whole, list) else whole[key]
    return json.dumps(whole, sort_keys=True)


def _inside(found: Any, key: str) -> Any:
    """Part of a group, a list, or a mapping such as the listings of a network."""
    if isinstance(found, dict):
        return found[key]
    return found[int(key)] if isinstance(found, (list, tuple)) else getattr(found, key)


def unit_of(spec: Any, path: str) -> str:
    """Unit of a setting, as its field declares it."""
    from sim.settings.fields import field_extra

    *above, last = path.split(".")
    holder = spec
    for key in above:
        holder = _inside(holder, key)
    return "" if last.isdecimal() or isinstance(holder, dict) else str(field_extra(type(holder), last).get("unit", ""))


def difference(base: Any, other: Any, at: str = "") -> dict[str, Any]:
    """Give what must be written into ``base`` to make it ``other``: dotted path to value."""
    if isinstance(base, dict) and isinstance(other, dict) and set(base) == set(other):
        out: dict[str, Any] = {}
        for key in base:
            out |= difference(base[key], other[key], f"{at}.{key}" if at else key)
        return out
    return {} if base == other and type(base) is type(other) else {at: other}


def changed(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with some places changed; neither is altered."""
    out = copy.deepcopy(base)
    for path, value in changes.items():
        *above, last = path.split(".")
        holder = out
        for key in above:
            holder = holder[key]
        holder[last] = value
    return out
