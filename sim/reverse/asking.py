"""Whether an outcome happens at a point and seed: the runs that tell, with a sale where an assumption has one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.reverse.outcome import Outcome
from sim.scenario.spec import Spec
from sim.sensitivity.asked import Asked, Values
from sim.sensitivity.factors import applied

if TYPE_CHECKING:
    from sim.runner import Scenario

Hits = Mapping[Values, Mapping[int, float]]
"""Point and seed to 1 or 0; seeds that cannot say are not in it."""


class WithSale(Asked):
    """Points with, as a last value, 1 where a sale is made."""

    sale: Mapping[str, Any] | None = None

    def scenario(self, values: Values) -> Scenario:
        """The scenario of a point, with the sale where the point says so."""
        if len(values) == len(self.factors) or self.sale is None:
            return super().scenario(values)
        from sim.experiments.check import with_sale
        from sim.runner import Scenario

        spec = applied(self.base, self.factors, values[:-1], self.added)
        raw = Scenario(spec).resolved["scenario"]  # without the assumptions, which forbid a sale among the shocks
        return Scenario(Spec.model_validate({**raw, **with_sale(spec, self.sale)}))


def ask(asked: Asked, outcome: Outcome, points: Sequence[Values], seeds: Sequence[int], **how: Any) -> Hits:
    """What each seed does at each point; runs that are there are not made again.

    Parameters
    ----------
    asked : Asked
    outcome : Outcome
    points : sequence of tuple
    seeds : sequence of int
    **how
        As for ``make_runs``.
    """
    distinct = list(dict.fromkeys(points))
    pairs = [(*point, 1.0) for point in distinct] if outcome.sale is not None else []
    asked.make([([*distinct, *pairs], seeds)], **how)
    rows = asked.rows()
    out: dict[Values, dict[int, float]] = {}
    for point in distinct:
        sales = rows.get((*point, 1.0), {})
        found = {seed: outcome.hit(rows[point][seed], sales.get(seed)) for seed in seeds if seed in rows[point]}
        out[point] = {seed: value for seed, value in found.items() if not math.isnan(value)}
    return out
