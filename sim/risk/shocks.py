"""Shock vectors for a risk engine: factors by asset, venue and offset, from one seed of each kind of outcome.

A vector is what one run did, so that its factors belong together; that run is the medoid of its outcome: the seed with
the least sum of distances to all others of it. Beside each value stand 10 and 90 % quantiles over the outcome's seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import DataError
from sim.experiments import cases
from sim.metrics.amplification import CUT
from sim.results.summary import SEEN
from sim.risk.answer import Floats
from sim.risk.factors import FACTORS, arguments_of, key_of
from sim.risk.runs import How, rows_over_seeds, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.runner import Scenario

SEEDS = 32
OFFSETS_S = {
    "1m": 60.0, "5m": 300.0, "15m": 900.0, "30m": 1800.0, "1h": 3600.0, "4h": 14_400.0, "1d": 86_400.0,
    "7d": 604_800.0, "30d": 2_592_000.0,
}  # fmt: skip
"""Offsets that are told where none are asked, those that fit into the scenario."""
CASCADE, NO_CASCADE = "cascade", "no_cascade"
LOW, HIGH = 0.1, 0.9

COLUMNS: dict[str, tuple[str, str]] = {
    "scenario": ("", "scenario that was run"),
    "outcome": ("", f"cascade: second-round forced above {100 * CUT:g} % of open interest; or no_cascade"),
    "asset": ("", "asset of the listing"),
    "venue": ("", "exchange of the listing"),
    "listing": ("", "name of the listing; empty: a market of its own"),
    "factor": ("", "risk factor"),
    "offset": ("", "time since the moment, as it was asked"),
    "offset_s": ("s", "the same"),
    "value": ("see unit", "value in the medoid seed of the outcome; empty: the listing has no such factor"),
    "low": ("see unit", "10 % quantile over the outcome's seeds, a value that one has"),
    "high": ("see unit", "90 % quantile"),
    "unit": ("", "unit of value, low and high"),
    "n": ("seeds", "seeds of the outcome in which the factor is defined"),
    "seed": ("", "the medoid seed: all values of an outcome are of this run"),
}


@dataclass(frozen=True)
class Shocks:
    """Answer to ``shocks``.

    Attributes
    ----------
    scenario : Scenario
    from_s : float
    seeds : tuple of int
    folder : Path
    runs : pandas.DataFrame
        One row a seed.
    medoids : dict
        Outcome to its seed; an outcome that no seed has is absent.
    table : pandas.DataFrame
        Columns of ``COLUMNS``.
    """

    scenario: Scenario
    from_s: float
    seeds: tuple[int, ...]
    folder: Path
    runs: pd.DataFrame
    medoids: dict[str, int]
    table: pd.DataFrame

    def plot(self) -> Figure:
        """Figure of the vectors."""
        from sim.report.risk_shocks import figure

        return figure(self)

    def save(self, out: str | Path | None = None) -> Path:
        """Write table and figure, beside the runs when no folder is given; returns the folder."""
        from sim.report.risk_shocks import save

        return save(self, Path(out) if out is not None else self.folder / "shocks")


def shocks(
    scenario: Scenario | str | Path,
    *,
    set: Mapping[str, object] | Sequence[str] | None = None,
    since: str | float = 0.0,
    offsets: Mapping[str, float] | None = None,
    seeds: int | Sequence[int] = SEEDS,
    how: How | None = None,
) -> Shocks:
    """Make the shock vectors of a scenario.

    Parameters
    ----------
    scenario : Scenario, str or Path
    set
        Changes of the scenario.
    since : str or float
        Moment against which changes are told: a time of day, a duration from the start, or seconds.
    offsets : mapping, optional
        Name to seconds; those of ``OFFSETS_S`` that fit when not given.
    seeds : int or sequence of int
    how : How, optional

    Returns
    -------
    Shocks

    Raises
    ------
    DataError, ScenarioError
        When the question or the scenario is refused.
    """
    from sim.scenario.moment import moment

    case = cases.scenario_of(scenario, set)
    spec = case.spec
    from_s = moment(spec.start_utc, since)
    left = spec.duration - from_s
    named = {name: s for name, s in OFFSETS_S.items() if s <= left} if offsets is None else dict(offsets)
    if not 0.0 <= from_s < spec.duration or not named:
        raise DataError(f"the moment lies {from_s:g} s from the start of {spec.duration:g} s: no offset fits after it")
    if late := [name for name, s in named.items() if not 0.0 < s <= left]:
        raise DataError(f"offset {late[0]}: above 0, and {left:g} s are left of {spec.name} after the moment")
    wanted = seeds_of(seeds)
    measure = arguments_of(spec, from_s, list(named.values()))
    folder, runs = rows_over_seeds(f"shocks-{spec.name}", [case], wanted, measure, how or How())
    medoids, parts = {}, []
    hit = runs["second_round"].to_numpy(dtype=np.float64) > CUT
    for outcome, mine in ((CASCADE, runs[hit]), (NO_CASCADE, runs[~hit])):
        if len(mine):
            names = [key_of(listing, f, s) for listing in measure["listings"] for f in FACTORS for s in named.values()]
            numbers = mine[names].to_numpy(dtype=np.float64)
            at = medoid(numbers, scales(runs[names].to_numpy(dtype=np.float64)))
            medoids[outcome] = int(mine["seed"].iloc[at])
            parts += _vector(case, outcome, mine, at, named)
    return Shocks(case, from_s, wanted, folder, runs, medoids, _frame(parts))


def scales(numbers: Floats) -> Floats:
    """Standard deviation of each column over all seeds; NaN where it is not known in each or never differs."""
    known = np.isfinite(numbers).all(axis=0)
    out = np.full(numbers.shape[1], np.nan)
    out[known] = numbers[:, known].std(axis=0)
    out[~(out > 0.0)] = np.nan
    return out


def medoid(numbers: Floats, scale: Floats) -> int:
    """Row with the least sum of distances to all rows; the first of equals.

    Parameters
    ----------
    numbers : float64[n, k]
    scale : float64[k]
        By which each column is measured; columns with NaN do not count.
    """
    counted = np.isfinite(scale)
    points = numbers[:, counted] / scale[counted]
    apart = [float(np.sqrt(((points - row) ** 2).sum(axis=1)).sum()) for row in points]
    return int(np.argmin(np.round(apart, 9)))


def _vector(
    case: Scenario, outcome: str, mine: pd.DataFrame, at: int, offsets: Mapping[str, float]
) -> list[tuple[object, ...]]:
    spec, rows = case.spec, list[tuple[object, ...]]()
    for listing in list(spec.listings) or [""]:
        asset, venue = "btc", str(spec.venue)
        if listing:
            asset, venue = str(spec.listings[listing].asset), str(spec.listings[listing].exchange)
        for factor, (unit, _) in FACTORS.items():
            for name, offset_s in offsets.items():
                values = mine[key_of(listing, factor, offset_s)].to_numpy(dtype=np.float64)
                known = values[np.isfinite(values)]
                low, high = (
                    (float(np.quantile(known, q, method=SEEN)) for q in (LOW, HIGH)) if known.size else (np.nan, np.nan)
                )
                head = (spec.name, outcome, asset, venue, listing, factor, name, offset_s)
                rows.append((*head, float(values[at]), low, high, unit, known.size, int(mine["seed"].iloc[at])))
    return rows


def _frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "int64", "seed": "int64"})
