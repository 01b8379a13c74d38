"""A rules profile of the calculator: margin, liquidation and funding rules of a venue that no market is built of."""

from typing import Annotated

from pydantic import Field, model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Fraction, Money, Number

_GIVEN = "given with its source in the profile's file, sim/venues/rules"
_MOST_PPM = (2**32 - 1) / 1e6  # factors are kept as 32-bit millionths at the venue


class RuleSettings(Settings):
    """One rules profile, whole: what the calculator needs to know of a venue, and no finding about any firm."""

    title: Annotated[str, Field(min_length=1, max_length=120)] = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="One line that names the rule set."
    )
    statement: Annotated[str, Field(min_length=1, max_length=2000)] = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="What the profile is, and what it is not."
    )
    initial_margin: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Initial margin as a share of the notional, while open interest is below its lower bound.",
        at_least=0.0,
        at_most=1.0,
    )
    maintenance_share: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Maintenance margin as a share of that initial margin.",
        at_least=0.0,
        at_most=1.0,
    )
    open_interest_lower: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Open interest from which initial margin rises in a straight line.",
        at_least=0.0,
        at_most=1e12,
    )
    open_interest_upper: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Open interest from which initial margin is the whole notional; $0: it never rises.",
        at_least=0.0,
        at_most=1e12,
    )
    bankruptcy_adjustment: Number = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Multiplies the share of maintenance that an account has lost, in the price of its forced order.",
        at_least=0.0,
        at_most=_MOST_PPM,
    )
    maintenance_spread: Number = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Largest distance of a forced order from the oracle price, over the position's maintenance margin.",
        at_least=0.0,
        at_most=_MOST_PPM,
    )
    liquidation_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Largest fee to the insurance fund, of the forced value; taken out of what closing leaves.",
        at_least=0.0,
        at_most=1.0,
    )
    position_share: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Largest part of a position that one block liquidates.",
        at_least=0.0,
        at_most=1.0,
    )
    position_least: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="That part is worth at least this, or is the whole position.",
        at_least=0.0,
        at_most=1e12,
    )
    account_most: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Largest value that one block liquidates of an account.",
        at_least=0.0,
        at_most=1e12,
    )
    funding_clamp: Number = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Largest funding rate, either sign, over initial less maintenance margin.",
        at_least=0.0,
        at_most=_MOST_PPM,
    )
    funding_period: Duration = setting(
        ...,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Time over which a position pays the funding rate once.",
        at_least=1.0,
        at_most=86400.0,
    )

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "RuleSettings":
        if self.open_interest_lower > self.open_interest_upper:
            why = f"must not be above open_interest_upper, ${self.open_interest_upper:g}"
            raise problem_at("open_interest_lower", sentence=why)
        return self
