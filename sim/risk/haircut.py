"""Haircut of coins as collateral: how far they fall within a horizon of a stress, and what a sale costs then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import DataError
from sim.experiments import cases
from sim.metrics import tail
from sim.risk.answer import Floats, Row, Teller, frame_of
from sim.risk.exits import KEY, half_spread, walks
from sim.risk.measure import arguments_of
from sim.risk.runs import How, rows_over_seeds, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.runner import Scenario
    from sim.scenario.spec import Spec

SEEDS = 32
MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the size asked: the concentration add-on as a curve."""
_BEGIN_S = 10.0


@dataclass(frozen=True)
class Haircut:
    """Answer to ``haircut``.

    Attributes
    ----------
    scenario : Scenario
    asset, listing, book : str
    horizon_s, confidence, size_usd : float
    seeds : tuple of int
    folder : Path
    runs : pandas.DataFrame
    rows : tuple of Row
    """

    scenario: Scenario
    asset: str
    listing: str | None
    book: str
    horizon_s: float
    confidence: float
    size_usd: float
    seeds: tuple[int, ...]
    folder: Path
    runs: pd.DataFrame
    rows: tuple[Row, ...]

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a data frame, columns of ``sim.risk.answer.COLUMNS``."""
        return frame_of(self.rows)

    def plot(self) -> Figure:
        """Figure of the answer."""
        from sim.report.risk_haircut import figure

        return figure(self)

    def save(self, out: str | Path | None = None) -> Path:
        """Write table and figure, beside the runs when no folder is given; returns the folder."""
        from sim.report.risk_haircut import save

        return save(self, Path(out) if out is not None else self.folder / "haircut")


def haircut(
    scenario: Scenario | str | Path,
    asset: str,
    horizon: float,
    confidence: float,
    size: float,
    *,
    set: Mapping[str, object] | Sequence[str] | None = None,
    listing: str | None = None,
    book: str | None = None,
    seeds: int | Sequence[int] = SEEDS,
    how: How | None = None,
) -> Haircut:
    """Ask which haircut covers the fall of an asset within a horizon and the sale of a size of it.

    Parameters
    ----------
    scenario : Scenario, str or Path
    asset : str
        Such as ``btc``.
    horizon : float
        Seconds between the last call and the end of the sale.
    confidence : float
        Share of seeds that the haircut covers, 0.5 to below 1.
    size : float
        USD at the start.
    set
        Changes of the scenario.
    listing : str, optional
        Market of a network; the first of the asset when not given.
    book : {"spot", "perp"}, optional
        Where it is sold; spot where there is one.
    seeds : int or sequence of int
    how : How, optional

    Returns
    -------
    Haircut

    Raises
    ------
    DataError, ScenarioError
        When the question or the scenario is refused.

    Notes
    -----
    Of each seed h = 1 - (1 - fall)(1 - cost): the largest fall of the mid within the horizon, from any time on, and the
    walk of the size through the seed's thinnest book. The haircut is the quantile of h over seeds.
    """
    case = cases.scenario_of(scenario, set)
    place = listing_of(case.spec, asset, listing)
    spec = cases.listing_spec(case.spec, place)
    where = book or ("spot" if spec.market.spot else "perp")
    if where not in ("spot", "perp") or not getattr(spec.market, where):
        raise DataError(f"book {where!r}: {place or case.spec.name} has {'spot' if spec.market.spot else 'perp'}")
    if not size > 0.0 or not 0.5 <= confidence < 1.0:
        raise DataError(f"size {size:g} and confidence {confidence:g}: above 0, and from 0.5 to below 1")
    if not 0.0 < horizon <= case.spec.duration - _BEGIN_S:
        raise DataError(f"horizon {horizon:g} s: above 0, and the scenario lasts {case.spec.duration:g} s")
    wanted = seeds_of(seeds)
    asked = {"key": KEY, "listing": place, "book": where, "horizon_s": float(horizon)}
    measure = arguments_of(case.spec, [], [asked], begin_s=_BEGIN_S)
    folder, runs = rows_over_seeds(f"haircut-{case.spec.name}", [case], wanted, measure, how or How())
    rows = _rows(case.spec.name, runs, size, confidence, horizon)
    return Haircut(case, asset, place, where, horizon, confidence, size, wanted, folder, runs, rows)


def listing_of(spec: Spec, asset: str, listing: str | None = None) -> str | None:
    """Market of an asset: the one named, or the first; None where a scenario has one market alone."""
    if not spec.listings:
        if asset.lower() != "btc" or listing is not None:
            raise DataError(f"{spec.name} has one market alone, of btc: there is no {listing or asset!r}")
        return None
    there = [name for name, one in spec.listings.items() if one.asset == asset.lower()]
    if not there:
        known = ", ".join(dict.fromkeys(one.asset for one in spec.listings.values()))
        raise DataError(f"{spec.name} has no asset {asset!r}: it has {known}")
    if listing is not None and listing not in there:
        raise DataError(f"listing {listing!r} is none of {asset}: {', '.join(there)}")
    return listing or there[0]


def shares_lost(runs: pd.DataFrame, size_usd: float) -> tuple[Floats, Floats, np.ndarray]:
    """Of each seed: haircut that a size needs, its cost, and whether it is more than the book held."""
    fall = np.asarray(runs[f"{KEY}.fall"], dtype=np.float64)
    if size_usd <= 0.0:
        cost, beyond = half_spread(runs), np.zeros(fall.size, bool)
    else:
        cost, beyond = walks(runs, size_usd, 1, "thin")
    return np.minimum(1.0, 1.0 - (1.0 - fall) * (1.0 - np.minimum(cost, 1.0))), cost, beyond


def _rows(name: str, runs: pd.DataFrame, size: float, confidence: float, horizon: float) -> tuple[Row, ...]:
    teller, at = Teller(name), f"{100 * confidence:g}% of seeds"
    fall = np.asarray(runs[f"{KEY}.fall"], dtype=np.float64)
    teller.told("", "fall", tail.quantile(fall, confidence), "fraction",
                f"largest fall of the mid within {horizon:g} s, from any time on, that {at} stay within")  # fmt: skip
    teller.told("", "fall_median", tail.quantile(fall, 0.5), "fraction", "the same, median over seeds")
    bare, _, _ = shares_lost(runs, 0.0)
    least = tail.quantile(bare, confidence)
    teller.told("", "haircut_smallest", least, "fraction", "haircut of a size that pays half the mean spread alone")
    for factor in MULTIPLES:
        item = f"${factor * size:,.0f}"
        lost, cost, beyond = shares_lost(runs, factor * size)
        found = tail.quantile(lost, confidence)
        teller.told(item, "haircut", found, "fraction", f"fall and sale of the size that {at} stay within")
        teller.exact(item, "concentration_add_on", found.value - least.value, "fraction", "haircut beyond the smallest")
        teller.told(item, "sale_cost", tail.quantile(cost, 0.5), "fraction",
                    "walk of the size through the thinnest book of each seed, median over seeds")  # fmt: skip
        teller.share(item, "share_of_seeds_beyond_book", beyond, "seeds in which the size is more than lies within 5 % "
                     "of mid when the book is thinnest; the walk goes on at the last slope")  # fmt: skip
    return tuple(teller.rows)
