"""The crash of 10 October 2025, measured on any one-coin path: estimators, recorded values and bands of EVENT.md 3b.

Every estimator works on arrays, so the simulated and the recorded path are measured by one rule. ``inf`` means "did not
happen within the window"; NaN means "cannot be measured here".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.metrics import price

Floats = NDArray[np.float64]

MINUTE_S = 60.0


def after_headline_s(hour: int, minute: int) -> float:
    """Seconds from the second headline, 20:50 UTC, to a time of the same day."""
    return ((hour - 20) * 60 + minute - 50) * MINUTE_S


END_OF_DAY_S = after_headline_s(24, 0)
"""End of the flash window of EVENT.md 3b."""
COVERED_S = after_headline_s(22, 0)
"""A run must reach 22:00 for the rows measured until midnight; what comes after counts where it was simulated."""
SMALLEST_FALL = 0.01
"""A fall below 1 % has no half recovery worth timing [judgement]."""


class Path(NamedTuple):
    """What is measured: seconds from 20:50 UTC, mark in USD, depth as share of the morning by minute (may be empty)."""

    time_s: Floats
    mark_usd: Floats
    minute_s: Floats
    bid_share: Floats
    ask_share: Floats


class Target(NamedTuple):
    """One row of the comparison: recorded value as published, accepted band, and how it is measured."""

    row: str
    name: str
    unit: str
    recorded: str
    low: float
    high: float
    estimator: str
    measure: Callable[[Path], float]


def reference_usd(path: Path) -> float:
    """Mark at 20:50:00, the close of 20:49; NaN when the path does not reach back to it."""
    return price.price_at(path.time_s, path.mark_usd, 0.0)


def _window(path: Path, from_s: float, to_s: float) -> tuple[Floats, Floats]:
    inside = (path.time_s > from_s) & (path.time_s <= to_s)
    covered = path.time_s.size and path.time_s[0] <= from_s and path.time_s[-1] >= min(to_s, COVERED_S)
    return (path.time_s[inside], path.mark_usd[inside]) if covered else (np.empty(0), np.empty(0))


def first_passage_minutes(path: Path, fall: float = 0.04) -> float:
    """Minutes from 20:50 to the first mark ``fall`` below the close of 20:49; infinity when it never is by midnight."""
    time_s, mark = _window(path, 0.0, END_OF_DAY_S)
    if time_s.size == 0:
        return float("nan")
    at_s = price.first_passage(time_s, mark, (1.0 - fall) * reference_usd(path))
    return at_s / MINUTE_S if np.isfinite(at_s) else float("inf")


def drop(path: Path) -> float:
    """Lowest mark from 20:50 to midnight over the close of 20:49, less 1 (fraction)."""
    _, mark = _window(path, 0.0, END_OF_DAY_S)
    return price.lowest(mark) / reference_usd(path) - 1.0


def second_leg(path: Path) -> float:
    """Lowest mark of the ten minutes 21:11 to 21:20 over the close of 21:10, less 1 (fraction)."""
    start_s = after_headline_s(21, 11)
    _, mark = _window(path, start_s, after_headline_s(21, 21))
    return price.lowest(mark) / price.price_at(path.time_s, path.mark_usd, start_s) - 1.0


def minutes_to_low(path: Path) -> float:
    """Minutes from 20:50 to the lowest mark before midnight."""
    time_s, mark = _window(path, 0.0, END_OF_DAY_S)
    return price.time_of_low(time_s, mark) / MINUTE_S


def half_recovery(path: Path) -> float:
    """Minutes from the low until half of the fall from 20:49 is regained; NaN for a fall below ``SMALLEST_FALL``."""
    if not drop(path) <= -SMALLEST_FALL:
        return float("nan")
    time_s, mark = _window(path, 0.0, END_OF_DAY_S)
    return price.half_recovery_minutes(time_s, mark, reference_usd(path))


def crash_return_sd(path: Path) -> float:
    """Measure the standard deviation of one-minute log returns, minutes 20:51 to 21:30 (fraction)."""
    time_s, mark = _window(path, 0.0, after_headline_s(21, 31))
    return price.return_sd(time_s, mark)


def _share(ask: bool, first: tuple[int, int], last: tuple[int, int]) -> Callable[[Path], float]:
    """Median depth share over the minutes ``first`` to ``last``, both included."""
    from_s, to_s = after_headline_s(*first), after_headline_s(*last)

    def measure(path: Path) -> float:
        shares = path.ask_share if ask else path.bid_share
        inside = (path.minute_s >= from_s) & (path.minute_s <= to_s) & np.isfinite(shares)
        return float(np.median(shares[inside])) if inside.any() else float("nan")

    return measure


_SHARE = "share of morning"
_DEPTH = "median over these minutes of depth over morning depth, each in the band that the record has in that minute"

TARGETS: tuple[Target, ...] = (
    Target(
        "F0",
        "first passage of -4 %",
        "min after 20:50",
        "23",
        21.0,
        26.0,
        "first mark 4 % below the close of 20:49; recorded 21:13, accepted 21:11 to 21:16",
        first_passage_minutes,
    ),
    Target(
        "F1",
        "drop from 20:49 to the low",
        "%",
        "-12.3 to -12.8",
        -15.0,
        -10.0,
        "lowest mark before 24:00 over the close of 20:49",
        drop,
    ),
    Target(
        "F2",
        "second leg, 21:10 to 21:20",
        "%",
        "-10.3",
        -13.0,
        -7.0,
        "lowest mark of these ten minutes over the close of 21:10",
        second_leg,
    ),
    Target(
        "F3",
        "time from the headline to the low",
        "min",
        "30",
        20.0,
        40.0,
        "lowest mark before 24:00, from 20:50",
        minutes_to_low,
    ),
    Target("F4", "half recovery after the low", "min", "10", 5.0, 20.0, "after the path's own low", half_recovery),
    Target(
        "F11",
        "one-minute return sd, 20:51 to 21:30",
        "%",
        "1.05",
        15 * 0.041,
        35 * 0.041,
        "log returns of one-minute closes; band is 15 to 35 times the recorded calm 0.041 %",
        crash_return_sd,
    ),
    Target(
        "F14",
        "bid depth, 20:55 to 21:10",
        _SHARE,
        "0.25 to 0.30",
        0.15,
        0.40,
        _DEPTH,
        _share(False, (20, 55), (21, 10)),
    ),
    Target(
        "F14", "ask depth, 20:55 to 21:10", _SHARE, "0.39 to 0.48", 0.29, 0.58, _DEPTH, _share(True, (20, 55), (21, 10))
    ),
    Target(
        "F15",
        "bid depth, 21:15 to 21:19 (check only)",
        _SHARE,
        "0.27",
        0.17,
        0.37,
        _DEPTH,
        _share(False, (21, 15), (21, 19)),
    ),
    Target("F15", "ask depth, 21:15 to 21:19", _SHARE, "0.23", 0.13, 0.33, _DEPTH, _share(True, (21, 15), (21, 19))),
    Target(
        "F16", "ask depth, 21:20 to 21:31", _SHARE, "0.08 to 0.17", 0.0, 0.20, _DEPTH, _share(True, (21, 20), (21, 31))
    ),
    Target("F17", "bid depth, 22:00", _SHARE, "0.18", 0.08, 0.28, _DEPTH, _share(False, (22, 0), (22, 0))),
    Target("F17", "ask depth, 22:00", _SHARE, "0.31", 0.21, 0.41, _DEPTH, _share(True, (22, 0), (22, 0))),
    Target("F17", "bid depth, 23:55", _SHARE, "0.26", 0.16, 0.36, _DEPTH, _share(False, (23, 55), (23, 55))),
    Target("F17", "ask depth, 23:55", _SHARE, "0.41", 0.31, 0.51, _DEPTH, _share(True, (23, 55), (23, 55))),
)
"""Recorded values and bands: EVENT.md 3b (F11: calm 0.041 %; F14-F17: +-0.1; F0: from the recorded one-minute mark)."""


def in_unit(target: Target, value: float) -> float:
    """Measured value in the unit of its row: fractions become per cent where the row is in per cent."""
    return 100.0 * value if target.unit == "%" else value


def verdict(target: Target, value: float) -> str:
    """Judge a value in the unit of its row: pass, miss or not measurable."""
    if np.isnan(value):
        return "not measurable"
    return "pass" if target.low <= value <= target.high else "miss"
