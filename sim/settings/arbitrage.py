"""Spot-perp arbitrage: how many firms, how rich, how fast, what they ask for, how fast balances are moved back."""

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number

_FROM_MEMORY = "MODEL.md 4.4, from memory, low confidence [K:l]"


class ArbitrageSettings(Settings):
    """Firms that buy in the cheaper book and sell in the dearer one, as far as their balances reach."""

    enabled: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: the market without arbitrage is shown beside the full one",
        note="false leaves the firms without money and without orders; the draws of everyone else stay the same.",
    )
    firms: Count = setting(
        12, unit="", provenance="judgement", source=_FROM_MEMORY, note="Number of firms.", at_least=1, at_most=500
    )
    capital: Money = setting(
        "$1.5bn",
        unit="USD",
        provenance="judgement",
        source=_FROM_MEMORY,
        note="Capital of all firms over all venues of the coin.",
        at_least=0.0,
        at_most=1e12,
    )
    share_here: Fraction = setting(
        "37.74%",
        unit="fraction",
        provenance="sourced",
        source="DECISIONS 17: this venue's share of volume, $20bn of $53bn a day (F24)",
        note="Share of the capital in the two books at the start; the rest is held elsewhere and reached by transfer.",
        at_least=0.0,
        at_most=1.0,
    )
    capital_sigma: Number = setting(
        0.8,
        unit="log units",
        provenance="judgement",
        source="own judgement: as the market makers' capital, MODEL.md 4.1",
        note="Standard deviation of the logarithm of a firm's share of the capital.",
        at_least=0.0,
        at_most=3.0,
    )
    coin_share: Fraction = setting(
        "50%",
        unit="fraction",
        provenance="judgement",
        source="own judgement: as ready to sell coins as to buy them",
        note="Share of the capital held in coins at the start, here and elsewhere.",
        at_least=0.0,
        at_most=1.0,
    )
    leverage: Number = setting(
        3.0,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.4: 3-5x on the perp leg",
        note=(
            "Largest perp position over the money in the perp account; cash is split 1 : leverage between perp and"
            " spot, so that both legs of a purchase are covered alike."
        ),
        at_least=0.1,
        at_most=20.0,
    )
    latency_low: Duration = setting(
        "20ms",
        unit="s",
        provenance="judgement",
        source=_FROM_MEMORY,
        note="Shortest time from a decision to an order's arrival; drawn evenly for each firm and book.",
        at_least=0.0,
        at_most=600.0,
    )
    latency_high: Duration = setting(
        "300ms",
        unit="s",
        provenance="judgement",
        source=_FROM_MEMORY,
        note="Longest time from a decision to an order's arrival.",
        at_least=0.0,
        at_most=600.0,
    )
    risk_multiple: Number = setting(
        1.0,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.4 names z_r and gives no value",
        note="Standard deviations of the price over both latencies that the gap must pay for.",
        at_least=0.0,
        at_most=10.0,
    )
    volatility_half_life: Duration = setting(
        "1min",
        unit="s",
        provenance="judgement",
        source="own judgement: as the makers' fast estimate, MODEL.md 4.1",
        note="Half-life of the average of squared one-second returns of the perp's mid.",
        at_least=1.0,
        at_most=86400.0,
    )
    shadow_price: Fraction = setting(
        "20bp",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.4 names mu_b and gives no value; here twice the two taker fees",
        note="What a firm asks for its last balance: this times the square of the depleted share.",
        at_least=0.0,
        at_most=1.0,
    )
    smallest_order: Money = setting(
        "$10k",
        unit="USD",
        provenance="judgement",
        source="own judgement: a third of the median background order",
        note="Smallest value of a leg; a firm whose balances allow less stops.",
        at_least=1.0,
        at_most=1e9,
    )
    transfer_low: Duration = setting(
        "10min",
        unit="s",
        provenance="judgement",
        source="own judgement: tau_w of MODEL.md 4.4, a few block confirmations",
        note="Shortest mean time of a transfer; drawn evenly for each firm.",
        at_least=1.0,
        at_most=8.64e6,
    )
    transfer_high: Duration = setting(
        "30min",
        unit="s",
        provenance="judgement",
        source="own judgement: tau_w of MODEL.md 4.4",
        note="Longest mean time of a transfer.",
        at_least=1.0,
        at_most=8.64e6,
    )
    transfers_open: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="EVENT.md 2: outgoing transfers stopped about 21:12 to 22:19 on 10 Oct 2025",
        note="false keeps each firm to the balances it has in each book; the shock transfer_halt does so for a time.",
    )

    @model_validator(mode="after")
    def _ranges_rise(self) -> "ArbitrageSettings":
        for low, high in (("latency_low", "latency_high"), ("transfer_low", "transfer_high")):
            if getattr(self, high) < getattr(self, low):
                why = f"must be at least {low} ({getattr(self, low):g} s), got {getattr(self, high):g} s"
                raise problem_at(high, sentence=why)
        return self
