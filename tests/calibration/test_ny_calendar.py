"""New York's hours: the table by rules of its own, instants around the event, and the change of clocks."""

import csv
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest
from pandas.tseries import holiday

from calibration import etf_flow
from calibration.ny_calendar import PACKAGE, ny_calendar
from calibration.tables import DERIVED, evidence_folder
from sim import calendar_ny as ny
from sim.errors import DataError
from sim.report.new_york import new_york
from sim.scenario.load import load_spec

FRIDAY, MONDAY = date(2025, 10, 10), date(2025, 10, 13)
THANKSGIVING, AFTER = date(2025, 11, 27), date(2025, 11, 28)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows(market: str, state: str) -> dict[str, str]:
    lines = (DERIVED / "ny_calendar.csv").read_text(encoding="utf-8").splitlines()
    table = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {r["date"]: r["closes"] for r in table if (r["market"], r["state"]) == (market, state)}


@pytest.mark.filterwarnings("ignore")  # the package's own
def test_the_package_makes_the_committed_table():
    pytest.importorskip(PACKAGE, reason=f"needs {PACKAGE}, which is not among the requirements")
    assert (DERIVED / "ny_calendar.csv").read_text(encoding="utf-8") == ny_calendar()


def test_closed_days_are_the_exchanges_rules():
    """Rules written here, on pandas' own holidays: on a Saturday it is Friday (not New Year), on a Sunday Monday."""
    rules = [
        holiday.Holiday("new year", month=1, day=1, observance=holiday.sunday_to_monday),
        holiday.USMartinLutherKingJr,
        holiday.USPresidentsDay,
        holiday.GoodFriday,
        holiday.USMemorialDay,
        holiday.Holiday("juneteenth", month=6, day=19, observance=holiday.nearest_workday),
        holiday.Holiday("independence", month=7, day=4, observance=holiday.nearest_workday),
        holiday.USLaborDay,
        holiday.USThanksgivingDay,
        holiday.Holiday("christmas", month=12, day=25, observance=holiday.nearest_workday),
    ]
    expected = holiday.AbstractHolidayCalendar(rules=rules).holidays("2024-01-01", "2026-12-31")
    mourning = "2025-01-09"  # of a former president
    assert set(rows("nyse", "closed")) == {*expected.strftime("%Y-%m-%d"), mourning}


def test_early_closes_are_the_day_after_thanksgiving_and_trading_eves():
    """3 July and 24 December where they and the holiday after them are weekdays; the fourth Thursday is 22 to 28."""
    expected = {
        f"{day}": "13:00"
        for year in (2024, 2025, 2026)
        for day, next_day in [
            *((date(year, m, d), date(year, m, d) + timedelta(1)) for m, d in ((7, 3), (12, 24))),
            (date(year, 11, 23 + (3 - date(year, 11, 1).weekday()) % 7), None),
        ]
        if day.weekday() < 5 and (next_day is None or next_day.weekday() < 5)
    }
    assert rows("nyse", "early") == expected


@pytest.mark.evidence
def test_every_recorded_day_of_flow_is_a_trading_day_and_no_trading_day_is_without():
    data = evidence_folder()
    assert data is not None
    recorded = {day.date() for day in etf_flow.flows(data).index}
    days = pd.date_range(min(recorded), max(recorded))
    assert recorded == {day.date() for day in days if ny.is_trading_day(day.date())}
    assert {day.date() for day in etf_flow.ibit_daily(data).index} >= recorded


def test_nothing_is_created_or_sold_from_friday_night_to_monday_morning():
    """MODEL 0.7 and R9: every ten minutes from 20:50 UTC on 10 October to the open of Monday; CME ends at 21:00."""
    moment, opens = utc("2025-10-10T20:50"), ny.session(MONDAY)
    assert opens is not None and opens.opens == utc("2025-10-13T13:30")
    while moment < opens.opens:
        assert not ny.can_create(moment) and not ny.companies_trade(moment)
        assert ny.order_day(moment) == MONDAY
        assert ny.cme_open(moment) == (moment < utc("2025-10-10T21:00") or moment >= utc("2025-10-12T22:00"))
        moment += timedelta(minutes=10)
    assert ny.can_create(moment) and ny.companies_trade(moment)


def test_friday_by_the_minute():
    """Session to 20:00 UTC, shares after hours to 24:00, CME to 21:00; the first instant in, the last one out."""
    for clock, companies, shares, cme in (
        ("07:59", False, False, True), ("08:00", False, True, True), ("13:29", False, True, True),
        ("13:30", True, True, True), ("19:59", True, True, True), ("20:00", False, True, True),
        ("20:59", False, True, True), ("21:00", False, True, False), ("23:59", False, True, False),
    ):  # fmt: skip
        moment = utc(f"2025-10-10T{clock}")
        assert (ny.companies_trade(moment), ny.shares_trade(moment), ny.cme_open(moment)) == (companies, shares, cme)
    assert not ny.shares_trade(utc("2025-10-11T00:00"))
    assert not ny.cme_open(utc("2025-10-12T21:59")) and ny.cme_open(utc("2025-10-12T22:00"))


def test_orders_by_the_cut_off_are_struck_the_same_day_and_settle_the_next():
    assert ny.order_day(utc("2025-10-10T20:00")) == FRIDAY
    assert ny.order_day(utc("2025-10-10T20:00:00.000001")) == MONDAY
    assert ny.order_day(utc("2025-10-10T18:30"), time(14)) == MONDAY
    assert ny.order_day(utc("2025-10-10T21:30"), time(18)) == FRIDAY
    assert ny.strike(FRIDAY) == (utc("2025-10-10T19:00"), utc("2025-10-10T20:00"))
    assert ny.next_trading_day(FRIDAY) == MONDAY  # bonds rest on that Monday, shares do not
    assert ny.strike(date(2025, 10, 11)) is None


