"""One run, one ensemble in a handful of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.metrics import event, measure
from sim.scenario.spec import Spec

HEADLINE_UTC = datetime(2025, 10, 10, 20, 50, tzinfo=UTC)
"""Second headline of 10 October 2025; the close of 20:49 is the last level before it (EVENT.md 1 and F1)."""


QUANTILES = (0.1, 0.5, 0.9)
SEEN: Final = "inverted_cdf"
"""Quantiles over seeds are values that a seed has: between two kinds of outcome, an interpolated one is neither."""


class Timing(NamedTuple):
    """Cost of a run; CPU is user plus system time inside the run, without compilation and build."""

    cpu_s: float
    wall_s: float
    started_utc: str
    ended_utc: str


def summarise(series: pd.DataFrame, spec: Spec, timing: Timing) -> dict[str, Any]:
    """Numbers of one run: every metric, the drop from the level before the headline, and the cost.

    Parameters
    ----------
    series : pandas.DataFrame
        Recorded seconds, as ``frames.series_frame`` makes them.
    spec : Spec
        The scenario.
    timing : Timing
        Cost in seconds.

    Returns
    -------
    dict
        Metric to value; ``drop_from_2049`` (fraction) only for a replay of 10 October 2025.
    """
    numbers: dict[str, Any] = measure({name: series[name].to_numpy() for name in series.columns})
    numbers["low_time_utc"] = clock_text(spec.start_utc, numbers["low_after_s"])
    headline_s = headline_after_s(spec)
    if headline_s is not None:
        numbers["drop_from_2049"] = drop_from_headline(series, headline_s)
    messages = numbers["messages"]
    numbers["cpu_s"], numbers["wall_s"] = timing.cpu_s, timing.wall_s
    numbers["messages_per_cpu_s"] = messages / timing.cpu_s if timing.cpu_s > 0 else float("nan")
    simulated_s = float(series["elapsed_s"].iloc[-1])
    numbers["simulated_s_per_cpu_s"] = simulated_s / timing.cpu_s if timing.cpu_s > 0 else float("nan")
    return numbers


OF_EACH: Final = (
    "drop_from_start", "forced_sell_usd", "forced_buy_usd", "oi_change", "deficit_most_usd", "n_liquidated",
)  # fmt: skip
OF_ALL: Final = ("forced_sell_usd", "forced_buy_usd", "n_liquidated", "messages")


def over_listings(summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Numbers of each listing, ``listing.metric``, and sums over all listings, ``all.metric``."""
    each = {f"{name}.{metric}": numbers[metric] for name, numbers in summaries.items() for metric in OF_EACH}
    return each | {f"all.{metric}": sum(numbers[metric] for numbers in summaries.values()) for metric in OF_ALL}


def headline_after_s(spec: Spec) -> float | None:
    """Seconds from the start to the second headline where the scenario is a replay (it names evidence), else None."""
    after_s = (HEADLINE_UTC - spec.start_utc).total_seconds()
    return after_s if spec.evidence is not None and 0.0 <= after_s <= spec.duration else None


def drop_from_headline(series: pd.DataFrame, headline_s: float) -> float:
    """Row F1: lowest mark from 20:50 to 24:00 UTC over the close of 20:49; NaN when the run ends before 22:00."""
    none = np.empty(0)
    time_s, mark_usd = series["elapsed_s"].to_numpy() - headline_s, series["mark_usd"].to_numpy()
    return event.drop(event.Path(time_s, mark_usd, none, none, none))


def clock_text(start_utc: datetime, after_s: float) -> str | None:
    """Time of day, ISO 8601 to the second in UTC; None when there is none."""
    if not np.isfinite(after_s):
        return None
    return (start_utc.astimezone(UTC) + timedelta(seconds=after_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seed_band(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """10 %, 50 % and 90 % quantile over the first axis (seeds), of the seeds that have a value; NaN where none has."""
    out = np.full((3, values.shape[1]), np.nan)
    known = np.isfinite(values)
    whole = known.all(axis=0)
    part = known.any(axis=0) & ~whole
    out[:, whole] = np.quantile(values[:, whole], QUANTILES, axis=0, method=SEEN)
    out[:, part] = np.nanquantile(values[:, part], QUANTILES, axis=0, method=SEEN)
    return out[0], out[1], out[2]


def over_seeds(summaries: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Median, 10 and 90 % quantile and range over seeds of every numeric entry.

    Returns
    -------
    dict
        Entry to ``{median, p10, p90, min, max, n}``; ``n`` counts the seeds that have a value.
    """
    out = {}
    for name, first in summaries[0].items():
        if isinstance(first, str) or first is None:
            continue
        values = np.array([s[name] for s in summaries], dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size == 0:
            out[name] = dict.fromkeys(("median", "p10", "p90", "min", "max"), float("nan")) | {"n": 0.0}
            continue
        p10, median, p90 = np.quantile(values, QUANTILES, method=SEEN)
        out[name] = {
            "median": float(median),
            "p10": float(p10),
            "p90": float(p90),
            "min": float(values.min()),
            "max": float(values.max()),
            "n": float(values.size),
        }
    return out
