"""Margin of agents written in Python: refused at arrival with a reason, released to the micro-dollar, liquidated."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents import OrderRefused, TradingAgent
from sim.kernels.ledger import PERP, SPOT
from sim.market import Market
from sim.schema import EVENT_FORCED, EVENT_TAKEOVER
from tests.market.small import DROP, PASSIVE, market_of
from tests.market.test_random_markets import MARKETS, Chaos, run_audited
from tests.reference_market.order_margin import Account, Order, Venue, equity, reserved

MONEY = "the free money of the account does not cover it"
COINS = "the free coins of the account do not cover it"


class Silent(TradingAgent):
    """Does nothing by itself; tests move its hands."""

    def act(self) -> None:
        return


def trader(market: Market, **account: Any) -> Silent:
    market.audit = True
    return Silent(market, **({"cash_usd": 100_000.0, "coins": 50.0, "latency_s": 0.0} | account))


def reasons(agent: TradingAgent) -> list[tuple[int, str]]:
    return [(refusal.ref.serial, refusal.reason) for refusal in agent.refusals()]


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (("perp", "buy", 1000.0, 100.1), MONEY),
        (("perp", "sell", 1100.0, 95.0), MONEY),
        (("spot", "buy", 960.0, 104.2), MONEY),
        (("spot", "sell", 1000.0, 50.01), COINS),
        (("perp", "buy", 960.0, 104.0), None),
        (("spot", "buy", 960.0, 104.0), None),
        (("spot", "sell", 1045.0, 50.0), None),
    ],
)
def test_what_the_account_does_not_cover_is_refused_when_it_arrives(order, why):
    market = market_of()
    agent = trader(market, latency_s=2.5)
    ref = agent.submit(*order)
    market.run_until(2.0)
    assert agent.refusals() == []
    market.run_until(4.0)
    assert reasons(agent) == ([(ref.serial, why)] if why else [])
    assert reasons(agent) == []
    assert agent.open_coins(ref) == (0.0 if why else pytest.approx(order[3]))
    assert agent.fills() == []


@pytest.mark.parametrize("first", ["perp", "spot"])
def test_one_dollar_does_not_cover_orders_in_both_books_and_is_free_again_after_a_cancel(first):
    market = market_of()
    agent = trader(market)
    other = "spot" if first == "perp" else "perp"
    one = agent.submit(first, "buy", 960.0, 90.0)
    agent.submit(other, "buy", 960.0, 90.0)
    market.run_for(1.0)
    assert reasons(agent) == [(1, MONEY)]
    assert agent.free_usd < 20_000.0 < agent.equity_usd == 100_000.0
    agent.cancel(one)
    agent.submit(other, "buy", 960.0, 90.0)
    market.run_for(1.0)
    assert reasons(agent) == []


def test_the_price_of_liquidation_follows_cash_that_nobody_traded_for():
    """A deposit, a withdrawal, funding: the position stands, and what backs it does not."""
    market = market_of()
    agent = trader(market)
    agent.submit("perp", "buy", 1040.0, 90.0)
    market.run_for(2.0)
    held = int(market.state.books.positions[PERP, agent.owner])
    assert held > 0
    at = []
    for micro in (-60_000_000_000, -9_000_000_000, 9_000_000_000):
        market.deposit(agent.owner, micro, 0)
        market.run_for(1.0)
        row = market.state.accounts[agent.owner]
        assert int(row["hung_micro"]) == int(row["cash_micro"])
        at.append(int(row["liquidation_half_ticks"]))
    lost = 9_000_000_000 / (0.5 * int(market.state.rules[PERP]["micro_per_tick_lot"]) * held)
    assert at[1] - at[0] == pytest.approx(lost, rel=0.05)  # and a little more, as maintenance grows with the mark
    assert at[2] == at[0]


def test_coins_on_offer_are_not_offered_twice():
    market = market_of()
    agent = trader(market)
    agent.submit("spot", "sell", 1045.0, 30.0)
    agent.submit("spot", "sell", 1045.0, 21.0)
    agent.submit("spot", "sell", 1045.0, 20.0)
    market.run_for(1.0)
    assert reasons(agent) == [(1, COINS)]


def test_an_account_that_spends_all_it_may_owes_nothing():
    """Fees are part of what an order must be covered for."""
    market = market_of()
    agent = trader(market, cash_usd=2_000.0, coins=0.0)
    market.run_until(5.0)
    ask = market.view().ask["spot"]
    assert ask is not None
    for cents in range(200, 170, -1):
        agent.submit("spot", "buy", ask, cents / 100.0, "ioc")
    market.run_until(10.0)
    assert agent.spot_coins > 1.7
    assert 0.0 <= agent.cash_usd < 0.2 * ask
    assert {why for _, why in reasons(agent)} == {MONEY}


def test_a_position_may_always_be_closed_and_not_turned_round():
    market = market_of()
    agent = trader(market)
    market.run_until(5.0)
    agent.market_order("perp", "buy", 90.0)
    market.run_until(8.0)
    held = agent.position_coins
    assert held > 50.0
    agent.market_order("perp", "sell", 3.0 * held)
    agent.market_order("perp", "sell", held)
    market.run_until(12.0)
    assert reasons(agent) == [(1, MONEY)]
    assert agent.position_coins == pytest.approx(0.0)


def test_a_replace_that_is_refused_leaves_the_order_where_it_was():
    market = market_of()
    agent = trader(market)
    ref = agent.submit("perp", "buy", 960.0, 90.0)
    agent.replace(ref, 960.0, 120.0)
    market.run_for(1.0)
    assert reasons(agent) == [(0, MONEY)]
    assert agent.open_coins(ref) == pytest.approx(90.0)
    agent.replace(ref, 950.0, 100.0)  # what the old order holds is free for the new one
    market.run_for(1.0)
    assert reasons(agent) == []
    assert agent.open_coins(ref) == pytest.approx(100.0)


@pytest.mark.parametrize(("leverage", "most"), [(1.0, 104.1), (10.0, 1_036.0), (None, 5_080.0), (1_000.0, 5_080.0)])
def test_leverage_is_what_was_asked_for_or_the_tiers_where_they_allow_less(leverage, most):
    """$100k at 75x would be more than the $3m that this tier is for; at 50x, with fees, they are $4.9m."""
    market = market_of()
    agent = trader(market, leverage=leverage)
    agent.submit("perp", "buy", 960.0, most * 1.01)
    agent.submit("perp", "buy", 960.0, most * 0.99)
    market.run_for(1.0)
    assert reasons(agent) == [(0, MONEY)]


@pytest.mark.parametrize("leverage", [0.0, 0.99, -5.0, float("nan"), float("inf")])
def test_a_leverage_below_one_is_refused(leverage):
    with pytest.raises(OrderRefused, match="leverage"):
        trader(market_of(), leverage=leverage)


def test_other_refusals_say_why():
    market = market_of()
    agent = trader(market)
    market.run_until(3.0)
    ask = market.view().ask["perp"]
    agent.submit("perp", "buy", ask * 1.01, 1.0, "post")
    agent.submit("perp", "buy", ask, 90.0, "fok")
    gone = agent.submit("perp", "buy", 960.0, 1.0, "ioc")
    market.run_for(1.0)
    agent.cancel(gone)
    market.run_for(1.0)
    assert [why for _, why in reasons(agent)] == [
        "a post-only order would have traded", "a fill-or-kill order could not be filled whole", "the order was gone",
    ]  # fmt: skip


def crashed(leverage: float, coins: float) -> tuple[Market, Silent]:
    """An agent long with bids of its own below, and offers of its coins above, in a market that falls by 20%."""
    market = market_of(shocks=[DROP | {"at": "20s", "over": "30s", "move": "-20%"}], leveraged=PASSIVE)
    agent = trader(market, leverage=leverage)
    market.run_until(5.0)
    price = 1.02 * market.view().ask["perp"]
    for _ in range(8):
        agent.submit("perp", "buy", price, coins, "ioc")
        market.run_for(1.0)
    agent.submit("perp", "buy", 750.0, 10.0)
    agent.submit("spot", "buy", 700.0, 30.0)
    agent.submit("spot", "sell", 1_200.0, 50.0)
    market.run_for(1.0)
    return market, agent


def test_the_engine_cancels_the_orders_of_an_agent_and_closes_its_position():
    market, agent = crashed(leverage=10.0, coins=100.0)
    held, offered = agent.position_coins, agent.refusals()
    assert held > 400.0 and offered == []
    assert agent.liquidation_usd is not None and 850.0 < agent.liquidation_usd < 990.0
    assert agent.market.state.accounts[agent.owner]["free_micro"] > 0
    market.run_until(120.0)
    events = market.collect().events
    mine = events[events["account"] == agent.owner]
    assert set(mine["kind"].tolist()) <= {int(EVENT_FORCED), int(EVENT_TAKEOVER)} and len(mine) > 0
    assert [why for _, why in reasons(agent)] == ["the liquidation engine cancelled it"] * 3
    assert agent.position_coins == 0.0
    assert agent.liquidation_usd is None
    assert agent.spot_coins == 50.0  # coins back no position and are nobody's but the agent's
    assert agent.cash_usd < 30_000.0
    assert int(market.state.accounts[agent.owner]["free_micro"]) == 0


def test_a_fully_funded_agent_is_left_alone():
    market, agent = crashed(leverage=1.0, coins=6.0)
    held = agent.position_coins
    market.run_until(120.0)
    events = market.collect().events
    assert not (events["account"] == agent.owner).any()
    assert reasons(agent) == []
    assert agent.position_coins >= held > 40.0  # its bid may be filled, and nothing sold


def venue_of_market(market: Market) -> Venue:
    state = market.state
    tiers = [(int(t["up_to_micro"]), int(t["initial_ppm"])) for t in state.tiers]
    fees = tuple((int(r["taker_fee_ppm"]), int(r["maker_fee_ppm"])) for r in state.rules)
    return Venue(int(state.rules[PERP]["micro_per_tick_lot"]), fees, tiers)  # type: ignore[arg-type]


def open_orders(market: Market, owner: int) -> list[Order]:
    """An agent's orders, looked for through the whole pool; prices are those that it asked for last."""
    state = market.state
    pool, out = state.books.pool, []
    for ticket in state.tickets:
        slot, generation = int(ticket["handle"]) & 0xFFFFFFFF, int(ticket["handle"]) >> 32
        order = pool[slot]
        if generation % 2 == 1 and int(order["generation"]) == generation and int(order["owner"]) == owner:
            row = int(order["meta"]) >> 2
            out.append(Order(row // 2, row % 2, int(ticket["price_ticks"]), int(order["lots"])))
    live = (pool["generation"] % 2 == 1) & (pool["owner"] == owner)
    assert len(out) == np.count_nonzero(live[1:])
    return out


class Watched(Chaos):
    """Holds what its account says against the book, each time it wakes."""

    def act(self) -> None:
        market, row = self.market, self.market.state.accounts[self.owner]
        orders, venue = open_orders(market, self.owner), venue_of_market(market)
        position, coins = (int(lots) for lots in market.state.books.positions[:, self.owner])
        cash = int(row["cash_micro"]) + int(row["free_micro"])
        account = Account(cash, position, coins, int(row["least_initial_ppm"]))
        mark = int(market.state.price[0]["mark_half_ticks"])
        assert self._account() == (equity(account, mark, venue), reserved(account, orders, mark, venue))
        bids = [o for o in orders if (o.book, o.side) == (SPOT, 0)]
        nobody = Account(0, 0, 0, 0)
        assert int(row["free_micro"]) == reserved(nobody, bids, mark, venue)
        assert coins >= sum(o.lots for o in orders if (o.book, o.side) == (SPOT, 1))
        super().act()


@settings(max_examples=20, deadline=None)
@given(*MARKETS, st.sampled_from([1.0, 5.0, 40.0, None]))
def test_reservations_are_those_of_the_orders_in_the_book(seed, flows, move, tick, scale, plan, leverage):
    run_audited(seed, flows, move, tick, scale, plan, lambda market, plan: Watched(market, plan, leverage))
