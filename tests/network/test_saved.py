"""A network that is saved and goes on is the network that was never stopped; forks change what one market's may."""

import json
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

import sim
from sim.errors import ForkError, ScenarioError
from sim.fork import SavedState
from sim.network import Network, build_network
from sim.network.saved import NetworkSnapshot, resume, take
from sim.runner import Scenario
from sim.schema import EVENT_ADL
from sim.switches import READ_ONLY
from tests.market.test_snapshot import Forgetful, Trader
from tests.network.rooms import room_of
from tests.network.small import PERP_ONLY, SPOT_ONLY, spec_of

END_S = 240.0
TIMES = (0.0, 37.3, 61.0, 75.2, 100.0, 131.4)
LISTINGS: dict[str, Any] = {
    "m": {"asset": "btc", "exchange": "one"},  # the first one leads, whatever its name
    "b": {"asset": "btc", "exchange": "two", "venue": "cex_b"},
    "c": {
        "asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"},
        "shocks": [
            {"kind": "halt", "at": "100s", "over": "60s"},
            {"kind": "engine_pace", "at": "70s", "over": "90s", "pace": "$1m/s"},
        ],
    },
    "d": {"asset": "btc", "exchange": "three", "venue": "dex_a", **PERP_ONLY},
    "e": {"asset": "btc", "exchange": "three", **SPOT_ONLY},
    "t": {"asset": "tok", "exchange": "one", **SPOT_ONLY, "market": {"price": "$900", "perp": False}},
}  # fmt: skip
NETWORK: dict[str, Any] = {
    "assets": {"eth": {"beta": 1.4, "own_noise_per_day": "3%"}, "tok": {"beta": 1.1, "own_noise_per_day": "2%"}},
    "bridge": {
        "firms": 4, "capital": "$100m", "latency_high": "400ms", "transfer_low": "5s", "transfer_high": "40s",
        "halts": [{"at": "90s", "over": "40s", "exchange": "two"}],
    },
    "makers": {"all": {"exchanges": ["one", "two", "three"]}},
    "portfolios": {
        "one": {
            "accounts": 150, "interest_share": 0.3, "leverage_median": 40.0,
            "collateral": [{"listing": "t", "source": "own_book", "share_of_accounts": 0.5, "share_of_equity": 0.6}],
        }
    },
}  # fmt: skip
SHOCKS = [
    {"kind": "news_move", "at": "60s", "over": "60s", "move": "-12%"},
    {"kind": "flow", "at": "65s", "over": "20s", "notional": "$200m", "side": "sell"},
    {"kind": "depth_withdrawal", "at": "70s", "over": "60s", "left": 0.4, "ramp": "30s"},
]


def spec(folder, **more: Any):
    return spec_of(folder, LISTINGS, NETWORK, **{"shocks": SHOCKS, "duration": "5min", **more})


def through_json(snapshot: NetworkSnapshot) -> NetworkSnapshot:
    """As from a file: no object of the first network is left in the record."""
    record, arrays = snapshot.parts()
    return NetworkSnapshot.of_parts(json.loads(json.dumps(record)), arrays, snapshot.spec)


def with_agents(network: Network) -> Network:
    for name in "bcb":
        Trader(network.markets[name], 3.7)
    return network


def same(one: Network, other: Network) -> None:
    """Equal to the bit: results, arrays of the coupling and of every listing, looks."""
    assert one.state_hashes() == other.state_hashes()
    for name, market in one.markets.items():
        theirs = other.markets[name]
        for table in ("series", "bands", "events", "accounts"):
            assert (getattr(market.collect(), table) == getattr(theirs.collect(), table)).all()
        assert [(a.unique_id, a.coins) for a in agents(market)] == [(a.unique_id, a.coins) for a in agents(theirs)]
    mine, theirs = room_of(one).arrays(), room_of(other).arrays()
    del mine["inbox"]  # what was taken in stays there until it is written over
    assert [name for name in mine if mine[name].tobytes() != theirs[name].tobytes()] == []
    for a, b in zip(one.couplings.purses, other.couplings.purses, strict=True):
        assert a.tobytes() == b.tobytes()
    for a, b in zip(one.watched()[:2], other.watched()[:2], strict=True):
        assert (a == b).all()


def agents(market):
    return [agent for agent in market.agents if isinstance(agent, Trader)]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    network = with_agents(build_network(spec(tmp_path_factory.mktemp("whole")), 3))
    network.run_until(END_S)
    return network


def test_the_network_is_busy(unbroken):
    """The test below stops amid calls, sales of collateral, transfers, agents with orders, forced orders."""
    c = unbroken.couplings
    assert int(c.desk[0]["sent"]) > 20 and c.portfolios.all["n_calls"].sum() > 5
    assert c.portfolios.collateral["sold_lots"].sum() > 0
    assert sum(int(m.collect().series["forced_sell_lots"].sum()) for m in unbroken.markets.values()) > 0
    assert all(sum(agent.coins for agent in agents(unbroken.markets[name])) > 0.5 for name in "bc")


