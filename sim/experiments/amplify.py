"""Amplification: how a fall grows as depth thins, what share of seeds cascades, and from which shock on half of them.

The runs are one sweep (``depth_grid.py``), so nothing is lost by a kill and asking again goes on. Seeds are then added
where half of the seeds cascade, until the critical shock of each depth is as narrow as asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.experiments import known as knowing
from sim.experiments.depth_grid import ADDED_AT_ONCE, MOST_SEEDS, Cell, Found, Question, Sweeper, Wanted, check
from sim.experiments.fuel_floor import SEEDS, fuel_floor
from sim.experiments.known import RECHECK, Known, Taken
from sim.experiments.luck import AT, REFERENCE, Luck
from sim.experiments.shock_axis import Axis
from sim.experiments.sweep import Tally
from sim.metrics.amplification import CUT
from sim.metrics.critical_curve import Curve, critical_curve
from sim.metrics.threshold import Critical, Elasticity, bootstrap_weights, critical_shock, elasticity
from sim.metrics.threshold_adjusted import adjusted_shock, can_adjust, explained

if TYPE_CHECKING:
    import pandas as pd

LADDER = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.09, 0.11, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4)
"""Falls of the news from which sizes are chosen where none are named."""
_SCOUTS = 16  # seeds that look where the threshold lies


@dataclass(frozen=True)
class Answer:
    """The finished question.

    Attributes
    ----------
    question : Question
    axis : Axis
    folder : Path
        The sweep.
    lines : dict
        (layer, depth) to what its runs hold.
    critical : dict
        (layer, depth) to s*, at the cut; for news alone.
    other_cuts : dict
        (layer, depth) to s* at half and at twice the cut.
    elasticity : dict
        Layer to d ln s* / d ln depth.
    fuel_explains : dict
        (layer, depth) to the share of the variance of log thresholds that the fuel of seeds explains, where it was
        taken out of s*.
    curves : dict
        Layer to s* as a smooth curve over depth; None where there are too few depths.
    fuel : pandas.DataFrame
        Fuel against floor at each depth (``fuel_floor.py``).
    tally : Tally
        Of the last pass.
    taken : Taken or None
        What was known before and not run (``known.py``).
    """

    question: Question
    axis: Axis
    folder: Path
    lines: dict[tuple[str, float], Found]
    critical: dict[tuple[str, float], Critical]
    other_cuts: dict[tuple[str, float], tuple[Critical, Critical]]
    elasticity: dict[str, Elasticity]
    curves: dict[str, Curve | None]
    fuel_explains: dict[tuple[str, float], float]
    fuel: pd.DataFrame
    tally: Tally
    taken: Taken | None = None

    @property
    def settings(self) -> pd.DataFrame:
        """One row a layer, depth and size."""
        from sim.experiments.amplify_tables import settings_frame

        return settings_frame(self)

    @property
    def critical_shocks(self) -> pd.DataFrame:
        """One row a layer and depth, with s*; empty for a sale."""
        from sim.experiments.amplify_tables import critical_frame

        return critical_frame(self)


def amplify(
    question: Question,
    out: Path = Path("results"),
    told: Callable[[str], None] | None = None,
    known: str | Path | None = None,
    recheck: int = RECHECK,
    **how: Any,
) -> Answer:
    """Answer a question; asked again, it goes on where it was.

    Parameters
    ----------
    question : Question
    out : Path
        Where the sweep's folder is made.
    told : callable, optional
        Told in a sentence what is done next.
    known : str or Path, optional
        Table of outcomes of an earlier answer, ``outcomes.csv.gz``: its cells are not run again.
    recheck : int
        How many of them are, to see that they are still the same to the bit.
    **how
        ``workers``, ``lanes`` and ``progress`` (its ``told``) of ``make_runs``.

    Returns
    -------
    Answer

    Raises
    ------
    ScenarioError
        When the question makes no sense for the scenario.
    DataError
        When the known outcomes cannot be read, are of another question, or are no longer what is found.
    Interrupted
        After Ctrl-C or SIGTERM; what is finished is kept.
    """
    check(question)
    progress = how.pop("progress", None)
    how = {**how, "told": progress}
    sweeper = Sweeper(question, out)
    say = told or (lambda _: None)
    sizes = question.sizes
    lines = [(layer, depth) for layer in question.layers for depth in question.depths]
    there = None
    if known is not None:
        first = [Cell(*line, size) for line in lines for size in sizes] or [_first_scout(question)]
        sweeper.settle(first)
        there = knowing.take(sweeper, Path(known), recheck, say, **how)
    if not sizes:
        say("looking for the sizes at which some seeds cascade and others do not")
        sizes = _scout(sweeper, how)
    blocks = [list(range(1, question.seeds + 1))]
    say(f"{len(lines)} depths x {len(sizes)} sizes x {question.seeds} seeds")
    wanted: list[Wanted] = [([Cell(*line, size) for line in lines for size in sizes], blocks[0])]
    added = dict.fromkeys(lines, 0)
    more = question.shock == "news" and question.half_width > 0.0
    if there is not None:
        begun = knowing.added_blocks(sweeper, there, finish=more)
        wanted += knowing.left_of(sweeper, begun) if more else []
        blocks += [list(block) for block in sorted({tuple(block) for _, block in begun})]
        for cell, block in begun:
            added[cell.layer, cell.depth] += len(block)
    knowing.make(sweeper, there, wanted, **how)
    while more:
        critical, curves, _ = _critical(sweeper, lines, blocks, told=say)
        wide = [
            key
            for key in lines
            if half_width(critical[key], curves[key[0]], key[1]) > question.half_width
            and question.seeds + added[key] < question.most_seeds
        ]
        if not wide:
            break
        halves = [half_width(critical[key], curves[key[0]], key[1]) for key in wide]
        at = ", ".join(
            f"{_name(*key)} at {100 * critical[key].size:.2f} +- {100 * half:.2f} %"
            for key, half in zip(wide, halves, strict=True)
        )
        fresh = [blocks_to_add(half, question, added[key]) for key, half in zip(wide, halves, strict=True)]
        say(f"{ADDED_AT_ONCE * sum(fresh)} more seeds near the threshold of {len(wide)} depths: {at}")
        wanted = []
        for key, n in zip(wide, fresh, strict=True):
            cell = Cell(*key, -_rounded(critical[key].size))
            for _ in range(n):
                start = max(MOST_SEEDS, blocks[-1][-1]) + 1
                blocks.append(list(range(start, start + ADDED_AT_ONCE)))
                wanted.append(([cell], blocks[-1]))
            added[key] += n * ADDED_AT_ONCE
        knowing.make(sweeper, there, wanted, **how)
    knowing.keep(sweeper, there, last=True)
    return answer_of(sweeper, lines, blocks, there)


def blocks_to_add(half: float, question: Question, added: int) -> int:
    """Blocks of seeds to add at a depth before its interval is looked at again.

    Half of what is missing if the half-width falls with the root of the number of seeds, since other depths, which
    share a curve with it, learn as well; at least one block, at most what the question allows.

    Parameters
    ----------
    half : float
        Half-width of s* now, in the unit of the sizes.
    question : Question
    added : int
        Seeds added there already.
    """
    seeds = question.seeds + added
    missing = 0.5 * seeds * ((half / question.half_width) ** 2 - 1.0) if math.isfinite(half) else 0.0
    allowed = max(question.most_seeds - seeds, 1)
    return math.ceil(min(max(missing, 1.0), allowed) / ADDED_AT_ONCE)


def half_width(critical: Critical, curve: Curve | None, depth: float) -> float:
    """Half-width of s* at a depth: of the curve where it holds, else of the depth alone."""
    smooth = curve.half_width(depth) if curve is not None and curve.holds else math.nan
    return smooth if math.isfinite(smooth) else critical.half_width


def _critical(
    sweeper: Sweeper,
    lines: Sequence[tuple[str, float]],
    blocks: Sequence[Sequence[int]],
    cut: float = CUT,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[dict[tuple[str, float], Critical], dict[str, Curve | None], dict[tuple[str, float], float]]:
    """s* of each line, all draws with the same weights; the curve of each layer; what the fuel of seeds explains."""
    found = sweeper.found()
    weights = bootstrap_weights([np.array(block) for block in blocks])
    critical, explains, luck = {}, {}, None
    for key in lines:
        hits = found[key].outcomes(cut)
        plain = critical_shock(hits, *weights)
        critical[key] = plain
        if plain.beyond or not (sweeper.base.leveraged.enabled and can_adjust(hits, len(AT))):
            continue
        luck = luck or Luck(sweeper.base, sweeper.place)
        luck.draw([*hits.seeds.tolist(), *REFERENCE], told)
        adjusted = adjusted_shock(hits, luck.known(hits.seeds.tolist(), plain.size), plain, *weights)
        explains[key] = explained(plain, adjusted)
        critical[key] = adjusted._replace(spread=plain.spread)
    curves = {}
    for layer in dict.fromkeys(layer for layer, _ in lines):
        mine = [key for key in lines if key[0] == layer]
        curves[layer] = critical_curve([depth for _, depth in mine], [critical[key] for key in mine])
    return critical, curves, explains


def answer_of(
    sweeper: Sweeper,
    lines: Sequence[tuple[str, float]],
    blocks: Sequence[Sequence[int]],
    known: Known | None = None,
) -> Answer:
    """Evaluate what is known and what the folder holds."""
    question, found = sweeper.question, sweeper.found()
    critical: dict[tuple[str, float], Critical] = {}
    other: dict[tuple[str, float], tuple[Critical, Critical]] = {}
    slopes: dict[str, Elasticity] = {}
    curves: dict[str, Curve | None] = {}
    explains: dict[tuple[str, float], float] = {}
    if question.shock == "news":
        critical, curves, explains = _critical(sweeper, lines, blocks)
        half, double = (_critical(sweeper, lines, blocks, f * CUT)[0] for f in (0.5, 2.0))
        other = {key: (half[key], double[key]) for key in lines}
        for layer in question.layers:
            depths = [depth for name, depth in lines if name == layer]
            slopes[layer] = elasticity(np.array(depths), [critical[layer, depth] for depth in depths])
    assert sweeper.folder is not None
    thinned = {key: sweeper.at_depth(*key) for key in lines}
    return Answer(
        question, sweeper.axis, sweeper.folder, {key: found[key] for key in lines},
        critical, other, slopes, curves, explains, fuel_floor(thinned, min(SEEDS, question.seeds)), sweeper.tally,
        known.taken(sweeper) if known is not None else None,
    )  # fmt: skip


def _first_scout(question: Question) -> Cell:
    return Cell(question.layers[0], min(question.depths), -LADDER[0])


def _scout(sweeper: Sweeper, how: Mapping[str, Any]) -> tuple[float, ...]:
    """Sizes of the ladder from where few seeds cascade at the thinnest depth to where most do at the thickest."""
    question = sweeper.question
    scouts = range(1, min(_SCOUTS, question.seeds) + 1)
    ends = []
    for depth, enough in ((min(question.depths), 0.1), (max(question.depths), 0.9)):
        shares: dict[float, float] = {}
        for size in LADDER:
            cell = Cell(question.layers[0], depth, -size)
            sweeper.make([([cell], scouts)], **how)
            hit = sweeper.found()[cell.layer, depth].outcomes()
            shares[size] = float(np.nanmean(hit.hit[:, list(hit.sizes).index(size)])) if hit.seeds.size else 0.0
            if shares[size] >= 0.9:
                break
        below = [size for size, share in shares.items() if share <= enough]
        ends.append(max(below) if enough < 0.5 and below else max(shares) if enough > 0.5 else min(shares))
    low, high = min(ends), max(ends)
    between = [size for size in LADDER if low <= size <= high]
    keep = sorted({between[round(k * (len(between) - 1) / 4)] for k in range(5)} if len(between) > 5 else set(between))
    return tuple(-size for size in keep)


def _rounded(size: float) -> float:
    """A threshold as a size to run at: three significant digits."""
    return float(f"{size:.3g}")


def _name(layer: str, depth: float) -> str:
    return f"{layer} x{depth:g}"
