"""The latent layer: value buyers and sellers who show no order until the price is near theirs."""

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Flag, Fraction, Money, Number, Rate


class LatentSettings(Settings):
    """Density, pace and money of the latent layer; its height follows from volume and volatility."""

    enabled: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="MODEL.md 0.1: the visible book decides whether a cascade starts, the latent one where it stops",
        note="false takes the layer out; the draws of everyone else stay the same.",
    )
    impact_prefactor: Number = setting(
        0.9,
        unit="",
        provenance="sourced",
        source=(
            "MODEL.md 4.2: Y of the square-root law, I = Y sigma sqrt(Q / V), from memory, medium confidence "
            "[K:m]; L = 2 V / (Y^2 sigma^2)"
        ),
        note="Prefactor of the square-root law from which the density is computed with the daily volume of each book.",
        at_least=0.05,
        at_most=10.0,
    )
    daily_volatility: Fraction = setting(
        "1.88%",
        unit="fraction per sqrt(day)",
        provenance="measured",
        source="EVENT.md P16: 36% a year / sqrt(365); DECISIONS 17",
        note="Daily volatility in that law.",
        at_least=0.0001,
        at_most=0.5,
    )
    flat_beyond: Fraction = setting(
        "2%",
        unit="log units",
        provenance="judgement",
        source="DECISIONS 17: y_c is free, 2%, swept 1-5%",
        note="Distance from the news value beyond which the density no longer grows (y_c).",
        at_least=0.0001,
        at_most=1.0,
    )
    start_hollow: Fraction = setting(
        "12bp",
        unit="log units",
        provenance="measured",
        source=(
            "own measurement: after one and two days of calm_btc the density within 10 to 15 bp of the value is used up"
        ),
        note="Distance from the news value within which the layer is empty at the start.",
        at_least=0.0,
        at_most=0.5,
    )
    renewal_time: Duration = setting(
        "24h",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.2: memory 1/nu of a day [C]",
        note="Time in which consumed density is renewed (1/nu).",
        at_least=1.0,
        at_most=8.64e7,
    )
    reveal_time: Duration = setting(
        "60s",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.2: tau_r 60 s [C]; R1: swept",
        note="Mean time between two looks of a latent trader at the book (tau_r).",
        at_least=0.1,
        at_most=86400.0,
    )
    reveal_distance: Fraction = setting(
        "5bp",
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.2: x_r 5 bp [C]",
        note="Distance from the mid at which 1/e of the density shows as orders (x_r).",
        at_least=1e-05,
        at_most=0.1,
    )
    reentry_time: Duration = setting(
        "5min",
        unit="s",
        provenance="judgement",
        source="MODEL.md R5: bids that were passed over re-enter at a stated rate; own judgement, swept",
        note="Mean time until a trader whose price was passed over comes back (tau_re).",
        at_least=0.1,
        at_most=86400.0,
    )
    stale_rate: Rate = setting(
        "1/s",
        unit="1/s",
        provenance="judgement",
        source="own judgement: half the rate at which makers take off stale quotes",
        note="Rate at which an order that the news value has left behind is taken off.",
        at_least=0.0001,
        at_most=1000.0,
    )
    news_latency: Duration = setting(
        "1s",
        unit="s",
        provenance="judgement",
        source="own judgement: slower than makers",
        note="Time from a change of the news value to a latent trader knowing it, and from decision to arrival.",
        at_least=0.0,
        at_most=3600.0,
    )
    bin_width: Fraction = setting(
        "2bp",
        unit="log units",
        provenance="judgement",
        source="own judgement: well below reveal_distance",
        note="Width of the bins in which the density is kept; each shows at most one order.",
        at_least=1e-05,
        at_most=0.05,
    )
    deepest: Fraction = setting(
        "50%",
        unit="log units",
        provenance="judgement",
        source="own judgement: beyond any move in which the layer has cash left",
        note="Distance from the news value at which the density ends.",
        at_least=0.01,
        at_most=2.0,
    )
    perp_cash: Money = setting(
        "$1.7bn",
        unit="USD",
        provenance="judgement",
        source="DECISIONS 17: dip cash here $9bn x 20/53 = $3.4bn, half of it for the latent layer",
        note="Cash of the layer of the perpetual; its shorts are covered by it too.",
        at_least=0.0,
        at_most=1e12,
    )
    spot_cash: Money = setting(
        "$0.92bn",
        unit="USD",
        provenance="judgement",
        source="as perp_cash, by spot volume: $9bn x 10.8/53, half",
        note="Cash, and worth of coins, of the layer of the spot book.",
        at_least=0.0,
        at_most=1e12,
    )
