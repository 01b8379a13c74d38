"""Ctrl-C and SIGTERM: a stop within seconds, exit code 130, nobody left behind, and a sweep that can go on."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from sim.experiments.store import PLAN, read_plan
from sim.experiments.sweep import run_sweep
from tests.experiments import fake
from tests.experiments.drivers import first_rows, gone, how_slow, started
from tests.experiments.fake import ROOT, folder_of, plan, results
from tests.experiments.inline import inline

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])


@BOTH
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


@BOTH
@pytest.mark.parametrize("times", [1, 2])
def test_runs_without_end_are_given_three_seconds_and_none_after_a_second_signal(
    tmp_path: Path, number: int, times: int
):
    slowness = how_slow()
    folder = folder_of(tmp_path / "sweep", plan())
    driver = started(folder, "endless")
    first_rows(folder, driver, rows=8)
    begin = time.monotonic()
    os.kill(driver.pid, number)
    if times == 2:
        time.sleep(0.3)
        begin = time.monotonic()
        os.kill(driver.pid, number)
    _, err = driver.communicate(timeout=60)
    took_s = time.monotonic() - begin
    print(f"{signal.Signals(number).name} x {times}: {took_s:.2f} s, slowness {slowness:.1f}")
    assert driver.returncode == 130 and gone(driver.pid) and "Traceback" not in err
    assert took_s < (5.0 if times == 1 else 1.0) * slowness


DESIGN = """
name: small
scenario: calm_btc
set: {duration: 20s, leveraged.accounts: 200}
parameters:
  market.depth_scale_visible: [1.0, 0.5]
seeds: 12
shard: 8
"""


def listens(pid: int) -> bool:
    """Whether a process handles SIGTERM, which Python by itself does not: the first line of shoal has run."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    ("number", "moments"),
    [
        (signal.SIGINT, 4),
        pytest.param(signal.SIGINT, 20, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, 20, marks=pytest.mark.long),
    ],
)
def test_a_start_is_stopped_wherever_it_is(tmp_path: Path, number: int, moments: int):
    """From the first line on, through the imports, the plan and the start of workers, in the first three seconds."""
    design = tmp_path / "small.yaml"
    design.write_text(DESIGN.replace("seeds: 12", "seeds: 500"))
    command = [sys.executable, "-m", "sim", "sweep", str(design), "--workers", "2", "--out", str(tmp_path / "out")]
    slowness, took_s = how_slow(), []
    for k in range(moments):
        driver = subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True, start_new_session=True)
        begin = time.monotonic()
        while not listens(driver.pid):
            time.sleep(0.001)
        time.sleep(max(0.0, 3.0 * k / (moments - 1) - (time.monotonic() - begin)))
        begin = time.monotonic()
        os.killpg(driver.pid, number)
        _, err = driver.communicate(timeout=60)
        took_s.append(time.monotonic() - begin)
        assert driver.returncode == 130 and "Traceback" not in err and "Interrupted" in err, (k, err)
        assert gone(driver.pid), k
    print(f"{signal.Signals(number).name}: {moments} stops, the longest {max(took_s):.2f} s, slowness {slowness:.1f}")
    assert max(took_s) < 5.0 * slowness


def test_the_first_worker_too_is_deaf_to_ctrl_c():
    """Python's resource tracker, which starts with it, lets SIGINT through again."""
    code = "from sim.experiments.workers import Worker; import os; w = Worker()\n"
    code += "pid = w.executor.submit(os.getpid).result(); print(open(f'/proc/{pid}/status').read()); w.kill()"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (blocked,) = [line.split()[1] for line in told.splitlines() if line.startswith("SigBlk")]
    assert int(blocked, 16) >> (signal.SIGINT - 1) & 1


def test_a_library_does_not_handle_signals_of_its_user():
    code = "import signal; before = signal.getsignal(2), signal.getsignal(15); import sim, sim.experiments.sweep\n"
    code += "assert (signal.getsignal(2), signal.getsignal(15)) == before"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@BOTH
def test_a_signal_while_python_takes_itself_down_leaves_the_exit_code(number: int):
    code = "import os, sys\nfrom sim import stopping\n"
    code += f"class Last:\n    def __del__(self, kill=os.kill, me=os.getpid()):\n        kill(me, {int(number)})\n"
    code += "last = Last()\nstopping.leave_when_told()\nsys.exit(3)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 3


@pytest.mark.long
def test_signals_at_any_moment_of_the_command(tmp_path: Path):
    design = tmp_path / "small.yaml"
    design.write_text(DESIGN)
    command = [sys.executable, "-m", "sim", "sweep", str(design), "--workers", "2", "--out"]

    def command_to(out: Path) -> subprocess.Popen[str]:
        return subprocess.Popen([*command, str(out)], cwd=ROOT, stdout=-1, stderr=-1, text=True, start_new_session=True)

    begin = time.monotonic()
    first = command_to(tmp_path / "whole")
    first.communicate()
    assert first.returncode == 0
    life_s = time.monotonic() - begin
    (whole,) = (tmp_path / "whole").iterdir()
    draw, codes, longest_s = random.Random(6), Counter[int](), 0.0
    for k in range(10):
        out = tmp_path / f"{k}"
        driver = command_to(out)
        time.sleep(draw.uniform(0.0, life_s))
        begin = time.monotonic()
        os.killpg(driver.pid, draw.choice((signal.SIGINT, signal.SIGTERM)))
        _, err = driver.communicate(timeout=60)
        longest_s = max(longest_s, time.monotonic() - begin)
        codes[driver.returncode] += 1
        assert gone(driver.pid), k
        if driver.returncode == 0:
            continue
        begun = [f for f in out.glob("*") if (f / PLAN).exists()]
        if driver.returncode == 130 and begun:
            assert "Traceback" not in err, err
        for folder in begun:
            read_plan(folder)
        last = command_to(out)
        last.communicate()
        assert last.returncode == 0
        (folder,) = out.iterdir()
        assert results(folder) == results(whole)
    print(f"exit codes {dict(codes)}, longest stop {longest_s:.2f} s")
    assert set(codes) <= {0, 130, -signal.SIGTERM} and longest_s < 5.0 * how_slow()
