"""Relations between runs that must hold whatever the parameters (QUALITY 3C: X1-X6)."""

from typing import Any

import numpy as np

from sim.kernels.memory import allocate_books
from sim.market import Market
from tests.market.drivers import submit_many
from tests.market.small import BASE, DROP, SALE, columns, market_of, merged, state_before, venue_of

QUIET: dict[str, Any] = {
    "market": {"perp_daily_volume": "$0", "spot_daily_volume": "$0"},
    "news": {"noise_per_day": 0.0},
}
LADDER = (
    "perp_bid_ticks",
    "perp_ask_ticks",
    "perp_last_ticks",
    "spot_bid_ticks",
    "spot_ask_ticks",
    "n_messages",
    "n_fills",
)
SIZES = ("perp_taker_buy_lots", "perp_taker_sell_lots", "maker_net_lots", "bid_1pct_lots", "ask_5pct_lots")


def doubled_money(value: Any, key: str = "") -> Any:
    """Every dollar amount of the tiny scenario, twice."""
    if isinstance(value, dict):
        return {k: doubled_money(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [doubled_money(v) for v in value]
    if isinstance(value, str) and value.startswith("$"):
        unit = value[1:].lstrip("0123456789.")
        digits = value[1 : len(value) - len(unit)]
        return f"${2 * float(digits):g}{unit}"
    return value


def test_x1_prices_and_money_times_two_with_the_tick_times_two():
    off = {"leveraged": {"enabled": False}, "shocks": [SALE]}
    plain = market_of(**off)
    twice = market_of(venue=venue_of(tick_usd=0.2), **doubled_money(merged(BASE, off)))
    plain.run_until(120.0)
    twice.run_until(120.0)
    assert (columns(plain, *LADDER, *SIZES) == columns(twice, *LADDER, *SIZES)).all()
    a, b = plain.collect().series, twice.collect().series
    assert (2.0 * a["value_usd"] == b["value_usd"]).all()
    assert a["n_fills"].sum() > 100


def test_x2_lots_times_two_with_the_lot_halved():
    """Exact where sizes are whole lots: limit orders of the crowd against a seller, makers and random takers out."""
    settings = {
        **QUIET,
        "background": {"noise_depth_share": 1.0, "noise_lifetime": "5s"},
        "leveraged": {"enabled": False},
        "arbitrage": {"enabled": False},
        "dip_buyer": {"enabled": False},
        "trend": {"enabled": False},
        "shocks": [SALE | {"over": "25s"}],  # 25 equal slices of whole lots
    }
    runs = []
    for lot, factor in ((0.02, 1), (0.01, 2)):
        spec, contract, state = state_before(venue=venue_of(lot_coin=lot), **settings)
        state.crowd["lots"] = (state.crowd["lots"] // factor // 4 * 4 + 8) * factor
        market = Market(spec, 1, state, contract.tick_usd, contract.lot_coin)
        market.run_until(120.0)
        runs.append(market)
    one, two = runs
    assert int(two.state.crowd["lots"][0][0]) == 2 * int(one.state.crowd["lots"][0][0])
    assert (columns(one, *LADDER) == columns(two, *LADDER)).all()
    assert (2 * columns(one, *SIZES) == columns(two, *SIZES)).all()
    assert one.collect().series["n_fills"].sum() > 20


def test_x3_the_mirrored_tape_trades_at_mirrored_prices():
    """Matching is symmetric: swap sides and reflect prices about a centre, and every fill reflects."""
    rng = np.random.default_rng(5)
    n, centre = 4000, 2048
    orders = np.zeros((n, 6), np.int64)
    orders[:, 1] = rng.integers(0, 2, n)
    orders[:, 2] = centre + np.rint(rng.normal(0, 12, n)).astype(np.int64)
    orders[:, 3] = rng.integers(1, 50, n)
    orders[:, 4] = rng.integers(0, 5, n)
    orders[:, 5] = rng.integers(0, 4, n)
    mirrored = orders.copy()
    mirrored[:, 1] = 1 - orders[:, 1]
    mirrored[:, 2] = 2 * centre - orders[:, 2]
    fills, positions = [], []
    for tape in (orders, mirrored):
        books = allocate_books([1024], 2 * n, 4 * n, 5, 1)
        submit_many(tape, *books)
        rows = books.fills[: int(books.cursor["n_fills"][0])]
        fills.append(
            np.stack(
                [rows[name].astype(np.int64) for name in ("lots", "price_ticks", "taker_owner", "maker_owner", "maker")]
            )
        )
        positions.append(books.positions.copy())
    assert fills[0].shape[1] > 1000
    fills[1][1] = 2 * centre - fills[1][1]
    assert (fills[0] == fills[1]).all()
    assert (positions[0] == -positions[1]).all()


def test_x4_relabelled_accounts_give_the_same_market():
    """Rows of the leveraged population permuted, random keys and triggers kept: every aggregate is identical.

    Without panic, whose clock names accounts by their place in the population."""
    runs = []
    for order in (None, np.random.default_rng(3)):
        conduct = {"conduct": {"panic": False, "stop_round_step": "$10"}}
        spec, contract, state = state_before(shocks=[DROP], leveraged=conduct)
        if order is not None:
            rows = np.flatnonzero(state.accounts["leveraged"])
            moved = order.permutation(rows)
            state.accounts[rows] = state.accounts[moved]
            state.books.positions[:, rows] = state.books.positions[:, moved]
            place = np.zeros(len(state.accounts), np.int64)
            place[moved] = rows
            state.triggers["account"] = place[state.triggers["account"]]
        market = Market(spec, 1, state, contract.tick_usd, contract.lot_coin)
        market.run_until(180.0)
        runs.append(market.collect())
    assert runs[0].series["forced_sell_lots"].sum() > 0 and runs[0].series["stop_lots"].sum() > 0
    assert (runs[0].series == runs[1].series).all()
    assert (runs[0].bands == runs[1].bands).all()
    assert (runs[0].events["account"] != runs[1].events["account"]).any()


def test_x5_without_leverage_nobody_is_liquidated():
    spec, contract, state = state_before(shocks=[DROP | {"move": "-20%"}], dip_buyer={"enabled": False})
    people = state.accounts["leveraged"] != 0
    position = state.books.positions[0]
    unlevered = (
        np.abs(position) * contract.price_ticks * contract.unit_micro
        - position * contract.price_ticks * contract.unit_micro
    )
    state.accounts["cash_micro"][people] = unlevered[people]
    state.clock["cash_micro"] = state.accounts["cash_micro"].sum() + state.accounts["free_micro"].sum()
    market = Market(spec, 1, state, contract.tick_usd, contract.lot_coin)
    market.audit = True
    fund = int(market.state.accounts["cash_micro"][2])
    market.run_until(240.0)
    series = market.collect().series
    assert series["forced_sell_lots"].sum() == series["takeover_lots"].sum() == series["n_liquidated"].sum() == 0
    assert series["perp_last_ticks"][-1] < 0.96 * contract.price_ticks
    assert int(market.state.accounts["cash_micro"][2]) == fund


def test_x6_without_noise_shock_or_takers_the_price_stands_still():
    market = market_of(**QUIET, background={"noise_depth_share": 0.0}, leveraged={"enabled": False})
    market.run_until(120.0)
    series = market.collect().series
    for name in ("perp_bid_ticks", "perp_ask_ticks", "spot_bid_ticks", "value_usd", "mark_usd"):
        assert len(np.unique(series[name][1:])) == 1, name
    assert series["n_fills"].sum() == 0


def test_without_takers_the_crowds_limit_orders_alone_trade_nothing():
    market = market_of(**QUIET, leveraged={"enabled": False})
    market.run_until(120.0)
    assert market.collect().series["n_fills"].sum() == 0
