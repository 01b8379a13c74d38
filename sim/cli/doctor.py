"""``shoal doctor``: whether this machine can run Shoal, and what to do where it cannot."""

import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

PACKAGES = ("mesa", "numpy", "pandas", "matplotlib", "numba", "pydantic", "pyyaml", "typer", "pyarrow", "jinja2", "networkx")
MIN_PYTHON, MAX_PYTHON = (3, 12), (3, 14)


class Finding(NamedTuple):
    """One thing looked at: ``state`` is ok, warning or problem; ``text`` says what was found and the cure."""

    what: str
    state: str
    text: str


def register(app: typer.Typer) -> None:
    """Add ``doctor`` to the command line."""
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at Python, packages, the kernel cache and the data, and say what to do where something is wrong."""
    findings = [_python(), *_packages(), _processor(), _cache(), _jit(), _scenarios(), _evidence()]
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:8} {finding.what:12} {finding.text}")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def _python() -> Finding:
    if MIN_PYTHON <= sys.version_info[:2] <= MAX_PYTHON:
        return Finding("python", "ok", platform.python_version())
    return Finding("python", "problem", f"{platform.python_version()}; use 3.12, 3.13 or 3.14")


def _packages() -> list[Finding]:
    found = []
    for name in PACKAGES:
        try:
            found.append(Finding(name, "ok", metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(Finding(name, "problem", "not installed; run 'make demo', or install the requirements"))
    return found


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processor", "ok", f"{platform.machine()}, {cores} cores usable")


def _cache() -> Finding:
    from sim.kernel_cache import cache_dir, is_warm, kernel_hash

    folder = cache_dir()
    state = "compiled" if is_warm() else "to be compiled at the first run, about half a minute"
    text = f"kernels {kernel_hash()[:12]} {state}; cache in {_short(folder)}"
    if folder.name.startswith("shoal-kernels-"):
        return Finding("cache", "warning", f"{text}: no folder can be written, so each start compiles; set NUMBA_CACHE_DIR")
    return Finding("cache", "ok", text)


def _short(folder: Path) -> str:
    home = str(Path.home())
    return str(folder).replace(home, "~", 1) if str(folder).startswith(home) else str(folder)


def _jit() -> Finding:
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        return Finding("jit", "warning", "off by NUMBA_DISABLE_JIT=1: a run takes a thousand times as long")
    return Finding("jit", "ok", "on")


def _scenarios() -> Finding:
    from sim.scenario.places import scenario_names

    names = scenario_names()
    if not names:
        return Finding("scenarios", "problem", "none found; reinstall, or run from a complete clone")
    return Finding("scenarios", "ok", ", ".join(names))


def _evidence() -> Finding:
    from sim.scenario.places import recorded_names

    raw = os.environ.get("SHOAL_EVIDENCE")
    raw_text = "raw data set by SHOAL_EVIDENCE" if raw and Path(raw).is_dir() else "no raw data (only calibration and some tests need it)"
    names = recorded_names()
    if not names:
        return Finding("evidence", "warning", "no recorded paths; scenarios that name one cannot run")
    return Finding("evidence", "ok", f"{len(names)} derived files; {raw_text}")
