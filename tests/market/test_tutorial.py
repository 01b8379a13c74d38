"""The tutorial's own code: its agent trades, is filled, cancels and moves the price."""

import re
from typing import Any

import pytest

from tests.shell.files import ROOT

PAGE, EXAMPLE = ROOT / "docs/tutorial_agent.md", ROOT / "docs/examples/seller.py"
CODE = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def words(line: str) -> str:
    """A line without its figures, which move with the model."""
    return re.sub(r"[-+]?\d[\d.]*", "n", line)


@pytest.fixture(scope="module")
def sold() -> tuple[Any, float]:
    names: dict[str, Any] = {"__name__": "tutorial"}
    exec(compile(CODE, str(PAGE), "exec"), names)  # the blocks of the page, as a reader would type them
    said: list[str] = []
    seller, moved = names["sell"](report=said.append)
    shown = re.findall(r"^\d+ fills.*$|^position.*$", PAGE.read_text(), re.MULTILINE)
    assert [words(line) for line in said] == [words(line) for line in shown]
    return seller, moved


def test_the_page_and_the_example_are_one_text():
    assert lines(CODE) == lines(EXAMPLE.read_text())


def test_it_trades_and_is_filled(sold):
    seller, _ = sold
    assert sum(fill.coins for fill in seller.done) == pytest.approx(3000.0)
    assert seller.position_coins == pytest.approx(-3000.0)
    assert {fill.is_maker for fill in seller.done} == {True, False}
    assert {fill.side for fill in seller.done} == {"sell"}


def test_it_cancels(sold):
    seller, _ = sold
    assert seller.taken_back
    for ref in seller.taken_back:
        assert seller.open_coins(ref) == 0.0
        assert sum(fill.coins for fill in seller.done if fill.ref == ref) < seller.part


def test_it_moves_the_price(sold):
    _, moved = sold
    assert moved < -0.001
