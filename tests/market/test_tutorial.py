"""The tutorial's own code: its agent trades, is filled, cancels and moves the price."""

import re
from typing import Any

import pytest

import sim
from sim.agents import Ref
from tests.shell.files import ROOT

PAGE, EXAMPLE = ROOT / "docs/tutorial_agent.md", ROOT / "docs/examples/seller.py"
CODE = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def words(line: str) -> str:
    """A line without its figures, which move with the model."""
    return re.sub(r"[-+]?\d[\d.]*", "n", line)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the blocks of the page define, as a reader would type them."""
    found: dict[str, Any] = {"__name__": "tutorial"}
    exec(compile(CODE, str(PAGE), "exec"), found)
    return found


@pytest.fixture(scope="module")
def sold(names) -> tuple[Any, float]:
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


def test_it_is_saved_and_forked(names, tmp_path):
    cls = names["Seller"]
    market = sim.load("calm_btc", duration="5m").market(1)
    seller = cls(market, 3000.0, part=300.0)
    market.run_until(105.0)  # between two of its acts, an offer in the book
    path = sim.SavedState.of(market).save(tmp_path / "seller.npz")
    again = sim.load_state(path).fork(agents=[cls]).market()
    for run in (market, again):
        run.run_until(300.0)
    twin = next(agent for agent in again.agents if isinstance(agent, cls))
    assert again.state_hash() == market.state_hash()
    assert twin.done == seller.done and twin.taken_back == seller.taken_back and twin.state() == seller.state()
    assert {type(fill.ref) for fill in twin.done} == {type(ref) for ref in twin.taken_back} == {Ref}
    run = names["fork"](tmp_path / "half.npz")
    assert run.origin.resolved["forked"]["agents"] == ["Seller"] and len(run.series) == 601
