"""The measure ``reach``: whether the mark is beyond a level once, from a time on; a run ends when it is.

Arguments: ``level_usd``; ``way``, "above" or "below"; ``from_s``, seconds from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.experiments.measures import Arguments, Measure
from sim.network.network import Network
from sim.recorder import rows_so_far

if TYPE_CHECKING:
    from sim.market import Market
    from sim.results import Run
    from sim.runner import Scenario

COLUMNS = {
    "reached": ("", "1 when the mark was beyond the level once, else 0"),
    "reached_s": ("s", "time of the first recorded mark beyond it; empty: never"),
}
LOOK_S = 3600.0
"""Seconds between looks at whether it is reached; no result but the end of the run depends on it."""


def columns(_arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    return COLUMNS


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Run a scenario until the mark of its first market is beyond the level.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    arguments : mapping
        As the module says.

    Returns
    -------
    Run, dict
        The run, and a number for each of ``COLUMNS``.
    """
    every_s = scenario.spec.record_every

    def beyond(mark_usd: NDArray[np.float64]) -> NDArray[np.bool_]:
        level = arguments["level_usd"]
        past = mark_usd > level if arguments["way"] == "above" else mark_usd < level
        return np.asarray(past & (np.arange(mark_usd.size) * every_s >= arguments["from_s"]))

    def going(live: Market | Network) -> bool:
        rows = rows_so_far(live.lead if isinstance(live, Network) else live)
        return not beyond(rows["mark_usd"]).any()

    run = scenario.run_while(going, LOOK_S, seed)
    hit = beyond(run.series["mark_usd"].to_numpy())
    first_s = float(run.series["elapsed_s"].to_numpy()[hit][0]) if hit.any() else float("nan")
    return run, {"reached": float(hit.any()), "reached_s": first_s}


MEASURE = Measure(columns, make)
