"""``shoal sensitivity``: which inputs move an outcome, with the noise of seeds apart, and what pins them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, DRY, TRUST, WORKERS, foresee, lanes_of, processes, shown
from sim.errors import ScenarioError

VARY = typer.Option(
    "--vary",
    metavar="NAME=LOW..HIGH",
    help="An input: a setting by its path, or shock, sale, depth, leverage; ' log' behind it: evenly in logarithms. "
    "A path alone takes the bounds of the setting. Repeatable.",
)
AT = typer.Option("--at", help="Start of a shock that is added to the scenario.")
OVER = typer.Option("--over", help="Duration of a shock that is added.")
SIDE = typer.Option("--side", help="sell or buy, of a sale.")
BOOK = typer.Option("--book", help="perp or spot, of a sale.")
OUT = typer.Option("--out", metavar="DIR", help="Folder to make the folder of the runs in.")


def register(app: typer.Typer) -> None:
    """Add ``sensitivity`` to the command line."""
    app.command("sensitivity", epilog=_EXAMPLES)(sensitivity)


_EXAMPLES = (
    "Examples: shoal sensitivity flash_10_11_btc --vary shock=4%..14% --vary depth=0.4..1.5 --vary leverage=0.7..1.4 "
    "--outcomes s_star,drop_from_start --dry-run"
)


def sensitivity(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or path of a YAML file.")],
    vary: Annotated[list[str] | None, VARY] = None,
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    outcomes: Annotated[
        str | None, typer.Option("--outcomes", metavar="A,B", help="Numbers of a run, cascade, s_star.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="morris, sobol, or emulator (a Gaussian process).")
    ] = "emulator",
    points: Annotated[
        int, typer.Option("--points", metavar="N", help="Paths, base points or points. Default: 12, 64 or 64.")
    ] = 0,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Seeds of every point: 1 to N.")] = 8,
    horizon: Annotated[
        str | None, typer.Option("--horizon", help="Where runs end. Default: the scenario's end.")
    ] = None,
    draw: Annotated[int, typer.Option("--draw", min=0, help="Seed of the design; no run depends on it.")] = 1,
    at: Annotated[str, AT] = "10min",
    over: Annotated[str, OVER] = "60s",
    side: Annotated[str, SIDE] = "sell",
    book: Annotated[str, BOOK] = "perp",
    out: Annotated[Path, OUT] = Path("results"),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    dry_run: Annotated[bool, DRY] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Ask what moves an outcome over ranges of inputs: Morris, Sobol, or Sobol on an emulator; and what pins each."""
    from sim.experiments.cases import folder_of
    from sim.report import one_table
    from sim.report import sensitivity as told_of
    from sim.results.storage import plain
    from sim.runner import warm
    from sim.sensitivity.factors import Added
    from sim.sensitivity.study import OUTCOMES, Question, Study
    from sim.sensitivity.tables import COLUMNS

    question = Question(
        scenario,
        tuple(vary or ()),
        tuple(changes or ()),
        tuple(part.strip() for part in outcomes.split(",")) if outcomes else OUTCOMES,
        method,  # type: ignore[arg-type]  # checked there
        points,
        seeds,
        seconds("--horizon", horizon) if horizon else 0.0,
        draw,
        Added(seconds("--at", at), seconds("--over", over), side, book),
    )
    study = Study(question, out)
    if dry_run:
        plan = study.plan()
        foresee(folder_of(out, plan), plan, processes(workers), as_json)
        return
    warm()  # once, here: workers find compiled kernels
    with shown("sensitivity") as progress:
        answer = study.answer(workers=processes(workers), told=progress, lanes=lanes_of(dask, trust_network))
    place = answer.folder / "sensitivity"
    one_table.write(place, "sensitivity", answer.table, COLUMNS, told_of.figure(answer))
    if as_json:
        rows: Any = plain({"folder": str(place), "rows": answer.table.to_dict("records")})
        typer.echo(json.dumps(rows, indent=1))
    else:
        typer.echo(f"{told_of.text(answer)}\nTable and figure: {place}")
    if answer.tally.failed:
        raise typer.Exit(1)


def seconds(option: str, text: str) -> float:
    """A duration of an option."""
    from sim.settings.parsing import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ScenarioError(f"{option} {text[:40]!r}: {error}") from None
