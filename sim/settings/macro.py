"""Macro factors: the Nasdaq, gold, odds of a rate cut as daily paths, and how far each asset's value follows them."""

import math
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.settings.bridge import Id
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.news import LARGEST_LOG_MOVE
from sim.settings.quantities import Flag, Fraction, Number

_OWN = "the scenario's own choice"
_GIVEN = "given with its source in the scenario"


def _date(value: Any) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f'expected a date such as "2025-10-10", got {str(value)[:40]!r}') from None


Date = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Levels = Annotated[dict[Id, Number], Field(min_length=1, max_length=16)]
Betas = Annotated[dict[Id, Number], Field(max_length=16)]
AssetBetas = Annotated[dict[Id, Betas], Field(max_length=64)]


class MacroDay(Settings):
    """Level of every factor at the close of one day in New York."""

    date: Date = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="A trading day of listed shares in New York."
    )
    levels: Levels = setting(
        ...,
        unit="factor to level",
        provenance="scenario",
        source=_GIVEN,
        note="Close of each factor; all days name the same ones.",
    )


class FactorSettings(Settings):
    """What a move of a factor is."""

    moves: Literal["log", "difference"] = setting(
        "log",
        unit="",
        provenance="scenario",
        source=_OWN,
        note="log: of a price, by its logarithm; difference: of odds or a rate, by itself (0.25 to 0.35 is 0.1).",
    )


class Regime(Settings):
    """Betas that hold from a date on, in place of all before."""

    first: Date = setting(..., unit="", provenance="scenario", source=_GIVEN, note="First day on which they hold.")
    betas: Betas = setting(
        {}, unit="factor to beta", provenance="scenario", source=_GIVEN, note="As macro.betas; a factor left out is 0."
    )
    assets: AssetBetas = setting(
        {}, unit="asset to betas", provenance="scenario", source=_GIVEN, note="As macro.assets."
    )


Path = Annotated[
    tuple[MacroDay, ...],
    Field(max_length=2_000),
    # for editors: a file's name, which has become days when the model sees them
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "string", "pattern": r".+\.csv$"}]}
    ),
]


