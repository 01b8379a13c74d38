"""Figures of the experiments from their files in ``results/published``: ``... calibration.experiments figures``."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from calibration.experiments.common import OUT
from calibration.experiments.fund_figures import leverage_figure, path_figure
from sim.metrics.stylised import impact_exponent
from sim.report import style
from sim.report.published import Published, read_published

COLORS = (style.BID, style.NEWS, style.FORCED_SELL, style.FORCED_BUY, style.CHOSEN, style.SEED)
MARKS = "os^Dv"
Row = dict[str, str]


def flow_figure(found: Published) -> Figure:
    """Cost of a sale against visible depth, a line a size, with and without leverage; answer of makers kept, scaled."""
    sizes = sorted({float(row["sale_musd"]) for row in found.rows})
    with style.rc():
        figure = style.new_figure(4.8)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, answer in zip(panels, ("kept", "scaled"), strict=True):
            axes.set_xscale("log")
            axes.set_yscale("log")
            for size, color, mark in zip(sizes, COLORS, MARKS, strict=False):
                for leverage, aside in (("True", 0.985), ("False", 1.015)):  # aside, so that no interval hides another
                    rows = _sorted(found.rows, "visible", sale_musd=size, leverage=leverage, answer=answer)
                    if not rows:
                        continue
                    line = "-" if leverage == "True" else "--"
                    _errorbar(axes, aside * _numbers(rows, "visible"), rows, "fall_bp", color=color, linestyle=line,
                              marker=mark, markerfacecolor=color if leverage == "True" else "white")  # fmt: skip
            _depth_axis(axes, _numbers(found.rows, "visible"))
            _plain_log(axes, _numbers(found.rows, "fall_bp_low", "fall_bp_high"))
            said = {"kept": "makers' answer to a dollar kept", "scaled": "answer in inverse proportion to depth"}[
                answer
            ]
            axes.set_title(said, pad=24.0)
            axes.set_xlabel("visible depth, times the calm book's")
        panels[0].set_ylabel("deepest fall of the mark after a sale in a minute, bp")
        keys = [
            Line2D([], [], color=c, marker=m, label=f"${s:g}m") for s, c, m in zip(sizes, COLORS, MARKS, strict=False)
        ]
        kinds = [
            Line2D([], [], color="#444444", marker="o", label="with leverage"),
            Line2D([], [], color="#444444", marker="o", linestyle="--", markerfacecolor="white", label="without"),
        ]
        for axes, handles in zip(panels, (keys, kinds), strict=True):
            axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2)
        _foot(
            figure, found, "marks: median over seeds of the fall against the run without the sale, bars: 95 % interval"
        )
    return figure


def depth_figure(found: Published) -> Figure:
    """Share of seeds that cascade against the size of the news, a line a depth; visible, latent, both scaled."""
    with style.rc():
        figure = style.new_figure(4.4)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, kind in zip(panels, ("visible", "latent", "both"), strict=True):
            scales = sorted(
                {
                    1.0,
                    *(
                        float(name.split(" x")[1])
                        for name in _names(found)
                        if name.startswith(kind) and "," not in name
                    ),
                },
                reverse=True,
            )
            for k, (scale, color, mark) in enumerate(zip(scales, COLORS, MARKS, strict=False)):
                name = "x1" if scale == 1.0 else f"{kind} x{scale:g}"
                rows = _sorted(found.rows, "news_pct", depth=name)
                at = -_numbers(rows, "news_pct") + 0.04 * (k - 0.5 * (len(scales) - 1))
                _errorbar(axes, at, rows, "cascade", 100.0, middle="cascade_share", color=color, marker=mark,
                          label=f"x{scale:g}")  # fmt: skip
            axes.set_title(f"{kind} depth scaled" if kind != "both" else "visible and latent depth scaled")
            axes.set_xticks(sorted(set(-_numbers(found.rows, "news_pct"))))
            axes.xaxis.set_major_formatter(lambda v, _: f"-{v:g}")
            axes.set_ylim(-3.0, 103.0)
            axes.legend(loc="upper left", title="depth", title_fontsize=9)
        panels[0].set_ylabel("seeds that cascade, %")
        panels[1].set_xlabel("news over a minute, %")
        what = "marks: share of seeds whose second-round forced exceeds 2 % of open interest, bars: Wilson 95 %"
        _foot(figure, found, f"{what}; marks stand a little apart to be seen")
    return figure


def impact_figure(found: Published) -> Figure:
    """Impact of metaorders against their size beside the square-root law, by duration."""
    with style.rc():
        figure = style.new_figure(4.8)
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        left_out, drawn = 0, []
        for hours, color, mark in zip(sorted({float(row["hours"]) for row in found.rows}), COLORS, MARKS, strict=False):
            rows = _sorted(found.rows, "musd", hours=hours)
            size, impact, error = (_numbers(rows, name) for name in ("musd", "impact_bp", "standard_error_bp"))
            up = impact > 0.0
            left_out += int((~up).sum())
            half = 1.96 * error[up]
            low = np.minimum(half, 0.95 * impact[up])  # a bar that reaches 0 has no end on this axis
            label = f"over {hours:g} h, exponent {impact_exponent(size, impact):.2f}"
            axes.errorbar(size[up], impact[up], yerr=(low, half), color=color, marker=mark, markersize=5, linewidth=1.2,
                          elinewidth=0.9, capsize=2.5, label=label)  # fmt: skip
            drawn += [impact[up], impact[up] + half]
        rows = _sorted(found.rows, "musd", hours=min(float(row["hours"]) for row in found.rows))
        size, law = _numbers(rows, "musd"), _numbers(rows, "square_root_bp")
        axes.plot(size, law, color=style.RECORDED, linestyle=":", label="square-root law, exponent 0.5 (not fitted)")
        _plain_log(axes, np.concatenate([*drawn, law]))
        axes.set_xticks(size, [f"{s:,.0f}" for s in size])
        axes.minorticks_off()
        axes.set_xlabel("size of the metaorder, million USD")
        axes.set_ylabel("move of the mid at its end, basis points")
        axes.set_title("Impact of a sale spread over hours, against the run of the same seed without it")
        axes.legend(loc="upper left")
        missing = f"; {left_out} means below 0 not drawn" if left_out else ""
        what = "marks: mean over seeds, bars: 1.96 standard errors (to the frame: 0 or less)"
        _foot(figure, found, what + missing)
    return figure


FIGURES: dict[str, Callable[[Published], Figure]] = {
    "flow_shock": flow_figure,
    "depth_grid": depth_figure,
    "impact": impact_figure,
    "leveraged_funds": leverage_figure,
    "critical_leverage": path_figure,
}
"""Figure by the name of its file."""


def draw(folder: Path = OUT) -> list[Path]:
    """Draw every figure whose file is there, as SVG beside it; returns what was written.

    Parameters
    ----------
    folder : Path
        Folder with the CSV files of the experiments.
    """
    written = []
    for name, make in FIGURES.items():
        source = folder / f"{name}.csv"
        if not source.is_file():
            print(f"{source.name} is not there: no figure")
            continue
        target = source.with_suffix(".svg")
        target.write_bytes(style.svg_bytes(make(read_published(source)), name))
        print(f"wrote {target.name}")
        written.append(target)
    return written


def _names(found: Published) -> list[str]:
    return list(dict.fromkeys(row["depth"] for row in found.rows))


def _sorted(rows: Sequence[Row], by: str, **where: float | str) -> list[Row]:
    """Rows that agree with ``where``, rising in a column.

    Raises
    ------
    ValueError
        When two rows claim the same mark: the file varies something that the figure does not show.
    """

    def agrees(row: Row) -> bool:
        return all(row[key] == v if isinstance(v, str) else float(row[key]) == v for key, v in where.items())

    mine = sorted(filter(agrees, rows), key=lambda row: float(row[by]))
    if len({float(row[by]) for row in mine}) < len(mine):
        raise ValueError(f"two rows with the same {by} and {where}: the figure shows one")
    return mine


def _numbers(rows: Sequence[Row], *names: str) -> np.ndarray:
    return np.array([float(row[name]) for name in names for row in rows])


def _errorbar(
    axes: Axes, at: np.ndarray, rows: Sequence[Row], name: str, factor: float = 1.0, *, middle: str = "", **look: object
) -> None:
    """Value with its interval, which the file may have rounded past it; one that is not known (NaN) is not drawn."""
    value, low, high = (factor * _numbers(rows, column) for column in (middle or name, f"{name}_low", f"{name}_high"))
    bars = np.maximum((value - low, high - value), 0.0)
    axes.errorbar(at, value, yerr=bars, markersize=5, linewidth=1.2, elinewidth=0.9, capsize=2.5, **look)


def _depth_axis(axes: Axes, scales: np.ndarray) -> None:
    at = sorted(set(scales))
    axes.set_xticks(at, [f"x{scale:g}" for scale in at])
    axes.minorticks_off()


def _plain_log(axes: Axes, values: np.ndarray) -> None:
    known = values[np.isfinite(values) & (values > 0.0)]
    if known.size:
        axes.set_ylim(known.min() / 1.2, known.max() * 1.2)
    style.plain_log(axes)


def _foot(figure: Figure, found: Published, what: str) -> None:
    """What made the file, what is drawn, and what it is not; read from the head of the file and its rows."""
    head = found.head
    seeds = sorted({int(float(row["seeds"])) for row in found.rows})
    count = f"{seeds[0]} seeds" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    text = (
        f"{head['command']} · {count} a mark · {head.get('scenario', '')} · kernels {head['kernel_sha256']}\n"
        f"{what}\nscenario outcome given this model; not a forecast"
    )
    figure.supxlabel(text, fontsize=8, color="#444444", x=0.01, ha="left")
