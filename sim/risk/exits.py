"""What leaving a position costs: sales of its size over several times, and the optimal trajectories beside them.

A sale is a run of its own, with the sale as its last shock, against the same seed without it (``shoal check``'s
``exit_cost``). The walk through a book is read off its depth at one moment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calculator.execution import Liquidation, fitted_impact
from sim.errors import DataError
from sim.experiments import cases
from sim.experiments.check import with_sale
from sim.experiments.looks import key_of
from sim.metrics import tail
from sim.metrics.tail import Estimate
from sim.risk.answer import Floats
from sim.risk.books import DISTANCES, walk_cost
from sim.risk.lines import Line
from sim.risk.runs import How, rows_over_seeds

if TYPE_CHECKING:
    import pandas as pd

    from sim.runner import Scenario

TIMES_S = (60.0, 600.0, 3600.0)
"""Times of the sales where none are asked."""
KEY = "book"
"""Name of the book of a position in its runs."""
STEPS = 50
"""Steps of the optimal trajectories."""
_ALL_OF_IT = 0.999  # of a sale that must trade: slices are rounded to lots


@dataclass(frozen=True)
class Sale:
    """Sales of the position over one time: cost a unit of what is sold.

    Attributes
    ----------
    over_s : float
    cost : Estimate
        Mean cost against the mid of the same seed without the sale, a fraction.
    deviation : float
        Standard deviation over seeds of the cost against the mid at arrival, a fraction.
    sold : Estimate
        Mean share that traded.
    """

    over_s: float
    cost: Estimate
    deviation: float
    sold: Estimate


def times_of(case: Scenario, at: float, over: Sequence[float] | None) -> list[float]:
    """Times of the sales that fit, seconds."""
    most = case.spec.duration - at
    if over is None:
        return [t for t in TIMES_S if t <= most]
    for t in over:
        if not 1.0 <= t <= most:
            raise DataError(f"a sale over {t:g} s from second {at:g} on does not fit: 1 to {most:g} s are left")
    return sorted(over)


def sale_over(case: Scenario, line: Line, at: float, over: float, seeds: Sequence[int], how: How) -> Sale:
    """Sell the position over a time in runs of their own, and look at the same time without the sale."""
    from sim.runner import Scenario as Case
    from sim.scenario.spec import Spec

    look: dict[str, Any] = {
        "kind": "exit_cost", "side": "sell" if line.side > 0 else "buy", "notional": line.usd, "at": at, "over": over,
        "book": "perp", **cases.named(case.spec, line.listing),
    }  # fmt: skip
    look["key"] = key_of(look)
    base = case.resolved["scenario"]
    sold = Case(Spec.model_validate({**base, **with_sale(case.spec, look)}))
    short = cases.lasting(case, sold.spec.duration)
    measure = {"kind": "assumptions", "looks": [look]}
    _, rows = rows_over_seeds(f"exit-{case.spec.name}", [short, sold], seeds, measure, how)
    points = [cases.point_of(c) for c in (short, sold)]
    twin, sale = (rows[rows["point"] == p].set_index("seed") for p in points)
    both = twin.index.intersection(sale.index)
    key, sign = look["key"], float(line.side)
    price = sale.loc[both, f"{key}_sale_usd"].to_numpy(dtype=np.float64)
    filled = sale.loc[both, f"{key}_filled"].to_numpy(dtype=np.float64)
    whole = filled >= _ALL_OF_IT
    without, arrival = (twin.loc[both, f"{key}_{w}_usd"].to_numpy(dtype=np.float64) for w in ("twin", "arrival"))
    cost = np.where(whole, sign * (1.0 - price / without), np.nan)
    short_of = np.where(whole, sign * (1.0 - price / arrival), np.nan)
    known = short_of[np.isfinite(short_of)]
    spread = float(known.std(ddof=1)) if known.size > 1 else math.nan
    return Sale(over, tail.mean(cost), spread, tail.mean(filled))


def half_spread(runs: pd.DataFrame, sds: float = 0.0) -> Floats:
    """Half of the mean spread, ``sds`` deviations added, of each seed: a fraction."""
    mean, sd = (np.asarray(runs[f"{KEY}.spread_{w}"], dtype=np.float64) for w in ("mean", "sd"))
    return np.asarray(0.5 * (mean + sds * sd))


def optimal_of(line: Line, runs: pd.DataFrame, sales: Sequence[Sale]) -> Liquidation | None:
    """Almgren and Chriss with the impact of the sales; none with fewer than two, or when impact is all permanent."""
    known = [s for s in sales if math.isfinite(s.cost.value)]
    if len(known) < 2:
        return None
    price = float(np.nanmedian(runs[f"{KEY}.start"]))
    coins, half = line.usd / price, float(np.nanmedian(half_spread(runs))) * price
    eta, gamma, _ = fitted_impact(coins, [s.over_s for s in known], [s.cost.value * price for s in known], half)
    horizon, steps = known[-1].over_s, STEPS
    if not eta > 0.5 * gamma * horizon / steps:
        return None
    sigma = float(np.nanmedian(runs[f"{KEY}.sd"])) * price
    return Liquidation(coins, horizon, steps, sigma, half, eta, gamma)


def walks(runs: pd.DataFrame, size_usd: float, side: int, when: str) -> tuple[Floats, np.ndarray[Any, Any]]:
    """Cost of a size through each seed's book, a fraction of mid, and whether it is more than the book held.

    ``when`` is ``start`` or ``thin``; a long is sold into bids.
    """
    name = "bids" if side > 0 else "asks"
    depth = np.array([runs[f"{KEY}.{name}_{1e4 * at:g}bp_{when}"] for at in DISTANCES], dtype=np.float64).T
    found = [walk_cost(size_usd, row) for row in depth]
    return np.array([cost for cost, _ in found]), np.array([beyond for _, beyond in found])
