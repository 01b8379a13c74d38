"""Order of loss: account, fund, auto-deleveraging, declared deficit (L7, L8; MODEL 2.7, 6.2.12; laws C6, C7)."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sim.kernels.ledger import FUND, PERP
from sim.market import Market
from sim.schema import EVENT_ADL, EVENT_FORCED, EVENT_TAKEOVER
from tests.market.drivers import scores_of
from tests.market.rig import FIRST, Rig
from tests.market.small import DROP, PASSIVE, market_of, venue_of
from tests.reference_market import deleveraging as twin
from tests.reference_market import rules

CRASH = DROP | {"over": "5s", "move": "-15%"}
MARK = 90.0
# size, entry, collateral of four shorts (MODEL 6.2.12)
SHORTS = {"A": (10, 100, 50), "B": (20, 95, 400), "C": (10, 91, 30), "D": (15, 105, 2000)}


def scores(size: float, entry: float, collateral: float) -> tuple[float, float, float]:
    pnl, notional = size * (entry - MARK), size * MARK
    values = (pnl, collateral, 0.01 * notional, size * entry, notional, collateral + pnl, MARK, float(entry))
    return tuple(scores_of(*(np.float64(v) for v in values), np.int64(-1)))


def test_rankings_of_the_worked_example():
    """6.2.12: BitMEX-type A .600 C .247 B .190 D .087; Hyperliquid index C 22.75 A 6.67 B 3.80 D 0.708."""
    by_name = {name: scores(*short) for name, short in SHORTS.items()}
    assert {n: round(s[1], 3) for n, s in by_name.items()} == {"A": 0.6, "B": 0.189, "C": 0.247, "D": 0.087}
    assert {n: round(s[2], 2) for n, s in by_name.items()} == {"A": 6.67, "B": 3.8, "C": 22.75, "D": 0.71}
    assert sorted(by_name, key=lambda n: -by_name[n][1])[:2] == ["A", "C"]
    assert sorted(by_name, key=lambda n: -by_name[n][2])[:2] == ["C", "A"]
    # LeveragePnL by hand for A: 100/50 x 9/150
    assert by_name["A"][0] == pytest.approx(0.12)


def crashed(**over: Any) -> Market:
    market = market_of(shocks=[CRASH], **{"clearing": {"fund_scale": 0.0}} | over)
    market.audit = True
    market.run_until(120.0)
    return market


@pytest.mark.parametrize("ranking", ["leverage_pnl", "pnl_leverage", "index"])
def test_without_a_fund_counterparties_bear_the_loss_and_both_legs_are_equal(ranking):
    market = market_of(
        venue=venue_of(adl_ranking=ranking), shocks=[CRASH], clearing={"fund_scale": 0.0}, leveraged=PASSIVE
    )
    market.audit = True
    start = market.state.accounts.copy()
    market.run_until(120.0)
    arrays, accounts = market.collect(), market.state.accounts
    adl = arrays.events[arrays.events["kind"] == EVENT_ADL]
    assert len(adl) > 3
    assert arrays.series["adl_lots"].sum() == np.abs(adl["lots"]).sum() == accounts["adl_lots"].sum()
    taken = arrays.events[arrays.events["kind"] == EVENT_TAKEOVER]
    assert accounts["taken_lots"].sum() == np.abs(adl["lots"]).sum() + np.abs(taken["lots"]).sum()
    assert (adl["account"] != FUND).all()
    assert (start["held_lots"][adl["account"]] < 0).all()  # a long was deleveraged: only shorts close against it
    gone = (accounts["taken_lots"] != 0) & (accounts["held_lots"] == 0)
    assert (accounts["cash_micro"][gone] == 0).all()


def test_a_large_fund_leaves_everyone_alone():
    market = market_of(shocks=[CRASH], clearing={"fund_scale": 1.0})
    market.audit = True
    market.run_until(120.0)
    series = market.collect().series
    assert series["takeover_lots"].sum() > 0
    assert series["adl_lots"].sum() == 0 and series["deficit_micro"].max() == 0


def test_with_deleveraging_off_the_deficit_is_declared():
    on, off = crashed(), crashed(clearing={"fund_scale": 0.0, "adl": False})
    assert off.collect().series["adl_lots"].sum() == 0
    series = off.collect().series
    assert (series["deficit_micro"] == np.maximum(0, -series["fund_micro"])).all()
    assert series["deficit_micro"].max() > on.collect().series["deficit_micro"].max()


@pytest.mark.parametrize("rule", [0, 1, 2])
def test_counterparties_of_one_score_come_in_the_order_of_their_keys(rule):
    """Twelve shorts of three entries, four alike of each; keys in no order of rows. No fund."""
    draws = np.random.default_rng(rule)
    entries, lots = np.repeat([110, 104, 120], 4), 10
    rig = Rig([-90 * 95, *(lots * entries + 400)], [90, *[-lots] * 12], [100, *entries], adl_on=1, adl_rule=rule)
    rig.accounts["key"][FIRST + 1 :] = keys = draws.permutation(12)
    events = rig.scan(2 * 90)
    order = events["account"][events["kind"] == EVENT_ADL].tolist()
    shorts = [[lots * int(entry) + 400, -lots, -lots * int(entry)] for entry in entries]
    name = ("leverage_pnl", "pnl_leverage", "index")[rule]
    by_entry = {e: twin.score(shorts[i], Fraction(90), name, Fraction(1, 100)) for i, e in enumerate(entries)}
    assert len(set(by_entry.values())) == 3
    best = sorted(range(12), key=lambda i: (-by_entry[entries[i]], keys[i]))
    assert order == [FIRST + 1 + i for i in best[:9]]


def test_no_counterparty_is_left_without_equity_and_who_has_no_position_never_pays():
    market = market_of(shocks=[CRASH], clearing={"fund_scale": 0.0})
    market.audit = True
    seen = 0
    for second in range(60, 120):
        before = market.state.accounts.copy()
        n = int(market.state.clock[0]["n_events"])
        market.run_until(float(second + 1))
        events = market.state.events[n : int(market.state.clock[0]["n_events"])]
        adl = events[events["kind"] == EVENT_ADL]
        flat = before["held_lots"][adl["account"]] == 0
        makers = before["is_maker"][adl["account"]] == 1  # may have opened within the tick
        assert not (flat & ~makers & (before["leveraged"][adl["account"]] == 1)).any()
        state = market.state
        watched = np.unique(adl["account"][before["leveraged"][adl["account"]] == 1])
        mark, unit = int(state.price[0]["mark_half_ticks"]), int(state.rules[0]["micro_per_tick_lot"])
        equity = state.accounts["cash_micro"][watched] + state.books.positions[PERP][watched] * mark * unit // 2
        assert (equity >= 0).all()
        # L7: at each closing against a counterparty the fund could not have paid for a lot more (fees may come later)
        cash, lots = int(before["cash_micro"][FUND]), int(before["held_lots"][FUND])
        for event in events:
            if event["kind"] in (EVENT_FORCED, EVENT_TAKEOVER):
                cash += int(event["cash_micro"])
                lots += int(event["lots"]) if event["kind"] == EVENT_TAKEOVER else 0
            elif event["kind"] == EVENT_ADL:
                loss_a_lot = abs(int(event["price_ticks"]) * 2 - mark) * unit // 2 + unit
                assert cash + lots * mark * unit // 2 <= loss_a_lot
                seen += 1
    assert seen > 3


def test_counterparties_come_in_the_order_of_the_slow_rule():
    """LeveragePnL of each watched short, computed anew from its state before the tick, never rises along the events."""
    venue = venue_of()
    tiers = [
        (None if t.up_to is None else round(t.up_to * 10**6), round(t.maintenance * 10**6)) for t in venue.margin_tiers
    ]
    market = market_of(venue=venue, shocks=[CRASH], clearing={"fund_scale": 0.0})
    compared = 0
    for second in range(60, 120):
        before = market.state.accounts.copy()
        n = int(market.state.clock[0]["n_events"])
        market.run_until(float(second + 1))
        events = market.state.events[n : int(market.state.clock[0]["n_events"])]
        mark, unit = int(market.state.price[0]["mark_half_ticks"]), int(market.state.rules[0]["micro_per_tick_lot"])
        scores = []
        for c in dict.fromkeys(events["account"][events["kind"] == EVENT_ADL].tolist()):
            row = before[c]
            if row["leveraged"] != 1:
                continue
            lots, cash, cost = int(row["held_lots"]), int(row["cash_micro"]), int(row["entry_micro"])
            pnl, need = lots * mark * unit / 2 - cost, rules.requirement(Fraction(-lots * mark * unit, 2), tiers)
            scores.append(pnl / (cash + cost) * float(need) / (cash + cost + pnl))
        assert all(b <= a * (1 + 1e-9) for a, b in pairwise(scores))
        compared += max(0, len(scores) - 1)
    assert compared > 5
