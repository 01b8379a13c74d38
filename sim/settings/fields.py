"""The base of every settings model, and the one helper that declares a field with its unit, bounds and source."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Provenance = Literal["sourced", "measured", "judgement", "scenario"]
"""A cited source, our own measurement on recorded data, our judgement, or the choice of the scenario's author."""


class Settings(BaseModel):
    """Frozen settings in human units; unknown keys, NaN and infinity are refused, defaults are checked like input."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @field_validator("*", mode="after")
    @classmethod
    def _within_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a number outside the bounds its field declares, in words that carry the unit."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        extra = field_extra(cls, info.field_name or "")
        low, high, unit = extra.get("minimum"), extra.get("maximum"), str(extra.get("unit", ""))
        if low is not None and value < low:
            raise ValueError(f"must be at least {_figure(low, unit)}, got {_figure(value, unit)}")
        if high is not None and value > high:
            cure = f" ({value:g} percent is written {value:g}%)" if unit.startswith("fraction") and value <= 100 else ""
            raise ValueError(f"must be at most {_figure(high, unit)}, got {_figure(value, unit)}{cure}")
        return value


def _figure(value: float, unit: str) -> str:
    if isinstance(value, int) and value.bit_length() > 64:
        return f"an integer of {value.bit_length()} bits"
    return f"{value:.10g}" if unit.startswith("fraction") else f"{value:.10g} {unit}".rstrip()


def setting(
    default: Any,
    *,
    unit: str,
    provenance: Provenance,
    source: str,
    note: str,
    at_least: float | None = None,
    at_most: float | None = None,
    **more: Any,
) -> Any:
    """Declare one field of a settings model.

    Parameters
    ----------
    default : object
        As a user would write it ("30s", "1%", "$150m"); ``...`` when the file must give it.
    unit : str
        Unit of the value in memory: "s", "fraction", "USD", "coins", "1/s", or "" for a plain count or name.
    provenance : {"sourced", "measured", "judgement", "scenario"}
        Kind of evidence for the default.
    source : str
        The evidence itself: document and row, or the reason for a judgement.
    note : str
        What the field means, one sentence.
    at_least, at_most : float, optional
        Bounds, inclusive, in ``unit``.
    **more
        Further keywords of ``pydantic.Field``, such as ``min_length``.

    Returns
    -------
    pydantic.fields.FieldInfo
        Typed as Any so that it can stand as a class attribute of any type.
    """
    extra: dict[str, Any] = {"unit": unit, "provenance": provenance, "source": source}
    if at_least is not None:
        extra["minimum"] = at_least
    if at_most is not None:
        extra["maximum"] = at_most
    return Field(default, description=note, json_schema_extra=extra, **more)


def field_extra(model: type[BaseModel], name: str) -> dict[str, Any]:
    """Unit, bounds, provenance and source of one field.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        A settings model.
    name : str
        Name of its field.

    Returns
    -------
    dict
        Keys ``unit``, ``provenance``, ``source`` and, where bounded, ``minimum`` and ``maximum``.
    """
    field = model.model_fields.get(name)
    extra = field.json_schema_extra if field is not None else None
    return dict(extra) if isinstance(extra, dict) else {}


def problem_at(*keys: str | int, sentence: str) -> PydanticCustomError:
    """An error found while comparing fields, to be raised in a model validator.

    Parameters
    ----------
    *keys : str or int
        Which setting to change, from the model that checks; its line is the one reported.
    sentence : str
        What is wrong, with the value found and the cure.

    Returns
    -------
    pydantic_core.PydanticCustomError
        To raise.
    """
    return PydanticCustomError("cross_field", "{sentence}", {"sentence": sentence, "at": list(keys)})
