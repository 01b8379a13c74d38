"""The perp book over time: one seed, price upwards, colour the quantity resting per unit of price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report import style
from sim.results import Run
from sim.schema import BAND_EDGES_BP

_MOST_COLUMNS = 600
_WIDEST_BP = 500.0


def median_run(runs: Sequence[Run]) -> Run:
    """Pick the run whose deepest fall is the (lower) median over seeds: the one that a single picture may stand for."""
    order = sorted(runs, key=lambda run: (run.summary["max_drawdown"], run.seed))
    return order[(len(order) - 1) // 2]


def density(coins: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Signed distances of band edges from mid, in bp, and coins per bp in each band, from the lowest price up.

    Parameters
    ----------
    coins : float64[n, 60]
        Coins in each band, bid bands from the touch outwards, then ask bands.
    """
    edges = np.concatenate(([0.0], BAND_EDGES_BP))
    kept = BAND_EDGES_BP <= _WIDEST_BP
    n, m = BAND_EDGES_BP.size, int(kept.sum())
    per_bp = coins / np.tile(np.diff(edges), 2)
    distances = np.concatenate((-edges[m:0:-1], edges[: m + 1]))
    return distances, np.concatenate((per_bp[:, :m][:, ::-1], per_bp[:, n : n + m]), axis=1)


def book_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Heatmap of one seed's perp book in USD per BTC, with the mid as a line; None when no profile was recorded."""
    run = median_run(runs)
    rows = run.bands[np.isfinite(run.bands["mid_usd"].to_numpy())]
    if len(rows) < 2:
        return None
    rows = rows.iloc[:: max(1, -(-len(rows) // _MOST_COLUMNS))]
    time_s, mid = rows["elapsed_s"].to_numpy(), rows["mid_usd"].to_numpy()
    distances, per_bp = density(rows.iloc[:, 3:].to_numpy())
    corners_s = np.concatenate((time_s, [2 * time_s[-1] - time_s[-2]]))
    corners_mid = np.concatenate((mid, mid[-1:]))
    prices = corners_mid[:, None] * (1.0 + distances[None, :] / 1e4)
    with style.rc():
        figure = style.new_figure(4.8)
        axes = figure.subplots()
        shown = np.ma.masked_less_equal(per_bp, 0.0)
        if shown.count():
            low, high = np.quantile(shown.compressed(), [0.01, 0.995])
            norm = LogNorm(min(max(low, high / 1e4), high / 10.0), high)
            times = np.repeat(corners_s[:, None], distances.size, axis=1)
            mesh = axes.pcolormesh(times, prices, shown, norm=norm, cmap="viridis", rasterized=True)
            style.plain_log(
                figure.colorbar(mesh, ax=axes, label="BTC resting per bp of price (log scale)", extend="both").ax
            )
        axes.plot(time_s, mid, color="white", linewidth=1.6)
        axes.plot(time_s, mid, color="black", linewidth=0.8, label="mid price: bids below, asks above")
        axes.grid(False)
        axes.set_title("Perp order book within 5 % of mid")
        axes.set_ylabel("USD per BTC")
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
        axes.legend(loc="upper right", facecolor="white", framealpha=0.85, frameon=True)
        style.utc_axis(axes, run.spec, float(corners_s[0]), float(corners_s[-1]))
        axes.set_xlabel(f"UTC, from {run.spec.start_utc:%Y-%m-%d}")
        which = "the median seed by deepest fall; white: no orders" if len(runs) > 1 else "white: no orders"
        style.footnote(figure, run_id, [r.seed for r in runs], which, alone=run.seed)
    return figure
