"""``shoal move``: a scenario at another hour or on another day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TO = typer.Option("--to", metavar="TIME", help='When it begins, UTC: "Sun 11:00", the first such, or an instant.')


def register(app: typer.Typer) -> None:
    """Add ``move`` to the command line."""
    app.command()(move)


def move(
    scenario: Annotated[str, typer.Argument(metavar="NAME", help="Name of a shipped scenario, or a file.")],
    to: Annotated[str, TO],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.yaml", help="Write it there; without it, print it.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="DIR", help="Draw every hour of the week against its own there.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write the same shocks from another hour of the week on: volumes, noise and visible depth of that hour.

    Example: shoal move flash_10_11_btc --to "Sun 11:00" --out sunday.yaml --figure hours
    """
    from sim.rhythm import moved

    fragment = moved(scenario, to)
    if figure is not None:
        from sim.report.hours import hours

        typer.echo(f"wrote table and figure into {hours(scenario, to).save(figure)}", err=True)
    if out is None:
        typer.echo(fragment.text("moved"), nl=False)
    else:
        typer.echo(f"wrote {fragment.write(out, force=force)}: {fragment.title}")
