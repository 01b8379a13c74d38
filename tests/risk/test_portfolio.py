"""``shoal portfolio``: a hedge that deleveraging breaks, cash that a halt traps, in numbers and figure; a network."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import DataError
from sim.report import risk_portfolio
from sim.risk.lines import Line
from sim.risk.portfolio import halt_of, portfolio
from sim.risk.runs import How
from sim.runner import Scenario
from tests.experiments.inline import inline
from tests.network.small import spec_of
from tests.risk.small import FALL, market

SLOW = {"kind": "news_move", "at": "90s", "over": "100s", "move": "-4%"}
CRASH = {**FALL, "move": "-15%", "over": "20s"}
BOOK = (
    Line("coins", "spot", 2e6, venue="cex_a", hedge="basis"),
    Line("short", "perp", 2e6, side=-1, leverage=40.0, hedge="basis"),
    Line("long", "perp", 2e6, leverage=20.0, mode="cross"),
    Line("bank", "cash", 300_000),
)


def ask(out, *scenarios, book=BOOK, **more):
    how = How(out, lanes=lambda: [inline(None)])
    return portfolio(book, scenarios, how=how, **{"seeds": 2, "buffer": 6.0, "transfer_time": 10.0, **more})


@pytest.fixture(scope="module")
def stress(tmp_path_factory):
    """The same book in a slow fall with transfers open, and in that and a crash without a fund, transfers halted."""
    slow, crash = market(SLOW), market(CRASH, **{"clearing.fund_scale": 0.0})
    out = tmp_path_factory.mktemp("stress")
    return ask(out, slow), ask(out, slow, crash, halts=["all"])


def values(part):
    return {(row.item, row.quantity): row for row in part.rows}


def test_the_hedge_is_broken_by_deleveraging(stress):
    slow, crash = (values(part) for part in stress[1].parts)
    assert crash["hedge basis", "share_of_seeds_broken"].value == crash["line short", "share_of_seeds_adl"].value > 0.0
    assert crash["hedge basis", "broken"].value > 100_000
    assert crash["hedge basis", "open"].value > 0.5 * crash["hedge basis", "broken"].value
    assert slow["hedge basis", "broken"].value == 0.0


def test_a_halt_traps_cash_that_would_have_met_the_call(stress):
    open_, halted = (values(found.parts[0]) for found in stress)
    assert open_["", "share_of_seeds_trapped"].value == 0.0 and halted["", "share_of_seeds_trapped"].value == 1.0
    assert halted["", "trapped"].value > 10_000
    assert halted["venue cex_a", "needed_alone"].value >= halted["venue cex_a", "missing"].value > 0.0
    assert open_["line long", "asked"].value > 0.0


def test_hours_and_lines_sum_to_the_whole(stress):
    for part in (stress[0].parts[0], *stress[1].parts):
        got, runs = values(part), part.runs
        hours = [row.value for row in part.rows if row.item.startswith("hour ") and row.quantity == "called"]
        assert sum(hours) == pytest.approx(got["", "called"].value)
        lost = [row.value for row in part.rows if row.item.startswith("line ") and row.quantity == "loss"]
        assert sum(lost) == pytest.approx(got["", "loss_mean"].value, abs=1.0)
        assert got["97.5%", "expected_shortfall"].value == pytest.approx(runs["loss"].max())
        assert got["97.5%", "value_at_risk"].value == runs["loss"].max() and math.isinf(
            got["97.5%", "value_at_risk"].high
        )


def test_a_venue_that_defaults_takes_what_lies_there(stress):
    part = stress[0].parts[0]
    gone = part.runs["loss"] + part.runs["venue.cex_a.held_end"]
    assert values(part)["venue cex_a", "loss_with_default"].value == pytest.approx(gone.max())
    assert ("venue own", "loss_with_default") not in values(part)


def test_both_are_seen_in_the_figure(stress):
    figure = stress[1].plot()
    losses, calls, venues, hedges = figure.axes
    slow, crash = stress[1].parts
    bars = [bar.get_height() for bar in venues.patches]  # two venues and what was trapped, of each scenario
    assert bars[2] == pytest.approx(values(slow)["", "trapped"].value / 1e6) and bars[2] > 0.0
    dots = np.concatenate([line.get_ydata() for line in hedges.lines])
    assert dots.tolist() == [v / 1e6 for part in (slow, crash) for v in part.runs["hedge.basis.adl"]]
    share = values(crash)["hedge basis", "share_of_seeds_broken"].value
    assert f"{100 * share:g} % of seeds" in hedges.get_xticklabels()[1].get_text()
    assert len(losses.lines) == 2 and len(calls.patches) >= 2


def test_files_words_and_several_scenarios(tmp_path):
    short = {"duration": "200s", "leveraged.accounts": 200}
    two = ask(tmp_path, market(**short), market(SLOW, **short), book=BOOK[:2], seeds=1)
    place = two.save()
    assert {p.name for p in place.iterdir()} >= {
        f"portfolio.{e}" for e in ("parquet", "csv", "units.csv", "svg", "png")
    }
    assert len(two.parts) == 2 and risk_portfolio.text(two).count("calm_btc: 2 lines") == 2


def test_positions_on_two_listings_of_a_network(tmp_path):
    shock = {"kind": "news_move", "at": "70s", "over": "30s", "move": "-6%"}
    network = {"bridge": {"halts": [{"at": "60s", "over": "10min", "exchange": "a"}]}}
    listings = {"btc_a": {"asset": "btc", "exchange": "a"}, "btc_b": {"asset": "btc", "exchange": "b"}}
    spec = spec_of(tmp_path, listings, network, shocks=[shock], duration="150s")
    book = (
        Line("coins", "spot", 1e6, "btc_a", venue="a", hedge="h"),
        Line("short", "perp", 1e6, "btc_b", side=-1, leverage=10.0, hedge="h"),
        Line("long", "perp", 1e6, "btc_a", leverage=20.0, mode="cross"),
        Line("cash", "cash", 1e5, venue="b"),
    )
    got = values(ask(tmp_path, Scenario(spec), book=book, seeds=1).parts[0])
    assert got["line short", "entered"].value == pytest.approx(1.0, abs=1e-3)
    assert (
        abs(got["line coins", "loss"].value + got["line short", "loss"].value) < 0.1 * got["line coins", "loss"].value
    )
    assert got["venue b", "held"].value == pytest.approx(2e5, rel=0.01)
    assert got["venue a", "held"].value == pytest.approx(1.05e6, rel=0.01)
    assert got["line long", "share_of_seeds_liquidated"].value == 1.0 and got["", "trapped"].value > 0.0


def test_halts_are_read_and_refused():
    spec = market().spec
    assert halt_of("all", spec, BOOK) == [None, 0.0, 360.0]
    assert halt_of("cex_a@1min+2min", spec, BOOK) == ["cex_a", 60.0, 180.0]
    for text, why in (("1min", "TIME"), ("moon@1min+1min", "nothing of the book lies on 'moon'"), ("x+y", "TIME")):
        with pytest.raises(DataError, match=why):
            halt_of(text, spec, BOOK)


def test_the_command_tells_the_line_at_fault(tmp_path):
    path = tmp_path / "book.csv"
    path.write_text("name,kind,usd\na,spot,1e6\nb,future,1e6\n")
    done = CliRunner().invoke(app, ["portfolio", str(path), "calm_btc"])
    assert done.exit_code == 2 and "book.csv: line 3: kind is 'future': one of" in done.stderr
    path.write_text("name,kind,usd\na,spot,1e6\n")
    words = ["portfolio", str(path), "calm_btc", "--set", "duration=90s", "--set", "leveraged.accounts=100"]
    done = CliRunner().invoke(app, [*words, "--seeds", "1", "--workers", "1", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert any(row["quantity"] == "expected_shortfall" for row in json.loads(done.stdout)["rows"])
