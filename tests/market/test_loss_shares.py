"""Who bears how much: pro rata, haircuts and layers (MODEL 2.7, 6.2.12), and the worked example through the engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.build import tier_table
from sim.calculator.doors import rate_of
from sim.kernels.adl import INDEX, PNL_LEVERAGE
from sim.schema import EVENT_ADL
from tests.market.drivers import layers_of, split_of
from tests.market.rig import FIRST, MAKER, Rig
from tests.market.small import venue_of
from tests.reference_market import loss_shares

MARK = 90
# size, entry, collateral of four shorts (MODEL 6.2.12); 20 are to be closed
SHORTS = {"A": (10, 100, 50), "B": (20, 95, 400), "C": (10, 91, 30), "D": (15, 105, 2000)}
SCALE = 1_000_000


def split(amount: int, weights: list[int]) -> tuple[list[int], int]:
    out = np.zeros(len(weights), np.int64)
    left = int(split_of(np.int64(amount), np.array(weights, np.int64), out))
    return out.tolist(), left


def test_pro_rata_by_size_of_the_worked_example():
    parts, left = split(20 * SCALE, [size * SCALE for size, _, _ in SHORTS.values()])
    assert [round(p / SCALE, 3) for p in parts] == [3.636, 7.273, 3.636, 5.455]
    assert (sum(parts), left) == (20 * SCALE, 0)


def test_profit_haircut_shares_of_the_worked_example():
    parts, left = split(20 * SCALE, [size * (entry - MARK) * SCALE for size, entry, _ in SHORTS.values()])
    assert [round(p / SCALE, 3) for p in parts] == [4.598, 4.598, 0.46, 10.345]
    assert (sum(parts), left) == (20 * SCALE, 0)


def test_a_loss_beyond_all_profits_takes_all_of_them_and_no_more():
    assert split(100, [30, -50, 20, 0]) == ([30, 0, 20, 0], 50)
    assert split(7, [0, -3]) == ([0, 0], 7)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, (1 << 62) - 1), st.lists(st.integers(-(1 << 40), 1 << 58), min_size=1, max_size=15))
def test_splits_equal_the_slow_rules_and_nobody_bears_more_than_it_has(amount, weights):
    parts, left = split(amount, weights)
    assert (parts, left) == loss_shares.split(amount, weights)
    assert sum(parts) + left == amount
    assert all(0 <= part <= max(0, weight) for part, weight in zip(parts, weights, strict=True))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 60), st.lists(st.integers(0, 1 << 57), min_size=1, max_size=8))
def test_layers_equal_the_slow_rules_and_none_pays_before_the_one_ahead_is_empty(loss, layers):
    used = np.zeros(len(layers), np.int64)
    left = int(layers_of(np.int64(loss), np.array(layers, np.int64), used))
    assert (used.tolist(), left) == loss_shares.use_layers(loss, layers)
    assert sum(used.tolist()) + left == loss
    for i, paid in enumerate(used):
        assert paid == 0 or used[:i].tolist() == layers[:i]


@pytest.mark.parametrize(("rule", "order"), [(PNL_LEVERAGE, "AC"), (INDEX, "CA")])
def test_the_engine_closes_twenty_at_bankruptcy_93_and_sixty_dollars_change_hands(rule, order):
    """A long of 20 that is bankrupt at 93 meets a mark of 90; the fund is empty and nobody bids."""
    sizes, entries, collateral = (np.array(x) for x in zip(*SHORTS.values(), strict=True))
    rig = Rig([-20 * 93, *(collateral + sizes * entries)], [20, *-sizes], [100, *entries], adl_on=1, adl_rule=int(rule))
    before, totals = rig.equity(2 * MARK), rig.totals()
    adl = rig.scan(2 * MARK)
    assert adl["kind"].tolist() == [EVENT_ADL] * 2
    rows = [FIRST + 1 + "ABCD".index(name) for name in order]
    assert adl["account"].tolist() == rows
    assert (adl["lots"].tolist(), adl["price_ticks"].tolist()) == ([10, 10], [93, 93])
    change = rig.equity(2 * MARK) - before
    assert change[FIRST] == 60  # from -60 to 0: exactly the loss
    assert change[rows].tolist() == [-30, -30]
    assert np.abs(change).sum() == 120
    assert rig.books.positions[0, FIRST] == 0 and rig.books.positions[0, MAKER] == 35
    assert rig.totals() == totals


def test_tier_continuity_of_a_two_tier_table():
    """6.2.14: 40x up to $150m and 20x beyond (maintenance half the initial margin): d_1 = 1,875,000 dollars."""
    tiers = [
        {"up_to": 150e6, "maintenance": 0.0125, "max_leverage": 40.0},
        {"up_to": None, "maintenance": 0.025, "max_leverage": 20.0},
    ]
    table = tier_table(venue_of(margin_tiers=tiers))
    assert table["deduction_micro"].tolist() == [0, 1_875_000 * SCALE]


def test_the_shelf_of_the_funding_rate_is_exact_at_both_its_ends():
    """6.2.14: base 0.01%, clamp 0.05%; one billionth outside the shelf the rate leaves the base by one billionth."""
    base, clamp, cap = 100_000, 500_000, 3_000_000
    premiums = [base - clamp - 1, base - clamp, base, base + clamp, base + clamp + 1]
    rates = [int(rate_of(*(np.int64(v) for v in (p, base, clamp, cap)))) for p in premiums]
    assert rates == [base - 1, base, base, base, base + 1]
