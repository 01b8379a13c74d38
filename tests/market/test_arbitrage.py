"""Spot-perp arbitrage: the rules against their slow twin, both legs, balances that end, transfers, and what it does to
the basis.
"""

from typing import Any

import numpy as np
import pytest

from sim.agents import ArbitrageDesk
from sim.market import Market
from tests.market.drivers import look_for_gaps
from tests.market.small import market_of
from tests.reference_market import arbitrage as slow

# Nobody but the crowd quotes, each book around its own mid: the books are tied by arbitrage alone.
APART: dict[str, Any] = {
    "background": {"noise_depth_share": 1.0, "noise_lifetime": "5s", "noise_orders_per_side": 100},
    "leveraged": {"enabled": False},
    "news": {"noise_per_day": 0.0},
}
SALE = {"kind": "flow", "at": "60s", "over": "60s", "side": "sell", "notional": "$3m"}


def desk_of(market: Market) -> ArbitrageDesk:
    (desk,) = market.agents_by_type[ArbitrageDesk]
    return desk


def basis_bp(market: Market) -> np.ndarray[Any, Any]:
    """Perp mid over spot mid, less 1, in basis points, for each recorded second."""
    rows = market.collect().series
    perp, spot = (rows[f"{b}_bid_ticks"] + rows[f"{b}_ask_ticks"] for b in ("perp", "spot"))
    return np.asarray(1e4 * (perp / spot - 1.0))


def levels_of(market: Market, book: int, side: int) -> slow.Levels:
    """Price levels of one side inside its window, best first."""
    books = market.state.books
    row = books.sides[2 * book + side]
    keys = int(row["lo"]) + np.arange(int(row["mask"]) + 1)
    lots = books.levels["total_lots"][int(row["level0"]) + (keys & int(row["mask"]))]
    return [(abs(int(key)), int(n)) for key, n in zip(keys[lots > 0], lots[lots > 0], strict=True)]


def rules_of(market: Market) -> slow.Rules:
    state, desk = market.state, market.state.arbitrage[0]
    bids, asks = (tuple(levels_of(market, book, side) for book in (0, 1)) for side in (0, 1))
    return slow.Rules(
        unit=int(state.rules[0]["micro_per_tick_lot"]),
        mark=int(state.price[0]["mark_half_ticks"]),
        fee_ppm=tuple(int(fee) for fee in state.rules["professional_taker_ppm"]),
        bound_ppm=int(state.rules[0]["order_bound_ppm"]),
        leverage=float(desk["leverage"]),
        risk_multiple=float(desk["risk_multiple"]),
        variance_per_s=float(desk["variance_per_s"]),
        shadow=float(desk["shadow_price"]),
        smallest=int(desk["smallest_lots"]),
        bids=bids,
        asks=asks,
        transfers=bool(desk["transfers_open"]),
    )


def firm_of(market: Market, k: int) -> slow.Firm:
    state, firm = market.state, market.state.arbitrageurs[k]
    rows = [int(firm[name]) for name in ("margin", "wallet", "reserve")]
    cash = [int(state.accounts[row]["cash_micro"]) for row in rows]
    perp, coins = state.books.positions
    return slow.Firm(
        *cash, int(perp[rows[0]]), int(coins[rows[1]]), int(coins[rows[2]]),
        targets=(int(firm["margin_micro"]), int(firm["cash_micro"]), int(firm["coin_lots"])),
        size=int(firm["size_lots"]), stock=int(firm["stock_lots"]), share=float(firm["transfer_share"]),
        latency_s=float(firm["latency_us"].sum()) * 1e-6,
    )  # fmt: skip


def disturb(market: Market, draws: np.random.Generator) -> None:
    """Draw balances of every firm: full, empty, short or long; half of them hedged."""
    state = market.state
    for firm in state.arbitrageurs:
        size, margin, wallet, reserve = (int(firm[n]) for n in ("size_lots", "margin", "wallet", "reserve"))
        perp, coins = state.books.positions
        mark = int(state.price[0]["mark_half_ticks"]) * int(state.rules[0]["micro_per_tick_lot"]) // 2
        perp[margin] = int(draws.integers(-size, size + 1)) if draws.random() < 0.6 else 0
        coins[wallet] = int(draws.integers(0, 2 * size)) if draws.random() < 0.7 else int(draws.integers(0, 3))
        coins[reserve] = int(draws.integers(0, 3 * size))
        if draws.random() < 0.5:
            coins[reserve] = max(0, int(firm["stock_lots"]) - int(perp[margin]) - int(coins[wallet]))
        equity = int(firm["margin_micro"] * draws.choice([-0.1, 0.05, 0.5, 1.0, 3.0]))
        state.accounts[margin]["cash_micro"] = equity - int(perp[margin]) * mark
        state.accounts[wallet]["cash_micro"] = int(firm["cash_micro"] * draws.choice([0.0, 0.001, 0.3, 1.0]))
        state.accounts[reserve]["cash_micro"] = int(firm["cash_micro"] * draws.choice([0.0, 0.0001, 1.0]))


