"""Balance sheets of companies that hold coins: the Strategy-like one, the large ETH treasury, and small ones drawn."""

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Coins, Count, Duration, Flag, Fraction, Money, Number

_FILE = "calibration/derived/dat_funding.csv and the balance sheets by day that it is made from (etf_dat)"
_TURNOVER = "own judgement, from memory: about 10 million shares of Strategy's 314 million a day in October 2025 [K:m]"


class StrategySettings(Settings):
    """One company in the manner of Strategy, with its balance sheet of 10 October 2025."""

    enabled: Flag = setting(
        True, unit="", provenance="scenario", source="own choice", note="false: the company is not there."
    )
    coins: Coins = setting(
        640_031, unit="coins", provenance="sourced",
        source="EVENT.md P18, MODEL.md 4.8: 8-K of 6 October 2025",
        note="Coins held at the start, in custody outside the books.", at_least=1.0, at_most=1e7,
    )  # fmt: skip
    mean_cost: Money = setting(
        "$74000", unit="USD", provenance="measured",
        source=f"{_FILE}: $74,433 for 649,870 coins on 17 November (MODEL.md R17) less $993m of six weeks",
        note="Mean price paid for a coin; no rule reads it.", at_least=1.0, at_most=1e7,
    )  # fmt: skip
    shares: Count = setting(
        314_178_491, unit="", provenance="measured", source=f"{_FILE}: 10 October 2025",
        note="Common shares at the start, diluted.", at_least=1, at_most=100_000_000_000,
    )  # fmt: skip
    premium: Number = setting(
        1.44, unit="", provenance="measured",
        source=(
            f"{_FILE}: 314.2m shares at $304.79, debt and preferred stock below less cash, over 640,031 coins at the "
            "start price of $116,720; EVENT.md P18 has 1.41-1.45"
        ),
        note="Enterprise premium m_EV at the start.", at_least=0.05, at_most=20.0,
    )  # fmt: skip
    usual_premium: Number = setting(
        1.44, unit="", provenance="judgement",
        source="own judgement: the premium at the start; MODEL.md 4.8 has no value",
        note="m*, the enterprise premium that the premium comes back to.", at_least=0.05, at_most=20.0,
    )  # fmt: skip
    debt: Money = setting(
        "$8.144bn", unit="USD", provenance="measured", source=f"{_FILE}: 10 October 2025; MODEL.md 4.8 has $8.2bn",
        note="Convertible notes at par.", at_least=0.0, at_most=1e12,
    )  # fmt: skip
    coupon: Fraction = setting(
        "0.42%", unit="fraction per year", provenance="sourced", source="MODEL.md 4.8 [FD, S:27]: 0.42%, $35m a year",
        note="Interest on the notes, paid on the last trading day of a quarter.", at_least=0.0, at_most=0.5,
    )  # fmt: skip
    preferred: Money = setting(
        "$3.934bn", unit="USD", provenance="measured",
        source=f"{_FILE}: 29 September 2025, the last day before the file drops $2.8bn of it",
        note="Preferred stock at its stated value.", at_least=0.0, at_most=1e12,
    )  # fmt: skip
    dividends: Money = setting(
        "$654m", unit="USD per year", provenance="sourced",
        source="MODEL.md 4.8 [S:27]: obligations of $689m a year less coupons of $35m",
        note="Dividends on the preferred stock there is at the start, a twelfth on a month's last trading day.",
        at_least=0.0, at_most=1e11,
    )  # fmt: skip
    cash: Money = setting(
        "$54.3m", unit="USD", provenance="measured", source=f"{_FILE}: 10 October 2025, of the filing of 30 September",
        note="Cash at the start.", at_least=0.0, at_most=1e12,
    )  # fmt: skip
    turnover: Fraction = setting(
        "3.2%", unit="fraction per day", provenance="judgement", source=_TURNOVER,
        note="Shares traded on a trading day, over shares there are.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    passive_share: Fraction = setting(
        "15%", unit="fraction", provenance="sourced", source="MODEL.md 4.8 [S:29]: $9bn of a capitalisation of $59bn",
        note="Shares that index funds hold.", at_least=0.0, at_most=1.0,
    )  # fmt: skip