@pytest.mark.parametrize("time_s", TIMES)
def test_saved_and_gone_on_is_unbroken(unbroken, tmp_path, time_s):
    network = with_agents(build_network(spec(tmp_path), 3))
    network.run_until(time_s)
    again = resume(through_json(take(network)), classes=[Trader])
    again.audit = True
    assert again.time == time_s
    again.run_until(END_S)
    again.audit = False  # it is a column of the clock
    same(again, unbroken)
    network.run_until(END_S)  # saving changed nothing
    same(network, unbroken)


def test_accounts_of_agents_enter_the_totals_and_ladders_stay_as_large(tmp_path):
    """Each account that is opened links the arrays anew: nothing is kept twice, and the audit knows the deposit."""
    network = build_network(spec(tmp_path), 3)
    network.audit = True
    network.run_until(5.0)
    n_levels = len(network._shared.levels)
    with_agents(network)
    network.run_until(10.0)
    Trader(network.markets["c"], 2.0)
    network.run_until(40.0)
    assert len(network._shared.levels) == n_levels == sum(p.levels.stop - p.levels.start for p in network.places)
    assert sum(agent.coins for agent in agents(network.markets["c"])) > 0


def forked(folder, time_s: float, seed: int | None = None, **changes: Any):
    """A network of the scenario, saved at a time, and what goes on from it under changed settings."""
    network = build_network(spec(folder), 3)
    network.run_until(time_s)
    fork = SavedState.of(network).fork({key.replace("__", "."): value for key, value in changes.items()}, seed=seed)
    return network, fork.network()


def first_difference_s(one: Network, other: Network) -> dict[str, float]:
    """Time of the first row of each listing in which two networks differ; infinite where none does."""
    found = {}
    for name, market in one.markets.items():
        mine, theirs = market.collect().series, other.markets[name].collect().series
        rows = np.flatnonzero([a.tobytes() != b.tobytes() for a, b in zip(mine, theirs, strict=True)])
        found[name] = float(mine["time_us"][rows[0]]) / 1e6 if len(rows) else float("inf")
    return found


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"market__depth_scale_visible": 0.5}, "mbcdet"),
        ({"listings__b__market": {"depth_scale_visible": 0.5}}, "b"),
        ({"network__bridge__enabled": False}, ""),
        ({"network__assets__eth__beta": 3.0}, "c"),
        ({"network__makers__all__capital": False}, "mb"),
        ({"network__exchanges": {"two": {"index_weights": {"two": 1.0}}}}, "b"),
        ({"listings__c__shocks": [*LISTINGS["c"]["shocks"], {"kind": "halt", "at": "80s", "over": "10s"}]}, "c"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else value,
)
def test_a_setting_changed_at_a_fork_acts_from_there_on(tmp_path, changes, where):
    """Where the change is made it is felt within seconds; before the fork nothing differs anywhere."""
    network, again = forked(tmp_path, 64.0, **changes)
    again.audit = True
    for one in (network, again):
        one.run_until(130.0)
    since = first_difference_s(network, again)
    assert min(since.values()) > 64.0
    assert min(since.values()) < 130.0
    assert [name for name in where if since[name] > 90.0] == []


def test_a_rule_of_deleveraging_may_change_at_a_fork(tmp_path):
    """Funds without money deleverage from the first loss on: by the queue, or from the fork on in proportion."""
    crash = [{"kind": "news_move", "at": "60s", "over": "20s", "move": "-20%"}]
    network = build_network(spec(tmp_path, shocks=crash, clearing={"fund_scale": 0.0}), 3)
    network.run_until(70.0)
    again = SavedState.of(network).fork({"clearing.adl_rule": "pro_rata"}).network()
    again.audit = True
    struck = []
    for one in (network, again):
        one.run_until(90.0)
        events = one.markets["m"].collect().events
        struck.append(len(np.unique(events["account"][events["kind"] == EVENT_ADL])))
    assert 0 < struck[0] < struck[1]


def test_transfers_closed_at_a_fork_are_the_switch_turned_by_hand(tmp_path):
    network, again = forked(tmp_path, 70.0, network__bridge__transfers=False)
    network.couplings.desk[0]["transfers"] = 0
    for one in (network, again):
        one.run_until(200.0)
    same(network, again)
    assert again.couplings.wallets.seats["on_way"].sum() > 0  # what was on its way at the fork, or came no more


def test_collateral_valued_otherwise_at_a_fork_is_looked_at_at_once(tmp_path):
    """A haircut that makes accounts fall below maintenance at the fork, not when their prices move next."""
    rules = {**NETWORK["portfolios"]["one"]["collateral"][0], "haircut": 0.9, "haircut_on_maintenance": True}
    network, again = forked(tmp_path, 55.0, network__portfolios__one__collateral=[rules])
    for one in (network, again):
        one.run_until(57.0)
    assert again.couplings.portfolios.all["n_calls"].sum() > network.couplings.portfolios.all["n_calls"].sum()


