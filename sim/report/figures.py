"""The figures of the report; each takes the runs of one scenario and says on its face which run and how many seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report import style
from sim.report.forced import draw_feed
from sim.report.recorded import Recorded, simulated_shares
from sim.results import Run
from sim.results.summary import headline_after_s, seed_band

Floats = NDArray[np.float64]
_MOST_POINTS = 1200
_MOST_SEED_LINES, _MOST_SEED_POINTS = 32, 600
MEDIAN_BAND = "line: median, shade: 10-90 % over seeds, extremes kept"


def columns(runs: Sequence[Run], name: str) -> Floats:
    """One column of ``series`` of every run, seeds by rows."""
    return np.array([run.series[name].to_numpy(dtype=np.float64) for run in runs])


def draw_band(axes: Axes, time_s: Floats, values: Floats, color: str, label: str, **line: Any) -> None:
    """Median over seeds as a line, thinned to what a page shows; the 10-90 % band as a shade that keeps extremes."""
    low, middle, high = seed_band(values)
    step = max(1, -(-time_s.size // _MOST_POINTS))
    starts = np.arange(0, time_s.size, step)
    ends = np.minimum(starts + step, time_s.size) - 1
    if values.shape[0] > 1 or step > 1:
        low, high = np.fmin.reduceat(low, starts), np.fmax.reduceat(high, starts)
        axes.fill_between(time_s[ends], low, high, color=color, alpha=0.25, linewidth=0)
    axes.plot(time_s[ends], middle[ends], color=color, linewidth=line.pop("linewidth", 1.2), label=label, **line)


def price_figure(runs: Sequence[Run], run_id: str, recorded: Recorded | None = None) -> Figure:
    """Mark price, news value and recorded one-minute closes; the whole run above, the fall enlarged below."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    windows = [(0.0, float(time_s[-1]))]
    if float(time_s[-1]) > 7200.0:
        windows.append(_zoom(runs, time_s))
    with style.rc():
        figure = style.new_figure(3.6 * len(windows) + 0.4)
        for axes, window in zip(figure.subplots(len(windows), 1, squeeze=False)[:, 0], windows, strict=True):
            _draw_price(axes, runs, recorded, window)
        figure.axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.0)  # hides nothing
        figure.axes[-1].set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        style.footnote(figure, run_id, [r.seed for r in runs], MEDIAN_BAND if len(runs) > 1 else "line: the seed")
    return figure


def _draw_price(axes: Axes, runs: Sequence[Run], recorded: Recorded | None, window: tuple[float, float]) -> None:
    """One panel of the price figure: the whole run when it starts at 0, else enlarged, around the record if any."""
    from_s, to_s = window
    time_s = runs[0].series["elapsed_s"].to_numpy()
    part = (time_s >= from_s) & (time_s <= to_s)
    mark, value = columns(runs, "mark_usd")[:, part], columns(runs, "value_usd")[:, part]
    if 1 < len(runs) <= _MOST_SEED_LINES:
        _draw_seeds(axes, time_s[part], mark)
    draw_band(axes, time_s[part], mark, style.SIMULATED, "simulated mark")
    draw_band(axes, time_s[part], value, style.NEWS, "news value v (input)", linestyle="--")
    if ends := _where_fund_ends(runs):
        axes.plot(*zip(*ends, strict=True), "x", color=style.RECORDED, markersize=6, label="insurance fund used up")
    title = "Price, whole run" if from_s == 0.0 else "Price, enlarged"
    if recorded is not None:
        shown = (recorded.close_s >= from_s) & (recorded.close_s <= to_s)
        closes = recorded.close_usd[shown]
        label = "recorded mark, one-minute closes"
        axes.plot(recorded.close_s[shown], closes, color=style.RECORDED, linewidth=1.0, label=label)
        if from_s > 0.0:
            title += " around the record; what lies beyond the frame is cut off"
            _cut_to(axes, closes, seed_band(mark)[1], seed_band(value)[1])
    style.utc_axis(axes, runs[0].spec, from_s, to_s)
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    axes.set_ylabel("USD per BTC")
    axes.set_title(title)


