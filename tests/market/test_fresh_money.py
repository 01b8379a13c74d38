"""Fresh money: what buyers and sellers spent comes in again at its rate, exactly, and nothing else changes."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sim.agents.fresh_money import FreshMoneyDesk
from sim.agents.stablecoins import StablecoinDesk
from sim.kernels.ledger import NOISE, TAKERS
from sim.snapshot import resume, take
from tests.market.small import SALE, market_of, merged, spec_of

ON: dict[str, Any] = {
    "duration": "2h",
    "latent": {"enabled": True, "deepest": "5%"},
    "fresh_money": {"enabled": True, "a_day": 4.0, "every": "10min"},
    "shocks": [SALE],
}


PURCHASE = SALE | {"side": "buy"}


def has(market, owner: int) -> tuple[int, int]:
    """Cash and coins of an account."""
    return int(market.state.accounts["cash_micro"][owner]), int(market.state.books.positions[1, owner])


def bound(market, owner: int) -> int:
    """Micro-dollars of its cash that a short position binds: what it was sold for, and as much as margin, at mark."""
    lots = int(market.state.books.positions[0, owner])
    price_micro = market.state.price[0]["mark_half_ticks"] / 2 * market.state.rules[0]["micro_per_tick_lot"]
    return round(2 * -lots * price_micro) if lots < 0 else 0


@pytest.mark.parametrize("shock", [SALE, PURCHASE])
def test_an_arrival_is_its_share_of_what_is_missing_rounded_down(monkeypatch, shock):
    """Account by account, in the moment of it; a purchase leaves the layer of the perp short."""
    seen, share = [], -math.expm1(-4.0 * 600.0 / 86_400.0)
    arrive = FreshMoneyDesk.arrive

    def watched(desk):
        before = [(*has(desk.market, owner), bound(desk.market, owner)) for owner, *_ in desk.targets]
        arrive(desk)
        seen.append([(row, was, has(desk.market, row[0])) for row, was in zip(desk.targets, before, strict=True)])

    monkeypatch.setattr(FreshMoneyDesk, "arrive", watched)
    market = market_of(**ON | {"shocks": [shock]})
    start = dict(cash=int(market.state.clock[0]["cash_micro"]), lots=int(market.state.clock[0]["coin_lots"]))
    market.audit = True
    market.run()
    assert len(seen) == 12
    came = [0, 0]
    for arrival in seen:
        for (_, cash, lots), was, now in arrival:
            money, coins = max(0, cash - (was[0] - was[2])), max(0, lots - was[1])
            assert (now[0] - was[0], now[1] - was[1]) == (int(share * money), int(share * coins))
            came[0], came[1] = came[0] + now[0] - was[0], came[1] + now[1] - was[1]
    assert came[0] > 0
    shorts = [was[2] for arrival in seen for _, was, _ in arrival if was[2]]
    assert bool(shorts) is (shock is PURCHASE)
    (desk,) = market.institutions
    assert [sum(row["micro"] for row in desk.entries), sum(row["lots"] for row in desk.entries)] == came
    clock = market.state.clock[0]
    assert [int(clock["cash_micro"]) - start["cash"], int(clock["coin_lots"]) - start["lots"]] == came


def test_over_a_day_the_rate_does_not_depend_on_how_often_it_comes(monkeypatch):
    """Half of the cash taken away and nobody trading meanwhile: e^-a of what is missing is left after a day."""
    monkeypatch.setattr(FreshMoneyDesk, "next_arrival", lambda desk: None)
    for every, times in (("10min", 144), ("2h", 12)):
        market = market_of(**merged(ON, {"fresh_money": {"a_day": 1.0, "every": every}}))
        (desk,) = market.institutions
        owner, had, _ = desk.targets[-1]
        taken = had // 2
        market.deposit(owner, -taken, 0)
        for _ in range(times):
            desk.arrive()
        assert (had - has(market, owner)[0]) / taken == pytest.approx(math.exp(-1.0), rel=1e-6)


def test_what_may_be_sold_short_comes_back(monkeypatch):
    """Sold out by a purchase, the layer of the perp may after ten days at 400% sell again what it could at first, on
    top of its short: cash over price, and less the short twice (what its room is by ``capacity_lots``).
    """
    market = market_of(**ON | {"shocks": [PURCHASE]})
    (desk,) = market.institutions
    owner, had, _ = desk.targets[0]
    assert owner == int(market.state.layers[0]["owner"])
    market.run_until(1000.0)
    market.sync()
    price = int(market.state.price[0]["mark_half_ticks"]) * int(market.state.rules[0]["micro_per_tick_lot"]) / 2
    room = lambda: has(market, owner)[0] / price + 2 * int(market.state.books.positions[0, owner])  # noqa: E731
    short = -int(market.state.books.positions[0, owner])
    assert short > 0 and room() < had / price - 0.5 * short
    monkeypatch.setattr(FreshMoneyDesk, "next_arrival", lambda desk: None)
    for _ in range(10 * 144):
        desk.arrive()
    assert room() == pytest.approx(had / price, rel=1e-9)


def test_positions_of_pools_are_closed_against_each_other_at_mark():
    """Given positions, done by hand: the smaller side is halved in ln 2 days; nobody else moves; laws hold."""
    market = market_of(**merged(ON, {"fresh_money": {"closed_a_day": 144 * math.log(2.0), "a_day": 0.0}}))
    (desk,) = market.institutions
    market.run_until(400.0)
    market.sync()
    state = market.state
    positions, accounts = state.books.positions[0], state.accounts
    pools = [int(TAKERS), int(NOISE), *(row[0] for row in desk.targets)]
    before, cash, cost = positions.copy(), accounts["cash_micro"].copy(), accounts["entry_micro"].copy()
    longs, shorts = (sum(max(0, sign * int(before[o])) for o in set(pools)) for sign in (1, -1))
    assert min(longs, shorts) > 10
    price = int(state.price[0]["mark_half_ticks"]) // 2 * int(state.rules[0]["micro_per_tick_lot"])
    interest = int(state.clock[0]["open_interest_lots"])
    desk.arrive()
    moved = before - positions
    closed = int(0.5 * min(longs, shorts))
    assert closed - 1 <= moved[moved > 0].sum() == -moved[moved < 0].sum() <= closed
    assert set(np.flatnonzero(moved)) <= set(pools)
    assert interest - int(state.clock[0]["open_interest_lots"]) == moved[moved > 0].sum()
    assert np.array_equal(accounts["cash_micro"] - cash, moved * price)
    for owner in np.flatnonzero(moved):
        side, total = (longs, shorts)[int(before[owner] < 0)], moved[moved > 0].sum()
        assert abs(abs(moved[owner]) - total * abs(before[owner]) / side) <= 1
        left = Fraction(int(cost[owner])) * abs(int(positions[owner])) / abs(int(before[owner]))
        assert (
            int(accounts["entry_micro"][owner]) == math.floor(left) and accounts["held_lots"][owner] == positions[owner]
        )
    market.audit = True
    market.run_until(3600.0)
    row = desk.entries[0]
    assert (row["what"], row["lots"]) == ("closed", moved[moved > 0].sum())


def test_with_fewer_stablecoins_less_comes():
    """A fifth of the supply redeemed: what is aimed at is four fifths of the start."""
    market = market_of(**merged(ON, {"stablecoins": {"enabled": True}}))
    coins = next(desk for desk in market.institutions if isinstance(desk, StablecoinDesk))
    desk = next(desk for desk in market.institutions if isinstance(desk, FreshMoneyDesk))
    coins.supply_usd *= 0.8
    owner, had, _ = desk.targets[-1]
    market.deposit(owner, -had, 0)
    desk.arrive()
    assert has(market, owner)[0] == int(-math.expm1(-4.0 * 600.0 / 86_400.0) * int(0.8 * had))


@pytest.mark.parametrize("at_s", [3000.0, 3600.0])
def test_a_fork_goes_on_as_the_unbroken_run(at_s: float):
    whole, first = market_of(**ON), market_of(**ON)
    whole.run()
    first.run_until(at_s)
    later = resume(take(first), first.spec)
    later.run()
    assert later.state_hash() == whole.state_hash() and later.institutions[0].entries == whole.institutions[0].entries


def test_off_is_the_default_and_before_the_first_arrival_nothing_moves():
    off, on = market_of(**merged(ON, {"fresh_money": {"enabled": False}})), market_of(**ON)
    for market in (off, on):
        market.run_until(599.0)
    assert not off.institutions and off.state_hash() == on.state_hash()
    assert not spec_of().fresh_money.enabled
