"""``shoal calc``: answers, JSON, refusals in one sentence with exit code 2, and a quick help."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.app import app

ACCOUNTS = "name,size,entry,money\nL,20,95,40\nA,-10,100,50\nB,-20,95,400\nC,-10,91,30\nD,-15,105,2000\n"
POSITION = ["--side", "long", "--size", "1", "--entry", "116720"]


def answer(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["calc", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def accounts(tmp_path: Path) -> str:
    path = tmp_path / "accounts.csv"
    path.write_text(ACCOUNTS)
    return str(path)


def test_prices_and_margin_of_a_position():
    """0.5% of maintenance less $50: (105,048 - 50) / 0.995; the market's last safe mark is the half tick above."""
    got = answer("liquidation-price", "cex_a", *POSITION, "--leverage", "10")
    assert got["liquidation_price_usd"] == pytest.approx(104_998 / 0.995, abs=1e-6)
    assert (got["last_safe_mark_usd"], got["bankruptcy_price_usd"]) == (105_525.65, 105_048)
    assert got == answer("liquidation-price", "cex_a", *POSITION, "--margin", "11672")
    at = answer("margin", "cex_a", *POSITION, "--margin", "11672", "--mark", "105525.60")
    assert (at["is_liquidatable"], at["forced_size"], at["maintenance_margin"]) == (True, 1.0, 477.628)


def test_premium_and_funding(tmp_path: Path):
    book = tmp_path / "book.csv"
    book.write_text("side,price,size\nbid,100010.1,1\nask,100020,1\n")
    got = answer("premium", "cex_a", str(book), "--index", "100000")
    assert (got["premium"], got["impact_bid_usd"], got["impact_notional_usd"]) == (0.000101, 100_010.1, 25_000)
    words = ["--premium", "0.0007", "--size", "2", "--side", "short", "--mark", "100000"]
    assert answer("funding", "cex_a", *words) == {
        "venue": "cex_a", "rate": 0.0002, "period_hours": 8.0, "payment_usd": -40.0
    }  # fmt: skip


def test_queue_and_order_of_loss(accounts: str):
    got = answer("adl", "cex_a", accounts, "--mark", "90", "--close", "L", "--rule", "pnl_leverage")
    assert [row["name"] for row in got["queue"]] == ["A", "C", "B", "D"]  # type: ignore[attr-defined]
    assert (got["loss_usd"], got["adl_usd"], got["deficit_usd"]) == (60, 60, 0)
    assert got["closed"] == [{"name": n, "size": 10, "price_usd": 93, "loss_usd": 30} for n in "AC"]
    assert answer("waterfall", "3800", "margin=2100", "fund=380") == {"margin": 2100, "fund": 380, "uncovered": 1320}


def test_without_json_it_is_a_line_each(accounts: str):
    done = CliRunner().invoke(app, ["calc", "adl", "cex_a", accounts, "--mark", "90", "--rule", "index"])
    assert done.stdout.splitlines() == [
        "venue  cex_a", "queue  C: score 22.75", "       A: score 6.666666667", "       B: score 3.8",
        "       D: score 0.7078651685",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["liquidation-price", "cex_z", *POSITION, "--leverage", "10"], "no venue profile 'cex_z'"),
        (["liquidation-price", "cex_a", *POSITION], "give either --leverage or --margin"),
        (["liquidation-price", "cex_a", *POSITION, "--leverage", "900"], "a leverage of 900 is not within"),
        (["liquidation-price", "cex_a", *POSITION, "--margin", "nan"], "--margin is 'nan', which is no number"),
        (["liquidation-price", "cex_a", *POSITION[:3], "-1", *POSITION[4:], "--margin", "1"], "are above 0"),
        (["margin", "cex_a", *POSITION, "--margin", "1", "--mark", "inf"], "the mark of perp is 'inf'"),
        (["funding", "cex_a", "--premium", "0", "--size", "1"], "give both --size and --mark"),
        (["premium", "cex_a", "no_such.csv", "--index", "1"], "cannot be read as a CSV file"),
        (["premium", "cex_a", "ACCOUNTS", "--index", "1"], "line 2: no side and no price"),
        (["adl", "cex_a", "ACCOUNTS", "--mark", "90", "--close", "Q"], "no account 'Q'"),
        (["adl", "cex_a", "ACCOUNTS", "--mark", "90", "--rule", "fair"], "no ranking 'fair'"),
        (["waterfall", "1", "a"], "give NAME=USD"),
        (["waterfall", "-1", "a=1"], "No such option"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_sentence(words: list[str], why: str, accounts: str):
    done = CliRunner().invoke(app, ["calc", *(accounts if word == "ACCOUNTS" else word for word in words)])
    assert done.exit_code == 2
    assert why in done.stderr and "Traceback" not in done.output


def test_help_compiles_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom sim.cli.app import app\n"
        "done = CliRunner().invoke(app, ['calc', 'adl', '--help'])\n"
        "assert done.exit_code == 0 and '--close' in done.stdout\n"
        "sys.exit(' '.join({'numba', 'numpy', 'mesa', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""
