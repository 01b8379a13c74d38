"""Runs every case of every JSON file of a folder: ``python -m tests.conformance.runner FOLDER [--engine reference]``.

A file is recognised by the shape of its cases, never by its name. Prints each failed and skipped case with its reason
and the totals by file; exit code 1 when a case failed or a file could not be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.conformance import clearing, edge34, exchange_core, hashes, lending, liquibook, quantcup
from tests.conformance.common import Difference, MakeEngine, SkippedCase

PACKS: tuple[ModuleType, ...] = (edge34, hashes, liquibook, exchange_core, quantcup, clearing, lending)
CASE_LISTS = ("cases", "feature_cases")


@dataclass(frozen=True)
class Outcome:
    """What became of one case: passed, failed or skipped, and why."""

    file: str
    name: str
    status: str
    reason: str = ""


def pack_of(case: dict[str, Any]) -> ModuleType | None:
    """The adapter for a case, by its shape."""
    return next((pack for pack in PACKS if pack.recognises(case)), None)


def run_case(file: str, case: dict[str, Any], header: dict[str, Any], make_engine: MakeEngine) -> Outcome:
    """One case; an error inside it is a failure of that case alone."""
    name = str(case.get("id", "case without id"))
    pack = pack_of(case)
    if pack is None:
        return Outcome(file, name, "skipped", "no adapter knows a case of this shape")
    try:
        pack.run(case, header, make_engine)
    except SkippedCase as why:
        return Outcome(file, name, "skipped", str(why))
    except Difference as why:
        return Outcome(file, name, "failed", str(why))
    except Exception as error:  # an error inside one case must not hide the others
        return Outcome(file, name, "failed", f"{type(error).__name__}: {error}")
    return Outcome(file, name, "passed")


def load(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and cases of a file; no cases when it holds none."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, list):
        content = {"cases": content}
    if not isinstance(content, dict):
        return {}, []
    header = {key: value for key, value in content.items() if key not in CASE_LISTS}
    header["folder"] = path.parent
    lists = [content[key] for key in CASE_LISTS if isinstance(content.get(key), list)]
    return header, [case for cases in lists for case in cases if isinstance(case, dict)]


def run_file(path: Path, make_engine: MakeEngine) -> Iterator[Outcome]:
    """Outcomes of one file."""
    try:
        header, cases = load(path)
    except (OSError, ValueError) as error:
        yield Outcome(path.name, "(whole file)", "failed", f"cannot be read: {error}")
        return
    if not any(pack_of(case) for case in cases):
        yield Outcome(path.name, "(whole file)", "skipped", "not a file of matching, clearing or lending cases")
        return
    for case in cases:
        yield run_case(path.name, case, header, make_engine)


def compiled() -> MakeEngine:
    """The engine of the package."""
    from sim import MatchingEngine

    return MatchingEngine


def reference() -> MakeEngine:
    """The plain-Python engine, auditing each message."""
    from tests.reference.matching import ReferenceEngine

    def make(**options: Any) -> ReferenceEngine:
        return ReferenceEngine(audit=True, **options)

    return make


ENGINES = {"compiled": compiled, "reference": reference}


def report(outcomes: list[Outcome]) -> str:
    """Failed and skipped cases with reasons, then totals by file and over all."""
    lines = [
        f"{o.status:8}{o.file}: {o.name}: {o.reason}"
        for status in ("skipped", "failed")
        for o in outcomes
        if o.status == status
    ]
    for file in dict.fromkeys(o.file for o in outcomes):
        lines.append(f"{file}: {_totals([o for o in outcomes if o.file == file])}")
    return "\n".join([*lines, f"all: {_totals(outcomes)}"])


def _totals(outcomes: list[Outcome]) -> str:
    return ", ".join(f"{sum(o.status == s for o in outcomes)} {s}" for s in ("passed", "failed", "skipped"))


def main(arguments: list[str] | None = None) -> int:
    """Run a folder (or one file); returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.runner", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of JSON files, or one file")
    parser.add_argument("--engine", choices=ENGINES, default="compiled")
    parser.add_argument("--passed", action="store_true", help="name the passed cases too")
    options = parser.parse_args(arguments)
    paths = sorted(options.folder.glob("*.json")) if options.folder.is_dir() else [options.folder]
    if not paths or not paths[0].is_file():
        parser.error(f"{options.folder}: no JSON file of cases there")
    make_engine = ENGINES[options.engine]()
    outcomes = [outcome for path in paths for outcome in run_file(path, make_engine)]
    if options.passed:
        sys.stdout.write("".join(f"passed  {o.file}: {o.name}\n" for o in outcomes if o.status == "passed"))
    sys.stdout.write(report(outcomes) + "\n")
    return int(any(o.status == "failed" for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
