"""What a lending protocol charges and which prices it acts on, as pure functions.

The kernels answer (``kernels/lending.py``, ``kernels/oracles.py``). Source: MODEL 3.1, 3.2.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from sim.calculator.doors import held
from sim.calculator.lending_room import above, asset_of
from sim.calculator.terms import Number, number
from sim.errors import RuleError
from sim.kernels import lending_entries
from sim.kernels.oracles import FEED
from sim.loans.rows import curve_row
from sim.settings.lender import LenderSettings, MarketFeed, RatioFeed
from sim.units import MICRO, PPM, ppm, us

RATIO = 10**9  # exchange rates have nine decimals


def borrow_rate(lender: LenderSettings, asset: str, borrowed: Number, available: Number) -> Fraction:
    """What borrowing costs a year, as a fraction.

    Parameters
    ----------
    lender : LenderSettings
        The protocol.
    asset : str
        One with a curve.
    borrowed, available : number
        Coins lent out, and coins that can be borrowed still; at least 0.

    Returns
    -------
    Fraction
        Whole millionths, rounded up.

    Raises
    ------
    RuleError
        For an asset that is not lent out, or numbers that do not fit.
    """
    curve = asset_of(lender, asset).curve
    if curve is None:
        raise RuleError(f"{asset} is not lent out: it has no curve")
    amounts = number(borrowed, "borrowed"), number(available, "available")
    if min(amounts) < 0:
        raise RuleError("what is borrowed and available is at least 0")
    unit = lcm(*(amount.denominator for amount in amounts))
    row = curve_row(curve)
    whole = [held(int(amount * unit), "a reserve") for amount in amounts]
    held(int(sum(amounts) * unit), "a reserve")
    return Fraction(int(lending_entries.rate_of_year(row, *whole)), PPM)


def feed_prices(
    lender: LenderSettings, asset: str, market: Sequence[tuple[float, Number]], delay: float
) -> list[Fraction]:
    """Prices that a feed of the market has in force.

    Parameters
    ----------
    lender : LenderSettings
        The protocol.
    asset : str
        One with such a feed.
    market : sequence of (float, number)
        Seconds, rising, and dollars; the first is in force at the start.
    delay : float
        Seconds from sending a price until it lands.

    Returns
    -------
    list of Fraction
        After each observation, dollars.

    Raises
    ------
    RuleError
        For an asset with another feed, times that do not rise, or a price that is not above 0.
    """
    feed = asset_of(lender, asset).feed
    if not isinstance(feed, MarketFeed):
        raise RuleError(f"the feed of {asset} follows no market: it is {feed.kind} of {feed.to}")
    times = [us(at) for at, _ in market]
    prices = [above(price, "a price") for _, price in market]
    if not prices or any(b <= a for a, b in zip(times, times[1:], strict=False)) or delay < 0:
        raise RuleError("a path has at least one price, times that rise, and a delay of at least 0")
    unit = lcm(*(price.denominator for price in prices))
    row = np.zeros(1, FEED)
    whole = np.array([held(int(price * unit), "a price") for price in prices])
    row[0] = whole[0], times[0], 0, 0, ppm(feed.deviation), us(feed.heartbeat)
    found = np.zeros(len(prices), np.int64)
    lending_entries.observed(row, whole, np.array(times), np.int64(us(delay)), found)
    return [Fraction(int(price), unit) for price in found]


def derived_price(
    lender: LenderSettings,
    asset: str,
    base: Number,
    ratio: Number = 1,
    recorded: Number = 1,
    age: float = 0.0,
) -> Fraction:
    """Price of an asset whose feed is another asset's price, times an exchange rate up to a cap where it is a ratio.

    Parameters
    ----------
    lender : LenderSettings
        The protocol.
    asset : str
        One with such a feed.
    base : number
        Dollars in force of the asset that its feed names.
    ratio : number
        Exchange rate, to nine decimals; not asked for by a hard-coded price.
    recorded : number
        Exchange rate from which the cap grows, to nine decimals.
    age : float
        Seconds since it was recorded.

    Returns
    -------
    Fraction
        Dollars, rounded down to a millionth or to the digits of ``base``; of a hard-coded price the base itself.

    Raises
    ------
    RuleError
        For an asset with a feed of its own, or a number that is not above 0 or has too many digits.
    """
    feed = asset_of(lender, asset).feed
    if isinstance(feed, MarketFeed):
        raise RuleError(f"the feed of {asset} follows the market and no other asset")
    price, growth = above(base, "the price"), 0
    rates = [above(rate, "an exchange rate") * RATIO for rate in (ratio, recorded)]
    if isinstance(feed, RatioFeed):
        growth = ppm(feed.growth)
    elif rates != [RATIO, RATIO]:
        raise RuleError(f"the price of {asset} is hard-coded to that of {feed.to}: no exchange rate is asked for")
    if any(rate.denominator != 1 for rate in rates) or age < 0:
        raise RuleError("exchange rates have at most nine decimals, and an age is at least 0")
    unit = lcm(price.denominator, MICRO)
    values = int(price * unit), *(int(rate) for rate in rates), growth, us(age)
    return Fraction(int(lending_entries.derived_of(*(held(v, "a price or rate") for v in values))), unit)
