"""``shoal run`` and ``shoal rerun`` around a made-up market: folders, words, exit codes."""

import json
import re

import pytest
from typer.testing import CliRunner

from sim import runner
from sim.cli.app import app
from sim.cli.run import parse_seeds
from sim.errors import ScenarioError
from sim.results import Origin, Run, Timing, load_run, manifest
from tests.report.conftest import made_arrays

SHOAL = CliRunner()


@pytest.fixture
def made(monkeypatch):
    """Replace the market by a random walk, so that only what is around it is tested; returns the seeds run."""
    seen = []

    def simulate(self, seed, audit, progress):
        seen.append((seed, audit))
        timing = Timing(1.0, 1.0, "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
        origin = Origin(self.resolved, self.overrides, audit)
        return Run.from_arrays(self.spec, seed, made_arrays(seed, round(self.spec.duration)), "0" * 64, timing, origin)

    monkeypatch.setattr(runner.Scenario, "_simulate", simulate)
    monkeypatch.setattr(runner, "warm", lambda: None)
    return seen


def shoal(*arguments):
    return SHOAL.invoke(app, [str(a) for a in arguments])


def test_run_writes_a_folder_and_prints_a_table(made, tmp_path):
    answer = shoal("run", "calm_btc", "--set", "duration=20min", "--seeds", "2", "--out", tmp_path, "--no-report")
    assert answer.exit_code == 0, answer.output
    (place,) = tmp_path.iterdir()
    assert place.name.startswith("calm_btc-") and [s for s, _ in made] == [1, 2]
    assert (
        "median over 2 seeds" in answer.stdout and "lowest mark" in answer.stdout and "not a forecast" in answer.stdout
    )
    assert load_run(place).runs[0].origin.overrides == ("duration=20min",)
    assert f"results: {place}" in answer.stdout
    (peak,) = re.findall(r"at most ([0-9,]+) MB in one process", answer.stdout)
    assert 50 < int(peak.replace(",", "")) < 100_000


def test_json_answer(made, tmp_path):
    answer = shoal("run", "calm_btc", "--set", "duration=20min", "--seed", 3, "--out", tmp_path, "--json", "--audit")
    told = json.loads(answer.stdout)
    assert told["seeds"] == [3] and told["summary"]["min_mark_usd"] > 0 and made == [(3, True)]
    assert told["report"].endswith("report.html") and load_run(told["folder"]).run_id == told["run_id"]


def test_a_taken_place_is_refused_before_anything_is_run(made, tmp_path):
    arguments = ("run", "calm_btc", "--set", "duration=20min", "--seed", 1, "--out", tmp_path, "--no-report")
    assert shoal(*arguments).exit_code == 0
    again = shoal(*arguments)
    assert again.exit_code == 1 and "exists already" in again.stderr and len(made) == 1
    assert shoal(*arguments, "--force").exit_code == 0 and len(made) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no_such_scenario"),
        ("run", "calm_btc", "--seed", "1", "--seeds", "2"),
        ("run", "calm_btc", "--seeds", "many"),
        ("run", "calm_btc", "--set", "market.price=lots"),
        ("run", "calm_btc", "--sede", "1"),
        ("run", "calm_btc", "--seed", "-1"),
    ],
)
def test_bad_usage_is_exit_2_without_traceback(made, tmp_path, arguments):
    answer = shoal(*arguments, "--out", tmp_path)
    assert answer.exit_code == 2 and "Traceback" not in answer.output and list(tmp_path.iterdir()) == []


