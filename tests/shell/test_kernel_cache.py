"""An edited helper is never answered by old compiled code; unedited code is loaded and not compiled again."""

import gc
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim import kernel_cache
from sim.kernels._jit import JIT_OFF
from sim.runner import Scenario
from tests.network.small import spec_of
from tests.shell.files import ROOT

HELPER = """
from sim.kernels._jit import entry

@entry
def grow(x):
    return x * {factor}
"""
MIDDLE = """
from sim.kernels import probe_low
from sim.kernels._jit import entry

@entry
def twice(x):
    return probe_low.grow(probe_low.grow(x))
"""
TOP = """
from sim.kernels._jit import entry
from sim.kernels.probe_middle import twice

@entry
def call(x):
    return twice(x) + 1
"""
PROGRAM = """
import sim.kernels.probe_top as top
print(top.call(3), sum(top.call.stats.cache_hits.values()), sum(top.call.stats.cache_misses.values()))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of what compiled code needs, with three files that call each other: top -> middle -> low."""
    folder = tmp_path / "copy"
    kernels = folder / "sim" / "kernels"
    kernels.mkdir(parents=True)
    for name in (
        "__init__.py",
        "stopping.py",
        "kernel_cache.py",
        "kernel_locator.py",
        "later.py",
        "kernels/__init__.py",
        "kernels/_jit.py",
    ):
        shutil.copy(ROOT / "sim" / name, folder / "sim" / name)
    (kernels / "probe_low.py").write_text(HELPER.format(factor=2))
    (kernels / "probe_middle.py").write_text(MIDDLE)
    (kernels / "probe_top.py").write_text(TOP)
    return folder


