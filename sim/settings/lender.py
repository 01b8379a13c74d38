"""A lender profile: the numbers of a lending protocol that liquidates by call, and no finding about any protocol."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.settings.bridge import Id
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Fraction, Money, Number

_GIVEN = "given with its source in the profile's file, sim/venues/lenders"


class MarketFeed(Settings):
    """A price of the market, sent on when it has moved or aged."""

    kind: Literal["market"] = setting(
        "market", unit="", provenance="sourced", source=_GIVEN, note="Follows the market's price in steps."
    )
    deviation: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="A price is sent when the market is this far from the one in force.",
        at_least=0.0,
        at_most=0.5,
    )
    heartbeat: Duration = setting(
        ...,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="A price is sent when the one in force is this old.",
        at_least=1.0,
        at_most=604800.0,
    )


class HardCodedFeed(Settings):
    """The price of another asset, as if the two were one."""

    kind: Literal["hard_coded"] = setting(
        "hard_coded",
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Has another asset's price, whatever it trades at.",
    )
    to: Id = setting(..., unit="", provenance="sourced", source=_GIVEN, note="The asset whose feed is taken.")


class RatioFeed(Settings):
    """Exchange rate, up to a cap, times the price of another asset."""

    kind: Literal["ratio"] = setting(
        "ratio",
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Exchange rate up to a cap, times another asset's price.",
    )
    to: Id = setting(..., unit="", provenance="sourced", source=_GIVEN, note="The asset whose feed is taken.")
    growth: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="The cap rises by this part of the recorded rate in a year.",
        at_least=0.0,
        at_most=1.0,
    )


Feed = Annotated[MarketFeed | HardCodedFeed | RatioFeed, Field(discriminator="kind")]


class RateCurve(Settings):
    """Borrowing rate by the share of a reserve that is lent out."""

    base: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="A year, at no loans.",
        at_least=0.0,
        at_most=10.0,
    )
    kink: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Share lent out at which the rate turns steep.",
        at_least=0.01,
        at_most=0.99,
    )
    slope: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="A year, added on the way up to the kink.",
        at_least=0.0,
        at_most=10.0,
    )
    steep: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="A year, added on the way from the kink to all lent out.",
        at_least=0.0,
        at_most=10.0,
    )


class CollateralRules(Settings):
    """What collateral is good for."""

    ltv: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Part of its worth that may be borrowed.",
        at_least=0.0,
        at_most=1.0,
    )
    threshold: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Part of its worth above which debt is liquidated; 0: it backs no loan outside its modes.",
        at_least=0.0,
        at_most=1.0,
    )
    bonus: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="What a liquidator takes beyond the value he repays, as a part of it.",
        at_least=0.0,
        at_most=1.0,
    )

    @model_validator(mode="after")
    def _numbers_are_in_order(self) -> "CollateralRules":
        if self.ltv > self.threshold:
            raise problem_at("ltv", sentence=f"must not be above threshold, {self.threshold:g}, got {self.ltv:g}")
        most = self.threshold * (1 + self.bonus)
        if most > 1 + 1e-12:
            why = f"threshold x (1 + bonus) is {most:.10g}, above 1: who is just liquidatable could not pay the bonus"
            raise problem_at("threshold", sentence=why)
        return self


class AssetRules(CollateralRules):
    """One asset of the protocol, outside any mode."""

    feed: Feed = setting(..., unit="", provenance="sourced", source=_GIVEN, note="Where its price comes from.")
    curve: RateCurve | None = setting(
        None, unit="", provenance="sourced", source=_GIVEN, note="Its borrowing rate; without one it is not lent out."
    )


class ModeRules(CollateralRules):
    """An efficiency mode: other numbers for some collateral, for who borrows some assets alone."""

    collateral: Annotated[list[Id], Field(min_length=1, max_length=64)] = setting(
        ..., unit="", provenance="sourced", source=_GIVEN, note="Assets that count by the mode's numbers."
    )
    borrowable: Annotated[list[Id], Field(min_length=1, max_length=64)] = setting(
        ..., unit="", provenance="sourced", source=_GIVEN, note="Assets that may be borrowed in the mode."
    )


class LenderSettings(Settings):
    """One lender profile, whole."""

    title: Annotated[str, Field(min_length=1, max_length=120)] = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="One line that names the rule set."
    )
    statement: Annotated[str, Field(min_length=1, max_length=2000)] = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="What the profile is, and what it is not."
    )
    full_close_health: Number = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Health at and below which one call may repay all debt of a reserve.",
        at_least=0.0,
        at_most=1.0,
    )
    close_factor: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Else it may repay this part of all that the account owes.",
        at_least=0.01,
        at_most=1.0,
    )
    small_position: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="All debt may be repaid where the account's collateral or debt of the pair is worth less than this.",
        at_least=0.0,
        at_most=1e9,
    )
    least_left: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="A call that clears neither asset of the pair must leave this much of both, or it is refused.",
        at_least=0.0,
        at_most=1e9,
    )
    protocol_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Part of the bonus that goes to the protocol.",
        at_least=0.0,
        at_most=1.0,
    )
    assets: Annotated[dict[Id, AssetRules], Field(min_length=1, max_length=64)] = setting(
        ..., unit="", provenance="sourced", source=_GIVEN, note="Assets that are lent or taken as collateral, by name."
    )
    modes: Annotated[dict[Id, ModeRules], Field(max_length=62)] = setting(
        {},
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note="Efficiency modes by name; an account is in one or in none.",
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> "LenderSettings":
        followed = {name for name, asset in self.assets.items() if isinstance(asset.feed, MarketFeed)}
        for name, asset in self.assets.items():
            if not isinstance(asset.feed, MarketFeed) and asset.feed.to not in followed:
                why = f"{asset.feed.to!r} has no feed of the market here (there is: {', '.join(sorted(followed))})"
                raise problem_at("assets", name, "feed", "to", sentence=why)
        lent = {name for name, asset in self.assets.items() if asset.curve is not None}
        for name, mode in self.modes.items():
            for at, asset_name in enumerate(mode.collateral):
                if asset_name not in self.assets:
                    raise problem_at("modes", name, "collateral", at, sentence=f"no asset {asset_name!r} here")
            for at, asset_name in enumerate(mode.borrowable):
                if asset_name not in lent:
                    why = f"{asset_name!r} is no asset with a curve here: nothing says at which rate it is lent"
                    raise problem_at("modes", name, "borrowable", at, sentence=why)
        return self
