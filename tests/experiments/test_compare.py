"""Two scenarios on the same seeds: what is run, what is compared, what is told."""

import json
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.errors import DataError, ScenarioError
from sim.experiments import cases, compare, store
from sim.metrics import METRICS
from sim.report import comparison
from tests.experiments.inline import inline
from tests.experiments.test_sweep import shoal

SMALL = {"duration": "20s", "leveraged.accounts": 200}
THIN = {**SMALL, "market.depth_scale_visible": 0.5}


def both(out: Path, seeds=8, set_a=SMALL, set_b=THIN, stop=None, **more):
    more["lanes"] = lambda: [inline(stop)]
    return compare.compare("calm_btc", "calm_btc", seeds, set_a=set_a, set_b=set_b, out=out, **more)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> compare.Comparison:
    return both(tmp_path_factory.mktemp("compare"), seeds=12)


def test_differences_are_those_of_the_runs_themselves(found):
    a = [sim.load("calm_btc", set=SMALL).run(seed).summary["spread_median_bp"] for seed in found.seeds[:3]]
    b = [sim.load("calm_btc", set=THIN).run(seed).summary["spread_median_bp"] for seed in found.seeds[:3]]
    one, two = (found.column(point, "spread_median_bp") for point in found.points)
    assert one[:3].tolist() == a and two[:3].tolist() == b
    row = found.table.set_index("number").loc["spread_median_bp"]
    assert row["mean_difference"] == pytest.approx((two - one).mean()) and row["unit"] == "bp"
    assert row["mean_low"] < row["mean_difference"] < row["mean_high"]
    assert row["share_of_seeds_worse"] == (two > one).mean() == row["share_of_seeds_higher"]


def test_what_differs_is_listed_with_its_unit(found):
    assert [tuple(d) for d in found.differences] == [("market.depth_scale_visible", "fraction", 1.0, 0.5)]
    assert "  market.depth_scale_visible: 100 % -> 50 %" in str(found)
    shocked = sim.load("calm_btc", set=["shocks=[{kind: news_move, at: 1min, over: 1min, move: -2%}]"])
    (shock,) = cases.differences(sim.load("calm_btc"), shocked)
    assert (shock.path, shock.a) == ("shocks", "[]") and "news_move" in shock.b


def test_equal_numbers_are_told_as_equal(found):
    assert found.pairs["adl_btc"].same and "the same in every seed:" in str(found)
    assert "adl_btc" not in comparison.changed(found)
    one = both(found.folder.parent, seeds=2, set_b=SMALL)
    assert all(p.same for p in one.pairs.values()) and len(one.plan.points) == 1
    assert "A and B are one scenario" in str(one)
    assert one.paths[1].shape == one.paths[2].shape == (2, 21)


def test_more_seeds_make_only_the_runs_that_are_missing(found):
    made: list[int] = []
    more = both(found.folder.parent, seeds=14, told=lambda tally: made.append(tally.made))
    assert more.folder == found.folder and max(made) == 4
    assert np.array_equal(more.column(more.points[1], "fills")[:12], found.column(found.points[1], "fills"))
    made.clear()
    again = both(found.folder.parent, seeds=12, told=lambda tally: made.append(tally.made))
    assert made == [] and again.table.equals(found.table)


def test_seeds_are_doubled_until_the_half_width_is_reached(tmp_path):
    few = {"numbers": ["spread_median_bp"]}
    wide = both(tmp_path, seeds=8, half_width=("spread_median_bp", 1e-9), most_seeds=20, **few)
    assert len(wide.seeds) == 20 and not wide.reached and "was not reached" in str(wide)
    half = wide.pairs["spread_median_bp"].half_width
    close = both(tmp_path, seeds=8, half_width=("spread_median_bp", 1.0001 * half), most_seeds=512, **few)
    assert close.reached and 8 <= len(close.seeds) <= 32 and "covers a little less" in str(close)


