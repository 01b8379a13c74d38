"""``shoal check``: liquidity assumptions as tests, with an exit code for a pipeline."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, lanes_of, processes, shown
from sim.errors import DataError, ScenarioError

if TYPE_CHECKING:
    from sim.experiments.check import Checked

FAILED, BREACHED, OPEN = 1, 3, 4


def register(app: typer.Typer) -> None:
    """Add ``check`` to the command line."""
    app.command("check")(check)


def check(
    scenario: Annotated[str, typer.Argument(help="Shipped scenario, or a file, with an assumptions section.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", min=1, max=100_000, help="Most seeds, for every assumption.")
    ] = None,
    joint: Annotated[
        bool, typer.Option("--joint", help="The confidence holds for all verdicts together, not for each.")
    ] = False,
    today: Annotated[
        str | None, typer.Option("--today", metavar="DAY", help="Judge the age of the data as of this day.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make the check's folder in.")] = Path(
        "results"
    ),
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML, for a pipeline.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", min=1, max=1024, help="Processes.")] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what is claimed and what it takes, make a few runs, and stop.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Test the liquidity assumptions of a scenario over seeds: pass, fail or undecided, with evidence.

    Exit code 0 when all pass, 3 when one fails, 1 when runs failed, 4 when one is undecided or its data are stale.
    """
    from sim.experiments.check import check as run_check
    from sim.report.assumption_page import PAGE, write_evidence
    from sim.report.assumption_words import checked_row, closing, lines
    from sim.report.junit import junit_bytes
    from sim.results.storage import plain

    if junit is not None:
        _refuse_unwritable(junit)
    if dry_run:
        _foresee(scenario, changes or [], _day(today), seeds, joint, processes(workers))
        return
    with shown("check") as progress:
        found = run_check(
            scenario,
            changes or [],
            out=out,
            seeds=seeds,
            joint=joint,
            today=_day(today),
            workers=processes(workers),
            told=lambda line: typer.echo(line, err=True),
            progress=progress,
            lanes=lanes_of(dask, trust_network),
        )
    place = write_evidence(found)
    if junit is not None:
        _write_junit(junit, junit_bytes(found))
    if as_json:
        answer = {**checked_row(found), "evidence": str(place)}
        typer.echo(json.dumps(plain(answer), indent=1, ensure_ascii=False))
    else:
        for line in (*lines(found), "", *closing(found), f"page: {place / PAGE}"):
            typer.echo(line)
    if code := exit_code(found):
        raise typer.Exit(code)


def exit_code(found: Checked) -> int:
    """What a check ends with."""
    verdicts = {v.verdict for v in found.verdicts}
    return next(
        (code for word, code in (("fail", BREACHED), ("error", FAILED), ("undecided", OPEN)) if word in verdicts), 0
    )


def _foresee(
    scenario: str, changes: list[str], today: date | None, seeds: int | None, joint: bool, workers: int
) -> None:
    """Say what is claimed, which claims can have no verdict, and how long the first seeds take."""
    from sim.experiments.cases import scenario_of
    from sim.experiments.check import prepared
    from sim.experiments.summary import estimate
    from sim.report.assumption_words import statement
    from sim.report.words import duration
    from sim.runner import warm

    tests, plan, _, n = prepared(scenario_of(scenario, changes), today, seeds, joint)
    for one in tests:
        typer.echo(f"{one.name}: {statement(one)}, confidence {100 * one.confidence:.5g} %, at most {one.seeds} seeds")
        for reason in one.reasons:
            typer.echo(f"  no verdict: {reason}")
    warm()
    found = estimate(plan, 0, workers)
    sales = found.points - 1
    typer.echo(f"{n} seeds first: {found.runs} runs ({n} without a sale, {sales} x {n} with one)")
    typer.echo(f"a run took {found.one_run_s:.2f} s; about {duration(found.time_s)} on {workers} idle processors")
    typer.echo(
        f"then {n} seeds at a time, until every assumption has its verdict; exit code 0 of a dry run says nothing"
    )


def _refuse_unwritable(path: Path) -> None:
    """Before anything is run, not after."""
    place = next(folder for folder in (path.parent, *path.parent.absolute().parents) if folder.exists())
    if path.is_dir() or not place.is_dir() or not os.access(place, os.W_OK):
        raise DataError(f"--junit {path}: cannot be written; name a file in a folder that can")


def _write_junit(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise DataError(f"--junit {path}: cannot be written ({error.strerror})") from error


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ScenarioError(f'--today {text[:40]!r}: expected a day such as "2026-03-01"') from None
