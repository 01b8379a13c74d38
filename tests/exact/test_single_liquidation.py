"""MODEL 6.2.1: one isolated long is closed into a book of constant density, by the market's own engine.

Long 50 at 100 on 10 times leverage, maintenance 1%: liquidated below 90.909091, bankrupt at 90. The best bid is the
liquidation price and k coins rest on each dollar below it. A tick is 1/11,000 dollars, so that 100/1.1 is whole, and a
lot 1/5,500 coins; orders rest in the middle of every two ticks, which makes the mean price that of the continuous book.
"""

from fractions import Fraction

import numpy as np
import pytest

from sim import calculator as calc
from sim.calculator import Terms, Tier
from sim.kernels.ledger import FUND
from sim.schema import EVENT_FORCED
from tests.market.rig import FIRST, MAKER, Rig

TICK, LOT = Fraction(1, 11_000), Fraction(1, 5_500)
COINS, ENTRY, LEVERAGE, FEE_PPM = 50, 100, 10, 500
BEST = 1_000_000  # ticks: 90.909091 dollars
UNIT = 1_000  # of money, on a tick and lot: fees are rounded up fill by fill
DOLLAR = int(UNIT / (TICK * LOT))
LEVELS = 40_000
# coins a dollar: mean price, equity before the fee of 5 bp, equity after it
FIGURES = {50: (90.409091, 20.4545, 18.1943), 20: (89.659091, -17.0455, -19.2869), 8: (87.784091, -110.7955, -112.9901)}


def test_prices_of_the_position():
    terms = Terms(Fraction("0.01"), Fraction("0.01"), (Tier(None, Fraction(1, 100), Fraction(0), Fraction(1, 10)),))
    account = calc.isolated(terms, COINS, ENTRY, LEVERAGE)
    closed, bankrupt = (ask(account, "perp") for ask in (calc.liquidation_price, calc.bankruptcy_price))
    assert closed is not None and abs(closed - Fraction(1000, 11)) < Fraction(1, 10**9)
    assert bankrupt == 90
    assert calc.forced_size(account, "perp", {"perp": 90}) == COINS


def single(density: int) -> Rig:
    """The position above a book of this density."""
    lots = int(COINS / LOT)
    assert density * 2 * TICK / LOT == density  # lots in two ticks
    rig = Rig(
        COINS * ENTRY * DOLLAR // LEVERAGE - lots * int(ENTRY / TICK) * UNIT, lots, int(ENTRY / TICK),
        bids=[(BEST - 1 - 2 * i, density) for i in range(LEVELS)], window=1 << 17, ceiling_ticks=4_000_000, unit=UNIT,
    )  # fmt: skip
    rig.rules["taker_fee_ppm"] = FEE_PPM
    return rig


@pytest.mark.parametrize("density", FIGURES)
def test_one_liquidation_into_a_linear_book(density: int):
    mean, before_fee, after_fee = FIGURES[density]
    rig, lots = single(density), int(COINS / LOT)
    totals, value = rig.totals(), int(rig.accounts["cash_micro"][MAKER])
    rig.hang()
    assert int(rig.accounts["liquidation_half_ticks"][FIRST]) == 2 * BEST
    assert rig.scan(2 * BEST).size == 0  # equality is safe
    events = rig.scan(2 * BEST - 1)
    assert events["kind"].tolist()[0] == EVENT_FORCED and abs(events["lots"][0]) == lots
    value -= int(rig.accounts["cash_micro"][MAKER])
    got = Fraction(value, lots * UNIT) * TICK
    assert got == Fraction(1000, 11) - Fraction(COINS, 2 * density)  # exactly half of the way down
    assert float(got) == pytest.approx(mean, abs=5e-7)
    assert rig.last() == BEST - 2 * lots // density + 1
    assert float(COINS * (got - 90)) == pytest.approx(before_fee, abs=5e-5)
    left = rig.accounts["cash_micro"][[FIRST, FUND]] / DOLLAR
    assert left.sum() == pytest.approx(after_fee, abs=5e-5)
    assert (left[1] < 0) == (after_fee < 0)  # a deficit is the fund's, what is left the user's
    assert rig.totals() == totals
    assert np.all(rig.books.positions[0, [FIRST, FUND]] == 0)
