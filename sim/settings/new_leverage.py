"""New leveraged positions after others were closed, over weeks."""

from typing import ClassVar

from sim.settings.bridge import Id
from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Flag, Fraction

MOST_OPENINGS = 2000
"""In a run: each takes two of the random keys that an institution has."""


class NewLeverageSettings(Settings):
    """Open interest goes back toward what it was, by new longs and new shorts of their own."""

    at_start: ClassVar[frozenset[str]] = frozenset({"listing", "after"})
    """Settings that act at the start alone: a fork cannot change them."""

    enabled: Flag = setting(
        False, unit="", provenance="scenario", source="own choice: a channel of weeks, not of a night",
        note="true lets new positions be opened.",
    )  # fmt: skip
    listing: Id | None = setting(
        None, unit="", provenance="scenario", source="own choice",
        note="In a scenario with listings, the one in which they are opened; null: the first.",
    )  # fmt: skip
    target: Fraction = setting(
        "100%", unit="fraction of open interest at the start", provenance="judgement",
        source="own judgement: MODEL.md 4.3 names OI* without a number", note="Where open interest goes.",
        at_least=0.0, at_most=10.0,
    )  # fmt: skip
    half_life: Duration = setting(
        "60d", unit="s", provenance="judgement",
        source="MODEL.md 4.3, R7: 60 days after a washout, chosen for the slight recovery by late November 2025 (A5)",
        note="Time in which half of what is missing comes back.", at_least=3600.0, at_most=8.64e7,
    )  # fmt: skip
    after: Duration = setting(
        "24h", unit="s", provenance="judgement", source="own judgement: who was washed out is not back the same night",
        note="Time from the start to the first opening.", at_least=0.0, at_most=8.64e6,
    )  # fmt: skip
    every: Duration = setting(
        "1h", unit="s", provenance="judgement", source="own judgement: often enough that no single one shows",
        note="Time between two openings, each one long and one short.", at_least=60.0, at_most=86400.0,
    )  # fmt: skip
    own_shorts: Fraction = setting(
        "55%", unit="fraction of new longs", provenance="judgement",
        source="DECISIONS 18: shorts of the public 0.38 and of funds 0.17; others hedge or make markets",
        note="New shorts of their own; makers and arbitrage firms take the rest.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    order_every: Duration = setting(
        "60s", unit="s", provenance="judgement", source="own judgement", note="Time between two child orders.",
        at_least=1.0, at_most=3600.0,
    )  # fmt: skip
    order_bound: Fraction = setting(
        "1%", unit="fraction", provenance="judgement", source="own judgement: nobody opens at any price",
        note="Child orders ask no price farther than this from the mark.", at_least=0.0001, at_most=0.5,
    )  # fmt: skip
