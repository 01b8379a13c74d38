"""The one table of targets, ``calibration/targets.yaml``: read once and checked.

A target says what was recorded, how far a model may be from it, how good the source is, and which settings were chosen
by somebody who knew it. The estimators it names live in ``sim.metrics.event``, those of scope "network" in
``sim.metrics.cross``, those of scope "weeks" in ``sim.metrics.weeks``.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.errors import DataError
from sim.scenario.places import targets_file
from sim.settings.reader import read_file

NOT_YET = "none yet: "
"""An estimator that begins so is none; what follows says why."""
ALONE = "one market is simulated: a row of several"
"""Why a run of one market does not measure a row of scope "network"."""

NO_WEEKS = "the run does not go through its days, or has no desk that answers it"
"""Why a run does not measure a row of scope "weeks"."""

Text = Annotated[str, Field(min_length=1)]


class Target(BaseModel):
    """One row of the table; the comment at the head of the file says what each field means.

    ``band`` and ``value`` are in ``unit``. ``window`` holds the first and the last minute, both included, as "HH:MM";
    ``dates`` the first and the last day of a row of scope "weeks", both included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[PFA][0-9]{1,2}$")]
    name: Text
    estimator: Text
    scope: Literal["market", "network", "weeks"] = "market"
    window: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    dates: Annotated[str, Field(pattern=r"^20\d\d-[01]\d-[0-3]\d/20\d\d-[01]\d-[0-3]\d$")] | None = None
    value: Annotated[float, Field(strict=False)] | None
    recorded: str = ""
    unit: Text
    band: tuple[float, float] | None
    grade: Literal["A", "B", "C", "D", "K"]
    role: Literal["IN", "FIT", "CHK", "do_not_use"]
    source: Text
    touched_by: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, data: Any) -> Any:
        """Lists of the file as tuples, whole numbers of a band as floats."""
        if isinstance(data, dict):
            data = dict(data)
            if isinstance(data.get("band"), list):
                data["band"] = tuple(float(x) if isinstance(x, int) else x for x in data["band"])
            if isinstance(data.get("touched_by"), list):
                data["touched_by"] = tuple(data["touched_by"])
        return data

    @model_validator(mode="after")
    def _agree(self) -> "Target":
        """A row states something, its band is a band, and its value lies in it."""
        if self.value is None and not self.recorded:
            raise ValueError("neither value nor recorded")
        if self.band is not None and not self.band[0] < self.band[1]:
            raise ValueError(f"band must rise, got {list(self.band)}")
        if self.band is not None and self.value is not None and not self.band[0] <= self.value <= self.band[1]:
            raise ValueError(f"value {self.value:g} outside its own band {list(self.band)}")
        if self.estimator.startswith(NOT_YET) and (self.window or self.scope != "market"):
            raise ValueError("scope or window without an estimator")
        if (self.scope == "weeks") != (self.dates is not None) or (self.dates is not None and self.window is not None):
            raise ValueError('a row of scope "weeks" has dates and no window, any other has none')
        return self

    @property
    def why_not(self) -> str:
        """Reason why no estimator measures the row on one market's evening; empty where one does."""
        if self.scope != "market":
            return ALONE if self.scope == "network" else NO_WEEKS
        return self.estimator.removeprefix(NOT_YET) if self.estimator.startswith(NOT_YET) else ""

    @property
    def recorded_text(self) -> str:
        """The record as published: the text where there is one, else the value."""
        return self.recorded or f"{self.value:g}"

    @property
    def untouched(self) -> bool:
        """True when no setting was chosen by somebody who knew this row."""
        return not self.touched_by and self.role != "IN"


@cache
def targets() -> tuple[Target, ...]:
    """Every row, in the order of the file.

    Raises
    ------
    DataError
        When the file is missing or a row breaks a rule; the message names line and row.
    """
    return read_targets(targets_file())


def read_targets(path: Path) -> tuple[Target, ...]:
    """Read a table of targets.

    Parameters
    ----------
    path : Path
        YAML file: a list of rows.

    Returns
    -------
    tuple of Target

    Raises
    ------
    DataError
        As ``targets``.
    """
    document = read_file(path, path.name)
    if document.problems:
        raise DataError(f"{document.problems[0]}")
    if not isinstance(document.data, list) or not document.data:
        raise DataError(f"{path.name}: expected a list of rows")
    rows = []
    for number, data in enumerate(document.data, start=1):
        try:
            rows.append(Target.model_validate(data))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            name = f" ({data.get('id')})" if isinstance(data, dict) else ""
            raise DataError(f"{path.name}: row {number}{name}: {place} {first['msg']}".replace("  ", " ")) from error
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if (row.id, row.name) in seen:
            raise DataError(f"{path.name}: {row.id} {row.name!r} stands there twice")
        seen.add((row.id, row.name))
    return tuple(rows)
