"""Did a run cascade, and by how much did it fall beyond its news: each run beside the base run of its seed.

The base run has the same seed, depth and shock, with liquidation and withdrawal off (DECISIONS 20). Pure functions on
arrays; nothing here runs a market.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics.seeds import Median, Share, median_of_seeds, share_of_seeds

Floats = NDArray[np.float64]

CUT = 0.02
"""A run cascades when its second-round forced share exceeds this share of starting open interest (DECISIONS 20c)."""
CUTS = (CUT / 2.0, CUT, 2.0 * CUT)


def log_fall(price_usd: Floats, quiet_usd: Floats | None = None) -> float:
    """Deepest log fall, a positive number (0.05 is about 5 %); 0 when the price never is lower.

    Parameters
    ----------
    price_usd : float64[n]
        Price of the run; NaN where there was none.
    quiet_usd : float64[n], optional
        Price at the same times of the run without any shock (MODEL.md 5.2); without it the first price is the level.
    """
    known = np.isfinite(price_usd) if quiet_usd is None else np.isfinite(price_usd) & np.isfinite(quiet_usd)
    if not known.any():
        return float("nan")
    level = price_usd[known][0] if quiet_usd is None else quiet_usd[known]
    return max(0.0, -float(np.log(price_usd[known] / level).min()))


def second_round_share(forced_btc: float, open_interest_btc: float, first_round_share: float) -> float:
    """Forced coins beyond what the base fall alone would force, over starting open interest (R10); may be below 0.

    Parameters
    ----------
    forced_btc : float
        Coins of accounts that were liquidated: sold through the book and taken over.
    open_interest_btc : float
        Open interest at the start.
    first_round_share : float
        Lambda(T0): share of open interest whose liquidation price lies within the base run's fall.
    """
    return forced_btc / open_interest_btc - first_round_share if open_interest_btc > 0 else float("nan")


class Cascades(NamedTuple):
    """The seeds of one scenario, each paired with its base run.

    Attributes
    ----------
    cut : float
        Threshold c on the second-round share.
    share : tuple of Share
        Share of seeds that cascade at c/2, c and 2c, with Wilson intervals.
    second_round : float64[n]
        Second-round forced share of each seed.
    fall, base_fall : float64[n]
        T and T0: deepest log falls.
    amplification : float
        Median T over median T0 (A); NaN when the base does not fall.
    fall_if, fall_if_not : Median
        Fall of the seeds that cascade and of those that do not; NaN below ten.
    amplification_if, amplification_if_not : Median
        T over T0 of the same seeds.
    """

    cut: float
    share: tuple[Share, Share, Share]
    second_round: Floats
    fall: Floats
    base_fall: Floats
    amplification: float
    fall_if: Median
    fall_if_not: Median
    amplification_if: Median
    amplification_if_not: Median


def cascades(second_round: Floats, fall: Floats, base_fall: Floats) -> Cascades:
    """Judge the seeds at c = 2 % and report the share at c/2 and 2c beside it.

    Parameters
    ----------
    second_round : float64[n]
        As ``second_round_share``, one a seed.
    fall, base_fall : float64[n]
        As ``log_fall``, of the run and of the base run of the same seed.
    """
    n = second_round.size
    half, at_cut, double = (share_of_seeds(int((second_round > cut).sum()), n) for cut in CUTS)
    hit = second_round > CUT
    ratio = np.divide(fall, base_fall, out=np.full(n, np.nan), where=base_fall > 0)
    base = float(np.median(base_fall)) if n else float("nan")
    return Cascades(
        CUT, (half, at_cut, double), second_round, fall, base_fall,
        float(np.median(fall)) / base if base > 0 else float("nan"),
        median_of_seeds(fall[hit]), median_of_seeds(fall[~hit]),
        median_of_seeds(ratio[hit]), median_of_seeds(ratio[~hit]),
    )  # fmt: skip
