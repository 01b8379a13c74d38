"""A firm's lines in a market: money is conserved, and each number is that of the account or of the price path."""

import numpy as np
import pytest

from sim.risk import measure
from sim.risk.firm import ENTRY_SLICES, Firm, halts_of
from sim.risk.lines import Line
from sim.thresholds import tier_table
from tests.risk.small import FALL, lines, market

SPOT_AND_SHORT = (Line("coins", "spot", 1e6, hedge="h"), Line("short", "perp", 1e6, side=-1, leverage=5, hedge="h"))
TWENTY = Line("twenty", "perp", 2e6, leverage=20.0)


def asked(scenario, *given, **more):
    return measure.arguments_of(scenario.spec, lines(scenario, *given), **more)


@pytest.fixture(scope="module")
def fall():
    """Hedge, a long of leverage 20 alone and under cross margin, cash here and elsewhere, a loan, shares."""
    scenario = market()
    book = (
        *SPOT_AND_SHORT,
        TWENTY,
        Line("cash_here", "cash", 30_000, venue="cex_a"),
        Line("loan", "loan", 1e6, debt=7e5, call_ltv=0.72, liquidation_ltv=0.80, penalty=0.05),
        Line("sold_loan", "loan", 1e6, venue="cex_a", debt=7.2e5, call_ltv=0.74, liquidation_ltv=0.75, penalty=0.05),
        Line("shares", "dat", 1e5, beta=1.5),
    )
    arguments = asked(scenario, *book)
    return measure.make(scenario, 1, arguments), arguments


def test_every_number_that_is_named_is_given(fall):
    (_, found), arguments = fall
    assert set(found) == set(measure.columns(arguments))


def test_a_long_of_leverage_twenty_is_liquidated_in_a_fall_of_six_percent(fall):
    (run, found), _ = fall
    assert found["line.twenty.entered"] == pytest.approx(1.0, abs=1e-3)
    assert found["line.twenty.forced_share"] == 1.0 and found["line.twenty.worst_room"] < 0.0
    assert 120.0 < found["line.twenty.forced_s"] < 240.0
    assert found["line.twenty.loss"] == pytest.approx(100_000, rel=0.02)  # its margin
    mine = run.events[
        (run.events["kind"] == "forced_order") & (run.events["elapsed_s"] == found["line.twenty.forced_s"])
    ]
    assert len(mine) or found["line.twenty.fee"] == 0.0


def test_a_hedge_of_coins_and_a_short_loses_nothing_but_the_basis(fall):
    (_, found), _ = fall
    assert found["line.coins.loss"] > 50_000
    assert abs(found["line.coins.loss"] + found["line.short.loss"]) < 0.05 * found["line.coins.loss"]
    assert found["line.short.adl_share"] == found["hedge.h.adl"] == 0.0


def test_loans_are_called_and_sold(fall):
    """The first is called below 0.7 / 0.72 = 0.972 of the start; nobody has cash for it in own custody."""
    (run, found), _ = fall
    index = run.series["index_usd"].to_numpy()
    start = index[run.series["elapsed_s"].searchsorted(60.0)]
    deepest = index[::10].min() / start
    assert found["line.loan.called_s"] > 120.0
    assert found["line.loan.asked"] == pytest.approx(7e5 - 0.72e6 * deepest, rel=0.1)
    # 0.72 / 0.75 = 0.96: sold below it; called from 0.973 on, 30,000 of cash at the venue were given first
    assert found["line.sold_loan.lost_margin"] == pytest.approx(0.05 * (7.2e5 - 30_000), rel=0.06)


def test_shares_move_by_their_beta(fall):
    (run, found), _ = fall
    index = run.series["index_usd"].to_numpy()
    start = index[run.series["elapsed_s"].searchsorted(60.0)]
    assert found["line.shares.loss"] == pytest.approx(1e5 * 1.5 * (1.0 - index[-1] / start), rel=1e-6)


