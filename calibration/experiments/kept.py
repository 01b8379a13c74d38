"""Jobs of a long experiment whose results are kept as they come, so that a run that is stopped goes on."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import sim
from calibration.experiments.common import say
from sim.runner import Scenario
from sim.scenario.load import load_spec

FOLDER = Path(__file__).resolve().parents[2] / "results" / "kept"


class Job(NamedTuple):
    """One run: a scenario, its changes (``key=value``) and a seed."""

    scenario: str
    changes: tuple[str, ...]
    seed: int


def code_hash(*more: str) -> str:
    """Of everything that a run is made by, Python and compiled, and of files named in addition."""
    digest = hashlib.sha256()
    root = Path(sim.__file__).parent
    for file in [*sorted(root.rglob("*.py")), *map(Path, more)]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def key_of(job: Job) -> str:
    """Seed and resolved scenario of a job."""
    resolved = json.dumps(scenario_of(job).resolved, sort_keys=True, default=str)
    return f"{job.seed}-{hashlib.sha256(resolved.encode()).hexdigest()[:24]}"


def scenario_of(job: Job) -> Scenario:
    """Its scenario with its changes."""
    return Scenario(load_spec(job.scenario, list(job.changes)), job.changes)


def run_job(job: Job) -> "sim.Run":
    """The run itself."""
    return scenario_of(job).run(seed=job.seed)


def kept(
    pool: ProcessPoolExecutor,
    measure: Callable[[Job], dict[str, Any]],
    jobs: Sequence[Job],
    name: str,
    source: str,
    folder: Path = FOLDER,
) -> dict[Job, dict[str, Any]]:
    """Measure every job, or read what an earlier run of the same code has kept.

    Parameters
    ----------
    pool : ProcessPoolExecutor
    measure : callable
        Of a module; gives plain JSON.
    jobs : sequence of Job
    name : str
        Of the file within ``folder``.
    source : str
        File of ``measure``: results of another version of it are not used.
    folder : Path

    Returns
    -------
    dict
        Job to its numbers; a job that failed is said and missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{code_hash(source)[:16]}.jsonl"
    known = {}
    if file.exists():
        lines = file.read_text(encoding="utf-8").split("\n")[:-1]  # a line that a kill cut short has no end
        known = {line["key"]: line["found"] for line in map(json.loads, lines)}
        if lines or file.stat().st_size:
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    keys = {job: key_of(job) for job in jobs}
    found = {job: known[key] for job, key in keys.items() if key in known}
    say({"kept": name, "jobs": len(jobs), "there": len(found)})
    waiting = {pool.submit(measure, job): job for job in jobs if job not in found}
    with file.open("a", encoding="utf-8") as out:
        for future in as_completed(waiting):
            job = waiting[future]
            try:
                found[job] = future.result()
            except Exception as error:  # one run that cannot be made must not cost the others
                say({"failed": f"{job}: {type(error).__name__}: {error}"})
                continue
            out.write(json.dumps({"key": keys[job], "job": job, "found": found[job]}) + "\n")
            out.flush()
            say({"done": len(found), "of": len(jobs), "case": " ".join((job.scenario, *job.changes)), "seed": job.seed})
    return {job: found[job] for job in jobs if job in found}
