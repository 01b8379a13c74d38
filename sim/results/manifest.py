"""What made a run: scenario, inputs, code, packages, machine. Enough to run it again and to say why it differs."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import __version__
from sim.kernel_cache import kernel_hash
from sim.results.storage import plain

_PACKAGES = ("numpy", "numba", "llvmlite", "pandas", "pyarrow", "pydantic", "Mesa", "matplotlib", "PyYAML", "Jinja2")
CODE = ("tool", "kernel_sha256", "packages", "platform")
"""Keys of ``code``."""
_ROOT = Path(__file__).resolve().parents[2]


def array_hash(rows: NDArray[Any]) -> str:
    """SHA-256 of a structured array: its field layout, its length, its bytes."""
    layout = json.dumps([repr(rows.dtype.descr), list(rows.shape)])
    digest = hashlib.sha256(layout.encode())
    digest.update(np.ascontiguousarray(rows))
    return digest.hexdigest()


def text_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value: keys sorted, floats by their shortest exact form."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def run_id(resolved: Mapping[str, Any], seeds: Iterable[int], kernel_sha256: str) -> str:
    """Twelve hex digits that name a result before it is computed: hash of (resolved scenario, seeds, kernel hash).

    Parameters
    ----------
    resolved : mapping
        As ``runner.Scenario.resolved``: the scenario, its venue profile and the hashes of the data files it reads.
    seeds : iterable of int
        One seed, or those of an ensemble in order.
    kernel_sha256 : str
        Hash of all compiled sources.
    """
    return text_hash([resolved, [int(s) for s in seeds], kernel_sha256])[:12]


def code() -> dict[str, Any]:
    """Everything but the scenario that may move a result: tool, compiled sources, packages, machine."""
    return {"tool": tool(), "kernel_sha256": kernel_hash(), "packages": packages(), "platform": machine()}


@cache
def packages() -> dict[str, str]:
    """Versions of the packages that a result may depend on; "absent" where one is not installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name.lower()] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name.lower()] = "absent"
    return found


def machine() -> dict[str, str]:
    """Interpreter, operating system and processor family: what may move a last bit, and nothing about the user."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }


@cache
def tool() -> dict[str, Any]:
    """Version of the tool and, inside a clone, the commit and whether the tree differs from it."""
    commit = _git("rev-parse", "HEAD") if (_ROOT / ".git").exists() else None
    dirty = bool(_git("status", "--porcelain")) if commit else None
    return {"version": __version__, "git_commit": commit, "git_dirty": dirty}


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def now_utc() -> str:
    """Time of day in UTC to the second, ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Reasons why two runs of one scenario may differ, one sentence each; empty when all that is known agrees."""
    reasons = []
    for key, what in (
        ("kernel_sha256", "compiled source code"),
        ("resolved_sha256", "scenario, venue profile or data files"),
    ):
        if old.get(key) != new.get(key):
            reasons.append(f"the {what} changed ({_short(old.get(key))} then, {_short(new.get(key))} now)")
    for key, what in (("packages", "package"), ("platform", "platform"), ("tool", "tool")):
        before, after = old.get(key) or {}, new.get(key) or {}
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                reasons.append(f"{what} {name}: {_short(before.get(name))} then, {_short(after.get(name))} now")
    return reasons


def _short(value: Any) -> str:
    return str(value)[:16] if isinstance(value, str) else str(value)
