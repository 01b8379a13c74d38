"""The folder of a sweep. Only the driver writes here, and nothing half-written is ever taken for a result.

``plan.json`` (what is run, with its checksum), ``runs/`` and ``series/`` (result files, each named by the hash of its
content), ``journal.jsonl`` (finished runs whose result file is not complete yet, each line with its checksum),
``costs.jsonl`` (costs.py), ``manifest.json`` (with its checksum).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sim.errors import ResultError
from sim.experiments import costs, spool, tables
from sim.experiments.cells import FAILED, Outcome
from sim.experiments.plan import Plan
from sim.experiments.spool import line, parsed
from sim.results.folder import sync_folder, write_file
from sim.results.manifest import text_hash
from sim.results.storage import json_bytes

PLAN, JOURNAL, MANIFEST = "plan.json", "journal.jsonl", "manifest.json"
RUNS, SERIES, DAMAGED = "runs", "series", "damaged"
Key = tuple[str, int]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, rename it into place."""
    scratch = path.with_name(f".{path.name}.partial")
    scratch.unlink(missing_ok=True)
    try:
        write_file(scratch, data)
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def save_plan(folder: Path, plan: Plan) -> None:
    """Write the plan; nothing is run before it is on the disk."""
    data = plan.plain()
    (folder / RUNS).mkdir(parents=True, exist_ok=True)
    (folder / SERIES).mkdir(exist_ok=True)
    text = json.dumps({"sha256": text_hash(data), "plan": data}, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / PLAN, text.encode() + b"\n")


