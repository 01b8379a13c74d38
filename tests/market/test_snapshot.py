"""A market that is saved and goes on is the market that was never stopped (X11); what cannot be saved is refused."""

import json
import random
import subprocess
import sys

import mesa
import numpy as np
import pytest

from sim.agents import TradingAgent
from sim.agents.base import Ref
from sim.errors import ForkError
from sim.fork import SavedState
from sim.schema import EVENT_ADL
from sim.snapshot import Snapshot, resume, take
from tests.market.small import DROP, SALE, market_of
from tests.shell.files import ROOT

LENGTH_S = 200.0
# half a sale sold, news on its way; firms silent, their orders cancelled; halt, band and cap of the engine in force
MIDDLES = (75.0, 85.25, 105.0)
TIMES = [random.Random(11 + k).uniform(1.0, LENGTH_S) for k in range(20)]
CRASH = DROP | {"over": "5s", "move": "-15%"}
EVERY_KIND = [
    DROP,
    SALE,
    {"kind": "depth_withdrawal", "at": "40s", "over": "30s", "left": 0.3, "ramp": "40s"},
    {"kind": "maker_outage", "at": "70s", "over": "30s", "firms": 2, "orders": "cancel"},
    {"kind": "latency", "at": "50s", "over": "60s", "factor": 3},
    {"kind": "latency", "at": "60s", "over": "70s", "factor": 2, "whose": "others"},
    {"kind": "transfer_halt", "at": "20s", "over": "50s"},
    {"kind": "halt", "at": "100s", "over": "10s"},
    {"kind": "price_band", "at": "60s", "over": "60s", "width": "1%"},
    {"kind": "engine_pace", "at": "60s", "over": "60s", "pace": "$100k/s"},
    {"kind": "engine_pace", "at": "70s", "over": "60s", "pace": "$10k/s"},
    {"kind": "funding_base", "at": "60s", "over": "60s", "rate": "-20%"},
    {"kind": "fat_finger", "at": "130s", "side": "sell", "notional": "$900k"},
]


class Trader(TradingAgent):
    """Rests, cancels and takes in turn, at random; remembers the last order and what it was filled."""

    def __init__(self, market, interval_s):
        super().__init__(market, cash_usd=2e5, coins=50.0, latency_s=0.7)
        self.coins, self.last = 0.0, None
        self.every(interval_s)

    def act(self):
        self.coins += sum(fill.coins for fill in self.fills())
        bid, ask = self.view().bid["perp"], self.view().ask["perp"]
        if self.last is not None and self.random.random() < 0.5:
            self.cancel(self.last)
        elif bid is not None and ask is not None and self.rng.random() < 0.5:
            self.last = self.submit("perp", "buy", bid, 0.5)
        else:
            self.market_order("perp", "sell", 0.4)

    def state(self):
        return {"coins": self.coins, "last": None if self.last is None else list(self.last)}

    def restore(self, state):
        self.coins, self.last = state["coins"], None if state["last"] is None else Ref(*state["last"])


class Forgetful(TradingAgent):
    """Has no state of its own."""

    def act(self):
        return


class HalfForgetful(Forgetful):
    """Can be asked, not told."""

    def state(self):
        return {}


def busy_market():
    market = market_of(shocks=EVERY_KIND, market_maker={"withdrawal": True})
    Trader(market, 3.7)
    Trader(market, 10.0)  # wakes at the instants of shocks
    Trader(market, 10.0)
    return market


def through_json(snapshot):
    """As from a file: no object of the first market is left in the record."""
    return Snapshot(snapshot.arrays, json.loads(json.dumps(snapshot.record)), snapshot.spec, snapshot.venue, {})


@pytest.fixture(scope="module")
def unbroken():
    market = busy_market()
    market.run_until(LENGTH_S)
    return market


