"""Agents written in Python at the edges: bad numbers, money that is spent only once, fills by the thousand, long
lives."""

import math

import pytest

from sim.agents import OrderRefused, TradingAgent
from sim.errors import ScenarioError
from sim.kernels.ledger import NO_OLDER, NO_TICKET
from sim.market import Market
from tests.market.small import PASSIVE, market_of


class Silent(TradingAgent):
    """Does nothing by itself; tests move its hands."""

    def act(self) -> None:
        return


def trader(market: Market, **account: float) -> Silent:
    return Silent(market, **({"cash_usd": 100_000.0, "coins": 50.0, "latency_s": 0.0} | account))


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 1e300, -5.0, 0.0])
def test_a_price_no_book_can_hold_is_refused_in_words(price):
    agent = trader(market_of())
    for book in ("perp", "spot"):
        with pytest.raises(OrderRefused):
            agent.submit(book, "sell", price, 1.0)
    ref = agent.submit("spot", "sell", 1040.0, 1.0)
    with pytest.raises(OrderRefused):
        agent.replace(ref, price, 1.0)


@pytest.mark.parametrize("coins", [math.nan, math.inf, 1e300, -1.0, 0.0])
def test_a_size_no_book_can_hold_is_refused_in_words(coins):
    with pytest.raises(OrderRefused):
        trader(market_of()).submit("spot", "sell", 1000.0, coins)


@pytest.mark.parametrize("name", ["cash_usd", "coins", "latency_s", "information_latency_s"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_agent_of_no_finite_means_is_refused(name, value):
    with pytest.raises(OrderRefused, match="finite"):
        trader(market_of(), **{name: value})


def test_one_order_filled_by_thousands_of_forced_ones_in_a_tick_fits_the_room():
    """Each forced order that leaves a part of an agent's bid behind is a fill row; there may be more of them than
    orders in the book."""
    market = market_of(
        leveraged={"accounts": 160_000, "notional_sigma": 0.3, "leverage_median": 20.0, "cex_share": 0.0} | PASSIVE,
        market={"open_interest": "2k BTC"},
        shocks=[{"kind": "news_move", "at": "5s", "over": "1s", "move": "-4%"}],
        market_maker={"skew_at_limit": 0.0},  # quotes go where the news goes, whatever the firms hold
    )
    agent = trader(market, cash_usd=5e9)
    market.run_until(4.0)
    agent.submit("perp", "buy", 975.0, 2e6)
    most, seen = 0, 0
    for second in range(5, 20):
        market.run_until(float(second))
        n = int(market.state.clock[0]["n_guest_fills"])
        most, seen = max(most, n - seen), n
        assert n <= len(market.state.guest_fills)
    assert most > 2 * len(market.state.books.pool)
    assert sum(fill.coins for fill in agent.fills()) == pytest.approx(agent.position_coins)


def test_orders_long_done_cost_nothing_to_remember():
    """What an agent must look through does not grow with what it sent and what is over."""
    market = market_of()
    agent = trader(market)
    for second in range(60):
        agent.submit("perp", "buy", 960.0 + 0.1 * second, 0.01, "ioc")
        market.run_for(1.0)
    resting = agent.submit("perp", "buy", 960.0, 1.0)
    market.run_for(2.0)
    state = market.state
    newest = int(state.accounts[agent.owner]["newest_order"])  # of sixty-one, one is left to look through
    assert int(state.tickets[newest]["older"]) == NO_OLDER
    assert agent.open_coins(resting) == pytest.approx(1.0)
    agent.cancel(resting)
    market.run_for(2.0)
    assert int(state.accounts[agent.owner]["newest_order"]) == NO_TICKET


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0])
def test_a_time_that_never_comes_is_refused(seconds):
    market = market_of()
    agent = trader(market)
    with pytest.raises(OrderRefused, match="cannot wake"):
        agent.every(seconds)
    with pytest.raises(OrderRefused, match="cannot wake"):
        agent.wake_at(seconds)
    if not math.isfinite(seconds):
        with pytest.raises(ScenarioError, match="finite"):
            market.run_until(seconds)
    market.run_until(2.0)
    assert market.time == 2.0


def test_an_agent_that_wakes_without_act_is_named():
    class Forgetful(TradingAgent):
        pass

    market = market_of()
    agent = Forgetful(market, cash_usd=1.0)
    agent.wake_at(5.0)
    with pytest.raises(NotImplementedError, match="Forgetful wakes but has no act"):
        market.run_until(10.0)