def read_plan(folder: Path) -> Plan:
    """Read the plan of a sweep folder.

    Raises
    ------
    ResultError
        When there is none, or it differs from its checksum.
    """
    try:
        found = json.loads((folder / PLAN).read_bytes())
        data = found["plan"]
        if found["sha256"] != text_hash(data):
            raise ValueError("it differs from its checksum")
        return Plan.read(data)
    except OSError as error:
        raise ResultError(f"{folder}: no sweep is here ({PLAN}: {error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        cure = "start the sweep again from its design file: what is finished is kept"
        raise ResultError(f"{folder / PLAN}: damaged ({error}); {cure}") from error


def write_manifest_file(path: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest with its checksum."""
    write_whole(path, json_bytes({**manifest, "sha256": text_hash(manifest)}))


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Manifest of a sweep; None when it differs from its checksum."""
    try:
        found = json.loads(path.read_bytes())
        said = found.pop("sha256")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return found if said == text_hash(found) else None


def shard_name(k: int, data: bytes) -> str:
    """File name of result file ``k``: its number and the hash of its content."""
    return f"{k:06d}-{hashlib.sha256(data).hexdigest()[:20]}.parquet"


def sealed(folder: Path, kind: str) -> dict[int, Path]:
    """Number to path of the result files that are there."""
    return {int(p.name.partition("-")[0]): p for p in sorted((folder / kind).glob("[0-9]*-*.parquet"))}


def is_whole(path: Path) -> bool:
    """Whether a result file is what its name says."""
    try:
        return path.name == shard_name(int(path.name.partition("-")[0]), path.read_bytes())
    except (OSError, ValueError):
        return False


class Store:
    """Results of a sweep on disk, as the one driver sees them.

    Parameters
    ----------
    folder : Path
        With a plan in it; the lock is held.
    plan : Plan
        What is run.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self.found_damaged: list[str] = []
        self.failed = 0
        self._shards = dict(enumerate(plan.shards()))
        self._home = {key: k for k, keys in self._shards.items() for key in keys}
        self._done: set[Key] = set()
        self._waiting: dict[Key, Outcome] = {}
        for stray in [*folder.glob(".*.partial"), *(folder / RUNS).glob(".*"), *(folder / SERIES).glob(".*")]:
            stray.unlink()
        self._read_shards()
        self._read_journal()
        self._check_costs()
        self._check_manifest()
        self.adopt()
        for k in sorted({self._home[key] for key in self._waiting}):
            self._seal_if_complete(k)

    @property
    def done(self) -> int:
        """Runs that need not be made again."""
        return len(self._done)

    def left(self, part: tuple[int, int] = (1, 1)) -> Iterator[Key]:
        """Runs that are not done, in order; of ``part`` (k, n) only those in every n-th result file, from the k-th."""
        mine, n = part
        for k, keys in self._shards.items():
            if k % n == mine - 1:
                yield from (key for key in keys if key not in self._done)

    def add(self, outcome: Outcome) -> None:
        """Keep a finished run: on the disk when this returns; its result file is written once it is complete."""
        key = (outcome.point, outcome.seed)
        if key in self._done:
            return
        self._append(outcome)
        self._take(outcome)
        if outcome.cost:
            costs.note(self.folder, outcome.row["run_id"], outcome.cost)
        self._seal_if_complete(self._home[key])

    def adopt(self) -> None:
        """Take over the runs that workers finished and their driver could not keep."""
        for path in spool.left_behind(self.folder):
            outcome = parsed(path.read_bytes())
            if outcome is None:
                self._set_aside(path)
                continue
            if (outcome.point, outcome.seed) in self._home:
                self.add(outcome)
            path.unlink()
        spool.clear(self.folder)

    def forget_failed(self) -> int:
        """Drop the rows of failed runs, so that they are made again; returns how many."""
        dropped = 0
        for k, path in sealed(self.folder, RUNS).items():
            outcomes = tables.outcomes(path, sealed(self.folder, SERIES).get(k), self.plan)
            if not any(o.row["status"] == FAILED for o in outcomes):
                continue
            self._waiting |= {(o.point, o.seed): o for o in outcomes}
            self._write_journal()  # first on the disk, then out of the result file
            for kind in (RUNS, SERIES):
                if kept := sealed(self.folder, kind).get(k):
                    kept.unlink()
        for key, outcome in list(self._waiting.items()):
            if outcome.row["status"] == FAILED:
                del self._waiting[key]
                self._done.discard(key)
                dropped += 1
        self._write_journal()
        self.failed = 0
        return dropped

    def _take(self, outcome: Outcome) -> None:
        key = (outcome.point, outcome.seed)
        self._done.add(key)
        self._waiting[key] = outcome
        self.failed += outcome.row["status"] == FAILED

    def _read_shards(self) -> None:
        for kind in (RUNS, SERIES):
            for path in sealed(self.folder, kind).values():
                if not is_whole(path):
                    self._set_aside(path)
        series = sealed(self.folder, SERIES)
        for k, path in sealed(self.folder, RUNS).items():
            rows = tables.keys(path)
            if [key for key, _ in rows] != self._shards.get(k) or not self._made_by_this_code(path):
                self._set_aside(path)
                continue
            if self.plan.columns and not self._paths_of(series.get(k), [key for key, s in rows if s != FAILED]):
                self._set_aside(path)
                continue
            self._done.update(key for key, _ in rows)
            self.failed += sum(status == FAILED for _, status in rows)

    def _made_by_this_code(self, path: Path) -> bool:
        """A whole file may still be another sweep's."""
        return tables.made_by(path) == self.plan.kernel_sha256

    def _paths_of(self, path: Path | None, keys: list[Key]) -> bool:
        """Whether a file holds the paths of these runs; one that is there and does not is set aside."""
        if path is None:
            return False
        if tables.path_keys(path) == keys and self._made_by_this_code(path):
            return True
        self._set_aside(path)
        return False

    def _check_costs(self) -> None:
        good, bad = costs.lines_of(self.folder)
        if bad:
            self._keep_damaged(costs.COSTS, bad)
            write_whole(self.folder / costs.COSTS, good)
            n = bad.count(b"\n")
            self.found_damaged.append(f"{costs.COSTS}: {n} line{'s' if n > 1 else ''}")

    def _check_manifest(self) -> None:
        """Sessions of a manifest that was altered are not carried on."""
        path = self.folder / MANIFEST
        if path.exists() and read_manifest(path) is None:
            self._set_aside(path)

    def _set_aside(self, path: Path) -> None:
        (self.folder / DAMAGED).mkdir(exist_ok=True)
        os.replace(path, self.folder / DAMAGED / path.name)
        self.found_damaged.append(path.relative_to(self.folder).as_posix())

    def _keep_damaged(self, name: str, lines: bytes) -> None:
        (self.folder / DAMAGED).mkdir(exist_ok=True)
        with open(self.folder / DAMAGED / name, "ab") as stream:
            stream.write(lines)

    def _read_journal(self) -> None:
        try:
            data = (self.folder / JOURNAL).read_bytes()
        except FileNotFoundError:
            return
        bad = 0
        for text in filter(None, data.split(b"\n")):
            outcome = parsed(text)
            if outcome is None:
                bad += 1
            elif (key := (outcome.point, outcome.seed)) in self._home and key not in self._done:
                self._take(outcome)
        if bad:
            self.found_damaged.append(f"{JOURNAL}: {bad} line{'s' if bad > 1 else ''}")
        if bad or not data.endswith(b"\n"):
            self._write_journal()

    def _append(self, outcome: Outcome) -> None:
        path = self.folder / JOURNAL
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            try:
                _write_all(handle, line(outcome))
                os.fsync(handle)
            except BaseException:
                with suppress(OSError):  # a torn line is seen, and dropped, by the next start
                    os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)

    def _seal_if_complete(self, k: int) -> None:
        keys = self._shards[k]
        if not all(key in self._waiting for key in keys):
            return
        outcomes = [self._waiting[key] for key in keys]
        if self.plan.columns:  # before the rows: a result file of rows means that its paths are there
            self._write_shard(SERIES, k, tables.series_bytes(outcomes, self.plan))
        self._write_shard(RUNS, k, tables.runs_bytes(outcomes, self.plan))
        for key in keys:
            del self._waiting[key]
        self._write_journal()

    def _write_shard(self, kind: str, k: int, data: bytes) -> None:
        write_whole(self.folder / kind / shard_name(k, data), data)

    def _write_journal(self) -> None:
        write_whole(self.folder / JOURNAL, b"".join(line(o) for o in self._waiting.values()))


def unsealed(folder: Path) -> list[Outcome]:
    """Finished runs whose result file is not complete yet, for readers.

    Raises
    ------
    ResultError
        When a line differs from its checksum.
    """
    try:
        lines = (folder / JOURNAL).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    *complete, last = lines  # a driver may be writing the last one at this moment
    outcomes = [parsed(text) for text in filter(None, complete)]
    if None in outcomes:
        raise ResultError(f"{folder / JOURNAL}: a line differs from its checksum; `shoal resume {folder}` repairs it")
    return [o for o in [*outcomes, parsed(last)] if o is not None]


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def whole(paths: Iterable[Path]) -> list[Path]:
    """Sort the paths of result files, after each was compared with the hash in its name.

    Raises
    ------
    ResultError
        Naming the first that was altered.
    """
    checked = sorted(paths)
    for path in checked:
        if not is_whole(path):
            folder = path.parent.parent
            cure = f"`shoal resume {folder}` makes it again"
            raise ResultError(f"{path}: altered or damaged (its content is not what its name says); {cure}")
    return checked
