"""Figures of ``shoal amplify``: share of seeds by shock, critical shock by depth, amplification, phases, fuel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.special import ndtr

from sim.experiments.amplify import Answer
from sim.experiments.amplify_tables import critical_frame, settings_frame
from sim.report import style, words

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

_COLORS = ("#000000", "#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#D55E00", "#CC79A7")
_MARKS = "osD^v<>P"


def figures(answer: Answer, fuel: pd.DataFrame | None = None) -> dict[str, Figure]:
    """All figures by name; those that the question has no data for are left out."""
    frame, critical = settings_frame(answer), critical_frame(answer)
    run_id = answer.folder.name.rpartition("-")[2]
    seeds = int(frame["seeds"].max()) if len(frame) else 0
    near = int(critical["seeds"].max()) if len(critical) else seeds
    out: dict[str, Figure] = {}
    with style.rc():
        if answer.axis.kind == "news":
            out["share"] = share_figure(answer, frame)
            if (critical["beyond"] == "").any():
                out["critical"] = critical_figure(answer, critical)
                out["phase"] = phase_figure(frame, critical)
            out["amplification"] = amplification_figure(frame)
        else:
            out["flow"] = flow_figure(frame)
        if fuel is not None and len(fuel):
            out["fuel"] = fuel_figure(fuel)
        for name, figure in out.items():
            n = near if name == "critical" else seeds
            style.footnote(figure, run_id, range(1, n + 1), _ABOUT[name])
    return out


_ABOUT = {
    "share": "marks: share of seeds that cascade, bars: Wilson 95 %, lines: probit fit",
    "critical": "at most, by depth; marks: news from which half cascade, bars: 95 %, shade: curve where it holds",
    "phase": "colour: share of seeds that cascade, line: one half, shade: its 95 % interval",
    "amplification": "median fall over median base fall of the same seeds, bars: bootstrap 95 % over seeds",
    "flow": "median fall over the median at depth 1, bars: paired bootstrap 95 % over seeds",
    "fuel": "cumulative from the starting price down, medians over seeds; later quotes and latent demand are not in it",
}


def share_figure(answer: Answer, frame: pd.DataFrame) -> Figure:
    """Share of seeds that cascade against the size of the news, a line a depth, a panel a layer."""
    layers = list(dict.fromkeys(frame["layer"]))
    figure = style.new_figure(4.2 if len(layers) < 4 else 7.5)
    panels = figure.subplots(*_grid(len(layers)), sharey=True, squeeze=False).ravel()
    for axes, layer in zip(panels, layers, strict=False):
        for k, (depth, rows) in enumerate(frame[frame["layer"] == layer].groupby("depth", sort=False)):
            color, mark = _COLORS[k % 8], _MARKS[k % 8]
            x, share = -rows["size"].to_numpy(), 100.0 * rows["cascade_share"].to_numpy()
            bars = 100.0 * np.abs(rows[["cascade_low", "cascade_high"]].to_numpy().T) - share
            axes.errorbar(x, share, yerr=np.abs(bars), fmt=mark, color=color, markersize=5, linewidth=0.9,
                          label=f"x{depth:g}")  # fmt: skip
            c = answer.critical.get((layer, float(str(depth))))
            if c is not None and not c.beyond:
                fine = np.linspace(x.min(), x.max(), 200)
                axes.plot(fine, 100.0 * ndtr(np.log(fine / (100.0 * c.size)) / c.spread), color=color, linewidth=1.0)
        axes.axhline(50.0, color="#888888", linewidth=0.8, linestyle=":")
        axes.set_title(LAYER_WORDS[layer])
        axes.set_xlabel("lowest point of the news, % below its start")
        axes.set_ylim(-3.0, 103.0)
    panels[0].set_ylabel("seeds that cascade, %")
    panels[0].legend(title="depth", loc="best", ncols=2)
    for axes in panels[len(layers) :]:
        axes.set_visible(False)
    return figure


def critical_figure(answer: Answer, critical: pd.DataFrame) -> Figure:
    """Critical shock against depth, both on logarithmic axes, with the fitted power."""
    figure = style.new_figure(4.4)
    axes = figure.subplots()
    for k, (layer, rows) in enumerate(critical.groupby("layer", sort=False)):
        inside = rows[rows["beyond"] == ""]
        aside = 1.0 + 0.012 * (k - 0.5 * (critical["layer"].nunique() - 1))
        x, y = inside["depth"].to_numpy() * aside, inside["critical_pct"].to_numpy()
        ends = np.abs(inside[["critical_low", "critical_high"]].to_numpy().T - y)
        slope = answer.elasticity[str(layer)]
        said = (
            f", s* ~ depth^{slope.slope:.2f} [{slope.low:.2f}, {slope.high:.2f}]" if math.isfinite(slope.slope) else ""
        )
        axes.errorbar(x, y, yerr=ends, fmt=_MARKS[k % 8], color=_COLORS[k % 8], capsize=3,
                      label=LAYER_WORDS[str(layer)] + said)  # fmt: skip
        curve = answer.curves.get(str(layer))
        if curve is not None and curve.holds:
            rising = np.argsort(curve.depths)
            band = 100.0 * curve.low[rising], 100.0 * curve.high[rising]
            axes.fill_between(curve.depths[rising] * aside, *band, color=_COLORS[k % 8], alpha=0.2, linewidth=0)
        if math.isfinite(slope.slope) and len(y) > 1:
            middle = math.exp(float(np.mean(np.log(y))) - slope.slope * float(np.mean(np.log(inside["depth"]))))
            fine = np.geomspace(inside["depth"].min(), inside["depth"].max(), 50)
            axes.plot(fine, middle * fine**slope.slope, color=_COLORS[k % 8], linewidth=0.9)
        for _, row in rows[rows["beyond"] != ""].iterrows():
            text, at = f"x{row['depth']:g}: {row['beyond']} the sizes run", (row["depth"], 0.02 + 0.05 * k)
            coords = ("data", "axes fraction")
            axes.annotate(text, at, xycoords=coords, fontsize=8, color=_COLORS[k % 8], ha="center")
    axes.set_yscale("log")
    _depth_axis(axes, critical)
    low, high = axes.get_ylim()
    steps = [v for v in MaxNLocator(7).tick_values(low, high) if low <= v <= high]
    axes.set_yticks(steps, [f"{v:g}" for v in steps])
    axes.minorticks_off()
    axes.set_ylabel("critical shock s*: news from which\nhalf of the seeds cascade, %")
    axes.legend(loc="best")
    return figure


def phase_figure(frame: pd.DataFrame, critical: pd.DataFrame) -> Figure:
    """Crowding by shock: who cascades, and where one half do."""
    figure = style.new_figure(4.6)
    axes = figure.subplots()
    layer = str(frame["layer"].iloc[0])
    rows, lines = frame[frame["layer"] == layer], critical[critical["layer"] == layer]
    crowding = dict(zip(lines["depth"], lines["crowding"], strict=True))
    x = np.array([crowding[d] for d in rows["depth"]])
    norm = Normalize(0.0, 100.0)
    axes.scatter(x, -rows["size"], c=100.0 * rows["cascade_share"], s=110, cmap="viridis", norm=norm,
                 edgecolors="#444444", linewidths=0.5, zorder=3)  # fmt: skip
    inside = lines[lines["beyond"] == ""].sort_values("crowding")
    axes.fill_between(inside["crowding"], inside["critical_low"], inside["critical_high"], color=style.FORCED_SELL,
                      alpha=0.3, linewidth=0)  # fmt: skip
    axes.plot(inside["crowding"], inside["critical_pct"], color=style.FORCED_SELL, label="half of the seeds cascade")
    axes.set_xscale("log")
    ticks = sorted(crowding.values())
    axes.set_xticks(ticks, [f"{v:.3g}" for v in ticks], rotation=30)
    axes.minorticks_off()
    axes.set_xlabel("crowding: open interest over visible perp bids within 1 % of mid, at the start")
    axes.set_ylabel("lowest point of the news, % below its start")
    axes.set_title(LAYER_WORDS[layer])
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)  # above: marks reach every corner
    bar = figure.colorbar(ScalarMappable(norm, "viridis"), ax=axes)
    bar.set_label("seeds that cascade, %")
    return figure


def amplification_figure(frame: pd.DataFrame) -> Figure:
    """Fall over base fall against depth, a line a size; beside it only the seeds that do not cascade."""
    figure = style.new_figure(4.4)
    left, right = figure.subplots(1, 2)
    layer = str(frame["layer"].iloc[0])
    for k, (size, rows) in enumerate(frame[frame["layer"] == layer].groupby("size", sort=False)):
        if len(rows) < 2:
            continue  # a size that was run at one depth, near its threshold
        ordered = rows.sort_values("depth")
        x = ordered["depth"].to_numpy() * (1.0 + 0.01 * k)
        priced = (ordered["share_without_floor"] < 0.5).to_numpy()
        if priced.any():
            _bars(left, k, x[priced], ordered[priced], "amplification", f"news {size:g} %")
        right.plot(x, ordered["amplification_if_not"], marker=_MARKS[k % 8], color=_COLORS[k % 8], markersize=4)
    left.set_yscale("log")
    style.plain_log(left)
    titles = ("all seeds, where fewer than half fall beyond 40 %", "seeds that do not cascade (ten or more)")
    for axes, title in zip((left, right), titles, strict=True):
        _depth_axis(axes, frame)
        axes.set_title(title)
    left.set_ylabel("amplification: fall over base fall")
    if left.has_data():
        left.legend(loc="lower left", bbox_to_anchor=(0.0, 1.06), ncols=3, borderaxespad=0.0)
    return figure


def flow_figure(frame: pd.DataFrame) -> Figure:
    """Cost of a sale against depth, relative to depth 1, and over the base run."""
    figure = style.new_figure(4.4)
    left, right = figure.subplots(1, 2)
    for k, ((layer, size), rows) in enumerate(frame.groupby(["layer", "size"], sort=False)):
        ordered = rows.sort_values("depth")
        label = f"{words.amount(float(str(size)), 'USD')}, {LAYER_WORDS[str(layer)]}"
        x = ordered["depth"].to_numpy() * (1.0 + 0.01 * k)
        for axes, name in ((left, "flow_ratio"), (right, "amplification")):
            _bars(axes, k, x, ordered, name, label)
    for axes, title in ((left, "A_flow: fall over that at depth 1"), (right, "fall over the base run's")):
        _depth_axis(axes, frame)
        axes.set_title(title)
    left.set_ylabel("ratio of medians")
    left.legend(loc="lower left", bbox_to_anchor=(0.0, 1.06), ncols=2, borderaxespad=0.0)
    return figure


def fuel_figure(fuel: pd.DataFrame) -> Figure:
    """Longs that a fall would liquidate, beside the bids of the start at each depth."""
    figure = style.new_figure(4.4)
    axes: Axes = figure.subplots()
    layer = str(fuel["layer"].iloc[0])
    lines = fuel[fuel["layer"] == layer]
    for k, (depth, rows) in enumerate(lines.groupby("depth", sort=False)):
        if k == 0:
            axes.plot(100.0 * rows["fall"], 1e-9 * rows["fuel_usd"], color=style.FORCED_SELL, linewidth=2.0,
                      label="fuel: longs liquidated within the fall")  # fmt: skip
        axes.plot(100.0 * rows["fall"], 1e-9 * rows["floor_usd"], color=_COLORS[k % 8], linewidth=1.0,
                  label=f"floor: bids within it, depth x{depth:g}")  # fmt: skip
    axes.set_xlim(0.0, 10.0)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("fall from the starting price, %")
    axes.set_ylabel("billion USD")
    axes.set_title(LAYER_WORDS[layer])
    axes.legend(loc="upper left")
    return figure


def _bars(axes: Axes, k: int, x: Floats, rows: pd.DataFrame, name: str, label: str, factor: float = 1.0) -> None:
    """One column with its interval, in the k-th colour and mark; lines join the points."""
    y, low, high = (
        factor * rows[column].to_numpy(dtype=np.float64) for column in (name, f"{name}_low", f"{name}_high")
    )
    ends = np.abs(np.array([y - low, high - y]))
    color, mark = _COLORS[k % 8], _MARKS[k % 8]
    axes.errorbar(x, y, yerr=ends, marker=mark, color=color, label=label, linewidth=1.0, markersize=4)


def _depth_axis(axes: Axes, frame: pd.DataFrame) -> None:
    axes.set_xscale("log")
    ticks = sorted(set(frame["depth"]))
    axes.set_xticks(ticks, [f"x{d:g}" for d in ticks])
    axes.minorticks_off()
    axes.set_xlabel("depth, times the scenario's")


def _grid(n: int) -> tuple[int, int]:
    return (1, n) if n < 4 else (2, -(-n // 2))


LAYER_WORDS = {
    "all": "visible, latent and refill scaled",
    "visible": "visible depth scaled",
    "latent": "latent depth scaled",
    "refill": "refill scaled",
    "all+answer": "all three scaled, makers' answer too",
    "visible+answer": "visible depth scaled, makers' answer too",
}
