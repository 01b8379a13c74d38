"""Fuel against floor: longs that a fall would liquidate, beside the bids that stand down to it, at each depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.experiments.base_run import fuel
from sim.metrics.depth import inside

if TYPE_CHECKING:
    import pandas as pd

    from sim.runner import Scenario

FALLS: NDArray[np.float64] = np.array([0.0025, 0.005, *np.arange(0.01, 0.1001, 0.005)])
"""Distances from the starting price, fractions."""
SEEDS = 8
COLUMNS: dict[str, tuple[str, str]] = {
    "layer": ("", "what is scaled"),
    "depth": ("multiple", "depth over the scenario's"),
    "fall": ("fraction", "distance below the starting price"),
    "fuel_usd": ("USD", "longs whose liquidation price lies within it, at the starting price; median over seeds"),
    "floor_usd": ("USD", "visible perp bids within it at the start; median over seeds"),
    "crowding": ("ratio", "open interest over visible perp bids within 1 % of mid, at the start; median over seeds"),
    "n": ("ratio", "fuel over floor per unit of fall, at this distance: above 1 the book of the start feeds the fall"),
}


def fuel_floor(scenarios: Mapping[tuple[str, float], Scenario], seeds: int = SEEDS) -> pd.DataFrame:
    """Measure the books and the population at the start.

    Parameters
    ----------
    scenarios : mapping
        (layer, depth) to the scenario at that depth.
    seeds : int
        1 to this many; books differ by seed. One that cannot be built is left out.

    Returns
    -------
    pandas.DataFrame
        Columns as ``COLUMNS``. What is posted later, and latent demand, are not in the floor.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for (layer, depth), scenario in scenarios.items():
        spec = scenario.spec
        worth = spec.market.open_interest * spec.market.price
        longs, bids = [], []
        for seed in range(1, seeds + 1):
            try:
                market = scenario.market(seed)
            except ScenarioError:
                continue  # in the sweep this seed is a failed row
            market.run_until(0.0)
            arrays = market.collect()
            book = arrays.bands[0]
            mid = float(book["mid_ticks"]) * float(arrays.constants["tick_usd"])
            btc = book["lots"].astype(np.float64)[None, :] * arrays.constants["lot_coin"]
            bids.append([mid * float(inside(btc, float(x), False)[0]) for x in FALLS])
            longs.append(worth * fuel(spec, seed, FALLS) if spec.leveraged.enabled else np.zeros(FALLS.size))
        if not bids:
            continue
        owed, held = np.median(np.array(longs), axis=0), np.median(np.array(bids), axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.diff(owed, prepend=0.0) / np.diff(held, prepend=0.0)
        crowd = worth / float(held[FALLS == 0.01][0])
        rows += [
            {"layer": layer, "depth": depth, "fall": x, "fuel_usd": f, "floor_usd": h, "crowding": crowd, "n": r}
            for x, f, h, r in zip(FALLS, owed, held, ratio, strict=True)
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
