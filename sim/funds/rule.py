"""Daily net flow of investors as a linear rule of the price with autoregressive, fat-tailed noise.

    flow = constant + r0 x0 + r1 x1 + r2_6 (x2 + ... + x6) + trend (x1 + ... + x20) + u   in bp of the funds' assets,
    u = rho u(-1) + s e,   e Student t with nu degrees of freedom,

with x0 the return of the day itself in % (log, close to close of trading days), x1 that of the day before, and so on.
Fitted before the event: ``calibration/etf_flow.py``, whose ``run`` is the twin of this.
"""

from collections.abc import Sequence
from typing import NamedTuple

DAYS = 20  # of past returns that the rule reads


class FlowRule(NamedTuple):
    """Coefficients: bp, bp per %, and those of the noise (1, bp, 1)."""

    constant: float
    r0: float
    r1: float
    r2_6: float
    trend: float
    rho: float
    s: float
    nu: float


def known_bp(rule: FlowRule, past: Sequence[float]) -> float:
    """What of a day's flow is known at the close before, noise left out, in bp of assets.

    Parameters
    ----------
    rule : FlowRule
    past : sequence of float
        Returns of the twenty trading days before in %, oldest first.
    """
    if len(past) != DAYS:
        raise ValueError(f"the rule reads {DAYS} past returns, got {len(past)}")
    return rule.constant + rule.r1 * past[-1] + rule.r2_6 * sum(past[-6:-1]) + rule.trend * sum(past)


def next_noise(rule: FlowRule, noise: float, shock: float) -> float:
    """The noise of the next day, in bp; ``shock`` is a draw of a Student t with ``nu`` degrees of freedom."""
    return rule.rho * noise + rule.s * shock


def flow_so_far(known: float, noise: float, answer: float, return_so_far: float, over: float) -> float:
    """Flow up to a moment of the session, in bp: the part of the session that is over times what the day would bring
    if the price stood still from here; at the close the rule's own flow.

    Parameters
    ----------
    known, noise : float
        ``known_bp`` and the day's noise.
    answer : float
        ``r0`` of the rule.
    return_so_far : float
        Since the close of the day before, in %.
    over : float
        Part of the session that is over, 0 to 1.
    """
    return over * (known + noise + answer * return_so_far)