@pytest.mark.parametrize("time_s", [0.0, 60.0, *MIDDLES, *TIMES])
def test_x11_saved_and_gone_on_is_unbroken(unbroken, time_s):
    """Every kind of shock, pending, running and over; Python agents with orders on their way."""
    market = busy_market()
    market.run_until(time_s)
    again = resume(through_json(take(market)), classes=[Trader])
    again.audit = True
    assert again.time == time_s and again is not market
    again.run_until(LENGTH_S)
    assert again.state_hash() == unbroken.state_hash()
    for name in ("series", "bands", "events", "accounts"):
        assert (getattr(again.collect(), name) == getattr(unbroken.collect(), name)).all()
    before, after = ([a for a in m.agents if isinstance(a, Trader)] for m in (unbroken, again))
    assert [a.coins for a in before] == [a.coins for a in after] and sum(a.coins for a in after) > 1.0
    assert [(a.unique_id, a.last) for a in before] == [(a.unique_id, a.last) for a in after]


def test_x11_in_the_middle_of_an_auto_deleveraging():
    """Scans of twenty seconds deleverage hundreds of accounts; every half second between them is a place to stop."""
    market = market_of(shocks=[CRASH, SALE], clearing={"fund_scale": 0.0})
    taken = {}
    for time_s in np.arange(62.0, 85.0, 0.5):
        market.run_until(time_s)
        taken[time_s] = take(market)
    market.run_until(LENGTH_S)
    events = market.collect().events
    events = events[events["kind"] == EVENT_ADL]
    assert len(events) > 100 and len(set(events["time_us"])) > 8
    assert 62e6 < events["time_us"].min() and events["time_us"].max() < 85e6
    for time_s, snapshot in taken.items():
        again = resume(through_json(snapshot))
        again.run_until(LENGTH_S)
        assert again.state_hash() == market.state_hash(), time_s


IN_A_NEW_PROCESS = """
import sys
import sim
from tests.market.test_snapshot import LENGTH_S, Trader
for path in sys.argv[1:]:
    market = sim.load_state(path).fork(agents=[Trader]).market()
    market.run_until(LENGTH_S)
    print(market.state_hash(), [(a.unique_id, a.coins) for a in market.agents if isinstance(a, Trader)])
"""


def test_x11_from_a_file_in_a_new_process(unbroken, tmp_path):
    """Nothing of the first process is left: counters of events, order of hashes, classes."""
    market, paths = busy_market(), []
    for time_s in (45.5, *MIDDLES):
        market.run_until(time_s)
        paths.append(str(SavedState.of(market).save(tmp_path / f"{time_s}.npz")))
    command = [sys.executable, "-c", IN_A_NEW_PROCESS, *paths]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    coins = [(agent.unique_id, agent.coins) for agent in unbroken.agents if isinstance(agent, Trader)]
    assert said == [f"{unbroken.state_hash()} {coins}"] * len(paths)


def test_saving_changes_nothing_and_a_snapshot_serves_twice(unbroken):
    market = busy_market()
    market.run_until(90.0)
    snapshot = take(market)
    first, second = resume(snapshot), resume(snapshot)
    for run in (first, market, second):
        run.run_until(LENGTH_S)
        assert run.state_hash() == unbroken.state_hash()


def test_a_snapshot_of_a_resumed_market_serves_again(unbroken):
    market = busy_market()
    for time_s in (45.5, 75.0, 105.25, 140.0):
        market.run_until(time_s)
        market = resume(take(market))
    market.run_until(LENGTH_S)
    assert market.state_hash() == unbroken.state_hash()


def test_another_seed_shares_the_past_and_no_future(unbroken):
    market = busy_market()
    market.run_until(90.0)
    again = resume(take(market), seed=2)
    assert again.random.getstate() != market.random.getstate()
    assert again.rng.bit_generator.state != market.rng.bit_generator.state
    again.run_until(95.0)
    twice = resume(take(again))  # in the middle of shocks that give back what the first seed drew
    assert again.random.getstate() == twice.random.getstate()
    assert again.rng.bit_generator.state == twice.rng.bit_generator.state
    for run in (again, twice):
        run.run_until(LENGTH_S)
    assert twice.state_hash() == again.state_hash()
    mine, theirs = again.collect().series, unbroken.collect().series
    assert (mine[:91] == theirs[:91]).all()
    assert (mine["mark_usd"][92:] != theirs["mark_usd"][92:]).any()


