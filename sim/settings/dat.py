"""Companies that hold coins: which there are, how their premium moves, what they issue, and what a scenario does."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from sim.settings.bridge import Id
from sim.settings.dat_companies import EthTreasurySettings, SmallTreasurySettings, StrategySettings
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number
from sim.settings.sources import Day

_OWN = "the scenario's own choice"
_BEFORE = "calibration/derived/dat_rule.csv: Strategy's filings of 4 November 2024 to 5 October 2025"
_LADDER = "MODEL.md 4.8: Strategy's ladder of August 2025 [K:h]"


class PremiumSettings(Settings):
    """How the enterprise premium m_EV of a company moves: MODEL 4.8."""

    return_time: Duration = setting(
        "60d", unit="s", provenance="judgement", source="MODEL.md 4.8 [C]: 1/kappa",
        note="Time in which the log premium comes back to its usual value by a factor e.",
        at_least=3600.0, at_most=3.2e9,
    )  # fmt: skip
    price_beta: Number = setting(
        0.5, unit="", provenance="judgement", source="MODEL.md 4.8 [C]: beta_m",
        note="Log move of the premium for one of the coin.", at_least=-5.0, at_most=5.0,
    )  # fmt: skip
    issue_effect: Number = setting(
        0.3, unit="", provenance="judgement", source="MODEL.md 4.8 [C]: chi",
        note="Log fall of the premium for shares issued over the market value; a buyback lifts it likewise.",
        at_least=0.0, at_most=10.0,
    )  # fmt: skip
    noise: Fraction = setting(
        "3%", unit="fraction per sqrt(day)", provenance="judgement", source="MODEL.md 4.8 [C]: sigma_m",
        note="Standard deviation of its own daily change.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    least_equity: Fraction = setting(
        "2%", unit="fraction", provenance="judgement",
        source="own judgement: shares of a company under water keep the value of an option",
        note="Least market value of the shares over the coins at their price.", at_least=1e-6, at_most=1.0,
    )  # fmt: skip


class CommonSettings(Settings):
    """Common stock sold at the market, and what gates it."""

    cap: Fraction = setting(
        "5%", unit="fraction", provenance="sourced", source="MODEL.md 4.8: 5% of weekly dollar volume",
        note="Largest issue of a week over the dollars in which the shares trade in five days.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    from_premium: Number = setting(
        1.0, unit="", provenance="sourced", source=_LADDER,
        note="m_EV below which none is sold; from here on for obligations alone.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    opportunistic_from: Number = setting(
        2.5, unit="", provenance="sourced", source=_LADDER,
        note="m_EV from which the company sells for coins now and then.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    active_from: Number = setting(
        4.0, unit="", provenance="sourced", source=_LADDER,
        note="m_EV from which it sells for coins all it can.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    for_coins: Fraction = setting(
        0.0, unit="fraction", provenance="sourced", source=f"{_LADDER}; since then 19% ({_BEFORE})",
        note="Share of the cap sold for coins between from_premium and opportunistic_from.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    opportunistic: Fraction = setting(
        "50%", unit="fraction", provenance="judgement", source="own judgement: half of what it can",
        note="Share of the cap sold for coins from opportunistic_from on, and without a ladder while m_eq is above 1.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    reserve: Duration = setting(
        "30d", unit="s", provenance="judgement",
        source="own judgement: $54m of cash against $54m of dividends a month at the start",
        note="Obligations of so long ahead that are to be covered by cash; stock is sold for what is missing.",
        at_least=0.0, at_most=3.2e8,
    )  # fmt: skip

    @model_validator(mode="after")
    def _steps_rise(self) -> "CommonSettings":
        for low, high in (("from_premium", "opportunistic_from"), ("opportunistic_from", "active_from")):
            if getattr(self, high) < getattr(self, low):
                why = f"must be at least {low} ({getattr(self, low):g}), got {getattr(self, high):g}"
                raise problem_at(high, sentence=why)
        return self


class ClaimsSettings(Settings):
    """Preferred stock and convertible notes of the Strategy-like company; all of the money is for coins."""

    preferred_a_week: Money = setting(
        "$34.1m", unit="USD per week", provenance="measured",
        source=f"{_BEFORE}: sold at the market, mean of 28 weeks from 24 March 2025, when there were programmes",
        note="Preferred stock sold at the market.", at_least=0.0, at_most=1e11,
    )  # fmt: skip
    preferred_every: Duration = setting(
        "84d", unit="s", provenance="measured", source=f"{_BEFORE}: four offerings in 48 weeks",
        note="Mean time between offerings of preferred stock.", at_least=86400.0, at_most=3.2e9,
    )  # fmt: skip
    preferred_median: Money = setting(
        "$993m", unit="USD", provenance="measured",
        source=f"{_BEFORE}: $563m, $711m, $980m and $2,474m, geometric mean",
        note="Median size of one.", at_least=1.0, at_most=1e12,
    )  # fmt: skip
    preferred_sigma: Number = setting(
        0.65, unit="log units", provenance="measured", source=f"{_BEFORE}: the same four",
        note="Standard deviation of the logarithm of its size.", at_least=0.0, at_most=3.0,
    )  # fmt: skip
    preferred_rate: Fraction = setting(
        "10%", unit="fraction per year", provenance="judgement",
        source="own judgement, from memory: STRF 10%, STRC 9-10%",
        note="Dividend on new preferred stock.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    preferred_from: Number = setting(
        0.0, unit="", provenance="measured",
        source="calibration/derived/dat_funding.csv: $425m of preferred stock in six weeks of m_EV below 1",
        note="m_EV below which no preferred stock can be sold.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    converts_every: Duration = setting(
        "136d", unit="s", provenance="measured",
        source=f"{_BEFORE}: two offerings in 39 weeks of m_EV at or above 1.8, none in nine weeks below",
        note="Mean time between offerings of convertible notes while the premium allows them.",
        at_least=86400.0, at_most=3.2e9,
    )  # fmt: skip
    converts_median: Money = setting(
        "$2.43bn", unit="USD", provenance="measured", source=f"{_BEFORE}: $2,970m and $1,990m, geometric mean",
        note="Median size of one.", at_least=1.0, at_most=1e12,
    )  # fmt: skip
    converts_sigma: Number = setting(
        0.28, unit="log units", provenance="measured", source=f"{_BEFORE}: the same two",
        note="Standard deviation of the logarithm of its size.", at_least=0.0, at_most=3.0,
    )  # fmt: skip
    converts_from: Number = setting(
        1.8, unit="", provenance="measured", source=f"{_BEFORE}: none below it",
        note="m_EV below which no convertible notes can be sold.", at_least=0.0, at_most=100.0,
    )  # fmt: skip


class SalesSettings(Settings):
    """When coins are sold: by force, and by small companies of their own will."""

    forced_reserve: Duration = setting(
        "91d", unit="s", provenance="sourced", source="MODEL.md 4.8: reserve below one quarter",
        note="Coins are sold by force when m_EV is below 1, no capital can be had, and cash covers less than this.",
        at_least=0.0, at_most=3.2e8,
    )  # fmt: skip
    sell_days: Count = setting(
        5, unit="", provenance="judgement", source="own judgement: a week, as purchases are reported by the week",
        note="Trading days over which a sale of coins is worked.", at_least=1, at_most=250,
    )  # fmt: skip
    hazard_above_1: Number = setting(
        0.02, unit="1/month", provenance="sourced", source="MODEL.md 4.8",
        note="Rate of sales of coins while m_eq is above 1; a month is 30 days.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    hazard: Number = setting(
        0.10, unit="1/month", provenance="sourced", source="MODEL.md 4.8",
        note="The same while m_eq is between the discount below and 1.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    hazard_deep: Number = setting(
        0.25, unit="1/month", provenance="sourced", source="MODEL.md 4.8",
        note="The same while m_eq is below the discount.", at_least=0.0, at_most=100.0,
    )  # fmt: skip
    discount: Number = setting(
        0.7, unit="", provenance="sourced", source="MODEL.md 4.8", note="m_eq below which the last rate holds.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    indebted_above: Fraction = setting(
        "50%", unit="fraction", provenance="sourced", source="MODEL.md 4.8",
        note="Debt over the value of the coins above which the rate is multiplied.", at_least=0.0, at_most=10.0,
    )  # fmt: skip
    indebted_factor: Number = setting(
        3.0, unit="", provenance="sourced", source="MODEL.md 4.8", note="By how much.", at_least=0.0, at_most=100.0
    )
    share_low: Fraction = setting(
        "10%", unit="fraction", provenance="sourced", source="MODEL.md 4.8 [S:28]: Sequans 30%, FG Nexus 21%",
        note="Share of the coins that a sale takes is drawn evenly from this.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    share_high: Fraction = setting(
        "30%", unit="fraction", provenance="sourced", source="MODEL.md 4.8 [S:28]", note="... to this.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    retire_debt_above: Fraction = setting(
        "39%", unit="fraction", provenance="judgement",
        source="own judgement: the debt/NAV that Sequans's sale left (55 to 39%, MODEL.md 4.8 [S:28])",
        note="A sale retires debt while debt over coins is above this, and buys back shares otherwise.",
        at_least=0.0, at_most=10.0,
    )  # fmt: skip

    @model_validator(mode="after")
    def _range_rises(self) -> "SalesSettings":
        if self.share_high < self.share_low:
            why = f"must be at least share_low ({self.share_low:g}), got {self.share_high:g}"
            raise problem_at("share_high", sentence=why)
        return self


class PutSettings(Settings):
    """Holders of notes ask for their money at par."""

    company: Literal["strategy", "small"] = setting(
        ..., unit="", provenance="scenario", source=_OWN, note="Whose notes; small: those of every small company."
    )
    on: Day = setting(
        ..., unit="", provenance="scenario", source=_OWN,
        note="Day on which the money is due; at the first trading day from then on.",
    )  # fmt: skip
    share: Fraction = setting(
        ..., unit="fraction", provenance="scenario", source=_OWN, note="Part of the notes.", at_least=0.0, at_most=1.0
    )


class ExclusionSettings(Settings):
    """An index leaves the Strategy-like company out: index funds sell shares, and no coin."""

    on: Day = setting(
        ..., unit="", provenance="scenario", source="MODEL.md 4.8: MSCI 15 January 2026 [S:29]",
        note="First day of their sales.",
    )  # fmt: skip
    notional: Money = setting(
        "$2.8bn", unit="USD", provenance="sourced", source="MODEL.md 4.8 [S:29]: $2.8bn (MSCI) to $8.8bn (all)",
        note="Shares to sell, at the market value of the first day.", at_least=0.0, at_most=1e12,
    )  # fmt: skip
    days: Count = setting(
        5, unit="", provenance="judgement", source="own judgement: most of it at the close of the day, the rest before",
        note="Trading days over which they are sold.", at_least=1, at_most=250,
    )  # fmt: skip
    effect: Number = setting(
        1.0, unit="", provenance="judgement",
        source="own judgement: 1% of a stock sold moves it by about 1%, from memory of demand elasticities [K:m]",
        note="Log fall of the market value for shares sold over shares there are.", at_least=0.0, at_most=20.0,
    )  # fmt: skip


class DatSettings(Settings):
    """Digital-asset treasuries: companies that hold coins and sell shares, notes and coins (docs/treasuries.md)."""

    at_start: ClassVar[frozenset[str]] = frozenset({"listing", "coin", "strategy", "eth_treasury", "small"})
    """Settings that act at the start alone: which companies there are, and their books."""

    enabled: Flag = setting(
        False, unit="", provenance="scenario", source=_OWN,
        note="true puts the companies into the market; the draws of everyone else stay the same.",
    )  # fmt: skip
    listing: Id | None = setting(
        None, unit="", provenance="scenario", source=_OWN,
        note="Listing whose spot book the companies trade in, in a network; null: the first.",
    )  # fmt: skip
    coin: Literal["BTC", "ETH"] = setting(
        "BTC", unit="", provenance="scenario", source=_OWN,
        note="What the market trades. BTC: Strategy and the small ones; the ETH treasury is absent. ETH: it alone.",
    )  # fmt: skip
    strategy: StrategySettings = setting({}, unit="", provenance="scenario", source=_OWN, note="The largest company.")
    eth_treasury: EthTreasurySettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="The large ETH treasury."
    )
    small: SmallTreasurySettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Small companies.")
    premium: PremiumSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Dynamics of the premium.")
    common: CommonSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Issue of common stock.")
    claims: ClaimsSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Issue of preferred stock and notes."
    )
    sales: SalesSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Sales of coins.")
    buy_days: Count = setting(
        5, unit="", provenance="judgement", source="own judgement: an offering's coins are reported a week later",
        note="Trading days over which the money of an offering is spent; that of other stock is spent the same day.",
        at_least=1, at_most=250,
    )  # fmt: skip
    order_every: Duration = setting(
        "5min", unit="s", provenance="judgement", source="own judgement",
        note="Time between two orders of a day's purchase or sale, which is spread evenly over New York's session.",
        at_least=1.0, at_most=86400.0,
    )  # fmt: skip
    order_bound: Fraction = setting(
        "2%", unit="fraction", provenance="judgement", source="own judgement: what is not had within it waits",
        note="Furthest price of such an order from the index.", at_least=1e-5, at_most=0.5,
    )  # fmt: skip
    access_closed_from: Day | None = setting(
        None, unit="", provenance="scenario", source=_OWN,
        note="From this day on nobody buys new shares, preferred stock or notes of any company; null: never.",
    )  # fmt: skip
    exclusions: Annotated[tuple[ExclusionSettings, ...], Field(max_length=100)] = setting(
        (), unit="list of exclusions", provenance="scenario", source=_OWN,
        note="Exclusions of the Strategy-like company from an index.",
    )  # fmt: skip
    puts: Annotated[tuple[PutSettings, ...], Field(max_length=100)] = setting(
        (), unit="list of puts", provenance="scenario", source=_OWN, note="Notes that are put to the company."
    )
