"""Stylised facts of a calm scenario, as lines of text, rows of a table and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.metrics.facts import PASS_SHARE, Judged, Series, stylised_facts
from sim.report.scorecard import is_calm, number
from sim.results import Run
from sim.results.summary import SEEN
from sim.venues.profile import load_profile


def facts_of(runs: Sequence[Run]) -> list[Judged]:
    """Facts of MODEL.md 6.1 over the seeds of a market that is left alone; empty for any other scenario."""
    return stylised_facts([series_of(run) for run in runs]) if is_calm(runs[0].spec) else []


def series_of(run: Run) -> Series:
    """A run as the estimators want it."""
    columns = {name: run.series[name].to_numpy() for name in run.series.columns if name != "time_utc"}
    rates = columns["funding_rate_frac"][columns["funding_usd"] != 0]  # one row a payment
    base = load_profile(run.spec.venue).funding.base
    return Series(columns, run.bands.iloc[:, 3:].to_numpy(), rates, base)


def _band(low: float, high: float) -> str:
    if np.isinf(high):
        return f"above {number(low)}"
    return f"{number(low)} to {number(high)}"


def rows(judged: Sequence[Judged]) -> list[tuple[str, str, str, str, str, str]]:
    """Number, statistic, band, median over seeds, seeds inside of measured, verdict."""
    return [
        (
            str(j.fact.number),
            j.fact.name,
            _band(j.fact.low, j.fact.high),
            number(float(np.quantile(j.values, 0.5, method=SEEN))) if j.values.size else "",
            f"{j.n_inside} of {j.values.size}" if j.values.size else "",
            j.verdict,
        )
        for j in judged
    ]


def lines(judged: Sequence[Judged]) -> list[str]:
    """The facts as a text table; empty without any."""
    if not judged:
        return []
    wide = max(len(j.fact.name) for j in judged)
    out = [f"Stylised facts (MODEL.md 6.1), passed on {100 * PASS_SHARE:g} % of seeds or more:"]
    for n, name, band, median, inside, verdict in rows(judged):
        out.append(
            f"{n:>4} {name:<{wide}} {band:>16} {median:>10}  {inside:>8} {'seeds' if inside else '':<5}  {verdict}"
        )
    return out


def plain(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """The facts as JSON can hold them."""
    return [
        {
            "fact": j.fact.number,
            "name": j.fact.name,
            "band": [x if np.isfinite(x) else None for x in (j.fact.low, j.fact.high)],
            "values": [float(v) for v in j.values],
            "n_inside": j.n_inside,
            "verdict": j.verdict,
        }
        for j in judged
    ]
