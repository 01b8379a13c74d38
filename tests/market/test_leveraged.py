"""Conduct of the leveraged population against its slow twin: stops, take-profits, top-ups, panic closes; switches."""

import math
from typing import Any

import numpy as np
import pytest

from sim import rng
from sim.kernels.account_triggers import ACCOUNT_TRIGGER
from sim.market import Market
from sim.schema import EVENT_PANIC, EVENT_STOP, EVENT_TAKE_PROFIT
from tests.market.drivers import crossed_on_the_way, margin_of, uniforms
from tests.market.small import DROP, SALE, market_of
from tests.reference_market import leveraged

RISE = DROP | {"move": "3%", "at": "180s"}
NEVER = 10**17
PARTS = ("stops", "take_profits", "top_ups", "panic")


def lively(*parts: str, seed: int = 3, conduct: dict[str, Any] | None = None, **over: Any) -> Market:
    """A market that falls and rises, with some parts of the conduct on and no liquidations."""
    switches = {part: part in parts for part in PARTS}
    rules = {"conduct": {"stop_round_step": "$10"} | switches | (conduct or {})}
    market = market_of(seed, shocks=[SALE, DROP, RISE], leveraged=rules, **over)
    market.audit = True
    market.state.engine[0]["next_scan_us"] = NEVER
    return market


def test_ladders_fire_what_the_plain_rule_fires():
    draws = np.random.default_rng(1)
    for _ in range(50):
        rows = np.zeros(60, ACCOUNT_TRIGGER)
        rows["price_half_ticks"], rows["ladder"] = draws.integers(1, 700, 60), draws.integers(0, 4, 60)
        path = draws.integers(1, 700, 12) if draws.random() < 0.5 else 350 + draws.integers(-9, 10, 12).cumsum()
        triggers = [(i, 1, int(r["ladder"]) % 2, int(r["price_half_ticks"])) for i, r in enumerate(rows)]
        got, reach = np.full(60, -1, np.int64), np.array([-1, 40, -1, 40], np.int64)
        crossed_on_the_way(rows, np.zeros((4, 40), np.int32), path, np.int64(4), reach, got)
        fired = {i: int(t) for i, t in enumerate(got) if t >= 0}
        wanted = leveraged.first_to_fire(triggers, [int(p) for p in path], [])
        assert fired == {i: tick for i, (tick, _) in wanted.items()}