def test_clocks_change_on_2_november():
    """UTC of New York's open moves from 13:30 to 14:30, of CME's from 22:00 to 23:00."""
    friday, monday = (ny.session(date(2025, *day)) for day in ((10, 31), (11, 3)))
    assert friday == (utc("2025-10-31T13:30"), utc("2025-10-31T20:00"))
    assert monday == (utc("2025-11-03T14:30"), utc("2025-11-03T21:00"))
    assert not ny.cme_open(utc("2025-11-02T22:59")) and ny.cme_open(utc("2025-11-02T23:00"))
    assert ny.cme_open(utc("2025-11-03T21:59")) and not ny.cme_open(utc("2025-11-03T22:00"))
    assert ny.open_time(utc("2025-11-01T00:00"), utc("2025-11-03T00:00")).cme == timedelta(hours=1)


def test_thanksgiving_and_the_short_day_after():
    assert ny.session(THANKSGIVING) is None and ny.strike(THANKSGIVING) is None
    assert ny.cme_open(utc("2025-11-27T16:00"))  # CME's crypto futures trade on
    hours = ny.session(AFTER)
    assert hours == (utc("2025-11-28T14:30"), utc("2025-11-28T18:00"))
    assert ny.strike(AFTER) == (utc("2025-11-28T20:00"), utc("2025-11-28T21:00"))
    assert ny.order_day(utc("2025-11-28T18:00")) == AFTER
    assert ny.order_day(utc("2025-11-28T18:01")) == date(2025, 12, 1)
    assert not ny.can_create(utc("2025-11-28T18:30")) and ny.shares_trade(utc("2025-11-28T21:59"))
    assert not ny.shares_trade(utc("2025-11-28T22:00"))
    assert ny.cme_open(utc("2025-11-28T18:44")) and not ny.cme_open(utc("2025-11-28T18:45"))
    assert ny.next_trading_day(date(2025, 11, 26)) == AFTER


def test_time_open_within_windows():
    """The flash, and two days of which one has a session: sums by hand."""
    flash = ny.open_time(utc("2025-10-10T20:50"), utc("2025-10-10T21:30"))
    minutes = timedelta(minutes=1)
    assert flash == ny.OpenTime(0 * minutes, 0 * minutes, 40 * minutes, 10 * minutes, utc("2025-10-10T21:00"))
    whole = ny.open_time(utc("2025-10-10T00:00"), utc("2025-10-12T00:00"), time(15))
    assert (whole.creations, whole.companies) == (timedelta(hours=5.5), timedelta(hours=6.5))
    assert (whole.shares, whole.cme) == (timedelta(hours=16), timedelta(hours=21))
    assert ny.open_time(utc("2025-10-11T00:00"), utc("2025-10-11T20:00")).cme_ends is None


def test_six_weeks_have_31_trading_days():
    """10 October to 21 November 2025, Veterans Day among them; 31 sessions of six and a half hours."""
    weeks = ny.open_time(utc("2025-10-10T00:00"), utc("2025-11-22T00:00"))
    assert weeks.companies == 31 * timedelta(hours=6.5)
    assert ny.is_trading_day(date(2025, 11, 11))


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: ny.can_create(datetime(2025, 10, 10, 12)), "needs a time zone"),
        (lambda: ny.is_trading_day(date(2027, 1, 4)), "holds 2024-01-01 to 2026-12-31"),
        (lambda: ny.cme_open(utc("2026-06-01T12:00")), "cme_crypto holds 2024-01-01 to 2026-05-29"),
        (lambda: ny.open_time(utc("2025-10-11T00:00"), utc("2025-10-10T00:00")), "ends before it begins"),
    ],
)
def test_what_the_calendar_does_not_hold_is_refused(call, why: str):
    with pytest.raises(DataError, match=why):
        call()


def test_an_instant_of_any_zone_is_the_same_instant():
    there = utc("2025-10-10T20:55").astimezone(ny.NEW_YORK)
    assert ny.cme_open(there) and not ny.companies_trade(there)


def test_the_report_has_the_wording_of_the_model():
    """R9: no creation, redemption or corporate trade; what trades beside them is named; zero says nothing of ETFs."""
    spec = load_spec("flash_10_11_btc")
    (flash,) = new_york(spec.model_copy(update={"start_utc": utc("2025-10-10T20:20"), "duration": 24_000.0}))
    assert flash.startswith("No creation, redemption or corporate trade can occur within this run")
    assert "hedges of ETF makers on CME (open for 40 min until 21:00 UTC)" in flash
    assert "fund shares after hours (3 h 40 min)" in flash
    assert flash.endswith("That ETFs contribute nothing checks the code and says nothing about ETFs.")
    (day,) = new_york(spec.model_copy(update={"start_utc": utc("2025-10-10T12:00"), "duration": 86_400.0}))
    assert "for 6 h 30 min and listed companies can sell shares for 6 h 30 min" in day
    (night,) = new_york(spec.model_copy(update={"start_utc": utc("2025-10-11T12:00"), "duration": 3_600.0}))
    assert "Not modelled" not in night
    assert new_york(spec.model_copy(update={"start_utc": utc("2030-10-10T12:00")})) == ()
