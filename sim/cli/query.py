"""``shoal query`` and ``shoal export``: the results of a sweep, by SQL and as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.errors import ScenarioError

_FOLDER = typer.Argument(help="Folder of a sweep.")


def register(app: typer.Typer) -> None:
    """Add ``query`` to the command line; ``export`` stands with what else is exported (``sim.cli.export``)."""
    app.command("query")(query)


def query(
    folder: Annotated[Path, _FOLDER],
    sql: Annotated[str, typer.Argument(help="One SELECT over runs, series, points, costs.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print as CSV with all digits.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, one object a row.")] = False,
) -> None:
    """Ask the results of a sweep by SQL; nothing is changed, no other file is read."""
    if as_csv and as_json:
        raise ScenarioError("--csv and --json exclude each other")
    from sim.experiments.query import query as ask
    from sim.results.storage import csv_bytes, json_bytes

    answer = ask(folder, sql)
    if as_csv:
        typer.echo(csv_bytes(answer).decode(), nl=False)
    elif as_json:
        typer.echo(json_bytes(answer.astype(object).to_dict("records")).decode(), nl=False)
    else:
        typer.echo(answer.to_string(index=False))


def export(
    folder: Annotated[Path, _FOLDER],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Default: export in the folder.")] = None,
    numbers: Annotated[
        str | None, typer.Option("--numbers", metavar="A,B", help="Numbers of the LaTeX table, by their names in runs.")
    ] = None,
) -> None:
    """Write one tidy table, a row a run: Parquet, CSV, units beside it, and a LaTeX table of the points."""
    from sim.experiments.export import SHOWN
    from sim.experiments.export import export as write

    wanted = [name.strip() for name in numbers.split(",")] if numbers else SHOWN
    for path in write(folder, out or folder / "export", wanted):
        typer.echo(path)
