"""A ``Spec`` as text: the resolved YAML that reads back to an equal Spec, its hash, and the JSON schema for editors."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

from sim.scenario.spec import NOT_READ, Spec
from sim.settings.reader import resolve
from sim.venues.profile import load_lender, load_profile

SCHEMA_LINE = "# yaml-language-server: $schema=schema.json"


def spec_to_dict(spec: Spec) -> dict[str, Any]:
    """Every setting of a scenario as plain data, quantities with their units.

    Parameters
    ----------
    spec : Spec
        A checked scenario.

    Returns
    -------
    dict
        Text, numbers, lists and dicts only; ``Spec.model_validate`` of it equals ``spec``.
    """
    data: dict[str, Any] = spec.model_dump(mode="json")
    return data


def spec_as_read(spec: Spec) -> dict[str, Any]:
    """What of a scenario the model can read, as plain data: all of it but provenance.

    Parameters
    ----------
    spec : Spec
        A checked scenario.

    Returns
    -------
    dict
        As ``spec_to_dict``, without the settings in ``NOT_READ``; ``Spec.model_validate`` takes it.
    """
    alone = set() if spec.listings else {"listings", "network"}
    data: dict[str, Any] = spec.model_dump(mode="json", exclude={*NOT_READ, *alone})
    return data


def spec_to_yaml(spec: Spec) -> str:
    """The resolved scenario as YAML: no extends, every default written out.

    Parameters
    ----------
    spec : Spec
        A checked scenario.

    Returns
    -------
    str
        Loads back to an equal Spec.
    """
    return yaml_text(spec_to_dict(spec))


def yaml_text(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that this package's own reader reads back the same.

    Parameters
    ----------
    data : mapping
        Text, numbers, lists and dicts.

    Returns
    -------
    str
        Block style; text that would read as a number or a word of YAML stands in quotes.
    """
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    """PyYAML writes ``1e3`` without quotes because its own reader takes it for text; ours does not."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(resolve(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def scenario_hash(spec: Spec) -> str:
    """Fingerprint of everything in a scenario that the model can read, its venue's rules included.

    Parameters
    ----------
    spec : Spec
        A checked scenario.

    Returns
    -------
    str
        SHA-256 in hex, of canonical JSON: sorted keys, no spaces.
    """
    content = {"scenario": spec_as_read(spec), "venue": load_profile(spec.venue).model_dump(mode="json")}
    if spec.lending.enabled:
        content["lender"] = load_lender(spec.lending.lender).model_dump(mode="json")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def scenario_schema() -> dict[str, Any]:
    """JSON schema of a scenario file, for editors.

    Returns
    -------
    dict
        The schema of ``Spec`` with ``extends`` added; required keys may then come from the extended file.
    """
    schema = Spec.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Shoal scenario"
    extends = {
        "type": "string",
        "description": "Name of a shipped scenario, or of a file beside this one, that this one changes.",
    }
    schema["properties"] = {"extends": extends, **schema["properties"]}
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends"]}]
    return schema


def schema_text() -> str:
    """The JSON schema as the text of ``scenarios/schema.json``.

    Returns
    -------
    str
        Indented JSON with a final line break.
    """
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"
