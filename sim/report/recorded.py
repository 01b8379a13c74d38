"""The recorded path that a scenario names as evidence, on the clock of the run; absent when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim import evidence
from sim.metrics import depth, event
from sim.results import Run
from sim.results.summary import HEADLINE_UTC
from sim.scenario.spec import Spec

Floats = NDArray[np.float64]

EVIDENCE_START_UTC = datetime(2025, 10, 10, 20, 20, tzinfo=UTC)
"""Time 0 of the derived files (calibration/derived, header lines)."""


class Recorded(NamedTuple):
    """One-minute closes and depth shares of the record; times are seconds from the start of the scenario."""

    name: str
    close_s: Floats  # end of each minute
    close_usd: Floats
    minute_s: Floats  # start of each minute with depth
    bid_within: Floats  # band of that minute as a fraction of mid, NaN where the bid side is unknown
    bid_share: Floats  # share of the morning depth in that band
    ask_within: Floats
    ask_share: Floats


def load_recorded(spec: Spec) -> Recorded | None:
    """Read the recorded path and depth that the scenario names; None when it names none.

    Raises
    ------
    DataError
        When a derived file is missing or damaged.
    """
    if spec.evidence is None:
        return None
    shift_s = (EVIDENCE_START_UTC - spec.start_utc).total_seconds()
    time_us, close_usd = evidence.recorded_path(spec.evidence)
    shares = evidence.depth_shares(spec.evidence)
    return Recorded(
        spec.evidence,
        time_us / 1e6 + shift_s,
        close_usd,
        shares.minute_us / 1e6 + shift_s,
        shares.bid_within,
        shares.bid_share,
        shares.ask_within,
        shares.ask_share,
    )


def morning_profiles(spec: Spec) -> dict[bool, list[tuple[float, float]]]:
    """Cumulative morning depth of the scenario by side (``True`` is ask): pairs of (fraction of mid, USD)."""
    market = spec.market
    return {
        ask: [(p.within, p.notional) for p in points]
        for ask, points in ((False, market.perp_bid_depth), (True, market.perp_ask_depth))
    }


def simulated_shares(run: Run, recorded: Recorded) -> tuple[Floats, Floats]:
    """Bid and ask depth of a run as shares of the scenario's morning profile, in the record's band of each minute."""
    time_s = run.bands["elapsed_s"].to_numpy()
    mid = run.bands["mid_usd"].to_numpy()
    coins = run.bands.iloc[:, 3:].to_numpy()
    morning = morning_profiles(run.spec)
    bid, ask = (
        depth.share_by_minute(time_s, coins, mid, morning[side], recorded.minute_s, within, side)
        for side, within in ((False, recorded.bid_within), (True, recorded.ask_within))
    )
    return bid, ask


def event_paths(runs: Sequence[Run], recorded: Recorded | None) -> list[event.Path]:
    """Each run as the estimators of ``metrics.event`` want it: on the clock of the event, with depth shares."""
    since_s = (HEADLINE_UTC - runs[0].spec.start_utc).total_seconds()
    none = np.empty(0)
    paths = []
    for run in runs:
        bid, ask = simulated_shares(run, recorded) if recorded is not None else (none, none)
        columns = {name: run.series[name].to_numpy() for name in run.series.columns if name != "time_utc"}
        paths.append(
            event.Path(
                columns["elapsed_s"] - since_s,
                columns["mark_usd"],
                recorded.minute_s - since_s if recorded is not None else none,
                bid,
                ask,
                columns,
                run.bands["mid_usd"].to_numpy(),
                run.bands.iloc[:, 3:].to_numpy(),
            )
        )
    return paths
