"""The Makefile finds a Python that runs, and says one clear sentence where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shell.files import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
TOOLS = ("bash", "sh", "env", "make", "cat", "touch", "grep", "sed", "expand", "dirname", "uname", "rm", "mkdir")
NAMES = ("python3.12", "python3.13", "python3.14", "python3", "python")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with a space in its name, the Makefile in it, and nothing on the path but a few tools."""
    folder = tmp_path / "a clone"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.lock").touch()
    (folder / "pyproject.toml").touch()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (folder / "bin" / tool).symlink_to(found)
    return folder


def fake(clone: Path, name: str, script: str) -> None:
    """Put an executable on the path of the clone."""
    path = clone / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(clone / "bin"), "HOME": str(clone), "LC_ALL": "C"}
    return subprocess.run(
        [str(clone / "bin" / "make"), *arguments], cwd=clone, env=env, capture_output=True, text=True, timeout=60
    )


def chosen(clone: Path) -> str:
    """The interpreter that the Makefile would use."""
    (clone / "show.mk").write_text('include Makefile\nshow:\n\t@echo "[$(PY)]"\n')
    return make(clone, "-f", "show.mk", "show").stdout.strip().strip("[]")


def test_a_shim_that_does_not_run_is_passed_over(clone: Path):
    fake(clone, "python3.12", "exit 127")
    fake(clone, "python3.13", f'exec "{sys.executable}" "$@"')
    assert chosen(clone) == "python3.13"


def test_a_python_of_another_version_is_passed_over(clone: Path):
    # An interpreter that is too old fails the version check, as exit code 1 of the one-liner.
    fake(clone, "python3", "exit 1")
    fake(clone, "python", f'exec "{sys.executable}" "$@"')
    assert chosen(clone) == "python"


def test_python_3_12_goes_first(clone: Path):
    for name in NAMES:
        fake(clone, name, f'exec "{sys.executable}" "$@"')
    assert chosen(clone) == "python3.12"


@pytest.mark.parametrize("target", ["demo", "test"])
def test_without_a_fitting_python_one_sentence_says_so(clone: Path, target: str):
    for name in NAMES:
        fake(clone, name, "exit 1")
    done = make(clone, target)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert said[0].startswith("Shoal needs Python 3.12, 3.13 or 3.14 and found none that runs")
    assert f"make PY=/path/to/python {target}" in said[0]


def test_a_named_interpreter_wins(clone: Path):
    (clone / "show.mk").write_text('include Makefile\nshow:\n\t@echo "[$(PY)]"\n')
    assert make(clone, "-f", "show.mk", "show", "PY=mine/python3").stdout.strip() == "[mine/python3]"


def test_help_lists_every_target(clone: Path):
    said = make(clone, "help").stdout
    for target in ("demo", "test", "test-all", "bench", "conformance", "lock", "clean"):
        assert f"make {target} " in said


def test_ci_runs_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test"
