"""Tiny markets for tests: a coarse tick, few firms, few accounts; a whole run takes milliseconds."""

from typing import Any

import numpy as np

from sim.build import build, contract_of, state_of
from sim.market import Market
from sim.scenario.spec import Spec
from sim.settings.venue import VenueSettings
from sim.venues.profile import load_profile

BASE: dict[str, Any] = {
    "name": "tiny",
    "title": "tiny market",
    "start_utc": "2025-10-10T20:20:00Z",
    "duration": "10m",
    "market": {
        "price": "$1000",
        "open_interest": "20k BTC",
        "perp_daily_volume": "$400m",
        "spot_daily_volume": "$200m",
        "perp_bid_depth": [{"within": "1%", "notional": "$600k"}, {"within": "5%", "notional": "$2m"}],
        "perp_ask_depth": [{"within": "1%", "notional": "$500k"}, {"within": "5%", "notional": "$2m"}],
        "spot_depth": [{"within": "1%", "notional": "$300k"}, {"within": "5%", "notional": "$1m"}],
    },
    "background": {"order_size_median": "$500", "noise_orders_per_side": 12},
    "market_maker": {
        "firms": 3,
        "rungs_per_side": 6,
        "fill_decay": 0.2,
        "withdrawal": False,  # its own tests switch it on
        "capital_median": "$1m",
        "flow_response_notional": "$500k",
        "inventory_limit": "$300k",
    },
    "latent": {"enabled": False},  # its own tests switch it on: at this volume it would swallow every shock
    "leveraged": {"accounts": 300, "notional_cap": "$500k"},
    "arbitrage": {"firms": 4, "capital": "$8m", "smallest_order": "$100"},
    "dip_buyer": {"buyers": 8, "cash": "$1m", "bids_per_buyer": 3, "pace": "$3k/s"},
    "trend": {"funds": 3, "capital": "$3m"},
}


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A deep copy of ``base`` with ``over`` on top."""
    out = dict(base)
    for key, value in over.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def spec_of(**over: Any) -> Spec:
    """The tiny scenario with settings changed."""
    return Spec.model_validate(merged(BASE, over))


def venue_of(tick_usd: float = 0.1, lot_coin: float = 0.01, **over: Any) -> VenueSettings:
    """The shipped venue with a tick and lot of its own."""
    settings = load_profile("cex_a").model_dump()
    for book in ("perp", "spot"):
        settings[book] |= {"tick_usd": tick_usd, "lot_coin": lot_coin}
    plain = merged(settings, over)
    return VenueSettings.model_construct(**_models(plain))


def _models(plain: dict[str, Any]) -> dict[str, Any]:
    shipped = load_profile("cex_a")
    out: dict[str, Any] = {}
    for name, value in plain.items():
        field = getattr(shipped, name)
        if isinstance(value, dict):
            out[name] = type(field).model_construct(**value)
        elif name == "margin_tiers":
            out[name] = tuple(type(field[0]).model_construct(**row) for row in value)
        else:
            out[name] = value
    return out


def market_of(seed: int = 1, venue: VenueSettings | None = None, **over: Any) -> Market:
    """A tiny market, built."""
    return build(spec_of(**over), seed, venue_of() if venue is None else venue)


def state_before(seed: int = 1, venue: VenueSettings | None = None, **over: Any) -> tuple[Spec, Any, Any]:
    """Specification, contract and state of a tiny market before its warm-up tick."""
    spec = spec_of(**over)
    rules = venue_of() if venue is None else venue
    contract = contract_of(spec, rules)
    return spec, contract, state_of(spec, rules, contract, seed)


# positions of leveraged accounts change by force alone
PASSIVE = {"conduct": dict.fromkeys(("stops", "take_profits", "top_ups", "panic"), False)}
SALE = {"kind": "flow", "at": "60s", "over": "30s", "side": "sell", "notional": "$400k"}
DROP = {"kind": "news_move", "at": "60s", "over": "60s", "move": "-3%"}


def columns(market: Market, *names: str) -> np.ndarray[Any, Any]:
    """Integer columns of the recorded series, as rows."""
    series = market.collect().series
    return np.stack([series[name] for name in names])
