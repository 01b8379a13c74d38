"""M1 to M4, L1 and L3 of the test programme: the public packs through the public engine, the clearing kernels and
the calculator.

Counts: DECISIONS 28 and 29.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import MatchingEngine
from sim.calculator import doors
from sim.kernels import lending_entries
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


def by_kind(**counts: int) -> dict[str, int]:
    """Skips by the reason that the clearing pack gives for a kind of case."""
    return {clearing.NOT_HERE[kind]: n for kind, n in counts.items()}


# file -> cases passed, and skipped by reason
EXPECTED = {
    "matching_liquibook.json": (54, {AON: 22, RESTING_MARKET: 7}),
    "matching_exchange_core.json": (27 + 3, {BUDGET: 6}),
    "matching_quantcup.json": (14, {}),
    "matching_edge34.json": (34, {}),
    "liquidation_margin.json": (108, {}),
    "funding.json": (
        21,
        by_kind(funding_rate=1, funding_asymmetric=1)
        | {"a rate from the pool's imbalance is a rule of another venue": 1},
    ),
    "adl_deleveraging.json": (9, by_kind(property=1)),
    "ccp_waterfall.json": (5, by_kind(fact=2)),
    "lending.json": (15, {}),
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


WRONG_DOORS = {
    clearing: ("rate_of", "scores_of"),
    doors: (
        "rate_up_of",
        "pro_rata_of",
        "rate_of",
        "payment_of",
        "linear_safe_of",
        "inverse_safe_of",
        "requirements_of",
        "premium_of",
        "layers_of",
    ),
}
KERNELS_ANSWER = (
    "is_liquidatable", "liquidation_price", "bankruptcy_price", "bankruptcy_quote", "liquidation_order_price",
    "insurance_fund_delta", "oi_scaled_imf", "deleverage", "funding_rate_clamp", "funding_payment", "funding_e2e",
    "premium_index", "adl_score", "waterfall",
)  # fmt: skip

RIGHT_ANYHOW = [  # the fee is cut to its largest, of the order's value; no number asks no kernel; refused either way
    "dydx/insurance_delta/long_max_fee",
    "dydx/insurance_delta/long_fee_2.5pct",
    "dydx/insurance_delta/short_max_fee",
    "dydx/insurance_delta/short_fee_2.5pct",
    "freqtrade/funding_fee/nan_mark",
    "dydx/deleverage/tnc_neg_vs_tnc_neg",
]


def test_clearing_cases_are_answered_by_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that answers wrongly fails the cases: neither adapter nor calculator computes its rule beside it."""
    asked: dict[str, int] = {}
    for module, names in WRONG_DOORS.items():
        for name in names:
            kernel = getattr(module, name)

            def wrong(*values: Any, kernel: Any = kernel, name: str = name) -> Any:
                asked[name] = asked.get(name, 0) + 1
                got = kernel(*values)
                return tuple(2 * v + 1 for v in got) if isinstance(got, tuple) else 2 * got + 1

            monkeypatch.setattr(module, name, wrong)
    right = []
    for file in ("liquidation_margin.json", "funding.json", "adl_deleveraging.json", "ccp_waterfall.json"):
        header, cases = load(CASES / file)
        right += [
            case["id"]
            for case in cases
            if case["kind"] in KERNELS_ANSWER and outcome(file, header, case).status == "passed"
        ]
    assert set(asked) == {name for names in WRONG_DOORS.values() for name in names}
    assert right == RIGHT_ANYHOW


@pytest.mark.parametrize("name", ["sums_of", "call_of", "part_of"])
def test_lending_cases_are_answered_by_the_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above; each door of the pack by itself, since a call asks two of them."""
    kernel = getattr(lending_entries, name)

    def wrong(*values: Any) -> Any:
        got = kernel(*values)
        return (got[0], *(i * v + 1 for i, v in enumerate(got[1:], 2))) if isinstance(got, tuple) else 2 * got + 1

    monkeypatch.setattr(lending_entries, name, wrong)
    header, cases = load(CASES / "lending.json")
    right = [case["kind"] for case in cases if outcome("lending.json", header, case).status == "passed"]
    asked = {
        "sums_of": {"health_factor", "liquidation_call", "identity"},
        "call_of": {"liquidation_call", "identity"},  # that dust is refused is its reason, which is left as it is
        "part_of": {"close_factor"},
    }[name]
    assert {case["kind"] for case in cases} - asked == set(right)
    assert not asked & set(right)


def other(kind: str, expected: dict[str, Any], tolerance: float | None = None, **inputs: Any) -> Any:
    """A case of ours, by hand: several positions, parts of a position, and grids that no published case has."""
    case = {"kind": kind, "inputs": inputs, "expected": expected} | ({"tolerance": tolerance} if tolerance else {})
    return pytest.param(case, id=kind)


OTHERS = [
    other(
        "is_liquidatable", {"liquidatable": True, "equity": 49.99, "maintenance": 50.0},
        oracle_prices={"BTC": 50000, "ETH": 3000}, positions={"BTC": 0.004, "ETH": -0.1}, quote_balance=149.99, mmf=0.1,
    ),
    other(
        "insurance_fund_delta", {"insurance_fund_delta": -25.5},
        position=0.1, quote_balance=-5100, fill_price=50490, fill_size=0.05, side="sell", max_liquidation_fee=0.005,
    ),
    other(
        "deleverage",
        {"liquidated": {"BTC": 0.5, "quote": -25000.5}, "offsetting": {"BTC": -1.5, "quote": 94999.5}},
        oracle_price=50000, imf=0.2, mmf=0.1, close_qty=0.5,
        liquidated={"BTC": 1, "quote": -50001}, offsetting={"BTC": -2, "quote": 120000},
    ),
    other("error", {"error": "invalid position size delta"}, position=-1.0, close_delta=1.5, quote_balance=10),
    other("premium_index", {"premium": 5e-06}, impact_bid=110000.55, impact_ask=110000.56, index=110000),
    other(
        "waterfall", {"used": [["a", 4.25], ["b", 5.0]], "uncovered": 1.25},
        loss=10.5, layers=[{"name": "a", "amount": 4.25}, {"name": "b", "amount": 5}],
    ),
    other("funding_payment", {"received": -0.0053375}, 1e-12, size=10, rate=0.00025, mark_price=2.135, side="long"),
    other(
        "liquidation_price", {"liquidation_price": 0.0000099616161}, 1e-11,
        model="binance", entry=0.00001234, amount=10**6, leverage=5, side="long", mmr=0.01, maintenance_amount=0.01,
    ),
    other(
        "liquidation_price", {"liquidation_price": 30891.891}, 0.01,
        model="binance", entry=26000, amount=12.34567891, leverage=5, side="short", mmr=0.01, maintenance_amount=10,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_other_cases_of_the_same_kinds(case: dict[str, Any]) -> None:
    assert outcome("", {}, case) == Outcome("", "case without id", "passed")


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
