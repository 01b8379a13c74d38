"""From depth over time to the profile of a scenario: medians in a window, with their range and what they rest on."""

from dataclasses import dataclass

import numpy as np

from sim.errors import DataError
from sim.ingest.book import BookSide, Depth, Floats, Integers, Truths
from sim.ingest.findings import Log, Side

FEWEST = 10
"""Snapshots below which a median is called thin."""
_DRIFT = 2.0
"""Last third over first third of the window, or the reverse, from which the median of all is called into question."""
_REACH = 0.9
"""A distance becomes a point of the profile where at least this share of the snapshots knows it."""
NEEDED = 0.01
"""The model's makers are sized by the depth within 1%; a profile must reach so far."""


@dataclass(frozen=True)
class Profile:
    """One side's cumulative profile.

    Attributes
    ----------
    within : float64[k]
        Fractions, rising.
    usd, low, high : float64[k]
        Median, 10% and 90% quantile over snapshots, US dollars; low and high are NaN where a point was borrowed.
    snapshots : int
        Used.
    borrowed : int
        Points at the far end taken from the scenario that is extended, scaled.
    """

    within: Floats
    usd: Floats
    low: Floats
    high: Floats
    snapshots: int
    borrowed: int = 0


def profile_of(depth: Depth, name: Side, window: Truths, log: Log) -> Profile:
    """Median profile of one side.

    Parameters
    ----------
    depth : Depth
        Checked.
    name : {"bid", "ask"}
    window : bool[n]
        Snapshots of the window.
    log : Log
        Written.

    Returns
    -------
    Profile

    Raises
    ------
    DataError
        When nothing usable is left in the window.
    """
    side = depth.bid if name == "bid" else depth.ask
    rows = window & side.ok & np.isfinite(side.usd).any(axis=1)
    n, asked = int(rows.sum()), int(window.sum())
    if not n:
        times = depth.time_us[window]
        found = [f for f in log.findings if f.severity == "refused" and f.touches(int(times[0]), int(times[-1]))]
        reasons = ", ".join(sorted({f.kind for f in found}))
        lines = [f"no usable {name} depth in the window: of its {asked} snapshots none can be used ({reasons})"]
        raise DataError("\n".join([*lines, *(f"  {f.text()}" for f in found)]))
    if n < FEWEST:
        log.add(
            "thin",
            "warning",
            f"only {n} snapshots are left in the window; a median of so few moves with each",
            side=name,
            count=n,
        )
    usd = side.usd[rows]
    known = np.isfinite(usd).mean(axis=0) >= _REACH
    if not known.any():
        raise DataError(f"no distance of the {name} side is known in {_REACH:.0%} of the {n} snapshots of the window")
    with np.errstate(invalid="ignore"):
        low, mid, high = np.nanquantile(usd[:, known], (0.1, 0.5, 0.9), axis=0)
    if (np.diff(mid) < 0.0).any():
        mid = np.maximum.accumulate(mid)
        log.add(
            "not_cumulative",
            "repaired",
            "medians fell with distance, since not every snapshot knows every one; raised",
            side=name,
        )
    _check_drift(depth.time_us[rows], usd[:, known][:, -1], float(side.within[known][-1]), name, log)
    within = side.within[known]
    if (beyond := side.within[~known]).size:
        far = ", ".join(f"{w:.4%}" for w in beyond)
        log.remark(f"{name}: distances {far} are known in fewer than {_REACH:.0%} of the snapshots and are left out")
    if mid[-1] <= 0.0:
        raise DataError(
            f"the {name} side holds nothing within {within[-1]:.4%} in half of the {n} snapshots of the window"
        )
    return Profile(within, mid, low, high, n)


def _check_drift(times: Integers, usd: Floats, within: float, name: Side, log: Log) -> None:
    """Tell of a window whose depth at its end is another than at its beginning: its median is neither."""
    third = len(usd) // 3
    if third < FEWEST // 3:
        return
    first, last = (float(np.nanmedian(part)) for part in (usd[:third], usd[-third:]))
    if min(first, last) > 0.0 and max(first, last) > _DRIFT * min(first, last):
        log.add(
            "drift",
            "warning",
            f"depth within {within:.4%} is {last / first:.3g} times as large in the last third of the window as "
            "in the first; the median "
            "is neither: narrow the window, or, for a book rebuilt from changes, let it run in first",
            side=name,
            times_us=[int(times[0]), int(times[-1])],
            count=1,
        )


def extended(profile: Profile, base: tuple[tuple[float, float], ...], name: Side, log: Log) -> Profile:
    """The profile with the far points of another one, scaled to meet it at its last distance.

    Parameters
    ----------
    profile : Profile
    base : tuple of (within, usd)
        Profile of the scenario that is extended.
    name : {"bid", "ask"}
    log : Log
        Written.

    Returns
    -------
    Profile
    """
    last = profile.within[-1]
    far = [(w, usd) for w, usd in base if w > last * (1.0 + 1e-9)]
    if not far:
        return profile
    there = float(np.interp(last, [0.0, *(w for w, _ in base)], [0.0, *(usd for _, usd in base)]))
    factor = float(profile.usd[-1]) / there
    log.add(
        "short",
        "repaired",
        f"the file reaches {last:.4%} from the mid; {len(far)} farther points are those of the extended scenario "
        f"x {factor:.4g}, which "
        "meets the file at its last distance: an assumption, not data",
        side=name,
        count=len(far),
    )
    nan = np.full(len(far), np.nan)
    return Profile(
        np.append(profile.within, [w for w, _ in far]),
        np.append(profile.usd, [usd * factor for _, usd in far]),
        np.append(profile.low, nan),
        np.append(profile.high, nan),
        profile.snapshots,
        len(far),
    )


def check_reach(profile: Profile, name: Side) -> None:
    """Refuse a profile that ends before the distance by which the model sizes its makers.

    Raises
    ------
    DataError
        With the cure.
    """
    if profile.within[-1] < NEEDED * (1.0 - 1e-9):
        raise DataError(
            f"the {name} side reaches only {profile.within[-1]:.4%} from the mid, and the model needs depth to "
            f"{NEEDED:.0%} at least: give deeper "
            "snapshots, or --extend-profile to take the farther points from the extended scenario, scaled (an "
            "assumption)"
        )


def widths(side: BookSide) -> str:
    """Distances of a side, for a sentence."""
    return ", ".join(f"{w:.4%}".rstrip("0").rstrip(".") for w in side.within)
