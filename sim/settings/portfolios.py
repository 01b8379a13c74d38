"""Cross-margin accounts: one equity behind positions in several listings of an exchange, and coins as collateral."""

from typing import Annotated, Literal

from pydantic import Field

from sim.settings.bridge import Id
from sim.settings.fields import Settings, setting
from sim.settings.quantities import Count, Flag, Fraction, Money, Number

_OWN = "the scenario's own choice"
_GIVEN = "given with its source in the scenario"


class CollateralSettings(Settings):
    """A coin that counts as margin: what it is valued at, how much of that counts, and who brings it."""

    listing: Id = setting(
        ..., unit="", provenance="scenario", source=_OWN, note="Listing on whose account rows and spot book it lies."
    )
    source: Literal["own_book", "index", "redemption", "floor"] = setting(
        "index",
        unit="",
        provenance="scenario",
        source="MODEL.md 2.2: a source for each venue and collateral",
        note=(
            "own_book: mid of the exchange's own spot book; index: mean over exchanges; redemption: what the issuer "
            "pays; floor: the larger of floor and redemption_weight x redemption + the rest x own book."
        ),
    )
    redeems: Id | None = setting(
        None,
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Listing whose index it redeems into, times ratio; null: into money.",
    )
    ratio: Number = setting(
        1.0,
        unit="units a coin",
        provenance="scenario",
        source=_GIVEN,
        note="Units of what it redeems into, for one coin.",
        at_least=1e-6,
        at_most=1e6,
    )
    redemption_weight: Fraction = setting(
        "50%", unit="fraction", provenance="judgement", source="MODEL.md 2.2: omega", note="For source: floor.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    floor: Fraction = setting(
        0.0, unit="fraction of redemption", provenance="scenario", source="MODEL.md 2.2", note="For source: floor.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    haircut: Fraction = setting(
        0.0,
        unit="fraction",
        provenance="sourced",
        source="MODEL.md 2.4: BTC 0-2.5%, USDe 0-5%, LST 5-10% [K:l]",
        note="Share of its value that does not count.",
        at_least=0.0,
        at_most=0.99,
    )
    haircut_on_maintenance: Flag = setting(
        False,
        unit="",
        provenance="sourced",
        source="MODEL.md 2.4 [S:9]: the ratio limits borrowing, not the liquidation level",
        note="true: it applies to the liquidation test too; false: to how much was borrowed at the start alone.",
    )
    share_of_accounts: Fraction = setting(
        0.0, unit="fraction", provenance="scenario", source=_GIVEN, note="Cross accounts that bring it.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    share_of_equity: Fraction = setting(
        0.0, unit="fraction", provenance="scenario", source=_GIVEN, note="Of such an account's equity at the start.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    holders: Literal["all", "own"] = setting(
        "all",
        unit="",
        provenance="scenario",
        source=_OWN,
        note="own: of accounts with a position in this very listing alone, as where a contract is settled in its coin.",
    )
    converts: Flag = setting(
        True,
        unit="",
        provenance="sourced",
        source="MODEL.md 2.6: the negative-wallet loop [S:9]",
        note="true: sold on the listing's spot book when the account owes money; false: handed over at its value.",
    )


class PortfolioSettings(Settings):
    """The cross-margin accounts of one exchange."""

    accounts: Count = setting(
        3000, unit="", provenance="judgement", source="MODEL.md 4.3", note="Accounts.", at_least=1, at_most=1_000_000
    )
    interest_share: Fraction = setting(
        "45%",
        unit="fraction",
        provenance="sourced",
        source="MODEL.md 4.3: margin mode isolated 0.55 on central exchanges [K:l]",
        note="Of each listing's open interest that these accounts are long.",
        at_least=0.0,
        at_most=0.95,
    )
    legs_mean: Number = setting(
        2.0, unit="", provenance="judgement", source="own judgement", note="Mean number of positions of an account.",
        at_least=1.0, at_most=20.0,
    )  # fmt: skip
    long_short_share: Fraction = setting(
        "20%", unit="fraction", provenance="judgement", source="own judgement: MODEL.md R4 asks for long-short books",
        note="Accounts whose positions are drawn long or short one by one.", at_least=0.0, at_most=1.0,
    )  # fmt: skip
    short_share: Fraction = setting(
        "10%", unit="fraction", provenance="judgement", source="own judgement", note="Accounts that are short alone.",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    size_sigma: Number = setting(
        3.2, unit="log units", provenance="sourced", source="MODEL.md 4.3: LogN, sigma 3.2",
        note="Standard deviation of the logarithm of size.", at_least=0.0, at_most=5.0,
    )  # fmt: skip
    largest: Money = setting(
        "$300m", unit="USD", provenance="sourced", source="MODEL.md 4.3: truncated at 200-400m",
        note="Largest position of an account in one listing.", at_least=1.0, at_most=1e12,
    )  # fmt: skip
    leverage_median: Number = setting(
        3.7, unit="x", provenance="sourced", source="MODEL.md 4.3 [S:22]", note="Median effective leverage.",
        at_least=1.0, at_most=125.0,
    )  # fmt: skip
    leverage_sigma: Number = setting(
        0.62, unit="log units", provenance="sourced", source="MODEL.md 4.3", note="Its spread.",
        at_least=0.0, at_most=3.0,
    )  # fmt: skip
    collateral: Annotated[tuple[CollateralSettings, ...], Field(max_length=8)] = setting(
        (), unit="list of collateral", provenance="scenario", source=_OWN, note="Coins that count as margin."
    )
    owed_before_conversion: Money = setting(
        "$10k", unit="USD", provenance="sourced", source="MODEL.md 2.4: 10,000 USD on BIN [S:9]",
        note="Money that an account may owe before its collateral is sold.", at_least=0.0, at_most=1e12,
    )  # fmt: skip
    order_bound: Fraction = setting(
        "5%", unit="fraction", provenance="sourced", source="MODEL.md 2.1 [S:8]",
        note="Such a sale goes no further below the bid.", at_least=0.001, at_most=0.9,
    )  # fmt: skip
