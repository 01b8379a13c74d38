"""Drivers in processes of their own, to be killed, stopped and set against each other."""

import os
import subprocess
import sys
import time
from pathlib import Path

from sim.experiments.store import JOURNAL, RUNS
from tests.experiments.fake import ROOT

DRIVER = [sys.executable, "-m", "tests.experiments.fake"]


def started(folder: Path, work: str, workers: int = 2, **environment: str) -> subprocess.Popen[str]:
    """A driver at the head of a process group of its own."""
    return subprocess.Popen(
        [*DRIVER, str(folder), work, str(workers)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def first_rows(folder: Path, driver: subprocess.Popen[str], rows: int = 1) -> None:
    """Wait until some runs are in the journal or sealed."""
    end = time.monotonic() + 120
    while time.monotonic() < end and driver.poll() is None:
        try:
            lines = (folder / JOURNAL).read_bytes().count(b"\n")
        except FileNotFoundError:
            lines = 0
        if lines + 4 * len(list((folder / RUNS).glob("0*.parquet"))) >= rows:
            return
        time.sleep(0.01)
    raise AssertionError(f"no run was finished: {driver.poll()} {driver.stderr.read() if driver.stderr else ''}")


def how_slow() -> float:
    """How much slower than when idle this machine is: 1 when it has a processor to spare."""
    begin, cpu = time.monotonic(), os.times()
    subprocess.run([sys.executable, "-c", "import sim.experiments.sweep"], cwd=ROOT, check=True)
    after = os.times()
    used = after.children_user + after.children_system - cpu.children_user - cpu.children_system
    return max(1.0, (time.monotonic() - begin) / used)


def members(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = entry.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state != "Z":
            found.append(int(entry.parent.name))
    return found


def gone(group: int, within_s: float = 10.0) -> bool:
    """Whether a process group is empty before long."""
    end = time.monotonic() + within_s
    while members(group) and time.monotonic() < end:
        time.sleep(0.05)
    return not members(group)
