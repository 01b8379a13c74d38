"""``shoal sensitivity``: a design over ranges of inputs, run with several seeds; what each input does to an outcome.

The average over seeds is taken first; how much of the variance of single runs seeds make is said apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.experiments.cases import scenario_of
from sim.experiments.sweep import Tally
from sim.experiments.tables import TEXT, measured
from sim.metrics.amplification import CUT
from sim.sensitivity.asked import Asked, Values, lasting
from sim.sensitivity.critical import BASE, tipping
from sim.sensitivity.emulator import emulate, explained
from sim.sensitivity.evens import evens
from sim.sensitivity.factors import Added, Factor, factors_of
from sim.sensitivity.indices import METHODS, Indices, Method, design, of_emulator, of_morris, of_sobol, on_function
from sim.sensitivity.noise import Noise, noise_of

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.plan import Plan

Floats = NDArray[np.float64]

CASCADE, TIPPING = "cascade", "s_star"
OUTCOMES = ("drop_from_start", "forced_sell_usd", CASCADE, "fund_least_usd", "depth_bid_1pct_at_low_usd")
OWN = {
    CASCADE: ("share of seeds", "whether second-round forced coins exceed 2 % of open interest (DECISIONS 20c)"),
    TIPPING: ("share of the shock's range", "size of the shock from which half of the seeds cascade"),
}
"""Outcomes that no run has by itself: unit and meaning."""
POINTS: dict[Method, int] = {"morris": 12, "sobol": 64, "emulator": 64}
"""How many where none are asked (``indices.design``) [judgement: what an evening on two processors allows]."""
FEWEST = 5


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    scenario : str
        Name of a shipped scenario, or path of a YAML file.
    vary : tuple of str
        Inputs with their ranges (``factors.factor_of``).
    changes : tuple of str
        ``key=value`` for every run.
    outcomes : tuple of str
        Numbers of a run, "cascade", or "s_star" (method emulator, with the input ``shock``).
    method : str
        One of ``indices.METHODS``.
    points : int
        Paths, base points or points; 0 for ``POINTS``.
    seeds : int
        1 to this many at every point.
    horizon_s : float
        Where runs end, in seconds from the start; 0 for the scenario's own end.
    draw : int
        Seed of the sampler and of the bootstrap; no run depends on it.
    added : Added
        Where a shock goes that is added.
    """

    scenario: str
    vary: tuple[str, ...]
    changes: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = OUTCOMES
    method: Method = "emulator"
    points: int = 0
    seeds: int = 8
    horizon_s: float = 0.0
    draw: int = 1
    added: Added = Added()


@dataclass(frozen=True)
class Found:
    """What the inputs do to one outcome.

    Attributes
    ----------
    unit, meaning : str
    indices : list of Indices
        One an input; of ``s_star`` none of the shock's own.
    noise : Noise
    explained : float
        Q2 of the emulator; NaN without one.
    known : int
        Points that have a value.
    beyond : float
        Of ``s_star``: share of the space of the other inputs in which half of the seeds cascade at no size in range, or
        without a shock.
    """

    unit: str
    meaning: str
    indices: list[Indices | None]
    noise: Noise
    explained: float
    known: int
    beyond: float = math.nan


@dataclass(frozen=True)
class Answer:
    """The finished question; ``table`` is its one table."""

    question: Question
    base: Any
    factors: tuple[Factor, ...]
    folder: Path
    found: Mapping[str, Found]
    points: int
    runs: int
    tally: Tally

    @property
    def table(self) -> pd.DataFrame:
        """One row an outcome and input, with what pins the input (``tables.COLUMNS``)."""
        from sim.sensitivity.tables import frame

        return frame(self)


