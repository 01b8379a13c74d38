"""Coins by cost and age: exact in lots, ageing on the day, rates against their closed forms, a storm of moves."""

import math
import random
from dataclasses import replace
from fractions import Fraction

import pytest

from sim.cost_basis import OLD_AFTER, Coins, CostBasis, SpendingRules, apportion, rate_of_old
from sim.settings.holders import HoldersSettings

RULES = SpendingRules.of(HoldersSettings(), old_rate=0.001)


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def test_a_coin_is_young_for_155_days_and_old_from_then_on():
    basis = CostBasis(250.0)
    basis.put(7, 100_000.0, 3, 3)
    assert basis.age(3 + OLD_AFTER - 1) == 0
    assert basis.coins == ({(3, 400): 7}, {})
    assert basis.age(3 + OLD_AFTER) == 7
    assert basis.coins == ({}, {400: 7})
    basis.put(5, 100_100.0, -OLD_AFTER, 0)  # old when it comes
    basis.put(2, 100_100.0, 1 - OLD_AFTER, 0)
    assert basis.coins == ({(1 - OLD_AFTER, 400): 2}, {400: 12})


def test_rates_are_those_of_the_rule_written_by_hand():
    """MODEL 4.6; u* 12%, w 5%, s1 0.5%, s2 1.2%, v 0.5, a 0.02, g 0.5."""
    assert RULES.of_young(110_000.0, 90_000.0, -0.2) == pytest.approx(
        0.005 + 0.012 * phi((1.0 - 90 / 110 - 0.12) / 0.05) * 2.0, rel=1e-12
    )
    assert RULES.of_young(110_000.0, 200_000.0, 0.0) == pytest.approx(0.005, rel=1e-9)
    assert RULES.of_old(25_000.0, 99_000.0) == pytest.approx(0.001 * (1.0 + 0.02 * 2.96))
    assert RULES.of_old(25_000.0, 101_000.0) == pytest.approx(0.001 * (1.0 + 0.02 * 3.04) * 1.5)
    assert RULES.of_old(120_000.0, 99_000.0) == 0.001  # no profit, no gain
    assert RULES.of_old(1_199.0, 101_000.0) == 0.0


def test_a_day_in_parts_spends_what_a_whole_day_does():
    """Rates, not shares: 24 hours one after the other leave exp(-rate), to a lot for each hour."""
    whole = CostBasis(250.0, {(0, 440): 10**9}, {200: 10**9})
    parts = CostBasis(250.0, dict(whole.young), dict(whole.old))
    whole.take(whole.spending(RULES, 90_000.0, 0.0, 1.0))
    for _ in range(24):
        parts.take(parts.spending(RULES, 90_000.0, 0.0, 1.0 / 24.0))
    for a, b in zip(whole.coins, parts.coins, strict=True):
        ((key, left),) = a.items()
        assert 0 <= b[key] - left <= 25
    rate = RULES.of_old(50_125.0, 90_000.0)
    assert whole.old[200] == 10**9 - math.floor(10**9 * -math.expm1(-rate))


def test_the_rate_of_old_coins_spends_what_is_asked():
    basis = CostBasis(250.0, {}, {100: 4 * 10**9, 300: 3 * 10**9, 430: 10**9, 2: 10**9})
    rate = rate_of_old(basis, RULES, 120_000.0, 10**7)
    spent = basis.spending(replace(RULES, old_rate=rate), 120_000.0, 0.0, 1e-3)
    assert spent.lots == pytest.approx(10**4, rel=1e-3)
    assert spent.old[2] == 0
    assert rate_of_old(CostBasis(250.0), RULES, 120_000.0, 10**7) == 0.0


def test_apportioned_parts_sum_to_the_whole_and_are_nearest():
    random.seed(5)
    for _ in range(3000):
        weights = [
            random.choice((0, random.randrange(20), random.randrange(10**12))) for _ in range(random.randrange(9))
        ]
        total = random.randint(0, sum(weights))
        parts = apportion(total, weights)
        assert sum(parts) == total
        for part, weight in zip(parts, weights, strict=True):
            assert 0 <= part <= weight
            assert abs(part - Fraction(total * weight, max(sum(weights), 1))) < 1
    for wrong in (-1, 11):
        with pytest.raises(ValueError, match="cannot be apportioned"):
            apportion(wrong, [4, 6])


def test_no_lot_is_lost_in_a_storm_of_moves():
    """20,000 moves: what is in the bins is what was put less what was taken, == after each."""
    random.seed(8)
    basis, held, day = CostBasis(250.0), 0, 0
    for step in range(20_000):
        kind = random.randrange(6)
        if kind == 0:
            lots = random.randrange(10**9)
            basis.put(lots, random.uniform(0.0, 130_000.0), day - random.randrange(300), day)
            held += lots
        elif kind == 1:
            day += random.randrange(4)
            old = sum(basis.old.values())
            assert basis.age(day) == sum(basis.old.values()) - old
        elif kind in (2, 3):
            some = basis.spending(
                RULES, random.uniform(60_000.0, 140_000.0), random.uniform(-0.3, 0.3), random.random()
            )
            part, rest = some.split(random.random())
            assert part.lots + rest.lots == some.lots
            chosen = part.first(random.randint(0, part.lots))
            basis.take(rest)
            basis.take(chosen)
            held -= rest.lots + chosen.lots
        elif kind == 4 and step % 50 == 0:
            lots = random.randint(0, held // 2)
            assert basis.take_newest(lots).lots == lots
            held -= lots
        else:
            basis = CostBasis(250.0, *Coins.from_lists(basis.coins.as_lists()))
        assert basis.lots == held
        assert min((*basis.young.values(), *basis.old.values()), default=1) > 0
        assert all(day - bought < OLD_AFTER + 4 for bought, _ in basis.young)


def test_the_newest_go_first_and_nobody_gives_more_than_there_is():
    basis = CostBasis(250.0, {(1, 400): 5, (9, 380): 3, (9, 420): 2}, {7: 4, 2: 1})
    assert basis.take_newest(6) == ({(9, 420): 2, (9, 380): 3, (1, 400): 1}, {})
    assert basis.take_newest(5) == ({(1, 400): 4}, {2: 1})
    with pytest.raises(ValueError, match="1 lots more are wanted"):
        basis.take_newest(5)
    assert basis.coins == ({}, {7: 4})
    with pytest.raises(ValueError, match="5 lots taken from 4"):
        basis.take(Coins({}, {7: 5}))
    with pytest.raises(ValueError, match="not below 0"):
        basis.put(-1, 1.0, 0, 0)


def test_value_and_loss_by_hand():
    basis = CostBasis(250.0, {(0, 400): 3, (0, 440): 1}, {80: 10})
    assert basis.value_usd() == (3 * 100_125.0 + 110_125.0, 10 * 20_125.0)
    assert basis.in_loss(105_000.0) == (1, 0)
    assert basis.in_loss(20_000.0) == (4, 10)
    assert basis.value_usd(Coins({(0, 440): 1}, {})) == (110_125.0, 0.0)
