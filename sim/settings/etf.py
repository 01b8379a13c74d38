"""Funds that hold coins: their issuers, what investors do, who makes a market in shares, how orders are worked."""

from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from sim.settings.bridge import Id
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Coins, Count, Duration, Flag, Fraction, Money, Number
from sim.settings.sources import Day

_OWN = "the scenario's own choice"
_FIT = "calibration/derived/etf_flow.csv: rule trend, fitted to 9 October 2025, 95 % interval "
_CLOSES = "returns of IBIT from close to close, 15 September to 10 October 2025 (data etf_dat), to 0.1 %"


class Issuer(Settings):
    """One issuer's fund."""

    name: Id = setting(..., unit="", provenance="scenario", source=_OWN, note="Its name in the ledger.")
    coins: Coins = setting(
        ..., unit="coins", provenance="scenario", source=_OWN, note="Coins held at the start.",
        at_least=1.0, at_most=2.1e7,
    )  # fmt: skip
    coins_per_share: Number = setting(
        ..., unit="coins", provenance="scenario", source=_OWN, note="Coins behind a share at the start.",
        at_least=1e-9, at_most=1000.0,
    )  # fmt: skip
    basket_shares: Count = setting(
        40_000, unit="shares", provenance="sourced", source="IBIT's registration of 27 June 2025: 40,000 shares",
        note="Shares of a basket, the least that is created or redeemed.", at_least=1, at_most=10_000_000,
    )  # fmt: skip
    fee: Fraction = setting(
        "25bp", unit="fraction per year", provenance="sourced", source="IBIT's registration: 0.25 % a year",
        note="Sponsor's fee, taken in coins.", at_least=0.0, at_most=0.05,
    )  # fmt: skip
    in_kind: Flag = setting(
        False, unit="", provenance="judgement",
        source="MODEL.md 4.7 [K:h]: allowed since July 2025; cash is taken as still usual in October",
        note="Baskets are paid in coins; else the issuer's agent sells or buys the coins.",
    )  # fmt: skip


_LARGE = {"name": "large", "coins": 800_000, "coins_per_share": 0.000568}
_REST = {"name": "rest", "coins": 580_000, "coins_per_share": 0.000875, "basket_shares": 25_000}


class DatedFlow(Settings):
    """Net flow of one trading day."""

    date: Day = setting(..., unit="", provenance="scenario", source=_OWN, note="Trading day in New York.")
    usd: Money = setting(
        ..., unit="USD", provenance="scenario", source=_OWN,
        note="Net purchases of shares of all funds by investors, below 0 net sales.", at_least=-1e11, at_most=1e11,
    )  # fmt: skip


class RuleSettings(Settings):
    """Coefficients of the flow rule (sim/funds/rule.py), flow in bp of the funds' assets, returns in %."""

    constant: Number = setting(
        9.16, unit="bp", provenance="measured", source=_FIT + "5.83 to 13.23", note="Without any return.",
        at_least=-1000.0, at_most=1000.0,
    )  # fmt: skip
    same_day: Number = setting(
        4.86, unit="bp per %", provenance="measured", source=_FIT + "3.47 to 6.37", note="Per % of the same day.",
        at_least=-1000.0, at_most=1000.0,
    )  # fmt: skip
    day_before: Number = setting(
        4.45, unit="bp per %", provenance="measured", source=_FIT + "3.16 to 6.19", note="Per % of the day before.",
        at_least=-1000.0, at_most=1000.0,
    )  # fmt: skip
    week_before: Number = setting(
        0.95, unit="bp per %", provenance="measured", source=_FIT + "0.35 to 1.50",
        note="Per % of the five days before that.", at_least=-1000.0, at_most=1000.0,
    )  # fmt: skip
    trend: Number = setting(
        0.46, unit="bp per %", provenance="measured", source=_FIT + "0.01 to 0.83", note="Per % of twenty days.",
        at_least=-1000.0, at_most=1000.0,
    )  # fmt: skip
    persistence: Number = setting(
        0.32, unit="", provenance="measured", source=_FIT + "0.20 to 0.45", note="Autoregression of the noise.",
        at_least=-0.99, at_most=0.99,
    )  # fmt: skip
    noise: Number = setting(
        19.8, unit="bp", provenance="measured", source=_FIT + "17.5 to 24.4",
        note="Scale of the noise; 0 leaves the rule alone.", at_least=0.0, at_most=1000.0,
    )  # fmt: skip
    tail: Number = setting(
        5.0, unit="", provenance="measured", source=_FIT + "5 to 30", note="Degrees of freedom of the noise.",
        at_least=1.01, at_most=1000.0,
    )  # fmt: skip


Past = Annotated[tuple[Fraction, ...], Field(min_length=20, max_length=20)]
_PAST = (-0.013, 0.013, -0.011, 0.016, -0.021, -0.027, -0.004, 0.016, -0.037, -0.003,
         0.048, 0.0, 0.026, 0.03, 0.015, 0.021, -0.031, 0.013, -0.019, -0.038)  # fmt: skip


