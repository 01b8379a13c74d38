"""Dip buyers: orders against the slow rules, bids that rest, cash that ends, prices that come back."""

from typing import Any

import numpy as np
import pytest

from sim.agents import DipBuyerDesk
from sim.market import Market
from tests.market.drivers import wait_for_dips
from tests.market.small import market_of
from tests.reference_market import funded as slow

# A fall of 12% in a minute and back, without leverage; waiting buyers at once, so that what they do is seen.
FALL = {"kind": "news_move", "at": "30s", "over": "60s", "move": "-12%"}
BACK = {"kind": "news_move", "at": "200s", "over": "30s", "move": "13%"}
PLAIN: dict[str, Any] = {"leveraged": {"enabled": False}}
SOON = {"delay_median": "1s", "delay_sigma": 0.0, "nearest": "2%", "farthest": "6%", "resting_share": 0.0}


def step(market: Market, start_us: int) -> None:
    """One tick of the buyers on the state as it is, without matching."""
    s = market.state
    wait_for_dips(
        s.tick, start_us, s.key, s.clock, s.accounts, s.rules, s.flows, s.tickets, s.slot_ticket, s.guest_fills,
        s.messages, s.order, s.keys, s.starts, s.price, s.samples, s.dip_buyers, s.dip_bids,
    )  # fmt: skip


