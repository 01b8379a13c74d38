"""When New York trades: fund shares, creations and redemptions, companies, and CME's crypto futures.

All questions are asked of an instant or a day, with holidays, early closes and the change of clocks. Days of 2024 to
2026; CME to 29 May 2026, when its crypto futures began to trade around the clock. The holidays are
``calibration/derived/ny_calendar.csv``; MODEL 0.7, 4.7 and R9 say what hangs on them.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sim.errors import DataError
from sim.scenario.places import derived_dir

NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
NYSE, CME = "nyse", "cme_crypto"
OPENS, CLOSES = time(9, 30), time(16)  # of listed shares, New York
BEFORE_HOURS, AFTER_HOURS, AFTER_HOURS_EARLY = time(4), time(20), time(17)  # the same shares outside the session
STRIKE_FROM, STRIKE = time(15), time(16)  # trades that make the funds' net asset value: BRRNY's hour, New York
CME_OPENS, CME_CLOSES = time(17), time(16)  # of the evening before; of the day: Chicago
CUT_OFF = time(16)  # orders of authorised participants for the same day, New York: a judgement, trusts differ
DAY = timedelta(days=1)

Span = tuple[datetime, datetime]


class Session(NamedTuple):
    """First instant in and first instant out, UTC."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True)
class OpenTime:
    """How long each could trade within a window.

    Attributes
    ----------
    creations, companies, shares, cme : timedelta
        Creations and redemptions; trades of listed companies (issues, purchases); fund shares, outside the session
        too; CME futures.
    cme_ends : datetime or None
        First instant of the window at which CME's futures stop, UTC; None where they do not.
    """

    creations: timedelta
    companies: timedelta
    shares: timedelta
    cme: timedelta
    cme_ends: datetime | None


def is_trading_day(day: date) -> bool:
    """Whether listed shares trade on a day.

    Raises
    ------
    DataError
        Outside 2024 to 2026.
    """
    return _closing(NYSE, day, CLOSES) is not None


def why_closed(day: date) -> str | None:
    """Why a day is no trading day as far as the calendar knows, in a sentence; None for a trading day."""
    try:
        return None if is_trading_day(day) else f"shares do not trade in New York on {day}"
    except DataError as error:
        return str(error)


def next_trading_day(day: date) -> date:
    """The first trading day after a day: also the day on which a creation of that day settles, T + 1."""
    day += DAY
    while not is_trading_day(day):
        day += DAY
    return day


def session(day: date) -> Session | None:
    """Regular session of listed shares, 09:30 to 16:00 or 13:00; None on other days."""
    closes = _closing(NYSE, day, CLOSES)
    return None if closes is None else Session(_utc(day, OPENS, NEW_YORK), _utc(day, closes, NEW_YORK))


def strike(day: date) -> Session | None:
    """The hour whose trades make a trading day's net asset value, 15:00 to 16:00, on days of an early close too."""
    hour = Session(_utc(day, STRIKE_FROM, NEW_YORK), _utc(day, STRIKE, NEW_YORK))
    return hour if is_trading_day(day) else None


def order_day(moment: datetime, cut_off: time = CUT_OFF) -> date:
    """Day at whose net asset value an order to create or redeem is struck that is placed at an instant.

    Parameters
    ----------
    moment : datetime
        With a time zone.
    cut_off : time
        New York; an order at it is in time. On days of an early close no later than the close.

    Returns
    -------
    date
        The day itself for a trading day until its cut-off; else the next trading day.

    Raises
    ------
    DataError
        Without a time zone, or outside the calendar.
    """
    day = _day(moment, NEW_YORK)
    return day if any(moment <= last for _, last in _creations(day, cut_off)) else next_trading_day(day)


def can_create(moment: datetime, cut_off: time = CUT_OFF) -> bool:
    """Whether shares of a fund can be created or redeemed at the day's value: from the open to the cut-off."""
    return _holds(moment, _creations(_day(moment, NEW_YORK), cut_off))


def companies_trade(moment: datetime) -> bool:
    """Whether a listed company can sell shares at the market: the regular session."""
    return _holds(moment, _companies(_day(moment, NEW_YORK)))


