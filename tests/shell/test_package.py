"""What a stranger installs: the lock, the wheel, the command."""

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

import sim
from sim.cli import doctor
from sim.cli.app import app
from tests.shell.files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]*\])?==([^\s;\\]+)", LOCK, re.MULTILINE))


def test_every_locked_package_has_a_hash():
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)
    packages = [block for block in blocks if block.strip() and not block.startswith("#")]
    assert len(packages) == len(LOCKED) > 40
    assert [block.split()[0] for block in packages if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_place():
    assert not re.search(r"://|--index|--find|file:|^-e|^/", LOCK, re.MULTILINE)


@pytest.mark.parametrize("line", [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]])
def test_the_lock_holds_every_requirement_within_its_bounds(line: str):
    need = Requirement(line)
    assert need.specifier.contains(LOCKED[need.name.lower()])


def test_direct_requirements_are_few_and_bounded():
    needs = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    assert len(needs) <= 12
    bounded = {need.name for need in needs if "<" in str(need.specifier)}
    assert {"numba", "numpy", "mesa"} <= bounded


def test_python_versions_agree():
    assert PROJECT["project"]["requires-python"] == ">=3.12,<3.15"
    assert (doctor.MIN_PYTHON, doctor.MAX_PYTHON) == ((3, 12), (3, 14))
    assert (ROOT / ".python-version").read_text().strip() == "3.12"


def test_python_m_sim_is_the_command():
    done = subprocess.run([sys.executable, "-m", "sim", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == f"shoal {sim.__version__}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    pytest.importorskip("hatchling", reason="hatchling is not installed, so no wheel can be built")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_the_package_with_its_data_and_nothing_else(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"sim", f"shoal-{sim.__version__}.dist-info"}
    for wanted in (
        "sim/py.typed",
        "sim/venues/profiles/cex_a.yaml",
        "sim/venues/rules/dydx_v4_like.yaml",
        "sim/venues/lenders/lender_a.yaml",
        "sim/report/templates/page.html.j2",
        "sim/_data/scenarios/flash_10_11_btc.yaml",
        "sim/_data/derived/btc_2025_10_10.csv",
    ):
        assert wanted in names
    assert [name for name in names if "__pycache__" in name or name.endswith((".nbi", ".nbc"))] == []
    on_disk = {p.relative_to(ROOT).as_posix() for p in (ROOT / "sim").rglob("*.py")}
    assert on_disk <= set(names)


@pytest.mark.long
def test_the_wheel_alone_runs_the_quick_start(wheel: Path, tmp_path: Path):
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # The packages of this environment, and not the clone, which is on its path by a file that is not read here.
    outside = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONPATH": str(outside)}
    run = [str(home / "bin" / "python"), "-m", "sim"]
    for arguments in (
        ["list"],
        ["validate", "calm_btc"],
        ["run", "calm_btc", "--seed", "1", "--set", "duration=10min"],
    ):
        done = subprocess.run([*run, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
    assert list((tmp_path / "results").glob("*/report.html"))


def test_doctor_finds_nothing_wrong_here():
    done = CliRunner().invoke(app, ["doctor", "--json"])
    findings = json.loads(done.stdout)
    assert done.exit_code == 0, [f for f in findings if f["state"] == "problem"]
    assert {"python", "numba", "cache", "scenarios", "recorded"} <= {f["what"] for f in findings}


def test_doctor_names_the_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "requirements", lambda: ("no-such-package>=1", "numpy<1"))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert lines["no-such-package"].startswith("problem") and "make demo" in lines["no-such-package"]
    assert lines["numpy"].startswith("warning") and "outside <1" in lines["numpy"]


def test_doctor_shows_no_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SHOAL_EVIDENCE", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "shoal"))
    assert str(Path.home()) not in CliRunner().invoke(app, ["doctor"]).stdout
