"""What a sweep survives: killed drivers and workers, signals, two drivers, a full disk, altered files."""

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.errors import ResultError
from sim.experiments import lock, store
from sim.experiments.cells import FAILED
from sim.experiments.store import JOURNAL, PLAN, RUNS, SERIES
from sim.experiments.sweep import RETRIES, run_sweep
from sim.experiments.tables import keys
from tests.experiments import fake
from tests.experiments.fake import ROOT, folder_of, plan, results
from tests.experiments.inline import inline

DRIVER = [sys.executable, "-m", "tests.experiments.fake"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Results of the sweep of this file when nothing goes wrong."""
    folder = folder_of(tmp_path_factory.mktemp("undisturbed") / "sweep", plan())
    run_sweep(folder, lanes=[inline()], work=fake.quick)
    found = results(folder)
    assert len(found) == 1 + 2 * 5
    return found


def started(folder: Path, work: str, workers: int = 2) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DRIVER, str(folder), work, str(workers)],
        cwd=ROOT,
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
    end = time.monotonic() + within_s
    while members(group) and time.monotonic() < end:
        time.sleep(0.05)
    return not members(group)


def killed_and_resumed(folder: Path, kills: int, draw: random.Random) -> int:
    """Kill the driver at some random moment of each start; then let it finish. Returns runs made in all."""
    for _ in range(kills):
        driver = started(folder, "slow")
        first_rows(folder, driver)
        time.sleep(draw.random() * 0.5)
        driver.kill()
        driver.communicate()
        assert gone(driver.pid)
    return run_sweep(folder, lanes=[inline()], work=fake.quick).made


def test_a_killed_driver_loses_nothing_and_doubles_nothing(tmp_path: Path, undisturbed: dict[str, bytes]):
    folder = folder_of(tmp_path / "sweep", plan())
    killed_and_resumed(folder, 5, random.Random(1))
    assert results(folder) == undisturbed


@pytest.mark.long
def test_fifty_kills(tmp_path: Path, undisturbed: dict[str, bytes]):
    draw = random.Random(2)
    for k in range(10):
        folder = folder_of(tmp_path / f"sweep {k}", plan())
        killed_and_resumed(folder, 5, draw)
        assert results(folder) == undisturbed


def test_a_worker_that_dies_once_costs_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHOAL_TEST_MARK", str(tmp_path))
    folder = folder_of(tmp_path / "sweep", plan())
    tally = run_sweep(folder, 2, work=fake.fatal_once)
    assert (tally.done, tally.failed, tally.repeated) == (20, 0, 4)
    assert results(folder) == undisturbed


def test_a_run_that_kills_its_worker_becomes_a_row(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan(seeds=3))
    tally = run_sweep(folder, 2, work=fake.fatal)
    assert (tally.done, tally.failed, tally.repeated) == (12, 4, 4 * (RETRIES + 1))
    rows = [row for path in store.sealed(folder, RUNS).values() for row in keys(path)]
    assert sorted(key[1] for key, status in rows if status == FAILED) == [2, 2, 2, 2]
    (failed, *_) = [row for row in table(folder) if row["status"] == FAILED]
    assert "signal SIGKILL" in failed["error"] and failed["drop_from_start"] is None


def table(folder: Path) -> list[dict[str, object]]:
    import pyarrow.parquet as pq

    return [row for path in store.sealed(folder, RUNS).values() for row in pq.read_table(path).to_pylist()]


def test_where_every_worker_dies_the_sweep_says_so(tmp_path: Path):
    folder = folder_of(tmp_path / "sweep", plan())
    with pytest.raises(ResultError, match="every worker dies"):
        run_sweep(folder, 1, work=fake.always_fatal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_stops_within_seconds_and_can_be_resumed(
    tmp_path: Path, undisturbed: dict[str, bytes], number: int
):
    slowness = how_slow()
    folder = folder_of(tmp_path / "sweep", plan())
    driver = started(folder, "slow")
    first_rows(folder, driver)
    begin = time.monotonic()
    os.killpg(driver.pid, number)
    _, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, err
    assert time.monotonic() - begin < 5.0 * slowness and gone(driver.pid) and "Traceback" not in err
    run_sweep(folder, lanes=[inline()], work=fake.quick)
    assert results(folder) == undisturbed


def test_a_second_signal_does_not_wait_for_runs(tmp_path: Path):
    slowness = how_slow()
    folder = folder_of(tmp_path / "sweep", plan())
    driver = started(folder, "endless")
    first_rows(folder, driver, rows=8)
    os.kill(driver.pid, signal.SIGINT)
    time.sleep(0.3)
    begin = time.monotonic()
    os.kill(driver.pid, signal.SIGINT)
    driver.communicate(timeout=60)
    assert driver.returncode == 130 and time.monotonic() - begin < 1.5 * slowness and gone(driver.pid)


def test_a_second_driver_is_refused_by_name(tmp_path: Path, undisturbed: dict[str, bytes]):
    folder = folder_of(tmp_path / "sweep", plan())
    driver = started(folder, "slow")
    first_rows(folder, driver)
    with pytest.raises(ResultError, match=f"another sweep is at work here .process {driver.pid} on "):
        run_sweep(folder, lanes=[inline()], work=fake.quick)
    driver.communicate(timeout=120)
    assert driver.returncode == 0 and results(folder) == undisturbed


@pytest.mark.long
def test_a_hundred_pairs_of_drivers(tmp_path: Path, undisturbed: dict[str, bytes]):
    for k in range(100):
        folder = folder_of(tmp_path / f"sweep {k}", plan())
        drivers = [started(folder, "quick", 1) for _ in range(2)]
        codes = []
        for driver in drivers:
            driver.communicate(timeout=120)
            codes.append(driver.returncode)
        assert sorted(codes) in ([0, 0], [0, 1]) and results(folder) == undisturbed


def test_a_driver_on_another_machine_is_heard_by_its_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = folder_of(tmp_path / "sweep", plan())
    (folder / lock.LOCK).write_text('{"host": "elsewhere", "pid": 7, "since": "now", "beat": 1}')
    monkeypatch.setattr(lock, "_SILENT_S", 0.3)
    monkeypatch.setattr(lock, "BEAT_S", 0.1)
    with lock.locked(folder):  # silent: gone
        pass
    beats = iter(range(100))
    monkeypatch.setattr(lock, "_holder", lambda _h: {"host": "elsewhere", "pid": 7, "beat": next(beats)})
    with pytest.raises(ResultError, match="process 7 on elsewhere"), lock.locked(folder):
        pass


def test_a_disk_that_refuses_any_write_leaves_nothing_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fsync, calls = os.fsync, [0]
    limit = 0

    def refusing(handle: int) -> None:
        calls[0] += 1
        if calls[0] == limit:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    wanted = plan(seeds=2)
    whole = folder_of(tmp_path / "whole", wanted)
    monkeypatch.setattr(os, "fsync", refusing)
    run_sweep(whole, lanes=[inline()], work=fake.quick)
    total = calls[0]
    assert total > 20
    for limit in range(1, total + 1):
        folder = folder_of(tmp_path / f"{limit}", wanted)
        calls[0] = 0
        with pytest.raises(ResultError, match="No space left on device.*free some space"):
            run_sweep(folder, lanes=[inline()], work=fake.quick)
        run_sweep(folder, lanes=[inline()], work=fake.quick)
        assert results(folder) == results(whole)


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


def flipped(folder: Path, draw: random.Random) -> str:
    """Do one kind of damage to one file of a folder."""
    files = [*(folder / RUNS).iterdir(), *(folder / SERIES).iterdir(), folder / PLAN, folder / JOURNAL]
    victim = draw.choice([f for f in files if f.stat().st_size])
    data = bytearray(victim.read_bytes())
    kind = draw.choice(("bit", "bit", "bit", "cut", "zeros", "swap"))
    at = draw.randrange(len(data))
    if kind == "bit":
        data[at] ^= 1 << draw.randrange(8)
    elif kind == "cut":
        data = data[:at]
    elif kind == "zeros":
        data[at : at + 64] = b"\xff" * len(data[at : at + 64])
    else:
        other = draw.choice([f for f in files if f != victim and f.stat().st_size])
        data = bytearray(other.read_bytes())
    victim.write_bytes(bytes(data))
    return f"{kind} at {at} of {victim.name}"


def damages(tmp_path: Path, undisturbed: dict[str, bytes], n: int, draw: random.Random) -> None:
    wanted = plan()
    folder = folder_of(tmp_path / "sweep", wanted)
    run_sweep(folder, lanes=[inline(stop_after=18)], work=fake.quick)  # two result files wait in the journal
    kept = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    for _ in range(n):
        for f in [f for f in folder.rglob("*") if f.is_file() and f not in kept]:
            f.unlink()
        for f, data in kept.items():
            f.write_bytes(data)
        what = flipped(folder, draw)
        try:
            tally = run_sweep(folder, lanes=[inline()], work=fake.quick)
            # A journal cut between two lines is shorter, not false: what it lost is made again.
            assert tally.damaged or tally.made > 2 or (what.startswith("cut") and what.endswith(JOURNAL)), what
        except ResultError as error:
            assert PLAN in str(error), what
            store.save_plan(folder, wanted)
            run_sweep(folder, lanes=[inline()], work=fake.quick)
        assert results(folder) == undisturbed, what


def test_every_damage_is_seen_and_mended(tmp_path: Path, undisturbed: dict[str, bytes]):
    damages(tmp_path, undisturbed, 100, random.Random(3))


@pytest.mark.long
def test_a_thousand_damages(tmp_path: Path, undisturbed: dict[str, bytes]):
    damages(tmp_path, undisturbed, 1000, random.Random(4))
