"""Where leveraged accounts are liquidated: margin tiers as arrays, liquidation prices, and Lambda, their distribution.

Closed form, above the border and in floats: for tables and tests. The engine decides in integers (``kernels/margin``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.settings.venue import MarginTier

_MICRO = 1_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TierTable:
    """Margin tiers as arrays; requirement = notional x maintenance - deduction, without steps (MODEL.md 2.4).

    Attributes
    ----------
    up_to_usd, maintenance, max_leverage, deduction_usd : float64[n_tiers]
        Upper ends in dollars (inf: without end), rates, largest leverage on opening, deductions in dollars.
    """

    up_to_usd: Floats
    maintenance: Floats
    max_leverage: Floats
    deduction_usd: Floats

    def row(self, notional_usd: Floats) -> NDArray[np.int64]:
        """Tier of each notional; beyond the last edge the last tier holds."""
        return np.minimum(np.searchsorted(self.up_to_usd, notional_usd), len(self.up_to_usd) - 1).astype(np.int64)

    def required_usd(self, notional_usd: Floats) -> Floats:
        """Maintenance margin in dollars."""
        row = self.row(notional_usd)
        return np.asarray(notional_usd * self.maintenance[row] - self.deduction_usd[row])


def tier_table(tiers: Sequence[MarginTier]) -> TierTable:
    """Tiers of a venue profile as arrays.

    Parameters
    ----------
    tiers : sequence of MarginTier
        In the order of the profile.
    """
    up_to = np.array([np.inf if t.up_to is None else t.up_to for t in tiers])
    maintenance = np.array([t.maintenance for t in tiers])
    steps = up_to[:-1] * np.diff(maintenance)
    return TierTable(
        up_to, maintenance, np.array([t.max_leverage for t in tiers]), np.concatenate([[0.0], np.cumsum(steps)])
    )


def liquidation_ticks(rows: NDArray[np.void], tiers: Sequence[MarginTier], unit_micro: int) -> Floats:
    """Mark price, in ticks, at which each account's equity equals its maintenance margin.

    Parameters
    ----------
    rows : ACCOUNT_DRAW[n]
    tiers : sequence of MarginTier
    unit_micro : int
        Micro-dollars a lot gains with one tick.

    Returns
    -------
    float64[n]
        0 for a long that no fall can liquidate.

    Notes
    -----
    In a tier with rate m and deduction d: margin + s q (P - entry) = q P m - d, hence
    P = (q entry - s (margin + d)) / (q (1 - s m)) with money in units of one tick and lot. Equity less requirement is
    monotone in P, so exactly one tier holds its own solution.
    """
    table = tier_table(tiers)
    side, lots = rows["side"].astype(np.float64), rows["lots"].astype(np.float64)
    out = np.zeros(len(rows))
    lower_usd = np.concatenate([[0.0], table.up_to_usd[:-1]])
    last = len(lower_usd) - 1
    for k, lower in enumerate(lower_usd):
        money = (rows["margin_micro"] + table.deduction_usd[k] * _MICRO) / unit_micro
        price = (lots * rows["entry_ticks"] - side * money) / (lots * (1.0 - side * table.maintenance[k]))
        notional_usd = lots * price * unit_micro / _MICRO
        inside = (notional_usd > lower) & ((notional_usd <= table.up_to_usd[k]) | (k == last))
        out[inside] = price[inside]
    return out


def liquidation_share(
    rows: NDArray[np.void], tiers: Sequence[MarginTier], mark_ticks: int, unit_micro: int, falls: Floats
) -> Floats:
    """Lambda: share of the longs' open interest whose liquidation price lies within each fall of the mark.

    Parameters
    ----------
    rows : ACCOUNT_DRAW[n]
    tiers : sequence of MarginTier
    mark_ticks : int
    unit_micro : int
        Micro-dollars a lot gains with one tick.
    falls : float64[k]
        Falls as positive fractions of the mark.

    Returns
    -------
    float64[k]
        Fractions of the longs' lots. No price impact: it is what a fall would meet, not what it would do.
    """
    longs = rows[rows["side"] > 0]
    at = liquidation_ticks(longs, tiers, unit_micro)
    total = float(longs["lots"].sum())
    return np.array([float(longs["lots"][at >= mark_ticks * (1.0 - fall)].sum()) / total for fall in falls])
