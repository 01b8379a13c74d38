"""Figures and tables of a run with listings: prices by asset and exchange, who bore the losses, who was deleveraged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report import style, words
from sim.report.heatmap import median_run
from sim.results import Run, markets
from sim.results.summary import clock_text, headline_after_s, seed_band

Floats = NDArray[np.float64]
COLORS: Final = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#999999")
PANEL_POINTS: Final = 150
RECORDED_LOW_S: Final = 1800.0
"""21:20 UTC, seconds after 20:50: lows were recorded between 21:18 and 21:24 (EVENT.md 1)."""
RECORDED_LOWS: Final[tuple[tuple[str, str, float, float, float], ...]] = (
    ("btc", "cex_a", 102_000 / 116_848 - 1, 0.0, 0.0),
    ("btc", "cex_us", 107_000 / 116_848 - 1, 0.0, 0.0),
    ("eth", "cex_a", -0.143, 0.0, 0.0),
    ("alt", "cex_us", -0.33, -0.52, -0.10),
    ("alt", "cex_a_coin", -0.75, -0.86, -0.09),
)
"""Asset, exchange, fall from 20:49, deepest and least of the coins that the median is of: EVENT.md F10 (102,000 and
107,000 USD over 116,848 of 20:49), F6, F7 (17 altcoins), F8 (12 coin-margined altcoins)."""
GROUP_NAMES: Final = {
    "people": "people", "portfolios": "cross-margin accounts", "long short": "cross-margin accounts, long and short",
    "makers": "market makers", "bridge": "bridge firms", "hedgers": "hedgers", "arbitrage": "arbitrage firms",
    "dip buyers": "dip buyers", "background": "background flow", "latent": "latent layer", "trend": "trend followers",
    "agents": "agents of the user's own",
}  # fmt: skip
LAYER_NAMES: Final = {
    "margin": "margin of the liquidated", "fund": "fund or vault", "adl": "deleveraged traders (ADL)",
    "deficit": "deficit, borne by nobody",
}  # fmt: skip
LAYER_COLORS: Final = dict(zip(markets.LAYERS, ("#56B4E9", "#0072B2", "#D55E00", "#000000"), strict=True))
ADL_RECORDED: Final = {"top_10_frac": 0.46, "top_1pct_frac": 0.84}
"""Shares of the ten most deleveraged accounts and of the first hundredth: EVENT.md F39."""


def exchange_colors(run: Run) -> dict[str, str]:
    """One colour an exchange."""
    return {name: COLORS[k % len(COLORS)] for k, name in enumerate(markets.exchanges(run))}


def window(run: Run, before_s: float = 300.0, after_s: float = 4200.0) -> tuple[float, float]:
    """Part of the run to draw: around the headline of a replay, else all; seconds from the start."""
    headline_s, end_s = headline_after_s(run.spec), float(run.spec.duration)
    return (0.0, end_s) if headline_s is None else (max(0.0, headline_s - before_s), min(end_s, headline_s + after_s))


def base_name(run: Run) -> str:
    """What prices are a fraction of."""
    return "the start" if headline_after_s(run.spec) is None else "20:49 UTC"


def panel_figure(runs: Sequence[Run], run_id: str) -> Figure:
    """Small multiples, assets by rows and exchanges by columns: lowest trade of each step over the base price."""
    run = runs[0]
    listings, columns = run.spec.listings, markets.exchanges(run)
    assets = list(dict.fromkeys(listing.asset for listing in listings.values()))
    with style.rc():
        figure = style.new_figure(1.25 * len(assets) + 1.1)
        grid = figure.subplots(len(assets), len(columns), sharex=True, sharey="row", squeeze=False)
        for i, asset in enumerate(assets):
            for j, exchange in enumerate(columns):
                axes = grid[i, j]
                mine = [n for n, one in listings.items() if (one.asset, one.exchange) == (asset, exchange)]
                for name in mine:
                    _draw_cell(axes, runs, name)
                if mine:
                    _draw_recorded(axes, run, asset, exchange)
                else:
                    axes.text(
                        0.5, 0.5, "not listed", transform=axes.transAxes, ha="center", color="#777777", fontsize=8
                    )
                _dress_cell(axes, run, exchange if i == 0 else "", asset if j == 0 else "")
        marks = [line for axes in grid.flat for line in axes.get_lines() if not line.get_label().startswith("_")]
        named = {line.get_label(): line for line in marks}
        figure.legend(
            list(named.values()), list(named), loc="outside upper right", ncols=len(named), fontsize=8, frameon=False
        )
        shade = "line: median, shade: 10-90 % over seeds" if len(runs) > 1 else "lines: the seed"
        note = f"fraction of the price at {base_name(run)}; lowest trade of each step; {shade}"
        style.footnote(figure, run_id, [r.seed for r in runs], note)
    return figure


def _draw_cell(axes: Axes, runs: Sequence[Run], name: str) -> None:
    """Perp and spot of one listing in the window."""
    from_s, to_s = window(runs[0])
    edges = np.linspace(from_s, to_s, PANEL_POINTS + 1)
    market = runs[0].listings[name].spec.market
    for book, color, line in (("perp", style.SIMULATED, "-"), ("spot", style.NEWS, "--")):
        if not getattr(market, book):
            continue
        values = []
        for run in runs:
            share = markets.relative(run, name, book)
            place = np.digitize(share.index.to_numpy(), edges) - 1
            values.append(share.groupby(place).min().reindex(range(PANEL_POINTS)).to_numpy(np.float64))
        low, middle, high = seed_band(np.array(values))
        axes.plot(edges[1:], middle, line, color=color, linewidth=1.0, label=f"simulated {book}")
        if len(runs) > 1:
            axes.fill_between(edges[1:], low, high, color=color, alpha=0.25, linewidth=0)


def _draw_recorded(axes: Axes, run: Run, asset: str, exchange: str) -> None:
    """Recorded lows as points, at 21:20; bars reach from the least to the deepest fall of the coins."""
    headline_s = headline_after_s(run.spec)
    kind = "alt" if asset.startswith("alt") else asset
    for one, where, fall, deepest, least in RECORDED_LOWS:
        if headline_s is not None and (one, where) == (kind, exchange):
            at = headline_s + RECORDED_LOW_S
            axes.plot([at], [1.0 + fall], "D", color=style.RECORDED, markersize=4, label="recorded low, point")
            if deepest < 0.0:
                axes.vlines(at, 1.0 + deepest, 1.0 + least, color=style.RECORDED, linewidth=0.8)


def _dress_cell(axes: Axes, run: Run, title: str, label: str) -> None:
    style.utc_axis(axes, run.spec, *window(run))
    axes.set_xticks(axes.get_xticks()[::3])
    axes.tick_params(labelsize=7)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_title(title, fontsize=9)
    axes.set_ylabel(label, fontsize=9)


def listing_rows(runs: Sequence[Run]) -> list[list[str]]:
    """Table by listing: medians over seeds; the low with its range over seeds."""
    tables = [markets.by_listing(run) for run in runs]
    whole = pd.concat(tables).groupby("listing", sort=False)
    out = []
    for name, part in whole:
        first = part.iloc[0]
        fall = part["low_frac"] - 1.0
        has_perp = first["book"] == "perp"
        row = [str(name), first["asset"], first["exchange"], str(first["book"]), _middle(part["low_usd"], "price")]
        row += [_middle(fall, "fraction"), _clock(runs[0], part["low_after_s"])]
        for column, unit in (("forced_sell_usd", "USD"), ("adl_usd", "USD"), ("oi_change_frac", "fraction"),
                             ("depth_bid_usd", "USD")):  # fmt: skip
            row.append(_middle(part[column], unit) if has_perp else "no perp")
        if len(runs) > 1:
            row.append(
                f"{words.amount(float(fall.min()), 'fraction')} to {words.amount(float(fall.max()), 'fraction')}"
            )
        out.append(row)
    return out


def listing_head(runs: Sequence[Run]) -> list[str]:
    """Heads of the columns of ``listing_rows``."""
    base = base_name(runs[0])
    head = ["listing", "asset", "exchange", "low of", "lowest trade, USD", f"less {base}", "at (UTC)", "forced sales"]
    head += ["ADL", "open interest, change", "bids within 1 % at the low"]
    return head + (["fall, range over seeds"] if len(runs) > 1 else [])


def _middle(values: pd.Series, unit: str) -> str:
    """Median over seeds, a value that a seed has."""
    known = values.dropna()
    if not len(known):
        return "none"
    value = float(known.quantile(0.5, interpolation="lower"))
    return f"{value:,.6g}" if unit == "price" else words.amount(value, unit)


def _clock(run: Run, after_s: pd.Series) -> str:
    return (clock_text(run.spec.start_utc, float(after_s.quantile(0.5, interpolation="lower"))) or "none")[11:19]


def waterfall_figure(runs: Sequence[Run], run_id: str) -> Figure:
    """Stacked bars by exchange: all layers, and enlarged what margin did not bear; of one seed, so that they sum."""
    run = median_run(runs)
    table = markets.waterfall(run)
    table = table[table["whole_usd"] != 0.0] / 1e6
    with style.rc():
        figure = style.new_figure(3.9)
        left, right = figure.subplots(1, 2)
        for axes, layers, title in (
            (left, markets.LAYERS, "Who bore the losses of the liquidated"),
            (right, markets.LAYERS[1:], "The same without margin"),
        ):
            above, below, at = np.zeros(len(table)), np.zeros(len(table)), np.arange(len(table))
            for layer in layers:
                value = table[f"{layer}_usd"].to_numpy()
                start = np.where(value >= 0, above, below)
                axes.bar(at, value, 0.6, bottom=start, color=LAYER_COLORS[layer], label=LAYER_NAMES[layer])
                above, below = above + np.maximum(value, 0), below + np.minimum(value, 0)
            axes.axhline(0.0, color="#444444", linewidth=0.8)
            axes.set_ylim(top=1.05 * float(above.max(initial=0.0)) or 1.0)
            axes.set_xticks(at, table.index, fontsize=8)
            axes.set_title(title)
            axes.set_ylabel("million USD")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper right", ncols=4, fontsize=8, frameon=False)
        style.footnote(figure, run_id, [r.seed for r in runs], "bars: the seed; below 0: a gain", run.seed)
    return figure


def waterfall_rows(runs: Sequence[Run]) -> list[list[str]]:
    """Table of the layers in million USD of the seed that is drawn, with the sum over exchanges."""
    table = markets.waterfall(median_run(runs)) / 1e6
    table.loc["all exchanges"] = table.sum()
    return [
        [str(name), *(f"{value + 0.0:,.3f}" for value in row)]
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]


def waterfall_head() -> list[str]:
    """Heads of the columns of ``waterfall_rows``."""
    return ["exchange, million USD", *LAYER_NAMES.values(), "sum"]


def group_table(run: Run) -> pd.DataFrame:
    """Deleveraged dollars by group and side (rows, largest first) and exchange (columns)."""
    closed = markets.deleveraged(run)
    names = closed["group"].map(lambda g: GROUP_NAMES.get(g, g)) + ", " + closed["side"]
    table = closed.assign(who=names).pivot_table(
        index="who", columns="exchange", values="usd", aggfunc="sum", fill_value=0.0
    )
    return table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]


def adl_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Deleveraged dollars by group, stacked by exchange, of one seed; how concentrated they are, over seeds."""
    run = median_run(runs)
    table, colors = group_table(run) / 1e6, exchange_colors(run)
    if not len(table):
        return None
    with style.rc():
        figure = style.new_figure(max(3.2, 0.4 * len(table) + 1.6))
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        start, at = np.zeros(len(table)), np.arange(len(table))[::-1]
        for exchange in table.columns:
            left.barh(at, table[exchange], 0.65, left=start, color=colors[exchange], label=exchange)
            start = start + table[exchange].to_numpy()
        left.set_yticks(at, table.index, fontsize=8)
        left.set_xlabel("million USD deleveraged")
        left.set_title(f"Whose positions were closed{f', seed {run.seed}' if len(runs) > 1 else ''}")
        left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=6, frameon=False)
        _draw_concentration(right, runs)
        style.footnote(figure, run_id, [r.seed for r in runs], "right: median and 10-90 % over seeds with ADL")
    return figure


