"""What every test may use: recorded raw data if there is any, a folder for results, hypothesis without time limits."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a kernel compiles for seconds, so a time limit for one example would mean nothing. The fast tier
# draws the same examples every time; the long one looks for new ones (--hypothesis-profile search).
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked ``evidence``, by name, where the folder of recordings is not there."""
    if not Path(os.environ.get("SHOAL_EVIDENCE") or "missing").is_dir():
        for item in items:
            if item.get_closest_marker("evidence"):
                item.add_marker(pytest.mark.skip(reason="SHOAL_EVIDENCE does not name a folder with the recordings"))


@pytest.fixture(scope="session")
def evidence() -> Path:
    """The folder of raw data, never part of the repository; the test is skipped by name where there is none."""
    named = os.environ.get("SHOAL_EVIDENCE", "")
    if not named or not Path(named).is_dir():
        pytest.skip("no evidence folder: set SHOAL_EVIDENCE to the folder of raw data")
    return Path(named)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throw-away ``results`` folder below the current directory of the test."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results"
    folder.mkdir()
    return folder
