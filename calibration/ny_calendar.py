"""Days on which New York's shares and CME's crypto futures trade otherwise: ``derived/ny_calendar.csv``.

Made from the package pandas_market_calendars, which is not among the project's requirements: nothing else needs it, and
a market's past holidays do not change. ``tests/calibration/test_ny_calendar.py`` checks the table by rules of its own.
"""

import importlib
from importlib.metadata import version

import pandas as pd

from calibration.tables import Cell, table

PACKAGE = "pandas_market_calendars"
MARKETS = (
    ("nyse", "NYSE", "2024-01-01", "2026-12-31", "America/New_York", "16:00"),
    ("cme_crypto", "CME Globex Crypto", "2024-01-01", "2026-05-29", "America/Chicago", "16:00"),
)


def ny_calendar() -> str:
    """First and last day of each market, the weekdays on which it is closed, and those on which it closes early.

    Raises
    ------
    ModuleNotFoundError
        Without the package.
    """
    calendars = importlib.import_module(PACKAGE)
    rows: list[list[Cell]] = []
    for market, name, first, last, zone, usual in MARKETS:
        schedule = calendars.get_calendar(name).schedule(first, last)
        closes = schedule["market_close"].dt.tz_convert(zone).dt.strftime("%H:%M")
        closed = pd.bdate_range(first, last).difference(schedule.index)
        rows += [[market, first, "first", None], [market, last, "last", None]]
        rows += [[market, str(day.date()), "closed", None] for day in closed]
        rows += [[market, str(day.date()), "early", close] for day, close in closes[closes != usual].items()]
    header = (
        "Weekdays on which New York's shares (nyse) and CME's crypto futures (cme_crypto) do not trade as usual.",
        f"Source: the rules of {PACKAGE} {version(PACKAGE)} (MIT).",
        "Method: its schedules from the first to the last day stated here; closes: New York and Chicago time. CME by",
        "trade date, which opens at 17:00 of the day before; after 29 May 2026 it trades around the clock.",
        "Licence: MIT. Rounding: none.",
    )
    return table(header, ("market", "date", "state", "closes"), rows)
