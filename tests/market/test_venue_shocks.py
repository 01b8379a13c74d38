"""Fat finger, engine pace, price band, halt: each does what it says, both ways, and nothing when its size is zero."""

import numpy as np
import pytest

from sim.agents import TradingAgent
from sim.kernels.ledger import FLOW
from sim.schema import EVENT_FORCED, EVENT_FUND_UNLOAD, MAX_PRICE_TICKS, REJECT_BAND, REJECT_HALT
from sim.shocks.flow import Finger
from tests.market.small import DROP, PASSIVE, SALE, market_of

DEEP_DROP = DROP | {"move": "-8%", "over": "20s"}
FINGER = {"kind": "fat_finger", "at": "60s", "side": "sell", "notional": "$900k"}
BAND = {"kind": "price_band", "at": "60s", "over": "60s", "width": "1%"}
HALT = {"kind": "halt", "at": "60s", "over": "60s"}
PACE = {"kind": "engine_pace", "at": "60s", "over": "60s", "pace": "$0/s"}
BASE = {"kind": "funding_base", "at": "60s", "over": "60s", "rate": "-20%"}
NO_SIZE = {
    "fat_finger": FINGER | {"notional": "$0"},
    "engine_pace": PACE | {"pace": None},
    "engine_pace, no time": PACE | {"over": "0s"},
    "funding_base": BASE | {"rate": None},
    "funding_base, no time": BASE | {"over": "0s"},
    "price_band": BAND | {"width": None},
    "price_band, no time": BAND | {"over": "0s"},
    "halt": HALT | {"over": "0s"},
}
DEPTH = [
    {"within": "1%", "notional": "$600k"},
    {"within": "5%", "notional": "$2m"},
    {"within": "10%", "notional": "$4m"},
]
EVEN = {  # both sides alike, no takers of its own
    "perp_daily_volume": "$0",
    "spot_daily_volume": "$0",
    "perp_bid_depth": DEPTH,
    "perp_ask_depth": DEPTH,
}


class Silent(TradingAgent):
    """Does nothing by itself; tests move its hands."""

    def act(self):
        return


def status_of(market, agent, ref):
    """Status of the last message of an order that was delivered."""
    market.sync()
    return int(market.state.tickets[agent._ticket(ref)]["status"])


@pytest.mark.parametrize("shock", NO_SIZE.values(), ids=NO_SIZE)
def test_a_shock_of_no_size_changes_nothing_bit_for_bit(shock):
    plain, shocked = market_of(shocks=[DROP]), market_of(shocks=[DROP, shock])
    plain.run_until(150.0)
    shocked.run_until(150.0)
    assert shocked.state_hash() == plain.state_hash()


@pytest.mark.parametrize("block", [1, 7])
def test_the_cut_of_time_changes_nothing(block):
    shocks = [DEEP_DROP, FINGER, BAND | {"at": "90.5s"}, HALT | {"at": "70s", "over": "15s"}, PACE | {"over": "30s"}]
    runs = []
    for size in (600, block):
        market = market_of(shocks=shocks)
        market.block, market.audit = size, True
        market.run_until(200.0)
        runs.append(market.state_hash())
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("side", "sign"), [("sell", -1), ("buy", 1)])
def test_a_fat_finger_takes_all_it_finds_at_once(side, sign):
    market = market_of(market=EVEN, tick="100ms", shocks=[FINGER | {"side": side}], leveraged={"enabled": False})
    market.audit = True
    market.run_until(60.0)
    before, held = market.view().mid(), int(market.state.books.positions[0, FLOW])
    market.run_until(60.1)
    (finger,) = market.agents_by_type[Finger]
    assert finger.filled_lots == 90_000 == sign * (int(market.state.books.positions[0, FLOW]) - held)
    assert 0.01 < sign * (market.view().last["perp"] / before - 1.0) < 0.05


@pytest.mark.parametrize(("side", "sign"), [("sell", -1), ("buy", 1)])
def test_a_fat_finger_without_limit_goes_beyond_the_bound_of_market_orders_and_with_one_stops_there(side, sign):
    large = FINGER | {"side": side, "notional": "$20m"}
    ends = {}
    for limit in (None, "2%"):
        shocks = [large | {"limit": limit}]
        market = market_of(market=EVEN, tick="100ms", shocks=shocks, leveraged={"enabled": False})
        market.run_until(60.0)
        mark = market.view().mark
        market.run_until(60.1)
        (finger,) = market.agents_by_type[Finger]
        assert 0 < finger.filled_lots < finger.lots
        assert int(market.state.tickets[finger.ticket]["handle"]) == 0
        ends[limit] = sign * (market.view().last["perp"] / mark - 1.0)
    bound = int(market.state.rules[0]["order_bound_ppm"]) / 1e6
    assert ends[None] > bound + 0.01
    assert 0.015 < ends["2%"] <= 0.02


@pytest.mark.parametrize(("move", "forced"), [("-8%", "forced_sell_lots"), ("12%", "forced_buy_lots")])
def test_the_engine_closes_nothing_at_pace_zero_and_goes_on_afterwards(move, forced):
    shocks = [DEEP_DROP | {"move": move}, PACE]
    market = market_of(shocks=shocks, leveraged=PASSIVE)
    market.audit = True
    market.run_until(200.0)
    series = market.collect().series
    assert series[forced][61:121].sum() == 0
    assert series[forced][121:].sum() > 0
    free = market_of(shocks=shocks[:1], leveraged=PASSIVE)
    free.run_until(200.0)
    assert free.collect().series[forced][61:121].sum() > 0


