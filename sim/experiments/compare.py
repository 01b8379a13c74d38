"""Two scenarios on the same seeds: what differs in them, and the paired differences of every number of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import DataError
from sim.experiments import cases, tables
from sim.experiments.cases import Difference
from sim.experiments.cells import OK
from sim.experiments.export import tidy
from sim.experiments.measures import columns_of
from sim.experiments.merge import outcomes_of
from sim.experiments.plan import Plan
from sim.experiments.store import read_plan
from sim.experiments.sweep import Lane, Tally
from sim.metrics.amplification import CUT
from sim.metrics.paired import Flips, Pair, flips, pair

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.runner import Scenario

SEEDS = 32
MOST_SEEDS = 512
_POINTS = 480  # of the path of a run that are kept
PATH = "mark_usd"
_MEASURE = {"kind": "cascade"}
How = tuple[int | None, Callable[[Tally], None] | None, Callable[[], Sequence[Lane]] | None]
"""Workers, who is told, other places: where and how runs are made."""


@dataclass(frozen=True)
class Comparison:
    """Scenario b against scenario a, seed by seed.

    Attributes
    ----------
    a, b : Scenario
    seeds : tuple of int
        Seeds that were asked for.
    folder : Path
        Sweep folder with the runs.
    plan : Plan
        What made them.
    numbers : tuple of str
        Numbers that are compared.
    level : float
        Coverage of the intervals, 0..1.
    target : (str, float), optional
        Half-width that was asked for: number and value in its unit.
    """

    a: Scenario
    b: Scenario
    seeds: tuple[int, ...]
    folder: Path
    plan: Plan
    numbers: tuple[str, ...]
    level: float = 0.95
    target: tuple[str, float] | None = None

    @property
    def points(self) -> tuple[str, str]:
        """Identities of the two in the sweep."""
        return cases.point_of(self.a), cases.point_of(self.b)

    @cached_property
    def differences(self) -> list[Difference]:
        """Settings in which the two differ."""
        return cases.differences(self.a, self.b)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run of the sweep folder: identity, parameters, numbers."""
        return tidy(self.folder, self.plan)

    def column(self, point: str, number: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One number of every seed of a scenario; NaN where the run failed."""
        rows = self.runs[(self.runs["point"] == point) & (self.runs["status"] == OK)].set_index("seed")
        return np.asarray(rows[number].reindex(list(self.seeds)), dtype=np.float64)

    @cached_property
    def pairs(self) -> dict[str, Pair]:
        """Each number compared, by name."""
        a, b = self.points
        return {name: pair(self.column(a, name), self.column(b, name), self.level) for name in self.numbers}

    @cached_property
    def flips(self) -> Flips:
        """Seeds that cascade under one of the two alone; seeds whose run failed are left out."""
        a, b = (self.column(point, "second_round") for point in self.points)
        known = np.isfinite(a) & np.isfinite(b)
        return flips(np.array(self.seeds)[known], a[known] > CUT, b[known] > CUT)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a number: either side, the paired difference with its intervals, shares of seeds, variance ratio."""
        import pandas as pd

        said, worse = tables.numbers_of(self.plan), worse_sides()
        return pd.DataFrame([_row(name, said[name][0], worse.get(name, ""), p) for name, p in self.pairs.items()])

    @cached_property
    def paths(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Times in seconds, and mark in USD of a and of b: float64[n_times], float64[n_seeds, n_times] twice.

        Seeds in which both runs ended well; times that both scenarios cover.
        """
        found = {(o.point, o.seed): o.path for o in outcomes_of(self.folder, self.plan) if o.path}
        rows = [[_path(found.get((point, seed), b"")) for point in self.points] for seed in self.seeds]
        both = [pair for pair in rows if all(path.size for path in pair)]
        if not both:
            return np.empty(0), np.empty((0, 0)), np.empty((0, 0))
        n = min(path.shape[1] for pair in both for path in pair)
        time_s = both[0][0][0, :n]
        one, two = (np.array([pair[k][1, :n] for pair in both]) for k in (0, 1))
        return time_s, one, two

    @property
    def reached(self) -> bool:
        """Whether the half-width asked for was reached; true when none was asked for."""
        return self.target is None or self.pairs[self.target[0]].half_width <= self.target[1]

    @property
    def failed(self) -> int:
        """Runs of these seeds that failed."""
        mine = self.runs["seed"].isin(self.seeds) & self.runs["point"].isin(self.points)
        return int((self.runs.loc[mine, "status"] != OK).sum())

    def plot(self, kind: str = "differences") -> Figure:
        """Figure of the paired differences, or of the paths (``kind="paths"``)."""
        from sim.report import comparison

        return {"differences": comparison.differences_figure, "paths": comparison.paths_figure}[kind](self)

    def save(self, out: str | Path | None = None) -> Path:
        """Write tables and figures into a folder, ``compare`` in that of the runs when none is given; returns it."""
        from sim.report import comparison

        return comparison.save(self, Path(out) if out is not None else self.folder / "compare")

    def __str__(self) -> str:
        from sim.report import comparison

        return comparison.text(self)


def worse_sides() -> dict[str, str]:
    """Number to the side that is worse for holders of coins and for the venue, "lower" or "higher"; else absent."""
    from sim.metrics import METRICS

    return {m.name: m.worse for m in METRICS if m.worse} | {"drop_from_2049": "lower", "second_round": "higher"}


def comparable() -> tuple[str, ...]:
    """Numbers that can be compared, in the order of the summary."""
    return tuple(name for name in {**tables.measured(), **columns_of(_MEASURE)} if name not in tables.TEXT)


def compare(
    a: Scenario | str | Path,
    b: Scenario | str | Path,
    seeds: int | Sequence[int] = SEEDS,
    *,
    set_a: Mapping[str, object] | Sequence[str] | None = None,
    set_b: Mapping[str, object] | Sequence[str] | None = None,
    numbers: Sequence[str] | None = None,
    level: float = 0.95,
    half_width: tuple[str, float] | None = None,
    most_seeds: int = MOST_SEEDS,
    out: str | Path = "results",
    workers: int | None = None,
    told: Callable[[Tally], None] | None = None,
    lanes: Callable[[], Sequence[Lane]] | None = None,
) -> Comparison:
    """Run two scenarios on the same seeds and compare every number of a run, seed by seed.

    Parameters
    ----------
    a, b : Scenario, str or Path
        Name, YAML file, run folder or a loaded scenario.
    seeds : int or sequence of int
        A number n means seeds 1 to n. Runs that the folder holds already are not made again.
    set_a, set_b : mapping or sequence of str, optional
        Changes of either, as for ``sim.load(set=...)``.
    numbers : sequence of str, optional
        Of ``comparable()``; all of them when not given.
    level : float
        Coverage of the intervals, 0..1.
    half_width : (str, float), optional
        Double the seeds until the interval of the mean difference of this number has at most this half-width, in its
        unit. The interval of the seed count at which it stops covers a little less than ``level``.
    most_seeds : int
        Where doubling stops.
    out : str or Path
        Folder to make the sweep's folder in.
    workers : int, optional
        Processes; as many as processors when not given.
    told : callable, optional
        Told how far the runs are.
    lanes : callable, optional
        Opens the places where runs are made instead (``cluster.cluster_lanes``).

    Returns
    -------
    Comparison
        ``print`` it, ``plot()`` it, ``save()`` it; ``table`` is a data frame.

    Raises
    ------
    ScenarioError
        When a scenario or the seeds are refused.
    ResultError
        When interrupted; what is finished is kept.
    """
    from sim.runner import checked_seeds

    one, two = cases.scenario_of(a, set_a), cases.scenario_of(b, set_b)
    wanted = checked_seeds(range(1, seeds + 1) if isinstance(seeds, int) else seeds)
    shown = tuple(numbers) if numbers else comparable()
    asked = shown if half_width is None else (*shown, half_width[0])
    if unknown := [name for name in asked if name not in comparable()]:
        raise DataError(f"no number {unknown[0]!r}; there are: {', '.join(comparable())}")
    if not 0.5 <= level < 1.0:
        raise DataError(f"level: expected a share from 0.5 to below 1, got {level:g}")
    if half_width is not None and not half_width[1] > 0.0:
        raise DataError(f"half-width of {half_width[0]}: expected a number above 0, got {half_width[1]:g}")
    while True:
        found = _compared(
            one, two, wanted, tuple(dict.fromkeys(asked)), level, half_width, Path(out), (workers, told, lanes)
        )
        if found.reached or len(wanted) >= most_seeds:
            return found
        wanted = (*wanted, *_fresh(wanted, min(len(wanted), most_seeds - len(wanted))))


def _fresh(taken: Sequence[int], n: int) -> list[int]:
    """The next seeds above those taken."""
    return [max(taken) + k for k in range(1, n + 1)]


def _compared(
    a: Scenario,
    b: Scenario,
    seeds: tuple[int, ...],
    numbers: tuple[str, ...],
    level: float,
    target: tuple[str, float] | None,
    out: Path,
    how: How,
) -> Comparison:
    names = dict.fromkeys(("compare", a.spec.name, b.spec.name))
    plan = cases.plan_of("_".join(names), (a, b), seeds, (PATH,), _path_every(a, b), _MEASURE)
    folder = cases.folder_of(out, plan)
    cases.make_runs(folder, plan, *how)
    return Comparison(a, b, seeds, folder, read_plan(folder), numbers, level, target)


def _path_every(a: Scenario, b: Scenario) -> float:
    """Time between kept rows of the paths: a whole number of recorded rows of the one that records less often."""
    step = max(a.spec.record_every, b.spec.record_every)
    return float(step * max(1, math.ceil(max(a.spec.duration, b.spec.duration) / (_POINTS * step))))


def _path(data: bytes) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.frombuffer(data, dtype="<f4").reshape(2, -1).astype(np.float64)


COLUMNS: dict[str, tuple[str, str]] = {
    "number": ("", "what is compared"),
    "unit": ("", "unit of the number, and so of means, medians and their intervals"),
    "n": ("seeds", "seeds in which both scenarios have the number"),
    "missing": ("seeds", "seeds in which one has not"),
    "mean_a": ("as unit", "mean over seeds, scenario a"),
    "mean_b": ("as unit", "mean over seeds, scenario b"),
    "median_a": ("as unit", "median over seeds, scenario a"),
    "median_b": ("as unit", "median over seeds, scenario b"),
    "mean_difference": ("as unit", "mean over seeds of b less a, each seed with itself"),
    "mean_low": ("as unit", "lower end of its interval: studentized bootstrap over seeds"),
    "mean_high": ("as unit", "upper end"),
    "median_difference": ("as unit", "median over seeds of b less a"),
    "median_low": ("as unit", "lower end of its interval between order statistics"),
    "median_high": ("as unit", "upper end"),
    "share_of_seeds_lower": ("fraction", "share of seeds in which b is below a"),
    "share_of_seeds_higher": ("fraction", "share of seeds in which b is above a"),
    "worse": ("", "side that is worse for holders of coins and for the venue; empty where there is none"),
    "share_of_seeds_worse": ("fraction", "share of seeds in which b is worse than a"),
    "worse_low": ("fraction", "lower end of its Wilson interval"),
    "worse_high": ("fraction", "upper end"),
    "variance_ratio": ("ratio", "variance of the difference between unpaired seeds over that between paired ones"),
    "same": ("", "b equals a in every seed"),
}
"""Columns of ``Comparison.table``: unit and meaning."""


def _row(name: str, unit: str, worse: str, p: Pair) -> dict[str, Any]:
    share = {"lower": p.lower, "higher": p.higher}.get(worse)
    ends = (math.nan, math.nan, math.nan) if share is None else (share.share, share.low, share.high)
    values = (
        name, unit, p.n, p.missing, p.mean_a, p.mean_b, p.median_a, p.median_b, p.mean, p.low, p.high, p.median.median,
        p.median.low, p.median.high, p.lower.share, p.higher.share, worse, *ends, p.variance_ratio, p.same,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
