"""The instrument at the start of a run: price, open interest, volume and visible depth."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Coins, Flag, Fraction, Money

_P5 = (
    "EVENT.md P5: Binance BTCUSDT perpetual, bid within 1/2/5%, morning of 10 Oct 2025 (own measurement on the "
    "recorded depth)"
)
_P6 = "EVENT.md P6: same book, ask within 1/2/5%, morning of 10 Oct 2025 (own measurement on the recorded depth)"
_SPOT = (
    "CoinDesk Research, average spot depth per major venue, both sides summed: $15.5m/20m/40m within 0.5/1/5% "
    "(EVENT.md P8, MODEL.md 1.3); here 4 venues and one side, so 4 x half of each (DECISIONS 17)"
)
_F24 = "EVENT.md F24, DECISIONS 17"


class DepthPoint(Settings):
    """One point of a cumulative depth profile; between points depth grows linearly with distance."""

    within: Fraction = setting(
        ...,
        unit="fraction",
        provenance="scenario",
        source="as the list it stands in",
        note="Distance from the mid price.",
        at_least=1e-5,
        at_most=0.5,
    )
    notional: Money = setting(
        ...,
        unit="USD",
        provenance="scenario",
        source="as the list it stands in",
        note="Resting orders on one side from the mid to that distance.",
        at_least=0.0,
        at_most=1e12,
    )


Profile = Annotated[tuple[DepthPoint, ...], Field(min_length=1, max_length=50)]


def _profile(*points: tuple[str, str]) -> list[dict[str, str]]:
    return [{"within": within, "notional": notional} for within, notional in points]


class MarketSettings(Settings):
    """One coin on one venue: a perpetual book, and one spot book standing for all constituents of the index."""

    price: Money = setting(
        "$116720",
        unit="USD",
        provenance="measured",
        source=(
            "Binance BTCUSD perpetual mark price at 20:20 UTC, 10 Oct 2025 (116,718.68 open, 116,723.68 close),"
            " to the nearest $10"
        ),
        note="Price of both books and news value at the start.",
        at_least=1.0,
        at_most=1e7,
    )
    perp: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: what is listed",
        note="false: there is no perpetual, and with it no leveraged account; its settings are not read.",
    )
    spot: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="own choice: what is listed",
        note="false: there is no spot book; the index must then come from other listings of a network.",
    )
    open_interest: Coins = setting(
        "130k BTC",
        unit="coins",
        provenance="sourced",
        source="EVENT.md P3: CoinDesk/Glassnode, BTC open interest on Binance before 10 Oct 2025",
        note="Open interest of the perpetual; all longs belong to the leveraged population.",
        at_least=1.0,
        at_most=1e9,
    )
    perp_daily_volume: Money = setting(
        "$20bn",
        unit="USD per day",
        provenance="sourced",
        source=f"{_F24}: $53bn a day over all venues x 53.9/140, Binance's share of futures volume",
        note="Traded value of the perpetual on a calm day; sets the rate of background flow.",
        at_least=0.0,
        at_most=2e11,
    )
    spot_daily_volume: Money = setting(
        "$10.8bn",
        unit="USD per day",
        provenance="sourced",
        source=f"{_F24}: $53bn a day x 28.6/140, spot against futures volume",
        note="Traded value of the spot book on a calm day; sets the rate of background flow.",
        at_least=0.0,
        at_most=2e11,
    )
    perp_bid_depth: Profile = setting(
        _profile(("1%", "$305m"), ("2%", "$698m"), ("5%", "$1197m")),
        unit="list of within, notional",
        provenance="measured",
        source=_P5,
        note="Visible bids of the perpetual, cumulative.",
    )
    perp_ask_depth: Profile = setting(
        _profile(("1%", "$241m"), ("2%", "$392m"), ("5%", "$722m")),
        unit="list of within, notional",
        provenance="measured",
        source=_P6,
        note="Visible asks of the perpetual, cumulative.",
    )
    spot_depth: Profile = setting(
        _profile(("0.5%", "$31m"), ("1%", "$40m"), ("5%", "$80m")),
        unit="list of within, notional",
        provenance="sourced",
        source=_SPOT,
        note="Visible orders of the spot book on each side, cumulative.",
    )
    bid_depth_share: Fraction = setting(
        1.0,
        unit="fraction",
        provenance="measured",
        source=(
            "1 is the morning of 10 Oct 2025 (P5, P6); EVENT.md F13 measured 0.55 at 20:30 UTC, which the "
            "replay takes as input"
        ),
        note="Bid depth of the perpetual as a share of its profile.",
        at_least=0.001,
        at_most=10.0,
    )
    ask_depth_share: Fraction = setting(
        1.0,
        unit="fraction",
        provenance="measured",
        source=(
            "1 is the morning of 10 Oct 2025 (P5, P6); EVENT.md F13 measured 0.74-0.75 at 20:30 UTC, which the "
            "replay takes as input"
        ),
        note="Ask depth of the perpetual as a share of its profile.",
        at_least=0.001,
        at_most=10.0,
    )
    depth_scale_visible: Fraction = setting(
        1.0,
        unit="fraction",
        provenance="scenario",
        source="DECISIONS 20: the depth axis of an experiment",
        note=(
            "Scales the posted lots of makers and noise limits on both sides of both books; touches no capital,"
            " limit or flow."
        ),
        at_least=0.001,
        at_most=1000.0,
    )

    depth_scale_latent: Fraction = setting(
        1.0,
        unit="fraction",
        provenance="scenario",
        source="DECISIONS 20: the depth axis of an experiment",
        note="Scales the density of the latent layer, not its cash.",
        at_least=0.001,
        at_most=1000.0,
    )
    depth_scale_refill: Fraction = setting(
        1.0,
        unit="fraction",
        provenance="scenario",
        source="DECISIONS 20: the depth axis of an experiment",
        note="Scales the rate at which makers post missing quotes and background limit orders are renewed.",
        at_least=0.001,
        at_most=1000.0,
    )

    @model_validator(mode="after")
    def _profiles_increase(self) -> "MarketSettings":
        for name in ("perp_bid_depth", "perp_ask_depth", "spot_depth"):
            points: tuple[DepthPoint, ...] = getattr(self, name)
            for i, (near, far) in enumerate(pairwise(points), start=1):
                if far.within <= near.within or far.notional < near.notional:
                    why = (
                        f"points must widen and never lose depth: within {far.within:g} follows {near.within:g}, "
                        f"${far.notional:g} follows ${near.notional:g}"
                    )
                    raise problem_at(name, i, sentence=why)
            if points[-1].notional <= 0.0:
                raise problem_at(
                    name, sentence="holds no orders at all: give at least one point with a notional above $0"
                )
        if not (self.perp or self.spot):
            raise problem_at("spot", sentence="lists neither a perpetual nor a spot book: leave one of them on")
        value = self.price * self.open_interest
        if value > 1e12:
            why = f"price x open_interest is ${value:.3g}, at most $1e12 fits the 64-bit accounts: lower one of them"
            raise problem_at("open_interest", sentence=why)
        return self
