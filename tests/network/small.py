"""Small networks for tests: few accounts and orders, minutes of time."""

import json
from pathlib import Path
from typing import Any

import yaml

from sim.scenario.load import load_spec
from sim.scenario.spec import Spec

SMALL: dict[str, Any] = {
    "extends": "calm_btc",
    "name": "small",
    "title": "small",
    "duration": "10min",
    "leveraged": {"accounts": 300},
    "market_maker": {"firms": 3, "rungs_per_side": 8},
    "background": {"noise_orders_per_side": 16},
}
PERP_ONLY = {"market": {"spot": False}, "arbitrage": {"enabled": False}, "dip_buyer": {"perp_share": 1.0}}
SPOT_ONLY = {"market": {"perp": False}, "arbitrage": {"enabled": False}, "dip_buyer": {"perp_share": 0.0}}


def spec_of(folder: Path, listings: dict[str, Any], network: dict[str, Any] | None = None, **more: Any) -> Spec:
    """Write a scenario with these listings and read it."""
    file = folder / "small.yaml"
    whole = {**SMALL, "listings": listings, "network": {"record_every": "1s", **(network or {})}, **more}
    file.write_text(yaml.safe_dump(json.loads(json.dumps(whole)), sort_keys=False))  # no part stands twice: no aliases
    return load_spec(file)
