"""Legs of portfolios at engines that cut by tiers with FOK orders or hand over to a vault: look by look and scan by
scan against the slow rules. What deleveraging of one leg leaves of a hedge, and what it does then. Funding of legs.
"""

from collections import Counter

import numpy as np
import pytest

from sim.kernels.engines import BACKSTOP, TIER_FOK
from sim.kernels.ledger import FUND
from sim.kernels.margin import TIER
from sim.schema import EVENT_ADL
from tests.market.rig import FIRST, Rig
from tests.market.test_engines import KINDS, MODEL, SLOW, STEEP
from tests.network.joined import Joined
from tests.reference_market import funding
from tests.reference_market import portfolios as slow
from tests.reference_market.engines import Called, Desk

VAULT = {"large_micro": 10_000, "large_share_ppm": 200_000, "cooldown_us": 3_000_000, "backstop_ppm": 666_667}
TIERS = [(8_000, 10_000, 0), (20_000, 25_000, 120), (1 << 62, 50_000, 620)]


def drawn_books(draws) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Up to five levels below and above 100."""
    sides = []
    for sign in (-1, 1):
        away = draws.permutation(np.arange(1, 60))[: int(draws.integers(0, 6))]
        sides.append(sorted(((100 + sign * int(d), int(draws.integers(1, 400))) for d in away), reverse=sign < 0))
    return sides[0], sides[1]


def drawn(draws) -> tuple[Joined, slow.Book, list[Called]]:
    """One portfolio of a leg in each of two or three listings, whose engines are of both kinds, and its twin."""
    kinds = [str(k) for k in draws.permutation(["fok", "backstop", "fok", "backstop"])[: int(draws.integers(2, 4))]]
    rigs, book, called = [], slow.Book([]), []
    for k, kind in enumerate(kinds):
        lots = int(draws.integers(1, 600) * draws.choice([-1, 1]))
        cash = abs(lots) * 100 // int(draws.integers(8, 90)) - lots * 100 + int(draws.integers(-1_000, 1_000))
        bids, asks = drawn_books(draws)
        rigs.append(
            Rig([cash], [lots], [100], bids, asks, STEEP, order_bound_ppm=300_000,
                kind=int(TIER_FOK if kind == "fok" else BACKSTOP), **VAULT)
        )  # fmt: skip
        desk = Desk(cash, lots, list(bids), list(asks), SLOW, 300_000, **MODEL)
        book.legs.append(slow.Leg(k, cash, lots))
        called.append(Called(desk, kind))
    return Joined(rigs, [[(k, FIRST) for k in range(len(rigs))]]), book, called


def test_legs_of_portfolios_at_both_engines_equal_the_slow_rules_scan_after_scan():
    draws, seen = np.random.default_rng(3), Counter[str]()
    for _ in range(300):
        joined, book, legs = drawn(draws)
        n, now = len(legs), 0
        marks = draws.integers(185, 216, n)
        for tick in range(8):
            places = [slow.Place(int(mark), 1, 1, TIERS) for mark in marks]
            joined.portfolios.all["due"] = joined.portfolios.blocks["due"] = -1.0
            joined.look(marks.tolist(), tick)
            slow.look(book, places, 0)
            seen["called"] += book.is_called
            marks = np.clip(marks + draws.integers(-12, 13, n), 130, 270)  # the engine has newer ones
            for rig, one, leg, place in zip(joined.rigs, legs, book.legs, places, strict=True):
                desk = one.desk
                desk.cash, one.called, desk.fund_cash = leg.cash, leg.called, desk.fund_cash + place.fund
                place.mark = int(marks[leg.at])
                events = rig.scan(place.mark)
                desk.events.clear()
                one.scan(place.mark, now)
                leg.cash, leg.held, leg.called = desk.cash, desk.lots, one.called
                row = rig.accounts[FIRST]
                got = [(KINDS[e["kind"]], e["lots"], e["price_ticks"], e["cash_micro"]) for e in events]
                assert got == desk.events
                assert (row["cash_micro"], row["held_lots"], row["called"]) == (leg.cash, leg.held, leg.called)
                assert row["forced_again_us"] == desk.again_us
                assert rig.accounts[FUND]["cash_micro"] == desk.fund_cash
                assert rig.books.positions[0, FUND] == desk.fund_lots
                assert int(rig.engine[0]["n_queue"]) == one.waits
                seen[f"{one.kind} forced"] += sum(e[0] == "forced" for e in desk.events)
                seen[f"{one.kind} takeover"] += sum(e[0] == "takeover" for e in desk.events)
                seen[f"{one.kind} waits below zero"] += one.waits and slow.money(leg, place) < 0
            now += 1_000_000
            row = joined.portfolios.all[0]
            assert (row["is_called"], row["n_calls"]) == (book.is_called, book.n_calls)
    assert len(seen) == 7 and min(seen.values()) > 20, seen


# deleveraging and funding of legs


def hedged(adl: int) -> Joined:
    """A portfolio long 100 in one listing and short 100 in the other, where a long of 70 owes more than it has."""
    flat = np.array([(1 << 62, 10_000, 0, 0)], TIER)
    one = Rig([-100 * 100 + 1_500], [100], [100], [(p, 40) for p in range(99, 60, -1)], tiers=flat, fund=0)
    two = Rig([-70 * 95, 100 * 100], [70, -100], [100, 100], [(89, 5)], [(91, 500)], tiers=flat, fund=0, adl_on=adl)
    two.accounts["key"][FIRST:] = 5, 3
    return Joined([one, two], [[(0, FIRST), (1, FIRST + 1)]])


@pytest.mark.parametrize("is_deleveraged", [True, False])
def test_a_hedge_that_lost_a_leg_to_deleveraging_is_called_where_it_would_not_be(is_deleveraged):
    joined = hedged(int(is_deleveraged))
    one, two = joined.rigs
    joined.look([180, 180])
    row = joined.portfolios.all[0]
    safe = float(row["due"])
    assert safe > joined.portfolios.moved[0, 0]  # it would be left alone
    totals, cash = two.totals(), int(joined.leg(0, 1)["cash_micro"])
    events = two.scan(180)
    adl = events[events["kind"] == EVENT_ADL]
    assert two.totals() == totals and (len(adl) == 1) == is_deleveraged
    held = int(joined.leg(0, 1)["held_lots"])
    if is_deleveraged:
        assert (adl["account"][0], adl["lots"][0]) == (FIRST + 1, 70)
        assert int(joined.leg(0, 1)["cash_micro"]) == cash - 70 * 95  # at the bankruptcy price, mark 90
        assert two.accounts["cash_micro"][FIRST] == two.accounts["held_lots"][FIRST] == 0
    assert held + int(joined.leg(0, 0)["held_lots"]) == (70 if is_deleveraged else 0)
    assert int(two.clock[0]["joint_touched"]) == is_deleveraged
    joined.look([180, 180])  # no price has moved: it is the leg that makes it due
    assert (float(row["due"]) != safe) == is_deleveraged and row["is_called"] == 0
    sold = 0
    for tick, mark in enumerate(range(178, 140, -2)):  # both prices fall alike: a hedge loses nothing
        joined.look([mark, mark], tick)
        sold += abs(int(one.scan(mark)["lots"].sum()))
    assert (int(row["n_calls"]) > 0) == (sold > 0) == is_deleveraged


def test_counterparties_bear_the_loss_of_a_portfolio_only_when_all_of_it_is_gone():
    """A long at a loss beyond its cash, in a portfolio whose other leg has a profit: no layer before the account's."""
    flat = np.array([(1 << 62, 10_000, 0, 0)], TIER)
    rigs = []
    for _ in range(2):  # the joint account's row is the first; the other is in profit on the other side
        rigs.append(Rig([0, 0], [100, -100], [100, 110], tiers=flat, fund=0, adl_on=1))
    one, two = rigs
    one.accounts["cash_micro"][FIRST:] = -100 * 100 + 300, 100 * 110 + 500
    two.accounts["cash_micro"][FIRST:] = -100 * 100 + 200, 100 * 110 + 500
    joined = Joined(rigs, [[(0, FIRST), (1, FIRST)]])
    row, others = joined.portfolios.all[0], []
    for tick, (mark, beside) in enumerate([(190, 212), (188, 210), (186, 200), (186, 200)]):
        joined.look([mark, beside], tick)
        whole = sum(int(rig.equity(m)[FIRST]) for rig, m in zip(rigs, (mark, beside), strict=True))
        before = [rig.accounts[FIRST + 1].copy() for rig in rigs]
        events = [rig.scan(m) for rig, m in zip(rigs, (mark, beside), strict=True)]
        closed = [int(np.abs(e["lots"][e["kind"] == EVENT_ADL]).sum()) for e in events]
        if whole >= 0:
            assert closed == [0, 0]
        if sum(closed):
            others.append(closed)
            paid = 0
            for rig, was, m, lots in zip(rigs, before, (mark, beside), closed, strict=True):
                now = rig.accounts[FIRST + 1]
                assert now["held_lots"] == was["held_lots"] + lots
                paid += int(was["cash_micro"] - now["cash_micro"]) - lots * m // 2
            assert paid == -whole  # to the unit: what the portfolio lacked, from those in profit alone
            assert all(int(rig.accounts[FUND]["cash_micro"]) == 0 for rig in rigs)
    assert others == [[100, 100]] and row["n_calls"] == 1
    assert [int(joined.leg(0, i)["cash_micro"]) for i in range(2)] == [0, 0]


