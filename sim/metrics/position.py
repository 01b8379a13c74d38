"""Hypothetical positions along a path of the mark: room to the liquidation price, cash that a margin call asks.

Prices in USD, rates and tiers as the venue's table (``sim.thresholds.TierTable``): floats above the border, for
positions that nobody in the market holds. They trade nothing and move nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.thresholds import TierTable

Floats = NDArray[np.float64]

LONG, SHORT = 1, -1


class Held(NamedTuple):
    """A position: ``side`` +1 or -1, its size in USD at the first mark, and notional over margin there."""

    side: int
    notional_usd: float
    leverage: float


def equity(held: Held, mark_usd: Floats) -> Floats:
    """Margin plus profit at each mark, USD; the first mark is the entry."""
    return np.asarray(held.notional_usd * (1.0 / held.leverage + held.side * (mark_usd / mark_usd[0] - 1.0)))


def required(held: Held, mark_usd: Floats, tiers: TierTable, initial: bool) -> Floats:
    """Maintenance or initial margin at each mark, USD; initial margin is that of the own leverage where it is more."""
    notional = held.notional_usd * mark_usd / mark_usd[0]
    if not initial:
        return tiers.required_usd(notional)
    return np.asarray(notional / np.minimum(tiers.max_leverage[tiers.row(notional)], held.leverage))


def liquidation_usd(held: Held, entry_usd: float, tiers: TierTable) -> float:
    """Mark at which equity equals maintenance: above it a long is safe, below it a short.

    Returns
    -------
    float
        USD; 0 for a long that no fall liquidates.
    """
    coins, margin = held.notional_usd / entry_usd, held.notional_usd / held.leverage
    last = tiers.up_to_usd.size - 1
    for k in range(last + 1):
        # margin + side coins (x - entry) = coins x rate - deduction, within the tier of coins x
        slope = coins * (held.side - tiers.maintenance[k])
        x = float((held.side * held.notional_usd - margin - tiers.deduction_usd[k]) / slope)
        below = tiers.up_to_usd[k - 1] if k else 0.0
        if x > 0.0 and below <= coins * x and (coins * x <= tiers.up_to_usd[k] or k == last):
            return x
    return 0.0 if held.side > 0 else float("inf")


def least_room(side: int, limit_usd: float, mark_usd: Floats) -> float:
    """How close the mark comes to a liquidation price, a fraction of the mark; below 0 it is passed, at 0 all is safe.

    Parameters
    ----------
    side : int
        +1 for a long, -1 for a short.
    limit_usd : float
        Liquidation price: the last mark that is safe.
    mark_usd : float64[n]
    """
    return float(np.min(side * (1.0 - limit_usd / mark_usd)))


def largest_call(book: Sequence[Held], mark_usd: Floats, tiers: TierTable, initial: bool, cross: bool) -> float:
    """Most cash that positions would need at one time to be at their margin, USD; nothing is added meanwhile.

    Parameters
    ----------
    book : sequence of Held
    mark_usd : float64[n]
        From the entry on.
    tiers : TierTable
    initial : bool
        Initial instead of maintenance margin.
    cross : bool
        Surplus of one position pays for another.
    """
    short = np.array([required(h, mark_usd, tiers, initial) - equity(h, mark_usd) for h in book])
    needed = np.maximum(short.sum(axis=0), 0.0) if cross else np.maximum(short, 0.0).sum(axis=0)
    return float(needed.max())


def longest_spell(time_s: Floats, values: Floats, level: float, hold_s: float) -> float:
    """Longest time for which a series stays below a level, seconds; infinity when it is below at the end.

    Parameters
    ----------
    time_s, values : float64[n]
        NaN counts as below.
    level : float
    hold_s : float
        Two spells with less than this between them are one; a series that has been back for less at the end is not.

    Returns
    -------
    float
        From the first time below to the first time back; 0 when it is never below.
    """
    below = ~(values >= level)
    if not below.any():
        return 0.0
    starts = np.flatnonzero(below & ~np.concatenate(([False], below[:-1])))
    backs = np.flatnonzero(~below & np.concatenate(([False], below[:-1])))
    longest, began = 0.0, float(time_s[starts[0]])
    for k, back in enumerate(backs):
        until = float(time_s[starts[k + 1]]) if k + 1 < starts.size else float("inf")
        end = min(until, float(time_s[-1]))
        if end - float(time_s[back]) < hold_s:
            continue
        longest = max(longest, float(time_s[back]) - began)
        began = until
    return float("inf") if np.isfinite(began) else longest