def test_another_seed_shares_the_past_and_no_future(tmp_path):
    network, again = forked(tmp_path, 70.0, seed=4)
    twice = SavedState.of(again).fork().network()
    for one in (network, again, twice):
        one.run_until(110.0)
    assert all(70.0 < at <= 73.0 for at in first_difference_s(network, again).values())
    same(again, twice)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"listings__b__market": {"price": "$99k"}}, "listings.b.market.price: cannot change at a fork: everything at"),
        ({"listings__b__asset": "eth"}, "listings.b.asset: cannot change at a fork: its books"),
        ({"listings__f": LISTINGS["e"]}, "listings: cannot be added, taken away"),
        ({"network__makers__all__exchanges": ["one", "two"]}, "makers.all.exchanges: cannot change at a fork: it"),
        ({"network__bridge__firms": 9}, "network.bridge.firms: cannot change at a fork: it decides the size"),
        ({"network__bridge__capital": "$1bn"}, "network.bridge.capital: cannot change at a fork: it acts at the start"),
        ({"network__portfolios__one__accounts": 300}, "portfolios.one.accounts: cannot change at a fork: it acts"),
        ({"network__portfolios__one__collateral": []}, "collateral: cannot be switched on at a fork"),
        ({"listings__c__shocks": []}, "listings.c.shocks.1: it began at 70 s, before the fork at 80 s"),
        ({"shocks": []}, "shocks.0: it began at 60 s"),
        ({"network__record_every": "2s"}, "network.record_every: cannot change at a fork: the rows recorded"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_what_cannot_change_is_refused_by_name(tmp_path, changes, said):
    network = build_network(spec(tmp_path), 3)
    network.run_until(80.0)
    state = SavedState.of(network)
    with pytest.raises(ScenarioError, match=said.replace("(", r"\(")):
        state.fork({key.replace("__", "."): value for key, value in changes.items()}).network()


def test_an_agent_that_cannot_be_saved_is_named_with_its_listing(tmp_path):
    network = build_network(spec(tmp_path), 3)
    Forgetful(network.markets["b"], cash_usd=1e5)
    with pytest.raises(ForkError, match=r"listing b: agent \d+ \(Forgetful\) cannot be saved"):
        take(network)


def test_a_file_goes_on_as_the_run_that_was_never_stopped(tmp_path):
    """Run, file, rerun and manifests, as users have them."""
    from sim.fork import fork_again

    plan = Scenario(spec(tmp_path))
    whole = plan.run(seed=3)
    path = plan.run(seed=3, until=75.0).save(tmp_path / "state.npz")
    state = sim.load_state(path)
    again = state.fork().run()
    assert again.hashes == whole.hashes and again.run_id == whole.run_id
    assert again.between["stakes"].equals(whole.between["stakes"])
    other = state.fork({"network.bridge.transfers": False}).run()
    assert other.hashes != whole.hashes and other.run_id != whole.run_id
    manifest = json.loads(json.dumps(other.manifest()))
    assert fork_again(manifest, tmp_path).run().hashes == other.hashes
    with pytest.raises(ScenarioError, match="use network"):
        state.fork().market()


def test_a_run_folder_gives_the_whole_network_back(tmp_path):
    """Every table, summary, hash and constant of every listing, and what lies between; also of several seeds."""
    plan = Scenario(spec(tmp_path, duration="3min"))
    run = plan.run(seed=3)
    again = sim.load_run(run.save(tmp_path / "run", report=False))
    alike(again, run)
    both = plan.ensemble((3, 4))
    alike(sim.load_run(both.save(tmp_path / "both", report=False)).runs[1], both.runs[1])


def alike(again, run) -> None:
    assert list(again.listings) == list(run.listings) == list(LISTINGS)
    for mine, theirs in ((again, run), *((again.listings[name], run.listings[name]) for name in LISTINGS)):
        assert (mine.hashes, mine.constants, mine.spec) == (theirs.hashes, theirs.constants, theirs.spec)
        for a, b in zip(mine.tables, theirs.tables, strict=True):
            assert_frame_equal(a, b)
    assert list(again.between) == list(run.between)
    for name, table in run.between.items():
        assert_frame_equal(again.between[name], table)
    assert json.dumps(again.summary) == json.dumps(run.summary)
    assert again.run_id == run.run_id


def test_ties_that_ticks_only_read_are_never_written_by_a_tick(unbroken, tmp_path):
    from sim.network.saved import TIES, WHOLE_TIES, rooms_of

    fresh, now = rooms_of(build_network(spec(tmp_path), 3).couplings), rooms_of(unbroken.couplings)
    for name, columns in TIES.items():
        for column in columns:
            assert (fresh[name][column] == now[name][column]).all(), f"{name}.{column}"
    for name in WHOLE_TIES:
        assert (fresh[name] == now[name]).all(), name
    assert {"index_given"} <= set(READ_ONLY["price"]) and {"common_per_tick"} <= set(READ_ONLY["news"])
