"""Two drivers on one folder: one of them works, by a lock of the system and by a heartbeat on another machine."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sim.errors import ResultError
from sim.experiments import lock
from sim.experiments.store import JOURNAL, MANIFEST
from sim.experiments.sweep import begin, extend, run_sweep
from tests.experiments import fake
from tests.experiments.drivers import first_rows, started
from tests.experiments.fake import ROOT, folder_of, plan, results
from tests.experiments.inline import inline


def test_a_second_driver_is_refused_by_name(tmp_path: Path, undisturbed: dict[str, bytes]):
    folder = folder_of(tmp_path / "sweep", plan())
    driver = started(folder, "slow")
    first_rows(folder, driver)
    with pytest.raises(ResultError, match=f"another sweep is at work here .process {driver.pid} on "):
        run_sweep(folder, lanes=[inline()], work=fake.quick)
    with pytest.raises(ResultError, match="another sweep is at work"):
        extend(folder, lambda plan: plan.with_seeds([9]))
    begin(folder, plan())  # the plan is there: nothing to do
    driver.communicate(timeout=120)
    assert driver.returncode == 0 and results(folder) == undisturbed


# One of a pair: for each line of its input, the life of a sweep in that folder, after a wait.
ONE_OF_A_PAIR = """
import sys, time
from pathlib import Path
from sim.errors import ResultError
from sim.experiments.sweep import begin, run_sweep
from tests.experiments import fake
from tests.experiments.inline import inline
wanted = fake.plan()
print("ready", flush=True)
for line in sys.stdin:
    wait_s, _, folder = line.rstrip("\\n").partition(" ")
    time.sleep(float(wait_s))
    try:
        begin(Path(folder), wanted)
        print("made", run_sweep(Path(folder), lanes=[inline()], work=fake.quick).made, flush=True)
    except ResultError as error:
        print("refused" if "another sweep is at work here (process" in str(error) else error, flush=True)
"""


def pairs(place: Path, n: int, undisturbed: dict[str, bytes], draw: random.Random) -> Counter[str]:
    """Set two drivers at one new folder, ``n`` times, at about the same moment; what became of the pairs."""
    both = [
        subprocess.Popen([sys.executable, "-c", ONE_OF_A_PAIR], cwd=ROOT, stdin=-1, stdout=-1, text=True, bufsize=1)
        for _ in range(2)
    ]
    found = Counter[str]()
    try:
        assert [driver.stdout.readline() for driver in both if driver.stdout] == ["ready\n"] * 2
        for k in range(n):
            folder = place / f"sweep {k}"
            late = draw.choice(both)
            for driver in both:
                driver.stdin.write(f"{draw.uniform(0.0, 0.05) if driver is late else 0.0} {folder}\n")  # type: ignore[union-attr]
            ends = sorted(driver.stdout.readline().strip() for driver in both if driver.stdout)
            found[" and ".join(ends)] += 1
            assert ends in (["made 20", "refused"], ["made 0", "made 20"]), ends
            assert results(folder) == undisturbed
            assert not (folder / JOURNAL).read_bytes() and not list(folder.rglob(".*"))
            sessions = json.loads((folder / MANIFEST).read_bytes())["sessions"]
            assert sum(session["runs"] for session in sessions) == 20
    finally:
        for driver in both:
            driver.communicate()
    return found


def test_of_two_drivers_one_makes_all(tmp_path: Path, undisturbed: dict[str, bytes]):
    pairs(tmp_path, 10, undisturbed, random.Random(7))


@pytest.mark.long
def test_a_hundred_pairs_of_drivers(tmp_path: Path, undisturbed: dict[str, bytes]):
    found = pairs(tmp_path, 100, undisturbed, random.Random(8))
    print(dict(found))
    assert found["made 20 and refused"] > 10


def test_two_drivers_with_workers_of_their_own(tmp_path: Path, undisturbed: dict[str, bytes]):
    folder = folder_of(tmp_path / "sweep", plan())
    drivers = [started(folder, "quick", 1) for _ in range(2)]
    for driver in drivers:
        driver.communicate(timeout=120)
    assert sorted(driver.returncode for driver in drivers) in ([0, 0], [0, 1]) and results(folder) == undisturbed


def test_the_lock_of_a_dead_driver_on_this_machine_holds_nobody_up(tmp_path: Path, undisturbed: dict[str, bytes]):
    folder = folder_of(tmp_path / "sweep", plan())
    driver = started(folder, "slow")
    first_rows(folder, driver)
    driver.kill()
    driver.communicate()
    assert json.loads((folder / lock.LOCK).read_bytes())["pid"] == driver.pid
    run_sweep(folder, lanes=[inline()], work=fake.quick)
    assert results(folder) == undisturbed and json.loads((folder / lock.LOCK).read_bytes()) == {}


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
