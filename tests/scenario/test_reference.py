"""What is generated from the models is current, and every setting carries unit, meaning, provenance and source."""

import json
from typing import get_args

import pytest
from pydantic import BaseModel

from sim.scenario.load import load_spec
from sim.scenario.places import scenarios_dir
from sim.scenario.reference import reference_markdown, reference_rows
from sim.scenario.spec import Spec
from sim.scenario.write import scenario_schema, schema_text, spec_to_dict
from sim.settings.fields import Provenance
from sim.settings.lender import LenderSettings
from sim.settings.rules import RuleSettings
from sim.settings.venue import VenueSettings

MODELS = (Spec, VenueSettings, RuleSettings, LenderSettings)
ROWS = [(model, row) for model in MODELS for row in reference_rows(model)]


def test_schema_json_is_current():
    message = "run: python -m sim schema --out scenarios/schema.json"
    assert (scenarios_dir() / "schema.json").read_text() == schema_text(), message


def test_readme_is_current():
    message = "run: python -m sim schema --reference --out scenarios/README.md"
    assert (scenarios_dir() / "README.md").read_text() == reference_markdown(), message


@pytest.mark.parametrize(("model", "row"), ROWS, ids=[f"{m.__name__}:{r.path}" for m, r in ROWS])
def test_every_setting_is_documented(model, row):
    assert row.provenance in get_args(Provenance)
    assert len(row.source) > 5
    assert row.note.endswith(".")


def _numeric_fields(model: type[BaseModel]) -> list[tuple[type[BaseModel], str]]:
    from sim.scenario.reference import _models_in

    found = []
    for name, info in model.model_fields.items():
        for inner in _models_in(info.annotation):
            found += _numeric_fields(inner)
        kinds = {info.annotation, *get_args(info.annotation)}
        if kinds & {int, float}:
            found.append((model, name))
    return found


def test_every_number_has_bounds():
    from sim.settings.fields import field_extra

    numbers = [field for model in MODELS for field in _numeric_fields(model)]
    assert len(numbers) >= 80
    assert [f"{m.__name__}.{n}" for m, n in numbers if not {"minimum", "maximum"} <= set(field_extra(m, n))] == []


def test_editors_accept_quantities_as_text_and_refuse_unknown_keys():
    schema = scenario_schema()
    assert schema["properties"]["duration"]["type"] == "string"
    assert schema["$defs"]["MarketSettings"]["properties"]["price"]["type"] == "string"
    assert {"type": "string"} in schema["$defs"]["MarketSettings"]["properties"]["bid_depth_share"]["anyOf"]
    assert schema["additionalProperties"] is False
    assert "extends" in schema["properties"]
    assert {"required": ["extends"]} in schema["anyOf"]


def test_the_schema_takes_what_the_loader_writes():
    # without a validator package: types and keys of the resolved scenario, walked by hand
    schema = scenario_schema()

    def walk(value: object, node: dict) -> None:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
        if isinstance(value, dict) and "properties" in node:
            assert set(value) <= set(node["properties"])
            for key, inner in value.items():
                walk(inner, node["properties"][key])
        elif "type" in node:
            kinds = {
                "string": str,
                "number": (int, float),
                "integer": int,
                "boolean": bool,
                "array": list,
                "object": dict,
            }
            assert isinstance(value, kinds[node["type"]])

    walk(json.loads(json.dumps(spec_to_dict(load_spec("calm_btc")))), schema)
