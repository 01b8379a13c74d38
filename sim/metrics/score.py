"""The scorecard: every target beside what the seeds of one scenario gave; nothing that misses is left out.

Shares are shares of simulated seeds given scenario, depth and model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics import event
from sim.metrics.seeds import Share, share_of_seeds
from sim.targets import Target

Floats = NDArray[np.float64]
Verdict = Literal["pass", "miss", "no band", "not measurable"]
ONSET_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles of the onset that are shown."""


class Scored(NamedTuple):
    """One target and the seeds.

    Attributes
    ----------
    target : Target
    values : float64[n]
        Measured value of each seed that could be measured, in the unit of the row; ``inf`` is "never".
    median : float
        Of the values, NaN where there is none.
    n_inside : int
        Seeds inside the band.
    verdict : str
        On the median: "pass", "miss", "no band" where none is stated, "not measurable".
    """

    target: Target
    values: Floats
    median: float
    n_inside: int
    verdict: Verdict


def score(target: Target, paths: Sequence[event.Path]) -> Scored:
    """Measure one target on every seed and judge the median."""
    return judge(target, np.array([event.measure(target, path) for path in paths]))


def judge(target: Target, values: Floats) -> Scored:
    """Judge measured values, one a seed, NaN where a seed cannot be measured.

    The median is one that a seed has (the lower of two), as everywhere over seeds.
    """
    known = np.sort(values[~np.isnan(values)])
    if known.size == 0:
        return Scored(target, known, float("nan"), 0, "not measurable")
    median = float(known[(known.size - 1) // 2])
    if target.band is None:
        return Scored(target, known, median, 0, "no band")
    low, high = target.band
    inside = int(((known >= low) & (known <= high)).sum())
    return Scored(target, known, median, inside, "pass" if low <= median <= high else "miss")


class Tally(NamedTuple):
    """Rows to be reproduced (role FIT), by what became of them; a row passes when every measured number of it does."""

    passed: int
    missed: int
    not_measurable: int
    untouched_passed: int
    untouched: int

    def sentence(self) -> str:
        """The score in one sentence, untouched rows apart (MODEL.md R7)."""
        measured = self.passed + self.missed
        return (
            f"{self.passed} of {measured} measured rows pass; rows reproduced with no parameter set from them: "
            f"{self.untouched_passed} of {self.untouched}; not measurable here: {self.not_measurable}"
        )


def tally(rows: Sequence[Scored]) -> Tally:
    """Count the rows of role FIT by their id."""
    fit = [row for row in rows if row.target.role == "FIT"]
    counts = {"passed": 0, "missed": 0, "not_measurable": 0, "untouched_passed": 0, "untouched": 0}
    for name in dict.fromkeys(row.target.id for row in fit):
        parts = [row for row in fit if row.target.id == name]
        judged = [row for row in parts if row.verdict in ("pass", "miss")]
        passed = bool(judged) and all(row.verdict == "pass" for row in judged)
        counts["passed" if passed else "missed" if judged else "not_measurable"] += 1
        if judged and all(row.target.untouched for row in parts):
            counts["untouched"] += 1
            counts["untouched_passed"] += passed
    return Tally(**counts)


class Onset(NamedTuple):
    """Distribution of the onset over seeds (row F0): minutes from 20:50 to the first mark 4 % below 20:49.

    ``early``, ``inside`` and ``late`` count the seeds before, in and after the accepted minutes, ``never`` those that
    did not get there by midnight; ``minutes`` are the times of the others, rising.
    """

    minutes: Floats
    early: int
    inside: int
    late: int
    never: int

    @property
    def passed(self) -> Share:
        """Share of seeds that ever get there, with its Wilson interval."""
        return share_of_seeds(self.minutes.size, self.minutes.size + self.never)

    def quantiles(self, levels: Sequence[float] = ONSET_LEVELS) -> Floats:
        """Times that a seed has at these levels of all seeds, minutes; infinity where that seed never gets there."""
        every = np.concatenate((self.minutes, np.full(self.never, np.inf)))
        return np.asarray(every[np.ceil(np.array(levels) * every.size).astype(np.int64).clip(1, every.size) - 1])


def onset(passage: Scored) -> Onset:
    """Onset times of the seeds, from the scored row of the first passage."""
    low, high = passage.target.band or (float("-inf"), float("inf"))
    at = passage.values[np.isfinite(passage.values)]
    return Onset(
        at,
        int((at < low).sum()),
        int(((at >= low) & (at <= high)).sum()),
        int((at > high).sum()),
        int(passage.values.size - at.size),
    )


def joint(targets: Sequence[Target], paths: Sequence[event.Path]) -> tuple[int, int]:
    """Seeds that lie inside the bands of all these targets at once, and seeds on which all of them can be measured."""
    values = np.array([[event.measure(target, path) for target in targets] for path in paths])
    bands = np.array([target.band or (-np.inf, np.inf) for target in targets])
    known = ~np.isnan(values).any(axis=1)
    inside = ((values >= bands[:, 0]) & (values <= bands[:, 1])).all(axis=1)
    return int((known & inside).sum()), int(known.sum())
