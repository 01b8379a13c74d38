"""Trend followers: signal and orders against the slow rules, dates, slices, and selling after a crash."""

from typing import Any

import numpy as np
import pytest

from sim.agents import TrendDesk
from sim.market import Market
from tests.market.drivers import look_at_trend
from tests.market.small import market_of
from tests.reference_market import funded as slow

FALL = {"kind": "news_move", "at": "60s", "over": "60s", "move": "-4%"}
OFTEN: dict[str, Any] = {
    "rebalance_low": "60s", "rebalance_high": "90s", "trade_over": "30s", "fast": "30s", "slow": "10min",
    "sample_every": "1s", "volatility_half_life": "10min",
}  # fmt: skip
PLAIN: dict[str, Any] = {"leveraged": {"enabled": False}}


def signal_of(market: Market) -> slow.Signal:
    row = market.state.trend[0]
    return slow.Signal(
        float(row["fast_us"]), float(row["slow_us"]), float(row["half_life_us"]), int(row["sample_every_us"]),
        int(row["looked_us"]), float(row["log_mark"]), float(row["fast"]), float(row["slow"]),
        float(row["variance_per_day"]),
    )  # fmt: skip


def step(market: Market, start_us: int) -> None:
    """One tick of the funds on the state as it is, without matching."""
    s = market.state
    look_at_trend(
        s.tick, start_us, s.key, s.clock, *s.books, s.accounts, s.rules, s.flows, s.tickets, s.slot_ticket,
        s.guest_fills, s.messages, s.order, s.keys, s.starts, s.price, s.samples, s.trend_funds, s.trend,
    )  # fmt: skip


@pytest.mark.parametrize("tick_us", [250_000, 1_000_000, 3_000_000])
def test_signal_targets_and_slices_are_those_of_the_slow_rules(tick_us):
    market = market_of(trend={"funds": 12} | OFTEN)
    state, draws, sent = market.state, np.random.default_rng(9), 0
    row, unit = state.trend[0], int(state.rules[0]["micro_per_tick_lot"])
    target, most, over = float(row["target_per_day"]), float(row["most_leverage"]), int(row["trade_over_us"])
    bound, every = int(state.rules[0]["order_bound_ppm"]), max(1_000_000, tick_us)
    state.clock[0]["tick_us"] = tick_us
    s, mark, until, wants = signal_of(market), 20_000.0, [0] * 12, [0] * 12
    for k in range(400):
        state.clock[0]["tick"], state.clock[0]["n_mail"], state.tickets["pending"] = k, 0, 0
        start, mark = k * tick_us, mark * float(np.exp(draws.normal(0.0, 0.003)))
        state.price[0]["mark_half_ticks"] = half = round(mark)
        for fund in state.trend_funds:
            state.accounts["cash_micro"][fund["owner"]] = int(draws.choice([-(10**9), 10**9, 10**12]))
            state.books.positions[0, fund["owner"]] = int(draws.integers(-5000, 5000)) if draws.random() < 0.5 else 0
        step(market, start)
        slow.look(s, half, start)
        assert signal_of(market) == s
        mail = state.messages[: int(state.clock[0]["n_mail"])]
        for i, fund in enumerate(state.trend_funds):
            position = int(state.books.positions[0, fund["owner"]])
            money = int(state.accounts["cash_micro"][fund["owner"]]) + position * half * unit // 2
            if slow.beats(start, tick_us, int(fund["phase_us"]), int(fund["period_us"])):
                wants[i], until[i] = slow.wanted(s, money, half, unit, target, most), start + over
            assert int(fund["target_lots"]) == wants[i]
            missing = wants[i] - position
            want = []
            if until[i] and missing and slow.beats(start, tick_us, int(fund["slice_phase_us"]), every):
                side = 0 if missing > 0 else 1
                want = [(side, slow.bound(half, side, bound), slow.next_slice(missing, until[i] - start, every))]
            got = [
                tuple(int(m[n]) for n in ("side", "price_ticks", "lots")) for m in mail[mail["owner"] == fund["owner"]]
            ]
            assert got == want, (k, i)
            sent += len(got)
    assert sent > 500


def test_averages_follow_the_marks_of_the_run():
    market = market_of(shocks=[FALL], **PLAIN, trend=OFTEN)
    s = signal_of(market)
    market.run_until(200.0)
    rows = market.collect().series
    for k in range(1, 201):  # the row at k seconds carries the mark of the tick that began at k - 1
        slow.look(s, round(2.0 * rows["mark_usd"][k] / market.tick_usd), (k - 1) * 1_000_000)
    assert signal_of(market) == s
    (desk,) = market.agents_by_type[TrendDesk]
    assert desk.volatility_per_day == pytest.approx(s.variance**0.5)


def test_a_fall_is_sold_at_the_funds_dates_in_slices_until_the_target_is_held():
    market = market_of(shocks=[FALL], **PLAIN, trend=OFTEN)
    market.audit = True
    market.run_until(260.0)
    rows, state = market.collect().series, market.state
    (desk,) = market.agents_by_type[TrendDesk]
    assert rows["trend_net_lots"][-1] < 0
    assert (desk.target_coins <= 0.0).all()
    seconds = np.diff(rows["trend_net_lots"])
    assert abs(seconds).max() < 0.2 * abs(rows["trend_net_lots"]).max()
    money = state.accounts["cash_micro"][desk.owners()].sum()
    value = -int(rows["trend_net_lots"][-1]) * int(state.price[0]["mark_half_ticks"]) * 10**3 // 2
    assert value <= money


def test_between_dates_nobody_trades():
    """Dates a day apart: the fall of this quarter of an hour is sold later, if at all."""
    slowly = OFTEN | {"rebalance_low": "24h", "rebalance_high": "24h"}
    market = market_of(shocks=[FALL], **PLAIN, trend=slowly)
    market.run_until(300.0)
    due = [
        int(f["owner"]) for f in market.state.trend_funds if (300_000_000 + int(f["phase_us"])) // int(f["period_us"])
    ]
    assert due == []
    assert (market.collect().series["trend_net_lots"] == 0).all()


def test_a_crash_halves_the_position_that_the_same_signal_allows():
    s = slow.Signal(3.6e9, 86.4e9, 86.4e9, 60_000_000, 0, 0.0, 0.0, 0.0, 0.0188**2)
    calm, wild = 0.0188**2, (2 * 0.0188) ** 2
    held = []
    for variance in (calm, wild):
        s.variance, s.fast, s.slow = variance, -0.1, 0.0
        held.append(slow.wanted(s, 10**15, 20_000, 1000, 0.15 / 365**0.5, 1.0))
    assert held[0] < 0 and held[1] == pytest.approx(held[0] / 2, abs=1)


def test_switched_off_they_leave_every_other_draw_as_it_was():
    """Until a fund's first date the market with funds and the market without are the same."""
    runs = []
    for on in (True, False):
        market = market_of(trend={"enabled": on})
        market.run_until(60.0)
        runs.append(market.collect().series)
    assert (runs[0]["trend_net_lots"] == 0).all()
    assert (runs[0] == runs[1]).all()
    assert runs[0]["n_fills"].sum() > 20


def test_unfunded_funds_hold_nothing():
    market = market_of(shocks=[FALL], **PLAIN, trend=OFTEN | {"enabled": False})
    market.run_until(200.0)
    (desk,) = market.agents_by_type[TrendDesk]
    assert desk.cash_usd == desk.position_coins == 0.0
