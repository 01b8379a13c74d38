"""Field types for quantities: each read as people write it, a float of one unit in memory, dumped with its unit."""

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, Strict, WithJsonSchema

from sim.settings.parsing import (
    parse_coins,
    parse_duration,
    parse_fraction,
    parse_money,
    parse_money_rate,
    parse_number,
    parse_rate,
)


def _plain(value: float) -> str:
    """Write a float so that it reads back as the same float, without a trailing ".0"."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _text_schema(*examples: str) -> dict[str, Any]:
    return {"type": "string", "examples": list(examples)}


def _either_schema(*examples: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "number"}, {"type": "string"}], "examples": list(examples)}


def _written(template: str) -> PlainSerializer:
    """Write a quantity with its unit, so that a dumped scenario reads back."""
    return PlainSerializer(lambda v: template.format(_plain(v)), return_type=str, when_used="json")


def _written_money(value: float) -> str:
    """Write dollars as ``parse_money`` reads them, the sign before the unit."""
    return f"-${_plain(-value)}" if value < 0.0 else f"${_plain(value)}"


Duration = Annotated[
    float, BeforeValidator(parse_duration), WithJsonSchema(_text_schema("8h", "1h30m", "250ms")), _written("{}s")
]
Money = Annotated[
    float,
    BeforeValidator(parse_money),
    WithJsonSchema(_text_schema("$1.5bn", "250k USD")),
    PlainSerializer(_written_money, return_type=str, when_used="json"),
]
Rate = Annotated[float, BeforeValidator(parse_rate), WithJsonSchema(_text_schema("2/s", "12/min")), _written("{}/s")]
MoneyRate = Annotated[
    float, BeforeValidator(parse_money_rate), WithJsonSchema(_text_schema("$200m/s", "$3bn/min")), _written("${}/s")
]
Fraction = Annotated[float, BeforeValidator(parse_fraction), WithJsonSchema(_either_schema("40%", "25bp", "0.4"))]
Coins = Annotated[float, BeforeValidator(parse_coins), WithJsonSchema(_either_schema("130k BTC", "130000"))]
Number = Annotated[float, BeforeValidator(parse_number), WithJsonSchema({"type": "number"})]
Count = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
