"""The scorecard of a page, of the command line and of JSON: every row, pass, miss or not measurable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sim.metrics import cross, event, weeks
from sim.metrics.score import ONSET_LEVELS, Onset, Scored, Tally, joint, judge, onset, score, tally
from sim.report import words
from sim.report.recorded import Recorded, event_paths
from sim.results import Run
from sim.results.listed import listed
from sim.scenario.spec import Spec
from sim.targets import Target, targets

FLASH, AFTER, BEFORE = "F", "A", "P"
SECOND_DAY_UTC, LAST_DAY_UTC = datetime(2025, 10, 12, tzinfo=UTC), datetime(2025, 11, 21, tzinfo=UTC)
"""Between them lie the weeks that rows A speak of."""


class Row(NamedTuple):
    """One row as printed; ``value`` is the recorded number, ``seeds`` the 10, 50 and 90 % quantiles over seeds."""

    id: str
    name: str
    unit: str
    role: str
    grade: str
    source: str
    recorded: str
    band: str
    simulated: str
    spread: str
    verdict: str
    note: str
    touched_by: str
    value: str
    seeds: str
    inside: str
    estimator: str


class Scorecard:
    """Targets beside the seeds of one scenario.

    Parameters
    ----------
    runs : sequence of Run
        Seeds of one scenario. Where it has listings, rows of several markets are measured on all of them, the others on
        the first.
    recorded : Recorded or None
        The record that the scenario names. With it the rows of the flash and of the aftermath are scored; without it,
        in a run of the weeks after the event, those of the aftermath alone, and on a market left alone the rows of the
        state before.
    """

    def __init__(self, runs: Sequence[Run], recorded: Recorded | None) -> None:
        self.n_seeds = len(runs)
        self.paths = event_paths(runs, recorded)
        follows = is_after(runs[0].spec)
        wanted = (FLASH, AFTER) if recorded is not None else (AFTER,) if follows else (BEFORE,)
        rows = targets() if recorded is not None or follows or is_calm(runs[0].spec) else ()
        markets = [listed(run) for run in runs if run.listings]
        self.scored = [
            judge(t, np.array([weeks.measure(t, run) for run in runs]))
            if t.scope == "weeks"
            else judge(t, np.array([cross.measure(t, m) for m in markets]))
            if t.scope == "network" and markets
            else score(t, self.paths)
            for t in rows
            if t.id[0] in wanted and t.role != "do_not_use"
        ]
        self.reason = "no listing of this run answers it, or its window is not covered" if markets else ""

    @cached_property
    def tally(self) -> Tally:
        """Counts over the rows to be reproduced."""
        return tally(self.scored)

    @cached_property
    def onset(self) -> Onset | None:
        """Onset times over the seeds, None where the scenario is no replay."""
        passage = [s for s in self.scored if s.target.estimator == event.first_passage_minutes.__name__]
        return onset(passage[0]) if passage and passage[0].values.size else None

    @cached_property
    def joint_fall(self) -> tuple[int, int] | None:
        """Seeds inside the bands of F1 and F2 at once, of those on which both can be measured; None without them."""
        both = [s.target for s in self.scored if s.target.id in ("F1", "F2")]
        return joint(both, self.paths) if len(both) == 2 else None

    def rows(self, *kinds: str) -> list[Row]:
        """Rows of the given kinds as printed."""
        return [_row(s, self.reason) for s in self.scored if s.target.id[0] in kinds]

    def sentences(self) -> list[str]:
        """What the rows say together, without adjectives."""
        out = [self.tally.sentence() + "."] if self.tally.passed + self.tally.missed else []
        if self.joint_fall is not None:
            inside, known = self.joint_fall
            out.append(
                f"F1 and F2 jointly (size and duration of the fall): {inside} of {known} seeds lie in both bands."
            )
        if self.onset is not None:
            out.append(_onset_sentence(self.onset))
        return out

    def plain(self) -> dict[str, Any]:
        """The scorecard as JSON can hold it: no NaN, no infinity."""
        onset_ = _onset_plain(self.onset) if self.onset else None
        return {
            "n_seeds": self.n_seeds,
            "score": self.tally._asdict(),
            "share_of_seeds_in_f1_and_f2": _share(self.joint_fall),
            "onset": onset_,
            "rows": [_plain(s, self.reason) for s in self.scored],
            "sentences": self.sentences(),
        }


def is_after(spec: Spec) -> bool:
    """True where days of the weeks after the event are simulated, by the calendar of the scenario."""
    return spec.start_utc < LAST_DAY_UTC and spec.start_utc + timedelta(seconds=spec.duration) > SECOND_DAY_UTC


def is_calm(spec: Spec) -> bool:
    """True where nothing is done to the market: no news path, no shock, the depth of the morning."""
    return (
        spec.news.path is None and not spec.shocks and spec.market.bid_depth_share == spec.market.ask_depth_share == 1
    )


def _row(s: Scored, reason: str) -> Row:
    t = s.target
    if s.values.size:
        spread = f"{number(s.values[0])} to {number(s.values[-1])}, n = {s.values.size}"
        spread += f"; {s.n_inside} inside" if t.band is not None else ""
    else:
        spread = ""
    return Row(
        t.id, t.name, t.unit, t.role, t.grade, t.source, t.recorded_text,
        f"{number(t.band[0])} to {number(t.band[1])}" if t.band is not None else "none stated",
        number(s.median) if s.values.size else "", spread, verdict(s), _note(s, reason), ", ".join(t.touched_by),
        number(t.value) if t.value is not None else t.recorded,
        ", ".join(number(float(q)) for q in _quantiles(s.values)),
        f"{s.n_inside} of {s.values.size}" if s.values.size and t.band is not None else "",
        _how(t),
    )  # fmt: skip


def _quantiles(values: event.Floats, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> event.Floats:
    """Values that a seed has at these levels; ``values`` rise, infinity is "never"."""
    return values[np.ceil(np.array(levels) * values.size).astype(np.int64).clip(1) - 1] if values.size else values


def verdict(s: Scored) -> str:
    """The verdict with the role where it is none of the score."""
    if s.verdict in ("pass", "miss") and s.target.role != "FIT":
        return f"{s.verdict} ({'input' if s.target.role == 'IN' else 'check only'})"
    return s.verdict


def _how(t: Target) -> str:
    if t.scope != "market":
        return cross.how(t) if t.scope == "network" else weeks.how(t)
    return "" if t.why_not else event.how(t)


def _note(s: Scored, reason: str) -> str:
    t: Target = s.target
    if s.verdict == "not measurable" and t.scope == "network" and reason:
        return reason
    if s.verdict == "not measurable":
        return t.why_not or "no value in this run: its window is not covered, or what it divides by did not happen"
    if s.verdict == "miss" and t.band is not None:
        return words.why(t.id, s.median, t.band[0], t.unit)
    return ""


def _onset_sentence(o: Onset) -> str:
    n, share = o.minutes.size + o.never, o.passed
    at = ", ".join(f"{100 * q:g} % {number(float(m))}" for q, m in zip(ONSET_LEVELS, o.quantiles(), strict=True))
    text = (
        f"F0, onset (first mark 4 % below 20:49) over {n} seeds: {share.n_hit} ever pass "
        f"[{100 * share.low:.0f} to {100 * share.high:.0f} %]; before 21:11 {o.early}, 21:11 to 21:16 {o.inside}, "
        f"later {o.late}, never by midnight {o.never}; quantiles over all seeds, min after 20:50: {at}"
    )
    if o.minutes.size:
        first, last = float(o.minutes[0]), float(o.minutes[-1])
        text += f"; earliest {number(first)}, latest {number(last)}"
    unexplained = " Trigger of the second leg not explained: less than half of the seeds pass in the recorded minutes."
    return text + "." + (unexplained if 2 * o.inside < n else "")


def _onset_plain(o: Onset) -> dict[str, Any]:
    share = o.passed
    return o._asdict() | {
        "minutes": o.minutes.tolist(),
        "share_that_pass": {"share": share.share, "low": share.low, "high": share.high},
        "quantiles": {f"{q:g}": _finite(float(m)) for q, m in zip(ONSET_LEVELS, o.quantiles(), strict=True)},
    }


def number(value: float) -> str:
    """Write a value with three digits, whole from a thousand on."""
    if np.isnan(value):
        return "none"
    if np.isinf(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"


def _share(counts: tuple[int, int] | None) -> float | None:
    return counts[0] / counts[1] if counts is not None and counts[1] else None


def _finite(value: float) -> float | str | None:
    if np.isnan(value):
        return None
    return "never" if np.isinf(value) else value


def _plain(s: Scored, reason: str) -> dict[str, Any]:
    return {
        **s.target.model_dump(mode="json"),
        "verdict": s.verdict,
        "median": _finite(s.median),
        "n": int(s.values.size),
        "n_inside": s.n_inside,
        "how": _how(s.target),
        "quantiles_10_50_90": [_finite(float(q)) for q in _quantiles(s.values)],
        "values": [_finite(float(v)) for v in s.values],
        "note": _note(s, reason),
    }