def test_the_whole_is_the_sum_of_its_lines(fall):
    (_, found), arguments = fall
    parts = [found[f"line.{line['name']}.loss"] for line in arguments["lines"]]
    assert found["loss"] == pytest.approx(np.sum(parts), abs=1.0)
    assert found["called"] == pytest.approx(sum(v for k, v in found.items() if k.startswith("called_h")))


def walked(scenario, arguments, audit=True):
    """A firm that has lived through a run under audit."""
    live = scenario.live(1)
    live.audit = audit
    firm = Firm(live, scenario.spec, measure.lines_of(arguments["lines"]), arguments)
    for k in range(ENTRY_SLICES):
        live.run_until(60.0 * k / ENTRY_SLICES)
        for holder in firm.holders.values():
            holder.enter(ENTRY_SLICES - k)
    live.run_until(60.0)
    firm.begin()
    for now_s in measure.looks_of(arguments):
        live.run_until(now_s)
        firm.look(now_s)
    return live, firm


SLOW = {"kind": "news_move", "at": "90s", "over": "150s", "move": "-5%"}
CROSS = Line("cross", "perp", 2e6, leverage=20.0, mode="cross")
AWAY = Line("away", "cash", 300_000)


def test_conservation_holds_with_positions_and_calls_under_audit():
    scenario = market(SLOW, duration="5min")
    arguments = asked(scenario, *SPOT_AND_SHORT, CROSS, AWAY, transfer_s=10.0)
    _, firm = walked(scenario, arguments)
    assert firm.given["cross"] > 0.0
    tiers = tier_table(firm.markets["cross"].venue.margin_tiers)
    assert firm.tiers["cross"].up_to_usd.tolist() == tiers.up_to_usd.tolist()


def test_cash_elsewhere_saves_an_account_unless_transfers_stand_still():
    """The same fall and seed: sent for, it arrives and the account lives; halted, it is trapped and the account dies.

    Calls come at six times the maintenance margin: at twice, a minute of this fall leaves no time.
    """
    found = {}
    for name, halts in (("open", []), ("halted", [[None, 0.0, 300.0]])):
        scenario = market(SLOW, duration="5min")
        arguments = asked(scenario, CROSS, AWAY, transfer_s=10.0, halts=halts, buffer=6.0)
        _, found[name] = measure.make(scenario, 1, arguments)
    assert found["open"]["trapped"] == 0.0 and found["open"]["line.cross.forced_share"] == 0.0
    assert found["halted"]["trapped"] > 10_000 and found["halted"]["line.cross.forced_share"] == 1.0
    assert found["halted"]["venue.cex_a.needed"] == pytest.approx(found["halted"]["trapped"])
    assert found["open"]["line.cross.asked"] > 0.0


def test_a_short_that_deleveraging_closes_breaks_the_hedge():
    """Without an insurance fund, bankrupt longs are closed against the shorts with most profit and leverage."""
    crash = {**FALL, "move": "-15%", "over": "20s"}
    scenario = market(crash, **{"clearing.fund_scale": 0.0})
    short = Line("short", "perp", 2e6, side=-1, leverage=40.0, hedge="h")
    _, found = measure.make(scenario, 1, asked(scenario, Line("coins", "spot", 2e6, hedge="h"), short))
    assert found["line.short.adl_share"] > 0.0
    assert found["hedge.h.adl"] > 0.0 and found["hedge.h.gap"] > 0.5 * found["hedge.h.adl"]


def test_without_perps_the_run_is_the_one_without_a_book():
    scenario = market(duration="3min")
    run, _ = measure.make(scenario, 1, asked(scenario, Line("coins", "spot", 1e6)))
    assert run.hashes == scenario.run(1).hashes


def test_halts_are_those_of_the_scenario():
    scenario = market({"kind": "transfer_halt", "at": "1min", "over": "2min"})
    assert halts_of(scenario.spec) == [[None, 60.0, 180.0]]
