"""Figures of who took the other side, and of the venue's fund, deleveraging and funding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report import style, words
from sim.report.figures import MEDIAN_BAND, columns, draw_band
from sim.results import Run

BOTH_BOOKS = (
    ("maker_net_btc", "market makers", style.SIMULATED, "market_maker"),
    ("latent_net_btc", "latent layer", style.FORCED_BUY, "latent"),
    ("dip_net_btc", "dip buyers", style.NEWS, "dip_buyer"),
)
PERP_ALONE = (
    ("arb_perp_btc", "arbitrage firms (hedged in spot)", style.CHOSEN, "arbitrage"),
    ("trend_net_btc", "trend followers", style.FORCED_SELL, "trend"),
)


def since_start(runs: Sequence[Run], name: str) -> NDArray[np.float64]:
    """A recorded level less its first value, seeds by rows."""
    level = columns(runs, name)
    return level - level[:, :1]


def positions_figure(runs: Sequence[Run], run_id: str) -> Figure:
    """Coins gained since the start by those who are switched on; perp positions of arbitrage and trend followers."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    panels = [
        ([row for row in rows if getattr(getattr(spec, row[3]), "enabled", True)], title)
        for rows, title in (
            (BOTH_BOOKS, "Perp plus spot coins gained since the start (below 0: given up)"),
            (PERP_ALONE, "Perp positions gained since the start (short below 0)"),
        )
    ]
    panels = [panel for panel in panels if panel[0]]
    with style.rc():
        figure = style.new_figure(2.6 * len(panels) + 0.4)
        for axes, (shown, title) in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            gained = [since_start(runs, name) for name, _, _, _ in shown]
            divisor, word = style.scale(*gained)
            axes.axhline(0.0, color="#444444", linewidth=0.8, zorder=0.9)
            for coins, (_, label, color, _) in zip(gained, shown, strict=True):
                draw_band(axes, time_s, coins / divisor, color, label)
            axes.set_title(title)
            axes.set_ylabel(f"{word}BTC")
            axes.legend(loc="best", ncols=len(shown))
            style.utc_axis(axes, spec, 0.0, float(time_s[-1]))
        figure.axes[-1].set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        style.footnote(figure, run_id, [r.seed for r in runs], MEDIAN_BAND if len(runs) > 1 else "lines: the seed")
    return figure


def venue_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Insurance fund, deleveraged coins and funding rate; a panel for each that moved, None when none did."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    panels = [panel for panel in _venue_panels(runs) if np.ptp(panel.values, axis=1).any()]
    if not panels:
        return None
    with style.rc():
        figure = style.new_figure(2.4 * len(panels) + 0.6)
        for axes, panel in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            divisor, word = style.scale(panel.values)
            axes.axhline(0.0, color="#444444", linewidth=0.8, zorder=0.9)
            draw_band(axes, time_s, panel.values / divisor, panel.color, panel.title)
            axes.set_title(panel.title)
            axes.set_ylabel(word + panel.unit)
            style.utc_axis(axes, spec, 0.0, float(time_s[-1]))
        figure.axes[-1].set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        style.footnote(figure, run_id, [r.seed for r in runs], MEDIAN_BAND if len(runs) > 1 else "lines: the seed")
    return figure


class _Panel(NamedTuple):
    title: str
    unit: str
    color: str
    values: NDArray[np.float64]


def _venue_panels(runs: Sequence[Run]) -> list[_Panel]:
    fund, fund_title = columns(runs, "fund_usd"), "Insurance fund: equity at mark; below 0 a deficit that nobody covers"
    if fund.min() >= 0.0:  # far from used up: its level would be a flat line
        start = words.amount(float(fund[0, 0]), "USD")
        fund, fund_title = (
            since_start(runs, "fund_usd"),
            f"Insurance fund: change of equity at mark since the start ({start} then)",
        )
    deleveraged = np.cumsum(columns(runs, "adl_btc"), axis=1)
    return [
        _Panel(fund_title, "USD", style.SIMULATED, fund),
        _Panel("Closed against traders in profit so far (auto-deleveraging)", "BTC", style.FORCED_SELL, deleveraged),
        _Panel(
            "Funding rate of the last payment (above 0: longs pay shorts)",
            "bp per period",
            style.CHOSEN,
            columns(runs, "funding_rate_frac") * 1e4,
        ),
    ]
