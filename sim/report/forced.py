"""Figures of forced trading: fuel against floor at the start, who was forced, and what a public feed shows of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim import units
from sim.experiments.base_run import fuel
from sim.metrics.cascade import shown_by_feed
from sim.metrics.depth import inside
from sim.population import draw_population
from sim.report import style
from sim.results import Run
from sim.results.summary import seed_band
from sim.venues.profile import load_profile

Floats = NDArray[np.float64]
Rows = NDArray[np.void]

FALLS: Floats = np.linspace(0.0025, 0.10, 40)
LEVERAGE_EDGES = (0.0, 3.0, 5.0, 10.0, 20.0, np.inf)
LEVERAGE_NAMES = ("up to 3x", "3 to 5x", "5 to 10x", "10 to 20x", "above 20x")
RANK_EDGES = (0, 10, 100, 1000, 10**9)
RANK_NAMES = ("largest 10", "11 to 100", "101 to 1,000", "all others")
_MOST_POPULATIONS = 32


def fuel_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Dollars of longs that a fall would liquidate beside dollars of bids down to it, both at the start."""
    spec = runs[0].spec
    books = [run.bands.iloc[0] for run in runs if len(run.bands)]
    if not spec.leveraged.enabled or not books:
        return None
    owed = np.array([fuel(spec, run.seed, FALLS) for run in runs[:_MOST_POPULATIONS]])
    fuel_usd = owed * spec.market.open_interest * spec.market.price * 1e-9
    held = np.array(
        [[inside(b.iloc[3:].to_numpy(np.float64)[None, :], float(x), False)[0] for x in FALLS] for b in books]
    )
    floor_usd = held * np.array([[float(b["mid_usd"])] for b in books]) * 1e-9
    with style.rc():
        figure = style.new_figure(4.2)
        axes = figure.subplots()
        for values, color, label in (
            (fuel_usd, style.FORCED_SELL, "fuel: longs whose liquidation price lies within the fall"),
            (floor_usd, style.BID, "floor: visible perp bids within the fall"),
        ):
            low, middle, high = seed_band(values)
            axes.plot(100.0 * FALLS, middle, color=color, label=label)
            if len(values) > 1:
                axes.fill_between(100.0 * FALLS, low, high, color=color, alpha=0.25, linewidth=0)
        axes.set_title("Fuel and floor at the start, cumulative from the price down")
        axes.set_xlabel("fall from the starting price, %")
        axes.set_ylabel("billion USD")
        axes.set_xlim(0.0, 10.0)
        axes.set_ylim(bottom=0.0)
        axes.legend(loc="best")
        what = "line: median, shade: 10-90 % over seeds" if len(runs) > 1 else "lines: the seed"
        style.footnote(figure, run_id, [r.seed for r in runs], f"{what}; no price impact in the fuel")
    return figure


def crowd_of(run: Run) -> Rows:
    """The leveraged population of a run as it was drawn, in the order of its account rows."""
    spec, venue = run.spec, load_profile(run.spec.venue)
    perp = venue.perp
    return draw_population(
        spec.leveraged,
        venue.margin_tiers,
        units.lots(spec.market.open_interest, perp.lot_coin),
        units.ticks(spec.market.price, perp.tick_usd),
        run.seed,
        unit_micro=units.micro_per_tick_lot(perp.tick_usd, perp.lot_coin),
    )


def forced_by_group(run: Run) -> tuple[Floats, Floats]:
    """Share of the longs' coins that was liquidated, by leverage group and by size rank.

    Returns
    -------
    by_leverage : float64[5]
        Fractions, for ``LEVERAGE_NAMES``; NaN where a group holds nothing.
    by_rank : float64[4]
        Fractions, for ``RANK_NAMES``; an account stands for a weighted group of traders.
    """
    crowd = crowd_of(run)
    held = np.where(crowd["side"] > 0, crowd["lots"], 0).astype(np.float64)
    lost = np.zeros(len(crowd))
    rows = run.accounts["account"].to_numpy() - int(run.constants["first_leveraged"])
    mine = (rows >= 0) & (rows < len(crowd))
    closed = run.accounts["forced_btc"].to_numpy() + run.accounts["taken_btc"].abs().to_numpy()
    lost[rows[mine]] = np.abs(closed[mine]) / float(run.constants["lot_coin"])
    lost = np.minimum(lost, held)  # a position built again after a liquidation is not counted twice
    group = np.digitize(crowd["leverage"], LEVERAGE_EDGES[1:-1])
    rank = np.empty(len(crowd), np.int64)
    rank[np.argsort(-held, kind="stable")] = np.arange(len(crowd))
    class_ = np.digitize(rank, RANK_EDGES[1:-1])
    return _shares(group, lost, held, len(LEVERAGE_NAMES)), _shares(class_, lost, held, len(RANK_NAMES))


