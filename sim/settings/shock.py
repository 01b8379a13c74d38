"""Shocks: what is done to the market from outside, told apart by ``kind``."""

from typing import Annotated, Literal

from pydantic import Field

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Fraction, Money


class _Timed(Settings):
    at: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source="the scenario's own choice",
        note="Start of the shock, since the start of the scenario.",
        at_least=0.0,
        at_most=8.64e6,
    )
    over: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source="the scenario's own choice; never within one instant (DECISIONS 20b)",
        note="Time over which the shock is spread evenly.",
        at_least=1.0,
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


Shock = Annotated[FlowShock | NewsMove | TransferHalt, Field(discriminator="kind")]
