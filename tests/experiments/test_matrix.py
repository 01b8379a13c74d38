"""One sweep, many ways to make it: the same bytes. Workers are spawned and nothing else: see docs/decisions.md."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiments.fake import ROOT, folder_of, plan, results

COLD = [(1, 0, False), (4, 3, True)]
"""With an empty cache of kernels, which costs a compilation each."""


def digest_of(place: Path, workers: int, hash_seed: int, shuffled: bool, cold: bool = False) -> str:
    """Hash of all result files of 48 real runs, made by a driver with such settings."""
    folder = folder_of(place, plan(seeds=12, shard=16, set={"duration": "2s", "leveraged.accounts": 200}))
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    if cold:
        environment["NUMBA_CACHE_DIR"] = str(place / "cache")
    command = [sys.executable, "-m", "tests.experiments.fake", str(folder), "real", str(workers)]
    command.append(str(1 + hash_seed if shuffled else 0))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "48 made\n", done.stderr
    return hashlib.sha256(repr(results(folder)).encode()).hexdigest()


def ways(chosen: list[tuple[int, int, bool]], place: Path, cold: bool = False) -> set[str]:
    return {digest_of(place / f"{n}-{seed}-{mixed}-{cold}", n, seed, mixed, cold) for n, seed, mixed in chosen}


def test_workers_hash_seeds_and_order_change_no_byte(tmp_path: Path):
    assert len(ways([(1, 0, False), (2, 1, True)], tmp_path)) == 1


@pytest.mark.long
def test_the_whole_matrix(tmp_path: Path):
    warm = list(itertools.product((1, 2, 4), range(4), (False, True)))
    found = ways(warm, tmp_path) | ways(COLD, tmp_path, cold=True)
    print(f"{len(warm) + len(COLD)} ways, {len(found)} result: {sorted(found)}")
    assert len(found) == 1
