"""Figures of ``leveraged_funds``: statistics by greatest leverage, and leverage along the share of a position sold."""

import numpy as np
from matplotlib.figure import Figure

from sim.report import style
from sim.report.published import Published

PANELS = {
    "excess_kurtosis": "excess kurtosis of returns, of a seed",
    "hill_falls": "Hill exponent of falls, largest 1 %, of all seeds",
    "acf_absolute": "autocorrelation of |return|, lag 1, of a seed",
    "defaults": "defaults per 100,000 steps, of a seed",
}
LOOKS = {
    "published": (style.RECORDED, ":", "D"),
    "clearing": (style.SIMULATED, "--", "s"),
    "books": (style.FORCED_SELL, "-", "o"),
}
SAID = {"published": "published", "clearing": "twin, demand meets supply at once", "books": "order books"}


def leverage_figure(found: Published) -> Figure:
    """Four statistics against the greatest leverage: published, in the paper's own market, and in the engine."""
    with style.rc():
        figure = style.new_figure(7.0)
        kinds = list(dict.fromkeys((row["market"], int(row["steps"])) for row in found.rows))
        for axes, (name, said) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
            for market, steps in kinds:
                rows = [row for row in found.rows if (row["market"], int(row["steps"])) == (market, steps)]
                rows = [row for row in rows if float(row["max_leverage"]) > 0.0]
                value, low, high = (_column(rows, name + end) for end in ("_median", "_median_low", "_median_high"))
                if name == "hill_falls" or market == "published":  # the falls of a seed are too few for a tail
                    value, low = _column(rows, name), np.full(len(rows), np.nan)
                bars = np.nan_to_num(np.maximum((value - low, high - value), 0.0))
                color, line, mark = LOOKS[market]
                is_long = market == "clearing" and steps == max(s for m, s in kinds if m == market)
                axes.errorbar(_column(rows, "max_leverage"), value, yerr=bars, color=color, linestyle=line, marker=mark,
                              markersize=5, linewidth=1.2, elinewidth=0.9, capsize=2.5,
                              markerfacecolor="white" if is_long else color,
                              label=f"{SAID[market]}, {steps:,} steps")  # fmt: skip
            axes.set_title(said)
            axes.set_xticks(sorted({float(row["max_leverage"]) for row in found.rows if float(row["max_leverage"])}))
            axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
        figure.axes[0].set_yscale("symlog", linthresh=1.0)
        figure.axes[0].set_yticks((0.0, 1.0, 3.0, 10.0, 30.0), ("0", "1", "3", "10", "30"))
        figure.axes[0].minorticks_off()
        figure.axes[0].set_ylim(bottom=-0.4)
        figure.axes[1].legend(loc="upper right")
        what = "greatest leverage; marks: median over seeds, bars: order-statistic interval; Hill: all seeds together"
        figure.supxlabel(_foot(found, what), fontsize=8, color="#444444", x=0.01, ha="left")
    return figure


def path_figure(found: Published) -> Figure:
    """Leverage along the share sold, a panel a case: engine, and the formula at the impact that the engine made."""
    cases = list(dict.fromkeys(row["case"] for row in found.rows))
    with style.rc():
        figure = style.new_figure(4.4)
        for axes, case in zip(figure.subplots(1, len(cases), sharey=True), cases, strict=True):
            rows = [row for row in found.rows if row["case"] == case]
            sold, value = _column(rows, "sold"), _column(rows, "leverage")
            bars = np.maximum((value - _column(rows, "leverage_low"), _column(rows, "leverage_high") - value), 0.0)
            axes.errorbar(sold, value, yerr=bars, color=style.FORCED_SELL, marker="o", markersize=4, linewidth=1.2,
                          capsize=2.5, label="order book")  # fmt: skip
            axes.plot(sold, _column(rows, "formula_at_impact"), color=style.SIMULATED, linestyle="--",
                      label="formula at the book's I")  # fmt: skip
            axes.plot(sold, _column(rows, "formula_at_law"), color=style.RECORDED, linestyle=":",
                      label="formula at the law's I")  # fmt: skip
            axes.set_title(f"{case}: {100 * float(rows[-1]['fall']):.2g} % in the book")
            axes.set_xlabel("share of the position sold")
        figure.axes[0].set_ylabel("leverage, marked to market")
        figure.axes[0].legend(loc="lower left")
        figure.supxlabel(_foot(found, "marks: mean over seeds, bars: 95 % interval"), fontsize=8, color="#444444",
                         x=0.01, ha="left")  # fmt: skip
    return figure


def _column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row.get(name) or "nan") for row in rows])


def _foot(found: Published, what: str) -> str:
    head = found.head
    return (
        f"{what}\n{head['command']} · seeds {head['seeds']} · kernels {head['kernel_sha256']}\n"
        "scenario outcome given this model; not a forecast"
    )
