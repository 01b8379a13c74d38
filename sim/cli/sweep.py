"""``shoal sweep``, ``shoal resume``, ``shoal merge``: many runs from a design file, safe from kills and full disks."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim import stopping
from sim.errors import ScenarioError

if TYPE_CHECKING:
    from sim.experiments.plan import Plan
    from sim.experiments.sweep import Lane, Tally

WORKERS = typer.Option("--workers", metavar="N", min=1, max=1024, help="Processes. Default: as many as processors.")
_PART = typer.Option("--part", metavar="K/N", help="Make the K-th of N shares: N machines, a folder each, then merge.")
_JSON = typer.Option("--json", help="Print the result as JSON.")
DASK = typer.Option("--dask", metavar="URL", help="Make the runs on a Dask cluster, such as tcp://127.0.0.1:8786.")
TRUST = typer.Option("--trust-network", help="Allow a Dask scheduler on another machine.")
DRY = typer.Option("--dry-run", help="Make a few runs, tell runs, time and disk, and stop.")
_LINE_EVERY_S = 60.0


def register(app: typer.Typer) -> None:
    """Add ``sweep``, ``resume`` and ``merge`` to the command line."""
    app.command("sweep")(sweep)
    app.command("resume")(resume)
    app.command("merge")(merge)


def sweep(
    design: Annotated[Path, typer.Argument(help="Design file (docs/sweeps.md).")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make the sweep's folder in.")] = Path(
        "results"
    ),
    workers: Annotated[int | None, WORKERS] = None,
    part: Annotated[str | None, _PART] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    dry_run: Annotated[bool, DRY] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Run a design: every point with every seed. Started again, it goes on where it was."""
    from sim.experiments.sweep import begin
    from sim.results import run_folder

    share = _share(part)
    plan = _plan_of(design)
    folder = run_folder(out, plan.name, plan.id)
    if dry_run:
        foresee(folder, plan, processes(workers), as_json)
        return
    if mended := begin(folder, plan):
        typer.echo(f"{mended}: written again", err=True)
    _work(folder, workers, share, False, as_json, (dask, trust_network))


