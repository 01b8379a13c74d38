"""Funding: premium, rate, shelf and cap, payments to the micro-dollar (MODEL 2.5, 6.2.14; laws C1, C5, C10)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.calculator.doors import payment_of, rate_of
from sim.kernels.ledger import FEES, PERP
from sim.kernels.memory import allocate_books
from sim.schema import EVENT_FUNDING
from tests.market.drivers import premium_of, submit_many
from tests.market.small import DROP, market_of
from tests.reference_market import funding

BASE, CLAMP, CAP = 100_000, 500_000, 3_000_000  # 0.01%, 0.05%, 0.75 x 0.4%, in 1e-9
EIGHT = {"start_utc": "2025-10-10T23:55:00Z"}  # five minutes before a payment

levels = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 40)), max_size=6, unique_by=lambda level: level[0])


@settings(max_examples=150, deadline=None)
@given(levels, levels, st.integers(18_000, 22_000), st.integers(1, 50_000_000))
def test_premium_equals_the_slow_rules(below, above, index, impact_micro):
    bids = sorted(((10_000 - d, lots) for d, lots in below), reverse=True)
    asks = sorted((10_000 + d, lots) for d, lots in above)
    books = allocate_books([1024, 64], 64, 65, 2, 1)
    rows = [(0, 0, p, n, 0, 0) for p, n in bids] + [(0, 1, p, n, 1, 0) for p, n in asks]
    submit_many(np.array(rows, np.int64).reshape(-1, 6), *books)
    got = premium_of(np.int64(index), np.int64(100), np.int64(impact_micro), *books)
    assert int(got) == funding.premium_ppb(bids, asks, index, 100, impact_micro)


@settings(max_examples=200, deadline=None)
@given(st.integers(-10_000_000, 10_000_000))
def test_rate_has_a_flat_shelf_then_follows_and_ends_at_the_cap(premium):
    """6.2.14: within 0.05% of the base the rate is the base exactly; outside it P -+ 0.05%, never beyond the cap."""
    got = int(rate_of(*(np.int64(v) for v in (premium, BASE, CLAMP, CAP))))
    assert got == funding.rate_ppb([(1, premium)], BASE, CLAMP, CAP)
    if abs(premium - BASE) <= CLAMP:
        assert got == BASE
    elif abs(got) < CAP:
        assert got == premium + (CLAMP if premium < BASE else -CLAMP)
    assert abs(got) <= CAP


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=9), st.integers(1, 4_000_000), st.integers(-CAP, CAP)
)
def test_payments_round_against_the_account_and_leave_less_than_one_unit_each(positions, mark, rate):
    positions = [*positions, -sum(positions)]
    got = [int(payment_of(*(np.int64(v) for v in (p, mark, 100, rate, 1)))) for p in positions]
    assert got == funding.payments(positions, mark, 100, rate)
    assert 0 <= sum(got) < len(positions)


@pytest.mark.parametrize("rate", ["1bp", "-2bp"])
def test_a_payment_moves_cash_between_longs_and_shorts_and_nothing_else(rate):
    """The whole change of every account in the tick of the payment is what the slow rules say (C10)."""
    market = market_of(**EIGHT)
    market.audit = True
    state = market.state
    price = state.price[0]
    market.run_until(299.0)
    price["base_ppb"] = 100_000 if rate == "1bp" else -200_000
    price["clamp_ppb"] = 1_000_000_000  # whatever the samples say, the rate is the base
    state.engine[0]["next_scan_us"] = 10**15
    market.run_until(300.0)
    before, positions = state.accounts.copy(), state.books.positions[PERP].copy()
    market.run_until(301.0)
    assert int(price["rate_ppb"]) == (100_000 if rate == "1bp" else -200_000)
    paid = funding.payments(
        [int(p) for p in positions], int(price["mark_half_ticks"]), int(state.rules[0]["micro_per_tick_lot"]),
        int(price["rate_ppb"]),
    )  # fmt: skip
    people = slice(int(state.engine[0]["first_watched"]), int(state.engine[0]["end_watched"]))  # trade nothing here
    change = before["cash_micro"][people] - state.accounts["cash_micro"][people]
    assert change.tolist() == paid[people]
    (event,) = [row for row in market.collect().events if row["kind"] == EVENT_FUNDING]
    assert event["cash_micro"] == sum(p for p in paid if p > 0)
    assert event["account"] == FEES
    rows = market.collect().series
    assert rows["funding_micro"].sum() == event["cash_micro"]
    assert rows["funding_rate_frac"][-1] == pytest.approx(float(price["rate_ppb"]) * 1e-9)


def test_every_hung_account_has_its_last_safe_mark_of_now_after_a_payment():
    """Who paid can be liquidated earlier: the engine's filter knows it in the same tick."""
    market = market_of(**EIGHT)
    state = market.state
    before = state.accounts["liquidation_half_ticks"].copy()
    state.price[0]["cap_ppb"] = 0
    market.run_until(299.0)
    state.price["cap_ppb"], state.price["base_ppb"], state.price["clamp_ppb"] = CAP, CAP, 1_000_000_000
    market.run_until(310.0)
    after = state.accounts["liquidation_half_ticks"]
    longs = (state.books.positions[PERP] > 0) & (state.accounts["bucket"] >= 0)
    assert longs.sum() > 50
    assert (after[longs] >= before[longs]).all() and (after[longs] > before[longs]).mean() > 0.9


def test_without_payments_the_rate_stays_in_the_mark_and_cash_where_it_is():
    on, off = (market_of(**EIGHT, clearing={"funding": flag}) for flag in (True, False))
    for market in (on, off):
        market.run_until(330.0)
    assert on.collect().series["funding_micro"].sum() > 0
    assert off.collect().series["funding_micro"].sum() == 0
    assert (off.collect().series["funding_rate_frac"] == on.collect().series["funding_rate_frac"]).all()


def test_a_falling_perp_turns_the_rate_down():
    """A perp sold below the index has a negative premium: the next rate is below the base."""
    sale = {"kind": "flow", "at": "10s", "over": "250s", "side": "sell", "notional": "$2m"}
    calm, sold = market_of(**EIGHT), market_of(**EIGHT, shocks=[sale])
    for market in (calm, sold):
        market.audit = True
        market.run_until(305.0)
    assert int(calm.state.price[0]["rate_ppb"]) == BASE
    assert int(sold.state.price[0]["rate_ppb"]) < BASE


def test_the_clock_of_payments_counts_from_midnight():
    market = market_of(**EIGHT, shocks=[DROP], duration="20m")
    market.run_until(1200.0)
    events = market.collect().events
    assert events["time_us"][events["kind"] == EVENT_FUNDING].tolist() == [300_000_000]
