"""Ways back: what a scenario of weeks could change to make a price level even odds, each in its own figures."""

from __future__ import annotations

from sim.errors import ScenarioError
from sim.experiments.plan import value_of
from sim.scenario.spec import Spec

TOWARD = ("recovery",)
RECOVERY: dict[str, tuple[str, str]] = {
    "etf.investors": ("etf.rule.constant", "9.16..60"),
    "dat.strategy.enabled": ("dat.claims.preferred_a_week", "$34.1m..$1bn"),
    "stablecoins.enabled": ("stablecoins.drift", "0.0002..0.005"),
}
"""Switch to the setting that is raised while it is on, and how far [judgement: six times the funds' constant inflow,
the $1bn a week that companies raised at their height (EVENT.md A16), ten times the growth of stablecoins a day]."""
_DEPTH = "depth=1..3"
HORIZON_S = 60.0 * 86_400.0
AFTER_S = 86_400.0
"""A price counts from a day after the start on: before, it is what the scenario begins with."""


def toward(spec: Spec, way: str) -> tuple[str, ...]:
    """Inputs of a preset that a scenario has: ETF flow, demand of companies, stablecoins, and depth.

    Raises
    ------
    ScenarioError
        When there is no such preset.
    """
    if way not in TOWARD:
        raise ScenarioError(f"--toward {way[:40]!r}: expected {', '.join(TOWARD)}")
    out = []
    for switch, (path, ends) in RECOVERY.items():
        group = switch.partition(".")[0]
        if value_of(spec, f"{group}.enabled") is True and value_of(spec, switch) is True:
            out.append(f"{path}={ends}")
    return (*out, _DEPTH)
