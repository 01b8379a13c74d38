"""The latent layer: every look, renewal and re-entry against the slow rules; money; what it does to a price."""

from typing import Any

import numpy as np
import pytest

from sim.kernels.marks import PERP, SPOT
from sim.market import Market
from sim.recorder import live_lots
from sim.schema import OK
from tests.market.small import SALE, columns, market_of
from tests.reference_market import latent as slow

# The tiny market trades $400m a day: a layer in proportion to its shocks of some $100k.
LAYER: dict[str, Any] = {"enabled": True, "impact_prefactor": 9.0, "perp_cash": "$3m", "spot_cash": "$2m"}
QUIET: dict[str, Any] = {
    "market": {"perp_daily_volume": "$400m", "spot_daily_volume": "$200m"},
    "news": {"noise_per_day": 0.0},
    "leveraged": {"enabled": False},
}


def rules_of(market: Market, b: int) -> slow.Layer:
    row = market.state.layers[b]
    return slow.Layer(
        float(row["lots_per_unit2"]), float(row["y_c"]), float(row["width"]), float(row["x_r"]),
        1e-6 / float(row["renew_per_us"]),
    )  # fmt: skip


def tickets_of(market: Market, b: int, side: int) -> slice:
    n = market.state.mass.shape[2]
    first = int(market.state.layers[b]["ticket0"]) + side * n
    return slice(first, first + n - 1)


def resting(market: Market, b: int, side: int) -> np.ndarray[Any, Any]:
    return live_lots(market.state.books, market.state.tickets["handle"][tickets_of(market, b, side)])