@pytest.mark.parametrize("tick_us", [250_000, 1_000_000, 3_000_000])
def test_slices_are_those_of_the_slow_rules(tick_us):
    market = market_of(dip_buyer={"buyers": 30, "resting_share": "20%", "delay_median": "20s"})
    state, draws, sent, silent = market.state, np.random.default_rng(3), 0, 0
    state.clock[0]["tick_us"] = tick_us
    unit, fees = int(state.rules[0]["micro_per_tick_lot"]), state.rules["taker_fee_ppm"]
    names = ("book", "threshold_ticks", "delay_us", "passed_us", "phase_us", "pace_micro")
    twins = [slow.Buyer(*(int(b[n]) for n in names), cash=0) for b in state.dip_buyers]
    for k in range(200 * max(1, 1_000_000 // tick_us)):
        state.clock[0]["tick"], state.clock[0]["n_mail"], state.tickets["pending"] = k, 0, 0
        start = k * tick_us
        mark, index = (int(x) for x in draws.integers(11_000, 19_500, 2))
        state.price[0]["mark_half_ticks"], state.price[0]["spot_half_ticks"] = mark, index
        for b, twin in zip(state.dip_buyers, twins, strict=True):
            twin.cash = int(draws.choice([0, 500, 10**6, 10**9, 10**12]))
            state.accounts["cash_micro"][b["owner"]] = twin.cash
        step(market, start)
        mail = state.messages[: int(state.clock[0]["n_mail"])]
        for b, twin in zip(state.dip_buyers, twins, strict=True):
            mine = mail[mail["owner"] == b["owner"]]
            got = [tuple(int(m[n]) for n in ("book", "price_ticks", "lots")) for m in mine]
            bound = int(state.rules[twin.book]["order_bound_ppm"])
            want = slow.dip_order(twin, mark, index, start, tick_us, unit, int(fees[twin.book]), bound)
            assert got == ([] if want is None or b["n_bids"] else [want]), (k, b)
            assert all(start <= int(m["arrival_us"]) < start + tick_us for m in mine)
            sent, silent = sent + len(got), silent + (not got)
    assert sent > 300 and silent > 300


def test_bids_rest_in_their_band_and_are_covered():
    market = market_of(dip_buyer={"buyers": 20})
    state = market.state
    resting = np.flatnonzero(state.dip_buyers["n_bids"] > 0)
    assert len(resting) == 10
    prices, lots = state.dip_bids[resting, :, 0], state.dip_bids[resting, :, 1]
    assert ((prices >= 8999) & (prices <= 9500)).all()
    unit = int(state.rules[0]["micro_per_tick_lot"])
    spent = (prices * lots).sum(axis=1) * unit
    cash = state.accounts["cash_micro"][state.dip_buyers["owner"][resting]]
    assert (spent <= cash).all() and (spent > 0.98 * cash).all()
    (desk,) = market.agents_by_type[DipBuyerDesk]
    assert desk.resting_coins == pytest.approx(lots.sum() * market.lot_coin)
    assert desk.cash_usd == pytest.approx(1e6, abs=1.0)


def test_the_depth_within_five_percent_is_the_posted_profile_with_and_without_them():
    rows = [market_of(dip_buyer={"enabled": on}).collect().series[0] for on in (True, False)]
    for name in ("bid_1pct_lots", "bid_3pct_lots", "bid_5pct_lots", "ask_5pct_lots"):
        assert rows[0][name] == rows[1][name]


def test_buyers_stop_at_their_budget_and_nobody_owes():
    market = market_of(shocks=[FALL], **PLAIN, dip_buyer=SOON | {"cash": "$200k", "farthest": "3%"})
    market.audit = True
    market.run_until(400.0)
    state = market.state
    cash = state.accounts["cash_micro"][state.dip_buyers["owner"]]
    assert (cash >= 0).all()
    lot_usd = 1000.0 * market.lot_coin
    assert (cash < 3e6 * lot_usd).all()  # less than three lots are left
    net = market.collect().series["dip_net_lots"]
    assert net[-1] > 0 and (np.diff(net) >= 0).all()
    assert (net[-60:] == net[-1]).all()
    assert net[29] == 0


def test_nobody_buys_above_a_threshold_or_after_the_price_is_back():
    market = market_of(shocks=[FALL, BACK], **PLAIN, dip_buyer=SOON | {"cash": "$40m", "pace": "$500/s"})
    market.audit = True
    before = [int(cash) for cash in market.state.accounts["cash_micro"][market.state.dip_buyers["owner"]]]
    market.run_until(400.0)
    rows, state = market.collect().series, market.state
    above = rows["mark_usd"] > 0.1 * state.dip_buyers["threshold_ticks"].max()
    later = above & (rows["time_us"] > 260e6)
    assert later.sum() > 60
    assert len(np.unique(rows["dip_net_lots"][later])) == 1
    unit, started = int(state.rules[0]["micro_per_tick_lot"]), 0
    for buyer, cash in zip(state.dip_buyers, before, strict=True):
        lots = int(state.books.positions[:, buyer["owner"]].sum())
        spent = cash - int(state.accounts[buyer["owner"]]["cash_micro"])
        paid = spent - int(state.accounts[buyer["owner"]]["fees_paid_micro"])
        assert 0 <= paid <= lots * int(buyer["threshold_ticks"]) * unit
        started += lots > 0
    assert started >= 4
    most = np.diff(rows["dip_net_lots"]).max() * market.lot_coin * 1000.0
    assert most < 8 * 500 * 1.3  # eight buyers at their pace, at prices down to -12%


def test_a_sale_ends_higher_with_buyers_than_without():
    sale = {"kind": "flow", "at": "30s", "over": "120s", "side": "sell", "notional": "$6m"}
    ends = []
    for on in (True, False):
        market = market_of(shocks=[sale], **PLAIN, dip_buyer=SOON | {"enabled": on, "pace": "$20k/s"})
        market.run_until(170.0)
        ends.append(float(market.collect().series["mark_usd"].min()))
    assert ends[0] > ends[1] + 5.0


def test_switched_off_they_leave_every_other_draw_as_it_was():
    """While nothing falls, the market with buyers and the market without are the same but for their own bids."""
    runs = []
    for on in (True, False):
        market = market_of(dip_buyer={"enabled": on})
        market.run_until(120.0)
        runs.append(market.collect().series)
    for name in runs[0].dtype.names:
        if name not in ("bid_5pct_lots", "n_messages"):  # bids beyond 5% come nearer when the price falls a little
            assert (runs[0][name] == runs[1][name]).all(), name
    assert (runs[0]["n_messages"][1:] == runs[1]["n_messages"][1:]).all()
    assert runs[0]["n_fills"].sum() > 50