class EtfSettings(Settings):
    """Spot funds listed in New York. Off by default; docs/etf.md says who does what when."""

    at_start: ClassVar[frozenset[str]] = frozenset(
        {"listing", "issuers", "past_returns", "last_noise", "last_close", "trade_credit", "participant_capital",
         "participant_coins", "participant_leverage"}
    )  # fmt: skip

    enabled: Flag = setting(
        False, unit="", provenance="scenario", source="own choice: a flash event holds no session (MODEL R9)",
        note="Whether the funds are there.",
    )  # fmt: skip
    listing: Id | None = setting(
        None, unit="", provenance="scenario", source=_OWN,
        note="Listing in which they trade, of a scenario that has some; the first if not given.",
    )  # fmt: skip
    issuers: Annotated[tuple[Issuer, ...], Field(min_length=1, max_length=50)] = setting(
        (_LARGE, _REST), unit="list of issuers", provenance="judgement",
        source="EVENT.md A12: 1.38m coins in all; the large one's share from memory [K:m]; its coins a share from "
        "IBIT's registration of 27 June 2025 (22.72 coins a basket), the rest's a mean from memory [K:l]",
        note="Funds: coins, shares, baskets, fee.",
    )  # fmt: skip
    investors: Flag = setting(
        True, unit="", provenance="scenario", source=_OWN,
        note="false: investors buy and sell nothing from the next session on; what is ordered still settles.",
    )  # fmt: skip
    flows: Annotated[tuple[DatedFlow, ...], Field(max_length=1000)] | None = setting(
        None, unit="list of date, usd", provenance="scenario", source=_OWN,
        note="Flows of a scenario's own by date, instead of the rule; nothing on days that are not named.",
    )  # fmt: skip
    rule: RuleSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Flow rule of investors.")
    past_returns: Past = setting(
        _PAST, unit="fractions", provenance="measured", source=_CLOSES,
        note="Log returns of the twenty trading days before the first session, oldest first.",
    )  # fmt: skip
    last_noise: Number = setting(
        -1.2, unit="bp", provenance="measured",
        source="rule trend: residual of 9 October 2025 (-3.9 bp) times the autoregression, for the day after",
        note="Noise of the last trading day before the first session.", at_least=-1000.0, at_most=1000.0,
    )  # fmt: skip
    last_close: Money | None = setting(
        None, unit="USD", provenance="scenario", source=_OWN,
        note="Price at the close of the last session before the start; the start price if not given.",
        at_least=1e-6, at_most=1e9,
    )  # fmt: skip
    step: Duration = setting(
        "5min", unit="s", provenance="judgement",
        source="own judgement: makers of shares hedge within minutes; entries are sliced (DECISIONS 20b)",
        note="Time between two looks at flow and hedge in a session; each is traded over the next.",
        at_least=60.0, at_most=1800.0,
    )  # fmt: skip
    child_every: Duration = setting(
        "1min", unit="s", provenance="judgement", source="own judgement: five children a step",
        note="Time between two orders of a step.", at_least=1.0, at_most=1800.0,
    )  # fmt: skip
    bound: Fraction = setting(
        "2%", unit="fraction", provenance="judgement", source="own judgement: as a market order's bound",
        note="Furthest price of an order from mark or index.", at_least=0.0001, at_most=0.5,
    )  # fmt: skip
    before_strike: Fraction = setting(
        "70%", unit="fraction", provenance="judgement", source="MODEL.md 4.7 [C]",
        note="Share of a day's baskets that issuers work as they come; the rest in the hour of the strike.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    trade_credit: Fraction = setting(
        "3%", unit="fraction", provenance="judgement",
        source="own judgement: three times the largest daily flow on record (1 % of assets), rounded",
        note="Coins and money that an issuer's agent is lent, over the fund's assets.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    participant_capital: Money = setting(
        "$6bn", unit="USD", provenance="judgement", source="own judgement: three days of large flow and their margin",
        note="Money of the authorised participant, who also makes the market in shares.",
        at_least=0.0, at_most=1e12,
    )  # fmt: skip
    participant_coins: Coins = setting(
        "20k", unit="coins", provenance="judgement",
        source="own judgement: two days of large flow; used for baskets in kind alone",
        note="Coins of the authorised participant where an issuer takes baskets in kind.", at_least=0.0, at_most=2.1e7,
    )  # fmt: skip
    participant_leverage: Number = setting(
        3.0, unit="", provenance="judgement", source="own judgement: a hedged firm at a tier that large positions get",
        note="Largest notional of the hedge over the participant's money.", at_least=1.0, at_most=20.0,
    )  # fmt: skip
    informed: Fraction = setting(
        0.0, unit="fraction per $bn", provenance="judgement",
        source="DECISIONS 31: not identified (factor 28, MODEL.md 4.7: 0.1 % to 3.4 % per $bn); swept from 0",
        note="Log move of the news value per $bn of published flow: what others read into it.",
        at_least=-0.1, at_most=0.1,
    )  # fmt: skip
    published_after: Duration = setting(
        "4h", unit="s", provenance="judgement", source="MODEL.md 4.7: after the close; the hour from memory [K:m]",
        note="Time from the close to the publication of the day's flow.", at_least=0.0, at_most=86400.0,
    )  # fmt: skip
    published_over: Duration = setting(
        "30min", unit="s", provenance="judgement", source="own judgement: news is spread (DECISIONS 20b)",
        note="Time over which the news value answers.", at_least=1.0, at_most=86400.0,
    )  # fmt: skip

    @model_validator(mode="after")
    def _names_and_dates_are_apart(self) -> "EtfSettings":
        names = [issuer.name for issuer in self.issuers]
        for i, name in enumerate(names):
            if name in names[:i] or name == "participant":
                raise problem_at("issuers", i, "name", sentence=f"{name!r} is taken: give another name")
        for i, (before, after) in enumerate(pairwise(self.flows or ()), start=1):
            if after.date <= before.date:
                why = f"{after.date} does not follow {before.date}: put the days in order, each once"
                raise problem_at("flows", i, "date", sentence=why)
        return self
