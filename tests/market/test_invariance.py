"""The same market however time is cut, memory is sized, seeds are ordered or neighbours run; conservation after
every tick."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.agents import TradingAgent
from sim.market import Market
from sim.venues.profile import load_profile
from tests.market.small import DROP, SALE, columns, market_of, state_before
from tests.reference_market.rules import is_liquidatable

LENGTH_S = 180.0
ROOT = Path(__file__).resolve().parents[2]
TIERS = load_profile("cex_a").margin_tiers


class Trader(TradingAgent):
    """Buys and sells in turn, a little above and below the touch, and cancels what rested."""

    def __init__(self, market: Market, period_s: float) -> None:
        super().__init__(market, cash_usd=200_000.0, coins=100.0, latency_s=0.35)
        self.turn = 0
        self.last: Any = None
        self.every(period_s)

    def act(self) -> None:
        self.turn += 1
        if self.last is not None and self.turn % 3 == 0:
            self.cancel(self.last)
        mid = self.view().mid("perp" if self.turn % 2 else "spot")
        if mid is not None:
            side = "buy" if self.turn % 4 < 2 else "sell"
            self.last = self.submit(
                "perp" if self.turn % 2 else "spot", side, mid * (1.001 if self.turn % 5 else 0.999), 2.0
            )


def busy_market(seed: int = 1, **over: Any) -> Market:
    market = market_of(seed, shocks=[SALE, DROP], **over)
    market.audit = True
    Trader(market, 7.3)
    Trader(market, 11.0)
    return market


@pytest.fixture(scope="module")
def reference_hash() -> str:
    market = busy_market()
    market.run_until(LENGTH_S)
    return market.state_hash()


def test_the_busy_market_is_busy():
    market = busy_market()
    arrays = market.run() if market.spec.duration == LENGTH_S else (market.run_until(LENGTH_S), market.collect())[1]
    series = arrays.series
    assert series["forced_sell_lots"].sum() > 0
    assert series["n_fills"].sum() > 500
    assert int(market.state.clock[0]["n_guest_fills"]) > 5
    assert len(series) == LENGTH_S + 1


@pytest.mark.parametrize("block", [1, 7, 60])
def test_any_block_size_gives_the_same(block, reference_hash):
    market = busy_market()
    market.block = block
    market.run_until(LENGTH_S)
    assert market.state_hash() == reference_hash


def test_looking_changes_nothing(reference_hash):
    market = busy_market()
    looks = []

    def look() -> None:
        looks.append(market.view().mark)

    for k in range(int(LENGTH_S / 3.25)):
        market.at(3.25 * (k + 1), look)
    for second in (10.1, 50.0, 50.5, 120.7, LENGTH_S):
        market.run_until(second)
    assert len(looks) == int(LENGTH_S / 3.25)
    assert market.state_hash() == reference_hash


def test_growth_in_mid_run_changes_nothing(reference_hash):
    spec, contract, state = state_before(shocks=[SALE, DROP])
    most = int(state.clock[0]["most_messages"])
    assert len(state.books.pool) > 2 * most
    from sim.kernels.memory import allocate_books

    small = allocate_books(
        [int(m) + 1 for m in state.books.sides["mask"][::2]], most // 2, most // 2 + 1, len(state.accounts), 1
    )
    small.positions[:] = state.books.positions
    state.books = small._replace(positions=state.books.positions)
    state.slot_ticket = state.slot_ticket[: most // 2 + 1].copy()
    state.messages, state.order, state.keys = (room[:most].copy() for room in (state.messages, state.order, state.keys))
    state.events, state.rows, state.bands = state.events[:8].copy(), state.rows[:5].copy(), state.bands[:1].copy()
    state.tickets = state.tickets.copy()
    market = Market(spec, 1, state, contract.tick_usd, contract.lot_coin)
    market.audit = True
    Trader(market, 7.3)
    Trader(market, 11.0)
    market.run_until(LENGTH_S)
    assert len(market.state.rows) > 5 and len(market.state.events) > 8 and len(market.state.books.pool) > most // 2 + 1
    assert market.state_hash() == reference_hash


def test_x14_two_markets_interleaved_equal_two_apart(reference_hash):
    one, two = busy_market(1), busy_market(2)
    for second in range(15, int(LENGTH_S) + 1, 15):
        one.run_until(float(second))
        two.run_until(float(second))
    apart = busy_market(2)
    apart.run_until(LENGTH_S)
    assert one.state_hash() == reference_hash
    assert two.state_hash() == apart.state_hash() != reference_hash


def test_a_shock_of_zero_size_changes_nothing():
    plain, zero = market_of(), market_of(shocks=[SALE | {"notional": "$0"}, DROP | {"move": "0%"}])
    plain.run_until(120.0)
    zero.run_until(120.0)
    assert plain.state_hash() == zero.state_hash()


def test_a_path_of_zero_scale_changes_nothing():
    path = {"path": [{"at": "30s", "move": "-1%"}, {"at": "60s", "move": "-2%"}], "scale": 0.0}
    plain, zero = market_of(), market_of(news=path)
    plain.run_until(90.0)
    zero.run_until(90.0)
    assert plain.state_hash() == zero.state_hash()


def test_a_shock_leaves_every_earlier_tick_alone():
    plain, shocked = market_of(), market_of(shocks=[SALE])
    plain.run_until(100.0)
    shocked.run_until(100.0)
    names = ("perp_bid_ticks", "perp_ask_ticks", "spot_bid_ticks", "n_messages", "maker_net_lots")
    before, after = columns(plain, *names), columns(shocked, *names)
    assert (before[:, :61] == after[:, :61]).all()
    assert (before[:, 61:] != after[:, 61:]).any()


def test_a_one_lot_probe_leaves_the_news_and_the_takers_alone():
    """R11: draws are keyed by what they are for, so a probe shifts nobody's numbers."""

    class Probe(TradingAgent):
        def act(self) -> None:
            mid = self.view().mid("perp")
            assert mid is not None
            self.submit("perp", "buy", mid * 1.01, 0.01, "ioc")

    plain, probed = market_of(), market_of()
    Probe(probed, cash_usd=1000.0).wake_at(50.0)
    plain.run_until(120.0)
    probed.run_until(120.0)
    a, b = plain.collect().series, probed.collect().series
    assert (a["value_usd"] == b["value_usd"]).all()
    flow = [s["perp_taker_buy_lots"] + s["perp_taker_sell_lots"] for s in (a, b)]
    assert (flow[0][:51] == flow[1][:51]).all()
    assert (
        abs(int(flow[0].sum()) - int(flow[1].sum())) <= flow[0].sum() // 100
    )  # beliefs move by a hair, and so do makers' orders


