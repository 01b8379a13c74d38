"""Arbitrage between exchanges: firms with balances on each, transfers that refill them, and when those stand still."""

from typing import Annotated

from pydantic import Field, model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number

_OWN = "the scenario's own choice"
_GIVEN = "given with its source in the scenario"
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,31}$")]


class Halt(Settings):
    """A time in which transfers stand still: none leaves and none arrives."""

    exchange: Id | None = setting(
        None, unit="", provenance="scenario", source=_GIVEN, note="Whose transfers; null: everybody's."
    )
    at: Duration = setting(
        ..., unit="s", provenance="scenario", source=_GIVEN, note="Start, from the scenario's start.",
        at_least=0.0, at_most=8.64e6,
    )  # fmt: skip
    over: Duration = setting(
        ..., unit="s", provenance="scenario", source=_GIVEN, note="How long.", at_least=0.0, at_most=8.64e6
    )


class BridgeSettings(Settings):
    """Arbitrage firms with balances on several exchanges, and the transfers that refill them."""

    enabled: Flag = setting(True, unit="", provenance="scenario", source=_OWN, note="false: nobody bridges exchanges.")
    firms: Count = setting(
        12,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.4",
        note="Firms; capital is split lognormally.",
        at_least=1,
        at_most=200,
    )
    capital: Money = setting(
        "$1.5bn",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.4 [K:l]: cross-venue arbitrage capital",
        note="Cash and coins of all firms over all listings.",
        at_least=0.0,
        at_most=1e12,
    )
    capital_sigma: Number = setting(
        1.0,
        unit="log units",
        provenance="judgement",
        source="own judgement: as the spot-perp firms",
        note="Standard deviation of the logarithm of a firm's share.",
        at_least=0.0,
        at_most=3.0,
    )
    coin_share: Fraction = setting(
        "50%",
        unit="fraction",
        provenance="judgement",
        source="own judgement: both directions are served alike",
        note="Share of capital that is coins where the listing has a spot book.",
        at_least=0.0,
        at_most=1.0,
    )
    leverage: Number = setting(
        3.0,
        unit="x",
        provenance="sourced",
        source="MODEL.md 4.4: 3-5x on the perp leg",
        note="Largest perp notional over the money in the account.",
        at_least=0.1,
        at_most=50.0,
    )
    latency_low: Duration = setting(
        "20ms", unit="s", provenance="judgement", source="MODEL.md 4.4", note="Least order latency.",
        at_least=0.0, at_most=60.0,
    )  # fmt: skip
    latency_high: Duration = setting(
        "300ms", unit="s", provenance="judgement", source="MODEL.md 4.4", note="Largest order latency.",
        at_least=0.0, at_most=60.0,
    )  # fmt: skip
    risk_multiple: Number = setting(
        1.0,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.4: z_r",
        note="Standard deviations of the price over both latencies that a gap must pay beyond fees.",
        at_least=0.0,
        at_most=10.0,
    )
    shadow_price: Fraction = setting(
        "1%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.4: mu_b; as the spot-perp firms",
        note="Price of a balance that is gone; grows with the square of the share gone.",
        at_least=0.0,
        at_most=1.0,
    )
    smallest_order: Money = setting(
        "$1000",
        unit="USD",
        provenance="judgement",
        source="own judgement: below it a fixed cost outweighs the gap",
        note="A firm sends no smaller leg.",
        at_least=1.0,
        at_most=1e9,
    )
    transfer_low: Duration = setting(
        "10min",
        unit="s",
        provenance="judgement",
        source="MODEL.md 2.9: 10-30 min",
        note="Least time that a transfer between exchanges is on its way.",
        at_least=0.0,
        at_most=8.64e6,
    )
    transfer_high: Duration = setting(
        "30min",
        unit="s",
        provenance="judgement",
        source="MODEL.md 2.9: 10-30 min",
        note="Largest such time.",
        at_least=0.0,
        at_most=8.64e6,
    )
    transfers: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="a counterfactual switch",
        note="false: nothing moves between exchanges.",
    )
    halts: tuple[Halt, ...] = setting(
        (), unit="list of halts", provenance="scenario", source=_GIVEN, note="When transfers stand still."
    )

    @model_validator(mode="after")
    def _times_fit(self) -> "BridgeSettings":
        for low, high in (("latency_low", "latency_high"), ("transfer_low", "transfer_high")):
            if getattr(self, low) > getattr(self, high):
                raise problem_at(high, sentence=f"must be at least {low}, {getattr(self, low):g} s")
        return self
