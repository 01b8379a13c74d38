"""The leveraged value funds of Thurner, Farmer and Geanakoplos (2012) in their own market: demand meets supply at once.

A slow twin in plain NumPy, written from the paper's rules, beside which the same funds trade by orders in the engine
(docs/leveraged_funds.md). Prices in units of the value V = 1, N = 1000 shares, several runs side by side as rows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARES, VALUE, WEALTH = 1000.0, 1.0, 2.0  # N, V, W0
BETAS = np.arange(5.0, 55.0, 5.0)
RHO, SIGMA = 0.99, 0.035  # of the noise traders' cash, a step
A, B, BENCHMARK = 0.1, 0.15, 0.005  # memory of performance, investors' answer, r_b
RUIN = 0.1  # share of W0 below which a fund is out of business
ABSENT = 100  # steps until it comes back
HALVINGS = 36


class Clearing(NamedTuple):
    """Runs by rows: prices [steps + 1, runs], defaults and mean total wealth of the funds [runs]."""

    prices: Floats
    defaults: NDArray[np.int64]
    wealth: Floats


def spending(price: Floats, shares: Floats, cash: Floats, limit: Floats) -> Floats:
    """Money that each fund wants in the asset at a price: min(beta m, limit) W, nothing above value or without wealth.

    Parameters
    ----------
    price, limit : float64[runs]
        Price tried, and greatest leverage.
    shares, cash : float64[runs, funds]
        What the funds have from the step before; a fund that is out has neither.

    Returns
    -------
    float64[runs, funds]
    """
    wealth = np.maximum(shares * price[:, None] + cash, 0.0)
    mispricing = np.maximum(VALUE - price, 0.0)
    return np.minimum(BETAS * mispricing[:, None], limit[:, None]) * wealth


def clearing_price(noise: Floats, shares: Floats, cash: Floats, limit: Floats) -> Floats:
    """Price at which noise traders' cash and funds' spending buy all shares, by bisection.

    It lies between the price without funds and the value, or is the former where that is above value. With leverage
    there may be several such prices; bisection ends at one of them.
    """
    alone = noise / SHARES
    low, high = alone, np.maximum(alone, VALUE)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        too_low = noise + spending(middle, shares, cash, limit).sum(axis=1) > SHARES * middle
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.where(alone >= VALUE, alone, 0.5 * (low + high))


def out_and_back(wealth: Floats, absent: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Who is ruined at the end of a step, who comes back, and the steps that each fund still stays away.

    Parameters
    ----------
    wealth : float64[runs, funds]
        At the end of the step.
    absent : int64[runs, funds]
        Steps that a fund stays away; 0 for one that is in.

    Returns
    -------
    absent : int64[runs, funds]
    ruined, back : bool[runs, funds]
    """
    is_in = absent == 0
    ruined = is_in & (wealth < RUIN * WEALTH)
    later = np.where(ruined, ABSENT, np.maximum(absent - 1, 0))
    return later, ruined, ~is_in & (later == 0)


def simulate(limits: list[float], seeds: list[int], steps: int) -> Clearing:
    """Run so many steps for each pair of a greatest leverage and a seed; a seed is one path of the noise traders."""
    limit, n = np.array(limits, dtype=np.float64), len(limits)
    draws = np.stack([np.random.default_rng(seed).standard_normal(steps) for seed in seeds])
    shares, cash = np.zeros((n, BETAS.size)), np.full((n, BETAS.size), WEALTH)
    performance, absent = np.zeros_like(cash), np.zeros(cash.shape, np.int64)
    price, log_noise = np.full(n, VALUE), np.zeros(n)
    prices, defaults, total = [price], np.zeros(n, np.int64), np.zeros(n)
    for t in range(steps):
        log_noise = RHO * log_noise + SIGMA * draws[:, t]
        before = shares * price[:, None] + cash
        new = clearing_price(SHARES * VALUE * np.exp(log_noise), shares, cash, limit)
        gain = np.divide(shares * (new - price)[:, None], before, out=np.zeros_like(cash), where=before > 0.0)
        wealth, wanted = shares * new[:, None] + cash, spending(new, shares, cash, limit)
        performance = (1.0 - A) * performance + A * gain
        inflow = np.maximum(-1.0, B * (performance - BENCHMARK)) * np.maximum(wealth, 0.0)
        shares, cash = wanted / new[:, None], wealth - wanted + inflow
        price = new
        prices.append(price)
        total += (wealth + inflow).sum(axis=1)
        absent, ruined, back = out_and_back(wealth + inflow, absent)
        defaults += ruined.sum(axis=1)
        gone = (absent > 0) | back
        shares, performance = np.where(gone, 0.0, shares), np.where(gone, 0.0, performance)
        cash = np.where(back, WEALTH, np.where(gone, 0.0, cash))
    return Clearing(np.array(prices), defaults, total / steps)
