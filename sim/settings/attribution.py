"""What `shoal attribute` asks of a scenario: where it forks, which channels it tells apart, channels of one's own."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, model_validator

from sim.settings.bridge import Id
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.problems import did_you_mean
from sim.settings.quantities import Duration, Number

CHANNELS = (
    "depth", "early_withdrawal", "withdrawal", "leverage", "adl", "collateral", "transfers", "lending", "etf", "dat",
    "holders", "trend",
)  # fmt: skip
"""Channels that this version knows (docs/attribution.md); one is offered where the scenario has its mechanism."""

_OWN = "the scenario's own choice"
Changes = Annotated[
    dict[str, Any], Field(min_length=1, max_length=50), WithJsonSchema({"type": "object", "minProperties": 1})
]


class OwnChannel(Settings):
    """A channel of one's own: the settings that take it out."""

    name: Id = setting(..., unit="", provenance="scenario", source=_OWN, note="Name in tables and figures.")
    title: Annotated[str, Field(min_length=1, max_length=80)] = setting(
        ..., unit="", provenance="scenario", source=_OWN, note="A few words on what the channel is."
    )
    off: Changes = setting(
        ...,
        unit="path to value",
        provenance="scenario",
        source=_OWN,
        note="What is different where the channel is off, as for --set.",
    )
    acts: Literal["after", "before", "always"] = setting(
        "after",
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Whether that holds from the fork on (docs/forking.md), up to the fork, or throughout.",
    )


class AttributionSettings(Settings):
    """Attribution of a scenario's outcome to channels; never read by a run."""

    at: Duration | None = setting(
        None,
        unit="s",
        provenance="scenario",
        source=_OWN,
        note="When channels part, from the start; null: one tick before the first shock or news.",
        at_least=0.0,
        at_most=8.64e6,
    )
    horizon: Duration = setting(
        "2h",
        unit="s",
        provenance="judgement",
        source="DECISIONS 20",
        note="How long a run goes on after the shock began.",
        at_least=1.0,
        at_most=8.64e6,
    )
    deeper: Number = setting(
        1.5,
        unit="x",
        provenance="judgement",
        source="the thickest book of MODEL.md 5.2's depth axis; no pre-event year of depth is in the evidence",
        note="Multiple of visible, latent and refill depth at which structural thinness counts as off.",
        at_least=1.001,
        at_most=1000.0,
    )
    channels: Annotated[tuple[Id, ...], Field(max_length=20)] = setting(
        (),
        unit="list of names",
        provenance="scenario",
        source=_OWN,
        note="Channels to tell apart, known ones and one's own; empty: all that the scenario has.",
    )
    own: Annotated[tuple[OwnChannel, ...], Field(max_length=20)] = setting(
        (), unit="list of channels", provenance="scenario", source=_OWN, note="Channels of one's own."
    )

    @model_validator(mode="after")
    def _names_are_known_once(self) -> "AttributionSettings":
        for i, channel in enumerate(self.own):
            if channel.name in CHANNELS or channel.name in [other.name for other in self.own[:i]]:
                why = f"there is a channel {channel.name!r} already: choose another name"
                raise problem_at("own", i, "name", sentence=why)
        known = (*CHANNELS, *(channel.name for channel in self.own))
        for i, name in enumerate(self.channels):
            if name not in known:
                why = f"no channel {name!r} (there is: {', '.join(known)}){did_you_mean(name, known)}"
                raise problem_at("channels", i, sentence=why)
            if Counter(self.channels)[name] > 1:
                raise problem_at("channels", i, sentence=f"{name!r} is named twice: name it once")
        return self
