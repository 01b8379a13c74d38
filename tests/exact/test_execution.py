"""Almgren and Chriss: the example of the paper, its closed sums, and the optimum found by search."""

import math

import numpy as np
import pytest

from sim.calculator.execution import Liquidation, fitted_impact
from sim.errors import RuleError

# The paper's table 1: 1,000,000 shares in 5 days, sigma 0.95 $/share/sqrt(day), spread 1/8, eta 2.5e-6, gamma 2.5e-7.
PAPER = Liquidation(1e6, 5.0, 5, 0.95, 0.0625, 2.5e-6, 2.5e-7)


def test_the_papers_example():
    """Its kappa of about 0.61 a day at lambda 1e-6; the even sale costs 125,000 + 62,500 + 475,000 and has variance
    sigma^2 X^2 T / 3 (1 - 1/N)(1 - 1/2N); all at once costs 62,500 + 2,500,000 in the first day, without variance.
    """
    assert PAPER.kappa(1e-6) == pytest.approx(0.61, rel=0.01)
    even = PAPER.holdings(0.0)
    assert even == pytest.approx([1e6, 8e5, 6e5, 4e5, 2e5, 0.0])
    assert PAPER.expected_cost(even) == pytest.approx(662_500)
    assert PAPER.deviation(even) ** 2 == pytest.approx(0.9025e12 * 5 / 3 * 0.8 * 0.9)
    once = np.array([1e6, 0, 0, 0, 0, 0])
    assert PAPER.expected_cost(once) == pytest.approx(62_500 + 2_500_000) and PAPER.deviation(once) == 0.0


@pytest.mark.parametrize("aversion", [1e-7, 1e-6, 2e-6, 1e-4])
def test_cost_and_variance_equal_the_closed_sums(aversion):
    """Equations 20 and 21 of the paper."""
    k, tau, horizon, x = PAPER.kappa(aversion), PAPER.step, PAPER.horizon, PAPER.coins
    sinh, cosh = math.sinh, math.cosh
    first = math.tanh(k * tau / 2) * (tau * sinh(2 * k * horizon) + 2 * horizon * sinh(k * tau))
    cost = 0.5 * PAPER.permanent * x**2 + PAPER.half_spread * x
    cost += PAPER.adjusted * x**2 * first / (2 * tau**2 * sinh(k * horizon) ** 2)
    variance = 0.5 * PAPER.volatility**2 * x**2
    variance *= tau * sinh(k * horizon) * cosh(k * (horizon - tau)) - horizon * sinh(k * tau)
    variance /= sinh(k * horizon) ** 2 * sinh(k * tau)
    best = PAPER.holdings(aversion)
    assert PAPER.expected_cost(best) == pytest.approx(cost, rel=1e-9)
    assert PAPER.deviation(best) ** 2 == pytest.approx(variance, rel=1e-9)


def test_no_other_trajectory_is_better():
    draw = np.random.default_rng(2)

    def worth(x):
        return PAPER.expected_cost(x) + 1e-6 * PAPER.deviation(x) ** 2

    best = PAPER.holdings(1e-6)
    for _ in range(500):
        other = best + np.concatenate([[0.0], draw.normal(0.0, 3e4, 4), [0.0]])
        assert worth(other) > worth(best)
    frontier = PAPER.frontier([0.0, 1e-7, 1e-6, 1e-5])
    assert (np.diff(frontier[:, 0]) < 0).all() and (np.diff(frontier[:, 1]) > 0).all()
    assert PAPER.at_risk(1e-6, 1.645) == pytest.approx(frontier[2, 1] + 1.645 * frontier[2, 0])


def test_far_beyond_the_half_life_nothing_overflows():
    steep = PAPER.holdings(1e6)
    assert steep[0] == 1e6 and steep[1] == pytest.approx(0.0, abs=1.0) and np.isfinite(steep).all()


def test_impact_is_read_back_from_sales():
    costs = [0.1 + 0.5 * 10 * 0.02 + 10 / t * 0.3 for t in (1, 5, 20)]
    assert fitted_impact(10, [1, 5, 20], costs, 0.1) == pytest.approx((0.3, 0.02, 0.0), abs=1e-12)
    falling = fitted_impact(10, [1, 5], [0.2, 0.5], 0.1)  # dearer when slower: all of it permanent
    assert falling[0] == 0.0 and falling[1] > 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: Liquidation(0, 1, 1, 1, 0, 1, 0),
        lambda: Liquidation(1, 1, 1, 1, 0, 0.4, 1),
        lambda: PAPER.kappa(-1.0),
        lambda: fitted_impact(1, [5, 5], [1, 1], 0),
    ],
)
def test_what_is_not_possible_is_refused(call):
    with pytest.raises(RuleError):
        call()
