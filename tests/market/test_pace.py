"""Two clocks: what calls for which, what a change keeps, and that long ticks are the market of the same rules."""

from typing import Any

import numpy as np
import pytest

import sim
from sim.agents import TradingAgent
from sim.behaviours.pace import ADL, BUSY, FUEL, GAP, MOVE, PULL
from sim.build import build, contract_of, state_of
from sim.errors import ScenarioError
from sim.pace import caused_now, change_clock, rung, write_rates
from sim.schema import EVENT_ADL, EVENT_CLOCK
from sim.snapshot import resume, take
from sim.state import ROOMS
from sim.switches import READ_ONLY
from sim.venues.profile import load_profile
from tests.market.small import DROP, SALE, market_of, merged, spec_of
from tests.reference_market import pace as slow_rules

TWO: dict[str, Any] = {
    "duration": "2h",
    "record_every": "1min",
    "clock": {"slow_tick": "1min", "calm_for": "5min"},
    "market_maker": {"withdrawal": True},
    "latent": {"enabled": True, "deepest": "5%"},
}
WORDS = {int(FUEL): "fuel", int(MOVE): "move", int(PULL): "pull", int(ADL): "adl", int(GAP): "gap", int(BUSY): "busy"}


def two(**over: Any):
    return market_of(**merged(TWO, over))


def clock_of(market) -> tuple[bool, int, int]:
    state = market.state
    return bool(state.pace[0]["is_slow"]), state.tick, int(state.clock[0]["tick_us"])


def resting(market, side: int) -> dict[int, int]:
    """Price in ticks to lots of one side of the perp, inside its window."""
    books = market.state.books
    row = books.sides[side]
    levels = books.levels["total_lots"][int(row["level0"]) : int(row["level0"]) + int(row["mask"]) + 1]
    keys = int(row["lo"]) + np.arange(len(levels))
    return {abs(int(k)): int(levels[k & int(row["mask"])]) for k in keys if levels[k & int(row["mask"])]}


