"""``shoal run`` and ``shoal rerun``: a scenario to a run folder, and a run folder to the same hashes again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.errors import ResultError, ScenarioError

if TYPE_CHECKING:
    from sim.fork import Fork
    from sim.results import Ensemble, Run
    from sim.runner import Progress, Scenario

SET_OPTION = typer.Option(
    "--set", metavar="KEY=VALUE", help="Change one setting, for instance market.price=100kUSD. Repeatable."
)
_SEED = typer.Option("--seed", help="One seed: one run, one draw.")
SEEDS_OPTION = typer.Option(
    "--seeds",
    metavar="N|A,B|A-B",
    help="Several seeds: a number (1 to N), a list, a range. Default: as the scenario says.",
)
UNTIL_OPTION = typer.Option(
    "--until",
    metavar="TIME",
    help="Stop there: a time of day in UTC (20:49), a duration (29m) or seconds. With --save.",
)
SAVE_OPTION = typer.Option("--save", metavar="FILE", help="File for the state at --until; shoal fork goes on from it.")
OUT_OPTION = typer.Option("--out", metavar="DIR", help="Folder to make the run folder <name>-<run id> in.")

_MOST_SEEDS = 10_000


def register(app: typer.Typer) -> None:
    """Add ``run`` and ``rerun`` to the command line."""
    app.command("run")(run)
    app.command("rerun")(rerun)


def run(
    scenario: Annotated[str, typer.Argument(help="Name of a shipped scenario, or path of a YAML file.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    seed: Annotated[int | None, _SEED] = None,
    seeds: Annotated[str | None, SEEDS_OPTION] = None,
    out: Annotated[Path, OUT_OPTION] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Check every conservation law after every tick.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write the data without figures and page.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a run folder, or a state, of the same name.")] = False,
    until: Annotated[str | None, UNTIL_OPTION] = None,
    save: Annotated[Path | None, SAVE_OPTION] = None,
) -> None:
    """Simulate a scenario and write its run folder with a report; with --until, stop and save the state instead."""
    if seed is not None and seeds is not None:
        raise ScenarioError("--seed and --seeds exclude each other: --seed 3 is one run, --seeds 3 is three")
    refuse_one_alone(until, save)
    from sim import results, runner

    plan = runner.load(scenario, set=changes or [])
    if until is not None and save is not None:
        if seeds is not None:
            raise ScenarioError(
                "--seeds does not go with --until: a state is that of one seed, --seed N (1 if not given)"
            )
        save_state(plan, 1 if seed is None else seed, audit, until, save, force, as_json)
        return
    wanted = (seed,) if seed is not None else parse_seeds(seeds or str(plan.spec.seeds_shown))
    folder = results.run_folder(out, plan.spec.name, plan.run_id(wanted))
    results.refuse_existing(folder, force)
    done = simulate(plan, wanted, audit)
    say("writing the run folder" if no_report else "drawing the report and writing the run folder")
    done.save(folder, force=force, report=not no_report)
    show_run(done, folder, as_json, not no_report)


def save_state(
    plan: Scenario | Fork, seed: int, audit: bool, until: str, path: Path, force: bool, as_json: bool
) -> None:
    """Run one seed to a time, write its state, and say where it is."""
    from sim.runner import Scenario, stop_time, warm
    from sim.saved_file import refuse_taken

    refuse_taken(path, force)
    stop_time(plan.spec, until, 0.0 if isinstance(plan, Scenario) else plan.saved.time_s)
    warm()
    with progress_bar(f"{plan.spec.name}, seed {seed}") as progress:
        if isinstance(plan, Scenario):
            saved = plan.run(seed, audit, progress, until=until)
        else:
            saved = plan.run(until, audit, progress)
    saved.save(path, force=force)
    now = (saved.spec.start_utc + timedelta(seconds=saved.time_s)).isoformat().replace("+00:00", "Z")
    if as_json:
        answer = {"state": str(path), "scenario": saved.spec.name, "seed": saved.seed, "time_s": saved.time_s}
        typer.echo(json.dumps({**answer, "time_utc": now}, indent=1))
        return
    _echo(f"{saved.spec.name}, seed {saved.seed}, stopped at {saved.time_s:g} s, {now}")
    _echo(f"state: {path}   (shoal fork {path} goes on from it)")


def rerun(
    folder: Annotated[Path, typer.Argument(help="Run folder, or its manifest.json.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Run the scenario of a run folder again and compare the hashes of the results."""
    from sim import results
    from sim.results.manifest import differences

    place = folder.parent if folder.name == "manifest.json" else folder
    saved = results.read_manifest(place)
    if "forked" in (saved.get("resolved") or {}):
        from sim.fork import fork_again

        fork = fork_again(saved, place)
        reasons = differences(saved, results.Origin(fork.resolved).manifest((fork.seed,)))
        again: Run | Ensemble = fork.run(audit=bool(saved.get("audited")))
    else:
        plan, wanted = _saved_plan(saved, place)
        reasons = differences(saved, results.Origin(plan.resolved).manifest(wanted))
        again = simulate(plan, wanted, bool(saved.get("audited")))
    verdict = _compare(saved, again, reasons)
    typer.echo(json.dumps(verdict, indent=1) if as_json else _comparison_text(verdict))
    if not verdict["same"]:
        raise typer.Exit(1)


