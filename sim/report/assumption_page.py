"""What a check leaves behind: verdicts and seeds as tables, a figure an assumption, one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.experiments.check_tables import SEEDS, VERDICTS, seeds_frame, verdicts_frame
from sim.experiments.store import write_whole
from sim.report import style
from sim.report.assumption_figures import evidence_figure
from sim.report.assumption_words import checked_row, closing, limit_text, measure_text, statement
from sim.report.sheet import Section, sheet
from sim.results.manifest import code, text_hash
from sim.results.storage import csv_bytes, json_bytes, parquet_bytes, plain

if TYPE_CHECKING:
    from sim.experiments.check import Checked

PAGE, RECORD = "check.html", "verdicts.json"


def evidence_folder(checked: Checked) -> Path:
    """Folder of this check in that of its runs: named by what was asked and when, so that no check covers another."""
    spec = checked.scenario.spec
    asked = [
        spec.assumptions.model_dump(mode="json"),
        spec.sources.model_dump(mode="json"),
        checked.today.isoformat(),
        checked.joint,
        [v.about.seeds for v in checked.verdicts],
    ]
    return checked.folder / f"verdicts-{checked.today.isoformat()}-{text_hash(plain(asked))[:8]}"


def write_evidence(checked: Checked) -> Path:
    """Write tables, figures, record and page of a check; the same check on the same day gives the same bytes.

    Returns
    -------
    Path
        The folder, in that of the runs.
    """
    import pandas as pd

    place = evidence_folder(checked)
    place.mkdir(parents=True, exist_ok=True)
    run_id = checked.folder.name.rpartition("-")[2]
    tables = {"verdicts": (verdicts_frame(checked), VERDICTS), "seeds": (seeds_frame(checked), SEEDS)}
    for name, (frame, said) in tables.items():
        write_whole(place / f"{name}.csv", csv_bytes(frame))
        write_whole(place / f"{name}.parquet", parquet_bytes(frame, run_id, said))
    units = [(name, column, *told) for name, (_, said) in tables.items() for column, told in said.items()]
    head = ["table", "column", "unit", "meaning"]
    write_whole(place / "units.csv", csv_bytes(pd.DataFrame(units, columns=head)))
    images = {
        v.name: style.svg_bytes(evidence_figure(v, run_id), f"{run_id}-{v.name}") for v in checked.verdicts if v.values
    }
    for name, data in images.items():
        write_whole(place / f"{name}.svg", data)
    write_whole(place / RECORD, json_bytes(record(checked)))
    write_whole(place / PAGE, page(checked, images))
    return place


def record(checked: Checked) -> dict[str, object]:
    """Everything that stands behind the verdicts: code, scenario, provenance, assumptions as asked."""
    spec, scenario = checked.scenario.spec, checked.scenario
    row = {key: value for key, value in checked_row(checked).items() if key not in ("folder", "runs_made")}
    return {
        **row,
        **code(),
        "resolved_sha256": text_hash(scenario.resolved),
        "overrides": list(scenario.overrides),
        "sources": spec.sources.model_dump(mode="json"),
        "asked": spec.assumptions.model_dump(mode="json"),
    }


def page(checked: Checked, images: dict[str, bytes]) -> bytes:
    """The check as one self-contained page."""
    spec, run_id = checked.scenario.spec, checked.folder.name.rpartition("-")[2]
    head = ("verdict", "assumption", "limit", "seeds within", "share [confidence sequence]", "median [10 %, 90 %]")
    frame = verdicts_frame(checked)
    rows = []
    for v, (_, row) in zip(checked.verdicts, frame.iterrows(), strict=True):
        ends = f"[{100 * row['share_of_seeds_low']:.1f}, {100 * row['share_of_seeds_high']:.1f}]"
        share = f"{100 * row['share_of_seeds']:.1f} % {ends}" if v.decision.n else "none"
        p10, median, p90 = (measure_text(v.about, float(row[name])) for name in ("p10", "median", "p90"))
        counted = f"{v.decision.n_hit} of {v.decision.n}" + (f", {v.decision.n_open} open" if v.decision.n_open else "")
        rows.append((v.verdict, v.name, limit_text(v.about), counted, share, f"{median} [{p10}, {p90}]"))
    parts = [Section("Verdicts", closing(checked), head, rows)]
    for v in checked.verdicts:
        about = [f"{statement(v.about)}."]
        about += [v.about.test.note] if v.about.test.note else []
        about += [f"Why there is no verdict: {v.reason}."] if v.reason else []
        until = f"; the verdict holds until {v.good_until}" if v.good_until and not v.reason else ""
        about.append(f"Depth data of {v.about.as_of}, {v.about.age_days} days old{until}.")
        parts.append(Section(f"{v.verdict}: {v.name}", about, svg=images.get(v.name, b"")))
    changed = f"; changed by {', '.join(checked.scenario.overrides)}" if checked.scenario.overrides else ""
    meta = f"Scenario {spec.name}{changed}; runs {run_id}; checked on {checked.today}"
    lead = (
        "An assumption passes when the share of seeds within its limit is shown to be at least the share asked, and "
        "fails when it is shown to be less, each with its confidence at whatever seed the check stopped; otherwise it "
        "is undecided.",
    )
    return sheet(f"Liquidity assumptions: {spec.title}", meta, lead, parts, run_id)