def test_funding_that_legs_pay_is_the_listings_rule_sums_to_zero_and_makes_the_portfolio_due():
    draws, paid = np.random.default_rng(8), 0
    for _ in range(200):
        rigs = []
        for _ in range(3):
            lots = draws.integers(-5_000, 5_000, 4)
            lots[draws.random(4) < 0.2] = 0
            rigs.append(Rig(draws.integers(10**6, 10**8, 4), lots, 100, unit=int(draws.choice([1, 7, 100]))))
        joined = Joined(rigs, [[(k, FIRST + 3) for k in range(3)]])
        marks, rates = draws.integers(100, 400, 3).tolist(), draws.integers(-(10**6), 10**6, 3).tolist()
        joined.look(marks)
        change = 0
        for k, (rig, mark, rate) in enumerate(zip(rigs, marks, rates, strict=True)):
            before, totals = rig.accounts["cash_micro"].copy(), rig.totals()
            rig.pay_funding(mark, rate)
            assert rig.totals() == totals  # to the micro-dollar, the remainder with the venue
            unit = int(rig.rules[0]["micro_per_tick_lot"])
            owed = funding.payments(rig.books.positions[0].tolist(), mark, unit, rate)
            assert (before - rig.accounts["cash_micro"])[FIRST + 3] == owed[FIRST + 3]
            change += owed[FIRST + 3]
            assert joined.leg(0, k)["touched"] or owed[FIRST + 3] == 0
        cash = sum(int(joined.leg(0, k)["cash_micro"]) for k in range(3))
        joined.look(marks, 1)  # pays nothing by itself
        assert sum(int(joined.leg(0, k)["cash_micro"]) for k in range(3)) == cash
        assert not any(joined.leg(0, k)["touched"] for k in range(3))
        paid += change != 0
    assert paid > 150
