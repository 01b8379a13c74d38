"""The field reference: every setting with unit, bounds, default, provenance and source, from the models."""

from dataclasses import dataclass
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from sim.scenario.spec import Spec
from sim.settings.fields import field_extra
from sim.settings.lender import LenderSettings
from sim.settings.rules import RuleSettings
from sim.settings.venue import VenueSettings


@dataclass(frozen=True)
class Parameter:
    """One setting as documentation shows it."""

    path: str
    default: str  # as a user would write it; "required" where there is none
    unit: str
    bounds: str
    provenance: str
    source: str
    note: str


def reference_rows(model: type[BaseModel], prefix: str = "") -> list[Parameter]:
    """Every setting of a model, entries of lists included, with defaults as a user would write them.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        Spec, VenueSettings or a part of them.
    prefix : str
        Put before each path.

    Returns
    -------
    list of Parameter
        In the order of declaration.
    """
    rows = []
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        inner = _models_in(info.annotation)
        is_group = isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        if not is_group:
            default = "required" if info.default is PydanticUndefined else _written(info.default)
            rows.append(_row(model, name, path, default))
        for part in inner:
            one = is_group or {part, NoneType} <= set(get_args(info.annotation))  # a group that may be left out
            entry = "NAME" if _is_named(info.annotation) else "N"
            rows += reference_rows(part, f"{path}." if one else f"{path}.{entry}.{_kind(part)}")
    return rows


def _row(model: type[BaseModel], name: str, path: str, default: str) -> Parameter:
    extra = field_extra(model, name)
    low, high = extra.get("minimum"), extra.get("maximum")
    bounds = "" if low is None and high is None else f"{low:g} to {high:g}"
    note = model.model_fields[name].description or ""
    return Parameter(path, default, extra["unit"], bounds, extra["provenance"], extra["source"], note)


def _is_named(annotation: Any) -> bool:
    """Whether a setting is a mapping from names to groups."""
    return get_origin(annotation) is dict or any(get_origin(part) is dict for part in get_args(annotation))


def _kind(model: type[BaseModel]) -> str:
    kind = model.model_fields.get("kind")
    return f"({get_args(kind.annotation)[0]})." if kind is not None else ""


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _written(value: Any) -> str:
    """A value as one would write it in a scenario, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_written(v) for v in value) + "]"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


_HEAD = """<!-- Written by `shoal schema --reference`; a test checks that it is current. -->
# Scenarios

A scenario is one YAML file. `shoal list` names the shipped ones, `shoal show NAME` prints one with every default
filled in, `shoal validate FILE` checks one and names every error at its line, `shoal run FILE` runs it.

- `extends: NAME` starts from a shipped scenario or from a file beside this one: groups merge, lists and values replace.
- `--set 'market.price=$100k'` changes one setting from the command line, `--set 'shocks.0.notional=$2bn'` an entry of a
  list. The quotes keep the shell from reading the dollar sign; `--set market.price=100kUSD` needs none.
- Durations: `8h`, `1h30m`, `250ms`. Money: `$1.5bn`, `250k USD`. Fractions: `25bp`, `40%` or `0.4`. Coins: `130k BTC`
  or a number. Rates: `2/s`, `12/min`. A bare number is refused where a unit is meant (durations, money, rates).
- Anchors, aliases, tags and duplicate keys are refused; `8:30`, `on`, `no` and `017` are text, `1e3` is a number.
- `schema.json` gives editors completion and checks.
- `venue: NAME` takes a shipped profile, or `NAME.yaml` in the folder that the environment variable `SHOAL_VENUES`
  names: a rule set of your own needs no code, and with `extends: cex_a` it states only what differs.

Provenance: *sourced* is cited, *measured* is our own measurement on recorded data, *judgement* is ours, *scenario* is
the author's own choice. Bounds and units are those in memory: seconds, dollars, fractions. P, F and S marks are
rows of the project's evidence tables.
"""


def reference_markdown() -> str:
    """The text of ``scenarios/README.md``.

    Returns
    -------
    str
        Markdown: how to write a scenario, then a table of its settings, and of those of each kind of profile.
    """
    tables: dict[str, type[BaseModel]] = {
        "Settings": Spec,
        "Venue profile (`sim/venues/profiles/*.yaml`)": VenueSettings,
        "Rules profile of the calculator (`sim/venues/rules/*.yaml`; no part of a scenario)": RuleSettings,
        "Lender profile (`sim/venues/lenders/*.yaml`; no part of a scenario)": LenderSettings,
    }
    return _HEAD + "".join(f"\n## {title}\n\n{_table(model)}" for title, model in tables.items())


def _table(model: type[BaseModel]) -> str:
    lines = ["| setting | default | unit | bounds | meaning | provenance | source |", "|---|---|---|---|---|---|---|"]
    for row in reference_rows(model):
        cells = (f"`{row.path}`", row.default, row.unit, row.bounds, row.note, row.provenance, row.source)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
