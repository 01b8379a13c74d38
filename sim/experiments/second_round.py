"""The measure ``cascade``: what was forced beyond what the fall of the base run would force, same seed and draws.

The base run has neither liquidation nor withdrawal (DECISIONS 20); a run cascades when the second round exceeds 2 % of
open interest (DECISIONS 20c).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.experiments.base_run import base_changes, forced_btc, fuel, lead_marks
from sim.experiments.measures import Arguments, Measure
from sim.experiments.plan import changed
from sim.metrics.amplification import log_fall, second_round_share

if TYPE_CHECKING:
    from sim.results import Run
    from sim.runner import Scenario

COLUMNS = {
    "second_round": (
        "fraction",
        "coins of liquidated accounts over open interest at the start, less what the fall of the base run would force",
    ),
}


def columns(_arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the number."""
    return COLUMNS


def make(scenario: Scenario, seed: int, _arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Run the scenario and, where anybody is leveraged, its base run.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Of both.

    Returns
    -------
    Run, dict
        The run of the scenario, and a number for each of ``COLUMNS``.
    """
    from sim.scenario.spec import Spec

    run = scenario.run(seed)
    if not scenario.spec.leveraged.enabled:
        return run, {"second_round": 0.0}
    base = Spec.model_validate(changed(scenario.spec.model_dump(mode="json"), base_changes(scenario.spec)))
    fall = log_fall(lead_marks(base, seed))
    first = float(fuel(scenario.spec, seed, np.array([-math.expm1(-fall)]))[0])
    interest_btc = float(run.series["open_interest_btc"].iloc[0])
    return run, {"second_round": second_round_share(forced_btc(run), interest_btc, first)}


MEASURE = Measure(columns, make)
