"""Figures over time of a run with listings: the day's events beside forced flow, gaps between exchanges, transfers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report import style, words
from sim.report.figures import columns, draw_band
from sim.report.heatmap import median_run
from sim.report.markets import COLORS, exchange_colors, window
from sim.report.recorded import Recorded
from sim.results import Run, markets
from sim.results.summary import clock_text, headline_after_s, seed_band

Floats = NDArray[np.float64]
AFTER_S: Final = 6000.0
"""Drawn of a replay: to 22:30 UTC, past the transfer halt and the depegs."""
MOMENTS: Final = ((0.0, "second headline 20:50"), (1800.0, "recorded BTC low 21:20"))
SPANS: Final = ((1320.0, 5340.0, "transfers halted 21:12-22:19", "#CC79A7"),
                (2760.0, 5160.0, "collateral marked down 21:36-22:16", "#56B4E9"))  # fmt: skip
"""Events of the day after 20:50 UTC, seconds from then (EVENT.md 1); the first headline, 14:57, is before the run."""
LINES: Final = ("-", "--", "-.", ":")


def timeline_figure(runs: Sequence[Run], run_id: str, recorded: Recorded | None) -> Figure:
    """Mark of the first listing with the day's events; below it forced orders by exchange and minute, of one seed: true
    and as a feed would publish them.
    """
    run, spec = median_run(runs), runs[0].spec
    from_s, to_s = window(run, after_s=AFTER_S)
    forced, colors = markets.forced_minutes(run), exchange_colors(run)
    with style.rc():
        figure = style.new_figure(8.2)
        top, true, shown = figure.subplots(3, 1, sharex=True, height_ratios=(1.3, 1, 1))
        shown.sharey(true)
        draw_band(
            top, runs[0].series["elapsed_s"].to_numpy(), columns(runs, "mark_usd"), style.SIMULATED, "simulated mark"
        )
        if recorded is not None:
            label = "recorded mark, one-minute closes"
            top.plot(recorded.close_s, recorded.close_usd, color=style.RECORDED, linewidth=1.0, label=label)
        _draw_events(top, runs[0])
        part = (runs[0].series["elapsed_s"] >= from_s) & (runs[0].series["elapsed_s"] <= to_s)
        shown_usd = columns(runs, "mark_usd")[:, part.to_numpy()]
        low, high = float(np.nanmin(shown_usd)), float(np.nanmax(shown_usd))
        if recorded is not None:
            near = recorded.close_usd[(recorded.close_s >= from_s) & (recorded.close_s <= to_s)]
            low, high = min(low, float(near.min())), max(high, float(near.max()))
        top.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        top.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
        top.set_ylabel("USD")
        top.set_title(f"Price of the first listing, {next(iter(spec.listings))}")
        top.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.0)
        for which, (axes, title) in enumerate(
            (
                (true, "Forced orders by exchange, each minute"),
                (shown, "The same as feeds of one order a second and symbol"),
            )
        ):
            amounts = {exchange: usd[which] / 1e6 for exchange, usd in forced.items() if usd[0].any()}
            _stack(axes, amounts, colors, from_s, to_s)
            axes.set_ylabel("million USD a minute")
            axes.set_title(title + (f", seed {run.seed}" if len(runs) > 1 else ""))
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="upper right", ncols=3)
        style.utc_axis(shown, spec, from_s, to_s)
        shown.set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        what = "mark: median, 10-90 % over seeds" if len(runs) > 1 else "lines and bars: the seed"
        style.footnote(figure, run_id, [r.seed for r in runs], what)
    return figure


def _stack(axes: Axes, amounts: dict[str, Floats], colors: dict[str, str], from_s: float, to_s: float) -> None:
    """Amounts of each minute from the start of the run, stacked, as far as the window shows them."""
    base: Floats | float = 0.0
    for name, whole in amounts.items():
        value = whole[int(from_s // 60) : int(-(-to_s // 60))]
        edges = 60.0 * (int(from_s // 60) + np.arange(value.size + 1))
        axes.stairs(base + value, edges, baseline=base, fill=True, color=colors[name], label=name)
        base = base + value
    axes.set_ylim(bottom=0.0)


def _draw_events(axes: Axes, run: Run) -> None:
    """What happened on the day; without a replay, the halts of the scenario."""
    headline_s = headline_after_s(run.spec)
    if headline_s is None:
        for from_s, to_s in halts(run):
            axes.axvspan(from_s, to_s, color="#CC79A7", alpha=0.15, label="transfers halted")
        return
    for k, (after_s, name) in enumerate(MOMENTS):
        axes.axvline(headline_s + after_s, color="#444444", linewidth=0.9, linestyle=":")
        axes.annotate(
            name, (headline_s + after_s, 0.97 - 0.09 * k), xycoords=("data", "axes fraction"), fontsize=8, va="top",
            xytext=(3, 0), textcoords="offset points",
        )  # fmt: skip
    for k, (from_s, to_s, name, color) in enumerate(SPANS):
        low = 0.02 + 0.09 * k
        axes.axvspan(headline_s + from_s, headline_s + to_s, low, low + 0.075, color=color, alpha=0.45)
        axes.annotate(
            name, (headline_s + from_s, low + 0.0375), xycoords=("data", "axes fraction"), fontsize=8, va="center",
            xytext=(3, 0), textcoords="offset points",
        )  # fmt: skip


def halts(run: Run) -> list[tuple[float, float]]:
    """Times in which the scenario stops transfers, seconds from the start."""
    return [(halt.at, halt.at + halt.over) for halt in run.spec.network.bridge.halts]


def gap_figure(runs: Sequence[Run], run_id: str) -> Figure:
    """Gaps of each asset between exchanges by minute, what bridge firms had on its way and what stopped them."""
    run, spec = median_run(runs), runs[0].spec
    from_s, to_s = window(runs[0], after_s=AFTER_S)
    with style.rc():
        figure = style.new_figure(9.6)
        panels = figure.subplots(4, 1, sharex=True)
        for axes, book in zip(panels[:2], ("perp", "spot"), strict=True):
            _draw_gaps(axes, runs, book)
        _draw_transit(panels[2], panels[3], run)
        for axes in panels:
            for k, (start, end) in enumerate(halts(run)):
                axes.axvspan(start, end, color="#CC79A7", alpha=0.13, label="transfers halted" if k == 0 else None)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        style.utc_axis(panels[-1], spec, from_s, to_s)
        panels[-1].set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        what = f"gaps: median over seeds; transfers: seed {run.seed}" if len(runs) > 1 else "the seed"
        style.footnote(figure, run_id, [r.seed for r in runs], what)
    return figure


def _draw_gaps(axes: Axes, runs: Sequence[Run], book: str) -> None:
    """Dearest less cheapest over the median price, %, on a logarithmic axis from 0.001 % up."""
    tables = [markets.gaps(run, book) for run in runs]
    for k, asset in enumerate(tables[0].columns):
        values = np.array([100.0 * table[asset].to_numpy(np.float64) for table in tables])
        middle = np.maximum(seed_band(values)[1], 1e-3)
        line = LINES[k % len(LINES)]
        axes.plot(tables[0].index, middle, line, color=COLORS[k % len(COLORS)], linewidth=1.2, label=asset)
    axes.set_title(f"{book.capitalize()}: dearest less cheapest exchange, at the end of each minute")
    axes.set_ylabel("% of the median")
    if len(tables[0].columns):
        axes.set_yscale("log")
        style.plain_log(axes)


def _draw_transit(amounts: Axes, legs: Axes, run: Run) -> None:
    """What is on its way, by where it goes; orders that a balance stopped."""
    table, colors = run.between["transit"], exchange_colors(run)
    values = {
        str(exchange): (part["cash_on_way_usd"] + part["coins_on_way_usd"]).to_numpy() / 1e6
        for exchange, part in table.groupby("exchange", sort=False)
    }
    _stack(
        amounts, {name: value for name, value in values.items() if value.any()}, colors, *window(run, after_s=AFTER_S)
    )
    amounts.set_title("Money and coins of bridge firms on their way, by where they go, at the end of each minute")
    amounts.set_ylabel("million USD")
    first = table[table["exchange"] == table["exchange"].iloc[0]]
    at = first["elapsed_s"].to_numpy() - 30.0
    legs.plot(at, first["legs_sent"], color=style.SIMULATED, label="orders sent")
    legs.plot(at, first["legs_stopped"], color=style.FORCED_SELL, linestyle="--", label="stopped: no balance")
    legs.set_title("Bridge firms: orders sent, and firms times ticks that found a gap and no balance")
    legs.set_ylabel("count a minute")
    legs.set_yscale("symlog", linthresh=10)
    legs.set_ylim(bottom=0)
    legs.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")


def gap_rows(runs: Sequence[Run]) -> list[list[str]]:
    """Largest gap of each asset: book, median over seeds, range, when (of the median seed)."""
    out = []
    for book in ("perp", "spot"):
        tables = [markets.gaps(run, book) for run in runs]
        for asset in tables[0].columns:
            most = pd.Series([float(table[asset].max()) for table in tables])
            here = markets.gaps(median_run(runs), book)[asset]
            at_s = float(here.index[int(np.nanargmax(here))]) if here.notna().any() else float("nan")
            when = clock_text(runs[0].spec.start_utc, at_s)
            row = [asset, book, words.amount(float(most.quantile(0.5, interpolation="lower")), "fraction")]
            row.append((when or "none")[11:16])
            if len(runs) > 1:
                row.append(
                    f"{words.amount(float(most.min()), 'fraction')} to {words.amount(float(most.max()), 'fraction')}"
                )
            out.append(row)
    return out


def feed_sentence(run: Run) -> str:
    """How much of the forced dollars feeds of one order a second would show, of one seed."""
    forced = markets.forced_minutes(run)
    true, shown = (float(sum(usd[which].sum() for usd in forced.values())) for which in range(2))
    if not true > 0.0:
        return "Nothing was liquidated through a book."
    return (
        f"Seed {run.seed}: {words.amount(true, 'USD')} were liquidated through the books; feeds that tell of one "
        f"order a second and symbol would show {words.amount(shown, 'USD')}, "
        f"{words.amount(shown / true, 'fraction')} of it."
    )
