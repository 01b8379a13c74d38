"""The words and traces that no committed file may hold."""

import re
from pathlib import Path

import pytest

from tests.shell.files import name_of, project_files, python_files

TEXT = (".py", ".md", ".yaml", ".yml", ".toml", ".json", ".j2", ".css", ".cff", ".csv", ".lock", ".txt", "")
FILES = [p for p in project_files() if p.suffix in TEXT]
# Spelled in parts, so that this file does not hold what it looks for.
MACHINE = re.compile(r"(?<![\w./~-])/(?:" + "|".join(["root", "home", "Users", "work", "t" + "mp"]) + r")/\w")
HOSTS = re.compile(
    r"py" + r"pi\.|python" + r"hosted|/simple" + r"/|index" + r"-url\s|find" + r"-links\s", re.IGNORECASE
)
PROMISE = "fore" + "cast"
DENIED = re.compile(r"(?:not a|never a|never|no|not) " + PROMISE, re.IGNORECASE)


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [
        f"{name_of(path)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_there_is_something_to_look_at():
    assert {"README.md", "Makefile", "requirements.lock"} <= {name_of(p) for p in FILES}


@pytest.mark.parametrize("line", ["see /" + "root/x", "open('/" + "work/a')"])
def test_the_check_sees_paths_of_a_machine(line: str):
    assert MACHINE.search(line)


def test_no_path_of_a_machine():
    assert lines_with(MACHINE, FILES) == []


def test_no_host_of_a_package_registry():
    named = [p for p in FILES if name_of(p) != "Makefile"]  # whose lock target says which options of uv keep them out
    assert lines_with(HOSTS, named) == []


def test_outcomes_are_never_promised():
    found = []
    for path in FILES:
        text = " ".join(path.read_text(encoding="utf-8").split())
        found += [f"{name_of(path)}: {PROMISE}"] * (DENIED.sub("", text).lower().count(PROMISE))
    assert [line for line in found if not line.startswith("tests/")] == []


def test_no_name_in_code_speaks_of_chances_of_outcomes():
    pattern = re.compile(r"\b\w*(?:_prob" + r"ability|prob" + r"ability_|prob" + r"ability\s*[:=(])\w*")
    assert lines_with(pattern, python_files("sim")) == []


def test_nothing_is_left_for_later():
    pattern = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    assert lines_with(pattern, FILES) == []
