"""The measure ``amplification``: a run beside its base run and beside the base run without the shock, same draws.

Arguments: ``quiet``, what takes the shock out of a resolved scenario (dotted path to value), and ``from_s``, seconds
from the start at which falls begin to count. Definitions: MODEL.md 5.2 and R10, DECISIONS 20.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.experiments.base_run import base_changes, forced_btc, fuel, lead_marks
from sim.experiments.measures import Arguments, Measure
from sim.experiments.plan import changed
from sim.metrics.amplification import log_fall, second_round_share

if TYPE_CHECKING:
    from sim.results import Run
    from sim.runner import Scenario

COLUMNS: dict[str, tuple[str, str]] = {
    "fall": ("log", "deepest log fall of the mark against the quiet base run of the seed (T)"),
    "base_fall": ("log", "the same of the base run: no liquidation, no withdrawal (T0)"),
    "first_round": ("fraction", "share of open interest whose liquidation price lies within the base run's fall"),
    "second_round": ("fraction", "coins of liquidated accounts over open interest at the start, less the first round"),
    "crowding": ("ratio", "open interest over bids within 1 % of mid, both in USD, when falls begin to count"),
}


def columns(_arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    return COLUMNS


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Run the scenario, its base run and its quiet base run.

    Parameters
    ----------
    scenario : Scenario
        With the shock in it.
    seed : int
        Of all three.
    arguments : mapping
        As the module says.

    Returns
    -------
    Run, dict
        The run with the shock, and a number for each of ``COLUMNS``.
    """
    run = scenario.run(seed)
    elapsed_s = run.series["elapsed_s"].to_numpy()
    counts = elapsed_s >= arguments["from_s"]
    mark = run.series["mark_usd"].to_numpy()
    whole = scenario.spec.model_dump(mode="json")
    off = base_changes(scenario.spec)
    base = marks(json.dumps(changed(whole, off)), seed)
    quiet = marks(json.dumps(changed(whole, {**off, **arguments["quiet"]})), seed)
    first = 0.0
    if scenario.spec.leveraged.enabled:
        deepest = max(0.0, 1.0 - float(np.nanmin(base[counts])) / float(mark[0]))
        first = float(fuel(scenario.spec, seed, np.array([deepest]))[0])
    start = int(np.flatnonzero(counts)[0])
    interest = run.series["open_interest_btc"].to_numpy()
    bids = float(run.series["depth_bid_1pct_usd"].iloc[start])
    return run, {
        "fall": log_fall(mark[counts], quiet[counts]),
        "base_fall": log_fall(base[counts], quiet[counts]),
        "first_round": first,
        "second_round": second_round_share(forced_btc(run), float(interest[0]), first),
        "crowding": float(interest[start] * mark[start]) / bids if bids > 0 else float("nan"),
    }


@lru_cache(maxsize=4)
def marks(scenario: str, seed: int) -> NDArray[np.float64]:
    """Mark in USD, one a recorded row, of a resolved scenario given as JSON.

    The shocks of one depth and seed share their quiet run and follow one another in a sweep, so the last few are kept.
    """
    from sim.scenario.spec import Spec

    found: dict[str, Any] = json.loads(scenario)
    return lead_marks(Spec.model_validate(found), seed)


MEASURE = Measure(columns, make)
