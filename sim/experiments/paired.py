"""The measure ``amplification``: a run beside its base run and beside the base run without the shock, same draws.

Arguments: ``quiet``, what takes the shock out of a resolved scenario (dotted path to value); ``from_s``, seconds from
the start at which falls begin to count; optionally ``whole_seeds``, the last seed of which all is measured: of later
ones only whether they cascade, which needs no quiet run and is known once the second round has passed the largest cut
(what was forced never shrinks). Definitions: MODEL.md 5.2 and R10, DECISIONS 20.
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
from sim.metrics.amplification import CUTS, log_fall, second_round_share
from sim.network.network import Network
from sim.recorder import rows_so_far

if TYPE_CHECKING:
    from sim.market import Market
    from sim.results import Run
    from sim.runner import Scenario

COLUMNS: dict[str, tuple[str, str]] = {
    "fall": ("log", "deepest log fall of the mark against the quiet base run of the seed (T)"),
    "base_fall": ("log", "the same of the base run: no liquidation, no withdrawal (T0)"),
    "first_round": ("fraction", "share of open interest whose liquidation price lies within the base run's fall"),
    "second_round": ("fraction", "coins of liquidated accounts over open interest at the start, less the first round"),
    "crowding": ("ratio", "open interest over bids within 1 % of mid, both in USD, when falls begin to count"),
}
ENDED = {"ended_s": ("s", "time at which the run was ended as its cascade was known, and until which the row holds")}
_FORCED_LOTS = ("forced_sell_lots", "forced_buy_lots", "takeover_lots", "adl_lots")
LOOK_S = 60.0
"""Seconds between looks at whether a cascade is known; no result depends on it but ``ended_s`` and what it ends."""


def columns(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    return COLUMNS | ENDED if "whole_seeds" in arguments else COLUMNS


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
        The run with the shock, and a number for each of ``columns``.
    """
    whole = scenario.spec.model_dump(mode="json")
    off = base_changes(scenario.spec)
    base = marks(json.dumps(changed(whole, off)), seed)
    rows = np.arange(base.size) * scenario.spec.record_every
    counts = rows >= arguments["from_s"]
    start = int(np.flatnonzero(counts)[0])
    first = 0.0
    if scenario.spec.leveraged.enabled:
        deepest = max(0.0, 1.0 - float(np.nanmin(base[counts])) / float(base[0]))
        first = float(fuel(scenario.spec, seed, np.array([deepest]))[0])
    fall = base_fall = ended_s = float("nan")
    if seed <= arguments.get("whole_seeds", seed):
        run = scenario.run(seed)
        quiet = marks(json.dumps(changed(whole, {**off, **arguments["quiet"]})), seed)
        fall = log_fall(run.series["mark_usd"].to_numpy()[counts], quiet[counts])
        base_fall = log_fall(base[counts], quiet[counts])
    else:
        run = scenario.run_while(lambda live: _share(live, first) <= max(CUTS), LOOK_S, seed)
        if len(run.series) < base.size:
            ended_s = float(run.series["elapsed_s"].iloc[-1])
    interest, mark = (run.series[name].to_numpy() for name in ("open_interest_btc", "mark_usd"))
    bids = float(run.series["depth_bid_1pct_usd"].iloc[start]) if len(run.series) > start else 0.0
    found = {
        "fall": fall,
        "base_fall": base_fall,
        "first_round": first,
        "second_round": second_round_share(forced_btc(run), float(interest[0]), first),
        "crowding": float(interest[start] * mark[start]) / bids if bids > 0 else float("nan"),
        "ended_s": ended_s,
    }
    return run, {name: found[name] for name in columns(arguments)}


def _share(live: Market | Network, first: float) -> float:
    """Second-round share up to now, of the first market."""
    rows = rows_so_far(live.lead if isinstance(live, Network) else live)
    forced = sum(int(rows[name].sum()) for name in _FORCED_LOTS)
    return second_round_share(float(forced), float(rows["open_interest_lots"][0]), first)


@lru_cache(maxsize=4)
def marks(scenario: str, seed: int) -> NDArray[np.float64]:
    """Mark in USD, one a recorded row, of a resolved scenario given as JSON.

    The shocks of one depth and seed share their quiet run and follow one another in a sweep, so the last few are kept.
    """
    from sim.scenario.spec import Spec

    found: dict[str, Any] = json.loads(scenario)
    return lead_marks(Spec.model_validate(found), seed)


MEASURE = Measure(columns, make)
