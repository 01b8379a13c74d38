"""Rules that rank nobody: pro rata, haircut and the least squares, and the vault's closing at the previous mark."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.adl import ADL_RULES, HAIRCUT, INDEX, OPTIMAL, PRO_RATA
from sim.kernels.engines import BACKSTOP
from sim.kernels.ledger import FUND
from sim.schema import EVENT_ADL, EVENT_HAIRCUT, EVENT_TAKEOVER
from tests.market.drivers import split_capped_of
from tests.market.rig import FIRST, Rig
from tests.market.small import DROP, PASSIVE, market_of, venue_of
from tests.reference_market import loss_shares
from tests.reference_market.socialise import settle

MARK = 90
# size, entry, collateral of four shorts (MODEL 6.2.12); a long of 20 is bankrupt at 93
SHORTS = {"A": (10, 100, 50), "B": (20, 95, 400), "C": (10, 91, 30), "D": (15, 105, 2000)}
UNIT = 1000


def example(lots_scale: int = 1, **engine: int) -> Rig:
    sizes, entries, collateral = (np.array(x) for x in zip(*SHORTS.values(), strict=True))
    cash = [-20 * 93 * UNIT, *((collateral + sizes * entries) * UNIT)]
    lots = np.array([20, *-sizes])
    return Rig(
        np.array(cash) * lots_scale, lots * lots_scale, [100, *entries], unit=UNIT, adl_on=1,
        large_micro=1 << 60, large_share_ppm=200_000, backstop_ppm=666_667, **engine,
    )  # fmt: skip


def test_the_haircut_of_the_worked_example():
    """6.2.12: a deficit of 60 dollars of 435 of profit; shares 4.598/4.598/.460/10.345 of 20, so three times these."""
    rig = example(adl_rule=int(HAIRCUT))
    before, totals, interest = rig.equity(2 * MARK), rig.totals(), int(rig.clock[0]["open_interest_lots"])
    events = rig.scan(2 * MARK)
    assert events["kind"].tolist() == [EVENT_TAKEOVER] + [EVENT_HAIRCUT] * 4
    paid = (before - rig.equity(2 * MARK))[FIRST + 1 :]
    assert np.round(paid / UNIT / 3, 3).tolist() == [4.598, 4.598, 0.46, 10.345]
    assert int(paid.sum()) == 60 * UNIT and rig.equity(2 * MARK)[FUND] == 0
    assert (rig.totals(), int(rig.clock[0]["open_interest_lots"])) == (totals, interest)  # no position was closed


def test_pro_rata_of_the_worked_example():
    rig = example(lots_scale=1000, adl_rule=int(PRO_RATA))
    totals = rig.totals()
    adl = rig.scan(2 * MARK)[1:]
    assert (adl["kind"] == EVENT_ADL).all() and (adl["price_ticks"] == 93).all()
    assert np.round(adl["lots"] / 1000, 3).tolist() == [3.636, 7.273, 3.636, 5.455]
    assert rig.books.positions[0, FUND] == rig.accounts[FUND]["cash_micro"] == 0
    assert rig.totals() == totals


def test_the_least_squares_weigh_equity_and_stop_at_the_profit():
    """x = min(profit, level x equity): equities 150, 500, 40, 2,225 share 60; C's 10 of profit does not bind."""
    rig = example(adl_rule=int(OPTIMAL))
    before = rig.equity(2 * MARK)
    rig.scan(2 * MARK)
    paid = (before - rig.equity(2 * MARK))[FIRST + 1 :] / UNIT
    assert np.round(paid, 3).tolist() == [round(60 * e / 2915, 3) for e in (150, 500, 40, 2225)]


@pytest.mark.parametrize(("rule", "order"), [(INDEX, "CA"), (PRO_RATA, "ABCD")])
def test_a_vault_below_zero_is_closed_at_the_previous_mark(rule, order):
    rig = example(lots_scale=10, kind=int(BACKSTOP), adl_rule=int(rule))
    rig.price["previous_half_ticks"] = 2 * 91
    before, totals = rig.equity(2 * MARK), rig.totals()
    events = rig.scan(2 * MARK)
    assert events["kind"].tolist() == [EVENT_TAKEOVER] + [EVENT_ADL] * len(order)
    adl = events[1:]
    assert (adl["account"] - FIRST - 1).tolist() == ["ABCD".index(name) for name in order]
    assert (adl["price_ticks"] == 91).all() and adl["lots"].sum() == 200
    change = rig.equity(2 * MARK) - before
    assert change[FIRST + 1 :].sum() == -200 * UNIT  # one dollar a coin above the mark
    assert rig.accounts[FUND]["cash_micro"] == -200 * 2 * UNIT  # 93 - 91 stays the vault's deficit
    assert rig.accounts[FUND]["taken_lots"] == 0 and rig.totals() == totals


def test_a_vault_in_the_black_deleverages_nobody():
    rig = example(kind=int(BACKSTOP), adl_rule=int(INDEX))
    rig.accounts[FUND]["cash_micro"] = 60 * UNIT
    rig.price["previous_half_ticks"] = 2 * 91
    assert rig.scan(2 * MARK)["kind"].tolist() == [EVENT_TAKEOVER]


