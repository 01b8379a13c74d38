"""What the finished runs of all coalitions say: shares of channels with errors, orders that matter, pairs.

Every number of a channel is linear in the values of the coalitions (``shapley.py``). Estimates are summed as fractions,
so that shares add up to v(all) - v(none) exactly; as floats they do so to rounding, and what rounding leaves is given
to nobody. Errors: bootstrap over seeds, all coalitions with the same seeds, orders fixed (MODEL.md 5.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.attribution.question import Layout
from sim.attribution.shapley import Effect, first_order, last_order, shapley_by_orders, value_of
from sim.experiments.sweep import Tally

Floats = NDArray[np.float64]

RESAMPLES = 2000
_DRAWS = 20251010  # the same seeds give the same errors
_BATCH_BYTES = 1 << 25


class Worth(NamedTuple):
    """A number that a coalition is worth.

    Attributes
    ----------
    name, unit, meaning : str
    is_median : bool
        Median over seeds; else the mean.
    """

    name: str
    unit: str
    meaning: str
    is_median: bool


WORTHS = (
    Worth("trough", "log points", "median over seeds of the deepest fall, 100 times its logarithm", True),
    Worth("cascade", "% of seeds", "share of seeds whose second-round forced coins exceed 2 % of open interest", False),
    Worth("forced", "USD", "median over seeds of what was liquidated, at the mark of the time", True),
)


class Told(NamedTuple):
    """An estimate, its standard error, and its 95 % interval by bootstrap over seeds."""

    value: float
    se: float
    low: float
    high: float


class Part(NamedTuple):
    """What one channel makes of one worth.

    Attributes
    ----------
    share : Told
        Shapley value.
    first, last : Told
        What the channel does where all others are off, and on.
    order_se : float
        Standard error from drawing orders, over antithetic pairs; NaN where all coalitions were run.
    """

    share: Told
    first: Told
    last: Told
    order_se: float

    @property
    def as_interval(self) -> bool:
        """Whether the order of channels matters more than the share: then an interval is told (MODEL.md R18)."""
        return abs(self.last.value - self.first.value) > abs(self.share.value)

    @property
    def reach(self) -> tuple[float, float]:
        """From the smallest to the largest of share, first- and last-order effect."""
        all_three = (self.share.value, self.first.value, self.last.value)
        return min(all_three), max(all_three)


@dataclass(frozen=True)
class Answer:
    """Shares of all channels.

    Attributes
    ----------
    layout : Layout
    folder : Path
        Of the runs.
    seeds : tuple of int
        Those that ended well in every coalition.
    values : mapping
        Name of a worth to one row a coalition of ``layout.coalitions`` and one column a seed.
    tally : Tally
    """

    layout: Layout
    folder: Path
    seeds: tuple[int, ...]
    values: Mapping[str, Floats]
    tally: Tally

    @cached_property
    def place(self) -> dict[int, int]:
        """Row of each coalition."""
        return {coalition: row for row, coalition in enumerate(self.layout.coalitions)}

    @cached_property
    def games(self) -> dict[str, dict[int, Fraction]]:
        """Worth of each coalition, as the fraction that its float stands for."""
        return {
            w.name: dict(zip(self.place, map(Fraction, over_seeds(self.values[w.name], w).tolist()), strict=True))
            for w in WORTHS
        }

    @cached_property
    def draws(self) -> dict[str, Floats]:
        """Worth of each coalition (columns) in each bootstrap draw of the seeds (rows)."""
        return {w.name: resampled(self.values[w.name], w) for w in WORTHS}

    def told(self, worth: str, effect: Effect) -> Told:
        """An effect with its errors."""
        value = float(value_of(effect, self.games[worth]))
        alike, total = self._kinds[worth], dict[int, Fraction]()
        for coalition, weight in effect.items():
            kind = int(alike[self.place[coalition]])
            total[kind] = total.get(kind, Fraction(0)) + weight
        rows = [kind for kind, weight in total.items() if weight]
        drawn = self.draws[worth][:, rows] @ np.array([float(total[kind]) for kind in rows])
        low, high = np.quantile(drawn, (0.025, 0.975))
        return Told(value, float(drawn.std(ddof=1)), float(low), float(high))

    @cached_property
    def _kinds(self) -> dict[str, NDArray[np.int64]]:
        """For each coalition the first that is worth the same at every seed: weights of equals are summed exactly, so
        that a channel that does nothing has no error either.
        """
        found = {}
        for w in WORTHS:
            _, first, kind = np.unique(self.values[w.name], axis=0, return_index=True, return_inverse=True)
            found[w.name] = first[kind.reshape(-1)].astype(np.int64)
        return found

    @cached_property
    def parts(self) -> dict[str, list[Part]]:
        """Each worth by name: one ``Part`` a channel."""
        n = len(self.layout.channels)
        return {
            w.name: [
                Part(
                    self.told(w.name, share),
                    self.told(w.name, first_order(i)),
                    self.told(w.name, last_order(i, n)),
                    self._order_se(w.name, i),
                )
                for i, share in enumerate(self.layout.shares)
            ]
            for w in WORTHS
        }

    @cached_property
    def whole(self) -> dict[str, tuple[Told, Told, Told]]:
        """Each worth by name: v(none), v(all), and v(all) - v(none)."""
        everybody = self.layout.everybody
        none, all_on = {0: Fraction(1)}, {everybody: Fraction(1)}
        both = {everybody: Fraction(1), 0: Fraction(-1)}
        return {w.name: (self.told(w.name, none), self.told(w.name, all_on), self.told(w.name, both)) for w in WORTHS}

    @cached_property
    def joint(self) -> dict[str, dict[tuple[int, int], Told]]:
        """Each worth by name: joint effect of each pair."""
        return {w.name: {pair: self.told(w.name, e) for pair, e in self.layout.pairs.items()} for w in WORTHS}

    @property
    def typical_seed(self) -> int:
        """The seed whose fall with everything on is the median one, the lower of two."""
        falls = self.values["trough"][self.place[self.layout.everybody]]
        return self.seeds[int(np.argsort(falls, kind="stable")[(len(falls) - 1) // 2])]

    def unshared(self, worth: str) -> Fraction:
        """What the shares leave of v(all) - v(none), as fractions: 0."""
        game = self.games[worth]
        shared = sum((value_of(effect, game) for effect in self.layout.shares), Fraction(0))
        return game[self.layout.everybody] - game[0] - shared

    def _order_se(self, worth: str, player: int) -> float:
        orders = self.layout.orders
        if len(orders) < 4:
            return float("nan")
        game = self.games[worth]
        pairs = [orders[k : k + 2] for k in range(0, len(orders), 2)]
        means = np.array([float(value_of(shapley_by_orders(player, pair), game)) for pair in pairs])
        return float(means.std(ddof=1) / np.sqrt(len(means)))


def over_seeds(values: Floats, worth: Worth) -> Floats:
    """Median or mean over the last axis."""
    return np.asarray(np.median(values, axis=-1) if worth.is_median else np.mean(values, axis=-1))


def resampled(values: Floats, worth: Worth) -> Floats:
    """Worth of each coalition in each draw of as many seeds, with replacement: float64[RESAMPLES, coalitions]."""
    n = values.shape[1]
    drawn = np.random.default_rng(_DRAWS).integers(0, n, (RESAMPLES, n))
    out = np.empty((RESAMPLES, values.shape[0]))
    at_once = max(1, _BATCH_BYTES // (8 * RESAMPLES * n))
    for k in range(0, values.shape[0], at_once):
        out[:, k : k + at_once] = over_seeds(values[k : k + at_once][:, drawn], worth).T
    return out
