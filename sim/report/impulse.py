"""Impulse responses in words, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.experiments.impulse import COLUMNS, NEAR, SHARE, SHOWN_S, TOUCH, Impulse
from sim.metrics.paired import Decay, Estimate
from sim.report import style, words
from sim.report.comparison import png_bytes, ratio

_SHORT_TICK_S = 0.1  # up to here the first seconds are those of the market and not of the tick (docs/compare.md)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def shown(found: Impulse) -> list[int]:
    """Places in ``found.after_s`` of the times that short tables show; the last is always one."""
    places = [int(np.flatnonzero(found.after_s == s)[0]) for s in SHOWN_S if s in found.after_s]
    return list(dict.fromkeys([*places, found.after_s.size - 1]))


def text(found: Impulse) -> str:
    """The responses as text for a terminal."""
    spec = found.scenario.spec
    seeds, hit = len(found.seeds), "bids" if found.side == "sell" else "asks"
    lines = [
        f"{words.plain_text(spec.title)} ({spec.name}): {found.side} orders in the {found.book} book "
        f"{f'of {found.listing} ' if found.listing else ''}"
        f"{words.duration(found.at_s)} after the start, over {words.duration(found.over_s)}",
        f"sizes are times D1 = {words.amount(found.depth_usd, 'USD')}, the {hit} within 1 % of mid at the start",
        f"{seeds} seed{'s' if seeds > 1 else ''}, each with and without the order, the same draws in both; intervals "
        f"{100 * found.level:g} % over seeds; scenario outcomes given this model, not a forecast",
        "",
        *_aligned(summary_rows(found)),
        "",
        "response in basis points, mean by time since the order",
        *_aligned(response_rows(found)),
        "",
        "the same, median",
        *_aligned(response_rows(found, medians=True)),
        "",
        "variance of the response between unpaired seeds over that between paired ones, by time",
        *_aligned(ratio_rows(found)),
    ]
    if found.recovered is not None:
        lines += ["", *resilience_lines(found)]
    return "\n".join([*lines, *(f"note: {note}" for note in notes(found))])


def summary_rows(found: Impulse) -> list[list[str]]:
    """Head and one row a size: value, share traded, peak and its time, half-life, what is left at the last time."""
    last = words.duration(float(found.after_s[-1]))
    rows = [["size", "value", "traded", "peak [bp]", "after", "half-life", f"left at {last}"]]
    for q in found.sizes:
        d = found.decays[q]
        rows.append(
            [
                f"{q:g} D1", words.amount(q * found.depth_usd, "USD"), f"{100 * found.filled(q):.0f} %",
                bracket(scaled(d.peak, 1e4), "{:.3g}"), bracket(d.peak_after_s, "{:g} s"),
                bracket(d.half_life_s, "{:g} s"), bracket(scaled(d.left, 100.0), "{:.3g} %"),
            ]
        )  # fmt: skip
    return rows


def response_rows(found: Impulse, medians: bool = False) -> list[list[str]]:
    """Head and one row a time: mean or median response of each size with its interval."""
    first = 3 if medians else 0
    rows = [["after", *(f"{q:g} D1" for q in found.sizes)]]
    for place in shown(found):
        ends = [[c[first + k][place - 1] for k in range(3)] for c in found.curves.values()]
        cells = [bracket(Estimate(*(1e4 * float(x) for x in end)), "{:.3g}") for end in ends]
        rows.append([words.duration(float(found.after_s[place])), *cells])
    return rows


def ratio_rows(found: Impulse) -> list[list[str]]:
    """Head and one row a time: variance ratio of each size."""
    rows = [["after", *(f"{q:g} D1" for q in found.sizes)]]
    for place in shown(found):
        cells = [ratio(float(c.variance_ratio[place - 1])) for c in found.curves.values()]
        rows.append([words.duration(float(found.after_s[place])), *cells])
    return rows


def resilience_lines(found: Impulse) -> list[str]:
    """Two sentences: how fast the depth that was taken is back, and how fast the price."""
    if found.recovered is None:
        return []
    _, gaps, ends, usd = found.recovered
    hit = "bids" if found.side == "sell" else "asks"
    head = (
        f"resilience: an order of {words.amount(usd, 'USD')}, {100 * SHARE:g} % of the {hit} within "
        f"{1e4 * TOUCH:g} bp, {gaps['depth'].shape[0]} seeds"
    )
    depth, price = ends["depth"], ends["price"]
    lost = bracket(scaled(depth.peak, 1e-6), "{:.3g}")
    return [
        head,
        f"  {hit} within {100 * NEAR:g} % of mid: {lost} million USD {_when(depth)}",
        f"  mid: {bracket(price.peak, '{:.3g}')} bp {_when(price)}",
    ]


def _when(d: Decay) -> str:
    return f"after {bracket(d.peak_after_s, '{:g} s')}; half of it is back {bracket(d.half_life_s, '{:g} s')} later"


def notes(found: Impulse) -> list[str]:
    """What a reader must know before a response is quoted."""
    said = []
    if found.failed:
        said.append(f"{found.failed} runs failed; their seeds are left out")
    if dropped := len(found.seeds) - min(found.paths(q)[0].shape[0] for q in found.sizes):
        said.append(f"up to {dropped} seeds are left out: a run failed, or a side of the book was empty")
    short = [q for q in found.sizes if found.filled(q) < 0.99]
    if short:
        said.append(f"orders of {', '.join(f'{q:g}' for q in short)} D1 traded in part: the venue bounds their price")
    if kinds := [q for q in found.sizes if _two_kinds(found, q)]:
        named = ", ".join(f"{q:g}" for q in kinds)
        said.append(f"seeds are of two kinds after {named} D1: the mean leaves the interval of the median, read that")
    if any(np.isinf(found.decays[q].half_life_s.value) for q in found.sizes):
        said.append(f"never: not by {words.duration(float(found.after_s[-1]))}, the last time that was looked at")
    tick = found.scenario.spec.tick
    if tick > _SHORT_TICK_S:
        said.append(
            f"nobody answers within a tick ({words.duration(tick)}), and quotes already on their way fill the book "
            "again: for the first seconds ask with --set tick=100ms"
        )
    said.append("a peak is the largest of a noisy mean and lies a little beyond that of the true one")
    return said


def _two_kinds(found: Impulse, q: float) -> bool:
    """Whether the mean response at the last time lies outside the interval of the median."""
    c = found.curves[q]
    return bool(c.mean[-1] < c.median_low[-1] or c.mean[-1] > c.median_high[-1])


def scaled(e: Estimate, factor: float) -> Estimate:
    """An estimate in another unit."""
    return Estimate(factor * e.value, factor * e.low, factor * e.high)


def bracket(e: Estimate, form: str) -> str:
    """A number with its interval, "never" for infinity; the number alone where there is no interval."""

    def one(value: float) -> str:
        return "-" if np.isnan(value) else "never" if np.isinf(value) else form.format(value)

    return one(e.value) if np.isnan(e.low) else f"{one(e.value)} [{one(e.low)}, {one(e.high)}]"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    wide = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip() for row in rows]


def response_figure(found: Impulse) -> Figure:
    """Response of each size with its interval on a logarithmic time axis; below, what pairing saves at each time."""
    n = len(found.sizes)
    rows, word = -(-n // 2), "sale" if found.side == "sell" else "purchase"
    with style.rc():
        figure = style.new_figure(2.6 * rows + 3.4)
        parts: Any = figure.subfigures(2, 1, height_ratios=(2.6 * rows, 2.8))
        top, below = parts
        panels = top.subplots(rows, 2 if n > 1 else 1, squeeze=False, sharex=True).flat
        for axes, q, colour in zip(panels, found.sizes, _colours(n), strict=False):
            c = found.curves[q]
            time_s = found.after_s[1:]
            axes.fill_between(time_s, 1e4 * c.low, 1e4 * c.high, color=colour, alpha=0.25, linewidth=0)
            axes.plot(time_s, 1e4 * c.mean, color=colour)
            axes.plot(time_s, 1e4 * c.median, color=colour, linestyle=":", linewidth=1.2)
            axes.axhline(0.0, color="#444444", linewidth=0.8)
            axes.set_title(f"{word} of {q:g} D1, {words.amount(q * found.depth_usd, 'USD')}")
            axes.set_ylabel("basis points of mid")
            _log_time(axes, found)
        for axes in list(top.axes)[n:]:
            axes.remove()
        _draw_ratios(below.subplots(), found)
        lines = f"line: mean over seeds, shade: its {100 * found.level:g} % interval, dots: median"
        what = f"{found.scenario.spec.name}, {found.book}; {lines}"
        style.footnote(figure, found.folder.name[-12:], list(found.seeds), what)
    return figure


def _draw_ratios(axes: Axes, found: Impulse) -> None:
    for q, colour in zip(found.sizes, _colours(len(found.sizes)), strict=True):
        finite = np.where(np.isfinite(found.curves[q].variance_ratio), found.curves[q].variance_ratio, np.nan)
        axes.plot(found.after_s[1:], finite, color=colour, label=f"{q:g} D1")
    axes.axhline(1.0, color="#444444", linewidth=0.8)
    axes.set_yscale("log")
    style.plain_log(axes)
    _log_time(axes, found)
    axes.set_xlabel("seconds since the order")
    axes.set_ylabel("ratio of variances")
    axes.set_title("Variance of the response between unpaired seeds over that between paired ones")
    axes.legend(loc="best", ncols=2)


def _colours(n: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(n)]


def _log_time(axes: Axes, found: Impulse) -> None:
    axes.set_xscale("log")
    axes.set_xlim(float(found.after_s[1]), float(found.after_s[-1]))
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}")


def resilience_figure(found: Impulse) -> Figure:
    """Depth and price after the probe of resilience, each seed less the same seed without: mean and 10-90 %."""
    from sim.report.figures import MEDIAN_BAND, draw_band

    with style.rc():
        figure = style.new_figure(5.2)
        depth, price = figure.subplots(2, 1, sharex=True)
        if found.recovered is not None:
            time_s, gaps, _, usd = found.recovered
            draw_band(depth, time_s, gaps["depth"] / 1e6, style.BID if found.side == "sell" else style.ASK, "depth")
            draw_band(price, time_s, gaps["price"], style.SIMULATED, "mid")
            hit = "Bids" if found.side == "sell" else "Asks"
            depth.set_title(f"{hit} within {100 * NEAR:g} % of mid after an order of {words.amount(usd, 'USD')}")
            depth.set_ylabel("million USD")
            price.set_title("Mid, difference of the logarithm")
            price.set_ylabel("basis points")
            price.set_xlabel("seconds since the order")
            for axes in (depth, price):
                axes.axhline(0.0, color="#444444", linewidth=0.8)
                axes.set_xscale("log")
                axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
        what = f"{found.scenario.spec.name}, {found.book}, run with the order less run without; {MEDIAN_BAND}"
        style.footnote(figure, found.folder.name[-12:], list(found.seeds), what)
    return figure


def plain(found: Impulse) -> dict[str, Any]:
    """The responses as plain data: what JSON holds."""
    ends = {
        f"{q:g}": {
            "notional_usd": q * found.depth_usd,
            "traded_share": found.filled(q),
            **{name: list(end) for name, end in found.decays[q]._asdict().items()},
        }
        for q in found.sizes
    }
    out = {
        "scenario": found.scenario.spec.name,
        "folder": str(found.folder),
        "seeds": list(found.seeds),
        "level": found.level,
        "at_s": found.at_s,
        "over_s": found.over_s,
        "side": found.side,
        "book": found.book,
        **({"listing": found.listing} if found.listing else {}),
        "depth_within_1pct_usd": found.depth_usd,
        "sizes": ends,
        "responses": found.table.astype(object).to_dict("records"),
        "failed": found.failed,
        "notes": notes(found),
    }
    if found.recovered is not None:
        _, gaps, closes, usd = found.recovered
        out["resilience"] = {
            "probe_usd": usd,
            "seeds": gaps["depth"].shape[0],
            **{kind: {name: list(end) for name, end in d._asdict().items()} for kind, d in closes.items()},
        }
    return out


def save(found: Impulse, out: Path) -> Path:
    """Write the table of responses (Parquet, CSV, units, LaTeX, JSON) and the figures.

    Parameters
    ----------
    found : Impulse
    out : Path
        Folder; made when missing, files of an earlier call are replaced.
    """
    from sim.experiments.export import escaped, latex_table, units_csv
    from sim.experiments.store import write_whole
    from sim.results.storage import csv_bytes, json_bytes, parquet_bytes

    out.mkdir(parents=True, exist_ok=True)
    name = found.folder.name[-12:]
    head, *rows = [[escaped(cell) for cell in row] for row in response_rows(found)]
    what = f"impulse response {name}, {len(found.seeds)} seeds: basis points with {100 * found.level:g} % intervals"
    files = {
        "responses.parquet": parquet_bytes(found.table, name, COLUMNS),
        "responses.csv": csv_bytes(found.table),
        "responses.units.csv": units_csv(found.table, COLUMNS),
        "responses.tex": latex_table(what, "l" * len(head), head, rows).encode(),
        "impulse.json": json_bytes(plain(found)),
        "impulse.txt": (text(found) + "\n").encode(),
    }
    for kind in ("response", *(("resilience",) if found.recovered is not None else ())):
        figure = found.plot(kind)
        files[f"{kind}.svg"] = style.svg_bytes(figure, f"{name}-{kind}")
        files[f"{kind}.png"] = png_bytes(figure)
    for file, data in files.items():
        write_whole(out / file, data)
    return out
