"""A moment of a run, as people write it: a time of day, an instant, a duration from the start, seconds."""

import math
import re
from datetime import UTC, datetime, timedelta

from sim.errors import ScenarioError
from sim.settings.parsing import parse_duration

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


def moment(start_utc: datetime, text: str | float) -> float:
    """Seconds from the start of a run.

    Parameters
    ----------
    start_utc : datetime
        Start of the run.
    text : str or float
        "20:49" or "20:49:30" (UTC, the first after the start), "2025-10-10T20:49:00Z", "29m", or seconds: 1740, "1740".

    Raises
    ------
    ScenarioError
        When it is none of these.
    """
    wanted = 'expected a time of day in UTC such as "20:49", an instant, a duration such as "29m", or seconds'
    written = str(text).strip()
    try:
        seconds = float(written)
    except ValueError:
        pass
    else:
        if not math.isfinite(seconds):
            raise ScenarioError(f"until {written}: {wanted}")
        return seconds
    clock = _TIME_OF_DAY.fullmatch(written)
    if clock is not None:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        then = start_utc.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)
        return ((then - start_utc) % timedelta(days=1)).total_seconds()
    try:
        instant = datetime.fromisoformat(written)
        if instant.tzinfo is not None:
            return (instant - start_utc).total_seconds()
    except ValueError:
        pass
    try:
        return parse_duration(written)
    except ValueError:
        raise ScenarioError(f"until {written[:40]!r}: {wanted}") from None
