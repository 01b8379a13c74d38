"""The sweep of these tests when nothing goes wrong."""

import pytest

from sim.experiments.sweep import run_sweep
from tests.experiments import fake
from tests.experiments.fake import folder_of, plan, results
from tests.experiments.inline import inline


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Results of ``fake.plan()``: a plan, five result files of rows and five of paths."""
    folder = folder_of(tmp_path_factory.mktemp("undisturbed") / "sweep", plan())
    run_sweep(folder, lanes=[inline()], work=fake.quick)
    found = results(folder)
    assert len(found) == 1 + 2 * 5
    return found
