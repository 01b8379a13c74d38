"""``shoal impulse``: what one order more does to the price, with common random numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, WORKERS, lanes_of, shown
from sim.errors import ScenarioError


def register(app: typer.Typer) -> None:
    """Add ``impulse`` to the command line."""
    app.command("impulse")(impulse)


def impulse(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, a YAML file, or a run folder.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    size: Annotated[
        str, typer.Option("--size", metavar="A,B", help="Values of the order, times the depth within 1 % of mid.")
    ] = "0.1,0.3,1,3",
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="When it is sent, since the start.")] = "10min",
    over: Annotated[
        str, typer.Option("--over", metavar="TIME", help="Time it is spread over; 1s is one order.")
    ] = "1s",
    side: Annotated[Literal["sell", "buy"], typer.Option("--side", help="Side of the order.")] = "sell",
    book: Annotated[Literal["perp", "spot"], typer.Option("--book", help="Book it is sent to.")] = "perp",
    listing: Annotated[
        str | None, typer.Option("--listing", metavar="NAME", help="Of a network: whose book. Default: the first.")
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", metavar="N|A,B|A-B", help="Each with and without the order; runs made stay.")
    ] = "32",
    horizon: Annotated[
        str | None,
        typer.Option("--horizon", metavar="TIME", help="How long to watch. Default: 1h; 24h if the scenario lasts."),
    ] = None,
    no_resilience: Annotated[
        bool, typer.Option("--no-resilience", help="Leave out how fast the book fills up again.")
    ] = False,
    level: Annotated[float, typer.Option("--level", metavar="SHARE", help="Coverage of the intervals.")] = 0.95,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make the folder of the runs in.")] = Path(
        "results"
    ),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Write no tables and figures.")] = False,
) -> None:
    """Send one order more into a scenario and measure what it does: the same draws with and without it."""
    from sim.cli.run import parse_seeds
    from sim.experiments.impulse import impulse as run_all
    from sim.report import impulse as report
    from sim.results.storage import json_bytes

    with shown("impulse") as told:
        found = run_all(
            scenario,
            _sizes(size),
            parse_seeds(seeds),
            set=changes,
            at_s=_seconds("--at", at),
            over_s=_seconds("--over", over),
            side=side,
            book=book,
            horizon_s=None if horizon is None else _seconds("--horizon", horizon),
            with_resilience=not no_resilience,
            level=level,
            listing=listing,
            out=out,
            workers=workers,
            told=told,
            lanes=lanes_of(dask, trust_network),
        )
    place = found.folder if no_figures else found.save()
    typer.echo(json_bytes(report.plain(found)).decode() if as_json else f"{found}\nresults: {place}", nl=not as_json)
    if found.failed:
        raise typer.Exit(1)


def _sizes(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ScenarioError(f"--size {text[:60]!r}: expected numbers, such as 0.1,0.3,1,3") from None


def _seconds(option: str, text: str) -> float:
    from sim.settings.parsing import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ScenarioError(f"{option} {text[:60]!r}: {error}") from None
