"""Clearing: the venue's funding rules, and what a scenario may switch off to ask what it does."""

from decimal import Decimal
from typing import Literal

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Flag, Fraction, Money, MoneyRate, Number, Rate

_GIVEN = "given with its source in the profile's file, sim/venues/profiles"


class FundingRules(Settings):
    """Premium index, rate and time of the payments between longs and shorts."""

    every: Duration = setting(
        ...,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Time between two payments; periods are counted from midnight UTC.",
        at_least=60.0,
        at_most=86400.0,
    )
    rate_for: Duration | None = setting(
        None,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Time that rates are stated for, a multiple of every: each payment is its part. null: one payment's.",
        at_least=60.0,
        at_most=86400.0,
    )
    notional: Literal["mark", "index"] = setting(
        "mark",
        unit="",
        provenance="sourced",
        source="MODEL.md 2.5 [S:5b], [S:3b]",
        note="Price at which positions are valued for a payment.",
    )
    average: Literal["linear", "simple"] = setting(
        "linear",
        unit="",
        provenance="sourced",
        source="MODEL.md 2.5 [S:5b], [S:3b]",
        note="Mean of a period's premium samples: linear, the n-th weighs n; simple, all alike.",
    )
    sample_every: Duration = setting(
        ...,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Time between two samples of the premium.",
        at_least=1.0,
        at_most=3600.0,
    )
    last_rate: Fraction = setting(
        ...,
        unit="fraction per period",
        provenance="measured",
        source=_GIVEN,
        note="Rate of the last payment before the start, carried by the first leg of the mark until the next one.",
        at_least=-0.05,
        at_most=0.05,
    )
    base: Fraction = setting(
        ...,
        unit="fraction per period",
        provenance="sourced",
        source=_GIVEN,
        note="Interest base: the rate where the mean premium lies within clamp of it.",
        at_least=-0.01,
        at_most=0.01,
    )
    clamp: Fraction = setting(
        ...,
        unit="fraction per period",
        provenance="sourced",
        source=_GIVEN,
        note="The rate differs from the mean premium by no more than this.",
        at_least=0.0,
        at_most=0.05,
    )
    cap_share: Number = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Largest rate, either sign, as a share of the first tier's maintenance rate.",
        at_least=0.0,
        at_most=1.0,
    )
    cap: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Largest rate of one payment, either sign; null: by cap_share.",
        at_least=0.0,
        at_most=1.0,
    )
    impact_margin: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Impact notional is this times the first tier's largest leverage.",
        at_least=1.0,
        at_most=100_000.0,
    )

    @model_validator(mode="after")
    def _periods_fit(self) -> "FundingRules":
        for name, outer, inner in (
            ("sample_every", self.every, self.sample_every),
            ("every", 86400.0, self.every),
            ("rate_for", self.rate_for or self.every, self.every),
        ):
            if Decimal(repr(outer)) % Decimal(repr(inner)) != 0:
                raise problem_at(name, sentence=f"must divide {outer:g} s into whole parts, got {inner:g} s")
        return self


class BreakerSettings(Settings):
    """A halt of the perp after a large move of its mark in a short time."""

    move: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="scenario",
        source="MODEL.md 2.1: offshore venues have none; policy experiments of 5% in 5 min, as US limit up-limit down",
        note="Move of the mark, from its highest or lowest in the time, that stops the perp; null: no breaker.",
        at_least=0.0001,
        at_most=0.99,
    )
    within: Duration = setting(
        "5min",
        unit="s",
        provenance="scenario",
        source="MODEL.md 2.1: policy experiments",
        note="Time in which the move counts.",
        at_least=1.0,
        at_most=3600.0,
    )
    halt: Duration = setting(
        "5min",
        unit="s",
        provenance="scenario",
        source="the trading pause of the US limit up-limit down plan",
        note="How long nothing is matched; then what waited is matched in order of arrival, and looks begin anew.",
        at_least=1.0,
        at_most=86400.0,
    )
    orders: Literal["wait", "reject"] = setting(
        "wait",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="What becomes of messages meanwhile, as in shocks of kind halt.",
    )


class ClearingSettings(Settings):
    """Parts of the venue's clearing that a scenario can switch off or scale; everyone's draws stay the same."""

    funding: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: a counterfactual switch",
        note="false: funding stays in the mark price and is not paid.",
    )
    adl: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: a counterfactual switch",
        note="false: no auto-deleveraging; the fund takes everything and its deficit is declared.",
    )
    fund_scale: Number = setting(
        1.0,
        unit="times",
        provenance="scenario",
        source="own choice: a counterfactual switch",
        note="Multiplies the venue's insurance fund at the start.",
        at_least=0.0,
        at_most=1000.0,
    )
    capacity: Rate | None = setting(
        None,
        unit="1/s",
        provenance="scenario",
        source="MODEL.md 2.9 [C]: 5 times the calm peak of messages where it is limited",
        note=(
            "Messages a second that the venue works off, over both books: more wait in order of arrival, new orders "
            "beyond twice as many are refused. null: no limit."
        ),
        at_least=1.0,
        at_most=1e7,
    )
    price_band: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="scenario",
        source="MODEL.md 2.1 [S:8]: 5% of mark for BTC and 15% for smaller coins on a Binance-like venue",
        note=(
            "No buy order of the perp rests above the mark by more, no sell order below; takers, forced orders too, "
            "trade up to the edge. null: no band."
        ),
        at_least=0.0001,
        at_most=0.99,
    )
    breaker: BreakerSettings = setting(
        {}, unit="", provenance="scenario", source="own choice: a switch", note="Circuit breaker of the perp."
    )
    adl_rule: Literal["leverage_pnl", "pnl_leverage", "index", "pro_rata", "haircut", "optimal"] | None = setting(
        None,
        unit="",
        provenance="scenario",
        source="MODEL.md 2.7: rankings and shares to compare [S:15]",
        note="Who is deleveraged, in place of the venue's own rule; null: the venue's.",
    )
    pace_cap: MoneyRate | None = setting(
        None,
        unit="USD/s",
        provenance="scenario",
        source="own choice: a counterfactual switch",
        note="Largest forced value per second in place of the venue's; null: the venue's.",
        at_least=1.0,
        at_most=1e12,
    )
