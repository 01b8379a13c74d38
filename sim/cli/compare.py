"""``shoal compare``: two scenarios on the same seeds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.sweep import DASK, TRUST, WORKERS, lanes_of, shown
from sim.errors import DataError

UNDECIDED = 4


def register(app: typer.Typer) -> None:
    """Add ``compare`` to the command line."""
    app.command("compare")(compare)


def compare(
    a: Annotated[str, typer.Argument(help="Scenario A: a name, a YAML file, or a run folder.")],
    b: Annotated[str, typer.Argument(help="Scenario B.")],
    set_a: Annotated[
        list[str] | None, typer.Option("--set-a", metavar="KEY=VALUE", help="Change a setting of A. Repeatable.")
    ] = None,
    set_b: Annotated[
        list[str] | None, typer.Option("--set-b", metavar="KEY=VALUE", help="Change a setting of B. Repeatable.")
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="N|A,B|A-B", help="Seeds of both; runs that are there stay.")
    ] = "32",
    metrics: Annotated[
        str | None, typer.Option("--metrics", metavar="A,B", help="Numbers to compare. Default: all of a summary.")
    ] = None,
    level: Annotated[float, typer.Option("--level", metavar="SHARE", help="Coverage of the intervals.")] = 0.95,
    half_width: Annotated[
        str | None,
        typer.Option(
            "--half-width",
            metavar="METRIC=VALUE",
            help="Double the seeds until the mean difference of this number is known so well, in its unit.",
        ),
    ] = None,
    most_seeds: Annotated[int, typer.Option("--most-seeds", min=2, max=10_000, help="Where doubling stops.")] = 512,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make the folder of the runs in.")] = Path(
        "results"
    ),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write no tables and figures.")] = False,
) -> None:
    """Run two scenarios on the same seeds: what differs, and every number's paired difference with its interval."""
    from sim.cli.run import parse_seeds
    from sim.experiments.compare import compare as run_both
    from sim.report import comparison
    from sim.results.storage import json_bytes

    with shown("compare") as told:
        found = run_both(
            a,
            b,
            parse_seeds(seeds),
            set_a=set_a,
            set_b=set_b,
            numbers=[name.strip() for name in metrics.split(",")] if metrics else None,
            level=level,
            half_width=_target(half_width),
            most_seeds=most_seeds,
            out=out,
            workers=workers,
            told=told,
            lanes=lanes_of(dask, trust_network),
        )
    place = found.folder if no_figures else found.save()
    typer.echo(
        json_bytes(comparison.plain(found)).decode() if as_json else f"{found}\nresults: {place}", nl=not as_json
    )
    if found.failed:
        raise typer.Exit(1)
    if not found.reached:
        raise typer.Exit(UNDECIDED)


def _target(text: str | None) -> tuple[str, float] | None:
    if text is None:
        return None
    name, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not equals or not number > 0.0 or math.isinf(number):
        raise DataError(f"--half-width {text[:60]!r}: expected METRIC=VALUE above 0, such as drop_from_start=0.001")
    return name.strip(), number
