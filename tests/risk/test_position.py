"""``shoal position`` from the question to the files, on a market of minutes."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import calculator as calc
from sim.cli.app import app
from sim.errors import DataError
from sim.report import risk_position
from sim.risk.position import position
from sim.risk.runs import How
from tests.experiments.inline import inline
from tests.risk.small import market

QUIET = {"duration": "5min", "news.noise_per_day": 0.02}


def ask(out, scenario, **more):
    how = How(out, lanes=lambda: [inline(None)])
    return position(scenario, "long", 5e6, 20.0, how=how, **{"seeds": 3, **more})


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    still = market({"kind": "news_move", "at": "1min", "over": "1s", "move": "0%"}, **QUIET)
    return ask(tmp_path_factory.mktemp("calm"), still, exit_over=(30.0, 60.0, 120.0))


@pytest.fixture(scope="module")
def fallen(tmp_path_factory):
    return ask(tmp_path_factory.mktemp("fallen"), market(), exit_over=())


def values(found):
    return {(row.item, row.quantity): row for row in found.rows}


def test_the_rules_are_the_calculators(calm):
    cex_a = calc.load_profile("cex_a")
    account = calc.isolated(cex_a, "42.838", "116720", 20)
    got = values(calm)
    assert got["", "liquidation_price"].value == float(calc.liquidation_price(account, "perp"))
    assert got["", "bankruptcy_price"].value == float(calc.bankruptcy_price(account, "perp"))
    assert got["", "margin"].value == 250_000


def test_nothing_touches_it_in_a_calm_market(calm):
    got = values(calm)
    assert got["", "share_of_seeds_touched"].value == got["", "share_of_seeds_liquidated"].value == 0.0
    assert got["all", "liquidation_cost"].value == 0.0 and got["liquidated", "liquidation_cost"].n == 0
    assert math.isnan(got["", "time_of_liquidation"].value)


def test_value_at_risk_is_the_sum_of_its_parts(calm):
    got = values(calm)
    parts = [got["95%", f"lvar_{name}"].value for name in ("spread", "walk", "impact")]
    assert got["95%", "lvar"].value == pytest.approx(got["95%", "var_mid"].value + sum(parts))
    moves = -5e6 * calm.runs["book.end_move"].to_numpy()
    assert got["95%", "var_mid"].value == pytest.approx(moves.max()) and math.isinf(got["95%", "var_mid"].high)
    half = 0.5 * (calm.runs["book.spread_mean"] + 3 * calm.runs["book.spread_sd"])
    assert got["95%", "lvar_spread"].value == pytest.approx(5e6 * half.median())


def test_sales_of_it_cost_and_stand_beside_the_formula(calm):
    got = values(calm)
    for over in (30, 60, 120):
        assert got[f"over {over} s", "exit_sold"].value == pytest.approx(1.0, abs=1e-3)
        assert 0.0 < got[f"over {over} s", "exit_cost"].value < 5e6 * 0.002
    if calm.optimal is not None:
        even = got["over 120 s", "almgren_chriss_cost"].value
        assert even == pytest.approx(got["over 120 s", "exit_cost"].value, rel=0.5)
        assert (np.diff(calm.frontier()[:, 0]) <= 0.0).all()


def test_in_a_fall_of_six_percent_every_seed_loses_its_margin(fallen):
    got = values(fallen)
    assert got["", "share_of_seeds_liquidated"].value == got["", "share_of_seeds_touched"].value == 1.0
    assert 120.0 < got["", "time_of_liquidation"].value < 300.0
    assert got["95%", "var_account"].value == pytest.approx(250_000, rel=0.02)
    assert got["all", "liquidation_cost"].value == pytest.approx(
        sum(got["all", name].value for name in ("fee", "slippage", "lost_margin"))
    )
    assert math.isnan(got["95%", "lvar_impact"].value)


def test_files_and_words(fallen):
    place = fallen.save()
    assert {p.name for p in place.iterdir()} >= {
        f"position.{end}" for end in ("parquet", "csv", "units.csv", "svg", "png")
    }
    assert "not a forecast" in risk_position.text(fallen) and "fewer than 30 seeds" in risk_position.text(fallen)
    assert set(fallen.table["unit"]) <= {"USD", "fraction", "s"}


def test_the_command_answers(tmp_path):
    words = ["position", "calm_btc", "--set", "duration=2min", "--set", "leveraged.accounts=200", "--side", "short"]
    words += ["--notional", "$1m", "--leverage", "5", "--exit-over", "none", "--seeds", "1", "--workers", "1"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    rows = {(row["item"], row["quantity"]): row for row in json.loads(done.stdout)["rows"]}
    assert rows["", "share_of_seeds_liquidated"]["value"] == 0.0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"leverage": 500.0}, "leverage 500: cex_a allows 1 to"),
        ({"leverage": None}, "give either a leverage or the collateral"),
        ({"horizon": 1e9}, "horizon is 1e\\+09 s"),
        ({"exit_over": (1e9,)}, "does not fit"),
        ({"listing": "moon"}, "listing 'moon' is not in"),
    ],
)
def test_a_bad_question_is_refused(tmp_path, more, why):
    asked = {"leverage": 10.0, "seeds": 1, **more}
    with pytest.raises(DataError, match=why):
        position(market(), "long", 5e6, how=How(tmp_path, lanes=lambda: [inline(None)]), **asked)
