"""Hypothetical positions and spells against slow twins and paths computed by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.metrics.position import (
    LONG,
    SHORT,
    Held,
    equity,
    largest_call,
    least_room,
    liquidation_usd,
    longest_spell,
    required,
)
from sim.population import ACCOUNT_DRAW
from sim.thresholds import liquidation_ticks, tier_table
from sim.venues.profile import load_profile
from tests.reference_market.rules import requirement

TIERS = load_profile("cex_a").margin_tiers
TABLE = tier_table(TIERS)
TWIN = [(None if t.up_to is None else round(t.up_to * 1e6), round(t.maintenance * 1e6)) for t in TIERS]
POSITIONS = st.tuples(st.sampled_from([LONG, SHORT]), st.floats(100.0, 1.5e9), st.floats(0.5, 125.0))


@given(POSITIONS, st.floats(0.3, 1.9))
def test_maintenance_is_that_of_the_rules(held, move):
    side, notional, leverage = held
    mark = np.array([100_000.0, 100_000.0 * move])
    found = required(Held(side, notional, leverage), mark, TABLE, initial=False)[1]
    twin = requirement(Fraction(notional * move * 1e6), [*TWIN[:-1], (None, TWIN[-1][1])])
    assert found == pytest.approx(float(twin) / 1e6, rel=1e-9, abs=1e-6)


@given(POSITIONS)
def test_at_the_liquidation_price_equity_is_the_maintenance(held):
    one = Held(*held)
    price = liquidation_usd(one, 100_000.0, TABLE)
    if not 0.0 < price < math.inf:
        assert one.side == LONG
        return
    mark = np.array([100_000.0, price])
    assert equity(one, mark)[1] == pytest.approx(required(one, mark, TABLE, False)[1], rel=1e-6, abs=1e-3)


@given(st.sampled_from([LONG, SHORT]), st.floats(1_000.0, 1e8), st.floats(2.0, 100.0))
def test_the_liquidation_price_is_that_of_the_population(side, notional, leverage):
    row = np.zeros(1, ACCOUNT_DRAW)
    lots = max(1, round(notional / (1_000_000 * 0.1 * 0.001)))  # of $100 at a tick of $0.1
    row["side"], row["lots"], row["entry_ticks"] = side, lots, 1_000_000
    row["margin_micro"] = round(lots * 100.0 * 1e6 / leverage)
    held = Held(side, lots * 100.0, lots * 100.0 / (int(row["margin_micro"][0]) / 1e6))
    assert liquidation_usd(held, 100_000.0, TABLE) == pytest.approx(
        liquidation_ticks(row, TIERS, 100)[0] * 0.1, rel=1e-9
    )


def test_room_by_hand():
    mark = np.array([100.0, 95.0, 92.0, 98.0])
    assert least_room(LONG, 92.0, mark) == 0.0  # the last safe mark is safe
    assert least_room(LONG, 92.1, mark) < 0.0
    assert least_room(SHORT, 105.0, mark) == pytest.approx(0.05)
    assert least_room(LONG, 0.0, mark) == 1.0


def test_a_call_by_hand():
    """$1m long at 10x falls by 4%: equity 60,000 on a notional of 960,000, tier 0.65% less 1,150."""
    mark = np.array([100.0, 96.0])
    one = Held(LONG, 1e6, 10.0)
    need = 960_000.0 * 0.0065 - (50_000 * 0.001 + 600_000 * 0.0015)
    assert largest_call([one], mark, TABLE, initial=False, cross=False) == pytest.approx(max(0.0, need - 60_000.0))
    assert largest_call([one], mark, TABLE, initial=True, cross=False) == pytest.approx(96_000.0 - 60_000.0)


def test_surplus_of_one_pays_for_another_in_cross_margin_alone():
    mark = np.array([100.0, 90.0])
    book = [Held(LONG, 1e6, 10.0), Held(SHORT, 1e6, 10.0)]
    assert largest_call(book, mark, TABLE, initial=True, cross=True) == 0.0
    assert largest_call(book, mark, TABLE, initial=True, cross=False) == pytest.approx(90_000.0)


def test_cash_is_counted_at_one_time_not_at_each_its_own():
    mark = np.array([100.0, 110.0, 90.0])
    book = [Held(LONG, 1e6, 10.0), Held(SHORT, 1e6, 10.0)]
    alone = [largest_call([h], mark, TABLE, True, False) for h in book]
    assert largest_call(book, mark, TABLE, True, False) == pytest.approx(max(alone))


@pytest.mark.parametrize(
    ("values", "hold", "spell"),
    [
        ([9, 9, 9, 9, 9, 9], 0.0, 0.0),
        ([9, 1, 1, 9, 9, 9], 0.0, 2.0),
        ([9, 1, 9, 1, 9, 9], 0.0, 1.0),
        ([9, 1, 9, 1, 9, 9], 2.0, math.inf),  # one spell of three, and back for one second at the end, not two
        ([9, 1, 9, 1, 9, 9, 9, 9], 2.0, 3.0),
        ([9, 9, 9, 1, 1, 1], 0.0, math.inf),
        ([1, 1, 9, 9, 9, 9], 0.0, 2.0),
        ([9, math.nan, 9, 9, 9, 9], 0.0, 1.0),
    ],
)
def test_spells_by_hand(values, hold, spell):
    assert longest_spell(np.arange(float(len(values))), np.array(values, dtype=float), 5.0, hold) == spell


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 4))
def test_spells_against_a_slow_twin(below, hold):
    values = np.where(below, 1.0, 9.0)
    rows, joined = len(below), list(below)
    for i in range(rows):  # close every gap shorter than hold that follows a time below
        if not below[i] and i and joined[i - 1]:
            end = next((j for j in range(i, rows) if below[j]), None)
            last = rows - 1 if end is None else end
            if last - i < hold:
                joined[i:last] = [True] * (last - i)
                if end is None:
                    joined[i:] = [True] * (rows - i)
    longest, run = 0, 0
    for b in joined:
        run = run + 1 if b else 0
        longest = max(longest, run)
    wanted = math.inf if joined[-1] else float(longest)
    assert longest_spell(np.arange(float(rows)), values, 5.0, float(hold)) == wanted
