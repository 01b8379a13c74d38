"""Answers of this package as one tidy table: a row a number, with its interval, unit and seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics.seeds import share_of_seeds
from sim.metrics.tail import Estimate

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
FEWEST_SEEDS = 30
"""Fewer seeds than this are said to be few (QUALITY 5)."""

COLUMNS: dict[str, tuple[str, str]] = {
    "scenario": ("", "scenario that was run"),
    "item": ("", "line, venue, hedge group, hour or size that the number is about; empty: the whole"),
    "quantity": ("", "what is told"),
    "value": ("see unit", "the number"),
    "low": ("see unit", "lower end of its 95 % interval over seeds; infinite: the seeds do not bound it; empty: none"),
    "high": ("see unit", "upper end"),
    "unit": ("", "unit of value, low and high"),
    "n": ("seeds", "seeds behind it; 0: it is no statistic"),
    "meaning": ("", "what the number is"),
}


class Row(NamedTuple):
    """One number of an answer, by the columns of ``COLUMNS``."""

    scenario: str
    item: str
    quantity: str
    value: float
    low: float
    high: float
    unit: str
    n: int
    meaning: str


class Teller:
    """Collects the rows of one scenario."""

    def __init__(self, scenario: str) -> None:
        self.scenario, self.rows = scenario, list[Row]()

    def exact(self, item: str, quantity: str, value: float, unit: str, meaning: str) -> None:
        """A number that is no statistic."""
        nan = math.nan
        self.rows.append(Row(self.scenario, item, quantity, float(value), nan, nan, unit, 0, meaning))

    def told(self, item: str, quantity: str, found: Estimate, unit: str, meaning: str) -> Estimate:
        """A statistic; returns it."""
        self.rows.append(Row(self.scenario, item, quantity, found.value, found.low, found.high, unit, found.n, meaning))
        return found

    def share(self, item: str, quantity: str, hits: NDArray[np.bool_], meaning: str) -> Estimate:
        """A share of seeds with its Wilson interval; returns it."""
        found = share_of_seeds(int(np.count_nonzero(hits)), int(np.size(hits)))
        return self.told(item, quantity, Estimate(found.share, found.low, found.high, found.n), "fraction", meaning)


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a data frame."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype({"n": "int64"})


def write_table(out: Path, name: str, table: pd.DataFrame, id: str, said: Mapping[str, tuple[str, str]]) -> list[Path]:
    """Write ``<name>.parquet``, ``.csv`` and ``.units.csv`` into a folder; returns the files."""
    from sim.experiments.export import units_csv
    from sim.experiments.store import write_whole
    from sim.results.storage import csv_bytes, parquet_bytes

    out.mkdir(parents=True, exist_ok=True)
    files = {
        f"{name}.parquet": parquet_bytes(table, id, said),
        f"{name}.csv": csv_bytes(table),
        f"{name}.units.csv": units_csv(table, said),
    }
    for file, data in files.items():
        write_whole(out / file, data)
    return [out / file for file in files]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON holds them."""
    from sim.results.storage import plain

    return [plain(row) for row in table.astype(object).to_dict("records")]
