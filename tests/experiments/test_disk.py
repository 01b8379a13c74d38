"""Disks that are full or fail at any one call, and a process that dies at any one call: nothing false stays behind."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.errors import ResultError
from sim.experiments import costs
from sim.experiments.cells import Cell, Outcome
from sim.experiments.merge import merge
from sim.experiments.plan import Plan
from sim.experiments.store import MANIFEST
from sim.experiments.sweep import begin, extend, run_sweep
from tests.experiments import fake
from tests.experiments.disk import DIES, FULL, REFUSES, TORN, Disk, let_go
from tests.experiments.fake import ROOT, folder_of, plan, results
from tests.experiments.inline import inline


def life(folder: Path, wanted: Plan) -> None:
    """What ``shoal sweep`` does with a folder, from nothing to the end."""
    begin(folder, wanted)
    run_sweep(folder, lanes=[inline()], work=fake.quick)


def every_call(tmp_path: Path, how: str, act: Callable[[Path], None], before: Path | None = None) -> int:
    """Let each call of what is done with a folder go wrong once, then do it again; returns how many calls there are."""
    whole = tmp_path / "whole"
    if before:
        shutil.copytree(before, whole)
    with Disk() as disk:
        act(whole)
    for at in range(1, len(disk.calls) + 1):
        folder, told = tmp_path / f"{at}", ""
        if before:
            shutil.copytree(before, folder)
        with Disk(at, how):
            try:
                act(folder)
            except ResultError as error:
                told = str(error)
        let_go(folder)
        call = f"{how}: call {at}, {disk.calls[at - 1]}"
        if how in (REFUSES, FULL) and disk.calls[at - 1] not in ("pwrite", "ftruncate"):  # of the heartbeat
            assert "cannot write (No space left on device); free some space, then " in told, (call, told)
            assert "\n" not in told
        act(folder)
        assert results(folder) == results(whole), call
        assert json.loads((folder / MANIFEST).read_bytes())["status"] == "complete", call
        assert not [f.name for f in folder.rglob(".*")], call
        took = [row["run_id"] for row in costs.read(folder)]
        assert len(took) == len(set(took)), call
        shutil.rmtree(folder)
    assert {"create", "write", "fsync", "replace", "pwrite", "ftruncate"} <= set(disk.calls)
    return len(disk.calls)


@pytest.mark.parametrize("how", [FULL, TORN])
def test_whatever_call_goes_wrong_the_sweep_ends_as_if_none_had(tmp_path: Path, how: str):
    wanted = plan(seeds=1)
    assert every_call(tmp_path, how, lambda folder: life(folder, wanted)) > 40


@pytest.mark.long
@pytest.mark.parametrize("how", [REFUSES, FULL, DIES, TORN])
def test_the_same_over_five_result_files(tmp_path: Path, how: str):
    wanted = plan(seeds=5)
    print(f"{how}: {every_call(tmp_path, how, lambda folder: life(folder, wanted))} calls")


@pytest.mark.long
@pytest.mark.parametrize("how", [REFUSES, DIES])
def test_failed_runs_are_made_again_whatever_call_goes_wrong(tmp_path: Path, how: str):
    before = folder_of(tmp_path / "before", plan(seeds=2))
    run_sweep(before, lanes=[inline()], work=fake.failing)

    def again(folder: Path) -> None:
        run_sweep(folder, lanes=[inline()], work=fake.quick, retry_failed=True)

    assert every_call(tmp_path, how, again, before) > 20


@pytest.mark.long
@pytest.mark.parametrize("how", [REFUSES, DIES])
def test_seeds_are_added_whatever_call_goes_wrong(tmp_path: Path, how: str):
    before = folder_of(tmp_path / "before", plan(seeds=1))
    run_sweep(before, lanes=[inline()], work=fake.quick)

    def more(folder: Path) -> None:
        extend(folder, lambda plan: plan.with_seeds([1, 2]))
        run_sweep(folder, lanes=[inline()], work=fake.quick)

    assert every_call(tmp_path, how, more, before) > 20


@pytest.mark.long
@pytest.mark.parametrize("how", [REFUSES, DIES])
def test_folders_are_merged_whatever_call_goes_wrong(tmp_path: Path, how: str):
    before, other = folder_of(tmp_path / "before", plan(seeds=1)), folder_of(tmp_path / "other", plan(seeds=2))
    for folder in (before, other):
        run_sweep(folder, lanes=[inline()], work=fake.quick)
    kept = {f: f.read_bytes() for f in other.rglob("*") if f.is_file()}

    def together(folder: Path) -> None:
        merge(folder, [other])
        lines = (folder / costs.COSTS).read_bytes().splitlines()
        assert len(set(lines)) == len(lines) == 8  # what both folders know is there once

    assert every_call(tmp_path, how, together, before) > 20
    assert {f: f.read_bytes() for f in other.rglob("*") if f.is_file()} == kept


def test_a_file_that_may_not_grow_is_cut_off_clean(tmp_path: Path):
    wanted = plan(seeds=2)
    whole = folder_of(tmp_path / "whole", wanted)
    run_sweep(whole, lanes=[inline()], work=fake.quick)
    before, refused = resource.getrlimit(resource.RLIMIT_FSIZE), 0
    for most_bytes in range(300, 16_000, 1_100):
        folder = folder_of(tmp_path / f"{most_bytes}", wanted)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
        try:
            run_sweep(folder, lanes=[inline()], work=fake.quick)
        except ResultError as error:
            assert "File too large" in str(error)
            refused += 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        run_sweep(folder, lanes=[inline()], work=fake.quick)
        assert results(folder) == results(whole)
    assert refused > 5


SMALL_DISK = """
import hashlib, os, subprocess, sys
from pathlib import Path
from sim.errors import ResultError
from tests.experiments import fake, test_disk
place, seeds = Path(sys.argv[1]), int(sys.argv[2])
def mounted(options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
mounted("size=64k")
told = []
for size_kb in (64, 128, 192, 100_000):
    mounted(f"remount,size={size_kb}k")
    try:
        test_disk.life(place / "sweep", fake.plan(seeds=seeds))
    except ResultError as error:
        told.append(str(error))
print(len(told), told[0] if told else "")
print(hashlib.sha256(repr(fake.results(place / "sweep")).encode()).hexdigest())
"""


def test_a_disk_of_64_kb_that_grows_ends_with_the_same_files(tmp_path: Path):
    import hashlib

    can = subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True, text=True)
    if can.returncode:
        pytest.skip(f"no file system can be mounted here: {can.stderr.strip()}")
    seeds, folder = 40, tmp_path / "whole"
    command = ["unshare", "-Urm", sys.executable, "-c", SMALL_DISK, str(tmp_path), str(seeds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    refusals, digest = done.stdout.splitlines()
    assert refusals.startswith("3 ") and "cannot write (No space left on device); free some space" in refusals
    life(folder, plan(seeds=seeds))
    assert digest == hashlib.sha256(repr(results(folder)).encode()).hexdigest()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("name", ["journal.jsonl", "costs.jsonl"])
def test_a_device_that_is_always_full_stops_the_sweep_with_a_sentence(tmp_path: Path, name: str):
    folder, wanted = tmp_path / "sweep", plan(seeds=1)
    begin(folder, wanted)

    def filling(cell: Cell) -> Outcome:  # not earlier: to read the device would never end
        if not (folder / name).is_symlink():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to("/dev/full")
        return fake.quick(cell)

    with pytest.raises(ResultError, match=r"cannot write \(No space left on device\); free some space"):
        run_sweep(folder, lanes=[inline()], work=filling)
    os.unlink(folder / name)
    life(folder, wanted)
    life(tmp_path / "whole", wanted)
    assert results(folder) == results(tmp_path / "whole")
