"""The measure ``attribution``: a run that was one thing up to the fork and is another from there on.

Its scenario is what holds from the fork on; the last word of its name says what held before. Arguments:

- ``base``: the scenario in which everything is on, as resolved;
- ``before``: that word to what differs from ``base`` up to the fork, dotted path to value;
- ``quiet``: what makes of ``base`` the run to which falls are compared: no shock, no liquidation, no withdrawal;
- ``fork_s``, ``from_s``, ``until_s``: seconds from the start; falls count in the last two.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.experiments.base_run import BASE, forced_btc, fuel
from sim.experiments.measures import Arguments, Measure
from sim.experiments.paired import marks
from sim.experiments.plan import changed, value_of
from sim.metrics.amplification import log_fall

if TYPE_CHECKING:
    from sim.market import Market
    from sim.network import Network
    from sim.network.saved import NetworkSnapshot
    from sim.results import Run
    from sim.runner import Scenario
    from sim.scenario.spec import Spec
    from sim.snapshot import Snapshot

COLUMNS: dict[str, tuple[str, str]] = {
    "fall": ("log", "deepest log fall of the mark against the run without shock, liquidation and withdrawal"),
    "forced_share": ("fraction", "coins of liquidated accounts over open interest at the start"),
    "forced_usd": ("USD", "coins of liquidated accounts at the mark of the time, all listings"),
    "would_force": (
        "fraction",
        "of a run without liquidation and withdrawal: share of open interest that its own fall would liquidate",
    ),
}
_FORCED = ("forced_sell_btc", "forced_buy_btc", "takeover_btc", "adl_btc")


def columns(_arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    return COLUMNS


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Go on from the state at the fork under the scenario's settings.

    Parameters
    ----------
    scenario : Scenario
        What holds from the fork on.
    seed : int
    arguments : mapping
        As the module says.

    Returns
    -------
    Run, dict
        The run from its start, and a number for each of ``COLUMNS``.
    """
    from sim.results import Origin
    from sim.runner import finished, simulate

    spec = scenario.spec
    early = changed(arguments["base"], arguments["before"][code_of(spec.name)])
    live = go_on(json.dumps(early), seed, arguments["fork_s"], spec)
    timing = simulate(live, spec.duration, None)
    run = finished(live, timing, Origin(scenario.resolved, scenario.overrides))
    quiet = marks(json.dumps(changed(arguments["base"], arguments["quiet"])), seed)
    time_s, mark = (run.series[name].to_numpy() for name in ("elapsed_s", "mark_usd"))
    counts = (time_s >= arguments["from_s"]) & (time_s <= arguments["until_s"])
    found = {
        "fall": log_fall(mark[counts], quiet[counts]),
        "forced_share": forced_btc(run) / float(run.series["open_interest_btc"].iloc[0]),
        "forced_usd": sum(_forced_usd(one) for one in (run.listings or {"": run}).values()),
        "would_force": float("nan"),
    }
    if is_base(spec):
        deepest = max(0.0, 1.0 - float(np.nanmin(mark[counts])) / float(mark[0]))
        found["would_force"] = float(fuel(spec, seed, np.array([deepest]))[0])
    return run, found


def code_of(name: str) -> str:
    """The word in a scenario's name that says what held before the fork."""
    return name.rpartition("-")[2]


def is_base(spec: Spec) -> bool:
    """Whether nobody is liquidated and no maker withdraws."""
    return all(value_of(spec, path) in (off, None) for path, off in BASE.items())


def go_on(early: str, seed: int, fork_s: float, spec: Spec) -> Market | Network:
    """A live market or network at the fork, under the settings that hold from there on."""
    from sim import snapshot
    from sim.network import saved as network

    state, known = _saved(early, seed, fork_s)
    if isinstance(state, snapshot.Snapshot):
        return snapshot.resume(state, spec, before=known)
    return network.resume(state, spec, known=known)


@lru_cache(maxsize=1)
def _saved(early: str, seed: int, fork_s: float) -> tuple[Snapshot | NetworkSnapshot, Any]:
    """The state at the fork, and what its settings make before the first tick.

    Coalitions that were alike up to the fork follow one another in a sweep, so one is kept.
    """
    from sim import snapshot
    from sim.network import saved as network
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

    state = Scenario(Spec.model_validate(json.loads(early))).run(seed, until=fork_s).snapshot
    if isinstance(state, snapshot.Snapshot):
        return state, snapshot.draft(state)
    return state, network.draft(state)


def _forced_usd(run: Run) -> float:
    coins = np.sum([run.series[name].to_numpy() for name in _FORCED], axis=0)
    return float((coins * run.series["mark_usd"].to_numpy()).sum())


MEASURE = Measure(columns, make)