def step(market: Market) -> None:
    """One tick of the firms on the state as it is, without matching."""
    s = market.state
    look_for_gaps(
        s.tick, s.tick * 1_000_000, s.clock, *s.books, s.accounts, s.rules, s.flows, s.tickets, s.slot_ticket,
        s.guest_fills, s.messages, s.order, s.keys, s.starts, s.price, s.samples, s.arbitrageurs, s.arbitrage,
    )  # fmt: skip


@pytest.mark.parametrize("gap", ["dear perp", "cheap perp", "none"])
def test_orders_transfers_and_stops_are_those_of_the_slow_rules(gap):
    side = {"dear perp": "buy", "cheap perp": "sell", "none": "sell"}[gap]
    sale = [] if gap == "none" else [SALE | {"side": side}]
    market = market_of(shocks=sale, **APART, arbitrage={"enabled": True, "shadow_price": "40bp"})
    market.state.arbitrage[0]["enabled"] = 0
    market.run_until(100.0)
    market.state.arbitrage[0]["enabled"] = 1
    draws, sent, stopped, single = np.random.default_rng(7), 0, 0, 0
    n_firms, state = len(market.state.arbitrageurs), market.state
    state.arbitrage[0]["looked_us"] = state.tick * 1_000_000  # the variance stands still from here on
    for _ in range(60):
        disturb(market, draws)
        state.arbitrage[0]["variance_per_s"] = float(draws.choice([0.0, 1e-9, 1e-7]))
        state.arbitrage[0]["transfers_open"] = int(draws.random() < 0.7)
        state.tickets["pending"] = 0
        state.clock[0]["n_mail"] = 0
        r = rules_of(market)
        before = [firm_of(market, k) for k in range(n_firms)]
        step(market)
        mail = state.messages[: int(state.clock[0]["n_mail"])]
        for k, firm in enumerate(state.arbitrageurs):
            f = slow.after_transfers(before[k], r) if r.transfers else before[k]
            assert firm_of(market, k) == f
            want, stops = slow.legs(f, r)
            mine = mail[(mail["owner"] == firm["margin"]) | (mail["owner"] == firm["wallet"])]
            got = [tuple(int(m[n]) for n in ("book", "side", "price_ticks", "lots")) for m in mine]
            assert got == want
            assert bool(firm["is_stopped"]) == stops
            arrivals = [state.tick * 1_000_000 + int(firm["latency_us"][b]) for b, *_ in got]
            assert [int(m["arrival_us"]) for m in mine] == arrivals
            sent, stopped, single = sent + len(got) // 2, stopped + stops, single + (len(got) == 1)
    assert single > 20
    if gap != "none":
        assert sent > 5 and stopped > 5


def test_the_basis_stays_within_cost_with_arbitrage_and_opens_without():
    """A sale in the perp alone: with arbitrage it moves the spot book too."""
    runs = {}
    for on in (True, False):
        market = market_of(shocks=[SALE], **APART, arbitrage={"enabled": on, "capital": "$100m"})
        market.audit = on
        market.run_until(180.0)
        runs[on] = market
    tied, free = (basis_bp(runs[on])[60:] for on in (True, False))
    fees = 3.4  # two professional takers, bp
    moved = {on: 1e4 * (runs[on].view().mid("spot") / 1000.0 - 1.0) for on in runs}
    assert free.min() < -10.0 * fees
    assert np.median(np.abs(tied)) < fees + 10.0  # and half-spreads, risk and what is left of the shadow price
    assert moved[True] < moved[False] - 50.0
    firms = runs[True].state.arbitrageurs
    assert runs[True].state.books.positions[0, firms["margin"]].sum() > 0