def resume(
    folder: Annotated[Path, typer.Argument(help="Folder of a sweep.")],
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N|A,B|A-B", help="Also these seeds, at every point.")
    ] = None,
    design: Annotated[Path | None, typer.Option("--design", help="Also the points and seeds of this design.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Make failed runs again.")] = False,
    workers: Annotated[int | None, WORKERS] = None,
    part: Annotated[str | None, _PART] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    dry_run: Annotated[bool, DRY] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Go on with a sweep; with --seeds or --design, extend it first."""
    from sim.cli.run import parse_seeds
    from sim.experiments.store import read_plan
    from sim.experiments.sweep import extend
    from sim.runner import checked_seeds

    share = _share(part)
    more_seeds = checked_seeds(parse_seeds(seeds)) if seeds is not None else ()
    other = _plan_of(design) if design is not None else None

    def larger(plan: Plan) -> Plan:
        plan = plan.with_seeds(more_seeds) if more_seeds else plan
        return plan.extended(other) if other is not None else plan

    if dry_run:
        foresee(folder, larger(read_plan(folder)), processes(workers), as_json)
        return
    if more_seeds or other is not None:
        extend(folder, larger)
    _work(folder, workers, share, retry_failed, as_json, (dask, trust_network))


def merge(
    folder: Annotated[Path, typer.Argument(help="Folder of a sweep, which takes the runs of the others.")],
    others: Annotated[list[Path], typer.Argument(help="Folders of sweeps made by the same code; left as they are.")],
) -> None:
    """Take finished runs of other folders into one: shares made by --part, or sweeps that belong together."""
    from sim.experiments.merge import merge as together

    tally = together(folder, others)
    typer.echo(f"{tally.made} runs taken over; {tally.done} of {tally.total} runs done: {folder}")


def _plan_of(path: Path) -> Plan:
    from sim.cli.run import parse_seeds
    from sim.experiments.design import read_design
    from sim.experiments.plan import make_plan
    from sim.runner import checked_seeds

    design = read_design(path)
    return make_plan(design, checked_seeds(parse_seeds(str(design.seeds))))


def lanes_of(address: str | None, trusted: bool) -> Callable[[], Sequence[Lane]] | None:
    """Where --dask has the runs made; None for processes of this machine. The cluster must answer now."""
    if address is None:
        return None
    from sim.experiments import cluster

    lanes = cluster.cluster_lanes(address, trusted)
    return lambda: lanes


def _share(text: str | None) -> tuple[int, int]:
    k, slash, n = (text or "1/1").partition("/")
    if not (slash and k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n) <= 100_000):
        raise ScenarioError(f'--part {text!r}: expected K/N, such as "2/3" for the second of three shares')
    return int(k), int(n)


def processes(workers: int | None) -> int:
    """Worker processes: as asked, or as many as processors that this process may use."""
    return workers or len(os.sched_getaffinity(0))


def foresee(folder: Path, plan: Plan, workers: int, as_json: bool) -> None:
    """Print what a sweep will take."""
    from sim.experiments.store import RUNS, sealed
    from sim.experiments.summary import estimate
    from sim.runner import warm

    done = min(len(sealed(folder, RUNS)) * plan.shard, plan.count())
    warm()
    found = estimate(plan, done, workers)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "done": done, "workers": workers, **found._asdict()}, indent=1))
        return
    there = f", {done} of them there" if done else ""
    typer.echo(f"{found.points} points, {found.runs} runs{there}; folder {folder}")
    pace = f"a run took {found.one_run_s:.2f} s, the start of a worker {found.start_s:.1f} s"
    typer.echo(f"{pace}; about {_span(found.time_s)} on {workers} idle processors")
    typer.echo(f"at most about {found.disk_bytes / 1e6:.1f} MB on disk")


def _work(
    folder: Path,
    workers: int | None,
    part: tuple[int, int],
    retry_failed: bool,
    as_json: bool,
    dask: tuple[str | None, bool],
) -> None:
    from sim.experiments.costs import COSTS
    from sim.experiments.store import MANIFEST
    from sim.experiments.sweep import run_sweep
    from sim.runner import warm

    places = lanes_of(*dask)
    warm()  # once, here: workers find compiled kernels
    with shown(folder.name) as told:
        tally = run_sweep(folder, processes(workers), told, part, retry_failed, places() if places else None)
    for name in tally.damaged:
        then = "no result depends on it" if name.startswith((COSTS, MANIFEST)) else "made again"
        typer.echo(f"{name}: did not match its checksum; set aside, {then}", err=True)
    answer = {"folder": str(folder), "runs": tally.total, "done": tally.done, "failed": tally.failed}
    if as_json:
        more = {"interrupted": tally.interrupted, "set_aside": list(tally.damaged)}
        typer.echo(json.dumps({**answer, "made": tally.made, **more}, indent=1))
    else:
        failed = f", {tally.failed} failed" if tally.failed else ""
        pace = f"; {tally.made} made now, {tally.per_s:.2f} runs/s" if tally.made else ""
        typer.echo(f"{tally.done} of {tally.total} runs done{failed}{pace}: {folder}")
    if tally.interrupted:
        typer.echo(f"Interrupted: what is finished is kept. Go on with: shoal resume {folder}", err=True)
        raise typer.Exit(stopping.INTERRUPTED)
    if tally.failed:
        raise typer.Exit(1)


@contextmanager
def shown(title: str) -> Iterator[Callable[[Tally], None]]:
    """A progress line on a terminal; in a log, one line a minute."""
    if not sys.stderr.isatty():
        yield _minutely()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns: tuple[Any, ...] = (TextColumn(title, markup=False), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0, said="")
        yield lambda t: bar.update(task, total=t.total, completed=t.done, said=_said(t))


def _minutely() -> Callable[[Tally], None]:
    due = [time.monotonic() + _LINE_EVERY_S]

    def tell(tally: Tally) -> None:
        if time.monotonic() >= due[0]:
            due[0] += _LINE_EVERY_S
            typer.echo(_said(tally), err=True)

    return tell


def _said(tally: Tally) -> str:
    failed = f", {tally.failed} failed" if tally.failed else ""
    return f"{tally.done}/{tally.total}{failed}, {tally.per_s:.2f} runs/s, {_span(tally.left_s)} left"


def _span(seconds: float) -> str:
    """A time as people say it."""
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
