"""The market as a Mesa model: its clock, its desks, its events, and agents written in Python."""

import mesa
import pytest

from sim.agents import (
    DESKS,
    ArbitrageDesk,
    BackgroundDesk,
    DipBuyerDesk,
    EngineDesk,
    FundDesk,
    HedgerDesk,
    LeveragedDesk,
    MarketMakerDesk,
    OrderRefused,
    TradingAgent,
    TrendDesk,
)
from sim.market import Market
from tests.market.small import market_of


class Silent(TradingAgent):
    """Does nothing by itself; tests move its hands."""

    def act(self) -> None:
        return


def trader(market: Market, **account: float) -> Silent:
    return Silent(market, **({"cash_usd": 100_000.0, "coins": 50.0, "latency_s": 0.0} | account))


def test_the_default_step_of_mesa_is_stopped():
    """Pins the private attribute of Mesa 3.5 that ``stop_default_step`` uses: without it nothing recurs."""
    model = mesa.Model(rng=1)
    assert model._default_schedule.is_active
    market = market_of()
    assert not market._default_schedule.is_active
    market.run_until(30.0)
    assert market.steps == 0
    assert market.time == 30.0


def test_every_participant_is_a_mesa_agent():
    market = market_of()
    assert [type(agent) for agent in market.agents] == list(DESKS)
    makers = next(iter(market.agents_by_type[MarketMakerDesk]))
    leveraged = next(iter(market.agents_by_type[LeveragedDesk]))
    hedgers = next(iter(market.agents_by_type[HedgerDesk]))
    assert len(makers.beliefs) == 3
    assert len(leveraged.liquidation_usd) == (market.state.accounts["leveraged"] != 0).sum() > 300
    total = sum(
        next(iter(market.agents_by_type[t])).position_coins
        for t in (BackgroundDesk, ArbitrageDesk, DipBuyerDesk, TrendDesk, FundDesk, EngineDesk)
    )
    assert total + makers.position_coins + leveraged.position_coins + hedgers.position_coins == pytest.approx(0.0)
    assert hedgers.position_coins == -hedgers.spot_coins
    assert abs(makers.net_coins).max() == 0.0


def test_steps_are_seconds():
    market = market_of()
    market.step()
    market.run_for(2.5)
    assert market.time == 3.5
    assert market.state.tick == 3


def test_the_depth_at_the_start_is_the_profile_within_a_tenth():
    market = market_of(background={"noise_orders_per_side": 200}, market_maker={"rungs_per_side": 16})
    row = market.collect().series[0]
    usd = 1000.0 * market.lot_coin
    for name, want in (
        ("bid_1pct_lots", 600e3),
        ("ask_1pct_lots", 500e3),
        ("bid_5pct_lots", 2e6),
        ("ask_5pct_lots", 2e6),
    ):
        assert float(row[name]) * usd == pytest.approx(want, rel=0.10), name


def test_an_agent_trades_is_filled_and_cancels():
    market = market_of()
    agent = trader(market)
    market.run_until(5.0)
    touch = market.view()
    taken = agent.submit("perp", "buy", touch.ask["perp"] * 1.01, 1.0, "ioc")
    resting = agent.submit("perp", "sell", touch.ask["perp"] * 1.04, 1.5)
    assert agent.fills() == []  # nothing before the messages arrive
    market.run_until(7.0)
    fills = agent.fills()
    assert sum(fill.coins for fill in fills) == pytest.approx(1.0)
    assert {fill.ref for fill in fills} == {taken}
    assert all(fill.side == "buy" and not fill.is_maker and 5.0 <= fill.time_s <= 6.0 for fill in fills)
    assert agent.fills() == []
    assert agent.position_coins == pytest.approx(1.0)
    assert agent.open_coins(resting) == pytest.approx(1.5)
    agent.cancel(resting)
    market.run_until(9.0)
    assert agent.open_coins(resting) == 0.0


def test_a_cancel_may_be_sent_before_its_order_arrives():
    market = market_of()
    agent = trader(market, latency_s=2.5)
    ref = agent.submit("perp", "sell", 1040.0, 1.0)
    agent.cancel(ref)
    market.run_until(6.0)
    assert agent.open_coins(ref) == 0.0
    assert agent.fills() == []


def test_latency_delays_what_arrives_and_what_is_seen():
    market = market_of()
    slow = trader(market, latency_s=3.2, information_latency_s=4.0)
    market.run_until(10.0)
    assert slow.view().time_s == 6.0
    assert market.view().time_s == 10.0
    ref = slow.submit("spot", "sell", 1045.0, 1.0)
    market.run_until(13.0)
    assert slow.open_coins(ref) == 0.0
    market.run_until(14.0)
    assert slow.open_coins(ref) == pytest.approx(1.0)


def test_replace_moves_an_order_and_maker_fills_are_reported():
    market = market_of()
    agent = trader(market)
    market.run_until(3.0)
    ref = agent.submit("perp", "sell", 1040.0, 5.0)
    market.run_until(5.0)
    agent.replace(ref, market.view().bid["perp"] * 1.0002, 4.0)
    market.run_until(60.0)
    assert any(fill.ref == ref for fill in agent.fills())


def test_a_large_buyer_moves_the_price():
    market, calm = market_of(), market_of()
    agent = trader(market, cash_usd=3e6)
    market.run_until(10.0)
    for _ in range(5):
        agent.market_order("perp", "buy", 200.0)
        market.run_for(2.0)
    calm.run_until(market.time)
    assert market.view().mid() > 1.002 * calm.view().mid()


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (("option", "buy", 1000.0, 1.0), "one of perp, spot"),
        (("perp", "hold", 1000.0, 1.0), "one of buy, sell"),
        (("perp", "buy", 1000.0, 0.001), "below one lot"),
    ],
)
def test_orders_that_cannot_be_understood_are_refused_before_they_are_sent(order, why):
    agent = trader(market_of())
    with pytest.raises(OrderRefused, match=why):
        agent.submit(*order)


def test_somebody_elses_reference_is_refused():
    market = market_of()
    one, two = trader(market), trader(market)
    ref = one.submit("perp", "sell", 1045.0, 1.0)
    with pytest.raises(OrderRefused, match="no order of agent"):
        two.cancel(ref)


def test_a_change_waits_for_the_first_tick_that_starts_after_it():
    market = market_of()
    seen: list[int] = []
    market.at(3.25, lambda: market.change(lambda: seen.append(market.state.tick)))
    market.run_until(4.0)
    assert seen == []
    market.run_until(5.0)
    assert seen == [4]


def test_an_agent_of_negative_means_is_refused():
    with pytest.raises(OrderRefused, match="negative"):
        trader(market_of(), cash_usd=-1.0)
