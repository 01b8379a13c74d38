"""A scenario may put another deleveraging rule or a capped pace in place of the venue's."""

from sim.build import build
from sim.kernels.adl import ADL_RULES
from sim.kernels.ladder import UNLIMITED
from sim.scenario.load import load_spec

FALL = {
    "duration": "8min", "leveraged.accounts": 400, "clearing.fund_scale": 0.0,
    "shocks": [{"kind": "news_move", "at": "1min", "over": "2min", "move": "-25%"}],
}  # fmt: skip


def run(**more):
    market = build(load_spec("calm_btc", {**FALL, **more}), 3)
    market.audit = True
    market.run()
    return market


def test_the_rule_reaches_the_engine_and_other_accounts_are_closed():
    queue, shared = run(), run(**{"clearing.adl_rule": "pro_rata"})
    assert int(queue.state.engine[0]["adl_rule"]) == ADL_RULES.index("leverage_pnl")
    assert int(shared.state.engine[0]["adl_rule"]) == ADL_RULES.index("pro_rata")
    closed = [set((m.state.accounts["adl_lots"] > 0).nonzero()[0].tolist()) for m in (queue, shared)]
    assert closed[0] and closed[1]
    assert closed[0] != closed[1]


def test_a_capped_pace_sells_less_in_its_fastest_second():
    free, capped = run(), run(**{"clearing.pace_cap": "$2m/s"})
    assert int(free.state.engine[0]["pace_cap_micro_per_s"]) == UNLIMITED
    fastest = [float(m.collect().series["forced_sell_micro"].max()) for m in (free, capped)]
    assert fastest[1] <= 2.1e12 < fastest[0]
