"""Q3: each planted engine bug is caught, by the comparison of engines and, for the public ones, by the 34 cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim import MatchingEngine
from tests.conformance.runner import load, run_case
from tests.differential.compare import run_flow
from tests.differential.flow import Flow
from tests.differential.planted import OURS, TAXONOMY
from tests.reference.matching import ReferenceEngine

EDGE34 = Path(__file__).parents[1] / "conformance" / "cases" / "matching_edge34.json"
N_REQUESTS = 12_000


def differs(faulty: ReferenceEngine) -> bool:
    """Whether the comparison tells this engine from the compiled one."""
    engine = MatchingEngine(window_ticks=256)
    try:
        run_flow(Flow(7, faulty), engine, N_REQUESTS, 500)
    except AssertionError:
        return True
    return False


def test_the_sound_engine_is_not_accused() -> None:
    assert not differs(ReferenceEngine())


@pytest.mark.parametrize("bug", TAXONOMY + OURS, ids=lambda bug: bug.__name__)
def test_the_comparison_catches(bug: type[ReferenceEngine]) -> None:
    assert differs(bug())


@pytest.mark.parametrize("bug", TAXONOMY, ids=lambda bug: bug.__name__)
def test_the_public_cases_catch(bug: type[ReferenceEngine]) -> None:
    header, cases = load(EDGE34)
    outcomes = [run_case("edge34", case, header, bug) for case in cases if isinstance(case["messages"], list)]
    assert any(outcome.status == "failed" for outcome in outcomes)
