"""What a sweep measures on a run beyond its summary: a named measure, which may run the market more than once.

A measure is named in the plan, ``{"kind": "amplification", ...}`` with its arguments, so that it decides the sweep's
identity and reaches every worker. Its numbers become columns of the rows of the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import ResultError

if TYPE_CHECKING:
    from sim.results import Run
    from sim.runner import Scenario

Arguments = Mapping[str, Any]
"""``kind`` and whatever the measure asks for; plain JSON."""


class Measure(NamedTuple):
    """One way to measure.

    Attributes
    ----------
    columns : callable
        Arguments to the numbers it gives: name to unit and meaning.
    make : callable
        (scenario, seed, arguments) to the run and those numbers; depends on nothing else.
    """

    columns: Callable[[Arguments], dict[str, tuple[str, str]]]
    make: Callable[[Scenario, int, Arguments], tuple[Run, dict[str, float]]]


WHERE = {
    "amplification": "sim.experiments.paired",
    "assumptions": "sim.experiments.looks",
    "book": "sim.risk.measure",
    "attribution": "sim.attribution.measure",
    "cascade": "sim.experiments.second_round",
    "factors": "sim.risk.factors",
    "mids": "sim.experiments.mids",
    "reach": "sim.reverse.reach",
    "resilience": "sim.experiments.resilience",
}
"""Kind to the module that holds its ``MEASURE``."""


def measure_of(arguments: Arguments) -> Measure:
    """Find the measure that a plan names.

    Raises
    ------
    ResultError
        When this version has none of that kind.
    """
    kind = arguments.get("kind")
    if kind not in WHERE:
        raise ResultError(f"no measure {kind!r}; this version has {', '.join(sorted(WHERE))}")
    found: Measure = import_module(WHERE[kind]).MEASURE
    return found


def columns_of(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers that a plan's measure adds; none without a measure."""
    return measure_of(arguments).columns(arguments) if arguments else {}
