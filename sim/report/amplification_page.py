"""The answer of ``shoal amplify`` in sentences and as one self-contained page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.experiments.amplify import Answer
from sim.experiments.amplify_tables import CRITICAL, SETTINGS, critical_frame, settings_frame, violations
from sim.metrics.amplification import CUT
from sim.metrics.price import NO_FLOOR
from sim.metrics.threshold import Critical
from sim.report.amplification import LAYER_WORDS
from sim.report.sheet import Section, sheet

if TYPE_CHECKING:
    import pandas as pd

LN2 = math.log(2.0)


def sentences(answer: Answer) -> list[str]:
    """The answer in words: what holds, with intervals, and what does not."""
    frame, critical = settings_frame(answer), critical_frame(answer)
    out = known_sentences(answer)
    for layer, slope in answer.elasticity.items():
        known = [(depth, c) for (name, depth), c in answer.critical.items() if name == layer and not c.beyond]
        if known:
            told = ", ".join(f"x{depth:g} {_range(c)}" for depth, c in known)
            out.append(f"Critical shock, {LAYER_WORDS[layer]}: half of the seeds cascade from news of {told}.")
        curve = answer.curves.get(layer)
        if curve is not None:
            held = "holds" if curve.holds else "does not hold and is not used"
            name = {2: "quadratic", 3: "cubic"}[curve.degree]
            told = ", ".join(
                f"x{d:g} {100 * s:.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
                for d, s, low, high in zip(curve.depths, curve.size, curve.low, curve.high, strict=True)
            )
            out.append(
                f"As a {name} of its logarithm in that of depth, {LAYER_WORDS[layer]}: {told}. "
                f"The {name} {held}: a scatter as large would come by chance in {100 * curve.misfit:.0f} % of cases."
            )
        if math.isfinite(slope.slope):
            halved = 100.0 * math.expm1(-LN2 * slope.slope)
            out.append(
                f"Elasticity of the critical shock to depth, {LAYER_WORDS[layer]}: {slope.slope:.2f} "
                f"[{slope.low:.2f}, {slope.high:.2f}]; halving depth changes it by {halved:+.0f} %."
            )
        outside = [f"x{d:g} {c.beyond}" for (name, d), c in answer.critical.items() if name == layer and c.beyond]
        if outside:
            out.append(f"Outside the sizes that were run, {LAYER_WORDS[layer]}: {', '.join(outside)} them.")
    deep = frame[frame["share_without_floor"] > 0.0]
    if len(deep):
        out.append(
            f"In {len(deep)} of {len(frame)} settings some seeds fall beyond {100 * NO_FLOOR:.0f} %: there the cash of "
            "all who wait to buy is spent, and no number below that is a price. Read it as a fall that does not stop "
            "(docs/limits.md)."
        )
    for line in violations(answer):
        out.append(f"Against expectation: {line}.")
    pairs = frame["pairing_fall"].replace([np.inf, -np.inf], np.nan).dropna()
    if len(pairs):
        out.append(
            f"Common random numbers: differences in fall between depths vary {pairs.median():.2g} times less than "
            "with separate draws (median over settings)."
        )
    if len(critical):
        out.append(
            f"Cut: second-round forced coins above {100 * CUT:g} % of open interest; the critical shock at half and at "
            "twice the cut stands in the table."
        )
    return out


def known_sentences(answer: Answer) -> list[str]:
    """What was not run because it was known, and how it was checked."""
    taken = answer.taken
    if taken is None:
        return []
    other = f" {taken.other} other rows of the file are of no cell asked here." if taken.other else ""
    if taken.renamed:
        other += f" {taken.renamed} were made before the format of scenarios changed."
    if not taken.rechecked:
        return [
            f"NOT CHECKED: {taken.used} outcomes were taken from {taken.file} without running any of them again; "
            f"where results have moved since, this answer is wrong.{other}"
        ]
    return [
        f"Known before: {taken.used} outcomes from {taken.file}; {taken.rechecked} of those known were run again and "
        f"are the same to the bit.{other}"
    ]


def _range(c: Critical) -> str:
    return f"{100 * c.size:.2f} % [{100 * c.low:.2f}, {100 * c.high:.2f}]"


def table_rows(frame: pd.DataFrame, columns: dict[str, tuple[str, str]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table as text; units in the head, empty columns left out."""
    used = [name for name in columns if not frame[name].isna().all()]
    head = [f"{name} [{columns[name][0]}]" if columns[name][0] else name for name in used]
    return head, [[_cell(row[name]) for name in used] for _, row in frame.iterrows()]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def page(answer: Answer, images: dict[str, bytes]) -> bytes:
    """The answer as one self-contained page."""
    question, run_id = answer.question, answer.folder.name.rpartition("-")[2]
    headings = {
        "share": "Who cascades", "critical": "Critical shock by depth", "phase": "Crowding by shock",
        "amplification": "Amplification", "flow": "Amplification of a sale", "fuel": "Fuel against floor",
    }  # fmt: skip
    parts = [Section(headings[name], svg=svg) for name, svg in images.items()]
    if answer.critical:
        parts.append(Section("Critical shock", (), *table_rows(critical_frame(answer), CRITICAL)))
    parts.append(Section("Every setting", (), *table_rows(settings_frame(answer), SETTINGS)))
    changed = f", changed by {', '.join(question.changes)}" if question.changes else ""
    taken = answer.taken
    runs = f"{answer.tally.total} runs, each with its base runs"
    runs += f", and {taken.used} outcomes that were known before" if taken else ""
    return sheet(
        f"Amplification: {question.scenario}",
        f"Scenario {question.scenario}{changed}; sweep {run_id}; {runs}",
        sentences(answer), parts, run_id,
    )  # fmt: skip
