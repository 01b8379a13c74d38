"""What the README says can be typed, and leads somewhere."""

import re
import shlex
import subprocess
import sys

import pytest

import sim
from tests.shell.files import ROOT, project_files

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
SHELL = [line for kind, text in BLOCKS if kind in ("", "sh", "bash") for line in text.splitlines() if line.strip()]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
COMMANDS = [shlex.split(line, comments=True) for line in SHELL]


def test_two_commands_set_up_the_project():
    assert [words for words in COMMANDS if words[0] == "make"] == [["make", "demo"], ["make", "test"]]


def test_every_make_target_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {words[1] for words in COMMANDS if words[0] == "make"} <= set(targets)


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[0].endswith("shoal")], ids=" ".join)
def test_every_shoal_command_and_option_exists(words: list[str]):
    command = words[1:3] if words[1] in ("ingest", "calc", "export") else words[1:2]
    done = subprocess.run([sys.executable, "-m", "sim", *command, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for option in (word for word in words if word.startswith("--")):
        assert option in done.stdout


@pytest.mark.parametrize("words", [w for w in COMMANDS if w[1:2] == ["run"]], ids=" ".join)
def test_every_scenario_and_change_that_is_run_is_valid(words: list[str]):
    changes = [word for at, word in enumerate(words) if words[at - 1] == "--set"]
    assert sim.load(words[2], set=changes).spec.name


@pytest.mark.parametrize("text", PYTHON)
def test_python_blocks_parse_and_name_what_exists(text: str):
    compile(text, "README.md", "exec")
    for name in re.findall(r"\bsim\.(\w+)", text):
        assert name in sim.__all__
    for scenario in re.findall(r'sim\.load\("(\w+)"', text):
        assert sim.load(scenario).spec.name == scenario


def test_yaml_blocks_are_valid_scenarios(tmp_path):
    for kind, text in BLOCKS:
        if kind == "yaml":
            path = tmp_path / "shown.yaml"
            path.write_text(text)
            assert sim.load(path).spec.name


@pytest.mark.parametrize("page", [p for p in project_files() if p.suffix == ".md"], ids=lambda p: p.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
