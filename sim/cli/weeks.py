"""``shoal weeks``: six figures of a run beside what is recorded, and a user's own series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_FOLDER = typer.Argument(help="Run folder, of one seed or several.")
_OWN = typer.Option(
    "--own",
    metavar="FIGURE=FILE",
    help="CSV of your own for a figure (macro, etf, treasuries, open_interest, lending, depth). Repeatable.",
)


def register(app: typer.Typer) -> None:
    """Add ``weeks`` to the command line."""
    app.command("weeks")(weeks)


def weeks(
    folder: Annotated[Path, _FOLDER],
    own: Annotated[list[str] | None, _OWN] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Default: weeks in the run folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what each figure holds and lacks as JSON.")] = False,
) -> None:
    """Draw six figures of a run beside what is recorded: macro, fund flows, treasuries, open interest, lending, depth.

    Example: shoal weeks results/aftermath_10_11-1a2b3c4d5e6f --own etf=flows.csv
    """
    from sim.report.weeks import save, weeks
    from sim.report.weeks.own import parse_own
    from sim.results import load_run
    from sim.results.storage import json_bytes

    files: dict[str, list[Path]] = {}
    for figure, file in parse_own(own or []):
        files.setdefault(figure, []).append(file)
    found = weeks(load_run(folder), files)
    place = save(found, folder / "weeks" if out is None else out)
    if as_json:
        typer.echo(json_bytes({**found.plain(), "folder": str(place)}).decode(), nl=False)
    else:
        typer.echo(f"{found.text()}\n\nFigures, table and page: {place}")