def test_density_comes_from_volume_and_volatility_and_is_hollow_at_the_start():
    market = market_of(latent={"enabled": True})
    row, state = market.state.layers[0], market.state
    expected_usd = 2.0 * 400e6 / (0.9 * 0.0188) ** 2
    assert row["lots_per_unit2"] == pytest.approx(expected_usd / (1000.0 * 0.01))
    y = (np.arange(state.mass.shape[2] - 1) + 0.5) * 2e-4
    full = row["lots_per_unit2"] * np.minimum(y, 0.02) * 2e-4
    assert state.mass[0, 0, :-1] == pytest.approx(np.where(y < 12e-4, 0.0, full), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("move", [-0.004, 0.0, 0.003])
def test_every_look_sets_the_order_that_the_rules_say(move):
    """Looks at certainty: after one tick each bin rests with what the slow rules give, price and lots, bit for bit."""
    quick = {"stale_rate": "1000/s", "news_latency": "0s", "start_hollow": 0.0}
    news = {"noise_per_day": 0.0, "path": [{"at": "5s", "move": move}, {"at": "6s", "move": move}]}
    market = market_of(latent=LAYER | quick, **(QUIET | {"news": news}))
    market.state.layers["reveal_16"] = 1 << 16
    compared = 0
    for second in range(1, 30):
        market.run_until(second - 1.0)
        state = market.state
        before = {
            (b, s): (state.mass[b, s].copy(), state.stamp_us[b, s].copy(), state.settled[b, s].copy())
            for b in (0, 1)
            for s in (0, 1)
        }
        filled = market.state.tickets["filled_lots"].copy()
        mids = [int(market.state.price[0][n]) / 2 for n in ("mid_half_ticks", "spot_half_ticks")]
        pending = market.state.tickets["pending"].copy()
        had = live_lots(state.books, state.tickets["handle"])
        market.run_until(float(second))
        log_value = float(state.seen[second % len(state.seen)])
        value_ticks = float(state.news[0]["start_usd"]) * np.exp(log_value) / market.tick_usd
        for b in (PERP, SPOT):
            for s in (0, 1):
                rules, rows = rules_of(market, b), tickets_of(market, b, s)
                mass, stamp, settled = before[b, s]
                for k in range(40):
                    t = rows.start + k
                    if pending[t] or slow.is_passed(rules, k, mids[b], value_ticks, s == 0):
                        continue
                    traded = int(filled[t] - settled[k])
                    seconds = ((second - 1) * 1_000_000 - int(stamp[k])) / 1e6
                    want = slow.renewed(rules, k, float(mass[k]), traded, seconds)
                    got = market.state.mass[b, s, k]
                    assert got == pytest.approx(want, rel=1e-9, abs=1e-9)
                    expected = slow.shown(rules, k, want, mids[b], value_ticks, s == 0, 1 << 40)
                    live = int(live_lots(state.books, state.tickets["handle"][t : t + 1])[0])
                    if expected == 0:
                        assert live == 0
                        continue
                    sent = int(market.state.offered[b, s, k])
                    # the exponentials of two compilers may differ in the last bit; a row already right sends nothing
                    assert abs(sent - expected) <= 1 or abs(int(had[t]) - expected) <= 1
                    if state.tickets["status"][t] == OK:
                        price = int(market.state.tickets["price_ticks"][t])
                        assert price == slow.price_ticks(value_ticks, rules, k, s == 0)
                        compared += 1
    assert compared > 500


def test_what_trades_leaves_the_density_and_comes_back_at_the_rate_of_renewal():
    market = market_of(latent=LAYER | {"renewal_time": "1000h"}, shocks=[SALE], **QUIET)
    market.run_until(59.0)
    before = market.state.mass[0, 0, :-1].sum()
    market.run_until(300.0)
    bought = int(market.state.tickets["filled_lots"][tickets_of(market, 0, 0)].sum())
    again = int(market.state.tickets["filled_lots"][tickets_of(market, 0, 0).stop])
    lost = before - market.state.mass[0, 0, :-1].sum()
    assert bought + again > 100
    waiting = market.state.tickets["filled_lots"][tickets_of(market, 0, 0)] - market.state.settled[0, 0, :-1]
    unsettled = again - int(market.state.settled[0, 0, -1])
    assert lost == pytest.approx(bought + again - waiting.sum() - unsettled, rel=0.02, abs=50)


def test_the_record_holds_what_its_accounts_hold():
    market = market_of(latent=LAYER, shocks=[SALE], **QUIET)
    market.run_until(300.0)
    held = market.collect().series["latent_net_lots"]
    perp, spot = (int(layer["owner"]) for layer in market.state.layers)
    assert held[-1] == market.state.books.positions[0, perp] + market.state.books.positions[1, spot]
    bought = int(market.state.tickets["filled_lots"][tickets_of(market, 0, 0)].sum())
    assert bought > 100 and held[-1] > held[0] + 100


def test_its_orders_never_pass_its_cash_or_coins_and_every_law_holds():
    poor = LAYER | {"perp_cash": "$2k", "spot_cash": "$2k", "reentry_time": "5s", "reveal_time": "5s"}
    crash = {"kind": "news_move", "at": "30s", "over": "30s", "move": "-5%"}
    back = {"kind": "news_move", "at": "120s", "over": "30s", "move": "8%"}
    market = market_of(latent=poor, shocks=[SALE, crash, back], **(QUIET | {"news": {"noise_per_day": "5%"}}))
    market.audit = True
    least = 1 << 62
    for second in range(5, 300, 5):
        market.run_until(float(second))
        state = market.state
        for b in (0, 1):
            owner = int(state.layers[b]["owner"])
            cash, held = int(state.accounts["cash_micro"][owner]), int(state.books.positions[b, owner])
            unit = int(state.rules[b]["micro_per_tick_lot"])
            bids, asks = resting(market, b, 0), int(resting(market, b, 1).sum())
            cost = int((bids * state.tickets["price_ticks"][tickets_of(market, b, 0)]).sum()) * unit
            assert cash >= 0
            assert cost <= cash
            if b == 1:
                assert held - asks >= 0
            least = min(least, cash)
    assert least < 0.6 * 2_000e6


def test_a_slow_sale_costs_less_with_the_layer_and_the_fall_is_regained():
    slow_sale = SALE | {"at": "60s", "over": "20m", "notional": "$2m"}
    lows, ends = [], []
    for on in (True, False):
        market = market_of(latent=LAYER | {"enabled": on}, shocks=[slow_sale], duration="40m", **QUIET)
        market.run_until(2400.0)
        mark = market.collect().series["mark_usd"]
        lows.append(mark.min())
        ends.append(mark[-1])
    assert 1000.0 - lows[0] < 0.5 * (1000.0 - lows[1])
    assert ends[0] > lows[0]


def test_bids_that_were_passed_over_come_back_and_lift_the_price():
    """The price is pushed through the layer faster than it is revealed; the passed bids take what is offered."""
    fast_sale = SALE | {"at": "60s", "over": "5s", "notional": "$900k"}
    shut = {"reveal_time": "24h"}
    paths = {}
    for name, pace in (("slow", "24h"), ("quick", "20s")):
        market = market_of(latent=LAYER | shut | {"reentry_time": pace}, shocks=[fast_sale], **QUIET)
        market.run_until(300.0)
        paths[name] = market.collect().series["mark_usd"]
        sweep = tickets_of(market, 0, 0).stop
        assert (market.state.tickets["filled_lots"][sweep] > 100) == (name == "quick")
    assert paths["quick"][300] - paths["quick"].min() > 2.0 * (paths["slow"][300] - paths["slow"].min())


def test_switched_off_it_leaves_the_draws_of_everybody_else_alone():
    """Before the first of its orders trades, the rest of the market sends the same messages with and without it."""
    far = {"reveal_distance": "0.1bp", "start_hollow": "30%", "reentry_time": "24h", "renewal_time": "24000h"}
    on, off = market_of(latent=LAYER | far), market_of()
    on.run_until(120.0)
    off.run_until(120.0)
    names = ("perp_taker_buy_lots", "perp_bid_ticks", "spot_ask_ticks", "n_fills", "maker_net_lots")
    assert (columns(on, *names) == columns(off, *names)).all()
