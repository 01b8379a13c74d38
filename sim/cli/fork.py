"""``shoal fork``: a saved state goes on, under other settings or the same ones, to a run folder or another state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.run import (
    OUT_OPTION,
    SAVE_OPTION,
    UNTIL_OPTION,
    progress_bar,
    refuse_one_alone,
    save_state,
    say,
    show_run,
)

_SET = typer.Option(
    "--set", metavar="KEY=VALUE", help="Change one setting from here on: market_maker.withdrawal=false. Repeatable."
)
_SHOCK = typer.Option(
    "--add-shock", metavar="YAML", help='A shock from here on: "{kind: halt, at: 45m, over: 5m}". Repeatable.'
)
_SEED = typer.Option("--seed", help="Key of all draws from here on; the past stays. Default: the saved seed.")


def register(app: typer.Typer) -> None:
    """Add ``fork`` to the command line."""
    app.command("fork")(fork)


def fork(
    state: Annotated[Path, typer.Argument(help="File that shoal run --until TIME --save FILE wrote.")],
    changes: Annotated[list[str] | None, _SET] = None,
    shocks: Annotated[list[str] | None, _SHOCK] = None,
    seed: Annotated[int | None, _SEED] = None,
    out: Annotated[Path, OUT_OPTION] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Check every conservation law after every tick.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write the data without figures and page.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a run folder, or a state, of the same name.")] = False,
    until: Annotated[str | None, UNTIL_OPTION] = None,
    save: Annotated[Path | None, SAVE_OPTION] = None,
) -> None:
    """Go on from a saved state; without changes the run is the one that was never stopped."""
    refuse_one_alone(until, save)
    from sim import results, runner
    from sim.fork import load_state

    plan = load_state(state).fork(changes or [], seed=seed, add_shocks=shocks or [])
    if until is not None and save is not None:
        save_state(plan, plan.seed, audit, until, save, force, as_json)
        return
    folder = results.run_folder(out, plan.spec.name, plan.run_id())
    results.refuse_existing(folder, force)
    runner.warm()
    with progress_bar(f"{plan.spec.name}, seed {plan.seed} from {plan.saved.time_s:g} s") as progress:
        done = plan.run(audit=audit, progress=progress)
    say("writing the run folder" if no_report else "drawing the report and writing the run folder")
    done.save(folder, force=force, report=not no_report)
    show_run(done, folder, as_json, not no_report)
