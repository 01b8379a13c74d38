"""MODEL R11, R12: a one-lot probe shifts no draw that it does not cause; the order of steps can be turned round."""

import numpy as np
import pytest

from sim.agents import TradingAgent
from sim.kernels.ledger import NO_TICKET
from sim.schema import IOC
from tests.market.small import DROP, market_of


class Silent(TradingAgent):
    """Does nothing by itself; tests move its hands."""

    def act(self):
        return


def drawn_in_tick(market):
    """Market orders of the crowd drawn in the tick that has just run: delivered messages stay legible in the mailbox
    until others overwrite them, and those of the crowd are the last of a tick to be written.
    """
    tick = market.state.tick - 1
    mail = market.state.messages
    is_crowd = (mail["ticket"] == NO_TICKET) & (mail["kind"] == IOC) & (mail["flags"] == 0)  # closes are reduce-only
    own = mail[is_crowd & (mail["serial"] >> 16 == tick)]
    return {tuple(int(row[name]) for name in ("arrival_us", "serial", "lots", "book", "side")) for row in own}


def limits_of(market):
    """Handles of the crowd's limit orders: one that is renewed gets another, one that is filled dies with its own."""
    first, n = int(market.state.crowd[0]["ticket0"]), 4 * int(market.state.crowd[0]["rows_per_side"])
    return market.state.tickets["handle"][first : first + n].copy()


UNCAUSED = {
    "news": ("activity", "log_noise", "log_value"),
    "moods": ("level",),
    "crowd": ("base_per_tick", "caused", "log_median_lots", "sigma", "renew_16"),
    "metaorders": ("left", "side"),
    "accounts": ("key", "rank", "start_lots", "leveraged", "isolated", "is_maker", "professional"),
    "firms": ("calm_vol", "wide_vol", "pull_vol", "headline_move", "loss_share", "pulls", "hedge_micro", "headline"),
    "dip_buyers": ("threshold_ticks", "delay_us", "phase_us", "pace_micro"),
    "trend_funds": ("period_us", "phase_us", "slice_phase_us"),
    "layers": ("reveal_16", "stale_16", "renew_per_us"),
}
"""What is drawn, or follows from draws alone, of every kind of participant."""


def uncaused(market):
    """Those columns, of the accounts that both markets have."""
    n = len(market.state.accounts) - int(market.state.clock[0]["n_guests"])
    room = {name: getattr(market.state, name) for name in UNCAUSED} | {"accounts": market.state.accounts[:n]}
    return {f"{name}.{c}": room[name][c].tolist() for name, columns in UNCAUSED.items() for c in columns}


def watched(side):
    """Draws of 120 ticks, and the market, with a one-lot order of a guest in the 30th when a side is given."""
    market = market_of(leveraged={"enabled": True}, shocks=[DROP])
    agent = Silent(market, cash_usd=100_000.0, latency_s=0.0)
    draws, values, limits, before = [], [], [], limits_of(market)
    for second in range(1, 121):
        if second == 30 and side is not None:
            agent.market_order("perp", side, market.lot_coin)
        market.run_until(float(second))
        draws.append(drawn_in_tick(market))
        now = limits_of(market)
        limits.append(set(np.flatnonzero((now != before) & (now != 0)).tolist()))
        before = now
        values.append(float(market.state.news[0]["log_value"]))
    return market, agent, draws, values, limits


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_one_lot_probe_leaves_every_uncaused_draw_identical(side):
    plain, _, draws, values, limits = watched(None)
    probed, agent, draws_probed, values_probed, limits_probed = watched(side)
    assert [fill.coins for fill in agent.fills()] == [probed.lot_coin]
    assert probed.state_hash() != plain.state_hash()  # the probe is felt
    assert sum(len(tick) for tick in draws) > 100
    assert draws_probed == draws
    assert values_probed == values
    assert uncaused(plain) == uncaused(probed)
    both = sum(len(a & b) for a, b in zip(limits, limits_probed, strict=True))
    either = sum(len(a | b) for a, b in zip(limits, limits_probed, strict=True))
    assert both > 0.99 * either > 100  # a post-only order may be refused where the probe moved the touch


@pytest.mark.parametrize("over", ["1s", "20s"])
def test_a_probe_from_the_scenario_leaves_every_uncaused_draw_identical_too(over):
    """The probes of ``shoal impulse`` are flow shocks, large ones too."""
    runs = []
    for notional in ("$0", "$300k"):
        probe = {"kind": "flow", "at": "30s", "over": over, "side": "sell", "notional": notional}
        market = market_of(leveraged={"enabled": True}, shocks=[DROP, probe])
        draws, values = [], []
        for second in range(1, 121):
            market.run_until(float(second))
            draws.append(drawn_in_tick(market))
            values.append(float(market.state.news[0]["log_value"]))
        runs.append((market, draws, values))
    (plain, draws, values), (probed, draws_probed, values_probed) = runs
    assert probed.state_hash() != plain.state_hash() and sum(map(len, draws)) > 100
    assert (draws_probed, values_probed) == (draws, values) and uncaused(plain) == uncaused(probed)


def test_the_engine_may_act_before_anybody_quotes():
    """R12: calibration.step_order turns this switch; forced orders of a tick then meet the quotes of the last one."""
    runs = []
    for engine_first in (0, 1):
        market = market_of(shocks=[DROP | {"move": "-8%"}])
        market.audit = True
        market.state.clock[0]["engine_first"] = engine_first
        market.run_until(200.0)
        runs.append(market.collect())
    late, early = runs
    assert (late.series["value_usd"] == early.series["value_usd"]).all()
    assert min(run.series["forced_sell_lots"].sum() for run in runs) > 0
    forced = [run.events["time_us"][run.events["kind"] == 0] for run in runs]
    assert forced[0][0] != forced[1][0] or (late.series != early.series).any()