class Listener(Forgetful):
    """Remembers what it was told, in order."""

    heard: tuple[str, ...] = ()

    def hear(self, word):
        self.heard = (*self.heard, word)

    def state(self):
        return {"heard": list(self.heard)}

    def restore(self, state):
        self.heard = tuple(state["heard"])


def test_changes_of_one_tick_keep_their_order():
    market = market_of()
    listener = Listener(market)
    market.run_until(30.25)
    market.change(listener.hear, "first")
    market.change(listener.hear, "second")
    market.run_until(30.5)
    again = resume(take(market))
    listener = next(agent for agent in again.agents if isinstance(agent, Listener))
    again.change(listener.hear, "third")
    assert listener.heard == ()
    again.run_until(32.0)
    assert listener.heard == ("first", "second", "third")


@pytest.mark.parametrize("cls", [Forgetful, HalfForgetful])
def test_an_agent_without_both_is_refused_by_name(cls):
    market = market_of()
    cls(market)
    with pytest.raises(ForkError, match=rf"{cls.__name__}\) cannot be saved: .* both state\(\) and restore"):
        take(market)


@pytest.mark.parametrize("state", [{"a": (1, 2)}, {1: 2}, {"a": float("nan")}, {"a": np.zeros(2)}, [1]], ids=str)
def test_a_state_that_json_would_change_is_refused_by_name(state):
    market = market_of()
    agent = Trader(market, 1.0)
    agent.state = lambda: state
    with pytest.raises(ForkError, match=r"agent 10 \(Trader\) cannot be saved"):
        take(market)


def test_a_pending_function_that_is_no_method_of_an_agent_is_refused_by_name():
    def look():
        return

    waiting, queued, recurring = market_of(), market_of(), market_of()
    waiting.at(30.0, look)
    queued.change(look)
    schedule = mesa.time.Schedule(interval=5.0)
    recurring.schedule_recurring(look, schedule)
    for market, name in ((waiting, "look"), (queued, "look"), (recurring, "_execute_and_reschedule")):
        with pytest.raises(ForkError, match=rf"{name} cannot be saved: it is no method of an agent"):
            take(market)


def test_a_class_that_is_not_given_is_asked_for_by_name():
    market = market_of()
    Trader(market, 1.0)
    with pytest.raises(ForkError, match=r"holds an agent of class Trader: give it, fork\(agents=\[Trader\]\)"):
        resume(through_json(take(market)))
    with pytest.raises(ForkError, match="two classes of agents are named Trader"):
        resume(through_json(take(market)), classes=[Trader, type("Trader", (Trader,), {})])


def test_a_record_that_does_not_fit_is_refused():
    market = market_of(shocks=[DROP])
    market.run_until(30.0)
    whole = take(market)
    for key, value in (
        ("events", [[40.0, 5, True, "shock", 0, "__init__", []]]),
        ("events", [[40.0, 5, True, "agent", 99, "act", []]]),
        ("random", []),
        ("next_agent", "x"),
    ):
        broken = Snapshot(whole.arrays, {**whole.record, key: value}, whole.spec, whole.venue, {})
        with pytest.raises(ForkError):
            resume(broken).run_until(60.0)
    for arrays in ({}, {**whole.arrays, "extra": np.zeros(1)}, {**whole.arrays, "accounts": np.zeros(3)}):
        with pytest.raises(ForkError, match="array"):
            resume(Snapshot(arrays, whole.record, whole.spec, whole.venue, {}))


def test_mesa_keeps_its_events_where_they_are_looked_for():
    """Pins the private list of Mesa 3.5 that ``pending`` reads."""
    market = market_of(shocks=[DROP])
    assert [event.time for event in market._event_list._events if not event.CANCELED] == [60.0]
