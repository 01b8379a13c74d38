"""A lending protocol whose borrowers have put up the market's coin, and those who liquidate them."""

from typing import Annotated, ClassVar

from pydantic import Field

from sim.settings.bridge import Id
from sim.settings.fields import Settings, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number

_OWN = "the scenario's own choice"
_NOBODY = "own judgement: not published for that evening; "


class LoopSettings(Settings):
    """Borrowers who bought more of the coin with what they borrowed, for the difference of yield and rate."""

    share: Fraction = setting(
        0.0, unit="fraction", provenance="judgement",
        source="own judgement: BTC has no yield, so nobody loops it for one", note="Their share of the debt.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    ltv: Fraction = setting(
        "90%", unit="fraction", provenance="sourced", source="MODEL.md 3.4: l = 0.90, ten times",
        note="Debt over collateral at the start; below the threshold of what is put up.", at_least=0.01, at_most=0.99,
    )  # fmt: skip
    coin_yield: Fraction = setting(
        0.0, unit="fraction per year", provenance="scenario", source=_OWN, note="What the coin earns.",
        at_least=-1.0, at_most=10.0,
    )  # fmt: skip
    leave: Fraction = setting(
        "2%", unit="fraction per week", provenance="judgement", source="MODEL.md 3.4: h0 [C]",
        note="Rate at which they unwind, whatever it pays.", at_least=0.0, at_most=10.0,
    )  # fmt: skip
    leave_for_carry: Fraction = setting(
        "20%", unit="fraction per week, per 1% a year", provenance="judgement", source="MODEL.md 3.4: h1 [C]",
        note="Added for each 1% a year that own money loses.", at_least=0.0, at_most=10.0,
    )  # fmt: skip
    leave_in_danger: Fraction = setting(
        "100%", unit="fraction per day", provenance="judgement", source="MODEL.md 3.4: h2 [C]",
        note="Added for who has a health below `danger`.", at_least=0.0, at_most=1000.0,
    )  # fmt: skip
    danger: Number = setting(
        1.02, unit="health", provenance="judgement", source="MODEL.md 3.4 [C]", note="See `leave_in_danger`.",
        at_least=1.0, at_most=10.0,
    )  # fmt: skip
    sell_over: Duration = setting(
        "1h", unit="s", provenance="judgement", source="own judgement: no hurry, but nobody waits a day",
        note="Time over which an unwinding is sold.", at_least=1.0, at_most=604800.0,
    )  # fmt: skip


