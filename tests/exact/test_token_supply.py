"""A dollar token's supply and rules in closed form (MODEL 3.5), every millionth of a token accounted for."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.token_supply import HOUR_US, Supply, leaving_rate, price_of, yield_of

DAY_S, WEEK_US = 86_400.0, 7 * 24 * HOUR_US
BN = 10**15  # millionths


def test_the_yield_is_funding_on_what_is_hedged_and_bills_on_what_is_not():
    """10% on 47 of 100, 0.6% staking on 30 of them, 4% on 53: 4.7 + 0.18 + 2.12; at -20%: -9.4 + 0.18 + 2.12."""
    assert yield_of(0.10, 47.0, 0.006 * 30, 53.0, 100.0, 0.04) == pytest.approx(0.07)
    assert yield_of(-0.20, 47.0, 0.006 * 30, 53.0, 100.0, 0.04) == pytest.approx(-0.071)
    assert yield_of(0.10, 0.0, 0.0, 0.0, 0.0, 0.04) == 0.0


def test_the_rate_of_leaving_is_a_per_1_percent_a_year_and_b_per_1_percent():
    assert leaving_rate(0.121, 0.0, 0.01, 0.02) == pytest.approx(0.121)
    assert leaving_rate(-0.05, 0.03, 0.01, 0.02) == pytest.approx(0.06)
    assert leaving_rate(0.02, -0.01, 0.01, 0.02) == pytest.approx(0.02)  # a premium brings nobody


@pytest.mark.parametrize("looks", [1, 14, 14 * 144])
def test_a_constant_rate_leaves_what_the_exponential_says_however_often_it_is_looked_at(looks):
    supply = Supply.of(10 * BN, 0.0)
    for _ in range(looks):
        supply.leave(0.05, 14 * DAY_S / looks, 0, WEEK_US)
    assert supply.free == pytest.approx(10 * BN * math.exp(-0.7), rel=1e-12, abs=2 * looks)
    assert supply.free + supply.queue == 10 * BN == supply.total


def test_staked_tokens_wait_for_the_cooldown_and_free_ones_do_not():
    supply = Supply.of(BN, 0.4)
    free, staked = supply.leave(math.log(2.0), DAY_S, 1, WEEK_US)
    assert (free, staked) == (3 * BN // 10, 2 * BN // 10)
    assert (supply.queue, supply.in_cooldown) == (free, staked)
    assert supply.thaw(WEEK_US) == 0  # it began a microsecond into the hour, and whole hours are counted
    assert supply.thaw(WEEK_US + HOUR_US) == staked and supply.queue == free + staked


def test_more_than_waits_is_not_burned():
    supply = Supply.of(100, 0.0)
    supply.leave(1e9, DAY_S, 0, 0)
    supply.burn(60)
    for wrong in (-1, 41):
        with pytest.raises(ValueError, match="40 millionths of a token that wait"):
            supply.burn(wrong)
    assert (supply.total, supply.burned, supply.minted) == (40, 60, 100)


def test_the_price_falls_for_what_waits_beyond_patience_alone():
    pace = 2.0e6 / 12.0  # $2m a block
    assert price_of(1.0, pace * 3600, pace, 3600.0, 14.8e9, 1.0) == 1.0
    assert price_of(1.0, pace * 3600 + 1.48e8, pace, 3600.0, 14.8e9, 1.0) == pytest.approx(math.exp(-0.01))
    assert price_of(0.97, 0.0, pace, 3600.0, 14.8e9, 1.0) == 0.97
    assert price_of(1.0, 5.0, 0.0, 0.0, 0.0, 1.0) == 1.0  # nothing is left


def twin_step(places, rate, days, now, cooldown, most):
    """The rule with fractions of a token: leave, thaw, redeem; ``places`` is free, staked, cooling by hour, queue."""
    free, staked, cooling, queue = places
    share = Fraction(-math.expm1(-rate * days))
    gone, cool = math.floor(free * share), math.floor(staked * share)
    cooling = {**cooling}
    hour = math.ceil(Fraction(now + cooldown, HOUR_US))
    if cool:
        cooling[hour] = cooling.get(hour, 0) + cool
    ready = {at: n for at, n in cooling.items() if at * HOUR_US <= now}
    queue += gone + sum(ready.values())
    burned = min(queue, most)
    left = {at: n for at, n in cooling.items() if at not in ready}
    return (free - gone, staked - cool, left, queue - burned), burned


steps = st.lists(st.tuples(st.floats(0.0, 0.5), st.integers(1, 50), st.integers(0, 10**9)), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9), st.floats(0.0, 1.0), steps, st.integers(0, 200))
def test_the_supply_is_what_the_slow_twin_says_and_nothing_is_lost(start, share, path, cooldown_hours):
    """To one millionth a step in each place, since the twin multiplies exactly; the sum is exact in both."""
    supply, now = Supply.of(start, share), 0
    places = (supply.free, supply.staked, {}, 0)
    for k, (rate, hours, most) in enumerate(path, 1):
        now += hours * HOUR_US
        supply.leave(rate, hours * 3600.0, now, cooldown_hours * HOUR_US)
        supply.thaw(now)
        burned = min(supply.queue, most)
        supply.burn(burned)
        places, _ = twin_step(places, rate, hours / 24, now, cooldown_hours * HOUR_US, most)
        supply.mint_to_staked(k)
        places = (places[0], places[1] + k, places[2], places[3])
        assert supply.free + supply.staked + supply.in_cooldown + supply.queue == supply.total
        assert supply.minted - supply.burned == supply.total
        got = (supply.free, supply.staked, supply.in_cooldown, supply.queue)
        by_rule = (places[0], places[1], sum(places[2].values()), places[3])
        assert all(abs(a - b) <= 3 * k for a, b in zip(got, by_rule, strict=True))