def test_ctrl_c_is_130_and_leaves_nothing(made, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.results.folder.write_file", interrupted)
    answer = shoal("run", "calm_btc", "--set", "duration=20min", "--seed", 1, "--out", tmp_path, "--no-report")
    assert answer.exit_code == 130 and list(tmp_path.iterdir()) == []


def test_rerun_reproduces_or_names_the_reason(made, tmp_path, monkeypatch):
    shoal("run", "calm_btc", "--set", "duration=20min", "--seeds", "1,4", "--out", tmp_path, "--no-report")
    (place,) = tmp_path.iterdir()
    same = shoal("rerun", place)
    assert same.exit_code == 0 and "same: all 10 hashes" in same.stdout
    assert shoal("rerun", place / "manifest.json", "--json").exit_code == 0

    walk = runner.Scenario._simulate
    monkeypatch.setattr(
        runner.Scenario, "_simulate", lambda self, seed, audit, p: walk(self, seed + (seed == 4), audit, p)
    )
    unexplained = shoal("rerun", place)
    assert unexplained.exit_code == 1 and "this is a defect of shoal" in unexplained.stdout

    monkeypatch.setattr(runner.Scenario, "_simulate", lambda self, seed, audit, p: _moved(walk(self, seed, audit, p)))
    monkeypatch.setattr(manifest, "kernel_hash", lambda: "f" * 64)
    versions = manifest.packages()
    monkeypatch.setattr(manifest, "packages", lambda: {**versions, "numba": "0.1"})
    explained = shoal("rerun", place)
    assert explained.exit_code == 1 and "seed 4: series" in explained.stdout
    assert (
        "compiled source code changed" in explained.stdout
        and f"numba: {versions['numba']} then, 0.1 now" in explained.stdout
    )


def _moved(run: Run) -> Run:
    return Run(
        run.spec, run.seed, run.tables, run.constants, {**run.hashes, "series": "9" * 64}, run.timing, run.origin
    )


def test_rerun_of_what_is_no_run(tmp_path):
    answer = shoal("rerun", tmp_path)
    assert answer.exit_code == 1 and "give a folder that `shoal run` wrote" in answer.stderr


def test_seeds_as_people_write_them():
    assert parse_seeds("3") == (1, 2, 3)
    assert parse_seeds("4,9") == (4, 9)
    assert parse_seeds("11-13") == (11, 12, 13)
    assert parse_seeds("1, 5-6") == (1, 5, 6)
    for bad in ("0", "a", "5-3", "1-99999", "", "1,", "99999", "-3", "1-2-3"):
        with pytest.raises(ScenarioError, match="--seeds"):
            parse_seeds(bad)


def test_python_api_takes_changes_by_dotted_name_and_by_keyword(made):
    plan = runner.load("calm_btc", set={"market.price": "$100k"}, duration="30min")
    assert (plan.spec.market.price, plan.spec.duration) == (100_000.0, 1800.0)
    assert plan.overrides == ("market.price=$100k", "duration=30min")
    same = runner.load("calm_btc", set=["market.price=$100k"], duration="30min")
    assert same.spec == plan.spec and same.run_id((1,)) == plan.run_id((1,)) != plan.run_id((2,))
    assert plan.ensemble(seeds=[5, 2]).seeds == (5, 2)
    with pytest.raises(ScenarioError, match="single text"):
        runner.load("calm_btc", set="market.price=$100k")
    for seeds in (0, [], [1, 1], [True], [-1], [2**63]):
        with pytest.raises(ScenarioError, match="seed"):
            plan.ensemble(seeds=seeds)


def test_terminal_shows_no_escape_sequences(made, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text('name: odd\ntitle: "a [31mred[0m title"\nstart_utc: "2025-10-10T20:20:00Z"\nduration: 20min\n')
    answer = shoal("run", path, "--seed", 1, "--out", tmp_path / "out", "--no-report")
    assert answer.exit_code == 0 and "\x1b" not in answer.stdout
    path.write_text('name: odd\ntitle: "a \\e[31mred"\nstart_utc: "2025-10-10T20:20:00Z"\nduration: 20min\n')
    refused = shoal("run", path, "--seed", 1, "--out", tmp_path / "out")
    assert refused.exit_code == 2 and "\x1b" not in refused.output


def test_a_title_that_the_terminal_cannot_show_is_no_crash(made, tmp_path):
    path = tmp_path / "odd.yaml"
    text = 'name: odd\ntitle: "Größe 名前"\nstart_utc: 2025-10-10T20:20:00Z\nduration: 20min\n'
    path.write_text(text, encoding="utf-8")
    out = tmp_path / "with space ü"
    answer = CliRunner(charset="ascii").invoke(app, ["run", str(path), "--seed", "1", "--out", str(out), "--no-report"])
    assert answer.exit_code == 0 and "Gr??e ??" in answer.stdout
