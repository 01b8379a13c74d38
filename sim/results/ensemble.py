"""Several seeds of one scenario."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.results import folder as folders
from sim.results import storage
from sim.results.run import Run
from sim.results.summary import over_seeds, seed_band
from sim.scenario.spec import Spec
from sim.scenario.write import spec_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Ensemble:
    """Runs of one scenario that differ in their seed alone, in the order of their seeds as given."""

    runs: tuple[Run, ...]

    @property
    def spec(self) -> Spec:
        """The scenario."""
        return self.runs[0].spec

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, in order."""
        return tuple(run.seed for run in self.runs)

    @cached_property
    def run_id(self) -> str:
        """Twelve hex digits: hash of (resolved scenario, seeds, kernel hash)."""
        return self.runs[0].origin.run_id(self.seeds)

    @cached_property
    def summary(self) -> dict[str, dict[str, float]]:
        """Median, 10-90 % quantiles and range over seeds of every number of a run's summary."""
        return over_seeds([run.summary for run in self.runs])

    def band(self, column: str) -> pd.DataFrame:
        """Median and 10-90 % band of one column of ``series`` over the seeds.

        Parameters
        ----------
        column : str
            For instance "mark_usd".

        Returns
        -------
        pandas.DataFrame
            ``time_utc``, ``elapsed_s``, ``p10``, ``median``, ``p90``, in the unit of the column; NaN where no seed
            has a value.
        """
        values = np.array([run.series[column].to_numpy(dtype=np.float64) for run in self.runs])
        table = self.runs[0].series[["time_utc", "elapsed_s"]].copy()
        table["p10"], table["median"], table["p90"] = seed_band(values)
        return table

    def plot(self) -> Figure:
        """Price figure: median and band over seeds beside the news value and the recorded path."""
        from sim.report import figures, recorded

        return figures.price_figure(self.runs, self.run_id, recorded.load_recorded(self.runs[0].spec))

    def report(self, path: str | Path) -> Path:
        """Write the one-page HTML report and return its path."""
        from sim.report import page

        return page.write_page(self.runs, self.run_id, path)

    def save(self, folder: str | Path, *, force: bool = False, report: bool = True) -> Path:
        """Write one folder: manifest, summary over seeds, report, and ``seeds/<seed>/`` with the tables of each seed.

        Parameters are those of ``Run.save``.
        """
        files = {"scenario.resolved.yaml": storage.yaml_bytes(spec_to_dict(self.spec))}
        for run in self.runs:
            files |= {f"seeds/{run.seed}/{name}": data for name, data in run.files(self.run_id).items()}
        files["summary.json"] = storage.json_bytes(self.summary)
        if report:
            from sim.report import page

            files |= page.page_files(self.runs, self.run_id)
        return folders.write_folder(Path(folder), files, self.manifest(), force)

    def manifest(self) -> dict[str, Any]:
        """Content of ``manifest.json`` but for the file hashes."""
        origin = self.runs[0].origin
        return {
            "kind": "ensemble",
            **origin.manifest(self.seeds),
            "sources": self.spec.sources.model_dump(mode="json"),
            "runs": {str(run.seed): run.record() for run in self.runs},
            "status": "complete",
        }

    def _repr_html_(self) -> str:
        from sim.report import tables

        return tables.notebook_table(self.runs, self.run_id)