def answer(folder: Path, program: str = PROGRAM, **environment: str) -> list[int]:
    """Result, cache hits and cache misses of the top function in a process of its own."""
    unset = ("NUMBA_CACHE_LOCATOR_CLASSES", "NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def compiled_files(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in (folder / "cache").rglob("*.nbc")}


def test_an_edit_two_files_below_reaches_the_caller(package: Path):
    assert answer(package) == [3 * 2 * 2 + 1, 0, 1]
    before = compiled_files(package)
    assert answer(package) == [13, 1, 0]  # loaded, not compiled
    assert compiled_files(package) == before and len(before) >= 3
    (package / "sim/kernels/probe_low.py").write_text(HELPER.format(factor=5))
    assert answer(package) == [3 * 5 * 5 + 1, 0, 1]
    assert answer(package) == [76, 1, 0]


def test_kept_stamps_are_those_of_the_imports_and_a_spoilt_file_is_written_anew(package: Path):
    assert answer(package) == [13, 0, 1]
    (kept,) = (package / "cache").rglob("stamps-*.json")
    stamps = kept.read_text()
    (package / "sim/kernels/probe_low.py").write_text(HELPER.format(factor=5))
    assert answer(package) == [76, 0, 1]
    (package / "sim/kernels/probe_low.py").write_text(HELPER.format(factor=2))
    for spoilt in ("", "{", "null"):
        kept.write_text(spoilt)
        assert answer(package)[0] == 13
        assert kept.read_text() == stamps


def test_stamps_of_this_package_are_those_of_the_imports():
    for path in kernel_cache.compiled_sources():
        assert kernel_cache.source_stamp(path) == kernel_cache._walk(path)


def test_bounds_checked_code_is_kept_apart(package: Path):
    assert answer(package) == [13, 0, 1]
    assert answer(package, NUMBA_BOUNDSCHECK="1") == [13, 0, 1]
    assert answer(package) == [13, 1, 0]


def test_numba_imported_before_the_package_uses_the_same_cache(package: Path):
    assert answer(package) == [13, 0, 1]
    assert answer(package, "import numba\n" + PROGRAM) == [13, 1, 0]
    (package / "sim/kernels/probe_low.py").write_text(HELPER.format(factor=5))
    assert answer(package, "import numba\n" + PROGRAM) == [76, 0, 1]


def test_a_read_only_home_and_package_still_cache_elsewhere(package: Path, tmp_path: Path):
    nowhere = {"NUMBA_CACHE_DIR": "/dev/null/cache", "XDG_CACHE_HOME": "/dev/null/cache", "TMPDIR": str(tmp_path)}
    assert answer(package, **nowhere) == [13, 0, 1]
    assert answer(package, **nowhere) == [13, 1, 0]
    assert not list((package / "sim").rglob("*.nbc"))


def test_a_temporary_folder_that_others_can_write_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = kernel_cache._user_temporary()
    assert folder is not None
    Path(folder).chmod(0o777)
    assert kernel_cache._user_temporary() is None


def test_a_stamp_follows_imports_of_a_user_module_as_well(tmp_path: Path):
    (tmp_path / "helper.py").write_text("FACTOR = 2\n")
    user = tmp_path / "user.py"
    user.write_text("import helper\nfrom sim.kernels import book\n")
    assert kernel_cache.project_imports(user) == sorted(
        [ROOT / "sim/kernels/__init__.py", ROOT / "sim/kernels/book.py", tmp_path / "helper.py"]
    )
    before = kernel_cache.source_stamp(user)
    (tmp_path / "helper.py").write_text("FACTOR = 33\n")
    assert kernel_cache.source_stamp(user) != before


def test_relative_imports_are_followed():
    import ast

    here = ROOT / "sim" / "kernels" / "book.py"
    (node,) = ast.parse("from ..schema import X").body
    assert isinstance(node, ast.ImportFrom)
    assert kernel_cache._file_of(kernel_cache._absolute(node, here), here) == ROOT / "sim" / "schema.py"


def test_every_file_that_compiles_something_for_a_run_is_in_the_kernel_hash():
    marks = ("@small", "@behaviour", "@inlined", "@entry", "@njit")
    decorated = [
        path
        for path in (ROOT / "sim").rglob("*.py")
        if any(line.startswith(marks) for line in path.read_text().splitlines())
    ]
    place = ROOT / "sim/calculator"  # asks kernels for the calculator, which no run imports
    doors = {place / "doors.py"}
    assert doors <= set(decorated)
    assert set(decorated) - doors <= set(kernel_cache.compiled_sources())
    importers = {
        path.parent.name
        for path in (ROOT / "sim").rglob("*.py")
        if any(file.parent == place for file in kernel_cache.project_imports(path))
    }
    # Of risk what reads finished runs, and no measure; of the report what draws formulas and is asked by name.
    assert importers == {"calculator", "cli", "fire_sales", "risk"}


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty cache of this process's own."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    kernel_cache.cache_dir.cache_clear()
    yield
    kernel_cache.cache_dir.cache_clear()


def test_compiling_speaks_once_and_only_on_a_cold_cache(cold: None, capsys: pytest.CaptureFixture[str]):
    assert not kernel_cache.is_warm()
    pace = gc.get_threshold()
    with kernel_cache.compiling():
        assert gc.get_threshold() == kernel_cache.SELDOM
        time.sleep(0.01)
    assert gc.get_threshold() == pace
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[0].startswith("Compiling the market")
    assert said.err.splitlines()[-1].startswith("Compiled in 0 s")
    assert kernel_cache.is_warm() and not kernel_cache.is_warm(kernel_cache.COUPLING)
    with kernel_cache.compiling():
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(JIT_OFF, reason="nothing is compiled with the JIT off")
def test_a_network_says_once_that_its_coupling_is_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    stamps = {kernel_cache.MARKET: tmp_path / "market", kernel_cache.COUPLING: tmp_path / "coupling"}
    monkeypatch.setattr(kernel_cache, "_warm_stamp", lambda what=kernel_cache.MARKET: stamps[what])
    stamps[kernel_cache.MARKET].touch()
    scenario = Scenario(spec_of(tmp_path, {"a": {"asset": "btc", "exchange": "one"}}, {}, duration="2s"))
    scenario.network(1)
    assert capsys.readouterr().err.startswith("Compiling the coupling of markets")
    scenario.network(1)
    assert capsys.readouterr().err == ""


def test_a_compilation_that_fails_leaves_the_cache_cold(cold: None):
    pace = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), kernel_cache.compiling():
        raise ZeroDivisionError
    assert gc.get_threshold() == pace
    assert not kernel_cache.is_warm()
