"""QUALITY R17: no numeric setting lets a number through that a run cannot use; the fields come from the models."""

import math
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from sim.scenario.reference import reference_rows
from sim.scenario.spec import Spec
from sim.settings.venue import VenueSettings
from sim.venues.profile import load_profile

HOSTILE: dict[str, Any] = {
    "nan": math.nan,
    "inf": math.inf,
    "minus_inf": -math.inf,
    "minus_zero": -0.0,
    "1e308": 1e308,
    "denormal": 5e-324,
    "minus_one": -1,
    "huge_integer": 10**400,
    "nan_text": "nan",
    "inf_text": "inf",
    "true": True,
}
UNIT = {"s": "{}s", "USD": "${}", "USD per day": "${}", "1/s": "{}/s", "USD/s": "${}/s"}
BASE = {
    "name": "x",
    "title": "X",
    "start_utc": "2025-10-10T20:20:00Z",
    "duration": "1h",
    "etf": {"flows": [{"date": "2025-10-13", "usd": "$1m"}]},
    "shocks": [
        {"kind": "flow", "at": "1m", "over": "1m", "side": "sell", "notional": "$1bn", "book": "spot"},
        {"kind": "news_move", "at": "1m", "over": "1m", "move": "-1%"},
        {"kind": "transfer_halt", "at": "1m", "over": "1m"},
        {"kind": "fat_finger", "at": "1m", "side": "sell", "notional": "$1bn", "limit": "20%", "book": "spot"},
        {"kind": "engine_pace", "at": "1m", "over": "1m", "pace": "$1m/s"},
        {"kind": "price_band", "at": "1m", "over": "1m", "width": "1%"},
        {"kind": "halt", "at": "1m", "over": "1m"},
        {"kind": "depth_withdrawal", "at": "1m", "over": "1m", "left": "30%", "ramp": "1m"},
        {"kind": "maker_outage", "at": "1m", "over": "1m", "firms": 1},
        {"kind": "latency", "at": "1m", "over": "1m", "factor": 4},
        {"kind": "funding_base", "at": "1m", "over": "1m", "rate": "-20%"},
    ],
    "assumptions": {
        "tests": [
            {
                "name": "a",
                "kind": "exit_cost",
                "notional": "$1m",
                "at": "20m",
                "over": "1m",
                "book": "perp",
                "at_most": "1%",
            },
            {"name": "b", "kind": "depth", "side": "bids", "within": "1%", "at": "1m", "at_least": "$1m"},
            {"name": "c", "kind": "recovery", "of": "price", "to": "99%", "at_most": "1m"},
            {"name": "d", "kind": "liquidation", "side": "long", "leverage": 10},
            {
                "name": "e",
                "kind": "margin_call",
                "positions": [{"side": "long", "notional": "$1m", "leverage": 10}],
                "at_most": "$1m",
            },
            {"name": "f", "kind": "fund", "at_least": "90%"},
            {"name": "g", "kind": "bad_debt"},
            {"name": "h", "kind": "adl", "side": "short", "leverage_from": 1, "leverage_to": 3},
        ]
    },
    "news": {"path": [{"at": "1m", "move": "-1%"}]},
    "dat": {
        "puts": [{"company": "small", "on": "2025-10-13", "share": "10%"}],
        "exclusions": [{"on": "2026-01-15", "notional": "$1bn"}],
    },
    "holders": {"start": [{"age": 1, "cost": "$100k", "coins": 5}]},
    "stablecoins": {"changes": [{"at": "1m", "change": "-1%"}]},
    "network": {
        "assets": {"x": {}},
        "exchanges": {"x": {}},
        "portfolios": {"x": {"collateral": [{"listing": "x"}]}},
        "bridge": {"halts": [{"at": "1m", "over": "1m"}]},
    },
    "market": {
        name: [{"within": "1%", "notional": "$1m"}] for name in ("perp_bid_depth", "perp_ask_depth", "spot_depth")
    },
}
FIELDS = [
    (model, row.path, row.unit)
    for model in (Spec, VenueSettings)
    for row in reference_rows(model)
    if row.bounds and not (model is Spec and row.path == "news.path")
]


def _data(model: type[BaseModel]) -> dict[str, Any]:
    if model is Spec:
        return Spec.model_validate(BASE).model_dump(mode="json")
    return load_profile("cex_a").model_dump(mode="json")


def _with(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    for k, shock in enumerate(BASE["shocks"]):
        path = path.replace(f"shocks.N.({shock['kind']})", f"shocks.{k}")
    for k, test in enumerate(BASE["assumptions"]["tests"]):
        path = path.replace(f"assumptions.tests.N.({test['kind']})", f"assumptions.tests.{k}")
    path = path.replace(".N.", ".0.").replace(".NAME.", ".x.")
    *groups, last = path.split(".")
    holder: Any = data
    for key in groups:
        holder = holder[int(key)] if key.isdigit() else holder[key]
    holder[last] = value
    return data


def _floats(value: Any) -> list[float]:
    if isinstance(value, BaseModel):
        value = [getattr(value, name) for name in type(value).model_fields]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [number for inner in value for number in _floats(inner)]
    return [float(value)] if isinstance(value, (int, float)) else []


def test_every_number_of_the_models_is_tested():
    assert len(FIELDS) >= 70


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("model", "path", "unit"), FIELDS, ids=[f"{m.__name__}:{p}" for m, p, _ in FIELDS])
def test_a_hostile_number_is_refused_or_harmless(model, path, unit, hostile):
    value = HOSTILE[hostile]
    forms = [value]
    if unit in UNIT and not isinstance(value, (str, bool)) and value != 10**400:
        forms.append(UNIT[unit].format(value))
    for form in forms:
        try:
            settings = model.model_validate(_with(_data(model), path, form))
        except ValidationError:
            continue
        assert hostile in ("minus_zero", "minus_one", "denormal")
        numbers = _floats(settings)
        assert all(math.isfinite(number) and abs(number) < 1e15 for number in numbers)
        assert all(math.copysign(1.0, number) == 1.0 for number in numbers if number == 0.0)
        assert all(number == 0.0 or abs(number) >= 1e-15 for number in numbers)
