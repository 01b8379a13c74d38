"""Along one direction: where half of the seeds do, by bisection, then a probit, on seeds that nothing else has seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sim.metrics.threshold import Critical, Outcomes, bootstrap_weights, critical_shock

Ask = Callable[[float, Sequence[int]], dict[int, float]]
"""Length of the change and seeds to what each seed did: 1 or 0; seeds that cannot say are left out."""

BATCH = 32
"""Seeds of a step of the bisection."""
BLOCK = 64
"""Least seeds added at the present estimate before it is looked at again; a quarter of all from 256 on."""
NEAR = 1.6
"""The probit takes lengths within this factor of the bracket: farther ones tell of tails, not of where half is."""
_STILL = 0.15
"""The estimate has settled once seeds added at it move it by less than this share of the spread over seeds, and its
half-width is below that too: six points of the share of seeds [judgement]."""
_INSIDE = (0.2, 0.8)  # a share between these is a place to begin the probit at


class Crossing(NamedTuple):
    """Where half of the seeds do.

    Attributes
    ----------
    length, low, high : float
        The change and its 95 % interval over seeds; NaN where it was not found.
    beyond : str
        "above" where less than half do at the end of the range, else "".
    shares : tuple of (float, int, int)
        Length, seeds that did, seeds in all, of everything that was run; rising.
    settled : bool
        Whether the interval is as narrow as asked, and seeds added at the length left it there.
    """

    length: float
    low: float
    high: float
    beyond: str
    shares: tuple[tuple[float, int, int], ...]
    settled: bool


@dataclass
class _Seen:
    """What is known along the direction."""

    ask: Ask
    first: int
    hits: dict[float, dict[int, float]] = field(default_factory=dict)
    blocks: list[list[int]] = field(default_factory=list)

    def share(self, at: float, seeds: Sequence[int]) -> float:
        """Share of seeds at a length, of all that were run there."""
        if list(seeds) not in self.blocks:
            self.blocks.append(list(seeds))
        known = self.hits.setdefault(at, {})
        known |= self.ask(at, [s for s in seeds if s not in known])
        return float(np.mean(list(known.values()))) if known else 0.0

    def more(self, n: int) -> list[int]:
        """The next seeds."""
        last = max((block[-1] for block in self.blocks), default=self.first - 1)
        return list(range(last + 1, last + 1 + n))

    def probit(self, low: float, high: float) -> Critical:
        """Fit what lies near the bracket."""
        near = sorted(t for t in self.hits if low / NEAR <= t <= high * NEAR and self.hits[t])
        seeds = sorted({s for t in near for s in self.hits[t]})
        place = {seed: k for k, seed in enumerate(seeds)}
        table = np.full((len(seeds), len(near)), np.nan)
        for j, t in enumerate(near):
            for seed, value in self.hits[t].items():
                table[place[seed], j] = value
        weights = bootstrap_weights([np.array(block) for block in self.blocks])
        return critical_shock(Outcomes(np.array(near), np.array(seeds, dtype=np.int64), table), *weights)


def crossing(ask: Ask, most: float, guess: float, first: int, tolerance: float, most_seeds: int) -> Crossing:
    """Find the length at which half of the seeds do; the share is taken to rise along the direction.

    Parameters
    ----------
    ask : callable
    most : float
        Where the ranges end.
    guess : float
        Where the search begins.
    first : int
        First of the fresh seeds.
    tolerance : float
        Asked half-width of the interval, as a share of the length.
    most_seeds : int
        Most seeds along this direction.
    """
    seen = _Seen(ask, first)
    batch = seen.more(min(BATCH, most_seeds))
    low, high, share = 0.0, math.inf, math.nan
    inwards = 0.8 if guess < most else 0.5
    at = _rounded(min(guess, most))
    while high == math.inf:  # outwards, until half do
        share = seen.share(at, batch)
        if share >= 0.5:
            high = at
        elif at >= most:
            return Crossing(math.nan, math.nan, math.nan, "above", _shares(seen), False)
        else:
            low, at = at, _rounded(min(1.25 * at, most))
    while high - low > tolerance * high and not (low > 0.0 and high < NEAR * low and _INSIDE[0] < share < _INSIDE[1]):
        at = _rounded(inwards * high if low == 0.0 and high > 0.01 * most else 0.5 * (low + high))
        if at in (low, high):
            break
        share = seen.share(at, batch)
        low, high = (low, at) if share >= 0.5 else (at, high)
    target = math.nan
    while True:
        found = seen.probit(low or high, high)
        size, n = found.size, sum(len(block) for block in seen.blocks)
        known = math.isfinite(size)
        still = known and abs(math.log(size / target)) <= _STILL * found.spread if target == target else False
        narrow = still and found.half_width <= size * min(tolerance, _STILL * found.spread)
        if narrow or n >= most_seeds:
            if not known:  # no share rises: the bracket is what is known
                return Crossing(high, low, high, "", _shares(seen), False)
            return Crossing(min(size, most), found.low, found.high, "", _shares(seen), narrow)
        target = _rounded(min(size, most)) if known else _rounded(0.5 * (low + high))
        seen.share(target, seen.more(min(max(BLOCK, n // 4), most_seeds - n)))


def _rounded(length: float) -> float:
    """Four digits: a point that is asked again is the same point."""
    return float(f"{length:.4g}")


def _shares(seen: _Seen) -> tuple[tuple[float, int, int], ...]:
    return tuple((t, round(sum(h.values())), len(h)) for t, h in sorted(seen.hits.items()))
