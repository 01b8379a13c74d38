"""One position as an answer: spirals of a dealer's funding, and the leverage from which on an exit is ruin."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim import calculator as calc
from sim.report import style
from sim.report.fire_sales.answer import FireSale, Floats, Rows, colour, finite, named_axis
from sim.report.words import amount

_BARS = ("neither", "margin_alone", "loss_alone", "price")
_WORDS = ("neither spiral", "margin spiral alone", "loss spiral alone", "both spirals")
_AROUND = (0.8, 1.0, 1.2)
"""Leverages over the critical one whose paths are drawn; a choice of the figure."""


def spiral(
    risk_aversion: float, volatility_usd: float, margin_usd: float, margin_slope: float, position: float,
    initial_position: float,
) -> FireSale:  # fmt: skip
    """Answer of a price to a dollar of funding lost, with neither, one and both spirals.

    Parameters are those of ``sim.calculator.price_response``.

    Raises
    ------
    RuleError
        When a number is not possible.
    """
    found = calc.price_response(
        risk_aversion, volatility_usd, margin_usd, margin_slope, position, initial_position
    )._asdict()
    rows = Rows()
    for name, value, unit, meaning in (
        ("risk_aversion", risk_aversion, "1/USD", "of the customers"),
        ("volatility_usd", volatility_usd, "USD a coin", "of the value of a coin"),
        ("margin_usd", margin_usd, "USD a coin", "margin of a coin"),
        ("margin_slope", margin_slope, "USD a USD", "change of the margin by the price"),
        ("position", position, "coins", "what dealers hold"),
        ("initial_position", initial_position, "coins", "what they held before"),
    ):
        rows.given(name, value, unit, meaning)
    for key, word in zip(_BARS, _WORDS, strict=True):
        rows.found(f"response_{key}", found[key], "USD a USD", f"change of the price for a USD of funding lost: {word}")
    alone = found["loss_alone"] + found["margin_alone"] - found["neither"]

    def draw(drawn: Figure) -> None:
        _responses(drawn.subplots(), [found[key] for key in _BARS], alone)

    title = "Price answer to a USD of funding lost"
    return FireSale("spiral", title, "Brunnermeier, Pedersen (2009)", rows.frame(), draw)


def _responses(axes: Axes, values: list[float], alone: float) -> None:
    known = [v for v in values if math.isfinite(v)]
    top = 1.25 * max([*known, alone if math.isfinite(alone) else 0.0])
    for k, value in enumerate(values):
        if math.isfinite(value):
            axes.bar(k, value, 0.6, color=colour(0), alpha=0.9)
            axes.annotate(f"{value:.4g}", (k, value), xytext=(0, 3), textcoords="offset points", ha="center")
        else:
            axes.bar(k, top, 0.6, facecolor="white", edgecolor=style.ASK, hatch="///")
            axes.annotate("unbounded", (k, 0.5 * top), ha="center", backgroundcolor="white")
    if math.isfinite(alone):
        axes.axhline(alone, color=style.RECORDED, linestyle="--", linewidth=1.0,
                     label=f"neither, and what each spiral adds alone: {alone:.4g}")  # fmt: skip
        axes.legend(loc="upper left")
    axes.set_ylim(0.0, top)
    named_axis(axes, [f"{word[0].upper()}{word[1:]}" for word in _WORDS])
    for label in axes.get_xticklabels():
        label.set(rotation=0.0, fontsize=10.0)
    axes.set_ylabel("fall of the price for 1 USD of funding lost, USD")
    axes.set_title("Answer of the price to funding lost by dealers whose capital binds")


def critical_leverage(impact: float, leverage: float | None = None) -> FireSale:
    """Leverage on the way out, by share sold, for a leverage of one's own and around the critical one.

    Parameters
    ----------
    impact : float
        Fall that the sale of the whole makes, a fraction above 0 (``sim.calculator.root_impact``).
    leverage : float, optional
        Assets over equity at the start, 1 or more.

    Raises
    ------
    RuleError
        When a number is not possible.
    """
    critical = calc.critical_leverage(impact)
    rows = Rows()
    rows.given("impact", impact, "fraction", "fall that the sale of the whole position makes")
    if leverage is not None:
        rows.given("leverage", leverage, "", "assets over equity at the start")
    rows.found("critical_leverage", critical, "", "3 / (2 impact): from here on the position cannot be left")
    at = np.linspace(0.0, 1.0, 201)
    paths: list[tuple[str, float, Floats]] = []
    if leverage is not None:
        paths.append(("own", leverage, calc.leverage_path(leverage, impact, at)))
    if impact < 1.0:
        paths += [(f"{k:g} x critical", k * critical, calc.leverage_path(k * critical, impact, at)) for k in _AROUND]
    paths = [(item, start, path[:-1] if start == critical else path) for item, start, path in paths]  # at the end 0 / 0
    for item, start, path in paths:
        rows.curve("leverage", at[: path.size], path, ("share sold, fraction", ""),
                   f"assets left over equity from {start:.6g} on; inf: no equity is left", item=item)  # fmt: skip

    def draw(drawn: Figure) -> None:
        left, right = drawn.subplots(1, 2, width_ratios=(2, 3))
        _critical(left, impact, critical, leverage)
        _paths(right, at, paths, critical)

    title = f"Critical leverage {critical:.4g} at an impact of {amount(impact, 'fraction')}"
    return FireSale("critical_leverage", title, "Caccioli, Bouchaud, Farmer (2012)", rows.frame(), draw, 4.8)


def _critical(axes: Axes, impact: float, critical: float, leverage: float | None) -> None:
    at = np.geomspace(impact / 10.0, min(10.0 * impact, max(1.0, 1.2 * impact)), 60)
    line = np.array([calc.critical_leverage(x) for x in at])
    highest = 2.0 * max(float(line[0]), leverage or 0.0)
    axes.fill_between(100.0 * at, line, highest, color="#cccccc", alpha=0.5, linewidth=0, label="an exit is ruin")
    axes.plot(100.0 * at, line, color=style.SIMULATED, label="3 / (2 impact)")
    axes.plot([100.0 * impact], [critical], "s", color=style.RECORDED, zorder=4, label=f"critical: {critical:.4g}")
    if leverage is not None:
        axes.plot([100.0 * impact], [leverage], "o", color=style.ASK, zorder=4, label=f"own: {leverage:.4g}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(min(float(line[-1]), leverage or math.inf) / 2.0, highest)
    axes.set_xlim(100.0 * at[0], 100.0 * at[-1])
    style.plain_log(axes)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    axes.set_xlabel("impact of the whole position, %")
    axes.set_ylabel("leverage, assets over equity")
    axes.set_title("Critical leverage by impact")
    axes.legend(loc="best")


def _paths(axes: Axes, at: Floats, paths: list[tuple[str, float, Floats]], critical: float) -> None:
    axes.set_title("Leverage marked to market on the way out")
    axes.set_xlabel("share of the position sold, %")
    axes.set_ylabel("leverage, assets over equity")
    axes.set_xlim(0.0, 100.0)
    if not paths:
        axes.text(0.5, 0.5, "an impact of 100 % and more: no price is left on the way", transform=axes.transAxes,
                  ha="center")  # fmt: skip
        return
    top = 10.0 * max(critical, *(start for _, start, _ in paths))
    for k, (item, start, path) in enumerate(paths):
        own, ends = item == "own", np.flatnonzero(~np.isfinite(path))
        shade = style.ASK if own else ("#56B4E9", style.SIMULATED, "#CC79A7")[(k - (paths[0][0] == "own")) % 3]
        gone = f"; ruin at {100.0 * at[ends[0]]:.3g} % sold" if ends.size else ""
        axes.plot(100.0 * at[: path.size], finite(path), color=shade, linewidth=2.2 if own else 1.2,
                  label=f"{item}: {start:.4g}{gone}")  # fmt: skip
        if ends.size:
            axes.plot([100.0 * at[ends[0]]], [top], "x", color=shade, clip_on=False, zorder=5)
    axes.axhline(critical, color=style.RECORDED, linestyle="--", linewidth=1.0, label=f"critical: {critical:.4g}")
    axes.set_yscale("log")
    axes.set_ylim(0.5, top)
    style.plain_log(axes)
    axes.legend(loc="lower left")
