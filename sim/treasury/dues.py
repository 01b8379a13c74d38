"""What a company owes and when: dividends by month, coupons by quarter, notes that are put."""

from calendar import monthrange
from datetime import date, timedelta
from functools import cache

from sim import units
from sim.calendar_ny import is_trading_day
from sim.settings.dat import DatSettings
from sim.treasury.balance import Balance
from sim.treasury.company import Company

MONTHS, QUARTERS = 12, 4
LAST_OF_QUARTER = (3, 6, 9, 12)


@cache
def pay_day(year: int, month: int) -> date:
    """The last trading day of a month."""
    day = date(year, month, monthrange(year, month)[1])
    while not is_trading_day(day):
        day -= timedelta(days=1)
    return day


@cache
def trading_day_from(day: date) -> date:
    """The day itself, or the first trading day after it."""
    while not is_trading_day(day):
        day += timedelta(days=1)
    return day


def dividends_micro(company: Company, balance: Balance, settings: DatSettings) -> int:
    """One month of dividends: of the stock at the start, and of what was sold since at the settings' rate."""
    new = balance.preferred_micro - company.start_preferred_micro
    return company.dividends_micro // MONTHS + new * units.ppm(settings.claims.preferred_rate) // (MONTHS * units.PPM)


def coupons_micro(company: Company, balance: Balance) -> int:
    """One quarter of interest on the notes."""
    return balance.debt_micro * units.ppm(company.coupon) // (QUARTERS * units.PPM)


def put_micro(company: Company, balance: Balance, settings: DatSettings, first: date, last: date) -> int:
    """Notes that are put to the company on the days from ``first`` to ``last``, at most all of them."""
    shares = [
        units.ppm(put.share)
        for put in settings.puts
        if put.company == company.kind and first <= trading_day_from(put.on) <= last
    ]
    return min(balance.debt_micro * sum(shares) // units.PPM, balance.debt_micro)


def due_on(company: Company, balance: Balance, settings: DatSettings, day: date) -> tuple[int, int, int]:
    """Dividends, coupons and notes due on a trading day, micro-dollars."""
    if day != pay_day(day.year, day.month):
        return 0, 0, put_micro(company, balance, settings, day, day)
    coupons = coupons_micro(company, balance) if day.month in LAST_OF_QUARTER else 0
    return dividends_micro(company, balance, settings), coupons, put_micro(company, balance, settings, day, day)


def due_within(company: Company, balance: Balance, settings: DatSettings, day: date, seconds: float) -> int:
    """All that falls due after a day and within so long of it, as the books stand; micro-dollars.

    Raises
    ------
    DataError
        Past the end of the calendar.
    """
    last = day + timedelta(seconds=seconds)
    total = put_micro(company, balance, settings, day + timedelta(days=1), last)
    year, month = day.year, day.month
    while date(year, month, 1) <= last:
        if day < pay_day(year, month) <= last:
            total += dividends_micro(company, balance, settings)
            total += coupons_micro(company, balance) if month in LAST_OF_QUARTER else 0
        year, month = (year, month + 1) if month < MONTHS else (year + 1, 1)
    return total
