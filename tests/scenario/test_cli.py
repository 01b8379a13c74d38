"""The commands on scenario files as a user meets them: output, exit codes, typing errors, imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import CapacityError, ScenarioError, ShoalError
from sim.scenario.load import load_spec
from sim.scenario.places import scenario_names, scenarios_dir
from tests.scenario.broken import HEAD

HEAVY = ("pandas", "mesa", "numba", "matplotlib", "numpy", "scipy", "pyarrow")


def _run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_validate_says_ok_on_stdout():
    result = _run("validate", *scenario_names())
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert [line.split(": ")[:2] for line in result.stdout.splitlines()] == [[name, "ok"] for name in scenario_names()]


def test_validate_checks_every_file_and_fails_for_one(tmp_path):
    (tmp_path / "good.yaml").write_text(HEAD)
    (tmp_path / "bad.yaml").write_text(HEAD + "prise: 1\n")
    result = _run("validate", str(tmp_path / "bad.yaml"), str(tmp_path / "good.yaml"))
    assert result.exit_code == 2
    assert result.stdout.count("ok") == 1
    assert result.stderr.count("unknown key 'prise'") == 1


def test_validate_json_holds_problems_and_hash(tmp_path):
    (tmp_path / "bad.yaml").write_text(HEAD + "prise: 1\n")
    result = _run("validate", "calm_btc", str(tmp_path / "bad.yaml"), "--json")
    good, bad = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (good["ok"], good["problems"], len(good["hash"])) == (True, [], 64)
    assert (bad["ok"], len(bad["problems"])) == (False, 1)


def test_validate_applies_changes():
    result = _run("validate", "calm_btc", "--set", "tick=7s")
    assert result.exit_code == 2
    assert "must be a whole number of ticks (7 s)" in result.stderr


def test_list_names_the_shipped_scenarios():
    result = _run("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(scenario_names())
    rows = json.loads(_run("list", "--json").stdout)
    assert [row["name"] for row in rows] == list(scenario_names())
    assert all(row["title"] and row["duration"] for row in rows)


def test_show_is_itself_a_scenario(tmp_path):
    result = _run("show", "calm_btc", "--set", "market.price=90kUSD")
    (tmp_path / "shown.yaml").write_text(result.stdout)
    assert load_spec(tmp_path / "shown.yaml") == load_spec("calm_btc", ["market.price=$90k"])
    assert yaml.safe_load(result.stdout) == json.loads(
        _run("show", "calm_btc", "--set", "market.price=90kUSD", "--json").stdout
    )


def test_schema_goes_to_stdout_or_a_file(tmp_path):
    out = tmp_path / "schema.json"
    assert _run("schema", "--out", str(out)).exit_code == 0
    assert out.read_text() == (scenarios_dir() / "schema.json").read_text()
    assert json.loads(_run("schema").stdout) == json.loads(out.read_text())
    nowhere = _run("schema", "--out", str(tmp_path / "no" / "such" / "folder.json"))
    assert nowhere.exit_code == 2
    assert "No such file or directory" in nowhere.stderr


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["shwo", "calm_btc"], "No such command 'shwo'. Did you mean 'show'?"),
        (["valdate"], "No such command 'valdate'. Did you mean 'validate'?"),
        (["show", "calm_btc", "--sett", "a=b"], "No such option: --sett"),
        (["show", "calm_btc", "--jsn"], "--json"),
        (["show"], "Missing argument 'NAME'"),
        (["validate"], "Missing argument 'FILE'"),
        (["show", "clam_btc"], "did you mean 'calm_btc'?"),
        (["show", "calm_btc", "--set"], "Option '--set' requires an argument"),
        (["show", "calm_btc", "extra"], "unexpected extra argument"),
    ],
)
def test_a_typing_error_is_answered_with_the_cure(typed, said):
    result = _run(*typed)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) <= 5


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (ScenarioError(["a:1:1: x", "b:2:2: y"]), 2, "a:1:1: x\nb:2:2: y\n"),
        (CapacityError("the book is full; raise its room"), 1, "Error: the book is full; raise its room\n"),
        (KeyboardInterrupt(), 130, "Interrupted: what was not finished is not kept.\n"),
    ],
)
def test_one_place_turns_errors_into_text_and_exit_code(raised, code, said, monkeypatch):
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("sim.scenario.load.load_spec", fail)
    result = _run("show", "calm_btc")
    assert (result.exit_code, result.stderr, result.stdout) == (code, said, "")


def test_exit_codes_of_all_errors():
    own = [error for error in ShoalError.__subclasses__() if error.__module__ == "sim.errors"]
    codes = {error.__name__: error.exit_code for error in own}
    assert codes == {
        "ScenarioError": 2,
        "DataError": 2,
        "EngineError": 2,
        "RuleError": 2,
        "CapacityError": 1,
        "InvariantError": 1,
        "ResultError": 1,
        "ForkError": 2,
    }


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["validate", "calm_btc"]], ids=lambda words: words[0])
def test_quick_commands_import_nothing_heavy(arguments):
    """DECISIONS 27; what they take is in ``make bench``."""
    code = (
        "import atexit, sys\n"
        f"heavy = lambda: [m for m in {HEAVY!r} if m in sys.modules]\n"
        "atexit.register(lambda: print(heavy(), file=sys.stderr))\n"
        "from sim.cli.app import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"
