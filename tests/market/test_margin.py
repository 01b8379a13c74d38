"""Margin: kernel equals the slow rules; the liquidation price is a root; rounding goes against the account (L6, L9)."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.build import tier_table
from sim.calculator.doors import rate_up_of
from sim.kernels.margin import TIER
from sim.venues.profile import load_profile
from tests.market.drivers import margin_of, mark_of, nearest_marks
from tests.reference_market import rules

UNIT = 100
CEILING = 9_337_600  # four times 116,720 dollars, in half ticks of 0.1
VENUE = load_profile("cex_a")
TABLE = tier_table(VENUE)
SLOW = [(None if t.up_to is None else round(t.up_to * 10**6), round(t.maintenance * 10**6)) for t in VENUE.margin_tiers]

sizes = st.one_of(st.integers(1, 100), st.integers(1, 2_500_000))
leverages = st.fractions(Fraction(1), Fraction(50), max_denominator=1000)
marks = st.integers(1_000_000, 3_500_000)


def ask(cash: int, position: int, mark: int, fee_ppm: int = 12_500) -> tuple[int, ...]:
    values = margin_of(
        *(np.int64(v) for v in (cash, position, mark, UNIT)), TABLE, np.int64(CEILING), np.int64(fee_ppm)
    )
    return tuple(int(v) for v in values)


def account(size: int, is_long: bool, entry: int, leverage: Fraction) -> tuple[int, int]:
    """Cash and position after opening at ``entry`` half ticks."""
    position = size if is_long else -size
    margin = size * entry * UNIT // 2 * leverage.denominator // leverage.numerator
    return margin - position * entry * UNIT // 2, position


def test_tier_deductions_reproduce_the_published_ones():
    """MODEL 6.2.14: cumulative 50, 950, 11,450, 131,450, 481,450, 2,981,450 dollars."""
    assert [int(d) // 10**6 for d in TABLE["deduction_micro"][1:7]] == [50, 950, 11_450, 131_450, 481_450, 2_981_450]


def test_maintenance_is_continuous_at_every_edge():
    for (edge, _), row in zip(SLOW[:-1], TABLE[1:], strict=True):
        at_edge = rules.requirement(Fraction(edge), SLOW)
        above = Fraction(edge) * Fraction(int(row["maintenance_ppm"]), 10**6) - int(row["deduction_micro"])
        assert at_edge == above


@settings(max_examples=300, deadline=None)
@given(sizes, st.booleans(), marks, leverages, marks)
def test_kernel_equals_the_slow_rules(size, is_long, entry, leverage, mark):
    cash, position = account(size, is_long, entry, leverage)
    equity, need, liquidatable, _, close, _ = ask(cash, position, mark)
    assert equity == rules.equity(cash, position, mark, UNIT)
    assert bool(liquidatable) == rules.is_liquidatable(cash, position, mark, UNIT, SLOW)
    assert (equity < need) == bool(liquidatable)
    assert close == rules.close_to_comply(cash, position, mark, UNIT, SLOW, 12_500)


@settings(max_examples=300, deadline=None)
@given(sizes, st.booleans(), marks, leverages)
def test_last_safe_mark_is_the_root_of_equity_equals_maintenance(size, is_long, entry, leverage):
    cash, position = account(size, is_long, entry, leverage)
    safe = ask(cash, position, entry)[3]
    worse = -1 if is_long else 1
    if 0 < safe < CEILING:
        assert not rules.is_liquidatable(cash, position, safe, UNIT, SLOW)
        assert rules.is_liquidatable(cash, position, safe + worse, UNIT, SLOW)
        root = rules.exact_root(cash, position, UNIT, SLOW)
        assert root is not None
        # within one half tick of the real root; two micro-dollars of rounding may cost a one-lot account one more
        # half tick
        slack = 1 + Fraction(2 * 2, size * UNIT)
        assert abs(safe - root) <= slack


@settings(max_examples=1000, deadline=None)
@given(
    st.one_of(st.integers(1, 100), st.integers(1, 10**8)),
    st.booleans(),
    st.integers(1, 4_000_000),
    st.one_of(
        st.fractions(Fraction(-1), Fraction(2), max_denominator=1000), st.just(Fraction(0)), st.just(Fraction(9))
    ),
    st.integers(-2, 2),
    st.sampled_from([1, 2, 3, 25, 100, 1001]),
    st.sampled_from([CEILING, 1000, 1, 0]),
    st.sampled_from([1_000_000, 1_100_000, 1_500_000]),
)
def test_search_from_a_guess_ends_where_halving_all_marks_ends(
    size, is_long, entry, margin, rest, unit, ceiling, multiple_ppm
):
    """Nothing to lose, nothing left, both ends of the ladder, edges of tiers, and accounts of a micro-dollar a tick."""
    position, value = size if is_long else -size, size * entry * unit // 2
    cash = int(margin * value) + rest - (value if is_long else -value)
    got = nearest_marks(
        *(np.int64(v) for v in (cash, position, unit)), TABLE, np.int64(ceiling), np.int64(multiple_ppm)
    )
    times = Fraction(multiple_ppm, 10**6)
    assert got[0] == rules.last_safe(cash, position, unit, SLOW, ceiling)
    assert got[1] == rules.last_safe(cash, position, unit, SLOW, ceiling, times)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 10**6), st.booleans(), st.integers(-(10**12), 10**12), st.sampled_from([1, 3, 100]),
    st.sampled_from([(1_000_000,), (999_999,), (10_000, 1_000_000), (10_000, 500_000, 990_000)]),
    st.sampled_from([1_000_000, 1_005_000]),
)  # fmt: skip
def test_search_where_maintenance_is_all_of_the_notional_or_nearly(size, is_long, cash, unit, rates, multiple_ppm):
    """A venue may ask for 100%: what equity has over does not move with the mark, and there is no zero to begin at."""
    edges = [10**9 * 10**k for k in range(len(rates) - 1)]
    slow = list(zip([*edges, None], rates, strict=True))
    deductions = [int(d) for d in rules.deductions(slow)]
    tiers = np.array([(e or 1 << 62, r, d, r) for (e, r), d in zip(slow, deductions, strict=True)], TIER)
    numbers = (np.int64(v) for v in (cash, size if is_long else -size, unit))
    got = nearest_marks(*numbers, tiers, np.int64(CEILING), np.int64(multiple_ppm))
    assert got[0] == rules.last_safe(cash, size if is_long else -size, unit, slow, CEILING)
    assert 0 <= got[1] <= CEILING


@settings(max_examples=200, deadline=None)
@given(sizes, st.booleans(), marks, leverages)
def test_equity_is_zero_at_bankruptcy_within_one_half_tick(size, is_long, entry, leverage):
    cash, position = account(size, is_long, entry, leverage)
    price = ask(cash, position, entry)[5]
    exact = Fraction(-2 * cash, position * UNIT)
    assert price == max(0, -((2 * cash) // (position * UNIT)))
    assert 0 <= price - max(exact, Fraction(0)) < 1


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 61), st.integers(-500, 500_000))
def test_fees_round_up_for_who_pays_and_down_for_who_receives(amount, rate):
    fee = int(rate_up_of(np.int64(amount), np.int64(rate)))
    exact = Fraction(amount * rate, 10**6)
    assert 0 <= fee - exact < 1


@settings(max_examples=200, deadline=None)
@given(
    marks,
    st.lists(st.integers(-5000, 5000), min_size=30, max_size=30),
    marks,
    st.integers(0, 28_800),
    st.integers(-3_000_000, 3_000_000),
)
def test_mark_is_the_median_of_the_three_prices(index, samples, last, left_s, rate_ppb):
    got = mark_of(
        np.int64(index),
        np.int64(sum(samples)),
        np.int64(30),
        np.int64(last),
        np.int64(rate_ppb),
        np.int64(left_s * 10**6),
        np.int64(28_800 * 10**6),
    )
    assert int(got) == rules.mark_price(index, samples, last, rate_ppb, left_s)


def test_one_wick_does_not_move_the_mark():
    """MODEL 2.3 (i): last far off, index and basis average unmoved."""
    calm = mark_of(*(np.int64(v) for v in (2_000_000, 0, 30, 2_000_000, 0, 0, 10**6)))
    wick = mark_of(*(np.int64(v) for v in (2_000_000, 0, 30, 1_600_000, 0, 0, 10**6)))
    assert int(calm) == int(wick) == 2_000_000


def test_table_is_what_the_kernel_reads():
    assert TABLE.dtype == TIER
