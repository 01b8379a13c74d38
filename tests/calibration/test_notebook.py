"""Notebooks of docs/notebooks: their code cells run in order, at a small size, and say what the page says."""

import json
import re
import sys
from typing import Any

import matplotlib
import numpy as np
import pytest

from tests.shell.files import ROOT

NOTEBOOK = ROOT / "docs/notebooks/leveraged_funds.ipynb"


def cells(kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == kind]


@pytest.fixture(scope="module")
def names() -> Any:
    """What a reader has after the last cell, with a tenth of the steps."""
    found: dict[str, Any] = {"__name__": "notebook"}
    path, modules = list(sys.path), set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context({"backend": "agg"}):
        patch.chdir(NOTEBOOK.parent)
        for number, text in enumerate(cells("code")):
            small = re.sub(r"^STEPS = 3000$", "STEPS = 120", text, flags=re.MULTILINE)
            exec(compile(small, f"{NOTEBOOK.name}, code cell {number}", "exec"), found)
        yield found
        found["plt"].close("all")
    sys.path[:] = path
    for name in {"critical_leverage", "leveraged_funds"} - modules:
        sys.modules.pop(name, None)


def test_every_limit_was_run_and_stands_beside_what_is_published(names):
    assert names["STEPS"] == 120 and list(names["runs"]) == names["LIMITS"]
    assert list(names["here"].columns) == list(names["published"].columns)
    assert np.isfinite(names["here"][["excess_kurtosis", "acf_absolute", "sd", "defaults"]].to_numpy()).all()


def test_the_published_rows_are_those_of_the_experiment(names):
    from calibration.experiments.leveraged_funds import LIMITS, PUBLISHED

    assert tuple(names["LIMITS"]) == LIMITS
    for name, values in PUBLISHED.items():
        assert names["published"][name].to_numpy() == pytest.approx(values, nan_ok=True)


def test_positions_were_left(names):
    assert set(names["exits"]) == {"I = 10 %", "I = 2 %", "calm_btc"}
    assert max(names["exits"]["I = 10 %"].leverage) > 10.0
    assert max(names["exits"]["calm_btc"].leverage) == pytest.approx(9.0, abs=0.05)


def test_it_is_kept_without_outputs():
    book = json.loads(NOTEBOOK.read_text())
    assert book["nbformat"] == 4
    assert all(not c["outputs"] and c["execution_count"] is None for c in book["cells"] if c["cell_type"] == "code")
    assert "Outputs are not kept" in "".join(cells("markdown"))