def _shares(group: NDArray[np.int64], lost: Floats, held: Floats, n: int) -> Floats:
    whole, part = (np.bincount(group, weights=x, minlength=n)[:n] for x in (held, lost))
    return np.asarray(np.divide(part, whole, out=np.full(n, np.nan), where=whole > 0))


def who_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Share of the longs' coins that was liquidated, by leverage at the start and by size; None where nobody was."""
    if not runs[0].spec.leveraged.enabled or "first_leveraged" not in runs[0].constants:
        return None
    shares = [forced_by_group(run) for run in runs[:_MOST_POPULATIONS]]
    if not any(np.nansum(by_leverage) for by_leverage, _ in shares):
        return None
    with style.rc():
        figure = style.new_figure(3.8)
        panels = (("by leverage at the start", LEVERAGE_NAMES), ("by size at the start", RANK_NAMES))
        axes_pair = figure.subplots(1, 2, sharey=True)
        for k, (axes, (title, names)) in enumerate(zip(axes_pair, panels, strict=True)):
            low, middle, high = seed_band(100.0 * np.array([s[k] for s in shares]))
            at = np.arange(len(names))
            axes.bar(at, middle, width=0.6, color=style.FORCED_SELL)
            if len(shares) > 1:
                axes.vlines(at, low, high, color="#444444", linewidth=1.2)
            axes.set_xticks(at, names)
            axes.set_title(f"Longs liquidated, {title}")
            axes.set_ylim(bottom=0.0)
        axes_pair[0].set_ylabel("% of the group's coins")
        what = "bars: median, lines: 10-90 % over seeds" if len(runs) > 1 else "bars: the seed"
        style.footnote(figure, run_id, [r.seed for r in runs], what)
    return figure


def feed_usd(run: Run) -> tuple[Floats, Floats]:
    """Liquidations of each second in dollars: all of them, and the last order alone, which is what a feed shows.

    Returns
    -------
    second_s : float64[n]
        Seconds of the run that have a forced order, rising.
    both_usd : float64[n, 2]
        All orders; those that ``metrics.cascade.shown_by_feed`` says a feed of one order a second shows.
    """
    forced = run.events[run.events["kind"] == "forced_order"]
    value = (forced["quantity_btc"].abs() * forced["price_usd"]).to_numpy()
    elapsed_s = forced["elapsed_s"].to_numpy()
    if elapsed_s.size == 0:
        return np.empty(0), np.empty((0, 2))
    last = np.flatnonzero(shown_by_feed(elapsed_s))
    first = np.concatenate(([0], last[:-1] + 1))
    return np.ceil(elapsed_s[last]), np.column_stack((np.add.reduceat(value, first), value[last]))


def draw_feed(axes: Axes, runs: Sequence[Run], end_s: float) -> None:
    """Cumulative liquidations, true and as a feed would show them, median and band over seeds."""
    grid = np.arange(0.0, end_s + 30.0, 60.0)
    totals = np.zeros((2, len(runs), grid.size))
    for k, run in enumerate(runs):
        at, values = feed_usd(run)
        if at.size:
            row = np.searchsorted(at, grid, side="right")
            for which in range(2):
                totals[which, k] = np.concatenate(([0.0], np.cumsum(values[:, which])))[row]
    divisor, word = style.scale(totals)
    for values, color, label in (
        (totals[0], style.FORCED_SELL, "all liquidations"),
        (totals[1], style.SIMULATED, "as published: the last order of each second"),
    ):
        low, middle, high = seed_band(values / divisor)
        axes.plot(grid, middle, color=color, label=label)
        if len(runs) > 1:
            axes.fill_between(grid, low, high, color=color, alpha=0.25, linewidth=0)
    axes.set_title("Liquidations so far, true and as a feed of one order a second would show them")
    axes.set_ylabel(f"{word}USD")
    axes.set_ylim(bottom=0.0)
    axes.legend(loc="best")
