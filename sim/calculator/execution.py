"""Optimal liquidation over a time in closed form: the trajectories and the frontier of Almgren and Chriss.

Floats; coins, USD a coin, and one unit of time throughout, which the caller chooses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.errors import RuleError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Liquidation:
    """A position to be sold in equal steps of time, under linear impact.

    Attributes
    ----------
    coins : float
        X, above 0.
    horizon : float
        T.
    steps : int
        N, steps of length T / N.
    volatility : float
        sigma of the price, USD a coin and sqrt of time.
    half_spread : float
        epsilon, fixed cost of a coin, USD.
    temporary : float
        eta, USD a coin for a coin a unit of time.
    permanent : float
        gamma, USD a coin for each coin sold.

    Notes
    -----
    Source: Almgren, Chriss (2000), Optimal execution of portfolio transactions, Journal of Risk 3; MODEL.md 5.4.
    """

    coins: float
    horizon: float
    steps: int
    volatility: float
    half_spread: float
    temporary: float
    permanent: float

    def __post_init__(self) -> None:
        if not min(self.coins, self.horizon) > 0.0 or self.steps < 1:
            raise RuleError("coins and horizon are above 0, steps 1 or more")
        if not min(self.volatility, self.half_spread, self.permanent) >= 0.0 or not self.adjusted > 0.0:
            raise RuleError(
                "volatility, half spread and permanent impact are 0 or more, and temporary impact above half of the "
                "permanent one over a step: else selling all at once costs least"
            )

    @property
    def step(self) -> float:
        """Length of a step, tau."""
        return self.horizon / self.steps

    @property
    def adjusted(self) -> float:
        """Temporary impact less half of the permanent one over a step."""
        return self.temporary - 0.5 * self.permanent * self.step

    def kappa(self, risk_aversion: float) -> float:
        """Rate at which the position is run down: 2 / tau^2 (cosh(kappa tau) - 1) = lambda sigma^2 / adjusted eta.

        Parameters
        ----------
        risk_aversion : float
            lambda, one part in USD, 0 or more.

        Returns
        -------
        float
            One part in a unit of time; its inverse is the half-life of the trade.
        """
        if not risk_aversion >= 0.0:
            raise RuleError(f"risk aversion is {risk_aversion:g}: 0 or more")
        square = risk_aversion * self.volatility**2 / self.adjusted
        return math.acosh(0.5 * square * self.step**2 + 1.0) / self.step

    def holdings(self, risk_aversion: float) -> Floats:
        """Coins left after each step, float64[steps + 1]: X sinh(kappa (T - t)) / sinh(kappa T), a line at 0."""
        t, k = np.linspace(0.0, self.horizon, self.steps + 1), self.kappa(risk_aversion)
        if k * self.horizon < 1e-9:
            return np.asarray(self.coins * (1.0 - t / self.horizon))
        left = np.exp(-k * t) * -np.expm1(-2.0 * k * (self.horizon - t)) / -np.expm1(-2.0 * k * self.horizon)
        return np.asarray(self.coins * left)

    def expected_cost(self, holdings: Floats) -> float:
        """Mean shortfall against the first price, USD: gamma X^2 / 2 + epsilon X + adjusted eta sum n^2 / tau."""
        sold = -np.diff(holdings)
        fixed = 0.5 * self.permanent * self.coins**2 + self.half_spread * float(np.abs(sold).sum())
        return fixed + self.adjusted / self.step * float(sold @ sold)

    def deviation(self, holdings: Floats) -> float:
        """Standard deviation of the shortfall, USD: sigma sqrt(tau sum x^2)."""
        return self.volatility * math.sqrt(self.step * float(holdings[1:] @ holdings[1:]))

    def frontier(self, risk_aversions: Sequence[float]) -> Floats:
        """Deviation and mean cost of the best trajectory for each risk aversion, float64[n, 2], USD."""
        best = [self.holdings(a) for a in risk_aversions]
        return np.array([(self.deviation(x), self.expected_cost(x)) for x in best])

    def at_risk(self, risk_aversion: float, z: float) -> float:
        """Liquidity-adjusted value at risk of a trajectory, USD: mean cost plus z deviations."""
        x = self.holdings(risk_aversion)
        return self.expected_cost(x) + z * self.deviation(x)


def fitted_impact(
    coins: float, times: Sequence[float], costs: Sequence[float], half_spread: float
) -> tuple[float, float, float]:
    """Temporary and permanent impact of even sales over several times, by least squares, neither below 0.

    Parameters
    ----------
    coins : float
        X of every sale.
    times : sequence of float
        T of each; two or more different ones.
    costs : sequence of float
        Mean cost of each, USD a coin: epsilon + gamma X / 2 + eta X / T.
    half_spread : float
        epsilon, USD a coin.

    Returns
    -------
    temporary, permanent, error : float
        eta, gamma, and the largest miss of a cost, USD a coin.
    """
    t, y = np.asarray(times, dtype=np.float64), np.asarray(costs, dtype=np.float64) - half_spread
    if t.size < 2 or np.unique(t).size < 2:
        raise RuleError("two sales of different lengths are needed to tell temporary from permanent impact")
    design = np.column_stack([coins / t, np.full(t.size, 0.5 * coins)])
    best: tuple[float, Floats] = (math.inf, np.zeros(2))
    for use in ([0, 1], [0], [1]):
        found = np.zeros(2)
        found[use] = np.linalg.lstsq(design[:, use], y, rcond=None)[0]
        miss = float(np.square(design @ found - y).sum())
        if (found >= 0.0).all() and miss < best[0]:
            best = (miss, found)
    eta, gamma = (float(v) for v in best[1])
    return eta, gamma, float(np.abs(design @ best[1] - y).max())