class EthTreasurySettings(Settings):
    """The large ETH treasury, in the manner of BitMine; no debt and no preferred stock. Only where the coin is ETH."""

    enabled: Flag = setting(
        True, unit="", provenance="scenario", source="own choice", note="false: the company is not there."
    )
    coins: Coins = setting(
        2_830_151, unit="coins", provenance="sourced", source="bmnr_eth_holdings.csv (etf_dat): 5 October 2025",
        note="Coins held at the start, in custody outside the books.", at_least=1.0, at_most=1e9,
    )  # fmt: skip
    mean_cost: Money = setting(
        "$4360", unit="USD", provenance="measured",
        source="bmnr_eth_holdings.csv (etf_dat): weekly additions to 5 October 2025 at that week's price",
        note="Mean price paid for a coin.", at_least=0.01, at_most=1e7,
    )  # fmt: skip
    shares: Count = setting(
        259_352_165, unit="", provenance="measured",
        source="bmnr_eth_holdings.csv (etf_dat): 5 October 2025, interpolated between two filings",
        note="Common shares at the start.", at_least=1, at_most=100_000_000_000,
    )  # fmt: skip
    premium: Number = setting(
        1.15, unit="", provenance="measured", source="bmnr_eth_holdings.csv (etf_dat): 5 and 19 October 2025",
        note="Premium at the start: all three are one without claims.", at_least=0.05, at_most=20.0,
    )  # fmt: skip
    usual_premium: Number = setting(
        1.15, unit="", provenance="judgement", source="own judgement: the premium at the start",
        note="m*, the premium that the premium comes back to.", at_least=0.05, at_most=20.0,
    )  # fmt: skip
    turnover: Fraction = setting(
        "10%", unit="fraction per day", provenance="judgement",
        source="own judgement, from memory: 25-50 million of 259 million shares a day in October 2025 [K:l]",
        note="Shares traded on a trading day, over shares there are.", at_least=0.0, at_most=1.0,
    )  # fmt: skip


class SmallTreasurySettings(Settings):
    """Small treasuries, each drawn by its own number: size, debt, premium and cost."""

    companies: Count = setting(
        30, unit="", provenance="sourced", source="MODEL.md 4.8", note="Number of companies.", at_least=0, at_most=1000
    )
    median: Money = setting(
        "$100m", unit="USD", provenance="sourced", source="MODEL.md 4.8: LogN, median $100m",
        note="Median value of the coins of a company at the start.", at_least=1e4, at_most=1e12,
    )  # fmt: skip
    sigma: Number = setting(
        1.0, unit="log units", provenance="judgement", source="own judgement; MODEL.md 4.8 gives no width",
        note="Standard deviation of the logarithm of that value.", at_least=0.0, at_most=4.0,
    )  # fmt: skip
    most_debt: Fraction = setting(
        "60%", unit="fraction", provenance="sourced", source="MODEL.md 4.8: debt/NAV U(0, 0.6)",
        note="Debt over the value of the coins at the start is drawn evenly from 0 to this.", at_least=0.0, at_most=2.0,
    )  # fmt: skip
    coupon: Fraction = setting(
        "4%", unit="fraction per year", provenance="judgement", source="own judgement; terms of small companies differ",
        note="Interest on their debt, paid on the last trading day of a quarter.", at_least=0.0, at_most=0.5,
    )  # fmt: skip
    cash_for: Duration = setting(
        "180d", unit="s", provenance="judgement", source="own judgement: two quarters of interest",
        note="Cash at the start, as interest for so long.", at_least=0.0, at_most=3.2e8,
    )  # fmt: skip
    premium_median: Number = setting(
        1.2, unit="", provenance="judgement",
        source="own judgement: above the 1.1 that EVENT.md A16 has for November, and so that a third is below 1",
        note="Median enterprise premium at the start, which is also the one it comes back to.",
        at_least=0.05, at_most=20.0,
    )  # fmt: skip
    premium_sigma: Number = setting(
        0.35, unit="log units", provenance="judgement", source="own judgement, as above",
        note="Standard deviation of the logarithm of that premium over companies.", at_least=0.0, at_most=3.0,
    )  # fmt: skip
    cost_low: Fraction = setting(
        "60%", unit="fraction", provenance="judgement", source="own judgement: companies bought from autumn 2024 on",
        note="Mean cost of a coin over the start price is drawn evenly from this.", at_least=0.01, at_most=10.0,
    )  # fmt: skip
    cost_high: Fraction = setting(
        "105%", unit="fraction", provenance="judgement", source="own judgement, as above",
        note="... to this.", at_least=0.01, at_most=10.0,
    )  # fmt: skip
    turnover: Fraction = setting(
        "3%", unit="fraction per day", provenance="judgement", source="own judgement, as Strategy's",
        note="Shares traded on a trading day, over shares there are.", at_least=0.0, at_most=1.0,
    )  # fmt: skip

    @model_validator(mode="after")
    def _ranges_rise(self) -> "SmallTreasurySettings":
        if self.cost_high < self.cost_low:
            why = f"must be at least cost_low ({self.cost_low:g}), got {self.cost_high:g}"
            raise problem_at("cost_high", sentence=why)
        return self
