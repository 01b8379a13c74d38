"""``shoal match``: files written, summary, errors in one sentence, and nothing half-written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sim.cli import match
from sim.errors import ShoalError

ORDERS = "type,side,ioc,qty,order_id,price\nN,S,0,10,1,100\nN,S,0,5,2,101\nN,B,1,12,3,100\nC,S,0,0,9,0\n"
PUBLISHED = "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b"
REPORTS = b"0,0,1,1,100,10\n0,1,1,2,101,5\n0,2,0,3,100,12\n1,2,100,10,1,3\n2,2,0,3,100\n4,3,9"


@pytest.fixture
def app() -> typer.Typer:
    """An app with this command and one more, so that the name is needed."""
    app = typer.Typer()
    match.register(app)
    app.command("other")(lambda: None)
    return app


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small order flow in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    return path


def test_writes_reports_book_and_summary(app: typer.Typer, orders: Path) -> None:
    result = CliRunner().invoke(app, ["match", "orders.csv"])
    assert result.exit_code == 0, result.output
    folder = orders.parent / "orders_match"
    assert sorted(path.name for path in folder.iterdir()) == ["book.csv", "reports.csv", "summary.json"]
    assert (folder / "reports.csv").read_bytes() == REPORTS
    assert (folder / "book.csv").read_text() == "book,side,price,lots,n_orders\n0,sell,101,5,1\n"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["sha256"] == hashlib.sha256(REPORTS).hexdigest()
    counts = ("messages", "trades", "volume_lots", "rejects", "report_lines")
    assert [summary[name] for name in counts] == [4, 1, 10, 1, 6]
    assert summary["sha256"] in result.output


@pytest.mark.long
def test_the_whole_public_stream(app: typer.Typer, tmp_path: Path, evidence: Path) -> None:
    """1,996,097 messages; the hash is the published consensus (matching_benchmark_hashes.json, full/flash-crash)."""
    source = evidence / "data" / "order_flow" / "me_flash-crash_seed23_n1000000.csv.xz"
    result = CliRunner().invoke(app, ["match", str(source), "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    reports = (tmp_path / "out" / "reports.csv").read_bytes()
    assert summary["messages"] == 1_996_097
    assert summary["sha256"] == hashlib.sha256(reports).hexdigest() == PUBLISHED


def test_options(app: typer.Typer, orders: Path) -> None:
    arguments = ["match", "orders.csv", "--out", "a/b", "--report", "r.csv", "--window-ticks", "64", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["messages"] == 4
    assert (orders.parent / "r.csv").read_bytes() == REPORTS
    assert sorted(path.name for path in (orders.parent / "a" / "b").iterdir()) == ["book.csv", "summary.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.csv"], "absent.csv: there is no such file"),
        (["orders.csv", "--self-trade", "never"], "--self-trade never: use one of off, cancel_maker"),
        (["orders.csv", "--self-trade", "decrement"], "needs a column 'owner'"),
        (["orders.csv", "--window-ticks", "100"], "power of two"),
        (["orders.csv", "--report", "absent/r.csv"], "absent/r.csv: cannot be written"),
        (["orders.csv", "--out", "orders.csv"], "cannot be written"),
        (["orders.csv", "--report", "."], "give the name of a file"),
        (["orders.csv", "--report", "-"], "give the name of a file"),
        (["orders.csv", "--report", "/dev/null"], "give the name of a file"),
        (["orders.csv", "--report", "./orders.csv"], "would overwrite each other"),
        (["orders.csv", "--report", "orders_match/book.csv"], "would overwrite each other"),
    ],
)
def test_errors_are_one_sentence_and_leave_nothing(
    app: typer.Typer, orders: Path, arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(app, ["match", *arguments])
    assert isinstance(result.exception, ShoalError)  # sim.cli.app turns it into text and its exit code
    assert result.exception.exit_code == 2
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert [path.name for path in orders.parent.iterdir()] == ["orders.csv"]


def test_an_interrupt_leaves_nothing(app: typer.Typer, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(engine: object) -> bytes:
        assert list((orders.parent / "orders_match").iterdir())  # the report stream is on the disk by now
        raise KeyboardInterrupt

    monkeypatch.setattr(match, "_book_csv", lambda engine, n_books: interrupted(engine))
    assert CliRunner().invoke(app, ["match", "orders.csv"]).exit_code != 0
    assert [path.name for path in orders.parent.iterdir()] == ["orders.csv"]


def test_an_interrupt_keeps_the_files_of_an_earlier_run(
    app: typer.Typer, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    CliRunner().invoke(app, ["match", "orders.csv"])
    before = {path.name: path.read_bytes() for path in (orders.parent / "orders_match").iterdir()}
    orders.write_text(ORDERS + "N,S,0,1,8,100\n")
    monkeypatch.setattr(match, "_book_csv", lambda engine, n_books: (_ for _ in ()).throw(KeyboardInterrupt))
    assert CliRunner().invoke(app, ["match", "orders.csv"]).exit_code != 0
    assert {path.name: path.read_bytes() for path in (orders.parent / "orders_match").iterdir()} == before
