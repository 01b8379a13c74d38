"""Scores of a deleveraging rule, read off the events of a run: who paid, how much stayed open, what stayed unpaid.

Deleveraged lots count at what they gave up against the mark of the last recorded row, haircuts at the money paid.
Source: MODEL 2.7 [S:15] (solvency gap, open interest kept, concentration, overshoot).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.schema import EVENT_ADL, EVENT_HAIRCUT

Array = npt.NDArray[Any]
MICRO = 1e6


@dataclass(frozen=True)
class Scores:
    """How a rule did.

    Attributes
    ----------
    borne_usd : float
        What winners gave up: against mark by being closed, and by haircuts; below 0 where closing was to their gain.
    solvency_gap_usd : float
        Largest deficit of the fund or vault that stayed after a recorded row.
    interest_kept : float
        Share of the open interest at the start that no deleveraging closed.
    top_one, top_ten : float
        Share of the largest, and of the ten largest, in the notional closed (haircuts: in the money paid); NaN when
        nobody was asked.
    overshoot_usd : float
        Profit that those closed would have made more by ``later_s`` after it; below 0 when the price turned for them.
    """

    borne_usd: float
    solvency_gap_usd: float
    interest_kept: float
    top_one: float
    top_ten: float
    overshoot_usd: float


def deleveraging_scores(events: Array, series: Array, constants: dict[str, Any], later_s: float = 600.0) -> Scores:
    """Scores of the rule that a run was made under.

    Parameters
    ----------
    events : EVENT[k]
        Of one run.
    series : RECORD[n]
        Its recorded rows.
    constants : dict
        ``lot_coin``, ``start_open_interest_lots``.
    later_s : float
        Seconds after which forgone profit is measured, or the end of the run.

    Returns
    -------
    Scores
    """
    closed, cut = events[events["kind"] == EVENT_ADL], events[events["kind"] == EVENT_HAIRCUT]
    coins = closed["lots"] * float(constants["lot_coin"])  # below 0: given to a long, whose position shrinks
    paid = closed["cash_micro"] / MICRO - coins * mark_at(series, closed["time_us"])
    later = mark_at(series, closed["time_us"] + round(later_s * 1e6))
    forgone = -coins * (later - mark_at(series, closed["time_us"]))
    weight = np.concatenate([np.abs(closed["cash_micro"]), cut["cash_micro"]]).astype(float)
    by_account = np.sort(sums_of(np.concatenate([closed["account"], cut["account"]]), weight))[::-1]
    whole = by_account.sum()
    return Scores(
        borne_usd=float(paid.sum() + cut["cash_micro"].sum() / MICRO),
        solvency_gap_usd=float(series["deficit_micro"].max() / MICRO),
        interest_kept=1.0 - float(np.abs(closed["lots"]).sum()) / max(1, int(constants["start_open_interest_lots"])),
        top_one=float(by_account[:1].sum() / whole) if whole else float("nan"),
        top_ten=float(by_account[:10].sum() / whole) if whole else float("nan"),
        overshoot_usd=float(forgone.sum()),
    )


def mark_at(series: Array, time_us: Array) -> Array:
    """Mark in dollars of the last recorded row up to each time."""
    at = np.searchsorted(series["time_us"], time_us, side="right") - 1
    return np.asarray(series["mark_usd"][np.clip(at, 0, None)])


def sums_of(owner: Array, weight: Array) -> Array:
    """Sum of the weights of each owner."""
    _, group = np.unique(owner, return_inverse=True)
    return np.bincount(group, weights=weight) if len(owner) else np.zeros(0)
