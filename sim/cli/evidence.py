"""``shoal evidence``: what the record says about a scenario's outcome, row by row, pass or miss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.run import SEEDS_OPTION, SET_OPTION, parse_seeds, say, simulate

if TYPE_CHECKING:
    from sim.report.scorecard import Scorecard
    from sim.results import Run


def register(app: typer.Typer) -> None:
    """Add ``evidence`` to the command line."""
    app.command("evidence")(evidence)


def evidence(
    source: Annotated[str, typer.Argument(help="Scenario (name or YAML file) to run, or a run folder to read.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    seeds: Annotated[str | None, SEEDS_OPTION] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    no_base: Annotated[
        bool, typer.Option("--no-base", help="Leave out the base runs, and with them the share of seeds that cascade.")
    ] = False,
) -> None:
    """Print the validation of the model: the scorecard of a replay, the stylised facts of a calm market."""
    from sim.errors import ScenarioError
    from sim.report.recorded import load_recorded
    from sim.report.scorecard import Scorecard, is_calm
    from sim.results import Ensemble
    from sim.results.load import load_run

    folder = Path(source)
    bases: tuple[Run, ...] = ()
    if (folder / "manifest.json").is_file():
        if changes or seeds:
            raise ScenarioError(f"{source} is a run folder: --set and --seeds belong to a scenario that is to be run")
        done = load_run(folder)
    else:
        from sim import runner

        plan = runner.load(source, set=changes or [])
        wanted = parse_seeds(seeds or str(plan.spec.seeds_shown))
        done = simulate(plan, wanted, False)
        if not no_base and not is_calm(plan.spec):
            say("running the base runs: no liquidation, no withdrawal")
            from sim.experiments.base_run import base_changes

            lines = [f"{key}={json.dumps(value)}" for key, value in base_changes(plan.spec).items()]
            base = simulate(runner.load(source, set=[*(changes or []), *lines]), wanted, False)
            bases = base.runs if isinstance(base, Ensemble) else (base,)
    runs = done.runs if isinstance(done, Ensemble) else (done,)
    card = Scorecard(runs, load_recorded(done.spec))
    answer = _answer(done.run_id, runs, bases, card)
    typer.echo(json.dumps(answer, indent=1, allow_nan=False) if as_json else _text(answer, runs, bases, card))


def _answer(run_id: str, runs: tuple[Run, ...], bases: tuple[Run, ...], card: Scorecard) -> dict[str, Any]:
    from sim.report import cascade
    from sim.report.stylised import facts_of, plain

    spec = runs[0].spec
    return {
        "run_id": run_id,
        "scenario": spec.name,
        "seeds": [run.seed for run in runs],
        "scorecard": card.plain(),
        "cascades": cascade.plain(cascade.pair(runs, bases)) if bases else None,
        "stylised_facts": plain(facts_of(runs, experiments=True)),
    }


def _text(answer: dict[str, Any], runs: tuple[Run, ...], bases: tuple[Run, ...], card: Scorecard) -> str:
    from sim.report import cascade, scorecard_text
    from sim.report.stylised import facts_of, lines
    from sim.report.words import plain_text

    out = [
        plain_text(runs[0].spec.title),
        f"run {answer['run_id']}, {len(runs)} seed{'s' if len(runs) > 1 else ''}; scenario outcome, not a forecast",
        *card.sentences(),
    ]
    if bases:
        out += cascade.sentences(cascade.pair(runs, bases))
    table = scorecard_text.lines(card.rows("P", "F", "A"))
    out += ["", *table] if table else []
    facts = lines(facts_of(runs, experiments=True))
    return "\n".join([*out, *(["", *facts] if facts else [])])