def refuse_one_alone(until: str | None, save: Path | None) -> None:
    """Refuse a time to stop at without a file for the state, or the other way round."""
    if (until is None) != (save is None):
        raise ScenarioError("--until and --save go together: a time, and the file for the state at that time")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds of ``--seeds``: "8" is 1 to 8, "3,5,9" is a list, "11-14" a range; parts may be mixed by commas.

    Raises
    ------
    ScenarioError
        When the text is none of these.
    """
    parts = [f"1-{text.strip()}"] if text.strip().isdecimal() else text.split(",")
    seeds: list[int] = []
    for part in parts:
        first, dash, last = part.strip().partition("-")
        if len(part) > 60 or not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise _refused(text, 'expected a number ("8"), a list ("1,5,9") or a range ("11-14")')
        low, high = int(first), int(last or first)
        if not 0 <= high - low < _MOST_SEEDS:
            raise _refused(text, f"a range runs upwards and holds at most {_MOST_SEEDS} seeds")
        seeds += range(low, high + 1)
    return tuple(seeds)


def _refused(text: str, wanted: str) -> ScenarioError:
    return ScenarioError(f"--seeds {text[:40]!r}: {wanted}")


def simulate(plan: Scenario, seeds: tuple[int, ...], audit: bool) -> Run | Ensemble:
    """Run one seed or several, with a progress bar on a terminal."""
    from sim.runner import warm

    warm()  # before the bar, which would fight with the line that is shown while compiling
    count = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
    with progress_bar(f"{plan.spec.name}, {count}") as progress:
        if len(seeds) == 1:
            return plan.run(seed=seeds[0], audit=audit, progress=progress)
        return plan.ensemble(seeds, audit=audit, progress=progress)


def _saved_plan(saved: dict[str, Any], place: Path) -> tuple[Scenario, tuple[int, ...]]:
    from pydantic import ValidationError

    from sim.runner import Scenario
    from sim.scenario.spec import Spec

    try:
        spec = Spec.model_validate(saved["resolved"]["scenario"])
        return Scenario(spec, tuple(saved["overrides"])), tuple(int(s) for s in saved["seeds"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        made_by = (saved.get("tool") or {}).get("version", "unknown")
        raise ResultError(f"{place}: its scenario cannot be read by this version; use shoal {made_by}") from error


def _compare(saved: dict[str, Any], again: Run | Ensemble, reasons: list[str]) -> dict[str, Any]:
    from sim.results import Ensemble

    runs = again.runs if isinstance(again, Ensemble) else (again,)
    moved, compared = [], 0
    for run_ in runs:
        then = saved["runs"].get(str(run_.seed), {}).get("result_sha256", {})
        for name in sorted(set(then) | set(run_.hashes)):
            compared += 1
            if then.get(name) != run_.hashes.get(name):
                moved.append(f"seed {run_.seed}: {name}")
    return {"run_id": saved["run_id"], "same": not moved, "compared": compared, "different": moved, "reasons": reasons}


def _comparison_text(verdict: dict[str, Any]) -> str:
    if verdict["same"]:
        notes = [f"  though {reason}" for reason in verdict["reasons"]]
        return "\n".join([f"same: all {verdict['compared']} hashes of run {verdict['run_id']} are reproduced", *notes])
    lines = [f"different: {len(verdict['different'])} of {verdict['compared']} hashes of run {verdict['run_id']} moved"]
    lines += [f"  {name}" for name in verdict["different"]]
    reasons = verdict["reasons"] or [
        "no difference in code, packages, platform or inputs was found: this is a defect of shoal, please report it"
    ]
    return "\n".join([*lines, "because:", *(f"  {reason}" for reason in reasons)])


def show_run(done: Run | Ensemble, folder: Path, as_json: bool, with_report: bool) -> None:
    """Print what a run gave and where its folder is."""
    from sim.report.markets_page import terminal_lines
    from sim.report.tables import headlines, warnings
    from sim.report.words import plain_text
    from sim.results import Ensemble
    from sim.results.storage import plain

    runs = done.runs if isinstance(done, Ensemble) else (done,)
    report = str(folder / "report.html") if with_report else None
    if as_json:
        seeds = [r.seed for r in runs]
        answer = {
            "run_id": done.run_id,
            "scenario": done.spec.name,
            "seeds": seeds,
            "folder": str(folder),
            "report": report,
        }
        typer.echo(json.dumps(plain({**answer, "summary": done.summary}), indent=1))
        return
    rows = headlines(runs)
    wide, middle = max(len(r.name) for r in rows), max(len(r.median) for r in rows)
    count = f"median over {len(runs)} seeds, range" if len(runs) > 1 else f"seed {runs[0].seed}: one draw, no range"
    _echo(plain_text(done.spec.title))
    typer.echo(f"run {done.run_id}, {count}; scenario outcome, not a forecast")
    for row in rows:
        typer.echo(f"  {row.name:<{wide}}  {row.median:>{middle}}" + (f"   {row.spread}" if len(runs) > 1 else ""))
    for line in terminal_lines(runs):
        _echo(f"  {line}")
    for warning in warnings(runs):
        typer.echo(f"  note: {warning}")
    cpu_s = sum(r.timing.cpu_s for r in runs)
    pace = sum(r.summary["messages"] for r in runs) / max(cpu_s, 1e-9) / 1e6
    memory = f"at most {peak_mb():,.0f} MB in one process"
    typer.echo(f"  {cpu_s:.2f} CPU-s, {pace:.2f} million messages per CPU-s, {memory}")
    _echo(f"report: {report}" if report else f"results: {folder}")


def peak_mb() -> float:
    """Most memory that this process or one it waited for has held, in megabytes."""
    import resource

    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return most / 1024.0


def _echo(text: str) -> None:
    """Print text whose letters the terminal may lack; those become question marks."""
    coding = sys.stdout.encoding or "utf-8"
    typer.echo(text.encode(coding, "replace").decode(coding))


@contextmanager
def progress_bar(title: str) -> Iterator[Progress | None]:
    """Progress line on stderr when that is a terminal; nothing else otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn(title, markup=False), BarColumn(), TimeRemainingColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task(title, total=1.0, start=True)
        yield lambda share: bar.update(task, completed=share)


def say(text: str) -> None:
    """Tell what is being done, on stderr and only on a terminal."""
    if sys.stderr.isatty():
        typer.echo(text, err=True)
