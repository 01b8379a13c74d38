"""Assumptions and verdicts as sentences and rows; the same words in the terminal, in JUnit XML and on the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sim.experiments.check_tables import verdict_row
from sim.report.words import amount, duration

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
    return "no fund" if math.isinf(value) and one.test.kind == "fund" else amount(value, one.test.unit)


def limit_text(one: Assumed) -> str:
    """The limit, as ``<= 60 bp``."""
    return f"{'<=' if one.test.limit == 'at_most' else '>='} {measure_text(one, one.limit)}"


def statement(one: Assumed) -> str:
    """What is claimed, as one sentence."""
    whose = f"{one.test.listing}: " if one.test.listing else ""
    return f"{whose}{_what(one)} {limit_text(one)} in at least {100 * one.least:.4g} % of seeds"


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


def plain_row(verdict: Verdict) -> dict[str, Any]:
    """One verdict as plain data; shares and fractions are fractions, money is USD, times are s."""
    return {**verdict_row(verdict), "statement": statement(verdict.about), "note": verdict.about.test.note}


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
        "assumptions": [plain_row(v) for v in checked.verdicts],
    }


def lines(checked: Checked) -> list[str]:
    """The check as text: some lines for each assumption."""
    wide = max(len(v.name) for v in checked.verdicts)
    out = []
    for v in checked.verdicts:
        first, *more = lines_of(v)
        out.append(f"{v.verdict.upper():<9}  {v.name:<{wide}}  {first}")
        out += [f"{'':<9}  {'':<{wide}}  {line}" for line in more]
    return out


def lines_of(verdict: Verdict) -> list[str]:
    """One verdict as text: what is claimed, what was counted, why there is no verdict."""
    row, d, one = verdict_row(verdict), verdict.decision, verdict.about
    ends = f"{100 * row['share_of_seeds_low']:.1f} to {100 * row['share_of_seeds_high']:.1f} %"
    counted = f"{d.n_hit} of {d.n} seeds within ({ends})" if d.n else "no seeds"
    p10, median, p90 = (measure_text(one, row[name]) for name in ("p10", "median", "p90"))
    found = f"{counted}; median of {len(verdict.values)}: {median} [{p10}, {p90}]"
    return [statement(one), found, *([verdict.reason] if verdict.reason else [])]


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
