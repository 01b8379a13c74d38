"""Figure of closed positions: open interest, what was forced beside what was chosen, and both by cause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report import style, words
from sim.report.figures import MEDIAN_BAND, columns, draw_band
from sim.results import Run
from sim.results.summary import seed_band

Floats = NDArray[np.float64]

FORCED = (
    ("forced_sell_btc", "longs sold through the book"),
    ("forced_buy_btc", "shorts bought back through the book"),
    ("takeover_btc", "taken over by the insurance fund"),
    ("adl_btc", "closed against traders in profit (ADL)"),
)
CHOSEN = (
    ("stop_btc", "stops"),
    ("take_profit_btc", "take-profits"),
    ("panic_btc", "panic"),
)


def closes_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Open interest, coins closed so far, and totals by cause; None without leveraged accounts."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    if not spec.leveraged.enabled:
        return None
    with style.rc():
        figure = style.new_figure(7.8)
        interest, so_far, by_cause = figure.subplots(3, 1, height_ratios=(2, 2, 2.2))
        draw_band(interest, time_s, columns(runs, "open_interest_btc") / 1e3, style.SIMULATED, "open interest")
        interest.set_title("Open interest of the perp, all participants")
        interest.set_ylabel("thousand BTC")
        closed: dict[str, tuple[Floats, str]] = {}
        for causes, color, label in (
            (FORCED, style.FORCED_SELL, "forced: liquidated accounts"),
            (CHOSEN, style.CHOSEN, "chosen: stops, take-profits, panic"),
        ):
            coins = np.sum([columns(runs, name) for name, _ in causes], axis=0)
            closed[label] = (np.cumsum(coins, axis=1), color)
        divisor, word = style.scale(*(coins for coins, _ in closed.values()))
        for label, (coins, color) in closed.items():
            draw_band(so_far, time_s, coins / divisor, color, label)
        so_far.set_title("Coins that leveraged accounts lost by force or closed by choice so far")
        so_far.set_ylim(bottom=0.0)
        so_far.legend(loc="best")
        so_far.set_ylabel(f"{word}BTC")
        for axes in (interest, so_far):
            style.utc_axis(axes, spec, 0.0, float(time_s[-1]))
        so_far.set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        _draw_causes(by_cause, runs)
        what = f"{MEDIAN_BAND}; bars: median, black lines: 10-90 %" if len(runs) > 1 else "lines and bars: the seed"
        style.footnote(figure, run_id, [r.seed for r in runs], what)
    return figure


def _draw_causes(axes: Axes, runs: Sequence[Run]) -> None:
    """One horizontal bar for each cause, coins over the whole run, with the number beside it."""
    causes = (*FORCED, *CHOSEN)
    totals = np.array([[run.series[name].sum() for name, _ in causes] for run in runs])
    divisor, word = style.scale(totals)
    low, middle, high = seed_band(totals / divisor)
    at = np.arange(len(causes))[::-1]
    colors = [style.FORCED_SELL] * len(FORCED) + [style.CHOSEN] * len(CHOSEN)
    axes.barh(at, middle, height=0.65, color=colors)
    if len(runs) > 1:
        axes.hlines(at, low, high, color="#000000", linewidth=1.2)
    reach = float(high.max()) or 1.0
    what = "median " if len(runs) > 1 else ""
    for y, value, end in zip(at, middle, high, strict=True):
        axes.text(end + 0.01 * reach, y, f"{what}{words.amount(value * divisor, 'BTC')}", va="center", fontsize=8.5)
    axes.set_yticks(at, [label for _, label in causes])
    axes.set_xlim(0.0, 1.25 * reach)
    axes.grid(False, axis="y")
    axes.set_title("The same over the run, by cause")
    axes.set_xlabel(f"{word}BTC")