CONCENTRATED: Final = {"top_1_frac": "first", "top_10_frac": "first 10", "top_1pct_frac": "first 1 %",
                       "hedges_frac": "hedges\nbroken"}  # fmt: skip


def _draw_concentration(axes: Axes, runs: Sequence[Run]) -> None:
    found = [markets.concentration(markets.deleveraged(run)) for run in runs]
    values = 100.0 * np.array([[one[key] for key in CONCENTRATED] for one in found])
    low, middle, high = seed_band(values)
    at = np.arange(len(CONCENTRATED))
    axes.bar(at, middle, 0.6, color=style.FORCED_SELL, label="simulated")
    if len(runs) > 1:
        axes.vlines(at, low, high, color="#444444", linewidth=1.2)
    if headline_after_s(runs[0].spec) is not None:
        spots = [list(CONCENTRATED).index(key) for key in ADL_RECORDED]
        shares = [100.0 * share for share in ADL_RECORDED.values()]
        axes.plot(spots, shares, "D", color=style.RECORDED, markersize=5, label="recorded, one exchange")
    axes.set_xticks(at, list(CONCENTRATED.values()), fontsize=8)
    axes.set_ylabel("% of deleveraged dollars")
    axes.set_title("Most deleveraged owners")
    axes.set_ylim(0.0, 105.0)
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2, frameon=False)


def adl_rows(runs: Sequence[Run]) -> list[list[str]]:
    """Table by group of the seed that is drawn: million USD on each exchange, and share of the whole."""
    table = group_table(median_run(runs))
    whole = float(table.to_numpy().sum())  # no rows where nobody was deleveraged
    return [
        [str(who), *(f"{value / 1e6:,.3f}" for value in row), words.amount(float(row.sum()) / whole, "fraction")]
        for who, row in zip(table.index, table.to_numpy(), strict=True)
    ]


def adl_head(runs: Sequence[Run]) -> list[str]:
    """Heads of the columns of ``adl_rows``."""
    return ["deleveraged, million USD", *group_table(median_run(runs)).columns, "share of all"]
