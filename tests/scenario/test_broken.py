"""Every broken file ends in one clear line at its place, exit code 2, and no traceback."""

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import ScenarioError
from sim.scenario.load import load_spec
from sim.scenario.places import scenario_names
from sim.settings import reader
from tests.scenario.broken import CASES, HEAD


def _written(folder: Path, name: str) -> Path:
    content = CASES[name][0]
    path = folder / f"{name}.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_corpus_is_large_enough():
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_broken_file_gives_one_line_at_its_place(name, tmp_path, monkeypatch):
    path = _written(tmp_path, name)
    monkeypatch.chdir(tmp_path)
    began = time.perf_counter()
    result = CliRunner().invoke(app, ["validate", path.name])
    assert time.perf_counter() - began < 30.0  # a file that hangs the reader, not a busy machine
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [f"{path.name}:{CASES[name][1]}"]


@pytest.mark.parametrize("name", CASES)
def test_pure_python_yaml_refuses_the_same_files(name, tmp_path, monkeypatch):
    import yaml

    monkeypatch.setattr(reader, "_LOADER", yaml.SafeLoader)
    with pytest.raises(ScenarioError) as caught:
        load_spec(_written(tmp_path, name))
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("name", ["wrong_type", "extends_itself", "binary"])
def test_a_real_process_exits_with_2(name, tmp_path):
    path = _written(tmp_path, name)
    command = [sys.executable, "-c", "from sim.cli.app import main; main()", "validate", path.name]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=_environment())
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"{path.name}:{CASES[name][1]}\n"


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"}


@pytest.mark.parametrize("depth", [2000, 100_000])
def test_deep_flow_list_is_no_recursion_error(depth):
    document = reader.read_text("[" * depth + "]" * depth, "deep.yaml")
    assert document.data is None
    assert document.problems[0].sentence == "nested more than 20 levels deep: no scenario is"


def test_alias_bomb_never_expands():
    text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    names = "abcdefghij"
    for before, name in pairwise(names):
        text += f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    document = reader.read_text(text, "bomb.yaml")
    assert len(document.problems) == 10 + 9 * 9  # each anchor and each alias, once
    assert document.data["j"] == [None] * 9


def test_many_problems_are_counted_after_fifty(tmp_path):
    path = tmp_path / "many.yaml"
    path.write_text(HEAD + "".join(f"key_{i}: 1\n" for i in range(80)))
    with pytest.raises(ScenarioError) as caught:
        load_spec(path)
    assert len(caught.value.problems) == 51
    assert caught.value.problems[-1] == "and 30 more problems"


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = HEAD + "seeds_shown: many\nmarket:\n  price: 3\n  pric: 4\nnews:\n  scale: x\nnews:\n  beta: 1\n"
    Path("all.yaml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_spec("all.yaml")
    places = [problem.split(": ")[:2] for problem in caught.value.problems]
    assert places == [
        ["all.yaml:5:1", "seeds_shown"],
        ["all.yaml:7:3", "market.price"],
        ["all.yaml:8:3", "market.pric"],
        ["all.yaml:11:1", "news"],
    ]


THERE_IS = f"(there is: {', '.join(scenario_names())}; or give the path of a .yaml file)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("gone.yaml", "gone.yaml:1:1: no such file"),
        ("folder.yaml", "folder.yaml:1:1: is a folder or a device, not a file"),
        ("nul\0.yaml", "nul\\x00.yaml:1:1: no such file"),
        ("clam_btc", f"no scenario 'clam_btc' {THERE_IS}; did you mean 'calm_btc'?"),
        ("mine", f"no scenario 'mine' {THERE_IS}; for the file in this folder write 'mine.yaml'"),
    ],
)
def test_a_file_that_is_not_there(given, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder.yaml").mkdir()
    Path("mine.yaml").write_text(HEAD)
    with pytest.raises(ScenarioError) as caught:
        load_spec(given)
    assert str(caught.value) == said
