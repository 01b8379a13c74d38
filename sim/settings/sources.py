"""Where the numbers of a scenario come from and how old they are: read by checks and reports, never by the model."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from sim.settings.fields import Settings, setting

_OWN = "the scenario's own choice"


def _day(value: Any) -> date:
    wanted = 'a day such as "2025-10-10"'
    if type(value) is date:
        day = value
    elif isinstance(value, str) and len(value) == 10:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected {wanted}, got {value!r}") from None
    else:
        raise ValueError(f"expected {wanted}, got {str(value)[:40]!r}")
    if not 2009 <= day.year <= 2100:
        raise ValueError(f"the year must lie between 2009 and 2100, got {day.year}")
    return day


def printable(text: str) -> str:
    """Refuse control characters and line breaks."""
    if not text.isprintable():
        raise ValueError("holds a control character or a line break: use plain text on one line")
    return text


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date"}),
    PlainSerializer(lambda day: day.isoformat(), return_type=str, when_used="json"),
]
Line = Annotated[str, Field(max_length=500), AfterValidator(printable)]


class SourceSettings(Settings):
    """One data set that went into the scenario."""

    as_of: Day = setting(
        ...,
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Last day that the data describe; their age counts from it.",
    )
    origin: Line = setting("", unit="", provenance="scenario", source=_OWN, note="Whose data, which file or document.")
    window: Line = setting("", unit="", provenance="scenario", source=_OWN, note="Part of the data that was used.")
    repairs: Line = setting(
        "", unit="", provenance="scenario", source=_OWN, note="What was missing, refused or repaired."
    )
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = setting(
        "", unit="", provenance="scenario", source=_OWN, note="SHA-256 of the file, in hex."
    )


class SourcesSettings(Settings):
    """Provenance of what the scenario's market was taken from."""

    depth: SourceSettings | None = setting(
        None,
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Depth profiles; a verdict of `shoal check` names its day.",
    )
    open_interest: SourceSettings | None = setting(
        None, unit="", provenance="scenario", source=_OWN, note="Open interest."
    )
    price: SourceSettings | None = setting(
        None, unit="", provenance="scenario", source=_OWN, note="Start price, volatility or news path."
    )
    tiers: SourceSettings | None = setting(
        None, unit="", provenance="scenario", source=_OWN, note="Margin tiers of the venue profile."
    )
