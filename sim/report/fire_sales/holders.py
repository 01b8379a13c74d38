"""Fire sales of many holders and assets as an answer: a fund run down, leverage targets, leverage thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from sim import calculator as calc
from sim.errors import RuleError
from sim.report import style
from sim.report.fire_sales.answer import FireSale, Floats, Rows, colour, dash, largest, named_axis
from sim.report.words import amount


def covariance(
    names: Sequence[str], sigma: ArrayLike, shares: ArrayLike, prices: ArrayLike, depth_shares: ArrayLike, slope: float
) -> FireSale:
    """Volatilities and correlations before and while a large fund is being run down.

    Parameters
    ----------
    names : sequence of str
        Of the n assets.
    sigma : float[n, n]
        Covariance of returns without the fund, per unit of time.
    shares, prices, depth_shares, slope
        As ``sim.calculator.fire_sale_covariance``.

    Raises
    ------
    RuleError
        When shapes do not meet or a number is not possible.
    """
    during = calc.fire_sale_covariance(sigma, shares, prices, depth_shares, slope)
    before = np.asarray(sigma, dtype=np.float64)
    _as_many(names, before.shape[0], "assets")
    sds = np.sqrt(np.diag(before)), np.sqrt(np.diag(during))
    rhos = calc.correlation(before), calc.correlation(during)
    rows = Rows()
    for name, held, price, depth in zip(names, *(np.asarray(x).tolist() for x in (shares, prices, depth_shares)),
                                        strict=True):  # fmt: skip
        rows.given("shares", held, "shares", "held by the fund at the start", name)
        rows.given("price", price, "USD", "of a share", name)
        rows.given("depth", depth, "shares", "sold for a fall of the whole price", name)
    rows.given("slope", slope, "", "share of its holdings sold for each unit of its worth lost")
    unit = "fraction in the input's unit of time"
    for k, name in enumerate(names):
        rows.found("volatility_before", sds[0][k], unit, "standard deviation of returns without the fund", name)
        rows.found("volatility_during", sds[1][k], unit, "the same while the fund is run down", name)
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    for i, j in pairs:
        both = f"{names[i]}, {names[j]}"
        rows.found("correlation_before", rhos[0][i, j], "", "of returns without the fund", both)
        rows.found("correlation_during", rhos[1][i, j], "", "of returns while the fund is run down", both)

    def draw(drawn: Figure) -> None:
        left, right = drawn.subplots(1, 2)
        cut = _bars(left, names, {"before": sds[0], "during": sds[1]}, "assets")
        left.set_ylabel("volatility of returns, %, in the input's time unit")
        left.set_title(f"Volatility by asset{cut}")
        words = [f"{names[i]}, {names[j]}" for i, j in pairs]
        was, now = (np.array([rho[i, j] for i, j in pairs]) for rho in rhos)
        _correlations(right, words, was, now)

    title = f"Volatility and correlation while a fund is run down, slope {slope:.4g}"
    height = 4.4 + 0.1 * max(0, min(len(pairs), 30) - 15)
    return FireSale("covariance", title, "Cont, Wagalath (2013)", rows.frame(), draw, height)


def _correlations(axes: Axes, words: Sequence[str], before: Floats, during: Floats) -> None:
    axes.set_xlabel("correlation of returns (pure number)")
    if not words:
        axes.text(0.5, 0.5, "one asset: no pair", transform=axes.transAxes, ha="center")
        axes.set_title("Correlation by pair")
        return
    places, cut = largest(np.abs(during - before), "changes")
    y = np.arange(len(places))
    axes.hlines(y, before[places], during[places], color="#888888", linewidth=1.2)
    axes.plot(before[places], y, "o", color=style.SEED, label="before")
    axes.plot(during[places], y, "o", color=style.ASK, label="during")
    axes.axvline(0.0, color="#444444", linewidth=0.8)
    axes.set_yticks(y, [words[k] for k in places])
    axes.set_ylim(len(places) - 0.4, -0.9)
    axes.set_xlim(min(-0.05, 1.1 * float(min(before.min(), during.min()))), 1.05)
    axes.set_title(f"Correlation by pair{cut}")
    axes.legend(loc="best")


def vulnerability(
    names: Sequence[str], assets: Sequence[str], holdings_usd: ArrayLike, equity_usd: ArrayLike, shock: ArrayLike,
    depth_usd: ArrayLike,
) -> FireSale:  # fmt: skip
    """Losses by fire sales of holders who sell back to the leverage that they had, by holder and by asset.

    Parameters
    ----------
    names, assets : sequence of str
        Of the n holders and k assets.
    holdings_usd : float[n, k]
        USD; a holder's assets are their sum, above 0.
    equity_usd : float[n]
        USD, above 0 and at most the assets.
    shock : float[k]
        First falls, fractions.
    depth_usd : float[k]
        USD for a fall of the whole price, above 0.

    Raises
    ------
    RuleError
        When shapes do not meet or a number is not possible.
    """
    held, depth = np.atleast_2d(np.asarray(holdings_usd, dtype=np.float64)), np.asarray(depth_usd, dtype=np.float64)
    equity, first = np.asarray(equity_usd, dtype=np.float64), np.asarray(shock, dtype=np.float64)
    total = held.sum(axis=1)
    if not (total > 0.0).all() or not (depth > 0.0).all():
        raise RuleError("a holder has no assets or an asset no depth: give numbers above 0")
    system = (total, equity, held / total[:, None], 1.0 / depth)
    found, factors = calc.aggregate_vulnerability(*system, first), calc.vulnerability_factors(*system, first)
    radius = calc.spectral_radius(calc.overlap_matrix(*system))
    rows = _system_rows(names, assets, (held, equity, first, depth))
    rows.found("aggregate_vulnerability", found.aggregate, "fraction", "losses by fire sales over equity of all")
    rows.found("spectral_radius", radius, "", "from 1 on each round of sales makes a larger one")
    rows.found("factor_size_usd", factors.size_usd, "USD", "assets of all holders")
    rows.found("factor_leverage", factors.leverage, "", "b (1 + b), b being debt over equity of all")
    rows.found("factor_concentration", factors.concentration, "1/USD", "illiquidity concentration")
    for k, name in enumerate(names):
        rows.found("systemicness", found.systemicness[k], "fraction", "losses by its sales over equity of all", name)
        rows.found("indirect", found.indirect[k], "fraction", "its loss by everybody's sales over its equity", name)
        rows.found("direct", found.direct[k], "fraction", "its loss by the shock itself over its equity", name)
    for k, name in enumerate(assets):
        rows.found("sold_usd", found.sales_usd[k], "USD", "sold by all", name)
        rows.found("fall", found.price_falls[k], "fraction", "fall that the sales make", name)

    def draw(drawn: Figure) -> None:
        panels = drawn.subplot_mosaic([["makes", "fall"], ["bears", "bears"]])
        a, b, c = panels["makes"], panels["fall"], panels["bears"]
        cut = _bars(a, names, {"": found.systemicness}, "holders")
        a.set_ylabel("losses by its sales,\n% of equity of all")
        a.set_title(f"Systemicness, in all {amount(found.aggregate, 'fraction')}{cut}")
        cut = _bars(b, assets, {"shock": first, "fire sales": found.price_falls}, "assets")
        b.set_ylabel("fall of the price, %")
        b.set_title(f"Fall by asset, spectral radius {radius:.3g}{cut}")
        cut = _losses(c, names, {"direct: the shock": found.direct, "indirect: everybody's sales": found.indirect})
        c.set_title(f"Loss by holder{cut}")

    title = f"Aggregate vulnerability {amount(found.aggregate, 'fraction')}"
    source = "Greenwood, Landier, Thesmar (2015); Duarte, Eisenbach (2021)"
    return FireSale("vulnerability", title, source, rows.frame(), draw, 6.8)


def deleverage(
    names: Sequence[str], assets: Sequence[str], holdings_usd: ArrayLike, equity_usd: ArrayLike, shock: ArrayLike,
    depth_usd: ArrayLike, max_leverage: float, target_leverage: float, floor: float = 0.5,
) -> FireSale:  # fmt: skip
    """Prices and sales by round when holders above a leverage sell down to a lower one, and their losses.

    Parameters
    ----------
    names, assets : sequence of str
        Of the n holders and k assets.
    holdings_usd : float[n, k]
    equity_usd : float[n]
    shock, depth_usd : float[k]
    max_leverage, target_leverage, floor : float
        As ``sim.calculator.threshold_deleveraging``.

    Raises
    ------
    RuleError
        When shapes do not meet, a number is not possible, or sales do not end.
    """
    held = np.atleast_2d(np.asarray(holdings_usd, dtype=np.float64))
    found = calc.threshold_deleveraging(held, equity_usd, shock, depth_usd, max_leverage, target_leverage, floor=floor)
    equity, first, depth = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (equity_usd, shock, depth_usd))
    rows = _system_rows(names, assets, (held, equity, first, depth))
    rows.given("max_leverage", max_leverage, "", "assets over equity above which a holder sells")
    rows.given("target_leverage", target_leverage, "", "leverage to which it sells")
    rows.given("floor", floor, "fraction", "lowest price over that before the shock")
    rows.found("rounds", found.n_rounds, "rounds", "in which somebody sold")
    for k, name in enumerate(names):
        rows.found("loss_usd", found.loss_usd[k], "USD", "loss, the shock included", name)
        rows.found("is_insolvent", float(found.is_insolvent[k]), "0 or 1", "1: nothing is left of its equity", name)
    for k, name in enumerate(assets):
        rows.found("sold_usd", found.sold_usd[:, k].sum(), "USD", "sold by all, at the prices before each round", name)
        rows.found("price_over_first", found.prices[k], "fraction", "price at the end over that before the shock", name)
    at = np.arange(found.n_rounds + 1, dtype=np.float64)
    for k, name in enumerate(assets):
        rows.curve("price_by_round", at, found.prices_by_round[:, k], ("round", "fraction"),
                   "price over that before the shock; round 0: after the shock", item=name)  # fmt: skip
        rows.curve("sold_by_round", at[1:], found.sold_usd[:, k], ("round", "USD"),
                   "sold by all, at the prices before the round", item=name)  # fmt: skip

    def draw(drawn: Figure) -> None:
        panels = drawn.subplot_mosaic([["price", "sold"], ["lost", "lost"]])
        _prices(panels["price"], assets, found, floor)
        _sold(panels["sold"], assets, found)
        axes, shocked = panels["lost"], (held @ first) / equity
        cut = _losses(axes, names, {"the shock": shocked, "sales": found.loss_usd / equity - shocked})
        n = int(found.is_insolvent.sum())
        axes.set_title(f"Loss by holder, {n} of {len(names)} insolvent{cut}")

    title = f"Sales in {found.n_rounds} rounds above a leverage of {max_leverage:.4g} down to {target_leverage:.4g}"
    return FireSale("deleverage", title, "Cont, Schaanning (2017)", rows.frame(), draw, 6.8)


def _prices(axes: Axes, assets: Sequence[str], found: calc.Deleveraging, floor: float) -> None:
    for k, name in enumerate(assets):
        axes.plot(100.0 * found.prices_by_round[:, k], dash(k), marker="o", markersize=3, color=colour(k), label=name)
    lowest = float(found.prices_by_round.min())
    if floor > 0.0 and lowest < 1.3 * floor:
        axes.axhline(
            100.0 * floor, color=style.RECORDED, linestyle="--", linewidth=1.0, label=f"floor: {100.0 * floor:.4g} %"
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("round of sales (0: after the shock)")
    axes.set_ylabel("price, % of that before the shock")
    axes.set_title("Price by round")
    axes.legend(loc="best", fontsize=9.0 if len(assets) <= 8 else 6.0)


def _sold(axes: Axes, assets: Sequence[str], found: calc.Deleveraging) -> None:
    divisor, word = style.scale(found.sold_usd)
    axes.set_xlabel("round of sales")
    axes.set_ylabel(f"sold, {word}USD")
    axes.set_title(f"Sold by round, in all {amount(float(found.sold_usd.sum()), 'USD')}")
    if not found.n_rounds:
        axes.text(0.5, 0.5, "nobody sells", transform=axes.transAxes, ha="center")
        return
    at, below = np.arange(1, found.n_rounds + 1), np.zeros(found.n_rounds)
    for k, name in enumerate(assets):
        part = found.sold_usd[:, k] / divisor
        axes.bar(at, part, 0.8, bottom=below, color=colour(k), label=name)
        below = below + part
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best", fontsize=9.0 if len(assets) <= 8 else 6.0)


def _bars(axes: Axes, names: Sequence[str], parts: Mapping[str, Floats], what: str) -> str:
    """Bars in percent side by side for each name; returns the words for names that are left out."""
    values = np.array([100.0 * part for part in parts.values()])
    places, cut = largest(np.abs(values).max(axis=0), what)
    x, width = np.arange(len(places)), 0.8 / len(parts)
    for k, (label, shade) in enumerate(zip(parts, _shades(len(parts)), strict=True)):
        axes.bar(x + (k + 0.5) * width - 0.4, values[k][places], width, color=shade, label=label or None)
    axes.set_xlim(-0.6, len(places) - 0.4)
    named_axis(axes, [names[k] for k in places])
    if len(parts) > 1:
        axes.legend(loc="best")
    return cut


def _losses(axes: Axes, names: Sequence[str], parts: Mapping[str, Floats]) -> str:
    """Parts of each holder's loss, one on the other while none is a gain; returns what ``_bars`` does."""
    values = np.array([100.0 * part for part in parts.values()])
    axes.set_ylabel("loss, % of its own equity")
    if (values < -1e-9).any():
        return _bars(axes, names, parts, "holders")
    places, cut = largest(values.sum(axis=0), "holders")
    below = np.zeros(len(places))
    for part, label, shade in zip(values, parts, _shades(len(parts)), strict=True):
        axes.bar(np.arange(len(places)), part[places], 0.7, bottom=below, color=shade, label=label)
        below = below + part[places]
    if below.max() > 50.0:
        axes.axhline(100.0, color=style.RECORDED, linestyle="--", linewidth=1.0, label="100 %: nothing is left")
    axes.set_ylim(0.0, 1.25 * max(axes.get_ylim()[1], 1e-9))  # room for the legend
    axes.set_xlim(-0.6, len(places) - 0.4)
    named_axis(axes, [names[k] for k in places])
    axes.legend(loc="upper left", ncols=3)
    return cut


def _shades(n: int) -> tuple[str, ...]:
    return (style.SEED, style.ASK) if n > 1 else (style.SIMULATED,)


def _system_rows(names: Sequence[str], assets: Sequence[str], numbers: tuple[Floats, Floats, Floats, Floats]) -> Rows:
    """Inputs of a system of holders: holdings, equity, shock and depth."""
    held, equity, shock, depth = numbers
    _as_many(names, held.shape[0], "holders")
    _as_many(assets, held.shape[1], "assets")
    rows = Rows()
    for k, name in enumerate(names):
        rows.given("equity_usd", equity[k], "USD", "before the shock", name)
        for j, asset in enumerate(assets):
            rows.given("held_usd", held[k, j], "USD", "held before the shock", f"{name}, {asset}")
    for j, asset in enumerate(assets):
        rows.given("depth_usd", depth[j], "USD", "sold for a fall of the whole price", asset)
        rows.given("shock", shock[j], "fraction", "first fall", asset)
    return rows


def _as_many(names: Sequence[str], n: int, what: str) -> None:
    if len(names) != n:
        raise RuleError(f"{len(names)} names of {what} where {n} are asked for")
