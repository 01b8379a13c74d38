"""Rows of the lending kernels from a lender profile."""

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

from sim.kernels.lending import CURVE, LENDER
from sim.settings.lender import AssetRules, CollateralRules, LenderSettings, RateCurve
from sim.units import exact, ppm


def terms_row(lender: LenderSettings, quantum: Fraction) -> Any:
    """LENDER[1] of a protocol, money in units of ``quantum`` dollars, rounded down."""
    row = np.zeros(1, LENDER)
    money = (floor(exact(usd) / quantum) for usd in (lender.small_position, lender.least_left))
    row[0] = (ppm(lender.full_close_health), ppm(lender.close_factor), *money, ppm(lender.protocol_fee))
    return row


def shares_row(rules: CollateralRules) -> tuple[int, int, int]:
    """Loan to value, threshold and bonus, in millionths."""
    return ppm(rules.ltv), ppm(rules.threshold), ppm(rules.bonus)


def reserve_row(lender: LenderSettings, name: str, price: Any, scale: Any) -> tuple[Any, ...]:
    """One RESERVE: bit m of each word speaks of mode m, in the order of the profile; bit 0 of no mode."""
    rules: AssetRules = lender.assets[name]
    modes = list(enumerate(lender.modes.values(), 1))
    backs = sum(1 << m for m, mode in modes if name in mode.collateral)
    lends = sum(1 << m for m, mode in modes if name in mode.borrowable) + (rules.curve is not None)
    return price, scale, *shares_row(rules), backs, lends


def curve_row(curve: RateCurve) -> Any:
    """CURVE[1] of a reserve."""
    row = np.zeros(1, CURVE)
    row[0] = tuple(ppm(part) for part in (curve.base, curve.kink, curve.slope, curve.steep))
    return row
