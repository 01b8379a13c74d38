"""Trend followers: how many funds, how rich, what signal they follow, how often and how slowly they trade."""

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number

_FORMULA = (
    "MODEL.md 4.5: position = K clip(m / sigma, +-1) sigma_target / sigma, m = EMA 1 h - EMA 24 h of the log price"
)


class TrendSettings(Settings):
    """Funds that hold perps with the trend, scaled to a target volatility, and rebalance rarely."""

    enabled: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: the market without trend followers is shown beside the full one",
        note="false leaves the funds without money and without orders; the draws of everyone else stay the same.",
    )
    funds: Count = setting(
        10,
        unit="",
        provenance="judgement",
        source="own judgement: few enough that one fund's date matters",
        note="Number of funds.",
        at_least=1,
        at_most=2000,
    )
    capital: Money = setting(
        "$5bn",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.5, from memory, low confidence [K:l]",
        note="Capital of all funds over all venues of the coin.",
        at_least=0.0,
        at_most=1e12,
    )
    share_here: Fraction = setting(
        "37.74%",
        unit="fraction",
        provenance="sourced",
        source="DECISIONS 17: this venue's share of volume, $20bn of $53bn a day (F24)",
        note="Share of the capital that trades this perp.",
        at_least=0.0,
        at_most=1.0,
    )
    capital_sigma: Number = setting(
        0.8,
        unit="log units",
        provenance="judgement",
        source="own judgement: as the market makers' capital, MODEL.md 4.1",
        note="Standard deviation of the logarithm of a fund's share of the capital.",
        at_least=0.0,
        at_most=3.0,
    )
    fast: Duration = setting(
        "1h",
        unit="s",
        provenance="judgement",
        source=_FORMULA,
        note="Time constant of the fast average of the log mark.",
        at_least=1.0,
        at_most=8.64e6,
    )
    slow: Duration = setting(
        "24h",
        unit="s",
        provenance="judgement",
        source=_FORMULA,
        note="Time constant of the slow average; both averages start at the start price.",
        at_least=1.0,
        at_most=8.64e7,
    )
    sample_every: Duration = setting(
        "1min",
        unit="s",
        provenance="judgement",
        source="own judgement: short against the fast average",
        note="Time between two looks at the mark (at least one tick).",
        at_least=0.01,
        at_most=86400.0,
    )
    volatility_half_life: Duration = setting(
        "24h",
        unit="s",
        provenance="judgement",
        source="own judgement: as long as the slow average, so that a crash is felt for a day",
        note="Half-life of the average of squared returns between looks.",
        at_least=1.0,
        at_most=8.64e7,
    )
    start_volatility: Fraction = setting(
        "1.88%",
        unit="fraction per sqrt(day)",
        provenance="measured",
        source="EVENT.md P16: realised volatility of BTC, 5-minute returns, 1-9 Oct 2025, 36% a year / sqrt(365)",
        note="Volatility estimate at the start.",
        at_least=1e-4,
        at_most=1.0,
    )
    target_volatility: Fraction = setting(
        "15%",
        unit="fraction per sqrt(year)",
        provenance="judgement",
        source="own judgement: customary for managed futures; MODEL.md 4.5 gives no value",
        note="Volatility of a fund at full signal.",
        at_least=0.0,
        at_most=2.0,
    )
    most_leverage: Number = setting(
        1.0,
        unit="",
        provenance="judgement",
        source="own judgement: positions are paid in full",
        note="Largest position over a fund's money.",
        at_least=0.0,
        at_most=3.0,
    )
    rebalance_low: Duration = setting(
        "1h",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.5: rebalanced every 1-24 h",
        note="Shortest time between a fund's rebalancings; drawn evenly in the logarithm, phase drawn evenly.",
        at_least=1.0,
        at_most=8.64e6,
    )
    rebalance_high: Duration = setting(
        "24h",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.5: rebalanced every 1-24 h",
        note="Longest time between a fund's rebalancings.",
        at_least=1.0,
        at_most=8.64e6,
    )
    trade_over: Duration = setting(
        "10min",
        unit="s",
        provenance="judgement",
        source="own judgement: large entries are sliced (DECISIONS 20b)",
        note="Time over which a rebalancing is traded, a slice each second.",
        at_least=1.0,
        at_most=86400.0,
    )

    @model_validator(mode="after")
    def _ranges_rise(self) -> "TrendSettings":
        for low, high in (("fast", "slow"), ("rebalance_low", "rebalance_high")):
            if getattr(self, high) < getattr(self, low):
                why = f"must be at least {low} ({getattr(self, low):g} s), got {getattr(self, high):g} s"
                raise problem_at(high, sentence=why)
        return self