def shares_trade(moment: datetime) -> bool:
    """Whether fund shares trade among investors: 04:00 to 20:00, to 17:00 on days of an early close."""
    return _holds(moment, _shares(_day(moment, NEW_YORK)))


def cme_open(moment: datetime) -> bool:
    """Whether CME's crypto futures trade: from 17:00 Chicago of the evening before a trade date to its 16:00."""
    day = _day(moment, CHICAGO)
    return _holds(moment, _cme(day)) or _holds(moment, _cme(day + DAY))


def open_time(first: datetime, last: datetime, cut_off: time = CUT_OFF) -> OpenTime:
    """How long each could trade from one instant to another.

    Raises
    ------
    DataError
        Without time zones, when the window ends before it begins, or outside the calendar.
    """
    days = _days(_day(first, NEW_YORK), _day(last, NEW_YORK))
    trade_dates = _days(_day(first, CHICAGO), _day(last, CHICAGO) + DAY)
    if last < first:
        raise DataError(f"a window from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} ends before it begins")

    def within(spans: Iterable[Span]) -> timedelta:
        return sum((max(min(b, last) - max(a, first), timedelta(0)) for a, b in spans), timedelta(0))

    futures = [span for day in trade_dates for span in _cme(day)]
    ends = [b for _, b in futures if first <= b <= last]
    return OpenTime(
        creations=within(span for day in days for span in _creations(day, cut_off)),
        companies=within(span for day in days for span in _companies(day)),
        shares=within(span for day in days for span in _shares(day)),
        cme=within(futures),
        cme_ends=min(ends, default=None),
    )


def _creations(day: date, cut_off: time) -> list[Span]:
    closes = _closing(NYSE, day, CLOSES)
    if closes is None:
        return []
    last = cut_off if closes == CLOSES else min(cut_off, closes)
    return [(_utc(day, OPENS, NEW_YORK), _utc(day, last, NEW_YORK))]


def _companies(day: date) -> list[Span]:
    hours = session(day)
    return [] if hours is None else [hours]


def _shares(day: date) -> list[Span]:
    closes = _closing(NYSE, day, CLOSES)
    if closes is None:
        return []
    end = AFTER_HOURS if closes == CLOSES else AFTER_HOURS_EARLY
    return [(_utc(day, BEFORE_HOURS, NEW_YORK), _utc(day, end, NEW_YORK))]


def _cme(day: date) -> list[Span]:
    """Session of a trade date."""
    closes = _closing(CME, day, CME_CLOSES)
    return [] if closes is None else [(_utc(day - DAY, CME_OPENS, CHICAGO), _utc(day, closes, CHICAGO))]


def _holds(moment: datetime, spans: Iterable[Span]) -> bool:
    """Whether a span holds the instant: its first does, its last not."""
    return any(a <= moment < b for a, b in spans)


def _days(first: date, last: date) -> list[date]:
    return [first + n * DAY for n in range((last - first).days + 1)]


def _day(moment: datetime, zone: ZoneInfo) -> date:
    if moment.tzinfo is None:
        raise DataError(f"an instant needs a time zone: {moment:%Y-%m-%d %H:%M} has none")
    return moment.astimezone(zone).date()


def _closing(market: str, day: date, usual: time) -> time | None:
    """Closing time of a day by the market's own clock; None where it does not trade."""
    first, last, exceptions = _table()[market]
    if not first <= day <= last:
        raise DataError(f"the calendar of {market} holds {first} to {last}, not {day}")
    return None if day.weekday() >= 5 else exceptions.get(day, usual)


@cache
def _table() -> dict[str, tuple[date, date, dict[date, time | None]]]:
    """First and last day, and the days that differ with their closing time, of each market."""
    with (derived_dir() / "ny_calendar.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    out = {}
    for market in (NYSE, CME):
        mine = [
            (row["state"], date.fromisoformat(row["date"]), row["closes"]) for row in rows if row["market"] == market
        ]
        first, last = (next(day for state, day, _ in mine if state == edge) for edge in ("first", "last"))
        exceptions = {
            day: time.fromisoformat(at) if at else None for state, day, at in mine if state in ("closed", "early")
        }
        out[market] = first, last, exceptions
    return out


def _utc(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)