def scene_of(market, mark_before: float, n_events: int) -> slow_rules.Scene:
    """What a look at the end of the tick that has just ended sees."""
    state = market.state
    price, positions, accounts = state.price[0], state.books.positions[0], state.accounts
    hung = [
        slow_rules.Account(int(positions[a]), int(accounts["liquidation_half_ticks"][a]))
        for a in np.flatnonzero((accounts["bucket"] >= 0) & (accounts["leveraged"] > 0) & (positions != 0))
    ]
    return slow_rules.Scene(
        int(price["mark_half_ticks"]), mark_before, int(price["mid_half_ticks"]), int(price["index_half_ticks"]),
        resting(market, 0), resting(market, 1), hung, int(state.engine[0]["n_queue"]),
        int(((state.firms["state"] == 2) & (state.firms["live"] > 0)).sum()),
        int((state.events["kind"][n_events : int(state.clock[0]["n_events"])] == EVENT_ADL).sum()),
        tuple(
            (float(row["base_per_tick"]) * float(state.news[0]["activity"]) + float(row["caused"].sum()))
            * (60_000_000 / int(state.clock[0]["tick_us"]))
            for row in state.crowd
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("move", "rules", "clearing", "expected"),
    [
        ("-3%", {"live_activity": 1.0}, {}, {"move", "pull", "busy"}),
        ("-14%", {"live_fuel": 0.01, "live_reach": 30.0}, {"pace_cap": "$2k/s"}, {"fuel"}),
        ("-25%", {"live_move": 1000.0, "live_gap": "0.2%"}, {"fund_scale": 0.0}, {"gap", "adl"}),
    ],
)
def test_looks_find_what_the_rule_says(move: str, rules: dict[str, Any], clearing: dict[str, Any], expected: set[str]):
    """Once a long tick on either clock; the reasons of each look are those of the slow rule."""
    shock = {"kind": "news_move", "at": "30min", "over": "4min", "move": move}
    market = two(clock=rules, clearing=clearing, shocks=[shock])
    state = market.state
    pace = state.pace[0]
    bounds = (float(pace[name]) for name in ("sigma", "move", "fuel", "reach"))
    rule = slow_rules.Rule(*bounds, pace["gap_ppm"] / 1e6, tuple(pace["busy"]))
    found: set[str] = set()
    for minute in range(1, 121):
        before, clock = (float(pace["log_mark"]), int(pace["n_events"]), int(pace["n_looks"])), clock_of(market)[0]
        market.run_until(60.0 * minute - 1.0)
        market.run_until(60.0 * minute)
        assert int(pace["n_looks"]) == before[2] + 1
        want = slow_rules.reasons(scene_of(market, *before[:2]), rule)
        said = {word for bit, word in WORDS.items() if int(pace["why"]) & bit}
        if clock_of(market)[0] != clock:  # what is to come was spread over other ticks since the look
            said, want = said - {"busy"}, want - {"busy"}
        assert said == want, minute
        if want:
            assert int(pace["live_us"]) == minute * 60_000_000 and not clock_of(market)[0]
        found |= want
    print(move, found)
    assert expected <= found


def test_a_run_goes_to_long_ticks_after_a_calm_time_and_back_before_a_shock():
    market = two(shocks=[merged(DROP, {"at": "3630s"})])
    assert clock_of(market) == (False, 0, 1_000_000)
    market.run_until(300.0)
    assert clock_of(market) == (True, 5, 60_000_000)
    market.run_until(3629.0)  # inside the long tick that would hold the shock: that one is run in fine ticks
    assert clock_of(market) == (False, 3629, 1_000_000)
    market.run_until(7200.0)
    events = market.collect().events
    times = events["time_us"][events["kind"] == EVENT_CLOCK].tolist()
    assert times[:2] == [300_000_000, 3_600_000_000]


def test_long_ticks_are_those_of_a_market_built_with_them():
    """Every value that ticks only read is, after a change, what the build makes of ticks of a minute."""
    market = two()
    change_clock(market)
    spec = spec_of(**merged(TWO, {"tick": "1min", "clock": {"slow_tick": None}}))
    venue = market.venue
    built = state_of(spec, venue, contract_of(spec, venue), 1)
    for name, columns in READ_ONLY.items():
        if name == "pace":
            continue
        for column in columns:
            if (name, column) in {("clock", "most_messages"), ("conduct", "slice_micro")}:
                continue
            now, want = getattr(market.state, name)[column], getattr(built, name)[column]
            np.testing.assert_allclose(now, want, rtol=1e-12, err_msg=f"{name}.{column}")


def test_there_and_back_again_leaves_everything_as_it_was():
    """Rates, keys, totals, orders and positions; only what is laid out by tick may have lost detail."""
    market = two(clearing={"capacity": "5000/s"})
    market.run_until(240.0)
    before = {name: array.copy() for name, array in vars_of(market.state).items()}
    change_clock(market)
    assert clock_of(market) == (True, 4, 60_000_000)
    assert market.state.key[1] != before["key"][1] and (market.state.news_keys != before["news_keys"])[1::2].all()
    change_clock(market)
    assert clock_of(market) == (False, 240, 1_000_000)
    for name, array in vars_of(market.state).items():
        if name in ("seen", "past_marks", "quotes", "events", "pace", "clock"):
            continue
        if name == "crowd":
            columns = [column for column in array.dtype.names or () if column != "caused"]
            assert (array[columns] == before[name][columns]).all()
        else:
            assert (array == before[name]).all(), name


def vars_of(state) -> dict[str, Any]:
    out = {name: getattr(state, name) for name in ROOMS if name != "books"}
    return out | {f"books.{name}": array for name, array in zip(state.books._fields, state.books, strict=True)}


def test_orders_still_to_come_go_on_at_their_rate():
    """To long ticks: what the old ticks would have caused within the first of them, by their own law. Back: as many a
    second as before.
    """
    scales = np.array([0.1, 1.0, 10.0, 100.0])
    fine, slow = np.exp(-1.0 / scales), np.exp(-60.0 / scales)
    caused = np.array([[3.0, 2.0, 1.0, 0.5]])
    to_come = sum(caused * fine**k for k in range(60))
    np.testing.assert_allclose(caused_now(caused, fine, slow, 60.0, True), to_come, rtol=1e-12)
    assert caused_now(to_come, slow, fine, 60.0, False).sum() == pytest.approx(to_come.sum() / 60.0, rel=1e-12)


def test_a_busy_market_goes_to_fine_ticks_and_on():
    """Seeds 166 and 238 of a calm market: eight times the mean of orders, which fine ticks draw with room to spare."""
    clock = {"slow_tick": "1min", "start": "slow"}
    for seed in (166, 238):
        market = build(sim.load("calm_btc", duration="40min", record_every="1min", clock=clock).spec, seed)
        market.run()
        assert EVENT_CLOCK in market.collect().events["kind"][1:]


def test_every_law_holds_in_each_tick_of_both_clocks():
    market = two(duration="3h", shocks=[DROP, merged(SALE, {"at": "100min"})])
    market.audit = True
    market.run()
    kinds = market.state.events["kind"][: int(market.state.clock[0]["n_events"])]
    assert (kinds == EVENT_CLOCK).sum() >= 3


def test_a_ring_is_laid_out_on_other_ticks():
    """Of a line every value is exact where it was known; what is newer than the newest is as it was then."""
    ring = np.empty(300)
    ring[np.arange(701, 1001) % 300] = 2.0 * np.arange(701, 1001)
    longer = rung(ring, 1000, 1, 16, 60, 4)  # tick 16 of a minute begins at 960 s
    assert longer[[13 % 4, 14 % 4, 15 % 4, 16 % 4]].tolist() == [1560.0, 1680.0, 1800.0, 1920.0]
    finer = rung(longer, 16, 60, 1019, 1, 100)
    assert finer[np.arange(920, 961) % 100].tolist() == (2.0 * np.arange(920, 961)).tolist()
    assert (finer[np.arange(961, 1020) % 100] == 1920.0).all()


def test_runs_do_not_depend_on_how_time_is_cut():
    shocks = [merged(DROP, {"at": "3630s"})]
    whole, cut = two(shocks=shocks), two(shocks=shocks)
    cut.block = 7
    for second in range(13, 7200, 187):
        cut.run_until(float(second))
    whole.run()
    cut.run()
    assert whole.state_hash() == cut.state_hash()


@pytest.mark.parametrize("at_s", [150.0, 1800.0, 1830.0])
def test_a_fork_on_either_clock_goes_on_as_the_unbroken_run(at_s: float):
    shocks = [merged(DROP, {"at": "3630s"})]
    whole, first = two(shocks=shocks), two(shocks=shocks)
    whole.run()
    first.run_until(at_s)
    later = resume(take(first), first.spec)
    later.run()
    assert later.state_hash() == whole.state_hash()


def test_settings_change_at_a_fork_in_long_ticks():
    """The new value is written as of a long tick; the length of long ticks itself is refused."""
    first = two()
    first.run_until(1800.0)
    kept = take(first)
    spec = spec_of(**merged(TWO, {"market": {"depth_scale_refill": 0.01}}))
    later = resume(kept, spec)
    venue = load_profile(spec.venue)
    built = state_of(spec, venue, contract_of(spec, venue), 1)
    write_rates(built, spec, venue, 60.0)
    assert later.state.quoting["add_16"] == built.quoting["add_16"] != first.state.quoting["add_16"]
    with pytest.raises(
        ScenarioError, match=r"clock.slow_tick: cannot change at a fork: rates and rooms were cut to it"
    ):
        resume(kept, spec_of(**merged(TWO, {"clock": {"slow_tick": "30s"}})))


def test_another_seed_from_long_ticks_on_has_draws_of_its_own():
    first = two()
    first.run_until(1800.0)
    kept = take(first)
    same, other = resume(kept, first.spec), resume(kept, first.spec, seed=2)
    assert other.state.key[1] == same.state.key[1] and other.state.key[0] != same.state.key[0]


class Buyer(TradingAgent):
    """Buys once, half a minute into a long tick."""

    def act(self) -> None:
        self.market_order("perp", "buy", 1.0)


def test_an_agent_trades_inside_a_long_tick():
    market = two()
    buyer = Buyer(market, cash_usd=1e5)
    buyer.wake_at(1830.0)
    market.run_until(1920.0)
    assert clock_of(market)[0]
    (fill, *_) = buyer.fills()
    assert 1830.0 < fill.time_s < 1860.0 and buyer.position_coins == 1.0


@pytest.mark.parametrize(
    ("over", "word"),
    [
        ({"clock": {"slow_tick": "1500ms"}}, "must be a whole number of ticks"),
        ({"clock": {"slow_tick": "1s"}}, "at least 2"),
        ({"clock": {"slow_tick": "1min"}, "record_every": "1s"}, "must be a whole number of long ticks"),
        ({"clock": {"slow_tick": "7min"}, "record_every": "7min"}, "must be a whole number of long ticks"),
    ],
)
def test_what_does_not_fit_is_said(over: dict[str, Any], word: str):
    with pytest.raises(Exception, match=word):
        spec_of(**over)


def test_calm_hours_on_long_ticks_are_those_on_fine_ones():
    """A quick look at what docs/clocks.md measures on more seeds: how far the mid follows the value, and depth."""
    follows, depth = {}, {}
    for start in ("fine", "slow"):
        clock = {"slow_tick": "1min", "start": start, "calm_for": "24h" if start == "fine" else "5min"}
        spec = sim.load("calm_btc", duration="6h", record_every="1min", clock=clock).spec
        rows = build(spec).run().series
        mids = np.log(0.5 * (rows["perp_bid_ticks"] + rows["perp_ask_ticks"]))
        follows[start] = np.diff(mids).std() / np.diff(np.log(rows["value_usd"])).std()
        depth[start] = rows["bid_1pct_lots"].mean()
    assert abs(follows["slow"] / follows["fine"] - 1.0) < 0.1
    assert abs(depth["slow"] / depth["fine"] - 1.0) < 0.1
