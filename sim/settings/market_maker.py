"""Market makers: how many, how rich, how they quote, and how they answer fills, inventory and news."""

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Fraction, Money, Number, Rate


class MarketMakerSettings(Settings):
    """Firms that quote both books from one belief about the price."""

    firms: Count = setting(
        8,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.1, from memory, low confidence [K:l]",
        note="Number of market-making firms.",
        at_least=1,
        at_most=500,
    )
    capital_median: Money = setting(
        "$150m",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.1, from memory, low confidence [K:l]",
        note="Median capital of a firm (log-normal).",
        at_least=1000.0,
        at_most=1e11,
    )
    capital_sigma: Number = setting(
        0.8,
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.1, from memory, low confidence [K:l]",
        note="Standard deviation of the logarithm of capital.",
        at_least=0.0,
        at_most=3.0,
    )
    rungs_per_side: Count = setting(
        16,
        unit="",
        provenance="judgement",
        source="own judgement: enough rungs to follow the piecewise depth profile",
        note="Price levels a firm quotes on each side of each book.",
        at_least=1,
        at_most=200,
    )
    inner_distance: Fraction = setting(
        "0.5bp",
        unit="fraction",
        provenance="judgement",
        source=(
            "own judgement; EVENT.md P9 has the spread at 0.016-0.02 bp, one tick, which several makers of "
            "different inventory reach"
        ),
        note="Distance of the first rung from the firm's price.",
        at_least=1e-7,
        at_most=0.1,
    )
    outer_distance: Fraction = setting(
        "5%",
        unit="fraction",
        provenance="measured",
        source="EVENT.md P5, P6: the depth profile is measured to 5%",
        note="Distance of the last rung.",
        at_least=1e-6,
        at_most=0.5,
    )
    add_rate: Rate = setting(
        "0.2/s",
        unit="1/s",
        provenance="judgement",
        source="MODEL.md 4.1: resilience of seconds, from memory, medium confidence [K:m]",
        note="Rate at which a missing or short rung is posted again.",
        at_least=1e-4,
        at_most=1000.0,
    )
    cancel_rate: Rate = setting(
        "2/s",
        unit="1/s",
        provenance="judgement",
        source="MODEL.md 4.1, from memory, medium confidence [K:m]",
        note="Rate at which a rung at a stale price is cancelled.",
        at_least=1e-4,
        at_most=1000.0,
    )
    flow_response: Fraction = setting(
        "1%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.1: 1% per depth at 1%; without an answer to fills makers absorb slow flow at no impact",
        note="Move of the firms' belief after a signed taker flow of flow_response_notional.",
        at_least=0.0,
        at_most=0.5,
    )
    flow_response_notional: Money = setting(
        "$273m",
        unit="USD",
        provenance="measured",
        source=(
            "DECISIONS 20: mean of bid and ask depth at 1%, (305 + 241)/2 (EVENT.md P5, P6); kept at every depth scale"
        ),
        note="Taker flow that moves the belief by flow_response.",
        at_least=1000.0,
        at_most=1e12,
    )
    belief_half_life: Duration = setting(
        "30min",
        unit="s",
        provenance="judgement",
        source=(
            "own judgement; stands in for latent liquidity, which this version has not: slow value buyers undo "
            "uninformed flow"
        ),
        note="Half-life with which makers forget flow and return to the news value.",
        at_least=1.0,
        at_most=8.64e6,
    )
    inventory_limit: Money = setting(
        "$50m",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.1: Qmax0 per firm for BTC",
        note="Net position of a firm beyond which it quotes one side only.",
        at_least=1000.0,
        at_most=1e11,
    )
    inventory_skew: Fraction = setting(
        "10bp",
        unit="fraction",
        provenance="judgement",
        source="own judgement",
        note="Shift of a firm's quotes when its net position is at the limit.",
        at_least=0.0,
        at_most=0.2,
    )
    news_latency: Duration = setting(
        "200ms",
        unit="s",
        provenance="judgement",
        source="own judgement: between a co-located feed and a reader of headlines",
        note="Time from a change of the news value to a firm's knowing it.",
        at_least=0.0,
        at_most=3600.0,
    )

    @model_validator(mode="after")
    def _rungs_go_outward(self) -> "MarketMakerSettings":
        if self.outer_distance <= self.inner_distance:
            why = f"must be larger than inner_distance ({self.inner_distance:g}), got {self.outer_distance:g}"
            raise problem_at("outer_distance", sentence=why)
        return self
