"""The engines of other venues and the oracle mark against their slow twins, one account and one price at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.engines import BACKSTOP, TIER_FOK
from sim.kernels.ledger import FUND
from sim.kernels.margin import TIER
from sim.kernels.marks import ORACLE, PRICE
from sim.kernels.memory import allocate_books
from sim.schema import EVENT_FORCED, EVENT_TAKEOVER
from tests.market.drivers import oracle_step, submit_many
from tests.market.rig import FIRST, Rig
from tests.market.small import DROP, market_of, venue_of
from tests.reference_market.engines import Desk
from tests.reference_market.marks import OracleMark

STEEP = np.array([(8_000, 10_000, 0, 0), (20_000, 25_000, 120, 0), (1 << 62, 50_000, 620, 0)], TIER)
SLOW = [(8_000, 10_000), (20_000, 25_000), (None, 50_000)]
KINDS = {EVENT_FORCED: "forced", EVENT_TAKEOVER: "takeover"}
MODEL = {"large": 10_000, "large_ppm": 200_000, "cooldown_us": 3_000_000, "backstop_ppm": 666_667}

ladders = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 400)), max_size=5, unique_by=lambda level: level[0])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([TIER_FOK, BACKSTOP]),
    st.integers(1, 600),
    st.booleans(),
    st.integers(5, 120),
    ladders,
    ladders,
    st.lists(st.integers(130, 270), min_size=1, max_size=6),
)
def test_scan_after_scan_equals_the_slow_rules(kind, size, is_long, leverage, below, above, marks):
    lots = size if is_long else -size
    cash = size * 100 // leverage - lots * 100
    bids = sorted(((100 - d, n) for d, n in below), reverse=True)
    asks = sorted((100 + d, n) for d, n in above)
    slow = Desk(cash, lots, list(bids), list(asks), SLOW, 300_000, **MODEL)
    names = {"large_micro": 10_000, "large_share_ppm": 200_000, "cooldown_us": 3_000_000, "backstop_ppm": 666_667}
    rig = Rig([cash], [lots], [100], bids, asks, STEEP, order_bound_ppm=300_000, kind=int(kind), **names)
    totals = rig.totals()
    waits, now = False, 0
    for mark in marks:
        rig.price["mark_half_ticks"] = mark
        events = rig.scan(mark)
        slow.events.clear()
        if waits or not slow.is_safe(mark):
            waits = slow.fok(mark) if kind == TIER_FOK else slow.backstop(mark, now)
        now += 1_000_000
        row = rig.accounts[FIRST]
        got = [(KINDS[e["kind"]], e["lots"], e["price_ticks"], e["cash_micro"]) for e in events]
        assert got == slow.events
        assert (row["cash_micro"], row["held_lots"], row["forced_again_us"]) == (slow.cash, slow.lots, slow.again_us)
        assert (rig.accounts[FUND]["cash_micro"], rig.books.positions[0, FUND]) == (slow.fund_cash, slow.fund_lots)
        assert int(rig.engine[0]["n_queue"]) == waits
        assert rig.totals() == totals


def test_a_large_position_is_cut_by_a_fifth_and_the_rest_goes_after_the_pause():
    """MODEL 2.6: 20% first, 30 s, then the rest; what is left of the collateral stays with the user."""
    names = {"large_micro": 10_000, "large_share_ppm": 200_000, "cooldown_us": 30_000_000, "backstop_ppm": 666_667}
    rig = Rig([-500 * 95], [500], [100], [(96, 10_000)], tiers=STEEP, kind=int(BACKSTOP), **names)
    sold = {}
    for second in range(40):
        for event in rig.scan(2 * 98):  # equity 1,500 of a requirement of 1,830
            sold[second] = (int(event["kind"]), int(event["lots"]))
    assert sold == {0: (EVENT_FORCED, -100), 30: (EVENT_FORCED, -400)}
    assert rig.accounts[FIRST]["cash_micro"] == 500 * (96 - 95) and rig.accounts[FUND]["cash_micro"] == 0


def test_the_lowest_tier_is_taken_over_at_its_bankruptcy_price_and_a_higher_one_goes_down_a_tier():
    rig = Rig([-70 * 99, -150 * 98], [70, 150], [100, 100], [(99, 10_000)], tiers=STEEP, kind=int(TIER_FOK))
    events = rig.scan(2 * 99 + 1)
    found = [(int(e["kind"]), int(e["account"]) - FIRST, int(e["lots"]), int(e["price_ticks"])) for e in events]
    assert found == [(EVENT_TAKEOVER, 0, 70, 99), (EVENT_FORCED, 1, -(150 - 16_000 // 199), 99)]


touches = st.one_of(st.none(), st.tuples(st.integers(900, 1000), st.integers(1, 30), st.integers(880, 1050)))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(1800, 2100), touches, st.one_of(st.none(), st.integers(1800, 2100))), max_size=9))
def test_the_oracle_mark_equals_the_slow_rules_with_any_input_missing(steps):
    price, slow = np.zeros(1, PRICE), OracleMark()
    price["mark_rule"], price["index_given"], price["sample_every_us"] = ORACLE, 1, 3_000_000
    price["basis_kept"], price["touch_kept"] = np.exp(-3 / 150), np.exp(-3 / 30)
    price["mark_half_ticks"] = price["mid_half_ticks"] = mid = 2000
    for k, (index, touch, others) in enumerate(steps):
        books = allocate_books([256, 64], 8, 9, 2, 1)
        seen = None
        if touch is not None:
            bid, spread, last = touch
            submit_many(np.array([(0, 0, bid, 1, 0, 0), (0, 1, bid + spread, 1, 1, 0)], np.int64), *books)
            books.book["last_ticks"][0] = last if k else 0
            mid, seen = 2 * bid + spread, (bid, bid + spread, last if k else 0)
        price["given_half_ticks"], price["others_half_ticks"] = index, others or 0
        before = int(price[0]["mark_half_ticks"])
        oracle_step(np.int64(3_000_000 * k), price, *books)
        assert int(price[0]["mark_half_ticks"]) == slow.step(index, mid, seen, others)
        assert int(price[0]["previous_half_ticks"]) == before
        price["given_half_ticks"] = index + 500
        oracle_step(np.int64(3_000_000 * k + 2_999_999), price, *books)  # nothing moves between points of the lattice
        assert int(price[0]["index_half_ticks"]) == index


DEX = {
    "mark": {"formula": "oracle", "basis_sample": 3.0, "touch_window": 30.0},
    "engine": {
        "kind": "backstop", "scan_every": 3.0, "large_order": 20_000.0, "large_share": 0.2, "cooldown": 30.0,
        "backstop_below": 0.666667, "clearance_fee": 0.0,
    },
}  # fmt: skip
CRASH = DROP | {"over": "20s", "move": "-12%"}


def crashed(**over):
    market = market_of(venue=venue_of(**over), shocks=[CRASH], clearing={"fund_scale": 0.0})
    market.audit = True
    market.run_until(240.0)
    return market


def test_the_vaults_market_acts_on_the_lattice_and_nothing_is_lost():
    market = crashed(**DEX)
    events = market.collect().events
    forced = events[np.isin(events["kind"], [EVENT_FORCED, EVENT_TAKEOVER])]
    assert len(forced) > 10 and set(forced["kind"].tolist()) == {EVENT_FORCED, EVENT_TAKEOVER}
    assert (forced["time_us"] % 3_000_000 == 1_000_000).all()  # the end of the tick that began with a new mark
    again = crashed(**DEX)
    assert (again.collect().events == events).all()


@pytest.mark.parametrize("kind", ["tiered_ioc", "tier_fok"])
def test_engines_of_ranked_venues_conserve_and_differ(kind):
    market = crashed(engine={"kind": kind})
    events = market.collect().events
    assert (events["kind"] == EVENT_TAKEOVER).sum() > 3
    if kind == "tier_fok":
        other = crashed(engine={"kind": "tiered_ioc"}).collect().events
        assert len(other) != len(events) or (other != events).any()
