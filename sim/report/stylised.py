"""Stylised facts of a calm scenario, as lines of text, rows of a table and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.metrics.facts import LEFT_OUT, OF_LIQUIDATIONS, PASS_SHARE, Judged, Series, stylised_facts
from sim.metrics.metaorders import impact_facts
from sim.report.published import metaorders
from sim.report.scorecard import is_calm, number
from sim.results import Run
from sim.results.summary import SEEN
from sim.venues.profile import load_profile


def facts_of(runs: Sequence[Run], *, experiments: bool = False) -> list[Judged]:
    """Facts of MODEL.md 6.1 over the seeds: all of them for a market left alone, else those of liquidations.

    Parameters
    ----------
    runs : sequence of Run
        Seeds of one scenario.
    experiments : bool
        Add facts 10 and 11 from the published metaorders, which are no part of the runs.
    """
    spec, series = runs[0].spec, [series_of(run) for run in runs]
    if is_calm(spec):
        found = [*stylised_facts(series), *(impact_facts(*metaorders()) if experiments else ())]
        return sorted(found, key=lambda j: j.fact.number)
    return stylised_facts(series, OF_LIQUIDATIONS) if spec.leveraged.enabled else []


def series_of(run: Run) -> Series:
    """A run as the estimators want it."""
    columns = {name: run.series[name].to_numpy() for name in run.series.columns if name != "time_utc"}
    rates = columns["funding_rate_frac"][columns["funding_usd"] != 0]  # one row a payment
    base = load_profile(run.spec.venue).funding.base
    accounts = run.accounts
    forced, taken = (accounts[name].abs().to_numpy(np.float64) for name in ("forced_btc", "taken_btc"))
    return Series(columns, run.bands.iloc[:, 3:].to_numpy(), rates, base, forced, taken)


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
            j.basis or (f"{j.n_inside} of {j.values.size}" if j.values.size else ""),
            f"{j.verdict}: {j.note}" if j.note else j.verdict,
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
        out.append(f"{n:>4} {name:<{wide}} {band:>16} {median:>10}  {inside:>17}  {verdict}")
    if any(j.fact.number not in OF_LIQUIDATIONS for j in judged):
        out += ["Without a row:", *(f"{n:>4} {why}" for n, why in LEFT_OUT.items())]
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
            "note": j.note,
            "basis": j.basis,
        }
        for j in judged
    ]
