"""Fresh money: what buyers and sellers spent comes in again at its rate, exactly, and nothing else changes."""

import math
from typing import Any

import pytest

from sim.agents.fresh_money import FreshMoneyDesk
from sim.agents.stablecoins import StablecoinDesk
from sim.snapshot import resume, take
from tests.market.small import SALE, market_of, merged, spec_of

ON: dict[str, Any] = {
    "duration": "2h",
    "latent": {"enabled": True, "deepest": "5%"},
    "fresh_money": {"enabled": True, "a_day": 4.0, "every": "10min"},
    "shocks": [SALE],
}


def has(market, owner: int) -> tuple[int, int]:
    """Cash and coins of an account."""
    return int(market.state.accounts["cash_micro"][owner]), int(market.state.books.positions[1, owner])


def test_an_arrival_is_its_share_of_what_is_missing_rounded_down(monkeypatch):
    """Account by account, in the moment of it."""
    seen, share = [], -math.expm1(-4.0 * 600.0 / 86_400.0)
    arrive = FreshMoneyDesk.arrive

    def watched(desk):
        before = [has(desk.market, owner) for owner, *_ in desk.targets]
        arrive(desk)
        seen.append([(row, was, has(desk.market, row[0])) for row, was in zip(desk.targets, before, strict=True)])

    monkeypatch.setattr(FreshMoneyDesk, "arrive", watched)
    market = market_of(**ON)
    start = dict(cash=int(market.state.clock[0]["cash_micro"]), lots=int(market.state.clock[0]["coin_lots"]))
    market.audit = True
    market.run()
    assert len(seen) == 12
    came = [0, 0]
    for arrival in seen:
        for (_, cash, lots), was, now in arrival:
            money, coins = (max(0, had - w) for had, w in zip((cash, lots), was, strict=True))
            assert (now[0] - was[0], now[1] - was[1]) == (int(share * money), int(share * coins))
            came[0], came[1] = came[0] + now[0] - was[0], came[1] + now[1] - was[1]
    assert came[0] > 0
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