def test_an_interrupted_comparison_goes_on(tmp_path):
    with pytest.raises(cases.Interrupted) as stopped:
        both(tmp_path, seeds=8, stop=5)
    assert stopped.value.exit_code == 130
    whole = both(tmp_path, seeds=8)
    assert whole.failed == 0 and whole.pairs["fills"].n == 8


def test_a_run_folder_and_a_resolved_file_are_scenarios(tmp_path):
    folder = sim.load("calm_btc", set=THIN).run(1).save(tmp_path / "run", report=False)
    point = cases.point_of(sim.load("calm_btc", set=THIN))
    for given in (folder, folder / "scenario.resolved.yaml", str(folder)):
        assert cases.point_of(cases.scenario_of(given)) == point


def test_what_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(DataError, match="no number 'drop'"):
        both(tmp_path, numbers=["drop"])
    with pytest.raises(DataError, match="level"):
        both(tmp_path, level=95.0)
    with pytest.raises(ScenarioError, match="loaded already"):
        cases.scenario_of(sim.load("calm_btc"), ["duration=1min"])
    assert list(tmp_path.iterdir()) == []


def test_every_side_that_is_worse_is_known():
    assert {m.worse for m in METRICS} == {"", "lower", "higher"}
    assert set(compare.worse_sides()) <= set(compare.comparable())


def test_the_second_round_is_that_of_the_evidence(tmp_path):
    """The measure is what ``shoal evidence`` makes of a run and its base run."""
    from sim.experiments import second_round
    from sim.experiments.base_run import base_changes
    from sim.report.cascade import pair

    changes = {
        "duration": "10min",
        "leveraged.accounts": 2000,
        "shocks": [{"kind": "news_move", "at": "1min", "over": "2min", "move": "-4%"}],
    }
    scenario = sim.load("calm_btc", set=changes)
    run, got = second_round.make(scenario, 1, {"kind": "cascade"})
    base = sim.load("calm_btc", set={**changes, **base_changes(scenario.spec)}).run(1)
    assert got["second_round"] == pair([run], [base]).second_round[0] != 0.0
    calm = sim.load("calm_btc", set={**SMALL, "leveraged.enabled": False})
    assert second_round.make(calm, 1, {"kind": "cascade"})[1] == {"second_round": 0.0}


def test_files_say_what_they_hold(found, tmp_path):
    place = found.save(tmp_path / "saved")
    names = {p.name for p in place.iterdir()}
    assert {f"{kind}.{end}" for kind in ("differences", "paths") for end in ("svg", "png")} <= names
    assert {f"differences.{end}" for end in ("parquet", "csv", "units.csv", "tex")} <= names
    held = json.loads((place / "comparison.json").read_text())
    assert held["seeds"] == list(range(1, 13)) and held["cascades"]["a"]["n"] == 12
    assert len(held["numbers"]) == len(compare.comparable()) and "share_of_seeds_worse" in held["numbers"][0]
    units = (place / "differences.units.csv").read_text()
    assert all(column in units for column in found.table) and "fore" + "cast" in (place / "differences.tex").read_text()
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    found.save(place)
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before


def test_the_command(tmp_path):
    words = ["compare", "calm_btc", "calm_btc", "--set-a", "duration=20s", "--set-b", "duration=20s", "--out", tmp_path]
    words += ["--set-b", "market.depth_scale_visible=0.5", "--set-a", "leveraged.accounts=200", "--workers", 1]
    told = json.loads(shoal(*words, "--set-b", "leveraged.accounts=200", "--seeds", 2, "--json", "--no-figures"))
    assert told["differences"] == [{"path": "market.depth_scale_visible", "unit": "fraction", "a": 1.0, "b": 0.5}]
    assert Path(told["folder"], store.PLAN).exists()
    shoal("compare", "calm_btc", "nothing", code=2)
    shoal("compare", "calm_btc", "calm_btc", "--half-width", "fills", code=2)
