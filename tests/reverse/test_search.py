"""``reverse``: planted thresholds in toy markets, joint changes whose least length is known, rules, refusals."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import ndtr

from sim.errors import ScenarioError
from sim.reverse.asking import WithSale
from sim.reverse.search import CONFIRM, FRESH, Question, Search, reverse
from sim.reverse.tables import COLUMNS, frame, rule_words
from sim.sensitivity.asked import Values, Wanted

Toy = Callable[[Values, int], bool]
SHOCK = Question("calm_btc", "cascade", ("shock=0..20%",), seeds=8)
JOINT = Question("calm_btc", "cascade", ("shock=0..20%", "depth=0.2..1", "leverage=1..3"), seeds=16)


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Toy], list[Any]]:
    """Put a stochastic function where runs are made; gives what is asked for."""
    made: list[Any] = []

    def place(toy: Toy) -> list[Any]:
        known: dict[Values, dict[int, dict[str, Any]]] = {}
        made.clear()

        def make(self: WithSale, wanted: Wanted, **_how: Any) -> None:
            self.folder = tmp_path / "reverse-toy-0123456789ab"
            for points, seeds in wanted:
                made.append((list(points), list(seeds)))
                for values in points:
                    self.points[values] = repr(values)
                    for seed in seeds:
                        row = {"second_round": 0.1 if toy(values, seed) else 0.0}
                        known.setdefault(values, {})[seed] = row

        monkeypatch.setattr(WithSale, "make", make)
        monkeypatch.setattr(WithSale, "rows", lambda self: {v: dict(known[v]) for v in self.points})
        return made

    return place


def luck(seed: int, key: int) -> float:
    return float(np.random.default_rng([key, seed]).standard_normal())


def test_planted_thresholds_are_recovered_within_two_per_cent_in_twenty_of_twenty(put: Any, tmp_path: Path):
    asked = replace(SHOCK, half_width=0.01, most_seeds=2000)  # 2 % is four standard errors
    held = 0
    for key in range(20):
        rng = np.random.default_rng([key, 2])
        planted, spread = rng.uniform(0.01, 0.18), rng.uniform(0.01, 0.08)
        put(lambda values, seed, key=key, p=planted, s=spread: values[0] > p * math.exp(s * luck(seed, key)))
        (breach,) = reverse(asked, tmp_path).breaches
        assert breach.values[0] == pytest.approx(planted, rel=0.02)
        assert breach.at.settled and breach.share.n == 256 and breach.at.low < breach.at.length < breach.at.high
        held += breach.holds
    assert held >= 18  # 0.1 is 2.2 standard errors of length and share together


def test_a_threshold_without_luck_is_found_by_bisection(put: Any, tmp_path: Path):
    made = put(lambda values, seed: values[0] > 0.0731)
    (breach,) = reverse(SHOCK, tmp_path).breaches
    assert breach.values[0] == pytest.approx(0.0731, rel=0.02)
    assert breach.share.n_hit in (0, 256) and not breach.holds  # there is no point at which half of the seeds do
    assert sum(len(points) * len(seeds) for points, seeds in made) < 1200


def test_fresh_seeds_are_those_of_no_design(put: Any, tmp_path: Path):
    made = put(lambda values, seed: values[0] > 0.05 * math.exp(0.1 * luck(seed, 1)))
    reverse(replace(SHOCK, most_seeds=128), tmp_path)
    used = [set(seeds) for _, seeds in made]
    assert used[0] == set(range(1, 9)) and used[-1] == set(range(CONFIRM, CONFIRM + 256))
    assert all(min(seeds) >= FRESH for seeds in used[1:-1] if seeds)


def planted_joint(search: Search, toy_margin: Callable[[np.ndarray], float], width: float, key: int) -> Toy:
    """Half of the seeds do where the margin over lengths is 0; its noise has a standard deviation of ``width``."""
    return lambda values, seed: toy_margin(search.space.lengths(values)) + width * luck(seed, key) > 0.0


def test_the_least_joint_change_is_found(put: Any, tmp_path: Path):
    search = Search(JOINT, tmp_path)
    low, high = search.space.ends

    def margin(z: np.ndarray) -> float:  # shock, thinner books and leverage, and the first two make each other worse
        return float(0.9 * z[0] - 0.6 * z[1] + 0.4 * z[2] - 0.8 * z[0] * z[1] - 0.7)

    put(planted_joint(search, margin, 0.08, 3))
    truth = min(
        (minimize(lambda z: z @ z, start, method="SLSQP", bounds=list(zip(low, high, strict=True)),
                  constraints={"type": "eq", "fun": margin}) for start in np.array([[0.5, -0.5, 0.5], [1, -0.1, 0.1]])),
        key=lambda r: r.fun,
    ).x  # fmt: skip
    answer = search.answer()
    best = answer.breaches[0]
    assert best.at.length == pytest.approx(float(np.linalg.norm(truth)), rel=0.03)
    assert search.space.lengths(best.values) == pytest.approx(truth, abs=0.15)
    assert best.holds and abs(ndtr(margin(search.space.lengths(best.values)) / 0.08) - 0.5) < 0.12
    runs = sum(seeds for _, seeds in answer.shares.values())
    assert runs <= (1 + 48 + 4 * 2) * 16
    table = frame(answer)
    assert list(table.columns) == list(COLUMNS) and set(table["kind"]) == {"breach", "rule"}
    assert "shock above" in rule_words(answer)


def test_several_optima_are_reported(put: Any, tmp_path: Path):
    search = Search(replace(JOINT, vary=("shock=0..20%", "depth=0.2..1"), points=48), tmp_path)
    either = planted_joint(search, lambda z: max(z[0] / 0.5, -z[1] / 0.65) - 1.0, 0.05, 4)
    put(either)
    found = [search.space.lengths(b.values) for b in search.answer().breaches]
    assert len(found) == 2
    assert [float(np.linalg.norm(z)) for z in found] == pytest.approx([0.5, 0.65], rel=0.03)
    assert abs(found[0][1]) < 0.15 and abs(found[1][0]) < 0.15  # one is a shock alone, the other thin books alone


def test_nothing_within_the_ranges(put: Any, tmp_path: Path):
    put(lambda values, seed: False)
    assert reverse(SHOCK, tmp_path).breaches == [] and reverse(JOINT, tmp_path).breaches == []
    rare = lambda values, seed: values[0] > 0.19 and luck(seed, 5) > 1.0  # noqa: E731
    put(rare)
    assert reverse(JOINT, tmp_path).breaches == []


def test_an_outcome_that_is_there_already_is_refused(put: Any, tmp_path: Path):
    put(lambda values, seed: True)
    with pytest.raises(ScenarioError, match="8 of 8 seeds as calm_btc stands"):
        reverse(SHOCK, tmp_path)


def test_both_sides_of_a_setting_are_looked_at(put: Any, tmp_path: Path):
    put(lambda values, seed: abs(values[0] - 1.0) > 0.3)
    answer = reverse(replace(SHOCK, vary=("depth=0.2..1.8",)), tmp_path)
    assert sorted(b.values[0] for b in answer.breaches) == pytest.approx([0.7, 1.3], rel=0.02)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "profit"}, "expected one such as cascade"),
        ({"outcome": "price>100"}, "give a unit"),
        ({"outcome": "drawdown>much"}, "drawdown>much"),
        ({"outcome": "assumption:exit"}, "calm_btc has none"),
        ({"outcome": "price>$100k", "after_s": 1e9}, "before the run ends"),
        ({"vary": ()}, "nothing to vary"),
        ({"vary": ("shock=0..20%",), "scales": {"depth": "x2"}}, "not among the inputs"),
        ({"scales": {"shock": "x2"}}, "it has no logarithm"),
        ({"scales": {"shock": "-1%"}}, "expected an amount above 0"),
        ({"toward": "doom"}, "expected recovery"),
        ({"seeds": 1}, "--seeds 1: expected 2"),
        ({"half_width": 0.0}, "--half-width"),
    ],
)
def test_what_cannot_be_asked_is_refused(change: dict[str, Any], said: str, tmp_path: Path):
    if "toward" in change:
        change = {**change, "vary": ()}
    with pytest.raises(ScenarioError, match=said):
        Search(replace(SHOCK, **change), tmp_path)
