"""Companies over given prices, without a market: every coin is had at the price of the open, and no fee is paid.

For what the rules do by themselves, and beside filings; in a market see ``sim.agents.dat``.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from sim.calendar_ny import session
from sim.errors import DataError
from sim.treasury.treasurer import Treasurer

Prices = Iterable[tuple[date, int, int]]
"""Trading days in order, with the price at open and close, micro-dollars a lot."""


def trade_day(one: Treasurer, day: date, open_micro: int, close_micro: int) -> None:
    """One company's trading day.

    Raises
    ------
    DataError
        For a day on which New York does not trade.
    """
    hours = session(day)
    if hours is None:
        raise DataError(f"{day} is no trading day in New York: companies trade on trading days alone")
    budget, lots = one.open(day, hours.opens.timestamp(), open_micro)
    if lots:
        one.sold(lots, lots * open_micro)
    elif budget:
        bought = budget // open_micro
        one.bought(budget, bought, bought * open_micro)
    one.close(day, hours.closes.timestamp(), close_micro)


def walk(treasurers: Sequence[Treasurer], prices: Prices) -> None:
    """All companies over all days; nothing of one touches another."""
    for day, open_micro, close_micro in prices:
        for one in treasurers:
            trade_day(one, day, open_micro, close_micro)
