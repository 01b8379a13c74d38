"""Run folders: written beside their place under a temporary name, flushed to disk, then renamed. Whole, or not there.

An interrupted or failed write removes its temporary folder; after a power cut a hidden ``.<name>.<random>.partial`` may
be left beside the results, which nothing reads and which may be deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.errors import ResultError
from sim.stopping import raising

MANIFEST = "manifest.json"
SCHEMA = 1
"""Version of the folder's layout; raised when an older reader would misread it."""


def run_folder(parent: str | Path, name: str, run_id: str) -> Path:
    """Place of a run: ``<parent>/<name>-<run id>``, the name reduced to 60 letters, digits, ``_`` and ``-``."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] or "run"
    return Path(parent) / f"{safe}-{run_id}"


def refuse_existing(folder: Path, force: bool) -> None:
    """Raise ``ResultError`` when the place is taken and may not be replaced; called before a run is paid for."""
    if not os.path.lexists(folder):
        return
    if not force:
        raise ResultError(
            f"{folder}: exists already; the run id names its content. Use --force to replace it, or --out elsewhere"
        )
    if folder.is_symlink() or not (folder / MANIFEST).is_file():
        raise ResultError(
            f"{folder}: exists and is not a run folder, so it is not replaced; move it, or use --out elsewhere"
        )


@raising()
def write_folder(folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any], force: bool = False) -> Path:
    """Write all files and the manifest as one folder, or nothing.

    Parameters
    ----------
    folder : Path
        Final place; its parent is made when missing.
    files : mapping of relative path to bytes
        Everything but the manifest.
    manifest : mapping
        Written last, with ``files``: the SHA-256 of each file.
    force : bool
        Replace a run folder of the same name; the old one is put back when the exchange fails.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    ResultError
        When the place is taken, or the disk refuses (full, read-only).
    """
    refuse_existing(folder, force)
    scratch: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
        _fill(scratch, files, manifest)
        _exchange(scratch, folder)
    except OSError as error:
        _remove(scratch)
        cure = "free some space or choose another place with --out"
        raise ResultError(f"{folder}: cannot write the results ({error.strerror or error}); {cure}") from error
    except BaseException:  # Ctrl-C included: leave nothing half-written
        _remove(scratch)
        raise
    return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """Manifest of a run folder, after every file it names was checked against its SHA-256.

    Raises
    ------
    ResultError
        When the folder or a file is missing, altered, or of another layout version.
    """
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(
            f"{folder}: no readable {MANIFEST} ({error.strerror}); give a folder that `shoal run` wrote"
        ) from error
    except ValueError as error:
        raise ResultError(f"{folder / MANIFEST}: damaged ({error}); run the scenario again") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ResultError(f"{folder / MANIFEST}: not a manifest of a run")
    if manifest.get("schema") != SCHEMA:
        made_by = (manifest.get("tool") or {}).get("version", "unknown")
        raise ResultError(
            f"{folder}: layout version {manifest.get('schema')!r}, this is {SCHEMA}; read it with shoal {made_by}"
        )
    for name, digest in manifest["files"].items():
        _verify(folder, str(name), digest)
    return manifest


def _verify(folder: Path, name: str, digest: object) -> None:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ResultError(f"{folder / MANIFEST}: names the file {name!r} outside its folder")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise ResultError(
            f"{folder / name}: cannot be read ({error.strerror}); the run folder is incomplete"
        ) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise ResultError(f"{folder / name}: differs from the SHA-256 in the manifest; the file was altered or damaged")


def _fill(scratch: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    for name, data in files.items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(scratch / name, data)
    # unsorted: the order of a scenario's listings is part of it
    text = json.dumps({**manifest, "files": digests}, indent=1, allow_nan=False, ensure_ascii=False)
    write_file(scratch / MANIFEST, (text + "\n").encode())
    for place in {scratch / name for name in files} | {scratch / MANIFEST}:
        sync_folder(place.parent)
    scratch.chmod(0o755)


def _exchange(scratch: Path, folder: Path) -> None:
    """Rename the scratch folder into place; a folder that was there is moved aside first and deleted last."""
    aside: Path | None = None
    if folder.exists():
        aside = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
        os.rename(folder, aside)
    try:
        os.rename(scratch, folder)
    except BaseException:
        if aside is not None:
            os.rename(aside, folder)
        raise
    sync_folder(folder.parent)
    _remove(aside)


def _remove(place: Path | None) -> None:
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write bytes and flush them to the disk."""
    with open(path, "xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to the disk, so that a rename survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
