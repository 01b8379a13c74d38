"""``shoal attribute``: how much of a fall each channel makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, WORKERS, lanes_of, processes, shown

_CHANNELS = typer.Option("--channels", metavar="A,B,...", help="Channels to tell apart. Default: all it has.")
_AT = typer.Option("--at", metavar="TIME", help='When channels part: "20:49" UTC, "29min" from the start.')
_HORIZON = typer.Option("--horizon", metavar="TIME", help="How long a run goes on after the shock began.")
_ORDERS = typer.Option("--permutations", metavar="N", help="Orders drawn, in pairs, where channels are more than 8.")
_DRY = typer.Option("--dry-run", help="Make one run, tell coalitions, runs and time, and stop.")


def register(app: typer.Typer) -> None:
    """Add ``attribute`` to the command line."""
    app.command("attribute")(attribute)


def attribute(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or path of a YAML file.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    channels: Annotated[str | None, _CHANNELS] = None,
    list_channels: Annotated[bool, typer.Option("--list", help="List the channels of the scenario, and stop.")] = False,
    at: Annotated[str, _AT] = "",
    horizon: Annotated[str | None, _HORIZON] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Seeds of every coalition: 1 to N.")] = 32,
    permutations: Annotated[int, _ORDERS] = 200,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make the result folder in.")] = Path(
        "results"
    ),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    dry_run: Annotated[bool, _DRY] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Share a fall, the seeds that cascade and the forced sales among channels: leverage, thin depth, withdrawal, ...

    Examples: shoal attribute flash_10_11_btc --list; shoal attribute flash_10_11_btc --dry-run --seeds 64;
    shoal attribute flash_10_11_btc --channels depth,withdrawal,leverage --seeds 16
    """
    from sim.attribution.attribute import ANSWER, attribute, estimate
    from sim.attribution.flow import flow_by_class
    from sim.attribution.question import Question, layout_of
    from sim.cli.amplify import values
    from sim.report import attribution as report
    from sim.results.storage import json_bytes
    from sim.runner import Scenario

    if list_channels:
        typer.echo(_listed(scenario, changes))
        return
    seconds = values(horizon, "--horizon", "duration")[0] if horizon else 0.0
    names = tuple(part.strip() for part in channels.split(",")) if channels else ()
    layout = layout_of(Question(scenario, tuple(changes or ()), names, at, seconds, seeds, permutations))
    if dry_run:
        told = estimate(layout)
        n, hours = processes(workers), told.cpu_s / 3600.0
        typer.echo(
            f"{len(layout.channels)} channels, {told.coalitions} coalitions, {told.runs} runs with base runs, "
            f"{told.run_s:.2g} s of CPU each: {hours:.2g} CPU-hours, about {60.0 * hours / n:.2g} min on {n} processes"
        )
        return
    with shown("attribute") as progress:
        answer = attribute(layout, out, workers=workers, told=progress, lanes=lanes_of(dask, trust_network))
    flows = flow_by_class(Scenario(layout.base), answer.typical_seed)
    place = report.save(answer, answer.folder / ANSWER, flows)
    if as_json:
        typer.echo(json_bytes(report.plain(answer)).decode(), nl=False)
    else:
        typer.echo(f"{report.text(answer)}\n\nTables and figures: {place}")
    if answer.tally.failed:
        raise typer.Exit(1)


def _listed(scenario: str, changes: list[str] | None) -> str:
    from sim.attribution.channels import Channel, offers_of
    from sim.experiments.cases import scenario_of

    offers = offers_of(scenario_of(scenario, changes).spec)
    wide = max(map(len, offers))
    told = {n: f"off: {o.off}" if isinstance(o, Channel) else f"not here: {o}" for n, o in offers.items()}
    return "\n".join(f"{name.ljust(wide)}  {text}" for name, text in told.items())
