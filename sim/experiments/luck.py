"""What is known of a seed before it is run: the fuel of its population, for the critical shock of ``amplify``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.experiments.base_run import fuel
from sim.experiments.store import write_whole
from sim.metrics.threshold_adjusted import Known

if TYPE_CHECKING:
    from sim.scenario.spec import Spec

Floats = NDArray[np.float64]

FALLS: Floats = np.linspace(0.0, 0.6, 241)
"""Falls of the mark at which fuel is tabulated, fractions."""
REFERENCE = range(1_000_001, 1_002_049)
"""Seeds that s* speaks of where luck is taken out: 2,048 that are never run."""
AT = (0.75, 1.5)
"""Falls that matter, over s*: chosen among twelve sets on 752 runs at each of eight depths (docs/amplification.md)."""
FILE = "fuel_by_seed.parquet"
_COLUMNS = ["seed", *(f"{x:.4f}" for x in FALLS)]


class Luck:
    """Fuel by seed of one scenario, kept in a file of the sweep's folder.

    Parameters
    ----------
    spec : Spec
        Any depth of the question: depth does not change who is leveraged.
    folder : Path
        Where the file is.
    """

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec, self.file = spec, folder / FILE
        self.table: dict[int, Floats] = {}
        if self.file.exists():
            import pyarrow as pa
            import pyarrow.parquet as pq

            try:
                there = pq.read_table(self.file).to_pandas()
            except (pa.ArrowException, OSError):
                return  # damaged: drawn again
            columns = there.drop(columns="seed").to_numpy(dtype=np.float64)
            if list(there.columns) == _COLUMNS:
                self.table = dict(zip(there["seed"].tolist(), columns, strict=True))

    def draw(self, seeds: Iterable[int], told: Callable[[str], None] = lambda _: None) -> None:
        """Tabulate seeds that are not there, and keep them."""
        import pandas as pd

        from sim.results.storage import parquet_bytes

        missing = [seed for seed in seeds if seed not in self.table]
        if not missing:
            return
        told(f"drawing the population of {len(missing)} seeds, to know the fuel of each")
        for seed in missing:
            self.table[seed] = fuel(self.spec, seed, FALLS)
        order = sorted(self.table)
        frame = pd.DataFrame(np.array([self.table[seed] for seed in order]), columns=_COLUMNS[1:])
        frame.insert(0, "seed", order)
        said = {str(name): ("fraction", "share of open interest liquidated by a fall of that size") for name in frame}
        self.file.parent.mkdir(exist_ok=True)
        write_whole(self.file, parquet_bytes(frame, "", said | {"seed": ("", "seed of the run")}))

    def known(self, seeds: Iterable[int], size: float) -> Known:
        """Fuel within ``AT`` times a size, of seeds and of the reference; all must have been drawn."""
        own, reference = (
            np.array([[np.interp(a * size, FALLS, self.table[int(s)]) for a in AT] for s in which])
            for which in (seeds, REFERENCE)
        )
        return Known(own, reference)
