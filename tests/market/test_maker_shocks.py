"""Depth withdrawal, maker outage, latency: each does what it says, both ways, and nothing when its size is zero."""

import numpy as np
import pytest

from sim.agents import TradingAgent
from sim.errors import ScenarioError
from sim.recorder import live_lots
from sim.scenario.load import load_spec
from tests.market.small import DROP, market_of

CALM = {"leveraged": {"enabled": False}, "market_maker": {"withdrawal": False}}
DEPTH = {"kind": "depth_withdrawal", "at": "60s", "over": "60s", "left": "20%"}
OUTAGE = {"kind": "maker_outage", "at": "60s", "over": "60s", "firms": 2}
LATENCY = {"kind": "latency", "at": "60s", "over": "60s", "factor": 20}
NO_SIZE = {
    "depth_withdrawal": DEPTH | {"left": "100%", "ramp": "30s"},
    "depth_withdrawal, no time": DEPTH | {"over": "0s"},
    "maker_outage": OUTAGE | {"firms": 0},
    "maker_outage, no time": OUTAGE | {"over": "0s", "orders": "cancel"},
    "latency": LATENCY | {"factor": 1},
    "latency, no time": LATENCY | {"over": "0s"},
}


class Silent(TradingAgent):
    """Does nothing by itself; tests move its hands."""

    def act(self):
        return


def posted(market):
    """Lots that each firm posts, [firms, books, sides, rungs]."""
    market.sync()
    state = market.state
    first = int(state.quoting[0]["ticket0"])
    handles = state.tickets["handle"][first : first + state.rung_lots.size]
    return live_lots(state.books, handles).reshape(state.rung_lots.shape)


@pytest.mark.parametrize("shock", NO_SIZE.values(), ids=NO_SIZE)
def test_a_shock_of_no_size_changes_nothing_bit_for_bit(shock):
    plain, shocked = market_of(shocks=[DROP]), market_of(shocks=[DROP, shock])
    plain.run_until(150.0)
    shocked.run_until(150.0)
    assert shocked.state_hash() == plain.state_hash()


@pytest.mark.parametrize("block", [1, 7])
def test_the_cut_of_time_changes_nothing(block):
    shocks = [DROP, DEPTH | {"ramp": "30s"}, OUTAGE | {"orders": "cancel", "at": "70.5s"}, LATENCY]
    hashes = []
    for size in (600, block):
        market = market_of(shocks=shocks)
        market.block, market.audit = size, True
        market.run_until(200.0)
        hashes.append(market.state_hash())
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(("sides", "out", "kept"), [("bids", 0, 1), ("asks", 1, 0)])
def test_a_withdrawal_takes_its_share_of_one_side_and_gives_it_back(sides, out, kept):
    market, plain = (market_of(shocks=shocks, **CALM) for shocks in ([DEPTH | {"sides": sides}], []))
    shares = []
    for second in (59.0, 110.0, 200.0):
        market.run_until(second)
        plain.run_until(second)
        shares.append(posted(market).sum(axis=(0, 1, 3)) / posted(plain).sum(axis=(0, 1, 3)))
    assert (shares[0] == 1.0).all()
    assert shares[1][out] == pytest.approx(0.2, abs=0.05)
    assert shares[1][kept] == pytest.approx(1.0, abs=0.2)
    assert shares[2] == pytest.approx(1.0, abs=0.2)


def test_a_withdrawal_at_one_distance_leaves_the_others_and_comes_back_along_its_ramp():
    shocks = [DEPTH | {"distances": "near", "ramp": "40s"}, DEPTH | {"at": "70s", "over": "10s", "left": "50%"}]
    market = market_of(shocks=shocks, **CALM)
    near, far = [], []
    for second in (59, 61, 71, 81, 121, 141, 161):
        market.run_until(float(second))
        near.append(float(market.state.firms["shock_near"][0, 0]))
        far.append(float(market.state.firms["shock_far"][0, 1]))
    assert near == pytest.approx([1.0, 0.2, 0.1, 0.2, 0.2, 0.6, 1.0], abs=0.03)
    assert far == [1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("orders", ["stay", "cancel"])
def test_silent_firms_send_nothing_and_the_others_go_on(orders):
    market = market_of(shocks=[OUTAGE | {"orders": orders}], **CALM)
    market.audit = True
    market.run_until(60.0)
    before = posted(market)
    market.run_until(61.0)
    first = posted(market)
    market.run_until(120.0)
    late = posted(market)
    silent, speaking = slice(0, 2), slice(2, None)
    if orders == "cancel":
        assert before[silent].sum() > 0 == late[silent].sum()
    else:
        assert 0 < late[silent].sum() and (late[silent] <= first[silent]).all()  # only fills take from them
    assert late[speaking].sum() > 0.5 * before[speaking].sum()
    market.run_until(180.0)
    assert posted(market)[silent].sum() > 0.5 * before[silent].sum()


def test_a_share_of_firms_counts_and_more_than_there_are_is_refused(tmp_path):
    market = market_of(shocks=[OUTAGE | {"firms": 0, "share": "70%"}], **CALM)
    market.run_until(61.0)
    assert market.state.firms["live"].tolist() == [0, 0, 1]
    with pytest.raises(ScenarioError, match="there are 8 firms"):
        load_spec("calm_btc", {"shocks": [OUTAGE | {"firms": 9}]})


@pytest.mark.parametrize(("whose", "makers", "others"), [("makers", 20, 1), ("others", 1, 20), ("all", 20, 20)])
def test_latency_is_multiplied_for_whom_it_says_and_comes_back(whose, makers, others):
    market = market_of(tick="100ms", shocks=[LATENCY | {"whose": whose}], **CALM)
    agent = Silent(market, cash_usd=100_000.0, latency_s=0.2)
    usual = [market.state.quoting["latency_us"].copy(), market.state.arbitrageurs["latency_us"].copy()]
    market.run_until(70.0)
    assert (market.state.quoting["latency_us"] == makers * usual[0]).all()
    assert (market.state.arbitrageurs["latency_us"] == others * usual[1]).all()
    ref = agent.submit("perp", "buy", 900.0, 1.0)
    market.run_for(0.2 * others - 0.2)
    assert agent.open_coins(ref) == 0.0
    market.run_for(0.4)
    assert agent.open_coins(ref) == 1.0
    market.run_until(121.0)
    assert (market.state.quoting["latency_us"] == usual[0]).all()
    assert np.array_equal(market.state.arbitrageurs["latency_us"], usual[1])
