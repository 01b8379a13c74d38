"""``shoal export``: what other tools take in; shock vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.risk import JSON, OUT, SCENARIO, SEEDS, duration_of, how_of, tell
from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, WORKERS, shown


def register(app: typer.Typer) -> None:
    """Add ``export`` to the command line."""
    group = typer.Typer(help="What other tools take in.", no_args_is_help=True)
    group.command("shocks")(shocks)
    group.callback()(_export)
    app.add_typer(group, name="export")


def _export() -> None:
    """What other tools take in."""


def shocks(
    scenario: Annotated[str, SCENARIO],
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Moment that changes are told against: 20:50, 30min.")
    ] = "0",
    offsets: Annotated[
        str | None, typer.Option("--offsets", metavar="T,T", help="Default: 1m to 30d, those that fit.")
    ] = None,
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    seeds: Annotated[str, SEEDS] = "32",
    out: Annotated[Path, OUT] = Path("results"),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Shock vectors for a risk engine: factors by asset, venue and offset, of one seed for each outcome.

    Example: shoal export shocks flash_10_11_btc --from 20:50 --offsets 1m,10m,1h,5h
    """
    from sim.cli.run import parse_seeds
    from sim.report import risk_shocks
    from sim.risk.shocks import shocks as ask

    named = None if offsets is None else {t.strip(): duration_of(t.strip()) for t in offsets.split(",")}
    with shown("shocks") as told:
        found = ask(
            scenario,
            set=changes or [],
            since=since,
            offsets=named,
            seeds=parse_seeds(seeds),
            how=how_of(out, workers, told, dask, trust_network),
        )
    tell(risk_shocks.text(found), found.table, found.save(), as_json)
