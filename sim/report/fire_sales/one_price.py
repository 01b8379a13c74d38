"""Cascades through one price as an answer: the linear book, and tables of liquidations and impact."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from sim import calculator as calc
from sim.report import style
from sim.report.fire_sales.answer import FireSale, Floats, Rows, finite
from sim.report.words import amount

MOST_ROUNDS = 200
"""Rounds of liquidations that a figure draws; its legend says so where there are more."""
CLOSE = 0.01
"""Rounds are drawn until the fall is this share of itself from its end."""
_POINTS = 401
_SOURCE = "MODEL 5.2"


def linear(liquidations_usd: float, depth_usd: float, shock: float | None = None) -> FireSale:
    """Amplification of a linear book against n, and with a shock the fall by round of liquidations.

    Parameters
    ----------
    liquidations_usd, depth_usd : float
        As ``sim.calculator.linear_amplification``.
    shock : float, optional
        First fall, a fraction.

    Raises
    ------
    RuleError
        When a number is not possible.
    """
    a, n = calc.linear_amplification(liquidations_usd, depth_usd), liquidations_usd / depth_usd
    rows = Rows()
    rows.given("liquidations_usd", liquidations_usd, "USD", "liquidated for a fall of the whole price")
    rows.given("depth_usd", depth_usd, "USD", "what the book takes for a fall of the whole price")
    if shock is not None:
        rows.given("shock", shock, "fraction", "first fall")
    rows.found("n", n, "", "liquidations over depth")
    rows.found("amplification", a, "", "1 / (1 - n)")
    at = 1.0 - np.geomspace(1.0, min(0.01, 0.5 * (1.0 - n)) if n < 1.0 else 0.01, 200)
    line = np.array([calc.linear_amplification(x, 1.0) for x in at])
    falls = np.zeros(0)
    if shock is not None:
        rows.found("fall", shock * a, "fraction", "shock times amplification")
        rows.found("forced_usd", liquidations_usd * shock * a, "USD", "liquidated on the way")
        falls = _linear_rounds(shock, n)
        rows.curve("fall_by_round", np.arange(falls.size, dtype=np.float64), falls, ("rounds", "fraction"),
                   "fall after that many rounds of liquidations; 0: the shock alone")  # fmt: skip
    rows.curve("amplification", at, line, ("n", ""), "1 / (1 - n)")

    def draw(drawn: Figure) -> None:
        if shock is None:
            _amplification(drawn.subplots(), at, line, n, a)
            return
        left, right = drawn.subplots(1, 2)
        _amplification(left, at, line, n, a)
        _rounds(right, falls, shock * a, liquidations_usd * shock * a)

    title = f"Linear book: n = {n:.4g}, amplification {_shown(a)}"
    return FireSale("linear", title, f"1 / (1 - n), {_SOURCE}", rows.frame(), draw)


def _linear_rounds(shock: float, n: float) -> Floats:
    """Falls after 0, 1, ... rounds: shock times 1 + n + n^2 + ..., until near their end or beyond the whole price."""
    falls = [shock]
    end = shock / (1.0 - n) if n < 1.0 else math.inf
    while len(falls) <= MOST_ROUNDS and falls[-1] < min(1.0, (1.0 - CLOSE) * end):
        falls.append(shock + n * falls[-1])
    return np.array(falls)


def _amplification(axes: Axes, at: Floats, line: Floats, n: float, a: float) -> None:
    top = max(10.0, 1.5 * a) if math.isfinite(a) else 10.0
    right = max(1.2, min(1.1 * n, 2.0))
    axes.plot(at, line, color=style.SIMULATED, label="1 / (1 - n)")
    axes.axvline(1.0, color="#444444", linestyle="--", linewidth=1.0, label="pole at n = 1")
    axes.axvspan(1.0, right, color="#cccccc", alpha=0.5, linewidth=0, label="unbounded")
    if math.isfinite(a):
        axes.plot([n], [a], "o", color=style.ASK, zorder=4, label=f"n = {n:.4g}: {a:.4g} times")
    else:
        beyond = ", beyond the axis" if n > right else ""
        mark = ">" if beyond else "^"
        axes.plot([min(n, right)], [top], mark, color=style.ASK, zorder=4, clip_on=False,
                  label=f"n = {n:.4g}{beyond}: unbounded")  # fmt: skip
    axes.set_xlim(0.0, right)
    axes.set_ylim(0.0, top)
    axes.set_xlabel("n, liquidations over depth (pure number)")
    axes.set_ylabel("amplification, times the first fall")
    axes.set_title(f"Amplification of a linear book: {_shown(a)}")
    axes.legend(loc="upper left")


def _rounds(axes: Axes, falls: Floats, fall: float, forced_usd: float) -> None:
    axes.plot(np.arange(falls.size), 100.0 * falls, "o-", color=style.SIMULATED, markersize=3, label="after the round")
    if math.isfinite(fall):
        axes.axhline(100.0 * fall, color=style.ASK, linewidth=1.0, label=f"end: {100.0 * fall:.4g} %")
        forced = f"{amount(forced_usd, 'USD')} liquidated"
    else:
        forced = "no end"
    if not math.isfinite(fall) or fall >= 1.0:
        axes.axhline(100.0, color=style.RECORDED, linewidth=1.0, linestyle="--", label="100 %: no price is left")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("rounds of liquidations (0: the shock alone)")
    axes.set_ylabel("fall of the price, %")
    axes.set_title(f"Fall by round, {forced}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower right")


def cascade(shock: float, liquidations: ArrayLike, impact: ArrayLike | float) -> FireSale:
    """Shock and impact of what a fall liquidates, against that fall; a cascade ends where the line meets the diagonal.

    Parameters
    ----------
    shock, liquidations, impact
        As ``sim.calculator.cascade_fall``.

    Raises
    ------
    RuleError
        When a table falls somewhere, or a number is not possible.
    """
    found = calc.cascade_fall(shock, liquidations, impact)
    rows = Rows()
    rows.given("shock", shock, "fraction", "first fall")
    lam = _from_zero(liquidations)
    rows.curve("liquidations_usd", lam[:, 0], lam[:, 1], ("fall, fraction", "USD"), "liquidated up to that fall",
               kind="input")  # fmt: skip
    if np.ndim(impact) == 0:
        book = np.array([[0.0, 0.0], [float(np.asarray(impact)), 1.0]])
        rows.given("depth_usd", book[1, 0], "USD", "what the book takes for a fall of the whole price")
    else:
        book = _from_zero(impact)
        rows.curve("impact", book[:, 0], book[:, 1], ("sold, USD", "fraction"), "fall that the sale makes",
                   kind="input")  # fmt: skip
    rows.found("fall", found.fall, "fraction", "smallest x >= s with x = s + I(Lambda(x)); inf: none below 1")
    rows.found("forced_usd", found.forced_usd, "USD", "Lambda(x), liquidated; of an unbounded fall all")
    rows.found("amplification", found.amplification, "", "fall over shock")
    top = min(1.0, 1.6 * found.fall) if math.isfinite(found.fall) else 1.0
    at = np.unique(np.concatenate([np.linspace(0.0, top, _POINTS), lam[lam[:, 0] <= top, 0]]))
    line = _after(at, shock, lam, book)
    steps = [shock]
    while len(steps) <= MOST_ROUNDS and steps[-1] < min(1.0, (1.0 - CLOSE) * found.fall):
        steps.append(float(_after(np.array(steps[-1:]), shock, lam, book)[0]))
    rounds = np.array(steps)
    rows.curve("fall_by_round", np.arange(rounds.size, dtype=np.float64), rounds, ("rounds", "fraction"),
               "fall after that many rounds of liquidations; 0: the shock alone")  # fmt: skip
    rows.curve("fall_after_sales", at, line, ("fall, fraction", "fraction"), "s + I(Lambda(x)) at the fall x")

    def draw(drawn: Figure) -> None:
        _fixed_point(drawn.subplots(), (at, line, rounds), shock, found)

    title = f"Cascade from a fall of {amount(shock, 'fraction')}: {_end(found)}"
    return FireSale("cascade", title, f"smallest root of x = s + I(Lambda(x)), {_SOURCE}", rows.frame(), draw, 5.6)


def _fixed_point(axes: Axes, lines: tuple[Floats, Floats, Floats], shock: float, found: calc.Cascade) -> None:
    at, line, rounds = (100.0 * part for part in lines)
    top = float(at[-1])
    axes.plot(at, at, color=style.RECORDED, linewidth=1.0, label="diagonal: the fall makes itself and no more")
    axes.plot(at, line, color=style.SIMULATED, linewidth=1.8, label="s + I(Lambda(x)): shock and what it forces")
    n = rounds.size - 1
    xs = np.concatenate([[0.0, 0.0], np.repeat(rounds, 2)])[: 2 * rounds.size + 1]
    ys = np.concatenate([[0.0], np.repeat(rounds, 2)])[: 2 * rounds.size + 1]
    more = f"first {n}" if n >= MOST_ROUNDS else str(n)
    if n:
        axes.plot(xs, ys, color=style.NEWS, linewidth=0.9, label=f"rounds of liquidations: {more} drawn")
    axes.axhline(100.0 * shock, color="#888888", linewidth=1.0, linestyle=":", label=f"shock s: {100.0 * shock:.4g} %")
    if math.isfinite(found.fall):
        end = 100.0 * found.fall
        axes.plot([end], [end], "o", color=style.ASK, markersize=8, zorder=5, label=f"ends at a fall of {end:.4g} %")
    axes.set_xlim(0.0, top)
    axes.set_ylim(0.0, min(max(1.05 * top, float(np.nanmax(finite(line)))), 2.0 * top))
    axes.set_xlabel("fall of the price x, %")
    axes.set_ylabel("fall after the sales that x forces, %")
    axes.set_title(f"Cascade: {_end(found)}")
    axes.legend(loc="upper left")


def _end(found: calc.Cascade) -> str:
    if not math.isfinite(found.fall):
        return f"no end below a fall of 100 %, {amount(found.forced_usd, 'USD')} liquidated"
    return (
        f"ends at {amount(found.fall, 'fraction')}, {found.amplification:.4g} times the shock, "
        f"{amount(found.forced_usd, 'USD')} liquidated"
    )


def _from_zero(table: ArrayLike) -> Floats:
    """Rows of a table, with one at zero before them where it is missing."""
    rows = np.atleast_2d(np.asarray(table, dtype=np.float64))
    return np.vstack([np.zeros((1, 2)), rows]) if rows[0].any() else rows


def _after(x: Floats, shock: float, lam: Floats, book: Floats) -> Floats:
    """Shock and impact, straight between rows; beyond the last Lambda is flat and I as steep as its last piece."""
    q = np.interp(x, lam[:, 0], lam[:, 1])
    (q0, x0), (q1, x1) = book[-2], book[-1]
    beyond = x1 + (x1 - x0) / (q1 - q0) * (q - q1)
    return np.asarray(shock + np.where(q > q1, beyond, np.interp(q, book[:, 0], book[:, 1])))


def _shown(value: float) -> str:
    return f"{value:.4g} times" if math.isfinite(value) else "unbounded"