def test_run_is_the_same_twice():
    first, second = market_of(5), market_of(5)
    first.run_until(60.0)
    second.run_until(60.0)
    assert first.state_hash() == second.state_hash()


def test_the_order_of_seeds_does_not_matter():
    def hashes(seeds: list[int]) -> dict[int, str]:
        out = {}
        for seed in seeds:
            market = market_of(seed, shocks=[SALE])
            market.run_until(70.0)
            out[seed] = market.state_hash()
        return out

    forward, backward = hashes([1, 2, 3]), hashes([3, 2, 1])
    assert forward == backward
    assert len(set(forward.values())) == 3


IN_A_PROCESS = """
from tests.market.test_invariance import busy_market
for seed in (3, 1, 2):
    market = busy_market(seed)
    market.run_until(100.0)
    print(seed, market.state_hash())
"""


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_another_process_and_order_of_seeds_give_the_same_hashes(hash_seed):
    here = {}
    for seed in (1, 2, 3):
        market = busy_market(seed)
        market.run_until(100.0)
        here[seed] = market.state_hash()
    answer = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS], capture_output=True, text=True, check=True, cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    there = dict(line.split() for line in answer.stdout.splitlines())
    assert {int(seed): value for seed, value in there.items()} == here


def test_no_account_is_ever_found_late():
    """The bucket filter against a full scan by the slow rules: after every tick each hung account is safe."""
    market = market_of(shocks=[SALE, DROP | {"move": "-4%"}, {**SALE, "at": "130s", "side": "buy", "notional": "$2m"}])
    state, unit = market.state, int(market.state.rules[0]["micro_per_tick_lot"])
    tiers = [(None if t.up_to is None else round(t.up_to * 10**6), round(t.maintenance * 10**6)) for t in TIERS]
    people = np.flatnonzero(state.accounts["leveraged"])
    liquidated = 0
    for second in range(50, 200):
        market.run_until(float(second))
        mark = int(state.price[0]["mark_half_ticks"])
        queue = set(state.queue[: int(state.engine[0]["n_queue"])].tolist())
        hung = state.accounts["bucket"][people] >= 0
        position = state.books.positions[0, people]
        assert all(hung[k] or position[k] == 0 or int(a) in queue for k, a in enumerate(people))
        for k in np.flatnonzero(hung):
            cash = int(state.accounts[people[k]]["cash_micro"])
            assert not is_liquidatable(cash, int(position[k]), mark, unit, tiers), (second, people[k])
        liquidated = int((position == 0).sum())
    assert liquidated > 20
