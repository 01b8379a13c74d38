"""Stablecoins: supply by its rule and by the scenario, a day late; waiting cash in proportion; forked."""

import math

import pytest

from sim.agents.stablecoins import StablecoinDesk
from sim.snapshot import resume, take
from tests.market.small import market_of
from tests.market.test_holders import FIRST_MIDNIGHT, HELD, SLOW, desk_of

DAY = 86_400.0
ON = {"enabled": True, "changes": [{"at": "1h", "change": "-20%"}], "return_gain": 0.0}
QUIET = {"leveraged": {"enabled": False}, "trend": {"enabled": False}}


def coined(more=None, **over):
    return market_of(**SLOW, **QUIET, stablecoins=ON | (more or {}), **over)


def tokens(market) -> StablecoinDesk:
    return next(desk for desk in market.institutions if isinstance(desk, StablecoinDesk))


def waiting(market):
    """Cash of dip buyers who wait, and of those who rest bids, micro-dollars."""
    state = market.state
    return [
        [int(state.accounts[b["owner"]]["cash_micro"]) for b in state.dip_buyers if (b["n_bids"] == 0) == waits]
        for waits in (True, False)
    ]


def test_what_is_ordered_takes_effect_when_the_next_day_ends_and_to_the_micro_dollar():
    market = coined({"drift": "0%"})
    market.audit = True
    before = waiting(market)
    market.run_until(FIRST_MIDNIGHT)
    assert waiting(market) == before and tokens(market).gate == 1.0
    total = int(market.state.clock[0]["cash_micro"])
    market.run_until(FIRST_MIDNIGHT + DAY - 20.0)
    assert waiting(market) == before
    market.run_until(FIRST_MIDNIGHT + DAY)
    assert tokens(market).gate == pytest.approx(0.8)
    change = math.expm1(math.log1p(-0.2))
    moves = [math.trunc(cash * change) for cash in before[0]]
    assert waiting(market) == [[cash + move for cash, move in zip(before[0], moves, strict=True)], before[1]]
    assert int(market.state.clock[0]["cash_micro"]) - total == sum(moves) < 0
    assert [row["amount_usd"] for row in tokens(market).ledger()] == [0.0, sum(moves) / 1e6]


def test_supply_grows_by_drift_and_by_the_return_of_the_last_month():
    market = coined({"changes": [], "drift": "0.1%", "return_gain": 36.5})
    market.run_until(FIRST_MIDNIGHT + 2.0 * DAY)
    desk = tokens(market)
    start, first, second, _ = desk.prices
    growth = (0.001 + 0.1 * (first / start - 1.0)) * FIRST_MIDNIGHT / DAY + 0.001 + 0.1 * (second / start - 1.0)
    assert math.log(desk.gate) == pytest.approx(growth)
    assert first != start


def test_new_owners_money_goes_with_supply():
    market = coined({"drift": "0%"}, holders=HELD | {"new_money": "$20k"})
    market.run_until(FIRST_MIDNIGHT + DAY + 20.0)
    holders = desk_of(market)
    price = holders.prices[-1]
    assert holders.wanted == round(20_000.0 * tokens(market).gate / price / market.lot_coin)
    assert tokens(market).gate == pytest.approx(0.8)


def test_off_changes_nothing_and_a_fork_goes_on_as_the_run_without_a_stop():
    off, bare = coined({"enabled": False}), market_of(**SLOW, **QUIET)
    for one in (off, bare):
        one.run_until(600.0)
    assert off.state_hash() == bare.state_hash()
    whole, first = coined(), coined()
    first.run_until(FIRST_MIDNIGHT + 5000.0)
    second = resume(take(first))
    for one in (whole, second):
        one.run_until(FIRST_MIDNIGHT + 1.1 * DAY)
    assert second.state_hash() == whole.state_hash()
    assert tokens(second).state() == tokens(whole).state()


def test_until_the_second_midnight_the_path_is_that_without_it():
    on, bare = coined(), market_of(**SLOW, **QUIET)
    for one in (on, bare):
        one.run_until(FIRST_MIDNIGHT + 3600.0)
    a, b = on.collect(), bare.collect()
    for name in a.series.dtype.names:
        assert (a.series[name] == b.series[name]).all(), name


def test_a_buyer_whose_order_is_on_its_way_is_passed_over():
    market = coined({"drift": "0%"})
    market.run_until(20.0)
    state = market.state
    buyer = next(b for b in state.dip_buyers if b["n_bids"] == 0)
    state.tickets[buyer["ticket0"]]["pending"] = 1
    before, n = int(state.accounts[buyer["owner"]]["cash_micro"]), len(waiting(market)[0])
    moved, skipped = tokens(market).feed(0.5)
    assert (skipped, int(state.accounts[buyer["owner"]]["cash_micro"])) == (1, before)
    assert moved > 0 and n > 1
