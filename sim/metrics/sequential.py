"""A share of seeds against a limit, decided while seeds come in: valid however often one looks, and whenever one stops.

Seeds are independent draws; each is within a limit (1) or not (0). Let p be the share of all seeds that is. Against
"p <= m" somebody bets on higher shares: one account for each alternative p_j > m grows with a seed by the ratio of the
likelihoods, p_j / m or (1 - p_j) / (1 - m). Where p <= m the mean of the accounts is a nonnegative supermartingale that
starts at 1, so the chance that it ever reaches 1 / alpha is at most alpha (Ville 1939). Reaching it therefore rejects
"p <= m" with an error of at most alpha, at any stopping time. Likewise for "p >= m".

Alternatives: Jeffreys' prior cut to one side of m, on ``ACCOUNTS`` points (equal steps of the angle arcsin sqrt p). A
finite mixture is exactly a martingale: no integral is approximated. Robbins (1970) and Howard, Ramdas, McAuliffe and
Sekhon (2021, Annals of Statistics 49) for mixtures; Waudby-Smith and Ramdas (2024, JRSS B 86) for the betting form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ACCOUNTS = 64
"""Alternatives that are bet on; more changes the number of seeds by less than one."""
PASS, FAIL, UNDECIDED = "pass", "fail", "undecided"
_STEPS = 40  # of a bisection
_EDGE = 1e-12


def log_wealth(n_hit: Floats, n: Floats, m: Floats | float, above: bool) -> Floats:
    """Logarithm of the mean account against a share.

    Parameters
    ----------
    n_hit, n : float64[...]
        Seeds within the limit, and seeds, of one shape: any number of sequences at any time.
    m : float or float64[...]
        The share, 0 < m < 1.
    above : bool
        Bet on shares above ``m`` (against "p <= m"); else on those below (against "p >= m").

    Returns
    -------
    float64[...]
        Natural logarithm; 0 before the first seed.
    """
    hit, missed = (np.asarray(x, dtype=np.float64)[..., None] for x in (n_hit, np.subtract(n, n_hit)))
    share = np.asarray(m, dtype=np.float64)[..., None]
    angle, end = np.arcsin(np.sqrt(share)), np.pi / 2.0 if above else 0.0
    p = np.sin(angle + (end - angle) * (np.arange(ACCOUNTS) + 1.0) / ACCOUNTS) ** 2
    p[..., -1] = float(above)  # the boldest account stakes all: one seed against it ends it
    with np.errstate(divide="ignore"):
        win, lose = np.log(p / share), np.log((1.0 - p) / (1.0 - share))
    each = hit * np.where(hit > 0.0, win, 0.0) + missed * np.where(missed > 0.0, lose, 0.0)
    most = each.max(axis=-1, keepdims=True)
    return np.asarray(most[..., 0] + np.log(np.exp(each - most).mean(axis=-1)))


class Decision(NamedTuple):
    """What seeds have shown about "at least a share of all seeds is within the limit".

    ``verdict`` is ``pass``, ``fail`` or ``undecided``; ``n`` seeds were read, up to the one that decided, ``n_hit`` of
    them within the limit; of ``n_open`` the model cannot say: each verdict counts those against itself.
    """

    verdict: str
    n: int
    n_hit: int
    n_open: int


def decide(within: Sequence[bool | None], least: float, confidence: float, fewest: int = 1) -> Decision:
    """Read seeds in order until a verdict is reached.

    Parameters
    ----------
    within : sequence of bool or None
        One a seed, in the order of the seeds; None where the model cannot say.
    least : float
        The share asked, 0 < least < 1.
    confidence : float
        1 less the largest chance of a wrong verdict.
    fewest : int
        Seeds before which no verdict is given, whatever they show.

    Returns
    -------
    Decision
        ``pass`` is wrong (p < least) with a chance of at most 1 - confidence, and so is ``fail`` (p >= least); p is
        one or the other, so neither has to share its error. Later seeds are not read: how many came at once plays no
        part.
    """
    hit = np.cumsum([value is True for value in within], dtype=np.float64)
    open_ = np.cumsum([value is None for value in within], dtype=np.float64)
    n = np.arange(1.0, hit.size + 1.0)
    wanted = -math.log(1.0 - confidence)
    passes = log_wealth(hit, n, least, True) >= wanted
    fails = log_wealth(hit + open_, n, least, False) >= wanted
    decided = np.flatnonzero((passes | fails) & (n >= fewest))
    if not decided.size:
        return Decision(UNDECIDED, hit.size, int(hit[-1]) if hit.size else 0, int(open_[-1]) if hit.size else 0)
    k = int(decided[0])
    return Decision(PASS if passes[k] else FAIL, k + 1, int(hit[k]), int(open_[k]))


def band(n_hit: Floats, n: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Confidence sequence of the share: a verdict is reached when one of its ends passes the share asked.

    Parameters
    ----------
    n_hit, n : float64[...]
        Seeds within the limit, and seeds, at any times; ``n`` above 0.
    confidence : float
        Of each end by itself, at all times together.

    Returns
    -------
    low, high : float64[...]
        The lowest share that bets above it have not refuted, the highest that bets below it have not.
    """
    share = np.asarray(n_hit, dtype=np.float64) / n
    wanted = -math.log(1.0 - confidence)
    ends = []
    for above in (True, False):
        refuted, kept = np.full_like(share, 0.0 if above else 1.0), share.copy()
        for _ in range(_STEPS):
            middle = np.clip(0.5 * (refuted + kept), _EDGE, 1.0 - _EDGE)
            out = log_wealth(n_hit, n, middle, above) >= wanted
            refuted, kept = np.where(out, middle, refuted), np.where(out, kept, middle)
        ends.append(refuted)
    return ends[0], ends[1]
