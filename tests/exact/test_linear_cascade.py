"""MODEL 6.2.2: a cascade through a linear book against its closed form, by the market's own liquidation engine.

Per unit of relative fall accounts worth l = $9,000m are liquidated and the book takes D = $15,000m, so n = l / D = 0.6
comes back on every unit of fall: a sale that moves the price by s = 2% ends at s / (1 - n) = 5.000%, A = 2.5, and $450m
are forced. The book and the accounts are in lots worth $1,500 each at the start price, and nobody else is there.
"""

import numpy as np
import pytest

from sim.kernels.margin import TIER
from tests.market.rig import Rig

START, PER_TICK = 100_000, 100  # ticks; lots on each tick below
USD_M_PER_LOT = 15_000 / (START * PER_TICK)
SOLD = START * PER_TICK // 50  # a fall of 2%
REACH = START // 10  # accounts are liquidated from 0 to 10% below
DENSITY = 6 * PER_TICK // 10  # their lots a tick
MAINTENANCE = 10  # percent: a whole fall of 5% leaves every account equity, so that the book takes all of it
TIERS = np.array([(1 << 62, MAINTENANCE * 10_000, 0, 0)], TIER)


def safe_marks(n: int) -> np.ndarray:
    """Last safe mark of each of ``n`` equal accounts, in half ticks, at the middle of its share of the way."""
    return np.array([2 * START - (2 * i + 1) * REACH // n for i in range(n)], np.int64)


def cascade(n: int) -> tuple[int, int]:
    """Fall in ticks and lots forced when ``n`` accounts stand under the market."""
    lots = np.full(n, DENSITY * REACH // n)
    cash = -(-lots * safe_marks(n) * MAINTENANCE // 200) - lots * safe_marks(n) // 2
    rig = Rig(cash, lots, START, bids=[(START - 1 - i, PER_TICK) for i in range(9_500)], tiers=TIERS)
    rig.sell(SOLD)
    forced = -1
    while forced != int(rig.accounts["forced_lots"].sum()):
        forced = int(rig.accounts["forced_lots"].sum())
        rig.scan(2 * rig.last())
    assert rig.accounts["taken_lots"].sum() == 0
    return START - rig.last(), forced


def slow_cascade(n: int) -> tuple[int, int]:
    """The same from the rules: each account sells when the last price is below its mark, the price falls a tick for
    each hundred lots.
    """
    size, done, fall = DENSITY * REACH // n, 0, SOLD // PER_TICK
    while done < n and 2 * (START - fall) < safe_marks(n)[done]:
        done += 1
        fall = -(-(SOLD + done * size) // PER_TICK)
    return fall, done * size


@pytest.mark.parametrize("n", [25, 100, 400, 1600])
def test_amplification_differs_from_the_closed_form_by_less_than_four_over_n(n):
    fall, forced = cascade(n)
    assert (fall, forced) == slow_cascade(n)
    tick = PER_TICK / SOLD  # prices are whole ticks
    assert abs(fall / (SOLD / PER_TICK) - 2.5) <= 4 / n + tick
    assert abs(forced * USD_M_PER_LOT - 450) <= 300 * (4 / n + tick)


def test_error_falls_as_one_over_n():
    """The last account before the fixed point stays out: 0.6 x 10% / n of the price less, 3 / n of a fall of 2%."""
    errors = [n * (2.5 - cascade(n)[0] / (SOLD / PER_TICK)) for n in (50, 200, 1000)]
    assert errors == pytest.approx([3.0, 3.0, 3.0])


def test_without_accounts_the_sale_moves_the_price_by_two_percent():
    rig = Rig([], [], START, bids=[(START - 1 - i, PER_TICK) for i in range(9_500)], tiers=TIERS)
    rig.sell(SOLD)
    rig.scan(2 * rig.last())
    assert START - rig.last() == 2_000
