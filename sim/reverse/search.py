"""``shoal reverse``: the smallest change of a scenario that makes an outcome at least even, and the rule where it is.

With one input the search is along it. With several a Gaussian process is laid through the margin to even odds over a
design, the nearest points of its zero set are found from several starts and run in their turn, and each direction is
then searched on seeds that nothing else has seen. The share of seeds at what was found is told on further fresh seeds.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.experiments.cases import scenario_of
from sim.experiments.sweep import Tally
from sim.metrics.seeds import Share, share_of_seeds
from sim.reverse.asking import Hits, WithSale, ask
from sim.reverse.nearest import Optimum, nearest
from sim.reverse.outcome import Outcome, outcome_of
from sim.reverse.presets import AFTER_S, HORIZON_S, toward
from sim.reverse.prim import Box, box_of, rule
from sim.reverse.ray import BATCH, Crossing, crossing
from sim.reverse.space import Space, space_of
from sim.sensitivity.asked import Values, lasting
from sim.sensitivity.emulator import Emulator, emulate, explained
from sim.sensitivity.evens import evens
from sim.sensitivity.factors import HERE, Added, factors_of
from sim.sensitivity.indices import design

if TYPE_CHECKING:
    from sim.experiments.plan import Plan

Floats = NDArray[np.float64]

FRESH, CONFIRM = 1_000_001, 2_000_001
"""First seed of a search along a direction, and of the last look at what was found."""
HOLDS = 0.1
"""A breach holds where the share of fresh seeds is within this of one half."""
STILL = 0.02
"""The design is done when the nearest point moves by less than this share of its length."""
LOOKS = 4096
"""Points at which the emulator is asked for the rule."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    scenario : str
        Name of a shipped scenario, or path of a YAML file.
    outcome : str
        As ``outcome.EXAMPLES``.
    vary : tuple of str
        Inputs with the ranges within which they may change (``factors.factor_of``).
    scales : mapping
        Input to the move that counts as 1 (``space.space_of``).
    changes : tuple of str
        ``key=value`` for every run.
    toward : str
        A preset of inputs (``presets.TOWARD``), or empty.
    points, seeds : int
        Of the design: points (0: 16 an input), and seeds 1 to this many of each.
    rounds, optima, starts : int
        Rounds in which nearest points are run, most local optima, and starts of their search.
    half_width : float
        Asked half-width of the length along a direction, as a share of it.
    most_seeds, fresh : int
        Most seeds along a direction; seeds of the last look.
    horizon_s, after_s : float
        Where runs end, in seconds from the start (0: the scenario's own end); from when a price counts.
    draw : int
        Seed of designs; no run depends on it.
    added : Added
        Where a shock goes that is added.
    """

    scenario: str
    outcome: str
    vary: tuple[str, ...] = ()
    scales: Mapping[str, str] | None = None
    changes: tuple[str, ...] = ()
    toward: str = ""
    points: int = 0
    seeds: int = 16
    rounds: int = 4
    optima: int = 2
    starts: int = 8
    half_width: float = 0.02
    most_seeds: int = 512
    fresh: int = 256
    horizon_s: float = 0.0
    after_s: float = 0.0
    draw: int = 1
    added: Added = HERE


@dataclass(frozen=True)
class Breach:
    """A smallest change: its values, where it lies along its direction, and the share of fresh seeds there."""

    values: Values
    direction: Floats
    at: Crossing
    share: Share

    @property
    def holds(self) -> bool:
        """Whether the share of fresh seeds is near one half."""
        return abs(self.share.share - 0.5) <= HOLDS


@dataclass(frozen=True)
class Answer:
    """The finished question.

    Attributes
    ----------
    space, outcome
        What was varied, and what was asked for.
    shares : mapping
        Point of the design, and of the rounds after it, to (seeds that did, seeds in all).
    designed : int
        How many of them are of the design.
    emulator : Emulator or None
        Of the margin; None with one input, or where all seeds are the same at every point.
    breaches : list of Breach
        Shortest first.
    box : Box or None
        The rule, in the unit cube, judged on the runs of the design.
    """

    question: Question
    base: Any
    space: Space
    outcome: Outcome
    folder: Path
    shares: Mapping[Values, tuple[int, int]]
    designed: int
    emulator: Emulator | None
    breaches: list[Breach]
    box: Box | None
    tally: Tally

    @property
    def explained(self) -> float:
        """Share of the variance of the margin at points left out that the emulator predicts; NaN without one."""
        return math.nan if self.emulator is None else explained(self.emulator, self.question.draw)


class Search:
    """A question made ready.

    Raises
    ------
    ScenarioError
        When it cannot be asked of this scenario.
    """

    def __init__(self, question: Question, out: Path) -> None:
        base = scenario_of(question.scenario, question.changes).spec
        vary = question.vary or (toward(base, question.toward) if question.toward else ())
        horizon_s = question.horizon_s or (HORIZON_S if question.toward else 0.0)
        base = lasting(base, horizon_s) if horizon_s else base
        _check(question)
        self.question, self.base = question, base
        self.space = space_of(factors_of(base, vary, question.added), question.scales or {})
        after_s = question.after_s or (AFTER_S if question.toward else 0.0)
        self.outcome = outcome_of(base, question.outcome, after_s)
        self.asked = WithSale("reverse", base, self.space.factors, out, self.outcome.measure, question.added)
        self.asked.sale = self.outcome.sale
        self.shares: dict[Values, tuple[int, int]] = {}
        self.how: dict[str, Any] = {}

    @property
    def dimensions(self) -> int:
        """Inputs."""
        return len(self.space.factors)

    @property
    def seeds(self) -> list[int]:
        """Seeds of the design."""
        return list(range(1, self.question.seeds + 1))

    def designed(self) -> list[Values]:
        """The scenario as it stands, and with several inputs the points of the design."""
        d, question = self.dimensions, self.question
        now = [self.space.values(np.zeros(d))]
        if d == 1:
            return now
        spread = self.space.from_cube(design("emulator", d, question.points or 16 * d, question.draw))
        return list(dict.fromkeys([*now, *(self.space.values(z) for z in spread)]))

    def plan(self) -> Plan:
        """The first runs."""
        return self.asked.plan([(self.designed(), self.seeds)])

    def most_runs(self) -> int:
        """Runs at most, base runs that a measure makes beside them not counted."""
        question, d = self.question, self.dimensions
        ways = self._ways() if d == 1 else question.optima
        first = len(self.designed()) * question.seeds
        rounds = 0 if d == 1 else question.rounds * question.optima * question.seeds
        along = 24 * BATCH + question.most_seeds + question.fresh
        return (first + rounds + ways * along) * (2 if self.outcome.sale is not None else 1)

    def _ways(self) -> int:
        low, high = self.space.ends
        return int((low[0] < 0.0) + (high[0] > 0.0))

    def answer(self, told: Callable[[str], None] = lambda _: None, **how: Any) -> Answer:
        """Make the runs that are missing, and evaluate.

        Parameters
        ----------
        told : callable
            Told in a sentence what is done next.
        **how
            ``workers``, ``lanes`` and ``progress`` (its ``told``) of ``make_runs``.
        """
        from sim.experiments.sweep import Kept
        from sim.experiments.workers import Worker

        own = (
            []
            if how.get("lanes")
            else [Kept(Worker) for _ in range(how.get("workers") or len(os.sched_getaffinity(0)))]
        )
        lanes = how.get("lanes") or (lambda: own)
        self.how = {"told": how.get("progress"), "workers": how.get("workers"), "lanes": lanes}
        try:
            return self._answer(told)
        finally:
            for lane in own:
                lane.end()

    def _answer(self, told: Callable[[str], None]) -> Answer:
        points = self.designed()
        told(f"{len(points)} points x {self.question.seeds} seeds")
        self._design(points)
        at_now = self.shares[points[0]]
        if at_now[1] and at_now[0] >= 0.5 * at_now[1]:
            raise ScenarioError(
                f"{self.outcome.said}: so in {at_now[0]} of {at_now[1]} seeds as {self.base.name} stands"
            )
        one, found = (None, self._sides()) if self.dimensions == 1 else self._joint(told)
        breaches = []
        for k, optimum in enumerate(found):
            told(f"direction {k + 1} of {len(found)}: fresh seeds along it, from length {optimum.norm:.3g}")
            breach = self._along(optimum)
            breaches += [breach] if breach is not None else []
        breaches.sort(key=lambda b: b.at.length)
        assert self.asked.folder is not None
        return Answer(
            self.question, self.base, self.space, self.outcome, self.asked.folder, dict(self.shares), len(points), one,
            breaches, self._box(one, points) if one is not None else None, self.asked.tally,
        )  # fmt: skip

    def _ask(self, points: Sequence[Values], seeds: Sequence[int]) -> Hits:
        return ask(self.asked, self.outcome, points, seeds, **self.how)

    def _design(self, points: Sequence[Values]) -> None:
        for point, seeds in self._ask(points, self.seeds).items():
            self.shares[point] = (round(sum(seeds.values())), len(seeds))

    def _sides(self) -> list[Optimum]:
        low, high = self.space.ends
        ends = [end for end in (low, high) if end[0] != 0.0]
        return [Optimum(end, abs(float(end[0])), math.nan) for end in ends]

    def _joint(self, told: Callable[[str], None]) -> tuple[Emulator | None, list[Optimum]]:
        question, last = self.question, math.inf
        before: list[Floats] = []
        for k in range(question.rounds + 1):
            one = self._emulated()
            if one is None:
                return None, []
            found = nearest(one, self.space, question.starts, question.draw, before)[: question.optima]
            before += [optimum.z for optimum in found]
            if not found:
                return one, []
            new = [v for v in (self.space.values(o.z) for o in found) if v not in self.shares]
            done = k == question.rounds or not new or (k > 1 and abs(found[0].norm - last) < STILL * last)
            if done:
                return one, found
            last = found[0].norm
            told(f"round {k + 1}: nearest at length {last:.3g}; {len(new)} points more")
            self._design(new)
        raise AssertionError("the last round returns")

    def _emulated(self) -> Emulator | None:
        known = {point: counts for point, counts in self.shares.items() if counts[1]}
        hits, runs = (np.array([counts[k] for counts in known.values()], dtype=np.float64) for k in (0, 1))
        if not 0.0 < hits.sum() < runs.sum():
            return None
        margin, variance = evens(hits, runs)
        x = self.space.cube(np.array([self.space.lengths(point) for point in known]))
        return emulate(x, margin, variance, self.question.draw)

    def _along(self, optimum: Optimum) -> Breach | None:
        direction = optimum.z / optimum.norm
        question = self.question

        def asked(length: float, seeds: Sequence[int]) -> dict[int, float]:
            point = self.space.values(direction * length)
            return dict(self._ask([point], seeds)[point])

        most = self.space.reach(direction)
        at = crossing(asked, most, optimum.norm, FRESH, question.half_width, question.most_seeds)
        if at.beyond:
            return None
        values = self.space.values(direction * at.length)
        last = self._ask([values], range(CONFIRM, CONFIRM + question.fresh))[values]
        return Breach(values, direction, at, share_of_seeds(round(sum(last.values())), len(last)))

    def _box(self, one: Emulator, points: Sequence[Values]) -> Box | None:
        x = design("emulator", self.dimensions, LOOKS, self.question.draw)
        found = rule(x, (one(x) >= 0.0).astype(np.float64))
        if found is None:
            return None
        known = [point for point in points if self.shares[point][1]]
        at = self.space.cube(np.array([self.space.lengths(point) for point in known]))
        share = np.array([self.shares[point][0] / self.shares[point][1] for point in known])
        return box_of(at, share, found.low, found.high)


def reverse(
    question: Question, out: Path = Path("results"), told: Callable[[str], None] = lambda _: None, **how: Any
) -> Answer:
    """Ask for the smallest change that makes an outcome at least even; asked again, it goes on where it was.

    Parameters
    ----------
    question : Question
    out : Path
        Where the folder is made.
    told : callable
        Told in a sentence what is done next.
    **how
        ``workers``, ``lanes`` and ``progress`` (its ``told``) of ``make_runs``.

    Raises
    ------
    ScenarioError
        When the question makes no sense for the scenario, or the outcome is even already.
    Interrupted
        After Ctrl-C or SIGTERM; what is finished is kept.
    """
    return Search(question, out).answer(told, **how)


def _check(question: Question) -> None:
    limits = {
        "seeds": (2, 10_000), "rounds": (0, 50), "optima": (1, 20), "starts": (1, 100), "most_seeds": (8, 100_000),
        "fresh": (8, 100_000),
    }  # fmt: skip
    for name, (low, high) in limits.items():
        if not low <= getattr(question, name) <= high:
            shown = name.replace("_", "-")
            raise ScenarioError(f"--{shown} {getattr(question, name)}: expected {low} to {high}")
    if question.points and not 8 <= question.points <= 10_000:
        raise ScenarioError(f"--points {question.points}: expected 8 to 10000")
    if not 0.001 <= question.half_width <= 0.5:
        raise ScenarioError(f"--half-width {question.half_width:g}: expected a share from 0.1% to 50%")
