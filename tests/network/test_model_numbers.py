"""Numbers of MODEL 6.2 where several listings and portfolios are at work. The rules of one venue by themselves are in
tests/exact and tests/market.
"""

import numpy as np
import pytest

from sim.kernels.ledger import FUND
from sim.network import build_network
from sim.schema import EVENT_ADL, EVENT_FORCED
from tests.exact.test_single_liquidation import BEST, COINS, DOLLAR, FIGURES, LOT, single
from tests.market.rig import FIRST, Rig
from tests.network.joined import Joined
from tests.network.small import PERP_ONLY, SPOT_ONLY, spec_of

BTC = {"asset": "btc", "exchange": "one"}
ETH = {"asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"}}


@pytest.mark.parametrize("density", FIGURES)
def test_a_leg_that_is_all_of_a_portfolio_is_liquidated_as_the_account_alone(density: int):
    """6.2.1: called below 90.909091, the equity left 18.1943, or a deficit of 19.2869 and 112.9901 for the fund."""
    lots, after_fee = int(COINS / LOT), FIGURES[density][2]
    joined = Joined([single(density)], [[(0, FIRST)]])
    (rig,), row = joined.rigs, joined.portfolios.all[0]
    joined.look([2 * BEST])
    assert rig.scan(2 * BEST).size == 0 and row["is_called"] == 0  # equality is safe
    joined.look([2 * BEST - 1], 1)
    events = rig.scan(2 * BEST - 1)
    assert events["kind"].tolist() == [EVENT_FORCED] and abs(int(events["lots"][0])) == lots
    joined.look([2 * BEST - 1], 2)
    left = rig.accounts["cash_micro"][[FIRST, FUND]] / DOLLAR
    assert left.sum() == pytest.approx(after_fee, abs=5e-5)
    assert (left[0] == 0) == (left[1] < 0) == (after_fee < 0)


def test_each_listing_deleverages_by_the_ranking_of_its_venue():
    """6.2.12: four shorts, a long of 20 bankrupt at 93 with the mark at 90: A10, C10 by one rule, C10, A10 by the
    other; 60 go over in each.
    """
    shorts = np.array([(10, 100, 50), (20, 95, 400), (10, 91, 30), (15, 105, 2000)])
    size, entry, collateral = shorts.T
    rigs = [
        Rig([-20 * 93, *(size * entry + collateral)], [20, *-size], [100, *entry], adl_on=1, adl_rule=rule)
        for rule in (1, 2)
    ]
    joined = Joined([*rigs, Rig([10**6], [1], [100])], [[(2, FIRST)]])
    for rig, names in zip(joined.rigs, ("AC", "CA"), strict=False):
        before = rig.accounts["cash_micro"] + rig.accounts["held_lots"] * 90
        adl = rig.scan(2 * 90)
        assert (adl["kind"] == EVENT_ADL).all() and adl["lots"].tolist() == [10, 10]
        assert "".join("ABCD"[a - FIRST - 1] for a in adl["account"]) == names
        paid = before - (rig.accounts["cash_micro"] + rig.accounts["held_lots"] * 90)
        assert paid[FIRST + 1 :].sum() == 60 == -paid[FIRST] and rig.accounts["cash_micro"][FUND] == 0


def hashes(tmp_path, listings, seconds=150.0, network=None, **more):
    sale = [{"kind": "flow", "at": "30s", "over": "30s", "notional": "$200m", "side": "sell"}]
    running = build_network(spec_of(tmp_path, listings, network, shocks=sale, **more), 4)
    running.run_until(seconds)
    return running


def test_x14_networks_with_bridge_firms_interleaved_equal_the_same_apart(tmp_path):
    """No draw, purse, order or transfer of one reaches the other, though both run in one process, turn by turn."""
    other = {"b": {**BTC, "exchange": "two"}, "d": {**BTC, "exchange": "three", **SPOT_ONLY}}
    tables = ({"a": BTC, **other}, {"a": BTC, "c": ETH, "b": other["b"]})
    rules = {
        "bridge": {"firms": 4, "transfer_low": "5s", "transfer_high": "20s"},
        "portfolios": {"one": {"accounts": 60}},
    }
    sale = [{"kind": "flow", "at": "30s", "over": "30s", "notional": "$200m", "side": "sell"}]
    pair, apart = ([build_network(spec_of(tmp_path, t, rules, shocks=sale), 4) for t in tables] for _ in range(2))
    for end in range(5, 91, 5):
        for network in pair:
            network.run_until(float(end))
    for network in apart:
        network.run_until(90.0)
        assert int(network.couplings.desk[0]["sent"]) > 0
    assert [n.state_hashes() for n in pair] == [n.state_hashes() for n in apart]


def test_x14_markets_in_which_bridge_firms_find_nothing_to_tie_run_as_alone(tmp_path):
    """One listing of each asset, each in a money of its own: firms sit in both, and neither knows of the other."""
    eth = {**ETH, "exchange": "nine", "quote": "usd"}
    alone = hashes(tmp_path, {"a": BTC}, network={"bridge": {"enabled": False}})
    beside = hashes(tmp_path, {"a": BTC, "z": eth})
    assert int(beside.couplings.desk[0]["sent"]) == 0 and len(beside.couplings.wallets.firms) > 0
    one, other = (n.markets["a"].collect().series.tobytes() for n in (alone, beside))
    assert one == other


def test_exchanges_by_other_names_are_the_same_market(tmp_path):
    """6.2.17: relabelled venues, with bridges, transfers and levelled funds, to the byte."""

    def listed(one, two):
        return {
            "a": {**BTC, "exchange": one},
            "b": {**BTC, "exchange": two, **PERP_ONLY},
            "c": {**ETH, "exchange": one},
        }

    runs = [hashes(tmp_path, listed(*names)).state_hashes() for names in (("one", "two"), ("alpha", "beta"))]
    assert runs[0] == runs[1]


def forced_share(tmp_path, seed: int, leverage: float, depth: float) -> float:
    """Of the longs' open interest over all listings, in coins: what the engines sold or had taken over."""
    many = {"accounts": 300, "interest_share": "40%", "leverage_median": 8 * leverage}
    shock = [{"kind": "news_move", "at": "30s", "over": "60s", "move": "-3%"}]
    spec = spec_of(
        tmp_path, {"a": BTC, "b": {**BTC, "exchange": "two"}, "c": ETH}, {"portfolios": {"one": many, "two": many}},
        shocks=shock, market={"depth_scale_visible": depth, "depth_scale_latent": depth, "depth_scale_refill": depth},
        leveraged={"accounts": 300, "leverage_median": 8 * leverage, "cex_leverage_median": 15 * leverage},
    )  # fmt: skip
    network = build_network(spec, seed)
    longs = [int(np.maximum(m.state.accounts["held_lots"], 0).sum()) for m in network.markets.values()]
    network.run_until(300.0)
    shares = []
    for market, whole in zip(network.markets.values(), longs, strict=True):
        rows, start = market.state.accounts, market.state.accounts["start_lots"]
        shares.append(int((rows["forced_lots"] + rows["taken_lots"])[start > 0].sum()) / whole)
    return float(np.mean(shares))


def test_half_the_leverage_and_twice_the_depth_make_no_cascade_of_the_same_news(tmp_path):
    """6.2.18 in a small network."""
    for seed in (1, 2):
        full, degenerate = (forced_share(tmp_path, seed, *way) for way in ((1.0, 0.3), (0.5, 0.6)))
        assert degenerate < 0.02 < full