def _where_fund_ends(runs: Sequence[Run]) -> list[tuple[float, float]]:
    """Time and mark at which the insurance fund of a seed is first used up; what follows is drawn like the rest."""
    ends = []
    for run in runs:
        gone = np.flatnonzero(run.series["fund_usd"].to_numpy() < 0)
        if gone.size:
            ends.append((float(run.series["elapsed_s"].iloc[gone[0]]), float(run.series["mark_usd"].iloc[gone[0]])))
    return ends


def _draw_seeds(axes: Axes, time_s: Floats, values: Floats) -> None:
    """Each seed as a thin line: a band over two kinds of outcome shows states that no seed visits."""
    step = max(1, -(-time_s.size // _MOST_SEED_POINTS))
    for k, seed in enumerate(values):
        axes.plot(time_s[::step], seed[::step], color=style.SEED, linewidth=0.5, label="each seed" if k == 0 else None)


def _cut_to(axes: Axes, *paths: Floats) -> None:
    """Limit the y axis to what the paths reach, with a margin."""
    reached = np.concatenate(paths)
    low, high = float(np.nanmin(reached)), float(np.nanmax(reached))
    margin = 0.15 * (high - low) or 0.01 * high
    axes.set_ylim(low - margin, high + margin)


def _zoom(runs: Sequence[Run], time_s: Floats) -> tuple[float, float]:
    """Part to enlarge: 20:45 to 22:00 of a replay, else 30 minutes either side of the median low."""
    headline_s = headline_after_s(runs[0].spec)
    if headline_s is not None:
        return max(0.0, headline_s - 300.0), min(float(time_s[-1]), headline_s + 4200.0)
    low_s = float(np.median([run.summary["low_after_s"] for run in runs]))
    return max(0.0, low_s - 1800.0), min(float(time_s[-1]), low_s + 1800.0)


def depth_figure(runs: Sequence[Run], run_id: str, recorded: Recorded | None = None) -> Figure:
    """Perp depth within 1 % of mid by side and, beside a record, as a share of the morning in the record's bands."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    rows = 1 if recorded is None else 2
    with style.rc():
        figure = style.new_figure(3.2 * rows + 0.4)
        top, *rest = figure.subplots(rows, 1, squeeze=False)[:, 0]
        for side, color in (("bid", style.BID), ("ask", style.ASK)):
            draw_band(top, time_s, columns(runs, f"depth_{side}_1pct_usd") / 1e6, color, f"{side}s within 1 % of mid")
        top.set_title("Perp depth within 1 % of mid")
        top.set_ylabel("million USD")
        top.set_ylim(bottom=0.0)
        top.legend(loc="best")
        style.utc_axis(top, spec, 0.0, float(time_s[-1]))
        for axes in rest:
            _draw_shares(axes, runs, recorded)
        figure.axes[-1].set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        style.footnote(figure, run_id, [r.seed for r in runs], MEDIAN_BAND if len(runs) > 1 else "line: the seed")
    return figure


def _draw_shares(axes: Axes, runs: Sequence[Run], recorded: Recorded | None) -> None:
    if recorded is None:
        return
    shares = [simulated_shares(run, recorded) for run in runs]
    for k, (side, color, known) in enumerate(
        (("bid", style.BID, recorded.bid_share), ("ask", style.ASK, recorded.ask_share))
    ):
        draw_band(axes, recorded.minute_s, np.array([s[k] for s in shares]), color, f"simulated {side}s")
        axes.plot(
            recorded.minute_s,
            known,
            color=color,
            linestyle="none",
            marker="ox"[k],
            markersize=3,
            label=f"recorded {side}s",
        )
    axes.set_title("Depth as a share of the morning, in the band that the record has in that minute")
    axes.set_ylabel("share of morning")
    axes.set_ylim(bottom=0.0)
    axes.legend(loc="best", ncols=2)
    style.utc_axis(axes, runs[0].spec, 0.0, float(runs[0].series["elapsed_s"].iloc[-1]))


def by_minute(time_s: Floats, flow: Floats) -> tuple[Floats, Floats]:
    """Sum of a flow (seeds by rows) in each minute; returns minute starts in seconds and sums."""
    minute = (np.ceil(time_s / 60.0) - 1).astype(np.int64).clip(min=0)
    sums: Floats = np.zeros((flow.shape[0], int(minute[-1]) + 1))
    for row, values in zip(sums, flow, strict=True):
        np.add.at(row, minute, values)
    starts: Floats = np.arange(sums.shape[1], dtype=np.float64) * 60.0
    return starts, sums


def liquidation_figure(runs: Sequence[Run], run_id: str) -> Figure:
    """Draw forced sales up and purchases down, per minute; below, what a public feed would show."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    sums = {name: by_minute(time_s, columns(runs, name)) for name in ("forced_sell_usd", "forced_buy_usd")}
    divisor, word = style.scale(*(usd for _, usd in sums.values()))
    with style.rc():
        figure = style.new_figure(5.6)
        flows, feed = figure.subplots(2, 1, height_ratios=(3, 2))
        for name, sign, color, label in (
            ("forced_sell_usd", 1.0, style.FORCED_SELL, "longs liquidated: forced sales (up)"),
            ("forced_buy_usd", -1.0, style.FORCED_BUY, "shorts liquidated: forced purchases (down)"),
        ):
            minute_s, usd = sums[name]
            _, middle, high = seed_band(usd / divisor)
            edges = np.append(minute_s, minute_s[-1] + 60.0)
            if len(runs) > 1:
                flows.stairs(sign * high, edges, fill=True, color=color, alpha=0.35)
            flows.stairs(sign * middle, edges, fill=True, color=color, label=label)
        flows.axhline(0.0, color="#444444", linewidth=0.8)
        flows.set_title("Liquidations through the perp book, per minute")
        flows.set_ylabel(f"{word}USD per minute")
        flows.legend(loc="best")
        draw_feed(feed, runs, float(time_s[-1]))
        for axes in (flows, feed):
            style.utc_axis(axes, spec, 0.0, float(time_s[-1]))
        feed.set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        what = (
            "dark bars and lines: median, light bars: 90 % quantile, shade: 10-90 % over seeds"
            if len(runs) > 1
            else "bars and lines: the seed"
        )
        style.footnote(figure, run_id, [r.seed for r in runs], what)
    return figure


def _log_axis(axes: Axes, values: Floats) -> None:
    """Logarithmic y axis over at least one decade around the values, with plain labels."""
    known = values[np.isfinite(values) & (values > 0.0)]
    if known.size:
        middle = float(np.sqrt(known.min() * known.max()))
        axes.set_yscale("log")
        axes.set_ylim(min(known.min() / 1.3, middle / 3.2), max(known.max() * 1.3, middle * 3.2))
        style.plain_log(axes)


def flow_figure(runs: Sequence[Run], run_id: str) -> Figure:
    """Spread of the perp book and messages per second."""
    spec, time_s = runs[0].spec, runs[0].series["elapsed_s"].to_numpy()
    width_s = float(time_s[1] - time_s[0]) if time_s.size > 1 else float(spec.record_every)
    with style.rc():
        figure = style.new_figure(4.6)
        spread, rate = figure.subplots(2, 1)
        draw_band(spread, time_s, columns(runs, "perp_spread_bp"), style.SIMULATED, "perp spread", linewidth=0.8)
        _log_axis(spread, columns(runs, "perp_spread_bp"))
        spread.set_title("Perp spread (best ask less best bid)")
        spread.set_ylabel("basis points of mid")
        run_on = time_s > 0.0  # the row at time 0 holds the orders that seeded the books
        draw_band(
            rate,
            time_s[run_on],
            columns(runs, "n_messages")[:, run_on] / width_s,
            style.SIMULATED,
            "messages",
            linewidth=0.8,
        )
        rate.set_title("Orders, cancels, reduces and replaces that reached a book")
        rate.set_ylabel("messages per second")
        rate.set_ylim(bottom=0.0)
        for axes in (spread, rate):
            style.utc_axis(axes, spec, 0.0, float(time_s[-1]))
        rate.set_xlabel(f"UTC, from {spec.start_utc:%Y-%m-%d}")
        style.footnote(figure, run_id, [r.seed for r in runs], MEDIAN_BAND if len(runs) > 1 else "line: the seed")
    return figure
