"""Background flow: anonymous takers and short-lived limit orders that make a calm market."""

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Count, Duration, Fraction, Money, Number


class BackgroundSettings(Settings):
    """Order sizes and resting noise of the background; its rate follows from the market's daily volumes."""

    order_size_median: Money = setting(
        "$30k",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.2: median 0.03 $M for BTC",
        note="Median value of a background order (log-normal).",
        at_least=1.0,
        at_most=1e9,
    )
    order_size_sigma: Number = setting(
        1.2,
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.2",
        note="Standard deviation of the logarithm of order size.",
        at_least=0.0,
        at_most=4.0,
    )
    branching: Fraction = setting(
        0.8,
        unit="fraction",
        provenance="judgement",
        source=(
            "MODEL.md 4.2: branching ratio 0.7-0.9, from memory, medium confidence [K:m]; time scales 0.1, 1, "
            "10, 100 s in equal parts"
        ),
        note="Mean number of background orders that one order causes directly (Hawkes).",
        at_least=0.0,
        at_most=0.95,
    )
    metaorders: Count = setting(
        50,
        unit="",
        provenance="judgement",
        source="own judgement: with it the net flow of a day is about 3% of the volume",
        note="Metaorders at work at any time in each book; each order belongs to one of them.",
        at_least=1,
        at_most=10000,
    )
    metaorder_exponent: Number = setting(
        1.5,
        unit="",
        provenance="judgement",
        source=(
            "MODEL.md 4.2: Pareto size exponent 1.5 (Lillo, Mike and Farmer 2005), from memory, high confidence [K:h]"
        ),
        note="Pareto exponent of the number of orders of a metaorder.",
        at_least=1.05,
        at_most=10.0,
    )
    metaorder_longest: Count = setting(
        300,
        unit="orders",
        provenance="judgement",
        source="own judgement: 300 orders are about $19m",
        note="Orders of the longest metaorder.",
        at_least=1,
        at_most=1000000,
    )
    noise_depth_share: Fraction = setting(
        "30%",
        unit="fraction",
        provenance="judgement",
        source="own judgement: makers hold the larger part of the visible book",
        note="Share of the visible depth profile posted by background limit orders; makers post the rest.",
        at_least=0.0,
        at_most=1.0,
    )
    noise_lifetime: Duration = setting(
        "30s",
        unit="s",
        provenance="judgement",
        source="own judgement: far orders outlive the sub-second quotes near the touch, which makers stand for",
        note="Mean life of a background limit order before it is cancelled.",
        at_least=0.1,
        at_most=86400.0,
    )
    noise_orders_per_side: Count = setting(
        120,
        unit="",
        provenance="judgement",
        source="own judgement: fine enough that one order is under 1% of its side",
        note="Background limit orders resting on each side of each book.",
        at_least=1,
        at_most=20_000,
    )