class Study:
    """A question made ready: inputs, design, runs.

    Raises
    ------
    ScenarioError
        When the question cannot be asked of this scenario.
    """

    def __init__(self, question: Question, out: Path) -> None:
        base = scenario_of(question.scenario, question.changes).spec
        if question.horizon_s > 0.0:
            base = lasting(base, question.horizon_s)
        self.question, self.base = question, base
        self.factors = factors_of(base, question.vary, question.added)
        _check(question, self.factors)
        self.shares = design(question.method, len(self.factors), number(question), question.draw)
        self.points: list[Values] = [
            tuple(f.value(float(u)) for f, u in zip(self.factors, row, strict=True)) for row in self.shares
        ]
        needs = {CASCADE, TIPPING} & set(question.outcomes)
        self.asked = Asked("sensitivity", base, self.factors, out, {"kind": "cascade"} if needs else {}, question.added)

    @property
    def wanted(self) -> list[tuple[list[Values], list[int]]]:
        """Points and seeds; each point once."""
        return [(list(dict.fromkeys(self.points)), list(range(1, self.question.seeds + 1)))]

    def plan(self) -> Plan:
        """What would be run."""
        return self.asked.plan(self.wanted)

    def answer(self, **how: Any) -> Answer:
        """Make the runs that are missing, and evaluate.

        Parameters
        ----------
        **how
            As for ``make_runs``.
        """
        self.asked.make(self.wanted, **how)
        rows = self.asked.rows()
        assert self.asked.folder is not None
        found = {name: self._found(name, rows) for name in self.question.outcomes}
        runs = sum(len(of_point) for of_point in rows.values())
        return Answer(
            self.question, self.base, self.factors, self.asked.folder, found, len(rows), runs, self.asked.tally
        )

    def _found(self, name: str, rows: Mapping[Values, Mapping[int, Mapping[str, Any]]]) -> Found:
        values = np.array([self._values(name, rows[point]) for point in self.points])
        known = np.isfinite(values).any(1)
        means = np.full(len(values), math.nan)
        means[known] = np.nanmean(values[known], axis=1)
        unit, meaning = OWN[name] if name in OWN else measured()[name]
        d, draw, method = len(self.factors), self.question.draw, self.question.method
        noise, q2, beyond = noise_of(_once(self.points, values), draw), math.nan, math.nan
        indices: list[Indices | None]
        if method == "morris":
            indices = [*of_morris(self.shares, means, draw)]
        elif method == "sobol":
            indices = [*of_sobol(means, d, draw)]
        else:
            if known.sum() < FEWEST + d:
                raise ScenarioError(f"{name}: only {known.sum()} points have a value, too few for an emulator")
            if name == TIPPING:
                seen = np.isfinite(values[known])
                margin, variance = evens(np.nansum(values[known], axis=1), seen.sum(1).astype(np.float64))
                one, at = emulate(self.shares[known], margin, variance, draw), _shock(self.factors)
                others: list[Indices | None] = [*on_function(lambda e: tipping(e, at), one, d - 1, draw, BASE)]
                indices = [*others[:at], None, *others[at:]]
                where = tipping(one, at)(design("emulator", d - 1, BASE, draw))
                beyond = float(np.mean((where <= 0.0) | (where >= 1.0)))
            else:
                one = emulate(self.shares[known], means[known], None, draw)
                indices = [*of_emulator(one, draw)]
            q2 = explained(one, draw)
        return Found(unit, meaning, indices, noise, q2, int(known.sum()), beyond)

    def _values(self, name: str, rows: Mapping[int, Mapping[str, Any]]) -> list[float]:
        column = "second_round" if name in OWN else name
        found = [rows.get(seed, {}).get(column) for seed in range(1, self.question.seeds + 1)]
        plain = [math.nan if value is None else float(value) for value in found]
        return [value if value != value else float(value > CUT) for value in plain] if name in OWN else plain


def sensitivity(question: Question, out: Path = Path("results"), **how: Any) -> Answer:
    """Ask what moves an outcome; asked again, it goes on where it was.

    Parameters
    ----------
    question : Question
    out : Path
        Where the folder is made.
    **how
        ``workers``, ``lanes`` and ``told`` of ``make_runs``.

    Raises
    ------
    ScenarioError
        When the question makes no sense for the scenario.
    Interrupted
        After Ctrl-C or SIGTERM; what is finished is kept.
    """
    return Study(question, out).answer(**how)


def number(question: Question) -> int:
    """Points, base points or paths that are asked."""
    return question.points or POINTS[question.method]


def _check(question: Question, factors: Sequence[Factor]) -> None:
    if question.method not in METHODS:
        raise ScenarioError(f"--method {question.method!r}: expected {', '.join(METHODS)}")
    known = {name for name in measured() if name not in TEXT} | set(OWN)
    unknown = [name for name in question.outcomes if name not in known]
    if unknown or not question.outcomes:
        raise ScenarioError(f"--outcomes {', '.join(unknown) or 'none'}: there are {', '.join(sorted(known))}")
    if not 1 <= question.seeds <= 10_000:
        raise ScenarioError(f"--seeds {question.seeds}: expected 1 to 10000")
    if not 2 <= number(question) <= 20_000:
        raise ScenarioError(f"--points {question.points}: expected 2 to 20000")
    if TIPPING in question.outcomes and (
        question.method != "emulator" or len(factors) < 2 or not any(f.name == "shock" for f in factors)
    ):
        raise ScenarioError("s_star wants --method emulator, --vary shock=LOW..HIGH and one input more")


def _shock(factors: Sequence[Factor]) -> int:
    return next(k for k, f in enumerate(factors) if f.name == "shock")


def _once(points: Sequence[Values], values: Floats) -> Floats:
    """Rows of distinct points: a Morris design comes back to some."""
    first = {point: k for k, point in reversed(list(enumerate(points)))}
    return values[sorted(first.values())]
