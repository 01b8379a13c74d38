"""The border between human units and kernel units: dollars, coins and seconds become ticks, lots, micro-dollars,
microseconds.

Rounding (DECISIONS 14): bids floor, asks ceil, sizes floor. Whole-number requirements refuse rather than round.
Decimal fractions are read through ``Fraction`` of their shortest decimal form, so ``0.1`` is one tenth and not its
binary neighbour.
"""

import math
from fractions import Fraction

from sim.errors import ScenarioError

MICRO = 1_000_000
PPM = 1_000_000
LIMIT = 1 << 62


def exact(value: float) -> Fraction:
    """The number a person meant by a float: the fraction of its shortest decimal form."""
    return Fraction(repr(float(value)))


def whole(value: Fraction, what: str, cure: str) -> int:
    """``value`` as an int.

    Raises
    ------
    ScenarioError
        When it is not a whole number; the sentence names ``what`` and ``cure``.
    """
    if value.denominator != 1:
        raise ScenarioError(f"{what} is {float(value):g}, not a whole number; {cure}")
    return value.numerator


def micro_per_tick_lot(tick_usd: float, lot_coin: float) -> int:
    """Micro-dollars that one lot gains when the price moves one tick; a whole number of at least 1, or refused."""
    product = exact(tick_usd) * exact(lot_coin) * MICRO
    value = whole(
        product, f"tick {tick_usd:g} USD x lot {lot_coin:g} coins in micro-dollars", "use a coarser tick or lot"
    )
    if value < 1:
        raise ScenarioError(f"tick {tick_usd:g} USD x lot {lot_coin:g} coins must be positive")
    return value


def us(seconds: float) -> int:
    """Whole microseconds of a duration in seconds; refused when it has a finer part."""
    return whole(exact(seconds) * MICRO, f"duration {seconds:g} s in microseconds", "round it to whole microseconds")


def nearest_us(seconds: float) -> int:
    """Microseconds nearest to a time in seconds; used for event times, which Mesa keeps as floats."""
    return round(seconds * MICRO)


def ppm(fraction: float) -> int:
    """Millionths of a fraction (5bp = 500), exactly, or refused."""
    return whole(exact(fraction) * PPM, f"fraction {fraction:g} in millionths", "give at most six decimals")


def initial_ppm(leverage: float) -> int:
    """Initial margin rate of a leverage in millionths: rounded up."""
    return math.ceil(PPM / exact(leverage))


def ticks(usd: float, tick_usd: float) -> int:
    """Ticks nearest to a price in dollars."""
    return round(exact(usd) / exact(tick_usd))


def bid_ticks(usd: float, tick_usd: float) -> int:
    """Ticks of a buyer's limit price: rounded down."""
    return math.floor(exact(usd) / exact(tick_usd))


def ask_ticks(usd: float, tick_usd: float) -> int:
    """Ticks of a seller's limit price: rounded up."""
    return math.ceil(exact(usd) / exact(tick_usd))


def lots(coins: float, lot_coin: float) -> int:
    """Lots of a quantity in coins: rounded down."""
    return math.floor(exact(coins) / exact(lot_coin))


def lots_of_money(usd: float, price_usd: float, lot_coin: float) -> int:
    """Lots that ``usd`` buys at ``price_usd``: rounded down."""
    return math.floor(exact(usd) / (exact(price_usd) * exact(lot_coin)))


def micro(usd: float) -> int:
    """Micro-dollars of an amount: rounded down (money received is rounded down); refused from 2^62 on."""
    value = math.floor(exact(usd) * MICRO)
    refuse_overflow(value, f"{usd:g} USD in micro-dollars")
    return value


def usd(amount_micro: int) -> float:
    """Dollars of an amount in micro-dollars."""
    return int(amount_micro) / MICRO


def refuse_overflow(value: int, what: str) -> None:
    """Refuse a setting whose largest product could pass 2^62, where int64 arithmetic would wrap.

    Raises
    ------
    ScenarioError
        With the size found.
    """
    if abs(value) >= LIMIT:
        raise ScenarioError(
            f"{what} could reach {float(value):.3g}, past 2^62; use coarser lots or ticks, or smaller amounts"
        )
