"""Shocks: what is done to the market from outside, told apart by ``kind``."""

from typing import Annotated, Literal

from pydantic import Field

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Count, Duration, Fraction, Money, MoneyRate, Number


class _Dated(Settings):
    at: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source="the scenario's own choice",
        note="Start of the shock, since the start of the scenario.",
        at_least=0.0,
        at_most=8.64e6,
    )


class _Timed(_Dated):
    over: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source="the scenario's own choice; never within one instant (DECISIONS 20b)",
        note="Time over which the shock is spread evenly.",
        at_least=1.0,
        at_most=8.64e6,
    )


class _Lasting(_Dated):
    over: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source="the scenario's own choice",
        note="How long it lasts; 0s changes nothing. Afterwards everything is as before.",
        at_least=0.0,
        at_most=8.64e6,
    )


class FlowShock(_Timed):
    """Somebody outside the model buys or sells a given value by market orders spread over time."""

    kind: Literal["flow"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    side: Literal["buy", "sell"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Side of the taker.",
    )
    notional: Money = setting(
        ...,
        unit="USD",
        provenance="scenario",
        source="the scenario's own choice",
        note="Value to trade, at the starting price; $0 changes nothing.",
        at_least=0.0,
        at_most=1e11,
    )
    book: Literal["perp", "spot"] = setting(
        "perp",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Book the orders go to.",
    )


class NewsMove(_Timed):
    """The news value moves by a given fraction and stays there."""

    kind: Literal["news_move"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    move: Fraction = setting(
        ...,
        unit="fraction",
        provenance="scenario",
        source="the scenario's own choice",
        note="Change of the news value; 0 changes nothing.",
        at_least=-0.9,
        at_most=1.0,
    )


class TransferHalt(_Timed):
    """Nobody can move balances between venues: arbitrage firms keep to what they have in each book."""

    kind: Literal["transfer_halt"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice; EVENT.md 2: about 21:12 to 22:19 on 10 Oct 2025",
        note="Selects this shock.",
    )


class FatFinger(_Dated):
    """One large order sent by mistake: it takes all it finds at once, far through the book, and rests nothing."""

    kind: Literal["fat_finger"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    side: Literal["buy", "sell"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Side of the order.",
    )
    notional: Money = setting(
        ...,
        unit="USD",
        provenance="scenario",
        source="the scenario's own choice",
        note="Value of the order, at the starting price; $0 changes nothing.",
        at_least=0.0,
        at_most=100000000000.0,
    )
    limit: Fraction | None = setting(
        None,
        unit="fraction",
        provenance="scenario",
        source="the scenario's own choice",
        note="Worst price as a distance from mark (perp) or index (spot); null for an order at any price.",
        at_least=0.0001,
        at_most=0.99,
    )
    book: Literal["perp", "spot"] = setting(
        "perp",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Book that is meant.",
    )


class EnginePace(_Lasting):
    """The venue slows its liquidation engine: what it trades in a second is capped for a time."""

    kind: Literal["engine_pace"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    pace: MoneyRate | None = setting(
        ...,
        unit="USD/s",
        provenance="scenario",
        source="the scenario's own choice",
        note="Most that forced orders may trade in a second on each side; $0/s stops them, null changes nothing.",
        at_least=0.0,
        at_most=100000000000.0,
    )


class FundingBase(_Lasting):
    """The venue's funding rule has another base for a time: a premium within its clamp then settles at this rate."""

    kind: Literal["funding_base"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    rate: Fraction | None = setting(
        ...,
        unit="fraction per year",
        provenance="scenario",
        source="the scenario's own choice; MODEL.md 8: -20% for two weeks",
        note="Base of the funding rate, below 0 shorts pay; null changes nothing.",
        at_least=-10.0,
        at_most=10.0,
    )


class PriceBand(_Lasting):
    """A limit-up limit-down band around mark (perp) or index (spot) when it begins: buy orders above and sell orders
    below are refused; takers trade up to its edge.
    """

    kind: Literal["price_band"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice; the US limit up-limit down plan has 5% and 10% in tiers 1 and 2",
        note="Selects this shock.",
    )
    width: Fraction | None = setting(
        ...,
        unit="fraction",
        provenance="scenario",
        source="the scenario's own choice",
        note="Distance of both edges from the reference; null changes nothing.",
        at_least=0.0001,
        at_most=0.99,
    )
    book: Literal["perp", "spot"] = setting(
        "perp",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Book that is meant.",
    )


class Halt(_Lasting):
    """No matching in one book for a time. Mark, index and funding go on from the books as they stand; in a halt of the
    perp the engine, whose scans are lost, and the fund do not trade.
    """

    kind: Literal["halt"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    orders: Literal["wait", "reject"] = setting(
        "wait",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note=(
            "What becomes of messages: wait keeps all of them, cancels too, and matches them in order of arrival "
            "afterwards; reject refuses orders and admits cancels."
        ),
    )
    book: Literal["perp", "spot"] = setting(
        "perp",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Book that is meant.",
    )


class DepthWithdrawal(_Lasting):
    """Market makers post less for a time, and then more and more again."""

    kind: Literal["depth_withdrawal"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice; EVENT.md F11 to F17 for what was seen on 10 Oct 2025",
        note="Selects this shock.",
    )
    left: Fraction = setting(
        ...,
        unit="fraction",
        provenance="scenario",
        source="the scenario's own choice",
        note="Share of their usual size that makers post meanwhile; 100% changes nothing.",
        at_least=0.0,
        at_most=1.0,
    )
    sides: Literal["bids", "asks", "both"] = setting(
        "both",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Sides of both books that are withdrawn.",
    )
    distances: Literal["near", "far", "all"] = setting(
        "all",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Quotes within 1% of a firm's price (near), beyond (far), or all.",
    )
    ramp: Duration = setting(
        "0s",
        unit="s",
        provenance="scenario",
        source="the scenario's own choice",
        note="Time over which the rest comes back after over, linear.",
        at_least=0.0,
        at_most=8640000.0,
    )


class MakerOutage(_Lasting):
    """Some firms send nothing for a time: no order, no cancel, no replace."""

    kind: Literal["maker_outage"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    firms: Count = setting(
        0,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Number of firms, the first of those drawn with the seed; the larger of firms and share counts.",
        at_least=0,
        at_most=1000,
    )
    share: Fraction = setting(
        0.0,
        unit="fraction",
        provenance="scenario",
        source="the scenario's own choice",
        note="Share of all firms, to the nearest firm; 0 with firms 0 changes nothing.",
        at_least=0.0,
        at_most=1.0,
    )
    orders: Literal["stay", "cancel"] = setting(
        "stay",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="What becomes of their resting orders: they stay as they are, or the venue cancels them.",
    )


class Latency(_Lasting):
    """Orders take longer, or shorter, to arrive for a time."""

    kind: Literal["latency"] = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Selects this shock.",
    )
    factor: Number = setting(
        ...,
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Multiplies the order latency; 1 changes nothing.",
        at_least=0.0,
        at_most=1000.0,
    )
    whose: Literal["makers", "others", "all"] = setting(
        "all",
        unit="",
        provenance="scenario",
        source="the scenario's own choice",
        note="Market makers, everybody else with a latency (arbitrage, latent layer, Python agents), or all.",
    )


Shock = Annotated[
    FlowShock
    | FatFinger
    | NewsMove
    | TransferHalt
    | EnginePace
    | FundingBase
    | PriceBand
    | Halt
    | DepthWithdrawal
    | MakerOutage
    | Latency,
    Field(discriminator="kind"),
]
