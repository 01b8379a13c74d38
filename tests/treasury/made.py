"""Companies made for tests: plain numbers, no chance unless a test asks for it."""

from datetime import date, timedelta

from sim.calendar_ny import is_trading_day, session
from sim.settings.dat import DatSettings
from sim.treasury.balance import Balance
from sim.treasury.company import FIRST_SMALL, STRATEGY, Company, companies
from sim.treasury.treasurer import Treasurer

MONDAY = date(2025, 10, 13)
LOT_MICRO = 100_000_000  # $100 a lot: $100,000 a coin at lots of 0.001
USD = 1_000_000
PLAIN = {"return_time": "36500d", "noise": 0, "issue_effect": 0}


def settings(**groups) -> DatSettings:
    """Settings with a premium that only the coin's price moves, and no offerings by chance."""
    premium = PLAIN | groups.pop("premium", {})
    claims = {"preferred_a_week": "$0", "preferred_every": "36500d", "converts_every": "36500d"}
    return DatSettings(enabled=True, premium=premium, claims=claims | groups.pop("claims", {}), **groups)


def one(
    kind: str = "small", *, premium: float = 1.0, coins: int = 1000, debt: int = 0, cash: int = 0, preferred: int = 0,
    dividends: int = 0, coupon: float = 0.0, turnover: float = 0.03, number: int | None = None, seed: int = 1,
    passive: float = 0.0, shares: int = 1_000_000, **groups,
) -> Treasurer:  # fmt: skip
    """A company of so many coins at $100,000, money in $; ``groups`` go to ``settings``."""
    name = (STRATEGY if kind == "strategy" else FIRST_SMALL) if number is None else number
    company = Company(
        name, kind, kind, premium, premium, turnover, coupon, dividends * USD, preferred * USD, passive
    )  # fmt: skip
    balance = Balance(coins * 1000, shares, cash * USD, debt * USD, preferred * USD, 0)
    return Treasurer(company, balance, settings(**groups), seed, opens(MONDAY - timedelta(days=3)), LOT_MICRO)


def opens(day: date) -> float:
    """Instant of the open, POSIX."""
    hours = session(day)
    assert hours is not None
    return hours.opens.timestamp()


def trading_days(n: int, first: date = MONDAY) -> list[date]:
    """The first ``n`` trading days from a day on."""
    days: list[date] = []
    while len(days) < n:
        if is_trading_day(first):
            days.append(first)
        first += timedelta(days=1)
    return days


def drawn(seed: int = 1, price: float = 116_720.0, lot: float = 0.001, **groups) -> list[Treasurer]:
    """All companies of a scenario's settings, at work from 10 October 2025, 20:20 UTC."""
    made = DatSettings(enabled=True, **groups)
    start = opens(date(2025, 10, 10)) + 6 * 3600 + 50 * 60
    lot_micro = round(price * lot * USD)
    return [Treasurer(c, b, made, seed, start, lot_micro) for c, b in companies(made, seed, price, lot)]
