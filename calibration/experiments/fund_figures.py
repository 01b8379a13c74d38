"""Figures of ``leveraged_funds``: statistics by greatest leverage, and leverage along the share of a position sold."""

import numpy as np
from matplotlib.figure import Figure

from sim.report import style
from sim.report.published import Published

PANELS = {
    "excess_kurtosis": "excess kurtosis of returns",
    "hill_falls": "Hill exponent of falls, largest 1 %",
    "acf_absolute": "autocorrelation of |return|, lag 1",
    "defaults": "defaults per 100,000 steps",
}
LOOKS = {
    "published": (style.RECORDED, ":", "D"),
    "clearing": (style.SIMULATED, "--", "s"),
    "books": (style.FORCED_SELL, "-", "o"),
}
SAID = {"published": "published (MODEL 6.2.10)", "clearing": "their market, clearing at once", "books": "order books"}


def leverage_figure(found: Published) -> Figure:
    """Four statistics against the greatest leverage: published, in the paper's own market, and in the engine."""
    with style.rc():
        figure = style.new_figure(6.4)
        steps = min(int(row["steps"]) for row in found.rows)
        for axes, (name, said) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
            for market, (color, line, mark) in LOOKS.items():
                rows = [r for r in found.rows if r["market"] == market and float(r["max_leverage"]) > 0.0]
                if market == "clearing":
                    rows = [r for r in rows if int(r["steps"]) == steps]
                at, value = _column(rows, "max_leverage"), _column(rows, name)
                low, high = _column(rows, f"{name}_low"), _column(rows, f"{name}_high")
                bars = np.nan_to_num(np.maximum((value - low, high - value), 0.0))
                axes.errorbar(at, value, yerr=bars, color=color, linestyle=line, marker=mark, markersize=5,
                              linewidth=1.2, elinewidth=0.9, capsize=2.5, label=SAID[market])  # fmt: skip
            axes.set_title(said)
            axes.set_xticks(_column(rows, "max_leverage"))
        figure.axes[0].legend(loc="upper left")
        figure.supxlabel(_foot(found, "greatest leverage; marks: mean over seeds, bars: 95 % interval"), fontsize=8,
                         color="#444444", x=0.01, ha="left")  # fmt: skip
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
    return np.array([float(row[name]) if row[name] else np.nan for row in rows])


def _foot(found: Published, what: str) -> str:
    head = found.head
    return (
        f"{what}\n{head['command']} · seeds {head['seeds']} · kernels {head['kernel_sha256']}\n"
        "scenario outcome given this model; not a forecast"
    )
