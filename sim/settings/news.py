"""The news value: what the asset would be worth if nothing but public news moved it."""

import math
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, WithJsonSchema, model_validator

from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Fraction, Number

LARGEST_LOG_MOVE = math.log(10.0)
"""News may move the value at most tenfold either way; beyond that the price grid of a book has no meaning."""


class NewsPoint(Settings):
    """One point of an explicit news path; between points the path is linear in time."""

    at: Duration = setting(
        ...,
        unit="s",
        provenance="scenario",
        source="as the path it stands in",
        note="Time since the start of the scenario.",
        at_least=0.0,
        at_most=8.64e6,
    )
    move: Fraction = setting(
        ...,
        unit="fraction",
        provenance="scenario",
        source="as the path it stands in",
        note="News value against its start: -5% means 0.95 of it.",
        at_least=-0.9,
        at_most=1.0,
    )


Points = Annotated[tuple[NewsPoint, ...], Field(min_length=1, max_length=10_000)]
PathName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$"),
    # for editors: a file's name, which has become points when the model sees the path
    WithJsonSchema({"type": "string", "pattern": r"^([a-z0-9][a-z0-9_]{0,63}|.+\.csv)$"}),
]


def _kind_of_path(value: Any) -> str:
    return "name" if isinstance(value, str) else "points"


Path = Annotated[Annotated[PathName, Tag("name")] | Annotated[Points, Tag("points")], Discriminator(_kind_of_path)]


_ACTIVITY = (
    "kurtosis (7.5) and autocorrelation of absolute one-minute returns (0.23, 0.16, 0.08, 0.04 at 1, 20, 50, 100 min), "
    "BTC mark, 9 Oct 00:00 to 10 Oct 14:50 2025 (event_1011), by two lognormal factors"
)


class NewsSettings(Settings):
    """Random public news, and a given path of the news value on top of it."""

    activity_fast_half_life: Duration = setting(
        "25min",
        unit="s",
        provenance="measured",
        source=_ACTIVITY,
        note=(
            "Half-life of the fast factor of activity, which scales the variance of news and the rate of "
            "background orders."
        ),
        at_least=1.0,
        at_most=8.64e6,
    )
    activity_fast_size: Number = setting(
        0.85,
        unit="log units",
        provenance="measured",
        source=_ACTIVITY,
        note="Standard deviation of the fast factor's part of log activity; 0 leaves it out.",
        at_least=0.0,
        at_most=2.0,
    )
    activity_slow_half_life: Duration = setting(
        "12h",
        unit="s",
        provenance="measured",
        source=_ACTIVITY,
        note="Half-life of the slow factor of activity.",
        at_least=1.0,
        at_most=8.64e6,
    )
    activity_slow_size: Number = setting(
        0.45,
        unit="log units",
        provenance="measured",
        source=_ACTIVITY,
        note="Standard deviation of the slow factor's part of log activity; 0 leaves it out.",
        at_least=0.0,
        at_most=2.0,
    )
    noise_per_day: Fraction = setting(
        "1.88%",
        unit="fraction per sqrt(day)",
        provenance="measured",
        source="EVENT.md P16: realised volatility of BTC, 5-minute returns, 1-9 Oct 2025, 36% a year / sqrt(365)",
        note="Standard deviation of the daily change of the news value.",
        at_least=0.0,
        at_most=0.5,
    )
    beta: Number = setting(
        1.07,
        unit="",
        provenance="measured",
        source=(
            "MODEL.md R8: drift ratio of BTC to QQQ, pre-event band 1.07 to 2.4; the lower end is the headline "
            "(DECISIONS 21)"
        ),
        note="Log-move of the news value for one log-move of a named index path; not used for an explicit list.",
        at_least=-10.0,
        at_most=10.0,
    )
    path: Path | None = setting(
        None,
        unit="name, CSV file, or list of at, move",
        provenance="scenario",
        source="calibration/derived for a named path",
        note=(
            "News path: none, the name of a recorded index path, a list of points, or a file of your own in or below "
            "the scenario's folder, such as my_news.csv with columns seconds,value (the value itself; moves count from "
            "the first row) or seconds,return (change since the row before, 0.01 is 1%)."
        ),
    )
    scale: Number = setting(
        1.0,
        unit="",
        provenance="scenario",
        source="DECISIONS 20c: the shock axis of an experiment",
        note="Multiplies the whole path in logarithms.",
        at_least=-20.0,
        at_most=20.0,
    )

    @model_validator(mode="after")
    def _path_is_ordered_and_bounded(self) -> "NewsSettings":
        points = self.path if isinstance(self.path, tuple) else ()
        for i, (before, after) in enumerate(pairwise(points), start=1):
            if after.at <= before.at:
                why = (
                    f"a path must go forward in time: {after.at:g} s does not follow {before.at:g} s; sort or "
                    "merge the points"
                )
                raise problem_at("path", i, "at", sentence=why)
        for i, point in enumerate(points):
            if abs(self.scale * math.log1p(point.move)) > LARGEST_LOG_MOVE:
                why = (
                    f"moves the news value more than tenfold once scaled by {self.scale:g}: lower it, or lower "
                    "news.scale"
                )
                raise problem_at("path", i, "move", sentence=why)
        return self