def test_the_lowest_of_two_paces_holds_and_the_usual_one_comes_back():
    slower = PACE | {"at": "70s", "over": "20s", "pace": "$5k/s"}
    market = market_of(shocks=[DEEP_DROP, PACE | {"pace": "$20k/s"}, slower])
    usual = int(market.state.engine[0]["pace_cap_micro_per_s"])
    seen = []
    for second in (59, 61, 71, 91, 121):
        market.run_until(float(second))
        seen.append(int(market.state.engine[0]["pace_cap_micro_per_s"]))
    assert seen == [usual, 20_000_000_000, 5_000_000_000, 20_000_000_000, usual]
    series = market.collect().series
    usd = series["forced_sell_lots"] * series["mark_usd"] * market.lot_coin  # the cap is counted at mark
    assert 19_000 < usd[61:121].max() <= 20_100
    assert 4_500 < usd[72:90].max() <= 5_100


@pytest.mark.parametrize(("side", "sign"), [("sell", -1), ("buy", 1)])
def test_nothing_trades_beyond_a_band_and_the_price_goes_on_afterwards(side, sign):
    push = SALE | {"side": side, "at": "70s", "over": "90s", "notional": "$3m"}
    market = market_of(market=EVEN, shocks=[push, BAND], leveraged={"enabled": False})
    market.audit = True
    market.run_until(61.0)
    low, high = (int(market.state.rules[0][name]) for name in ("band_low_ticks", "band_high_ticks"))
    mark = market.view().mark / market.tick_usd
    assert high / mark == pytest.approx(1.01, abs=0.001) and low / mark == pytest.approx(0.99, abs=0.001)
    market.run_until(160.0)
    last = sign * market.collect().series["perp_last_ticks"]
    edge = sign * (low if sign < 0 else high)
    during, after = last[75:121].max(), last[122:161].max()
    assert edge - 10 <= during <= edge  # it was reached, to the last order inside
    assert after > edge + 10
    assert [int(market.state.rules[0][name]) for name in ("band_low_ticks", "band_high_ticks")] == [1, MAX_PRICE_TICKS]


def test_orders_beyond_a_band_are_refused_and_leave_what_rests_as_it_is():
    market = market_of(shocks=[BAND], leveraged={"enabled": False})
    agent = Silent(market, cash_usd=100_000.0, coins=50.0, latency_s=0.0)
    market.run_until(70.0)
    resting = agent.submit("perp", "buy", 960.0, 1.0)
    above, below = agent.submit("perp", "buy", 1030.0, 1.0), agent.submit("perp", "sell", 970.0, 1.0)
    elsewhere = agent.submit("spot", "sell", 970.0, 1.0)
    market.run_for(1.0)
    agent.replace(resting, 1030.0, 1.0)
    market.run_for(1.0)
    assert agent.open_coins(resting) == 1.0  # a low bid is no danger, and a refused replace leaves it there
    assert [status_of(market, agent, ref) for ref in (resting, above, below)] == [REJECT_BAND] * 3
    assert [fill.ref for fill in agent.fills()] == [elsewhere]
    market.run_until(121.0)
    again = agent.submit("perp", "sell", 970.0, 1.0)
    market.run_for(1.0)
    assert agent.fills()[0].ref == again


@pytest.mark.parametrize("orders", ["wait", "reject"])
@pytest.mark.parametrize("book", ["perp", "spot"])
def test_a_halted_book_trades_nothing_and_the_other_goes_on(book, orders):
    other = "spot" if book == "perp" else "perp"
    market = market_of(shocks=[HALT | {"book": book, "orders": orders}], leveraged={"enabled": False})
    market.audit = True
    market.run_until(240.0)
    series = market.collect().series
    traded = {name: series[f"{name}_taker_buy_lots"] + series[f"{name}_taker_sell_lots"] for name in (book, other)}
    assert traded[book][61:121].sum() == 0
    assert traded[other][61:121].sum() > 0
    assert traded[book][:61].sum() > 0 and traded[book][122:].sum() > 0
    after = traded[book][121] > 5.0 * traded[book][2:61].mean()
    assert after == (orders == "wait")  # what waited is matched when the halt ends


def test_orders_wait_out_a_halt_in_order_and_a_halt_that_refuses_admits_cancels():
    for orders in ("wait", "reject"):
        market = market_of(shocks=[HALT | {"orders": orders}], leveraged={"enabled": False})
        agent = Silent(market, cash_usd=100_000.0, coins=50.0, latency_s=0.0)
        market.run_until(50.0)
        old = agent.submit("perp", "buy", 900.0, 1.0)
        market.run_until(70.0)
        new = agent.submit("perp", "buy", 1040.0, 1.0)
        agent.cancel(old)
        market.run_until(120.0)
        assert agent.fills() == []
        assert agent.open_coins(old) == (1.0 if orders == "wait" else 0.0)
        market.run_until(121.0)
        assert agent.open_coins(old) == 0.0
        assert [fill.ref for fill in agent.fills()] == ([new] if orders == "wait" else [])
        assert (status_of(market, agent, new) == REJECT_HALT) == (orders == "reject")


@pytest.mark.parametrize("move", ["-8%", "12%"])
def test_engine_and_fund_do_not_trade_in_a_halted_perp(move):
    shocks = [DEEP_DROP | {"at": "40s", "move": move}, HALT]
    market = market_of(shocks=shocks, leveraged=PASSIVE)
    market.audit = True
    market.run_until(200.0)
    events = market.collect().events
    forced = events["time_us"][np.isin(events["kind"], [EVENT_FORCED, EVENT_FUND_UNLOAD])]
    assert not ((forced > 60_000_000) & (forced <= 120_000_000)).any()
    assert (forced <= 60_000_000).any() and (forced > 120_000_000).any()
    first = market.collect().series["forced_sell_lots" if move[0] == "-" else "forced_buy_lots"]
    assert first[121] <= 4 * first[122:].max()  # the scans of the halt are lost, not made up for at once