class LendingSettings(Settings):
    """Loans against the market's coin, called by liquidators with finite money who sell on its spot book."""

    at_start: ClassVar[frozenset[str]] = frozenset(
        {"listing", "lender", "coin", "dollar", "mode", "borrowers", "debt", "size_spread", "health_median",
         "health_spread", "liquidators", "liquidator_money", "loops"}
    )  # fmt: skip
    """Settings that act at the start alone: a fork cannot change them."""

    enabled: Flag = setting(
        False, unit="", provenance="scenario", source=_OWN, note="true lets loans against the coin be there."
    )
    listing: Id | None = setting(
        None, unit="", provenance="scenario", source=_OWN,
        note="In a scenario with listings, the one whose coin is put up; null: the first.",
    )  # fmt: skip
    lender: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")] = setting(
        "lender_a", unit="", provenance="scenario", source=_OWN, note="Name of a lender profile (docs/lending.md)."
    )
    coin: Id = setting(
        "wbtc", unit="", provenance="scenario", source=_OWN,
        note="Asset of the profile that stands for the market's coin; its feed follows the index, or is hard-coded to "
        "dollars.",
    )  # fmt: skip
    dollar: Id = setting("usdc", unit="", provenance="scenario", source=_OWN, note="Asset of it that is borrowed.")
    mode: Id | None = setting(
        None, unit="", provenance="scenario", source=_OWN, note="Efficiency mode that every loan is in; null: none."
    )
    borrowers: Count = setting(
        2000, unit="", provenance="judgement", source="own judgement: enough that the largest is 1 to 2% of all",
        note="Loans.", at_least=1, at_most=100_000,
    )  # fmt: skip
    debt: Money = setting(
        "$4bn", unit="USD", provenance="judgement",
        source=_NOBODY + "a seventh of all loans, EVENT P19 (30.5bn on 18 September)",
        note="Owed at the start, by all.", at_least=1.0, at_most=1e12,
    )  # fmt: skip
    supply: Money = setting(
        "$5bn", unit="USD", provenance="judgement", source=_NOBODY + "so that 80% is lent out at the start",
        note="Money that lenders supply: what is owed over it gives the rate.", at_least=1.0, at_most=1e12,
    )  # fmt: skip
    size_spread: Number = setting(
        2.0, unit="log", provenance="judgement", source=_NOBODY + "a thousand to one between the 5 and 95% quantiles",
        note="Standard deviation of the logarithm of debts.", at_least=0.0, at_most=4.0,
    )  # fmt: skip
    health_median: Number = setting(
        1.7, unit="health", provenance="judgement", source=_NOBODY + "about 60% of what may be owed is owed",
        note="Median health at the start.", at_least=1.01, at_most=100.0,
    )  # fmt: skip
    health_spread: Number = setting(
        0.8, unit="log", provenance="judgement", source=_NOBODY + "some 1% of loans are called by a fall of 10%",
        note="Standard deviation of the logarithm of health less one.", at_least=0.0, at_most=4.0,
    )  # fmt: skip
    slot: Duration = setting(
        "12s", unit="s", provenance="sourced", source="MODEL.md 3.2: a slot of the chain",
        note="Time between two looks, and from sending to landing where the chain is not full.",
        at_least=0.1, at_most=3600.0,
    )  # fmt: skip
    gas: Number = setting(
        2.0, unit="gwei", provenance="judgement", source="MODEL.md 3.2: G0 [C], the calm of 2025",
        note="Price of gas while nothing is liquidated.", at_least=0.0, at_most=1e6,
    )  # fmt: skip
    gas_gain: Number = setting(
        0.4, unit="per $100m", provenance="judgement",
        source="MODEL.md 3.2: g [C]; $1bn here gives the more than 100 gwei of 10 October, LATER data",
        note="The logarithm of the price of gas rises by this for each $100m that this market liquidated of late.",
        at_least=0.0, at_most=100.0,
    )  # fmt: skip
    gas_memory: Duration = setting(
        "10min", unit="s", provenance="judgement", source="own judgement: blocks stay full for minutes",
        note="Time constant of what counts as of late.", at_least=1.0, at_most=86400.0,
    )  # fmt: skip
    feed_bid: Number = setting(
        50.0, unit="gwei", provenance="judgement", source="own judgement, between calm and the worst of 10 October",
        note="Most that a price feed bids for gas: above it, it waits for a slot with a chance of bid over price.",
        at_least=1e-6, at_most=1e6,
    )  # fmt: skip
    call_gas: Count = setting(
        500_000, unit="gas", provenance="judgement", source="own judgement: a call and a swap",
        note="Gas of a call, bid at its price.", at_least=0, at_most=100_000_000,
    )  # fmt: skip
    gas_coin: Money = setting(
        "$4000", unit="USD", provenance="judgement", source="ETH on 10 October 2025, rounded",
        note="Price of the coin that gas is paid in.", at_least=0.0, at_most=1e9,
    )  # fmt: skip
    liquidators: Count = setting(
        20, unit="", provenance="judgement", source="MODEL.md 3.3 [C]", note="Firms that call loans.",
        at_least=0, at_most=1000,
    )  # fmt: skip
    liquidator_money: Money = setting(
        "$50m", unit="USD", provenance="judgement", source="MODEL.md 3.3: K_L [C]",
        note="Dollars that they have together; what they sell comes back.", at_least=0.0, at_most=1e12,
    )  # fmt: skip
    least_profit: Money = setting(
        "$100", unit="USD", provenance="judgement", source="own judgement: MODEL.md 3.3 names pi_min without a number",
        note="A call that is expected to bring less is not made.", at_least=0.0, at_most=1e9,
    )  # fmt: skip
    sell_over: Duration = setting(
        "1min", unit="s", provenance="judgement", source="MODEL.md 3.3: seized coins are sold at once [C]",
        note="Time over which seized coins are sold; what is left is tried again.", at_least=1.0, at_most=86400.0,
    )  # fmt: skip
    order_every: Duration = setting(
        "10s", unit="s", provenance="judgement", source="own judgement", note="Time between two child orders.",
        at_least=0.1, at_most=3600.0,
    )  # fmt: skip
    order_bound: Fraction = setting(
        "5%", unit="fraction", provenance="judgement", source="own judgement: the bonus of BTC in lender_a",
        note="Child orders ask no price farther than this from the index.", at_least=0.0001, at_most=0.5,
    )  # fmt: skip
    loops: LoopSettings = setting(
        {}, unit="", provenance="judgement", source="MODEL.md 3.4", note="Looped positions among the loans."
    )