@pytest.mark.parametrize("rule", [HAIRCUT, PRO_RATA, OPTIMAL, INDEX])
def test_who_is_exempt_bears_nothing(rule):
    rig = example(adl_rule=int(rule))
    rig.accounts["adl_exempt"][FIRST + 1] = rig.accounts["adl_exempt"][FIRST + 3] = 1
    events = rig.scan(2 * MARK)
    bore = events[np.isin(events["kind"], [EVENT_ADL, EVENT_HAIRCUT])]["account"] - FIRST - 1
    assert set(bore.tolist()) == ({1} if rule == INDEX else {1, 3})


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, 1 << 60),
    st.lists(st.tuples(st.integers(-5, 1 << 57), st.integers(-5, 1 << 57)), min_size=1, max_size=12),
)
def test_capped_splits_equal_the_slow_rules_and_are_the_least_sum_of_squares(amount, pairs):
    weights, caps = [w for w, _ in pairs], [c for _, c in pairs]
    out = np.zeros(len(pairs), np.int64)
    left = int(split_capped_of(np.int64(amount), np.array(weights, np.int64), np.array(caps, np.int64), out))
    assert (out.tolist(), left) == loss_shares.split_capped(amount, weights, caps)
    assert sum(out.tolist()) + left == amount
    assert all(0 <= x <= max(0, c) for x, c in zip(out.tolist(), caps, strict=True))
    # nobody below his cap bears less for his weight than anybody else, to a unit: no exchange makes the sum smaller
    for i, x in enumerate(out.tolist()):
        for j, y in enumerate(out.tolist()):
            if weights[i] > 0 and x + 1 < caps[i] and y > 1:
                assert (x + 1) * weights[j] >= (y - 1) * weights[i]


accounts = st.lists(
    st.tuples(st.integers(-300, 300), st.integers(60, 140), st.integers(0, 9_000)), min_size=1, max_size=7
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([HAIRCUT, PRO_RATA, OPTIMAL]), accounts, st.integers(-200, 200), st.integers(-30_000, 0),
    st.integers(160, 240),
)  # fmt: skip
def test_a_deficit_is_settled_as_the_slow_rules_say(rule, people, lots, equity, mark):
    """People far from liquidation, a fund that owes ``equity``; each event and all money compared."""
    people = [(n, entry, 60_000 + more) for n, entry, more in people]
    cash = [margin - n * entry for n, entry, margin in people]
    sizes = [n for n, _, _ in people]
    rig = Rig(cash, sizes, [entry for _, entry, _ in people], adl_on=1, adl_rule=int(rule))
    rig.books.positions[0, FUND] = rig.accounts[FUND]["held_lots"] = lots
    rig.accounts[FUND]["cash_micro"] = fund_cash = equity - (lots * mark >> 1)
    rig.books.positions[0, FIRST - 1] -= lots
    rig.accounts[FIRST - 1]["held_lots"] -= lots
    rig.accounts[FIRST - 1]["adl_exempt"] = 1  # the maker holds the other side of everything
    totals = rig.totals()
    costs = [n * entry for n, entry, _ in people]
    wanted = settle(ADL_RULES[rule], (fund_cash, lots, 0), list(zip(cash, sizes, costs, strict=True)), mark, 1)
    events = rig.scan(mark)
    got = [(int(e["account"]) - FIRST, int(e["lots"]), int(e["cash_micro"])) for e in events]
    assert got == wanted
    paid = {i: value for i, _, value in wanted}
    assert rig.accounts["cash_micro"][FIRST:].tolist() == [c - paid.get(i, 0) for i, c in enumerate(cash)]
    assert rig.totals() == totals


CRASH = DROP | {"over": "5s", "move": "-15%"}


@pytest.mark.parametrize("rule", ["pro_rata", "haircut", "optimal"])
def test_in_a_market_winners_cover_the_deficit_and_nothing_is_lost(rule):
    def run(**over):
        market = market_of(
            venue=venue_of(adl_ranking=rule, **over), shocks=[CRASH], clearing={"fund_scale": 0.0}, leveraged=PASSIVE
        )
        market.audit = True
        market.run_until(120.0)
        return market

    market = run()
    arrays = market.collect()
    kind = EVENT_ADL if rule == "pro_rata" else EVENT_HAIRCUT
    bore = arrays.events[arrays.events["kind"] == kind]
    assert len(bore) > 3
    assert arrays.series["adl_lots"].sum() == (np.abs(bore["lots"]).sum() if rule == "pro_rata" else 0)
    spared = run(adl_exempt=("makers", "hedgers", "arbitrage"))
    events = spared.collect().events
    assert (events["kind"] == kind).sum() > 0
    exempt = np.flatnonzero(spared.state.accounts["adl_exempt"])
    assert len(exempt) > 3 and not np.isin(events["account"][events["kind"] == kind], exempt).any()
