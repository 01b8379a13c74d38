"""The file of a saved state: arrays and one JSON text in an npz without pickle; version, kernel hash, checksum."""

import hashlib
import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import ForkError, ResultError
from sim.kernel_cache import kernel_hash
from sim.results.folder import sync_folder
from sim.stopping import raising

Array = npt.NDArray[Any]
MAGIC = "shoal saved state"
VERSION = 1
"""Version of the layout; raised when an older reader would misread it."""
RECORD, CHECKSUM = "record", "sha256"  # members of the file beside the arrays
DAMAGE = (
    KeyError, ValueError, OSError, EOFError, MemoryError, NotImplementedError, RecursionError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What reading a file that is none, or a damaged one, may raise."""
LEVEL = 1  # of zlib: most of a state is zeros
MOST_BYTES = 1 << 34  # unpacked; a market that fits a machine is far smaller


@raising()
def write_state(path: Path, record: Mapping[str, Any], arrays: Mapping[str, Array], force: bool = False) -> Path:
    """Write one file, whole or not at all.

    Parameters
    ----------
    path : Path
        Final place; its parent is made when missing.
    record : mapping
        Plain values.
    arrays : mapping of str to array
    force : bool
        Replace a file of that name.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    ResultError
        When the place is taken, or the disk refuses.
    """
    refuse_taken(path, force)
    head = {"magic": MAGIC, "version": VERSION, "kernel_sha256": kernel_hash()}
    text = json.dumps({**head, **record}, ensure_ascii=True).encode()  # unsorted: listings stand in their order
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        scratch = Path(name)
        with os.fdopen(handle, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
                _add(archive, CHECKSUM, _as_bytes(checksum(text, arrays).encode()))
                _add(archive, RECORD, _as_bytes(text))
                for member, array in arrays.items():
                    _add(archive, member, array)
            stream.flush()
            os.fsync(stream.fileno())
        scratch.chmod(0o644)
        os.replace(scratch, path)
        sync_folder(path.parent)
    except OSError as error:
        raise ResultError(
            f"{path}: cannot write the state ({error.strerror or error}); free some space or choose another place"
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
    return path


def refuse_taken(path: Path, force: bool) -> None:
    """Refuse a place that is taken, before a run is paid for."""
    if path.is_dir() or (path.exists() and not force):
        raise ResultError(f"{path}: exists already; choose another name, or --force to replace a file")


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Record and arrays of a file, after checksum, version and kernel hash were compared.

    Raises
    ------
    ForkError
        When the file is missing, foreign, damaged, or was written by another version or by other compiled code.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ForkError(f"{path}: cannot be read ({error.strerror}); give a file that --save wrote") from error
    try:
        members = _members(raw)
        text, told = members.pop(RECORD).tobytes(), members.pop(CHECKSUM).tobytes().decode()
        record = json.loads(text)
    except DAMAGE as error:
        raise ForkError(f"{path}: no saved state, or a damaged one; give a file that --save wrote") from error
    if not isinstance(record, dict) or record.get("magic") != MAGIC:
        raise ForkError(f"{path}: no saved state; give a file that --save wrote")
    if record.get("version") != VERSION:
        raise ForkError(f"{path}: layout version {record.get('version')!r}, this is {VERSION}; run to that time again")
    if told != checksum(text, members):
        raise ForkError(
            f"{path}: differs from its checksum; the file was altered or damaged, so run to that time again"
        )
    if record.get("kernel_sha256") != kernel_hash():
        raise ForkError(
            f"{path}: saved by other compiled code ({str(record.get('kernel_sha256'))[:12]}, this is "
            f"{kernel_hash()[:12]}), which may go on differently; run to that time again"
        )
    return record, members


def checksum(text: bytes, arrays: Mapping[str, Array]) -> str:
    """SHA-256 of the record and of name, type, shape and bytes of every array."""
    digest = hashlib.sha256(text)
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(json.dumps([name, repr(array.dtype.descr), list(array.shape)]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _as_bytes(data: bytes) -> Array:
    return np.frombuffer(data, np.uint8)


def _add(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _members(raw: bytes) -> dict[str, Array]:
    """Every array of the file; sizes are compared before anything is unpacked."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise ValueError("unpacks to more than a state can be")
    with np.load(io.BytesIO(raw), allow_pickle=False) as loaded:
        return {name: loaded[name] for name in loaded.files}
