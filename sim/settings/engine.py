"""A venue's liquidation engine in numbers: its rule, pace, bounds and fee."""

from typing import Literal

from pydantic import model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Fraction, Money, MoneyRate

_GIVEN = "given with its source in the profile's file, sim/venues/profiles"


class EngineRules(Settings):
    """The liquidation engine: its rule, how often it looks, how much it sells at once, at what bound and fee."""

    kind: Literal["tiered_ioc", "tier_fok", "backstop"] = setting(
        "tiered_ioc",
        unit="",
        provenance="sourced",
        source="MODEL.md 2.6 [S:8b], [S:6b], [S:2]",
        note=(
            "tiered_ioc: IOC down to a lower tier, then the fund. tier_fok: FOK down to the next tier, the lowest to "
            "the fund at once. backstop: market orders for all; far below maintenance, a vault takes the account."
        ),
    )
    scan_every: Duration = setting(
        ...,
        unit="s",
        provenance="judgement",
        source=_GIVEN,
        note="Time between two looks at all accounts.",
        at_least=0.01,
        at_most=3600.0,
    )
    slice_depth_share: Fraction = setting(
        ...,
        unit="fraction",
        provenance="judgement",
        source=_GIVEN,
        note="Largest forced volume of one look, as a share of the depth within slice_depth_band.",
        at_least=0.0001,
        at_most=10.0,
    )
    slice_depth_band: Fraction = setting(
        ...,
        unit="fraction",
        provenance="judgement",
        source=_GIVEN,
        note="Band in which that depth is measured.",
        at_least=1e-4,
        at_most=0.5,
    )
    order_bound: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Price bound of a forced order.",
        at_least=0.001,
        at_most=0.5,
    )
    clearance_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Charged on the forced volume, paid to the insurance fund.",
        at_least=0.0,
        at_most=0.1,
    )
    pace_cap: MoneyRate | None = setting(
        None,
        unit="USD/s",
        provenance="judgement",
        source=_GIVEN,
        note="Largest forced value per second; null means none beyond the slice rule. Of backstop: has no effect.",
        at_least=1.0,
        at_most=1e12,
    )
    adl_drop: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="sourced",
        source="MODEL.md 2.7 [S:9b; the 30% from memory, medium confidence]",
        note=(
            "Loss of the fund, from its highest of adl_drop_window and as a share of the highest pool, from which on "
            "accounts are deleveraged at their bankruptcy price and the fund takes none. null: once it is empty."
        ),
        at_least=0.001,
        at_most=1.0,
    )
    adl_drop_window: Duration = setting(
        "8h",
        unit="s",
        provenance="sourced",
        source="MODEL.md 2.7 [S:9b]",
        note="Time in which the fund's highest counts.",
        at_least=48.0,
        at_most=86400.0,
    )
    large_order: Money | None = setting(
        None,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Of backstop alone: positions worth more are cut by large_share first.",
        at_least=0.0,
        at_most=1e12,
    )
    large_share: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Of backstop alone: part of a large position that goes first.",
        at_least=0.0001,
        at_most=1.0,
    )
    cooldown: Duration | None = setting(
        None,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Of backstop alone: time after which the rest of a large position goes.",
        at_least=0.0,
        at_most=86400.0,
    )
    backstop_below: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Of backstop alone: equity over maintenance below which the vault takes the account.",
        at_least=0.0,
        at_most=1.0,
    )

    @model_validator(mode="after")
    def _backstop_is_whole(self) -> "EngineRules":
        for name in ("large_order", "large_share", "cooldown", "backstop_below"):
            if (getattr(self, name) is not None) != (self.kind == "backstop"):
                raise problem_at(
                    name, sentence="belongs to kind: backstop, which needs it: give it there and nowhere else"
                )
        return self