class MacroSettings(Settings):
    """Moves of the news value that come from markets outside crypto, day by day."""

    enabled: Flag = setting(
        False,
        unit="",
        provenance="scenario",
        source="own choice: days of a path to come are a scenario",
        note="false: no factor moves the news value, and all of its noise is its own.",
    )
    path: Path = setting(
        (),
        unit="CSV file, or list of date, levels",
        provenance="scenario",
        source=_GIVEN,
        note=(
            "Daily closes of the factors: a list, or a file of your own in or below the scenario's folder with columns "
            "date,<factor>,... Moves count from the first row; each runs over its day's session in New York."
        ),
    )
    factors: Annotated[dict[Id, FactorSettings], Field(max_length=16)] = setting(
        {"cut_odds": {"moves": "difference"}},
        unit="factor to settings",
        provenance="scenario",
        source=_OWN,
        note="What a move of each is; a factor that is not named moves by its logarithm.",
    )
    betas: Betas = setting(
        {"nasdaq": 1.07, "gold": 0.0, "cut_odds": 0.0},
        unit="factor to beta",
        provenance="measured",
        source=(
            "nasdaq: MODEL.md R8, drift ratio of BTC to QQQ on 10 October 2025 before 20:49, pre-event band 1.07 to "
            "2.4; gold about 0: MODEL.md 4.9 [K:m]; cut_odds: no source, so none"
        ),
        note="Log move of the news value for a move of one of each factor; of the first listing's asset in a network.",
    )
    assets: AssetBetas = setting(
        {},
        unit="asset to betas",
        provenance="scenario",
        source=_GIVEN,
        note=(
            "Betas of the assets of a network, in place of macro.betas; one that is not named has those times its "
            "network.assets beta."
        ),
    )
    regimes: Annotated[tuple[Regime, ...], Field(max_length=100)] = setting(
        (),
        unit="list of regimes",
        provenance="scenario",
        source=_OWN,
        note="Other betas from a date on, such as times in which the coin goes with gold and not with the Nasdaq.",
    )
    own_variance: Fraction = setting(
        "75%",
        unit="fraction",
        provenance="sourced",
        source="MODEL.md 4.9: the factor's share of BTC's variance is 25%",
        note="Share of news.noise_per_day squared that is left to the coin's own news while factors are on.",
        at_least=0.0,
        at_most=1.0,
    )
    scale: Number = setting(
        1.0,
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Multiplies every move of every factor.",
        at_least=-20.0,
        at_most=20.0,
    )

    def moves_by_log(self, factor: str) -> bool:
        """Whether a move of a factor is that of its logarithm."""
        return self.factors.get(factor, FactorSettings()).moves == "log"

    def moves(self) -> list[tuple[date, dict[str, float]]]:
        """Move of every factor on each day after the first."""
        return [
            (
                day.date,
                {
                    name: math.log(level / before.levels[name])
                    if self.moves_by_log(name)
                    else level - before.levels[name]
                    for name, level in day.levels.items()
                },
            )
            for before, day in pairwise(self.path)
        ]

    def betas_on(self, day: date, asset: str | None, loading: float) -> dict[str, float]:
        """Betas of an asset on a day; ``loading`` is its beta to what the first listing's asset follows."""
        regime = next((regime for regime in reversed(self.regimes) if regime.first <= day), self)
        if asset is not None and asset in regime.assets:
            return dict(regime.assets[asset])
        return {name: loading * beta for name, beta in regime.betas.items()}

    @model_validator(mode="after")
    def _days_are_in_order_and_alike(self) -> "MacroSettings":
        for i, (before, day) in enumerate(pairwise(self.path), start=1):
            if day.date <= before.date:
                why = f"days must rise: {day.date} does not follow {before.date}; sort or merge the rows"
                raise problem_at("path", i, "date", sentence=why)
            if day.levels.keys() != before.levels.keys():
                why = f"names {', '.join(day.levels)}, the day before {', '.join(before.levels)}: name the same factors"
                raise problem_at("path", i, "levels", sentence=why)
        for i, day in enumerate(self.path):
            for name, level in day.levels.items():
                if level <= 0.0 and self.moves_by_log(name):
                    why = (
                        f"{level:g} has no logarithm: give a level above 0, or say that it moves by its difference "
                        f"(macro.factors.{name}.moves)"
                    )
                    raise problem_at("path", i, "levels", name, sentence=why)
        for i, (before_, after) in enumerate(pairwise(self.regimes), start=1):
            if after.first <= before_.first:
                why = f"regimes must rise: {after.first} does not follow {before_.first}; sort them"
                raise problem_at("regimes", i, "first", sentence=why)
        return self

    @model_validator(mode="after")
    def _factors_are_there(self) -> "MacroSettings":
        if not self.enabled:
            return self
        if len(self.path) < 2:
            why = f"{len(self.path)} days move nothing: give two or more, or leave macro.enabled off"
            raise problem_at("path", sentence=why)
        known = self.path[0].levels
        for place, betas in self._all_betas():
            for name, beta in betas.items():
                if beta != 0.0 and name not in known:
                    why = f"the path has no factor {name} (it has {', '.join(known)}): add its column, or set this to 0"
                    raise problem_at(*place, name, sentence=why)
        level = 0.0
        for i, (day, moves) in enumerate(self.moves(), start=1):
            betas = self.betas_on(day, None, 1.0)
            level += self.scale * sum(betas.get(name, 0.0) * move for name, move in moves.items())
            if abs(level) > LARGEST_LOG_MOVE:
                why = "moves the news value more than tenfold by this day: lower the betas, or macro.scale"
                raise problem_at("path", i, sentence=why)
        return self

    def _all_betas(self) -> list[tuple[tuple[str | int, ...], dict[str, float]]]:
        """Betas with the place where they stand."""
        found: list[tuple[tuple[str | int, ...], dict[str, float]]] = [(("betas",), self.betas)]
        found += [(("assets", name), betas) for name, betas in self.assets.items()]
        for i, regime in enumerate(self.regimes):
            found.append((("regimes", i, "betas"), regime.betas))
            found += [(("regimes", i, "assets", name), betas) for name, betas in regime.assets.items()]
        return found
