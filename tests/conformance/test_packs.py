"""M1 to M4, L1 and L3 of the test programme: the public packs through the public engine and the clearing kernels.

Counts of the matching packs: DECISIONS 28.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import MatchingEngine
from sim.orderflow import read_orders, replay
from tests.conformance import clearing, edge34, hashes
from tests.conformance.common import SkippedCase
from tests.conformance.runner import Outcome, load, run_case
from tests.reference.matching import ReferenceEngine
from tests.reference.reports import report_lines

CASES = Path(__file__).parent / "cases"
AON = "all-or-none orders are not offered"
RESTING_MARKET = "the remainder of a market order rests there and is cancelled here"
BUDGET = "FOK BUDGET orders are not offered"
NO_EQUITY = "an account without equity is not deleveraged here, even where the price would leave it whole"
NO_NUMBER = "prices are integers here: a mark that is no number cannot reach the kernel"


def by_kind(**counts: int) -> dict[str, int]:
    """Skips by the reason that the clearing pack gives for a kind of case."""
    return {clearing.NOT_HERE[kind]: n for kind, n in counts.items()}


# file -> cases passed, and skipped by reason
EXPECTED = {
    "matching_liquibook.json": (54, {AON: 22, RESTING_MARKET: 7}),
    "matching_exchange_core.json": (27 + 3, {BUDGET: 6}),
    "matching_quantcup.json": (14, {}),
    "matching_edge34.json": (34, {}),
    "liquidation_margin.json": (
        58,
        by_kind(oi_scaled_imf=14, margin_fraction=7, valid_transition=7, liquidation_order_price=14, error=4)
        | {"here an account without position that owes money is taken over": 1, "accounts hold one coin": 3},
    ),
    "funding.json": (
        8,
        by_kind(funding_index_delta=8, funding_clamp=4, funding_rate=1, funding_asymmetric=1)
        | {"a rate from the pool's imbalance is a rule of another venue": 1, NO_NUMBER: 1},
    ),
    "adl_deleveraging.json": (8, by_kind(property=1) | {NO_EQUITY: 1}),
    "ccp_waterfall.json": (5, by_kind(fact=2)),
}


def cases_of(file: str) -> list[Any]:
    """Cases of a file as parameters named by their id."""
    header, cases = load(CASES / file)
    return [pytest.param(header, case, id=case["id"]) for case in cases]


def outcome(file: str, header: dict[str, Any], case: dict[str, Any]) -> Outcome:
    return run_case(file, case, header, MatchingEngine)


@pytest.mark.parametrize("file", EXPECTED)
def test_packs_pass_or_are_skipped_by_feature(file: str) -> None:
    header, cases = load(CASES / file)
    outcomes = [outcome(file, header, case) for case in cases]
    assert [o for o in outcomes if o.status == "failed"] == []
    passed, skipped = EXPECTED[file]
    reasons = [o.reason for o in outcomes if o.status == "skipped"]
    assert {reason: reasons.count(reason) for reason in reasons} == skipped
    assert len(outcomes) - len(reasons) == passed


def test_clearing_cases_are_answered_by_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that answers wrongly fails the cases: the adapter computes nothing of its own."""
    for name in ("margin_of", "inverse_of", "share_of", "premium_of", "rate_of", "payment_of", "scores_of"):
        kernel = getattr(clearing, name)

        def wrong(*values: Any, kernel: Any = kernel) -> Any:
            got = kernel(*values)
            return tuple(2 * v + 1 for v in got) if isinstance(got, tuple) else 2 * got + 1

        monkeypatch.setattr(clearing, name, wrong)
    kinds = ("liquidation_price", "bankruptcy_quote", "funding_rate_clamp", "funding_e2e", "premium_index", "adl_score")
    asked = 0
    for file in ("liquidation_margin.json", "funding.json", "adl_deleveraging.json"):
        header, cases = load(CASES / file)
        for case in cases:
            if case["kind"] in kinds:
                asked += 1
                assert outcome(file, header, case).status != "passed", case["id"]
    assert asked > 50


@pytest.mark.parametrize(("header", "case"), cases_of("matching_edge34.json"))
def test_edge34_book_after_each_message(header: dict[str, Any], case: dict[str, Any]) -> None:
    compiled, reference = MatchingEngine(self_trade="off"), ReferenceEngine(self_trade="off", audit=True)
    rows = edge34.written_out(case["messages"])
    step = 1 + len(rows) // 100  # each message of a short case; the case of 5,001 messages in a hundred pieces
    for start in range(0, len(rows), step):
        for engine in (compiled, reference):
            replay(edge34.columns_of(rows[start : start + step]), engine)
        assert compiled.orders() == reference.orders()


def hash_cases(size: str) -> list[Any]:
    """Cases of the hash file of one size whose input is stored somewhere."""
    _, cases = load(CASES / "matching_benchmark_hashes.json")
    return [pytest.param(case, id=case["id"]) for case in cases if f"/{size}/" in case["id"] and "me_" in case["input"]]


def stored(case: dict[str, Any]) -> Path:
    """Path of the case's order flow, or a skip that says where it would be looked for."""
    try:
        return hashes.find_input(case["input"], None)
    except SkippedCase as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("case", hash_cases("small"))
def test_hash_small(case: dict[str, Any]) -> None:
    result = replay(read_orders(stored(case)))
    assert (result.messages, result.sha256) == (case["messages"], case["sha256"])


@pytest.mark.parametrize("case", hash_cases("small")[::3])
def test_hash_small_of_the_reference(case: dict[str, Any]) -> None:
    """The slow engine and the slow formatter give the same stream line for line."""
    columns = read_orders(stored(case))
    pieces: list[bytes] = []
    replay(columns, sink=pieces.append)
    lines = list(report_lines(columns, ReferenceEngine(self_trade="off")))
    assert b"".join(pieces).decode().split("\n") == lines


@pytest.mark.long
@pytest.mark.parametrize("case", hash_cases("full"))
def test_hash_full(case: dict[str, Any]) -> None:
    result = replay(read_orders(stored(case)))
    assert (result.messages, result.sha256) == (case["messages"], case["sha256"])
