"""Optimal quotes of a market maker with inventory risk, in the long run (Gueant, Lehalle, Fernandez-Tapia).

A maker with constant absolute risk aversion ``gamma`` faces a price of volatility ``sigma`` and is filled at distance
``d`` with intensity ``A exp(-k d)``. Far from the horizon its optimal distances are, for ``q`` lots held::

    bid(q) = (1/gamma) ln(1 + gamma/k) + (2q + 1)/2 c
    ask(q) = (1/gamma) ln(1 + gamma/k) - (2q - 1)/2 c
    c      = sqrt(sigma^2 gamma / (2 k A) (1 + gamma/k)^(1 + k/gamma))

This is the approximation in closed form of the ground state of a tridiagonal eigenproblem; tests/exact/test_glft.py
solves that problem. The half-spread is bid(0) = ask(0), and each lot held moves both quotes by ``c`` against it.
Units are the caller's: ``sigma`` in price per square root of time, ``A`` in lots per time, ``k`` in 1/price,
``gamma`` in 1/(price x lots), the lot being the size of one fill. All four are above 0.

Source: MODEL 4.1; Gueant, Lehalle and Fernandez-Tapia (2013), "Dealing with the inventory risk", Mathematics and
Financial Economics 7, 477-507, section 4.
"""

import math

from sim.kernels._jit import small


def growth_of(gamma: float, k: float) -> float:
    """``(1 + gamma/k)^(1 + k/gamma)``, which no volatility changes."""
    ratio = gamma / k
    return math.exp((1.0 + 1.0 / ratio) * math.log1p(ratio))


@small
def skew_per_lot(gamma, k, intensity, sigma, growth):
    """How far both quotes move against each lot held: ``c``, in price; ``growth`` is that of ``growth_of``."""
    return math.sqrt(sigma * sigma * gamma / (2.0 * k * intensity) * growth)


def half_spread(gamma: float, k: float, skew: float) -> float:
    """Distance of the bid and of the ask from the fair price at no inventory, in price, for the skew of each lot."""
    return math.log1p(gamma / k) / gamma + 0.5 * skew
