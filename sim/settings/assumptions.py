"""Liquidity assumptions: statements about a scenario that `shoal check` tests over seeds.

Each has one limit. It holds when, in at least ``share_of_seeds`` of all simulated seeds, the measure is within it.
"""

from typing import Annotated

from pydantic import Field, model_validator

from sim.settings.assumption import (
    BadDebt,
    Deleveraging,
    Depth,
    ExitCost,
    Fund,
    Liquidation,
    MarginCall,
    Recovery,
)
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Fraction

Assumption = Annotated[
    ExitCost | Depth | Recovery | Liquidation | MarginCall | Fund | BadDebt | Deleveraging,
    Field(discriminator="kind"),
]


class AssumptionsSettings(Settings):
    """Liquidity assumptions of a scenario, and what holds for all that say nothing else."""

    share_of_seeds: Fraction = setting(
        "95%",
        unit="fraction",
        provenance="judgement",
        source="own judgement, as risk limits are mostly stated",
        note="Least share of seeds within the limit.",
        at_least=0.01,
        at_most=0.999,
    )
    confidence: Fraction = setting(
        "95%",
        unit="fraction",
        provenance="judgement",
        source="own judgement, as tests are mostly stated",
        note="1 less the largest chance of a wrong verdict.",
        at_least=0.5,
        at_most=0.9999,
    )
    seeds: Count = setting(
        256,
        unit="",
        provenance="judgement",
        source="own judgement; without a breach 95% of seeds at 95% confidence takes 74 (docs/assumptions.md)",
        note="Most seeds; fewer where a verdict is reached sooner.",
        at_least=1,
        at_most=100_000,
    )
    max_age: Duration = setting(
        "90d",
        unit="s",
        provenance="judgement",
        source="own judgement: a quarter; the depth of a book halves and doubles within one",
        note="Age of the depth data (sources.depth.as_of) from which on there is no verdict.",
        at_least=0.0,
        at_most=3.2e9,
    )
    tests: Annotated[tuple[Assumption, ...], Field(max_length=200)] = setting(
        (),
        unit="list of assumptions",
        provenance="scenario",
        source="the scenario's own choice",
        note="The assumptions, in any order.",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> "AssumptionsSettings":
        seen: set[str] = set()
        for i, test in enumerate(self.tests):
            if test.name in seen:
                raise problem_at("tests", i, "name", sentence=f"{test.name!r} names two assumptions: rename one")
            seen.add(test.name)
        return self
