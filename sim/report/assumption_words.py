"""Assumptions and verdicts as sentences and rows; the same words in the terminal, in JUnit XML and on the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.metrics.sequential import band
from sim.report.words import amount, duration
from sim.results.summary import SEEN

if TYPE_CHECKING:
    from sim.experiments.assumed import Assumed
    from sim.experiments.check import Checked, Verdict
    from sim.settings.assumption import MarginCall

NOTE = "share of simulated seeds given scenario, depth and model; not a forecast"


def measure_text(one: Assumed, value: float) -> str:
    """A measure in its unit, short."""
    if math.isnan(value):
        return "none"
    if one.test.kind == "exit_cost":
        return "not filled" if math.isinf(value) else f"{1e4 * value:.4g} bp"
    if one.test.kind == "recovery":
        return "not back" if math.isinf(value) else duration(value)
    return amount(value, one.test.unit)


def limit_text(one: Assumed) -> str:
    """The limit, as ``<= 60 bp``."""
    return f"{'<=' if one.test.limit == 'at_most' else '>='} {measure_text(one, one.limit)}"


def statement(one: Assumed) -> str:
    """What is claimed, as one sentence."""
    return f"{_what(one)} {limit_text(one)} in at least {100 * one.least:.4g} % of seeds"


def _what(one: Assumed) -> str:
    test: Any = one.test
    match test.kind:
        case "exit_cost":
            fees = ", fee included" if test.fees else ""
            against = "" if test.against == "twin" else ", against the price at its start"
            size = f"{test.side} {amount(test.notional, 'USD')} on {test.book}"
            return f"cost to {size} from {_at(test.at)} over {duration(test.over)}{against}{fees}"
        case "depth":
            when = f"at {_at(test.at)}" if not test.over else f"worst from {_at(test.at)} over {duration(test.over)}"
            return f"{test.book} {test.side} within {amount(test.within, 'fraction')} of mid, {when},"
        case "recovery":
            depth = f"{test.book} {test.side} within {amount(test.within, 'fraction')}"
            of = "mark" if test.of == "price" else depth
            return f"longest time of {of} below {amount(test.to, 'fraction')} of the minute before {_at(test.at)}"
        case "liquidation":
            how = f"{test.leverage:g}x" if test.leverage else f"at ${test.liquidation_price:,.10g}"
            return f"room to the liquidation price of a {how} {test.side}{_window(test)}"
        case "margin_call":
            return f"cash for {test.margin} margin of {_positions(test)}{_window(test)}"
        case "fund":
            return f"insurance fund left{_window(test)}"
        case "bad_debt":
            return f"uncovered deficit{_window(test)}"
        case _:
            span = f"{test.leverage_from:g} to {test.leverage_to:g}x"
            return f"share of {test.side}s with leverage {span} closed by deleveraging{_window(test)}"


def _positions(test: MarginCall) -> str:
    first = test.positions[0]
    if len(test.positions) == 1:
        return f"a {first.leverage:g}x {first.side} of {amount(first.notional, 'USD')}"
    total = sum(p.notional for p in test.positions)
    return f"{len(test.positions)} positions of {amount(total, 'USD')}, {test.mode}"


def _at(seconds: float) -> str:
    return "the start" if seconds == 0.0 else duration(seconds)


def _window(test: Any) -> str:
    over = "" if test.over is None else f" over {duration(test.over)}"
    return f" from {_at(test.at)}{over}" if test.at or over else ""


def seen(verdict: Verdict) -> dict[str, float]:
    """10, 50 and 90 % quantiles of the measure over all seeds made: values that a seed has; NaN left out."""
    known = np.array([v for v in verdict.values if not math.isnan(v)])
    if not known.size:
        return dict.fromkeys(("p10", "median", "p90"), math.nan)
    found = np.quantile(known, (0.1, 0.5, 0.9), method=SEEN)
    return dict(zip(("p10", "median", "p90"), map(float, found), strict=True))


def share_band(verdict: Verdict) -> tuple[float, float, float]:
    """Share of the read seeds within the limit and both ends of its confidence sequence; open seeds widen it."""
    d = verdict.decision
    if not d.n:
        return math.nan, 0.0, 1.0
    n = np.array([float(d.n)])
    low = float(band(np.array([float(d.n_hit)]), n, verdict.about.confidence)[0][0])
    high = float(band(np.array([float(d.n_hit + d.n_open)]), n, verdict.about.confidence)[1][0])
    return d.n_hit / d.n, low, high


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """One verdict as plain data, for JSON and tables; shares and fractions are fractions, money is USD, times are s."""
    one, d = verdict.about, verdict.decision
    share, low, high = share_band(verdict)
    until = verdict.good_until
    return {
        "name": one.name,
        "kind": one.test.kind,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "statement": statement(one),
        "note": one.test.note,
        "unit": one.test.unit,
        one.test.limit: one.limit,
        "share_of_seeds_asked": one.least,
        "confidence": one.confidence,
        "seeds": d.n,
        "seeds_within": d.n_hit,
        "seeds_open": d.n_open,
        "seeds_made": len(verdict.values),
        "seeds_most": one.seeds,
        "share_of_seeds": share,
        "share_of_seeds_low": low,
        "share_of_seeds_high": high,
        **seen(verdict),
        "depth_as_of": one.as_of.isoformat() if one.as_of else None,
        "depth_age_days": one.age_days,
        "good_until": until.isoformat() if until else None,
        "column": one.key,
    }


def checked_row(checked: Checked) -> dict[str, Any]:
    """A whole check as plain data."""
    return {
        "scenario": checked.scenario.spec.name,
        "title": checked.scenario.spec.title,
        "folder": str(checked.folder),
        "checked_on": checked.today.isoformat(),
        "joint": checked.joint,
        "passed": checked.passed,
        "runs_made": checked.runs_made,
        "note": NOTE,
        "assumptions": [verdict_row(v) for v in checked.verdicts],
    }


def lines(checked: Checked) -> list[str]:
    """The check as text: a line for each assumption, what it claims below."""
    wide = max(len(v.name) for v in checked.verdicts)
    out = []
    for v in checked.verdicts:
        share, low, high = share_band(v)
        d, s, one = v.decision, seen(v), v.about
        counted = f"{d.n_hit} of {d.n} seeds ({100 * low:.1f} to {100 * high:.1f} %)" if d.n else "no seeds"
        found = (
            f"median {measure_text(one, s['median'])} [{measure_text(one, s['p10'])}, {measure_text(one, s['p90'])}]"
        )
        out.append(f"{v.verdict.upper():<9}  {v.name:<{wide}}  {counted}; {found}")
        out.append(f"{'':<9}  {'':<{wide}}  {statement(one)}")
        if v.reason:
            out.append(f"{'':<9}  {'':<{wide}}  {v.reason}")
    return out


def closing(checked: Checked) -> list[str]:
    """What stands below the verdicts: counts, confidence, age of the data, what a share is."""
    kinds = [v.verdict for v in checked.verdicts]
    counts = ", ".join(f"{kinds.count(k)} {k}" for k in ("pass", "fail", "undecided", "error") if k in kinds)
    one = checked.verdicts[0].about
    depth = checked.scenario.spec.sources.depth
    levels = sorted({v.about.confidence for v in checked.verdicts})
    level = " to ".join(f"{100 * x:.5g} %" for x in (levels if len(levels) == 1 else (levels[0], levels[-1])))
    n = len(kinds)
    joint = (
        "all verdicts together by Bonferroni" if checked.joint else "each verdict by itself; --joint for all together"
    )
    age = "no day given" if depth is None else f"{depth.as_of} ({one.age_days} days before {checked.today})"
    return [
        f"{n} assumption{'s' if n > 1 else ''}: {counts}; confidence {level}, {joint}",
        f"depth data of {age}; {NOTE}",
    ]
