"""Cascades through one price in closed form: the linear book, thresholds of leverage, spirals, a full exit.

Floats; money in USD, falls as fractions of the first price. Anchors to hold a simulation against.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sim.calculator.fire_sales import Floats, _above, _row, _same, _table
from sim.errors import RuleError

MOST_ROUNDS = 1_000


class Cascade(NamedTuple):
    """Where a cascade through a book ends.

    Attributes
    ----------
    fall : float
        Smallest fall x with x = s + I(Lambda(x)), a fraction; infinite where there is none below 1.
    forced_usd : float
        Lambda(x), USD.
    amplification : float
        x / s.
    """

    fall: float
    forced_usd: float
    amplification: float


class Deleveraging(NamedTuple):
    """Rounds of sales by thresholds of leverage.

    Attributes
    ----------
    n_rounds : int
        Rounds in which somebody sold.
    sold_usd : float64[n_rounds, k]
        Sold of each asset in each round, at the prices before it.
    prices : float64[k]
        At the end, over those before the shock.
    loss_usd : float64[n]
        Of each holder, the shock included.
    is_insolvent : bool[n]
        Whether nothing is left of its equity.
    prices_by_round : float64[n_rounds + 1, k]
        After the shock and after each round, over those before the shock.
    """

    n_rounds: int
    sold_usd: Floats
    prices: Floats
    loss_usd: Floats
    is_insolvent: np.ndarray
    prices_by_round: Floats


class Response(NamedTuple):
    """Price answers to a funding shock of one USD; infinite where the market is unstable.

    Attributes
    ----------
    price : float
        With both spirals, USD a USD.
    neither, loss_alone, margin_alone : float
        With neither and with one of the spirals.
    """

    price: float
    neither: float
    loss_alone: float
    margin_alone: float


def linear_amplification(liquidations_usd: float, depth_usd: float) -> float:
    """A = 1 / (1 - n) with n = l / D: a linear book with liquidations spread evenly under it.

    Parameters
    ----------
    liquidations_usd : float
        l, USD liquidated for a fall of the whole price; 0 or more.
    depth_usd : float
        D, USD that the book takes for such a fall; above 0.

    Returns
    -------
    float
        Infinite from n = 1 on.

    Raises
    ------
    RuleError
        When a number is not possible.

    Notes
    -----
    Source: MODEL.md 5.2 and 6.2.2; the market's own engine reaches it (tests/exact/test_linear_cascade.py).
    """
    if not depth_usd > 0.0 or not liquidations_usd >= 0.0:
        raise RuleError(
            f"depth is {depth_usd:g} and liquidations {liquidations_usd:g}: above 0, and 0 or more, in USD a whole fall"
        )
    n = liquidations_usd / depth_usd
    return 1.0 / (1.0 - n) if n < 1.0 else math.inf


def cascade_fall(shock: float, liquidations: ArrayLike, impact: ArrayLike | float) -> Cascade:
    """Smallest root x >= s of x = s + I(Lambda(x)), exact for tables of straight pieces.

    Parameters
    ----------
    shock : float
        s, first fall, a fraction from above 0 to below 1.
    liquidations : float[m, 2]
        Lambda: falls and USD liquidated up to there, neither falling; straight between rows and flat beyond them. A
        first row at fall 0 and 0 USD is added where it is missing.
    impact : float or float[m, 2]
        I: depth in USD for a whole fall; or USD sold and the fall that they make, straight between rows, beyond the
        last as steep as the last piece.

    Returns
    -------
    Cascade

    Raises
    ------
    RuleError
        When a table falls somewhere, or a number is not possible.
    """
    if not 0.0 < shock < 1.0:
        raise RuleError(f"the shock is {shock:g}: a fraction above 0 and below 1")
    falls, forced = _rising(liquidations, "liquidations")
    if np.ndim(impact) == 0:
        depth = float(np.asarray(impact, dtype=np.float64))
        if not depth > 0.0:
            raise RuleError(f"the depth is {depth:g} USD for a whole fall: above 0")
        sold, moved = np.array([0.0, depth]), np.array([0.0, 1.0])
    else:
        sold, moved = _rising(impact, "impact")
        if not (np.diff(sold) > 0.0).all():
            raise RuleError("impact: each row sells more than the one before")

    def forced_at(x: Floats) -> Floats:
        return np.asarray(np.interp(x, falls, forced))

    def after(x: Floats) -> Floats:
        q = forced_at(x)
        slope = (moved[-1] - moved[-2]) / (sold[-1] - sold[-2])
        return np.asarray(shock + np.where(q > sold[-1], moved[-1] + slope * (q - sold[-1]), np.interp(q, sold, moved)))

    kinks = [shock, 1.0, *falls]
    for q in sold:  # where the path over Lambda meets a kink of I
        for k in np.flatnonzero((forced[:-1] < q) & (q < forced[1:])).tolist():
            kinks.append(falls[k] + (q - forced[k]) / (forced[k + 1] - forced[k]) * (falls[k + 1] - falls[k]))
    x = np.unique(np.clip(kinks, shock, 1.0))
    gap = x - after(x)
    reached = np.flatnonzero(gap >= -1e-15)
    if not reached.size:
        return Cascade(math.inf, float(forced_at(np.array([1.0]))[0]), math.inf)
    first = int(reached[0])
    root = x[first]
    if first:
        a, b = first - 1, first
        root -= gap[b] * (x[b] - x[a]) / (gap[b] - gap[a])
    return Cascade(float(root), float(forced_at(np.array([root]))[0]), float(root / shock))


def market_depth(daily_volume_usd: float, daily_volatility: float, days: float, c: float = 0.4) -> float:
    """D(tau) = c ADV / sigma sqrt(tau): USD that move a price by the whole of itself, sold over ``days``.

    Source: Cont, Schaanning (2017), Fire sales, indirect contagion and systemic stress testing; c about 0.4.
    """
    if not min(daily_volume_usd, daily_volatility, days, c) > 0.0:
        raise RuleError("volume, volatility, days and c are above 0")
    return c * daily_volume_usd / daily_volatility * math.sqrt(days)


def bounded_impact(sold_usd: ArrayLike, depth_usd: ArrayLike, floor: ArrayLike) -> Floats:
    """Fall made by a sale that never goes below a floor: (1 - B)(1 - exp(-q / delta)), delta = (1 - B) D.

    Parameters
    ----------
    sold_usd : float[k]
        q, 0 or more.
    depth_usd : float[k]
        D: the first USD sold moves the price by 1 / D.
    floor : float[k]
        B, lowest price over the present one, 0 to below 1.

    Returns
    -------
    float64[k]
        Fractions below 1 - B.
    """
    q, depth, low = _row(sold_usd, "sold_usd"), _row(depth_usd, "depth_usd"), _row(floor, "floor")
    _above(depth, "depth_usd")
    if (low < 0.0).any() or (low >= 1.0).any() or (q < 0.0).any():
        raise RuleError("a floor is from 0 to below 1, a sale 0 or more")
    return np.asarray(-(1.0 - low) * np.expm1(-q / ((1.0 - low) * depth)))


def threshold_deleveraging(
    holdings_usd: ArrayLike, equity_usd: ArrayLike, shock: ArrayLike, depth_usd: ArrayLike, max_leverage: float,
    target_leverage: float, other_usd: ArrayLike | None = None, floor: ArrayLike | float = 0.5,
    sold_bears: float = 0.5,
) -> Deleveraging:  # fmt: skip
    """Holders above a leverage sell, in proportion, until they are at a lower one; prices answer; again until none is.

    Parameters
    ----------
    holdings_usd : float[n, k]
        Marketable holdings before the shock.
    equity_usd : float[n]
        Before the shock, above 0.
    shock : float[k]
        Falls, fractions.
    depth_usd : float[k]
        As for ``bounded_impact``, of one round.
    max_leverage, target_leverage : float
        Assets over equity above which a holder sells, and to which it sells; 1 < target <= max.
    other_usd : float[n], optional
        Assets that cannot be sold; none when not given.
    floor : float or float[k]
        Lowest price over that before the shock.
    sold_bears : float
        Share of a round's fall that is lost on what is sold in it: 1/2 for the mean of the prices before and after.

    Returns
    -------
    Deleveraging

    Raises
    ------
    RuleError
        When shapes do not meet, a number is not possible, or sales go on for more than 1,000 rounds.

    Notes
    -----
    A holder without equity left sells all it can. Source: Cont, Schaanning (2017), Fire sales, indirect contagion and
    systemic stress testing, Norges Bank working paper 2/2017; MODEL.md 5.5.
    """
    held, equity = _table(holdings_usd, "holdings_usd").copy(), _row(equity_usd, "equity_usd")
    n, k = held.shape
    fall, depth = _row(shock, "shock"), _row(depth_usd, "depth_usd")
    other = np.zeros(n) if other_usd is None else _row(other_usd, "other_usd")
    low = _row(np.full(k, floor) if np.ndim(floor) == 0 else floor, "floor")
    _same(n, equity_usd=equity, other_usd=other)
    _same(k, shock=fall, depth_usd=depth, floor=low)
    _above(equity, "equity_usd")
    if not 1.0 < target_leverage <= max_leverage or not 0.0 <= sold_bears <= 1.0:
        raise RuleError("leverages are 1 < target <= max, and what is sold bears 0 to 1 of the fall")
    if (held < 0.0).any() or (fall >= 1.0).any() or (1.0 - fall < low).any():
        raise RuleError("holdings are 0 or more, and a shock leaves the price at its floor or above")
    first = equity.copy()
    equity = equity - held @ fall
    held *= 1.0 - fall
    price, sold = 1.0 - fall, []
    path = [price]
    for _ in range(MOST_ROUNDS):
        assets = held.sum(axis=1) + other
        over = (equity <= 0.0) | (assets > max_leverage * equity * (1.0 + 1e-12))
        wanted = np.where(over, assets - target_leverage * np.maximum(equity, 0.0), 0.0)
        market = held.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(market > 0.0, np.clip(wanted / market, 0.0, 1.0), 0.0)
        sales = (part[:, None] * held).sum(axis=0)
        if not sales.sum() > 1e-9 * max(1.0, float(first.sum())):
            break
        drop = bounded_impact(sales, depth, np.minimum(low / price, 1.0 - 1e-12))
        equity = equity - held @ drop * (1.0 - part) - sold_bears * part * (held @ drop)
        held *= (1.0 - part)[:, None] * (1.0 - drop)
        price = price * (1.0 - drop)
        sold.append(sales)
        path.append(price)
    else:
        raise RuleError(f"sales go on after {MOST_ROUNDS:,} rounds: the depth is too small for the holdings")
    loss, broke = first - equity, equity <= 0.0
    return Deleveraging(len(sold), np.array(sold).reshape(-1, k), price, loss, broke, np.array(path))


def price_response(
    risk_aversion: float, volatility_usd: float, margin_usd: float, margin_slope: float, position: float,
    initial_position: float,
) -> Response:  # fmt: skip
    """Answer of a price to a funding shock when dealers' capital binds, with the loss and the margin spiral.

        dp / d eta = 1 / ( 2/(gamma sigma^2) m + (dm/dp) x - x0 )

    Parameters
    ----------
    risk_aversion : float
        gamma of the customers, one part in USD; above 0.
    volatility_usd : float
        sigma of the fundamental value, USD a coin; above 0.
    margin_usd : float
        m, USD of margin a coin; above 0.
    margin_slope : float
        dm / dp, USD a USD; below 0 the margin rises as the price falls.
    position : float
        x, what dealers hold now, coins; 0 or more.
    initial_position : float
        x0, what they held before, coins; above 0 they lose as the price falls.

    Returns
    -------
    Response

    Raises
    ------
    RuleError
        When a number is not possible.

    Notes
    -----
    Both spirals together exceed the sum of what each adds. Source: Brunnermeier, Pedersen (2009), Market liquidity
    and funding liquidity, Review of Financial Studies 22, proposition 5 in MODEL.md 5.5's form.
    """
    if not min(risk_aversion, volatility_usd, margin_usd) > 0.0 or not position >= 0.0:
        raise RuleError("risk aversion, volatility and margin are above 0, the position 0 or more")
    base = 2.0 / (risk_aversion * volatility_usd**2) * margin_usd
    spirals = (margin_slope * position - initial_position, 0.0, -initial_position, margin_slope * position)
    return Response(*(1.0 / (base + s) if base + s > 0.0 else math.inf for s in spirals))


def root_impact(daily_volatility: float, size: float, daily_volume: float, y: float = 1.0) -> float:
    """I = Y sigma sqrt(Q / V): fall that the sale of a whole position makes, a fraction.

    Size and volume in one unit. Source: MODEL.md 5.4; Caccioli, Bouchaud, Farmer (2012).
    """
    if not min(daily_volatility, size, daily_volume, y) > 0.0:
        raise RuleError("volatility, size, volume and Y are above 0")
    return y * daily_volatility * math.sqrt(size / daily_volume)


def critical_leverage(impact: float) -> float:
    """Leverage from which on a position cannot be left without ruin under square-root impact: 3 / (2 I).

    Parameters
    ----------
    impact : float
        I, fall that the sale of the whole makes, a fraction above 0 (``root_impact``).

    Notes
    -----
    Assets are sold at mean prices of 1 - 2 I / 3, so what is owed, 1 - 1/leverage of them, is met below it alone.
    Source: Caccioli, Bouchaud, Farmer (2012), A proposal for impact-adjusted valuation: critical leverage and
    execution risk, arXiv:1204.0922; MODEL.md 6.2.11.
    """
    if not impact > 0.0:
        raise RuleError(f"the impact is {impact:g}: a fraction above 0")
    return 1.5 / impact


def leverage_path(leverage: float, impact: float, sold: ArrayLike) -> Floats:
    """Leverage marked to market while a position is sold under square-root impact.

    Parameters
    ----------
    leverage : float
        Assets over equity at the start, 1 or more.
    impact : float
        As for ``critical_leverage``.
    sold : float[n]
        Share of the position that is sold by then, 0 to 1.

    Returns
    -------
    float64[n]
        Assets left over equity; infinite where no equity is left.

    Notes
    -----
    Source: Caccioli, Bouchaud, Farmer (2012); numbers of MODEL.md 6.2.11.
    """
    x = _row(sold, "sold")
    if not leverage >= 1.0 or not 0.0 < impact < 1.0 or (x < 0.0).any() or (x > 1.0).any():
        raise RuleError("leverage is 1 or more, impact between 0 and 1, what is sold 0 to 1")
    left = (1.0 - x) * (1.0 - impact * np.sqrt(x))
    paid = x - 2.0 / 3.0 * impact * x**1.5
    equity = left + paid - (1.0 - 1.0 / leverage)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(equity > 0.0, left / equity, math.inf))


def _rising(table: ArrayLike, name: str) -> tuple[Floats, Floats]:
    rows = _table(table, name)
    if rows.shape[1] != 2:
        raise RuleError(f"{name}: give rows of two numbers")
    if rows[0, 0] > 0.0 or rows[0, 1] > 0.0:
        rows = np.vstack([[0.0, 0.0], rows])
    if (rows < 0.0).any() or not (np.diff(rows, axis=0) >= 0.0).all() or rows.shape[0] < 2:
        raise RuleError(f"{name}: two rows or more, numbers 0 or more, neither column falling")
    return rows[:, 0], rows[:, 1]
