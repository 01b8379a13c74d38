"""Several markets at once: which assets are listed where, and what ties the listings together."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from sim.settings.bridge import BridgeSettings, Id
from sim.settings.fields import Settings, setting
from sim.settings.maker_purse import PurseSettings
from sim.settings.portfolios import PortfolioSettings
from sim.settings.quantities import Coins, Duration, Flag, Fraction, Number

_OWN = "the scenario's own choice"
_GIVEN = "given with its source in the scenario"
PATCHED = (
    "market", "background", "latent", "market_maker", "arbitrage", "dip_buyer", "trend", "leveraged", "clearing", "news"
)  # fmt: skip
"""Groups of a scenario that a listing may change."""

Patch = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]


def _changes(group: str) -> Any:
    return setting(
        {}, unit="", provenance="scenario", source=_OWN, note=f"What differs from the scenario's own {group} settings."
    )


class Listing(Settings):
    """One asset on one exchange: the scenario's own settings, changed by what stands here."""

    asset: Id = setting(..., unit="", provenance="scenario", source=_OWN, note="Name of the asset.")
    exchange: Id = setting(
        ...,
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Whose books they are: listings of one exchange share a fund, wallets and cross-margin accounts.",
    )
    quote: Id = setting(
        "usdt",
        unit="",
        provenance="scenario",
        source="MODEL.md 1.1",
        note="What prices and cash are counted in; cash moves between listings of one quote alone.",
    )
    venue: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")] | None = setting(
        None, unit="", provenance="scenario", source=_OWN, note="Venue profile; null: that of the scenario."
    )

    market: Patch = _changes("market")
    background: Patch = _changes("background")
    latent: Patch = _changes("latent")
    market_maker: Patch = _changes("market_maker")
    arbitrage: Patch = _changes("arbitrage")
    dip_buyer: Patch = _changes("dip_buyer")
    trend: Patch = _changes("trend")
    leveraged: Patch = _changes("leveraged")
    clearing: Patch = _changes("clearing")
    news: Patch = _changes("news")
    shocks: tuple[Patch, ...] = setting(
        (),
        unit="list of shocks",
        provenance="scenario",
        source=_OWN,
        note="Shocks of this listing alone, such as an outage, beside the news that all share.",
    )


class AssetSettings(Settings):
    """How an asset follows the news that all share, and its own."""

    beta: Number = setting(
        1.0,
        unit="",
        provenance="scenario",
        source=_GIVEN,
        note="Log move of the asset's news value for one of the shared news, noise and path alike.",
        at_least=-20.0,
        at_most=20.0,
    )
    own_noise_per_day: Fraction = setting(
        0.0,
        unit="fraction per sqrt(day)",
        provenance="scenario",
        source=_GIVEN,
        note="Standard deviation of the daily change of the value that the asset does not share.",
        at_least=0.0,
        at_most=2.0,
    )
    own_noise_of: Id | None = setting(
        None,
        unit="",
        provenance="scenario",
        source=_GIVEN,
        note="Asset whose own noise it takes, by its own_noise_per_day: what it is a claim on; null: its own.",
    )
    alt_noise_per_day: Fraction = setting(
        0.0,
        unit="fraction per sqrt(day)",
        provenance="scenario",
        source=_GIVEN,
        note=(
            "Standard deviation of the daily change of the value that the asset shares with all others that have one: "
            "a second factor beside the shared news. Below 0 it moves against them."
        ),
        at_least=-2.0,
        at_most=2.0,
    )
    coins: Coins | None = setting(
        None,
        unit="coins",
        provenance="scenario",
        source=_GIVEN,
        note=(
            "Coins in existence, for the total market value of `shoal assets` alone: nothing in a run reads it. "
            "null: the asset is left out of the total, which says so."
        ),
        at_least=1.0,
        at_most=1e15,
    )


class ExchangeSettings(Settings):
    """An exchange's reference prices and money routes."""

    index: Literal["weighted_mean", "weighted_median"] = setting(
        "weighted_mean",
        unit="",
        provenance="sourced",
        source="MODEL.md 2.2 [S:3, S:5]",
        note="How the index is made of the spot mids of an asset's listings.",
    )
    index_weights: dict[Id, Number] = setting(
        {},
        unit="exchange to weight",
        provenance="scenario",
        source=_GIVEN,
        note="Weights of exchanges in this one's index; empty: each by the spot volume of its listing.",
    )
    deviation: Fraction = setting(
        "5%",
        unit="fraction",
        provenance="sourced",
        source="MODEL.md 2.2 [S:5]",
        note="A component farther from the median of all is left out; when several are, the median is the index.",
        at_least=0.001,
        at_most=1.0,
    )
    stale: Duration = setting(
        "10s",
        unit="s",
        provenance="sourced",
        source="MODEL.md 2.2 [S:5]",
        note="A component that has had no mid for longer is left out.",
        at_least=0.1,
        at_most=86400.0,
    )
    shared_fund: Flag = setting(
        True,
        unit="",
        provenance="judgement",
        source="EVENT.md P13: one pool for BTC, ETH and BNB contracts",
        note="Insurance funds of the exchange's listings stand in for one another, levelled each tick.",
    )


class NetworkSettings(Settings):
    """What ties the listings of a scenario together; not read where there are none."""

    assets: dict[Id, AssetSettings] = setting(
        {},
        unit="asset to settings",
        provenance="scenario",
        source=_GIVEN,
        note="Loadings on the shared news; an asset that is not named has a beta of 1 and no noise beside it.",
    )
    exchanges: dict[Id, ExchangeSettings] = setting(
        {},
        unit="exchange to settings",
        provenance="scenario",
        source=_GIVEN,
        note="One that is not named has defaults.",
    )
    record_every: Duration = setting(
        "5s",
        unit="s",
        provenance="judgement",
        source="own judgement: 34 listings at each second of a flash replay are 300 MB",
        note="Time between two recorded rows of every listing but the first, a whole number of ticks.",
        at_least=0.01,
        at_most=86400.0,
    )
    portfolios: dict[Id, PortfolioSettings] = setting(
        {},
        unit="exchange to settings",
        provenance="scenario",
        source=_GIVEN,
        note="Cross-margin accounts of exchanges; none where an exchange is not named.",
    )
    makers: dict[Id, PurseSettings] = setting(
        {},
        unit="name to settings",
        provenance="scenario",
        source=_GIVEN,
        note="Makers with one purse over their listings; on other exchanges each listing has firms of its own.",
    )
    bridge: BridgeSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Arbitrage between exchanges and transfers."
    )
