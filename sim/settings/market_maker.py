"""Market makers: how many, how rich, how they quote, and how they answer fills, inventory and news."""

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number, Rate


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
        note="Move of the firms' belief after a signed flow of flow_response_notional into posted quotes.",
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
        note="Flow into the posted quotes of both books that moves the belief by flow_response.",
        at_least=1000.0,
        at_most=1e12,
    )
    inventory_limit: Money = setting(
        "$50m",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.1: Qmax0 per firm for BTC",
        note="Net position, at median capital, beyond which a firm quotes one side only; a richer firm has more.",
        at_least=1000.0,
        at_most=1e11,
    )
    anchor_time: Duration = setting(
        "10min",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.1: fair value is the consolidated microprice plus news; own judgement of the time, swept",
        note="Time in which a firm's fair price closes on the consolidated mid of both books.",
        at_least=0.1,
        at_most=8.64e6,
    )
    fill_decay: Number = setting(
        2.0,
        unit="1/bp",
        provenance="judgement",
        source="own judgement: fills fall off by 1/e within half a basis point",
        note="How fast the rate of fills falls with the distance of a quote (k of the GLFT quotes).",
        at_least=0.001,
        at_most=10000.0,
    )
    fill_rate: Rate = setting(
        "1.9/s",
        unit="1/s",
        provenance="judgement",
        source="own judgement: half of the background orders of the perpetual, one side",
        note="Rate of fills of a quote at the mid (A of the GLFT quotes).",
        at_least=1e-06,
        at_most=1e5,
    )
    skew_at_limit: Number = setting(
        3.0,
        unit="half-spreads",
        provenance="judgement",
        source="MODEL.md 4.1: skew at the inventory limit is three half-spreads; fixes the risk aversion gamma",
        note="Shift of the quotes of a firm at its inventory limit.",
        at_least=0.0,
        at_most=1000.0,
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
    withdrawal: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="DECISIONS 24: makers never withdraw is a counterfactual",
        note="false lets firms quote through everything: no volatility, headline, loss or capital rule.",
    )
    calm_volatility: Number = setting(
        2.0,
        unit="x",
        provenance="judgement",
        source="MODEL.md 4.1: theta 2 [C]",
        note="Median over firms of the multiple of reference volatility beyond which near quotes shrink.",
        at_least=0.1,
        at_most=1000.0,
    )
    volatility_elasticity: Number = setting(
        0.33,
        unit="",
        provenance="measured",
        source="MODEL.md R6: depth against volatility up to 20:49 on 10 Oct, -0.29 to -0.36 (R2 at most 0.16)",
        note="Near size falls with volatility to this power (phi).",
        at_least=0.0,
        at_most=5.0,
    )
    least_size: Fraction = setting(
        "0.2%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.1: w_min 0.002 [C]",
        note="Smallest share of near size that volatility alone leaves.",
        at_least=0.0,
        at_most=1.0,
    )
    wide_volatility: Number = setting(
        3.0,
        unit="x",
        provenance="judgement",
        source="MODEL.md 4.1: WIDE beyond x = 3",
        note="Median multiple of reference volatility beyond which the half-spread doubles.",
        at_least=0.1,
        at_most=10000.0,
    )
    pull_volatility: Number = setting(
        10.0,
        unit="x",
        provenance="judgement",
        source="MODEL.md 4.1: PULLED beyond x = 10",
        note="Median multiple of reference volatility beyond which a firm pulls its near quotes.",
        at_least=0.1,
        at_most=10000.0,
    )
    pull_loss: Fraction = setting(
        "5%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.1: loss of the day beyond 5% of capital",
        note="Median loss, as a share of capital, beyond which a firm pulls its near quotes.",
        at_least=0.0001,
        at_most=1.0,
    )
    threshold_sigma: Number = setting(
        0.5,
        unit="log units",
        provenance="judgement",
        source="MODEL.md R6: thresholds drawn per firm from a distribution; own judgement of its width",
        note="Standard deviation of the logarithm of each threshold over firms.",
        at_least=0.0,
        at_most=3.0,
    )
    never_pull_share: Fraction = setting(
        "25%",
        unit="fraction of firms",
        provenance="judgement",
        source="MODEL.md R6: some firms never pull; own judgement of how many",
        note="Share of firms that never pull, nearest whole number.",
        at_least=0.0,
        at_most=1.0,
    )
    cool_down: Duration = setting(
        "15min",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.1: LogN(median 15 min, sigma 0.8)",
        note="Median time from a pull to the first returning quotes.",
        at_least=1.0,
        at_most=8.64e6,
    )
    cool_down_sigma: Number = setting(
        0.8,
        unit="log units",
        provenance="judgement",
        source="MODEL.md 4.1",
        note="Standard deviation of the logarithm of that time.",
        at_least=0.0,
        at_most=3.0,
    )
    return_time: Duration = setting(
        "6h",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.1: ramp over 6 h",
        note="Time in which near quotes come back to full size after a cool-down.",
        at_least=1.0,
        at_most=8.64e6,
    )
    headline_move: Fraction = setting(
        "0.6%",
        unit="log units",
        provenance="measured",
        source=(
            "BTC mark, 9 Oct to 20:49 on 10 Oct 2025: of all five-minute moves only those of 14:59-15:02 and "
            "15:32 exceed it"
        ),
        note="Median move of the news value within five minutes that a firm takes for a headline.",
        at_least=0.0001,
        at_most=1.0,
    )
    headline_near: Fraction = setting(
        "0.80",
        unit="fraction",
        provenance="measured",
        source=(
            "calibration/derived/headline_depth_2025_10_10.csv: within 2% of the mid 0.97 of the bids and 0.63 of "
            "the asks were left after the headline of 14:57, their mean"
        ),
        note="Share of near size left after a headline.",
        at_least=0.0,
        at_most=1.0,
    )
    headline_far: Fraction = setting(
        "0.74",
        unit="fraction",
        provenance="measured",
        source=(
            "calibration/derived/headline_depth_2025_10_10.csv: between 2 and 4% from the mid 0.65 of the bids and "
            "0.84 of the asks were left after the same headline, their mean"
        ),
        note="Share of far size left after a headline.",
        at_least=0.0,
        at_most=1.0,
    )
    headline_half_life: Duration = setting(
        "12h",
        unit="s",
        provenance="judgement",
        source=(
            "own judgement: six hours after that headline the book was still at 0.55 and 0.75 of the morning "
            "(EVENT.md F13)"
        ),
        note="Half-life of the uncertainty after a headline.",
        at_least=1.0,
        at_most=8.64e7,
    )
    capital_exponent: Number = setting(
        1.0,
        unit="",
        provenance="judgement",
        source="MODEL.md 4.1: psi 1",
        note="All quotes scale with equity over starting capital to this power, at most 1.",
        at_least=0.0,
        at_most=10.0,
    )
    capital_memory: Fraction = setting(
        "0%",
        unit="fraction",
        provenance="judgement",
        source=(
            "MODEL.md R7: ships as 0, since the 30% of 4.1 were chosen for the depth a month after the event; what "
            "stays down without it is what the mechanisms make"
        ),
        note="Share of all quotes that a firm leaves out for memory_time after it pulled its near quotes.",
        at_least=0.0,
        at_most=1.0,
    )
    memory_time: Duration = setting(
        "60d",
        unit="s",
        provenance="judgement",
        source="MODEL.md 4.1: an event within 60 d",
        note="How long a firm, or who lends to it, remembers that it pulled.",
        at_least=1.0,
        at_most=8.64e7,
    )
    value_at_risk: Fraction = setting(
        "2%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.1: phi_V 2% of capital at 99% over 10 min",
        note="Share of capital that the position may lose at 99% over ten minutes; caps the inventory limit.",
        at_least=0.0001,
        at_most=1.0,
    )
    reference_volatility: Fraction = setting(
        "1.88%",
        unit="fraction per sqrt(day)",
        provenance="measured",
        source="EVENT.md P16: 36% a year / sqrt(365)",
        note="Volatility that counts as calm.",
        at_least=0.0001,
        at_most=0.5,
    )
