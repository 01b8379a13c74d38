"""Fire sales of many holders and assets in closed form: covariance, aggregate vulnerability, overlapping portfolios.

Plain linear algebra in floats; money in USD, returns and prices as fractions. They know no order book, no margin rule
and no second of time: anchors to hold a simulation against, not a replacement of one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.errors import RuleError

Floats = NDArray[np.float64]


class Vulnerability(NamedTuple):
    """What a common shock does through leverage targets and price impact; losses are above 0.

    Attributes
    ----------
    aggregate : float
        Losses by fire sales of all holders over their equity.
    systemicness : float64[n]
        Part of ``aggregate`` that each holder's own sales make; they sum to it.
    indirect : float64[n]
        Loss of each holder by everybody's sales, over its equity.
    direct : float64[n]
        Loss of each holder by the shock itself, over its equity; 1 and more: nothing is left of it.
    sales_usd : float64[k]
        Sold of each asset, USD.
    price_falls : float64[k]
        Falls that those sales make, fractions.
    """

    aggregate: float
    systemicness: Floats
    indirect: Floats
    direct: Floats
    sales_usd: Floats
    price_falls: Floats


class Factors(NamedTuple):
    """Aggregate vulnerability as a product.

    Attributes
    ----------
    size_usd : float
        Assets of all holders, USD.
    leverage : float
        b (1 + b), b being debt over equity of all holders together.
    concentration : float
        Illiquidity concentration, one part in USD.
    """

    size_usd: float
    leverage: float
    concentration: float

    @property
    def aggregate(self) -> float:
        """The product."""
        return self.size_usd * self.leverage * self.concentration


def fire_sale_covariance(
    covariance: ArrayLike, shares: ArrayLike, prices: ArrayLike, depth_shares: ArrayLike, slope: float,
    initial_usd: float | None = None,
) -> Floats:  # fmt: skip
    """Covariance of returns while one large fund is being run down.

    A fund of worth V sells in proportion to its holdings by alpha_i (f(V / V0) - f(V* / V0)) as its worth falls, and
    each asset answers by the sale over its depth: with Lambda_i = alpha_i / D_i, pi_i = alpha_i S_i and s = f'(V / V0),

        C = Sigma + s/V0 (Lambda pi' Sigma + Sigma pi Lambda') + (s/V0)^2 (pi' Sigma pi) Lambda Lambda'

    Parameters
    ----------
    covariance : float[n, n]
        Sigma of the returns without the fund, per unit of time; symmetric.
    shares : float[n]
        alpha, held by the fund at the start.
    prices : float[n]
        S, USD.
    depth_shares : float[n]
        D, shares that move the price by the whole of itself at the rate of the first one sold; above 0.
    slope : float
        f', share of its holdings sold for each unit of V / V0 lost; 0: nobody leaves.
    initial_usd : float, optional
        V0; the holdings at ``prices`` when not given.

    Returns
    -------
    float64[n, n]
        Per the same unit of time.

    Raises
    ------
    RuleError
        When shapes do not meet, or a depth, V0 or the slope is not possible.

    Notes
    -----
    Source: Cont, Wagalath (2013), Running for the exit: distressed selling and endogenous correlation in financial
    markets, Mathematical Finance 23; MODEL.md 5.5.
    """
    held, price = _row(shares, "shares"), _row(prices, "prices")
    depth, sigma = _row(depth_shares, "depth_shares"), _table(covariance, "covariance")
    n = held.size
    _same(n, prices=price, depth_shares=depth)
    if sigma.shape != (n, n) or not np.allclose(sigma, sigma.T):
        raise RuleError(f"covariance is {sigma.shape[0]} x {sigma.shape[1]}: give a symmetric one of {n} x {n}")
    _above(depth, "depth_shares")
    worth = float(held @ price) if initial_usd is None else float(initial_usd)
    if not worth > 0.0 or not slope >= 0.0:
        raise RuleError(f"the fund's worth is {worth:g} and the slope {slope:g}: above 0, and 0 or more")
    lam, s = held / depth, slope / worth
    whole = np.eye(n) + s * np.outer(lam, held * price)
    return np.asarray(whole @ sigma @ whole.T)


def correlation(covariance: ArrayLike) -> Floats:
    """Correlations of a covariance matrix, float64[n, n]."""
    sigma = _table(covariance, "covariance")
    _above(np.diag(sigma), "variances")
    sd = np.sqrt(np.diag(sigma))
    return np.asarray(sigma / np.outer(sd, sd))


def aggregate_vulnerability(
    assets_usd: ArrayLike, equity_usd: ArrayLike, weights: ArrayLike, impact: ArrayLike, shock: ArrayLike
) -> Vulnerability:
    """Losses by fire sales when every holder sells back to the leverage that it had, at fixed weights.

    With A the assets, B the leverages (debt over equity), M the weights, L the impacts and F the shock:
    sales M'ABMF, falls L M'ABMF, aggregate 1'A M L M'ABMF / E. One round, as in the source.

    Parameters
    ----------
    assets_usd, equity_usd : float[n]
        Of each holder, USD; equity above 0 and at most the assets.
    weights : float[n, k]
        Share of each asset in a holder's assets; 0 or more, rows sum to 1.
    impact : float[k]
        Fall for one USD sold, fractions a USD: 1 / depth.
    shock : float[k]
        Fall of each asset, fractions above 0 for a fall.

    Returns
    -------
    Vulnerability

    Raises
    ------
    RuleError
        When shapes do not meet or a number is not possible.

    Notes
    -----
    Nothing keeps a holder from selling more than it has: where ``direct`` nears 1, read the result as unbounded.
    Source: Greenwood, Landier, Thesmar (2015), Vulnerable banks, Journal of Financial Economics 115; MODEL.md 5.5.
    """
    a, e, m, ell, f = _balance(assets_usd, equity_usd, weights, impact, shock)
    b = (a - e) / e
    own = a * b * (m @ f)  # what each holder sells, USD
    sold = m.T @ own
    falls = ell * sold
    hit = m.T @ a * ell  # losses of all holders for one USD sold of each asset
    total = float(e.sum())
    return Vulnerability(float(hit @ sold) / total, own * (m @ hit) / total, a * (m @ falls) / e, a * (m @ f) / e,
                         sold, falls)  # fmt: skip


def vulnerability_factors(
    assets_usd: ArrayLike, equity_usd: ArrayLike, weights: ArrayLike, impact: ArrayLike, shock: ArrayLike
) -> Factors:
    """Aggregate vulnerability as size x leverage x illiquidity concentration.

    With system weights m_k, mu_nk the share of asset k that holder n has, and beta_n its leverage over that of all:
    concentration = sum_k m_k^2 l_k sum_n mu_nk beta_n (M F)_n.

    Parameters
    ----------
    assets_usd, equity_usd, weights, impact, shock
        As for ``aggregate_vulnerability``.

    Returns
    -------
    Factors
        ``aggregate`` equals that of ``aggregate_vulnerability``.

    Raises
    ------
    RuleError
        As there; and when the holders together owe nothing.

    Notes
    -----
    Source: Duarte, Eisenbach (2021), Fire-sale spillovers and systemic risk, Journal of Finance 76; MODEL.md 5.5.
    """
    a, e, m, ell, f = _balance(assets_usd, equity_usd, weights, impact, shock)
    size, equity = float(a.sum()), float(e.sum())
    lever = (size - equity) / equity
    if not lever > 0.0:
        raise RuleError("the holders owe nothing: without leverage nothing is sold, and there are no factors")
    held = m.T @ a
    system = held / size
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(held > 0.0, (m * a[:, None]) / held, 0.0)
    beta = ((a - e) / e) / lever
    return Factors(size, lever * (1.0 + lever), float(np.sum(system**2 * ell * (part.T @ (beta * (m @ f))))))


def contagion_matrix(slopes_usd: ArrayLike, depth_usd: ArrayLike) -> Floats:
    """Fall of each asset for a unit of fall of each: N_ab = (d Lambda_a / d x_b) / D_a.

    Parameters
    ----------
    slopes_usd : float[k, k]
        Forced sales of asset a, USD, for each unit (1.0) by which asset b falls; 0 or more.
    depth_usd : float[k]
        D, USD that move an asset by a unit at the rate of the first sold; above 0.

    Returns
    -------
    float64[k, k]
        ``spectral_radius`` of it below 1: each round of sales is smaller than the one before.

    Raises
    ------
    RuleError
        When shapes do not meet, a slope is below 0 or a depth is not above it.

    Notes
    -----
    Source: MODEL.md 5.2; the branching argument is that of Caccioli, Shrestha, Moore, Farmer (2014), Stability
    analysis of financial contagion due to overlapping portfolios, Journal of Banking and Finance 46.
    """
    slopes, depth = _table(slopes_usd, "slopes_usd"), _row(depth_usd, "depth_usd")
    _above(depth, "depth_usd")
    if slopes.shape != (depth.size, depth.size) or (slopes < 0.0).any():
        raise RuleError(f"slopes_usd: give {depth.size} x {depth.size} numbers, 0 or more")
    return np.asarray(slopes / depth[:, None])


def overlap_matrix(assets_usd: ArrayLike, equity_usd: ArrayLike, weights: ArrayLike, impact: ArrayLike) -> Floats:
    """``contagion_matrix`` of holders who sell back to their leverage: L M'ABM, float64[k, k].

    Parameters are those of ``aggregate_vulnerability``.
    """
    a, e, m, ell, _ = _balance(assets_usd, equity_usd, weights, impact, np.zeros(np.size(impact)))
    return np.asarray(ell[:, None] * (m.T * (a * (a - e) / e)) @ m)


def spectral_radius(matrix: ArrayLike) -> float:
    """Largest absolute eigenvalue: from 1 on, a shock makes sales that make larger ones."""
    square = _table(matrix, "matrix")
    if square.shape[0] != square.shape[1]:
        raise RuleError(f"a matrix of {square.shape[0]} x {square.shape[1]} has no eigenvalues: give a square one")
    return float(np.abs(np.linalg.eigvals(square)).max())


def total_falls(matrix: ArrayLike, shock: ArrayLike) -> Floats:
    """Falls after all rounds of sales, (1 - N)^-1 s; 1 / (1 - n) for one asset.

    Parameters
    ----------
    matrix : float[k, k]
        As ``contagion_matrix``.
    shock : float[k]
        First falls, fractions.

    Returns
    -------
    float64[k]
        Infinite where the spectral radius is 1 or more.
    """
    n, s = _table(matrix, "matrix"), _row(shock, "shock")
    if n.shape != (s.size, s.size):
        raise RuleError(f"shock has {s.size} assets, the matrix is {n.shape[0]} x {n.shape[1]}")
    if spectral_radius(n) >= 1.0:
        return np.full(s.size, np.inf)
    return np.asarray(np.linalg.solve(np.eye(s.size) - n, s))


def _balance(a: ArrayLike, e: ArrayLike, m: ArrayLike, ell: ArrayLike, f: ArrayLike) -> tuple[Floats, ...]:
    assets, equity, weights = _row(a, "assets_usd"), _row(e, "equity_usd"), _table(m, "weights")
    impact, shock = _row(ell, "impact"), _row(f, "shock")
    _same(assets.size, equity_usd=equity)
    _same(impact.size, shock=shock)
    if weights.shape != (assets.size, impact.size):
        raise RuleError(
            f"weights are {weights.shape[0]} x {weights.shape[1]}: {assets.size} holders x {impact.size} assets"
        )
    _above(equity, "equity_usd")
    if (assets < equity).any() or (impact < 0.0).any() or (weights < 0.0).any():
        raise RuleError("assets are at least the equity, impacts and weights 0 or more")
    if not np.allclose(weights.sum(axis=1), 1.0, atol=1e-9):
        raise RuleError("the weights of a holder sum to 1")
    return assets, equity, weights, impact, shock


def _row(values: Any, name: str) -> Floats:
    found = np.atleast_1d(_numbers(values, name))
    if found.ndim != 1 or not found.size:
        raise RuleError(f"{name}: give one row of numbers")
    return found


def _table(values: Any, name: str) -> Floats:
    found = np.atleast_2d(_numbers(values, name))
    if found.ndim != 2 or not found.size:
        raise RuleError(f"{name}: give rows of numbers of one length")
    return found


def _numbers(values: Any, name: str) -> Floats:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise RuleError(f"{name}: not numbers, or rows of several lengths") from None
    if not np.isfinite(found).all():
        raise RuleError(f"{name}: a number is not finite")
    return found


def _same(n: int, **rows: Floats) -> None:
    for name, row in rows.items():
        if row.size != n:
            raise RuleError(f"{name} has {row.size} numbers where {n} are asked for")


def _above(row: Floats, name: str) -> None:
    if not (row > 0.0).all():
        raise RuleError(f"{name}: every number is above 0")
