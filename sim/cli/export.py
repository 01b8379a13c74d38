"""``shoal export``: what other tools take in: the table of a sweep, shock vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from sim.cli.query import export
from sim.cli.risk import JSON, OUT, SCENARIO, SEEDS, duration_of, how_of, tell
from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, WORKERS, shown


class _SweepByDefault(typer.core.TyperGroup):
    """``shoal export FOLDER`` is ``shoal export sweep FOLDER``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where the first word names none."""
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = ["sweep", *args]
        return list(super().parse_args(ctx, args))


def register(app: typer.Typer) -> None:
    """Add ``export`` to the command line."""
    group = typer.Typer(cls=_SweepByDefault, no_args_is_help=True)
    group.command("sweep")(export)
    group.command("shocks")(shocks)
    group.callback()(_export)
    app.add_typer(group, name="export")


def _export() -> None:
    """What other tools take in: shoal export FOLDER, the table of a sweep; shoal export shocks SCENARIO."""


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
