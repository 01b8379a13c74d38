"""``shoal evidence`` and the pairing of runs with their base runs."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from sim import runner
from sim.cli.app import app
from sim.experiments import base_run
from sim.report import cascade
from sim.results import Ensemble
from sim.scenario.load import load_spec
from tests.report.conftest import made_run, made_spec

CALLS = CliRunner()


@pytest.fixture
def made_up(monkeypatch):
    """Scenarios that answer with a made-up walk instead of a market; the base runs do not fall."""

    def simulate(self, seed, audit, progress):
        run = made_run(seed, self.spec, every_s=5)
        if not self.spec.leveraged.enabled:
            flat = run.series.assign(mark_usd=116_720.0 * np.exp(-0.01 * (np.arange(len(run.series)) > 9)))
            run = replace(run, tables=run.tables._replace(series=flat))
        return run

    monkeypatch.setattr(runner.Scenario, "_simulate", simulate)
    monkeypatch.setattr(runner, "warm", lambda: None)


def test_a_scenario_is_run_with_its_base_and_judged(made_up):
    answer = CALLS.invoke(app, ["evidence", "flash_10_11_btc", "--seeds", "3", "--set", "duration=2h", "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["seeds"] == [1, 2, 3] and [f["fact"] for f in found["stylised_facts"]] == [17]
    assert found["scorecard"]["n_seeds"] == 3 and len(found["scorecard"]["rows"]) > 80
    shares = found["cascades"]
    assert shares["cut"] == 0.02 and shares["share_of_seeds"]["n"] == 3
    assert shares["base_fall"] == pytest.approx([-1 + np.exp(-0.01)] * 3)
    assert shares["fall_if_cascade"]["median"] is None  # fewer than ten seeds
    assert "probability" not in answer.stdout


def test_the_text_shows_every_row_and_says_what_it_is_not(made_up):
    text = CALLS.invoke(
        app, ["evidence", "flash_10_11_btc", "--seeds", "2", "--set", "duration=2h", "--no-base"]
    ).stdout
    assert "scenario outcome, not a forecast" in text and "cascade (second-round" not in text
    for word in ("F0 ", "F1 ", "F48 ", "A20 ", "not measurable - BTC alone is simulated"):
        assert word in text
    assert "10, 50, 90 % of seeds" in text and "of 2" in text
    assert "Reasons of the misses:" in text and "  F1: drop: Lowest mark from 20:50" in text


ASKED = "F0 F1 F2 F3 F4 F5 F11 F12 F13 F14 F15 F16 F17 F28 F32".split()


def test_every_row_asked_for_has_an_estimator_a_band_and_a_verdict(made_up):
    early = "start_utc=2025-10-10T20:19:00Z"  # the first made-up row is not at time 0
    answer = CALLS.invoke(app, ["evidence", "flash_10_11_btc", "--seeds", "2", "--no-base", "--json", "--set", early])
    card = json.loads(answer.stdout)["scorecard"]
    for name in ASKED:
        rows = [row for row in card["rows"] if row["id"] == name]
        measured = [row for row in rows if row["verdict"] in ("pass", "miss")]
        assert measured, name
        for row in measured:
            assert row["band"] and row["how"] and row["n"] == 2 and len(row["quantiles_10_50_90"]) == 3
        for row in rows:
            assert row in measured or (row["verdict"] == "not measurable" and row["note"]), row["name"]
    onset = card["onset"]
    assert set(onset["quantiles"]) == {"0.1", "0.25", "0.5", "0.75", "0.9"} and onset["share_that_pass"]["low"] >= 0


def test_a_calm_market_shows_the_state_before_and_the_stylised_facts(made_up):
    text = CALLS.invoke(app, ["evidence", "calm_btc", "--seeds", "1", "--set", "duration=1h"]).stdout
    assert "P16 " in text and "variance ratio" in text and "F1 " not in text


def test_a_folder_is_read_and_takes_no_changes(made_up, tmp_path):
    saved = Ensemble(tuple(made_run(s, every_s=5) for s in (1, 2))).save(tmp_path / "there", report=False)
    answer = CALLS.invoke(app, ["evidence", str(saved), "--json"])
    assert answer.exit_code == 0 and json.loads(answer.stdout)["cascades"] is None
    assert CALLS.invoke(app, ["evidence", str(saved), "--seeds", "2"]).exit_code == 2


def test_base_runs_freeze_positions_and_leave_the_rest():
    changes = base_run.base_changes(load_spec("flash_10_11_btc"))
    assert changes["leveraged.enabled"] is False
    load_spec("flash_10_11_btc", changes)  # every key exists


def test_fuel_is_lambda_of_the_runs_own_population():
    spec = load_spec("calm_btc", {"leveraged.accounts": 2000})
    falls = np.array([0.02, 0.05, 0.10, 0.20])
    share = base_run.fuel(spec, 3, falls)
    assert (np.diff(share) > 0).all() and 0.03 < share[1] < 0.16
    assert not np.array_equal(share, base_run.fuel(spec, 4, falls))


def test_second_round_leaves_out_what_the_news_alone_would_force():
    run = made_run(1, made_spec(leveraged={"accounts": 2000}))
    flat = run.series.assign(mark_usd=100.0)
    base = replace(run, tables=run.tables._replace(series=flat))
    found = cascade.pair((run,), (base,))
    whole = base_run.forced_btc(run) / run.series["open_interest_btc"].iloc[0]
    assert found.base_fall[0] == 0.0 and found.second_round[0] == pytest.approx(whole)
    same = cascade.pair((run,), (run,))
    first = float(base_run.fuel(run.spec, 1, np.array([1 - np.exp(-same.fall[0])]))[0])
    assert same.second_round[0] == pytest.approx(whole - first) and first > 0.1
    with pytest.raises(ValueError, match="same seeds"):
        cascade.pair((run,), (made_run(2),))
