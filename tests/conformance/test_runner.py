"""The conformance runner: what it recognises, skips, fails, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim import MatchingEngine
from tests.conformance import edge34, liquibook
from tests.conformance.common import SkippedCase
from tests.conformance.runner import main

CASES = Path(__file__).parent / "cases"


def quantcup_case(qty: int) -> dict[str, object]:
    """One trade of 100; right when ``qty`` is 100."""
    return {
        "id": "x/one-trade",
        "orders1": [
            {"trader": "A", "side": "sell", "price": 101, "qty": 100},
            {"trader": "B", "side": "buy", "price": 101, "qty": 100},
        ],
        "cancels": [],
        "orders2": [],
        "executions": [{"qty": qty, "price": 101, "seller": "A", "buyer": "B"}],
    }


def write(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))


def test_a_right_case_under_any_file_name_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "whatever.json", {"cases": [quantcup_case(100)]})
    assert main([str(tmp_path)]) == 0
    assert "all: 1 passed, 0 failed, 0 skipped" in capsys.readouterr().out


def test_a_wrong_case_fails_by_name_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "whatever.json", {"cases": [quantcup_case(99)]})
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "failed  whatever.json: x/one-trade: executions" in printed
    assert "all: 0 passed, 1 failed, 0 skipped" in printed


def test_unknown_files_are_named_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "loans.json", {"cases": [{"id": "loan", "health": 1}]})
    write(tmp_path, "list.json", [1, 2])
    write(tmp_path, "pack.json", {"cases": [quantcup_case(100), {"id": "odd"}]})
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "loans.json: (whole file): not a file of matching, clearing or lending cases" in printed
    assert "pack.json: odd: no adapter knows a case of this shape" in printed
    assert "all: 1 passed, 0 failed, 3 skipped" in printed


def test_a_damaged_file_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "half.json").write_text('{"cases": [')
    assert main([str(tmp_path)]) == 1
    assert "half.json: (whole file): cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("cases", [None, 5, {"a": 1}])
def test_a_case_list_that_is_none_hides_no_other_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cases: object
) -> None:
    write(tmp_path, "a.json", {"cases": cases})
    write(tmp_path, "b.json", [quantcup_case(100)])
    assert main([str(tmp_path)]) == 0
    assert "all: 1 passed, 0 failed, 1 skipped" in capsys.readouterr().out


def test_an_empty_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path)])
    assert end.value.code == 2


def test_the_reference_engine_runs_the_same_packs(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("matching_quantcup", "matching_exchange_core", "matching_liquibook"):
        assert main([str(CASES / f"{name}.json"), "--engine", "reference"]) == 0
    assert "54 passed, 0 failed, 29 skipped" in capsys.readouterr().out


def test_a_sentence_is_written_out() -> None:
    rows = edge34.written_out("generate: ids 1..2 SELL 5 @100, then id 3 BUY 7 @101 IOC, then id 2 CANCEL")
    assert rows == [
        ["N", "S", 0, 5, 1, 100],
        ["N", "S", 0, 5, 2, 100],
        ["N", "B", 1, 7, 3, 101],
        ["C", "B", 0, 0, 2, 0],
    ]
    with pytest.raises(SkippedCase, match="not understood"):
        edge34.written_out("generate: everything")


def test_a_market_remainder_that_nobody_asks_about_skips_nothing() -> None:
    """Skipping goes by what the case asks, not by its name: the same remainder, asked about and not."""
    orders = {"a": {"side": "buy", "price": 0, "qty": 5}, "b": {"side": "sell", "price": 9, "qty": 5}}
    steps = [{"op": "add", "order": "a", "matched": False, "state": "accepted"}]
    case = {"id": "x", "orders": orders, "steps": steps}
    liquibook.run(case, {}, MatchingEngine)
    for asked in ({"check": "n_bids", "value": 1}, {"op": "add", "order": "b", "matched": True, "state": "complete"}):
        with pytest.raises(SkippedCase, match="rests there"):
            liquibook.run({**case, "steps": [*steps, asked]}, {}, MatchingEngine)
