"""Shocks from outside, each a Mesa event. A shock of zero size schedules nothing and so changes nothing, bit for
bit.

Each entry of ``SHOCKS`` makes the desk of a shock, or nothing where its size is zero; ``schedule`` then fills the
calendar.
"""

from collections.abc import Callable
from typing import Any

from sim.shocks.flow import FlowSeller, fat_finger, flow
from sim.shocks.held import Held, ShockDesk
from sim.shocks.maker import depth_withdrawal, latency, maker_outage
from sim.shocks.news import news_move
from sim.shocks.venue import engine_pace, funding_base, halt, price_band, transfer_halt

SHOCKS: dict[str, Callable[..., Any]] = {
    "flow": flow,
    "fat_finger": fat_finger,
    "news_move": news_move,
    "transfer_halt": transfer_halt,
    "engine_pace": engine_pace,
    "funding_base": funding_base,
    "price_band": price_band,
    "halt": halt,
    "depth_withdrawal": depth_withdrawal,
    "maker_outage": maker_outage,
    "latency": latency,
}

__all__ = ["SHOCKS", "FlowSeller", "Held", "ShockDesk"]
