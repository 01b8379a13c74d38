"""``shoal assets``: the assets of a run as one market."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add ``assets`` to the command line."""
    app.command("assets")(assets)


def assets(
    folder: Annotated[Path, typer.Argument(help="Run folder of a scenario with listings, of one seed or several.")],
    width: Annotated[str, typer.Option("--width", help="Step of the returns, such as 1h or 15min.")] = "1h",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Default: assets in the run folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Total market value, correlation, dispersion, betas and depth over the assets of a run.

    Example: shoal assets results/assets_six_weeks-1a2b3c4d5e6f --width 4h
    """
    from sim.errors import ScenarioError
    from sim.report.assets import assets, save
    from sim.results import load_run
    from sim.results.storage import json_bytes
    from sim.risk.answer import records
    from sim.settings.parsing import parse_duration

    try:
        width_s = float(parse_duration(width))
    except ValueError as error:
        raise ScenarioError(f"--width: {error}") from None
    if width_s <= 0.0:
        raise ScenarioError(f"--width: {width} is no step; give one above 0, such as 1h")
    found = assets(load_run(folder), width_s)
    place = save(found, folder / "assets" if out is None else out)
    if as_json:
        table = found.table.assign(**{name: found.table[name].map(str) for name in ("first_utc", "last_utc")})
        told = {"run_id": found.run_id, "folder": str(place), "said": found.said, "rows": records(table)}
        typer.echo(json_bytes(told).decode(), nl=False)
    else:
        typer.echo(f"{found.text()}\n\nTable and figure: {place}")
