"""``shoal reverse``: the smallest change that makes an outcome at least even."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sensitivity import AT, BOOK, OUT, OVER, SIDE, VARY, seconds
from sim.cli.sweep import DASK, DRY, TRUST, WORKERS, lanes_of, processes, shown
from sim.errors import ScenarioError

if TYPE_CHECKING:
    from sim.reverse.search import Search

_EXAMPLES = (
    "Examples: shoal reverse flash_10_11_btc --vary shock=2%..20% --horizon 2h30m | shoal reverse flash_10_11_btc "
    "--vary shock=0..15% --vary depth=0.3..1 --vary leverage=1..1.6 --scale depth=x1.5 --outcome cascade --dry-run | "
    "shoal reverse aftermath_10_11 --toward recovery --outcome 'price>$110k'"
)
_OUTCOME = typer.Option(
    "--outcome",
    help="cascade, fund_gone, bad_debt>$10m, drawdown>20%, price>$100k, assumption:NAME, or COLUMN>NUMBER of a run.",
)
_SCALE = typer.Option(
    "--scale", metavar="NAME=SIZE", help='Move that counts as 1: an amount, "10%", or "x2". Default: to the far end.'
)


def register(app: typer.Typer) -> None:
    """Add ``reverse`` to the command line."""
    app.command("reverse", epilog=_EXAMPLES)(reverse)


def reverse(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or path of a YAML file.")],
    outcome: Annotated[str, _OUTCOME] = "cascade",
    vary: Annotated[list[str] | None, VARY] = None,
    scale: Annotated[list[str] | None, _SCALE] = None,
    toward: Annotated[
        str, typer.Option("--toward", help="recovery: ETF flow, companies' demand, stablecoins and depth as inputs.")
    ] = "",
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    points: Annotated[
        int, typer.Option("--points", metavar="N", help="Points of the design. Default: 16 an input.")
    ] = 0,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Seeds of each of them: 1 to N.")] = 16,
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", help="Rounds in which nearest points are run.")] = 4,
    optima: Annotated[int, typer.Option("--optima", metavar="N", help="Most local optima that are followed.")] = 2,
    half_width: Annotated[
        str, typer.Option("--half-width", metavar="2%", help="Asked half-width of the change, as a share of it.")
    ] = "2%",
    most_seeds: Annotated[int, typer.Option("--most-seeds", metavar="N", help="Most seeds along a direction.")] = 512,
    fresh: Annotated[int, typer.Option("--fresh", metavar="N", help="Fresh seeds of the last look.")] = 256,
    horizon: Annotated[
        str | None, typer.Option("--horizon", help="Where runs end. Default: the scenario's end.")
    ] = None,
    after: Annotated[str | None, typer.Option("--after", help="When a price begins to count.")] = None,
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
    """Ask for the smallest shock, or joint change of any inputs, that makes an outcome at least even."""
    from sim.report import one_table
    from sim.report import reverse as told_of
    from sim.results.storage import plain
    from sim.reverse.search import Question, Search
    from sim.reverse.tables import COLUMNS, frame, rule_words
    from sim.runner import warm
    from sim.sensitivity.factors import Added

    question = Question(
        scenario, outcome, tuple(vary or ()), _pairs(scale or []), tuple(changes or ()), toward, points, seeds, rounds,
        optima, 8, _share(half_width), most_seeds, fresh, seconds("--horizon", horizon) if horizon else 0.0,
        seconds("--after", after) if after else 0.0, draw,
        Added(seconds("--at", at), seconds("--over", over), side, book),
    )  # fmt: skip
    search = Search(question, out)
    if dry_run:
        _foresee(search, processes(workers), as_json)
        return
    warm()  # once, here: workers find compiled kernels
    with shown("reverse") as progress:
        answer = search.answer(
            lambda line: typer.echo(line, err=True),
            workers=processes(workers), progress=progress, lanes=lanes_of(dask, trust_network),
        )  # fmt: skip
    place = answer.folder / "reverse"
    table = frame(answer)
    one_table.write(place, "reverse", table, COLUMNS, told_of.figure(answer))
    if as_json:
        rows: Any = plain({"folder": str(place), "rule": rule_words(answer), "rows": table.to_dict("records")})
        typer.echo(json.dumps(rows, indent=1))
    else:
        typer.echo(f"{told_of.text(answer)}\nTable and figure: {place}")
    if answer.tally.failed:
        raise typer.Exit(1)


def _foresee(search: Search, workers: int, as_json: bool) -> None:
    """Make a few runs, and tell what the first ones and all at most will take."""
    from sim.experiments.summary import estimate
    from sim.report.words import duration
    from sim.runner import warm

    plan, most = search.plan(), search.most_runs()
    warm()
    found = estimate(plan, 0, workers)
    most_s = found.start_s + most * found.one_run_s / workers
    if as_json:
        told = {"first_runs": found.runs, "most_runs": most, "one_run_s": found.one_run_s, "most_s": most_s}
        typer.echo(json.dumps({**told, "workers": workers}, indent=1))
        return
    typer.echo(f"{search.outcome.said}; {found.points} points first, {found.runs} runs, at most {most} in all")
    typer.echo(f"a run took {found.one_run_s:.2f} s; at most about {duration(most_s)} on {workers} idle processors")


def _pairs(texts: list[str]) -> dict[str, str]:
    out = {}
    for text in texts:
        name, equals, size = (part.strip() for part in text.partition("="))
        if not (name and equals and size):
            raise ScenarioError(f"--scale {text[:60]!r}: expected NAME=SIZE, such as depth=x1.5")
        out[name] = size
    return out


def _share(text: str) -> float:
    from sim.settings.parsing import parse_fraction

    try:
        return parse_fraction(text)
    except ValueError as error:
        raise ScenarioError(f"--half-width {text[:40]!r}: {error}") from None
