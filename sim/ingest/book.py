"""Depth by distance over time, as any of the formats gives it, and what every format is checked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.ingest.findings import Log, Side, listed

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Truths = NDArray[np.bool_]

FEWEST_FROZEN = 3
"""Snapshots in a row that must be the same before a side, or an order, counts as frozen."""
FROZEN_MOVE = 10e-4
"""The other side must have moved by this fraction meanwhile: then an honest side cannot have stayed the same."""
LARGEST_JUMP = 2.0
"""A side that grows or shrinks by this factor more than the other between two snapshots is a jump, if it is also
ten times the usual difference (in units of the standard deviation that the median absolute deviation implies)."""
_JUMP_SIGMAS = 10.0
_REGULAR_SPREAD = 0.5  # interquartile range over median of the intervals, below which a file has a cadence


@dataclass
class BookSide:
    """Cumulative depth of one side.

    Attributes
    ----------
    within : float64[k]
        Distances from the reference price, fractions, rising.
    usd : float64[n, k]
        Orders within that distance, US dollars; NaN where unknown.
    coins : float64[n, k] or None
        The same in coins, where the file says so.
    ok : bool[n]
        False where the side must not be used.
    best : float64[n] or None
        Best price as the file has it, where it holds single levels; NaN where the side is empty.
    digest : int64[n] or None
        A word that is the same for the same levels and sizes.
    """

    within: Floats
    usd: Floats
    coins: Floats | None
    ok: Truths
    best: Floats | None = None
    digest: Integers | None = None


@dataclass
class Depth:
    """Both sides at each time.

    Attributes
    ----------
    form : str
        Format of the file, as messages name it.
    time_us : int64[n]
        Rising, microseconds since 1970, UTC.
    bid, ask : BookSide
    mid : float64[n] or None
        Mid price in US dollars where the file holds prices of levels; NaN where unknown.
    """

    form: str
    time_us: Integers
    bid: BookSide
    ask: BookSide
    mid: Floats | None

    def sides(self) -> tuple[tuple[Side, BookSide, BookSide], ...]:
        """Name, side, other side, for both."""
        return ("bid", self.bid, self.ask), ("ask", self.ask, self.bid)


def check_gaps(time_us: Integers, log: Log) -> None:
    """Note snapshots that are missing, judged by the file's own intervals.

    Parameters
    ----------
    time_us : int64[n]
        Rising.
    log : Log
        Written.

    Notes
    -----
    Where the intervals have a cadence (interquartile range below half the median), an interval of one and a half
    medians or more lacks one snapshot or more. Otherwise an interval counts as a gap when it is above 20 medians and
    above three times the 99th percentile.
    """
    if time_us.size < 3:
        return
    steps = np.diff(time_us).astype(np.float64)
    low, middle, high = np.quantile(steps, (0.25, 0.5, 0.75))
    regular = high - low < _REGULAR_SPREAD * middle
    limit = 1.5 * middle if regular else max(20.0 * middle, 3.0 * float(np.quantile(steps, 0.99)))
    gaps = np.flatnonzero(steps >= limit)
    if not gaps.size:
        return
    longest = steps[gaps].max() / 1e6
    lacking = f"about {int(np.sum(np.rint(steps[gaps] / middle) - 1))} snapshots are missing, " if regular else ""
    log.add(
        "gap",
        "warning",
        f"{lacking}the usual interval is {middle / 1e6:g} s and the longest {longest:g} s "
        f"(after {listed(time_us[gaps])}); nothing is filled in",
        times_us=time_us[gaps],
    )


def check_sides(depth: Depth, log: Log) -> None:
    """Refuse what no book can be: a side without orders, depth that falls with distance, a side that stands still.

    Parameters
    ----------
    depth : Depth
        ``ok`` is written.
    log : Log
        Written.
    """
    for name, side, other in depth.sides():
        known = np.isfinite(side.usd)
        total = np.where(known, side.usd, -1.0).max(axis=1)
        _refuse(side, total == 0.0, "empty_side", "holds no orders at all; not used", name, depth, log)
        _refuse(side, total < 0.0, "missing_side", "is not in the snapshot; not used", name, depth, log)
        filled = np.where(known, side.usd, -np.inf)
        reached = np.maximum.accumulate(filled, axis=1)
        falls = (known & (filled < reached * (1.0 - 1e-9) - 0.01)).any(axis=1)
        why = "holds less within a wider distance than within a narrower one, so it is not cumulative; not used"
        _refuse(side, falls, "not_cumulative", why, name, depth, log)
        _refuse(side, _frozen(side, other), "frozen", _frozen_sentence(name), name, depth, log)


def _frozen_sentence(name: str) -> str:
    other = "asks" if name == "bid" else "bids"
    return (
        f"is the same to the last digit in {FEWEST_FROZEN} or more snapshots in a row while the {other} changed each "
        f"time and prices moved by {FROZEN_MOVE * 1e4:g} bp or more: the side was not updated; not used from its "
        "second copy on"
    )


def _refuse(side: BookSide, bad: Truths, kind: str, why: str, name: Side, depth: Depth, log: Log) -> None:
    bad = bad & side.ok
    if bad.any():
        side.ok &= ~bad
        log.add(kind, "refused", f"the {name} side {why}", side=name, times_us=depth.time_us[bad])


def _frozen(side: BookSide, other: BookSide) -> Truths:
    """Copies of the row before, within runs in which the other side moved all the time."""
    n = len(side.usd)
    still = np.zeros(n, np.bool_)
    if n < FEWEST_FROZEN:
        return still
    still[1:] = _repeats(side) & ~_repeats(other)
    price = other.best
    if other.coins is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            price = other.usd[:, 0] / other.coins[:, 0]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], still.view(np.int8), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):  # copies are rows start to end - 1
        first = start - 1
        moved = np.inf
        if price is not None:
            prices = price[first:end][np.isfinite(price[first:end])]
            moved = prices.max() / prices.min() - 1.0 if prices.size else 0.0
        if end - first < FEWEST_FROZEN or moved < FROZEN_MOVE:
            still[start:end] = False
    return still


def _repeats(side: BookSide) -> Truths:
    """Rows, from the second on, that are those before to the last digit."""
    if side.digest is not None:
        return np.asarray(side.digest[1:] == side.digest[:-1])
    a, b = side.usd[1:], side.usd[:-1]
    return np.asarray(((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1))


def check_jumps(depth: Depth, log: Log) -> None:
    """Note times at which one side's depth changes far beyond what the other shows; the values stay in use.

    Parameters
    ----------
    depth : Depth
        Read after everything else has been checked.
    log : Log
        Written.
    """
    for at, label in ((0, "narrowest"), (-1, "widest")):
        both = depth.bid.ok & depth.ask.ok
        rows = np.flatnonzero(both & (depth.bid.usd[:, at] > 0.0) & (depth.ask.usd[:, at] > 0.0))
        if rows.size < 10:
            continue
        bid, ask = (np.diff(np.log(side.usd[rows, at])) for side in (depth.bid, depth.ask))
        for name, own, other, side in (("bid", bid, ask, depth.bid), ("ask", ask, bid, depth.ask)):
            excess = np.abs(own) - np.abs(other)
            usual = 1.4826 * float(np.median(np.abs(own - other)))
            jumps = np.flatnonzero(excess > max(np.log(LARGEST_JUMP), _JUMP_SIGMAS * usual))
            if jumps.size:
                times = depth.time_us[rows[jumps + 1]]
                log.add(
                    "jump",
                    "warning",
                    f"depth within {side.within[at]:.4%} ({label} distance) changes by a factor of "
                    f"{LARGEST_JUMP:g} or more beyond the "
                    f"other side's change, and by {_JUMP_SIGMAS:g} times the usual difference, at "
                    f"{listed(times)}; used as it stands",
                    side=name,  # type: ignore[arg-type]
                    times_us=times,
                )
