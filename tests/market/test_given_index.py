"""An index given from outside: what the market reads, its age, and that the own spot mid stays readable."""

from sim.kernels.marks import STALE_US
from tests.market.small import market_of


def test_without_one_the_index_is_the_own_spot_mid():
    market = market_of()
    market.run_until(20.0)
    price = market.state.price[0]
    assert price["index_half_ticks"] == price["spot_half_ticks"] and price["index_us"] == price["spot_us"]


def test_a_given_index_is_the_index_and_the_own_spot_mid_stays_readable():
    market = market_of()
    market.run_until(5.0)
    price, spot = market.state.price[0], market.state.price[0]["spot_half_ticks"]
    price["index_given"], price["given_half_ticks"], price["given_us"] = 1, spot + 400, 5_000_000
    market.run_until(7.0)
    assert price["index_half_ticks"] == spot + 400 and price["index_us"] == 5_000_000
    assert abs(int(price["spot_half_ticks"]) - int(spot)) < 200


def test_the_engine_waits_while_a_given_index_is_stale():
    fresh, stale = market_of(), market_of()
    for market, stamp in ((fresh, 1 << 50), (stale, 0)):
        market.run_until(20.0)
        price = market.state.price[0]
        price["index_given"], price["given_half_ticks"], price["given_us"] = 1, price["spot_half_ticks"], stamp
        market.run_until(29.0)
        price["given_half_ticks"] = int(price["given_half_ticks"] * 8 // 10)
        market.run_until(45.0)
    assert (fresh.state.accounts["forced_lots"].sum() + fresh.state.accounts["taken_lots"].sum()) > 0
    assert stale.state.accounts["forced_lots"].sum() == stale.state.accounts["taken_lots"].sum() == 0
    assert 45_000_000 - int(stale.state.price[0]["index_us"]) > STALE_US
