"""The issuer of a dollar token that is backed by coins and a short of as many, and those who leave it."""

from typing import ClassVar

from pydantic import model_validator

from sim.settings.bridge import Id
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Flag, Fraction, Money, Number

_OWN = "the scenario's own choice"
_RULE = "MODEL.md 3.5"


class DollarTokenSettings(Settings):
    """Issuer of a dollar token in the manner of Ethena: stables and hedged coins behind it, redemption, a reserve."""

    at_start: ClassVar[frozenset[str]] = frozenset(
        {"listing", "supply", "hedged_share", "share_here", "leverage", "reserve", "staked_share", "adl_exempt"}
    )
    """Settings that act at the start alone: a fork cannot change them."""

    enabled: Flag = setting(
        False, unit="", provenance="scenario", source="own choice: a channel of weeks",
        note="true puts the issuer into the market, with a part of the hedgers' short.",
    )  # fmt: skip
    listing: Id | None = setting(
        None, unit="", provenance="scenario", source=_OWN,
        note="In a scenario with listings, the one in which it has its hedge; null: the first.",
    )  # fmt: skip
    supply: Money = setting(
        "$14.8bn", unit="USD", provenance="sourced", source="EVENT.md P19 [S32B]: USDe before the event",
        note="Tokens at the start, a dollar each; as much stands behind them.", at_least=1.0, at_most=1e13,
    )  # fmt: skip
    hedged_share: Fraction = setting(
        "47%", unit="fraction", provenance="judgement",
        source="MODEL.md 4.4: perps of about $7bn [K:l], over 14.8; the rest is stables",
        note="Part of the backing in coins with a short of as many.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    share_here: Fraction = setting(
        "35%", unit="fraction", provenance="judgement",
        source="own judgement: 7 of the 15bn of basis capital are this issuer's (MODEL.md 4.4), so 2.5 of the $5.3bn "
        "that hedgers are short of BTC here (DECISIONS 18), over 7",
        note="Part of the hedged coins in this market; the others are of other coins and venues, and not simulated.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    leverage: Number = setting(
        3.0, unit="", provenance="judgement", source="MODEL.md 4.4: perp legs at 3-5x; the venue's tiers ask for more",
        note="Largest notional of the short here over the stables.", at_least=1.0, at_most=20.0,
    )  # fmt: skip
    reserve: Money = setting(
        "$60m", unit="USD", provenance="sourced", source="MODEL.md 3.5 [S:20]",
        note="Fund that pays what backing loses, at the end of a day.", at_least=0.0, at_most=1e13,
    )  # fmt: skip
    staked_share: Fraction = setting(
        "40%", unit="fraction", provenance="judgement", source="own judgement, from memory [K:l]: 4 to 6 of $14.8bn",
        note="Part of the tokens that is staked at the start; who leaves with those waits for `cooldown`.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    cooldown: Duration = setting(
        "7d", unit="s", provenance="sourced", source="MODEL.md 3.3 [S:19]",
        note="Time from leaving with staked tokens to asking for dollars; counted in whole hours, up.",
        at_least=0.0, at_most=8.64e6,
    )  # fmt: skip
    stable_yield: Fraction = setting(
        "4%", unit="fraction per year", provenance="judgement", source="T-bills of October 2025, from memory [K:m]",
        note="What stables earn.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    staking_yield: Fraction = setting(
        "0.6%", unit="fraction per year", provenance="judgement",
        source="own judgement: a fifth of the coins elsewhere is staked ether at 2.8% [K:l]; BTC has none",
        note="What the coins elsewhere earn beside funding.", at_least=-1.0, at_most=1.0,
    )  # fmt: skip
    funding_elsewhere: Fraction | None = setting(
        None, unit="fraction per year", provenance="scenario", source=_OWN,
        note="Funding that shorts elsewhere are paid; null: the rate of this market, last settled.",
        at_least=-10.0, at_most=10.0,
    )  # fmt: skip
    yield_over: Duration = setting(
        "7d", unit="s", provenance="judgement", source="own judgement: yields are published by the week",
        note="Time constant of the mean of funding that holders see.", at_least=60.0, at_most=8.64e6,
    )  # fmt: skip
    other_yield: Fraction = setting(
        "5%", unit="fraction per year", provenance="judgement",
        source="own judgement: dollars lent on a large protocol [K:l]; MODEL.md 3.5 names y_alt without a number",
        note="What a dollar earns elsewhere.", at_least=-1.0, at_most=10.0,
    )  # fmt: skip
    least_yield: Fraction | None = setting(
        None, unit="fraction per year", provenance="judgement",
        source="MODEL.md 3.5 has no floor; the staked token itself is never charged (from memory [K:m]): then 0%",
        note="Holders see no yield below it; null: what the backing earns.", at_least=-10.0, at_most=1.0,
    )  # fmt: skip
    leave_for_yield: Fraction = setting(
        "1%", unit="fraction per day, per 1% a year", provenance="judgement", source="MODEL.md 3.5: a [C]",
        note="Rate of leaving for each 1% a year that the token earns less than `other_yield`.",
        at_least=0.0, at_most=10.0,
    )  # fmt: skip
    leave_for_depeg: Fraction = setting(
        "2%", unit="fraction per day, per 1%", provenance="judgement",
        source="MODEL.md 3.5: b [C], set knowing October's supply (R7)",
        note="Rate of leaving for each 1% that the token trades below a dollar.", at_least=0.0, at_most=10.0,
    )  # fmt: skip
    slot: Duration = setting(
        "12s", unit="s", provenance="sourced", source="MODEL.md 3.2: a slot of the chain", note="Time of a block.",
        at_least=0.1, at_most=3600.0,
    )  # fmt: skip
    a_slot: Money = setting(
        "$2m", unit="USD", provenance="judgement", source="MODEL.md 3.5 [K:m]", note="Most that a block redeems.",
        at_least=0.0, at_most=1e12,
    )  # fmt: skip
    redeemers_live: Flag = setting(
        True, unit="", provenance="scenario", source=_OWN,
        note="Whether anybody who may redeem does; false: the queue grows, and the discount with it.",
    )  # fmt: skip
    gas_stop: Money = setting(
        "$800m", unit="USD", provenance="judgement",
        source="where lending's gas is 50 gwei (lending.gas, gas_gain); on 10 October makers stopped because of gas "
        "(MODEL.md 3.5), LATER data",
        note="Nobody redeems while this market's engine liquidated more than this of late (`gas_memory`).",
        at_least=0.0, at_most=1e13,
    )  # fmt: skip
    gas_memory: Duration = setting(
        "10min", unit="s", provenance="judgement", source="own judgement: blocks stay full for minutes",
        note="Time constant of what counts as of late.", at_least=1.0, at_most=86400.0,
    )  # fmt: skip
    patience: Duration = setting(
        "1h", unit="s", provenance="judgement", source="own judgement: who waits less sells at no discount",
        note="A queue that full pace redeems in this time moves no price.", at_least=0.0, at_most=864000.0,
    )  # fmt: skip
    discount: Number = setting(
        1.0, unit="1% per 1% of supply", provenance="judgement",
        source="own judgement: no curve of the token's price against a queue was found",
        note="The log of the token's price falls by this for each of supply that waits longer than `patience`.",
        at_least=0.0, at_most=100.0,
    )  # fmt: skip
    priced_in: Id | None = setting(
        None, unit="", provenance="scenario", source=_OWN,
        note="In a scenario with listings, the token's own: holders see the mid of its spot book; null: the rule of "
        "`discount`.",
    )  # fmt: skip
    elsewhere_cost: Fraction = setting(
        "0.1%", unit="fraction", provenance="judgement",
        source="own judgement: two fees and a spread; in a tail 0.75%, and funding of 0.5% (MODEL.md 3.5 [S:20b])",
        note="What it costs to close a dollar of hedged coins elsewhere.", at_least=0.0, at_most=0.5,
    )  # fmt: skip
    every: Duration = setting(
        "1min", unit="s", provenance="judgement", source="own judgement: five blocks",
        note="Time between two looks at supply, queue and hedge; each look's orders are worked until the next.",
        at_least=1.0, at_most=3600.0,
    )  # fmt: skip
    order_every: Duration = setting(
        "12s", unit="s", provenance="sourced", source="a block: MODEL.md 3.2", note="Time between two child orders.",
        at_least=0.1, at_most=3600.0,
    )  # fmt: skip
    order_bound: Fraction = setting(
        "1%", unit="fraction", provenance="judgement", source="own judgement: a professional seller's bound",
        note="Child orders ask no price farther than this from mark or index.", at_least=0.0001, at_most=0.5,
    )  # fmt: skip
    rehedge_for: Duration = setting(
        "1h", unit="s", provenance="judgement", source="own judgement: MODEL.md 3.5 names the choice and no time",
        note="Coins whose short was deleveraged are hedged anew for so long; what is naked then is sold.",
        at_least=0.0, at_most=864000.0,
    )  # fmt: skip
    adl_exempt: Flag = setting(
        False, unit="", provenance="judgement", source="MODEL.md 3.5: some venues are exempt; which is not known",
        note="true: its short is never a counterparty of deleveraging.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _looks_hold_children(self) -> "DollarTokenSettings":
        if self.order_every > self.every:
            why = f"must be at most every ({self.every:g} s), got {self.order_every:g} s"
            raise problem_at("order_every", sentence=why)
        return self