def test_a_firm_whose_leg_is_empty_stops_and_the_basis_opens():
    """Transfers closed and little capital: the coins run out, nobody owes any, and the perp leaves the index."""
    poor = {"capital": "$300k", "transfers_open": False}
    market = market_of(shocks=[SALE], **APART, arbitrage=poor)
    market.audit = True
    market.run_until(180.0)
    state, rows = market.state, market.collect().series
    assert rows["arb_stopped"].max() == len(state.arbitrageurs)
    assert desk_of(market).stopped_share > 0.0
    cheaper = 1.02  # what the coins are sold for buys a little more of the perp once that has fallen
    assert rows["arb_perp_lots"].max() <= cheaper * int(state.arbitrageurs["size_lots"].sum())
    assert (state.books.positions[1] >= 0).all()
    assert (state.accounts["cash_micro"][state.arbitrageurs["wallet"]] >= 0).all()
    assert basis_bp(market).min() < -50.0


def test_transfers_give_a_stopped_firm_its_room_back_while_they_are_open():
    ends = {}
    for is_open in (True, False):
        fast = {"capital": "$300k", "transfer_low": "20s", "transfer_high": "30s", "share_here": "20%"}
        market = market_of(shocks=[SALE], **APART, arbitrage=fast | {"transfers_open": is_open})
        market.audit = True
        market.run_until(180.0)
        ends[is_open] = int(market.collect().series["arb_perp_lots"].max())
        firms, coins = market.state.arbitrageurs, market.state.books.positions[1]
        reserve = coins[firms["reserve"]] + coins[firms["wallet"]] + market.state.books.positions[0, firms["margin"]]
        assert abs(reserve - firms["stock_lots"]).max() <= int(firms["size_lots"].max())
    assert ends[True] > 1.2 * ends[False] > 0


def test_the_desk_closes_transfers_from_the_next_tick_on():
    market = market_of(arbitrage={"transfer_low": "5s", "transfer_high": "5s"})
    firm = market.state.arbitrageurs[0]
    accounts = market.state.accounts
    market.run_until(10.0)
    moved = int(firm["cash_micro"]) // 2
    accounts[firm["wallet"]]["cash_micro"] -= moved
    accounts[firm["reserve"]]["cash_micro"] += moved
    desk_of(market).set_transfers(False)
    market.run_until(30.0)
    assert int(accounts[firm["wallet"]]["cash_micro"]) == int(firm["cash_micro"]) - moved
    desk_of(market).set_transfers(True)
    market.run_until(60.0)
    assert int(accounts[firm["wallet"]]["cash_micro"]) > int(firm["cash_micro"]) - moved // 100


def test_a_halt_of_transfers_lasts_as_long_as_it_says():
    halt = {"kind": "transfer_halt", "at": "20s", "over": "30s"}
    market = market_of(shocks=[halt])
    seen = []
    for second in (20, 21, 50, 51):
        market.run_until(float(second))
        seen.append(int(market.state.arbitrage[0]["transfers_open"]))
    assert seen == [1, 0, 0, 1]
    assert market_of(shocks=[halt], arbitrage={"transfers_open": False}).state.arbitrage[0]["transfers_open"] == 0


def test_switched_off_it_leaves_every_other_draw_as_it_was():
    """Without a gap that pays, the market with firms and the market without are the same, message by message."""
    runs = []
    for on in (True, False):
        market = market_of(arbitrage={"enabled": on})
        market.state.rules["professional_taker_ppm"] = 500  # dear enough that no gap of a calm market pays
        market.run_until(120.0)
        runs.append(market.collect().series)
    with_firms, without = runs
    assert (with_firms["arb_perp_lots"] == 0).all()
    assert (with_firms == without).all()
    assert with_firms["n_fills"].sum() > 50


def test_unfunded_firms_hold_nothing_and_send_nothing():
    market = market_of(shocks=[SALE], **APART, arbitrage={"enabled": False})
    market.run_until(120.0)
    desk = desk_of(market)
    assert desk.cash_usd == desk.position_coins == desk.spot_coins == 0.0
    assert (desk.net_coins == 0.0).all()
    assert not np.isin(market.state.messages["owner"], desk.owners()).any()


def test_volatility_is_the_average_of_squared_returns_of_a_second():
    market = market_of(arbitrage={"volatility_half_life": "30s"})
    variance, kept = float(market.state.arbitrage[0]["variance_per_s"]), 0.5 ** (1.0 / 30.0)
    market.run_until(100.0)
    rows = market.collect().series
    assert (rows["perp_bid_ticks"] > 0).all() and (rows["perp_ask_ticks"] > 0).all()
    log_mid = np.log(rows["perp_bid_ticks"] + rows["perp_ask_ticks"])
    log_mid[0] = np.log(2 * 10_000)  # the first return is counted from the start price
    for move in np.diff(log_mid[:100]):
        variance = kept * variance + (1.0 - kept) * move**2
    assert float(market.state.arbitrage[0]["variance_per_s"]) == pytest.approx(variance, rel=1e-9)
