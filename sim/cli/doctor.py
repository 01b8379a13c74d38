"""``shoal doctor``: whether this machine can run Shoal, and what to do where it cannot."""

import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

MIN_PYTHON, MAX_PYTHON = (3, 12), (3, 14)
INSTALL = "run 'make demo' in the clone, or pip install the requirements again"


class Finding(NamedTuple):
    """One thing looked at: ``state`` is ok, warning or problem; ``text`` says what was found and the cure."""

    what: str
    state: str
    text: str


def register(app: typer.Typer) -> None:
    """Add ``doctor`` to the command line.

    Parameters
    ----------
    app : typer.Typer
        Changed in place.
    """
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False) -> None:
    """Look at Python, packages, kernel cache and data; exit code 1 when something keeps Shoal from running."""
    findings = [_python(), *_packages(requirements()), _processor(), _cache(), _jit(), _scenarios(), *_evidence()]
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:8} {finding.what:12} {finding.text}")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def requirements() -> tuple[str, ...]:
    """Packages that Shoal needs, with their bounds, from ``pyproject.toml`` of a clone or from the installed metadata.

    Returns
    -------
    tuple of str
        In the form of PEP 508; empty where neither is found.
    """
    import tomllib
    from importlib import metadata

    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    try:
        content = tomllib.loads(project.read_text(encoding="utf-8"))
        if content["project"]["name"] == "shoal":
            return tuple(content["project"]["dependencies"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        pass  # installed from a wheel: the file beside the package is missing, or somebody else's
    try:
        return tuple(metadata.requires("shoal") or ())
    except metadata.PackageNotFoundError:
        return ()


def _python() -> Finding:
    found = platform.python_version()
    if MIN_PYTHON <= sys.version_info[:2] <= MAX_PYTHON:
        return Finding("python", "ok", found)
    return Finding("python", "problem", f"{found} is not among 3.12, 3.13 and 3.14; install one of them")


def _packages(wanted: Iterable[str]) -> list[Finding]:
    from importlib import metadata

    from packaging.requirements import Requirement

    found = []
    for line in wanted:
        need = Requirement(line)
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            found.append(Finding(need.name, "problem", f"not installed, need {need.specifier}; {INSTALL}"))
            continue
        inside = need.specifier.contains(version, prereleases=True)
        text = version if inside else f"{version} is outside {need.specifier}, so results may differ; {INSTALL}"
        found.append(Finding(need.name, "ok" if inside else "warning", text))
    return found or [Finding("packages", "warning", "the list of requirements was not found; reinstall Shoal")]


def _processor() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processor", "ok", f"{platform.machine()}, {cores} cores usable")


def _cache() -> Finding:
    from sim.kernel_cache import cache_dir, is_lasting, is_warm, kernel_hash

    state = "compiled" if is_warm() else "not compiled yet: the first run does it, about a minute"
    text = f"kernels {kernel_hash()[:12]} {state}; cache in {_short(cache_dir())}"
    if is_lasting():
        return Finding("cache", "ok", text)
    return Finding("cache", "warning", f"{text}: no lasting folder can be written; set NUMBA_CACHE_DIR to one")


def _short(folder: Path) -> str:
    home = Path.home()
    return f"~/{folder.relative_to(home).as_posix()}" if folder.is_relative_to(home) else str(folder)


def _jit() -> Finding:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0"):
        return Finding("jit", "ok", "on")
    return Finding("jit", "warning", "off, so a run takes hundreds of times as long; unset NUMBA_DISABLE_JIT")


def _scenarios() -> Finding:
    from sim.scenario.places import scenario_names

    names = scenario_names()
    if not names:
        return Finding("scenarios", "problem", "none found; reinstall, or run from a complete clone")
    return Finding("scenarios", "ok", ", ".join(names))


def _evidence() -> list[Finding]:
    from sim.scenario.places import derived_dir

    names = sorted(path.stem for path in derived_dir().glob("*.csv"))
    if names:
        derived = Finding("recorded", "ok", f"{len(names)} derived files: {', '.join(names)}")
    else:
        text = "no derived files, which scenarios name; reinstall, or run from a complete clone"
        derived = Finding("recorded", "problem", text)
    folder = os.environ.get("SHOAL_EVIDENCE", "")
    if folder and Path(folder).is_dir():
        return [derived, Finding("evidence", "ok", "folder of raw data found")]
    if folder:
        return [derived, Finding("evidence", "warning", f"SHOAL_EVIDENCE names {folder!r}, which is no folder")]
    return [derived, Finding("evidence", "ok", "no raw data (SHOAL_EVIDENCE is not set): only some tests need it")]
