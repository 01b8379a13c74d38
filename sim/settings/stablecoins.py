"""Stablecoins: how their supply grows and shrinks, and with it the money that waits to buy."""

from typing import Annotated, ClassVar

from pydantic import Field

from sim.settings.bridge import Id
from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Flag, Fraction, Money, Number

_GIVEN = "given with its source in the scenario"


class SupplyChange(Settings):
    """A change of supply that a scenario gives, beside the rule's."""

    at: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source=_GIVEN,
        note="When it is ordered, from the scenario's start; it takes effect at the end of the next day.",
        at_least=0.0,
        at_most=8.64e6,
    )
    change: Fraction = setting(
        ...,
        unit="fraction",
        provenance="scenario",
        source=_GIVEN,
        note="Of the supply then: -1.5% is redeemed.",
        at_least=-0.9,
        at_most=1.0,
    )


class StablecoinsSettings(Settings):
    """Supply of dollar tokens, day by day; the cash of dip buyers who wait, and new owners' money, go with it."""

    at_start: ClassVar[frozenset[str]] = frozenset({"listing", "supply", "changes"})
    """Settings that act at the start alone: a fork cannot change them."""

    enabled: Flag = setting(
        False,
        unit="",
        provenance="scenario",
        source="own choice: a channel of weeks, not of a night",
        note="false: the money that waits to buy stays what it is.",
    )
    listing: Id | None = setting(
        None,
        unit="",
        provenance="scenario",
        source="own choice",
        note="In a scenario with listings, the one whose buyers' money goes with it; null: the first.",
    )
    supply: Money = setting(
        "$305bn",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 1.2, from memory [K:m]; 303bn at the end of November 2025 (A19)",
        note="Supply at the start.",
        at_least=1.0,
        at_most=1e14,
    )
    drift: Fraction = setting(
        "0.02%",
        unit="fraction per day",
        provenance="judgement",
        source="MODEL.md 4.10: a [C]",
        note="Growth of the logarithm of supply.",
        at_least=-0.1,
        at_most=0.1,
    )
    return_gain: Number = setting(
        0.3,
        unit="1/year",
        provenance="judgement",
        source=(
            "MODEL.md 4.10: b = 0.3 [C], without a unit; of a day or a month it would take 6% of supply in a month "
            "after a fall of 20% or more"
        ),
        note="Growth of the logarithm of supply in a year for a return of 100% over the last 30 days.",
        at_least=-100.0,
        at_most=100.0,
    )
    changes: Annotated[tuple[SupplyChange, ...], Field(max_length=1000)] = setting(
        (),
        unit="list of changes",
        provenance="scenario",
        source=_GIVEN,
        note="Changes of supply that the scenario gives, beside the rule's.",
    )