def test_every_trigger_fires_in_its_tick_and_no_other():
    market = lively("stops", "take_profits")
    nodes = [
        tuple(int(r[n]) for n in ("account", "cause", "ladder", "price_half_ticks")) for r in market.state.triggers
    ]
    market.run_until(300.0)
    arrays = market.collect()
    unit = arrays.constants["tick_usd"]
    marks = [round(2 * m / unit) for m in arrays.series["mark_usd"][1:]]
    lasts = [2 * int(p) for p in arrays.series["perp_last_ticks"][1:]]
    wanted = leveraged.first_to_fire(nodes, marks, lasts)
    got: dict[int, tuple[int, int]] = {}
    kinds = {int(EVENT_STOP): 1, int(EVENT_TAKE_PROFIT): 2}
    for row in arrays.events:
        if int(row["kind"]) in kinds:
            got.setdefault(int(row["account"]), (int(row["time_us"]) // 10**6 - 1, kinds[int(row["kind"])]))
    assert got == wanted
    assert {cause for _, cause in got.values()} == {1, 2} and len(got) > 30


def test_what_fired_is_closed_to_the_last_lot_slice_by_slice_and_counted_once():
    market = lively("stops", "take_profits", conduct={"close_slice": "$20k/s"})
    state = market.state
    market.run_until(900.0)
    arrays = market.collect()
    closed = {int(r["account"]) for r in arrays.events if r["kind"] in (EVENT_STOP, EVENT_TAKE_PROFIT)}
    first = arrays.constants["first_leveraged"]
    end, start = state.books.positions[0], state.accounts["start_lots"]
    done = sorted(closed - set(state.closing[: int(state.conduct[0]["n_closing"])].tolist()))
    assert len(done) > 30 and (end[done] == 0).all()
    assert (
        state.persons["closed_lots"] == np.abs(start[first:]) - np.abs(end[first : first + len(state.persons)])
    ).all()
    names = ("stop_lots", "take_profit_lots", "panic_lots")
    assert sum(arrays.series[n].sum() for n in names) == state.persons["closed_lots"].sum()
    unmoved = np.setdiff1d(np.arange(first, first + len(state.persons)), sorted(closed))
    assert (end[unmoved] == start[unmoved]).all()
    slices = 20_000.0 / (arrays.series["mark_usd"][1:].min() * arrays.constants["lot_coin"])
    largest = max(arrays.series[n][1:].max() / np.maximum(1, arrays.series["n_closing"][:-1].max()) for n in names)
    assert largest <= slices
    assert arrays.series["forced_sell_lots"].sum() == arrays.series["forced_buy_lots"].sum() == 0


def test_closed_accounts_are_hung_anew():
    market = lively(*PARTS, conduct={"close_slice": "$5k/s"})
    state = market.state
    for second in range(100, 300, 7):
        market.run_until(float(second))
        hung = np.flatnonzero(state.accounts["bucket"] >= 0)
        for a in [*state.closing[: int(state.conduct[0]["n_closing"])].tolist(), *hung[::40].tolist()]:
            row, position = state.accounts[a], int(state.books.positions[0, a])
            if position == 0:
                assert row["bucket"] == -1
                continue
            numbers = (row["cash_micro"], position, 1, state.rules[0]["micro_per_tick_lot"])
            safe = margin_of(*(np.int64(v) for v in numbers), state.tiers, state.engine[0]["ceiling_half_ticks"], 0)[3]
            assert row["liquidation_half_ticks"] == safe


def holders(market: Market) -> list[leveraged.Holder]:
    state = market.state
    first = int(state.engine[0]["first_watched"])
    rows, positions = state.accounts[first:], state.books.positions[0, first:]
    return [
        leveraged.Holder(
            int(p), *(int(r[n]) for n in ("cash_micro", "free_micro", "entry_micro")), isolated=bool(r["isolated"])
        )
        for r, p in zip(rows, positions, strict=True)
    ]


def drawn(market: Market, tick: int, purpose: np.int64, words: Any, row0: int) -> list[tuple[float, float]]:
    out = np.zeros((len(words), 2))
    uniforms(market.state.key, np.int64(tick), purpose, np.asarray(words), np.int64(row0), out)
    return [(float(u), float(v)) for u, v in out]


def test_top_ups_are_those_of_the_twin_to_the_micro_dollar():
    market = lively("top_ups", conduct={"top_up_hazard": "2/min", "top_up_below": 1.9})
    people, state = holders(market), market.state
    unit, chance = int(state.rules[0]["micro_per_tick_lot"]), 1.0 - math.exp(-2.0 / 60.0)
    words = state.accounts["key"][int(state.engine[0]["first_watched"]) :]
    moved = 0
    for second in range(1, 251):
        market.run_until(float(second))
        mark = int(state.price[0]["mark_half_ticks"])
        for who, (u, _) in zip(people, drawn(market, second - 1, rng.TOP_UP, words, -1), strict=True):
            if u < chance:
                row = (who.cash, who.position, mark, unit)
                required = int(margin_of(*(np.int64(v) for v in row), state.tiers, np.int64(1 << 20), np.int64(0))[1])
                amount = leveraged.added_margin(who, mark, unit, required, 1_900_000, 250_000)
                who.cash, who.free, moved = who.cash + amount, who.free - amount, moved + amount
    assert [(p.cash, p.free) for p in people] == [(p.cash, p.free) for p in holders(market)]
    assert moved > 0 and market.collect().series["top_up_micro"].sum() == moved


def test_panic_begins_when_the_twin_is_frightened():
    conduct = {"panic_hazard": "1/min", "panic_move": "1.5%", "panic_window": "90s"}
    market = lively("panic", conduct=conduct)
    people, state = holders(market), market.state
    unit, gap = int(state.rules[0]["micro_per_tick_lot"]), 60e6 / len(people)
    first, marks = int(state.engine[0]["first_watched"]), [int(state.past_marks[0])] * 90
    words = [state.accounts["key"][first]] * 200
    wanted: dict[int, int] = {}
    for second in range(1, 151):
        market.run_until(float(second))
        mark = int(state.price[0]["mark_half_ticks"])
        if leveraged.is_wild(mark, marks[-90], 15_000):
            draws = drawn(market, second - 1, rng.PANIC, words, 0)
            for who in leveraged.rings(draws, gap, len(people), 10**6):
                if leveraged.is_frightened(people[who], mark, unit, 300_000):
                    wanted.setdefault(first + who, second * 10**6)
        marks.append(mark)
    got: dict[int, int] = {}
    for row in market.collect().events:
        if row["kind"] == EVENT_PANIC:
            got.setdefault(int(row["account"]), int(row["time_us"]))
    assert got == wanted and len(got) > 5


def test_alerts_hang_where_their_account_is_and_nowhere_else():
    """After falls, rises, closes and top-ups: each bucket's list holds exactly the accounts that say so."""
    market = lively(*PARTS, conduct={"top_up_hazard": "2/min", "top_up_below": 1.9})
    state = market.state
    for second in range(60, 300, 20):
        market.run_until(float(second))
        n, found = state.heads.shape[1], {}
        for side in (0, 1):
            for bucket in range(n):
                a = int(state.heads[2 + side, bucket]) - 1
                while a >= 0:
                    found[a] = side * n + bucket + 1
                    a = int(state.accounts[a]["alert_next"])
        said = np.flatnonzero(state.accounts["alert_bucket"])
        assert found == {int(a): int(state.accounts[a]["alert_bucket"]) for a in said}
        hung = (state.accounts["bucket"] >= 0) & (state.accounts["isolated"] == 1) & (state.accounts["free_micro"] > 0)
        assert said.tolist() == np.flatnonzero(hung).tolist()
        longs = [b - 1 for b in found.values() if b <= n]
        assert max(longs) <= state.engine[0]["alert_top"]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_switched_off_leaves_the_others_and_everybody_else_alone(part):
    """Triggers of the other parts are the same to the bit; without its occasions the market is, too."""
    quiet = {"stop_share": 0, "profit_share": 0, "panic_move": "90%", "top_up_below": 1.0, "stop_round_step": "$10"}
    on = market_of(5, leveraged={"conduct": quiet})
    off = market_of(5, leveraged={"conduct": quiet | {part: False}})
    for market in (on, off):
        market.run_until(120.0)
    ours = {"stops": "stop_lots", "take_profits": "take_profit_lots", "top_ups": "top_up_micro", "panic": "panic_lots"}
    assert on.collect().series[ours[part]].sum() == 0
    for name in ("series", "bands", "events"):
        assert getattr(on.collect(), name).tobytes() == getattr(off.collect(), name).tobytes()
    assert (on.state.accounts["cash_micro"] == off.state.accounts["cash_micro"]).all()
    full, without = lively(*PARTS), lively(*(p for p in PARTS if p != part))
    kept = full.state.triggers[full.state.triggers["cause"] != {"stops": 1, "take_profits": 2}.get(part, 0)]
    for name in ("account", "cause", "ladder", "price_half_ticks"):
        assert (kept[name] == without.state.triggers[name]).all()


def test_frozen_leverage_freezes_all_of_it():
    market = market_of(2, shocks=[DROP], leveraged={"enabled": False, "conduct": {"stop_round_step": "$10"}})
    market.run_until(200.0)
    series = market.collect().series
    assert sum(series[n].sum() for n in ("stop_lots", "take_profit_lots", "panic_lots", "top_up_micro")) == 0
    assert not len(market.collect().events[market.collect().events["kind"] >= EVENT_STOP])


def test_no_trigger_has_fired_at_the_start():
    state = market_of(4, leveraged={"conduct": {"stop_round_step": "$10"}}).state
    start, price = int(state.price[0]["mark_half_ticks"]), state.triggers["price_half_ticks"]
    falls = state.triggers["ladder"] % 2 == 0
    assert (price[falls] < start).all() and (price[~falls] > start).all() and falls.sum() > 20 < (~falls).sum()
