"""Two clocks: when a run leaves its fine ticks for long ones, and what brings it back."""

from typing import Literal

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Fraction, Number

_RULE = "MODEL.md 7, the rule that switches clocks"


class ClockSettings(Settings):
    """Long ticks while nothing is under way, the scenario's own ``tick`` while something is."""

    slow_tick: Duration | None = setting(
        None,
        unit="s",
        provenance="judgement",
        source=(
            "MODEL.md 7: 60 s, at which calm volatility and the impact of an hour survive; the default leaves the whole"
            " run on `tick`"
        ),
        note="Length of a long tick, a whole number of ticks of at least 2; null: none.",
        at_least=0.02,
        at_most=600.0,
    )
    start: Literal["fine", "slow"] = setting(
        "fine",
        unit="",
        provenance="judgement",
        source="own judgement: a scenario that begins in a crash loses nothing of it",
        note="Clock that the run begins with.",
    )
    calm_for: Duration = setting(
        "30min",
        unit="s",
        provenance="sourced",
        source=_RULE,
        note="Time below all of the following before long ticks begin.",
        at_least=1.0,
        at_most=86400.0,
    )
    live_move: Number = setting(
        6.0,
        unit="",
        provenance="sourced",
        source=_RULE,
        note="Move of the mark in one long tick, in its standard deviations at the makers' reference volatility.",
        at_least=0.1,
        at_most=1000.0,
    )
    live_fuel: Fraction = setting(
        "20%",
        unit="fraction",
        provenance="sourced",
        source=_RULE,
        note="Positions liquidated within `live_reach`, over the depth there, while accounts are under liquidation.",
        at_least=0.0,
        at_most=100.0,
    )
    live_reach: Number = setting(
        3.0,
        unit="",
        provenance="sourced",
        source=_RULE,
        note="Distance from the mark at which fuel and depth are counted, in standard deviations of one long tick.",
        at_least=0.1,
        at_most=1000.0,
    )
    live_activity: Number = setting(
        8.0,
        unit="",
        provenance="judgement",
        source="own judgement: a fifth of what a long tick has room for; calm_btc goes beyond it once in some 100 h",
        note="Background orders that a long tick is to draw next, over their mean.",
        at_least=1.0,
        at_most=8.0,
    )
    live_gap: Fraction = setting(
        "1%",
        unit="fraction",
        provenance="sourced",
        source=_RULE + ": a depeg; here of the perp's mid from the index",
        note="Gap between the mid of the perp and the index.",
        at_least=1e-6,
        at_most=1.0,
    )
