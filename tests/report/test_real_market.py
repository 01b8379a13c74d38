"""The market itself through the run command: hashes that repeat, and Ctrl-C in the middle of a run."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sim import runner
from sim.cli.run import rerun
from sim.results import load_run


@pytest.fixture(scope="module")
def short():
    return runner.load("calm_btc", duration="2min")


def test_seeds_repeat_alone_in_any_order_and_under_audit(short):
    seen = []
    pair = short.ensemble([2, 1], progress=seen.append)
    assert short.run(1).hashes == pair.runs[1].hashes
    assert short.run(2, audit=True).hashes == pair.runs[0].hashes != pair.runs[1].hashes
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_a_run_has_its_seconds_its_bands_and_its_cost(short):
    run = short.run(1)
    assert run.series["elapsed_s"].tolist() == [float(s) for s in range(121)]
    assert np.diff(run.bands["elapsed_s"]).tolist() == [10.0] * (len(run.bands) - 1)
    assert run.series["mark_usd"].iloc[0] == pytest.approx(run.spec.market.price, rel=1e-3)
    assert run.series["open_interest_btc"].iloc[0] == pytest.approx(run.spec.market.open_interest, rel=1e-2)
    assert run.timing.cpu_s > 0.0 and run.summary["messages"] == run.series["n_messages"].iloc[1:].sum()


def test_a_saved_run_of_the_market_reruns_to_the_same_hashes(short, tmp_path, capsys):
    place = short.run(3).save(tmp_path / "made", report=False)
    rerun(place)
    assert "same: all 5 hashes" in capsys.readouterr().out
    assert load_run(place).hashes == short.run(3).hashes


def test_a_zero_shock_is_no_shock(short):
    none = {"kind": "flow", "at": "30s", "over": "20s", "side": "sell", "notional": "$0"}
    still = runner.load("calm_btc", set={"shocks": [none]}, duration="2min").run(1)
    hashes = short.run(1).hashes
    assert {k: still.hashes[k] for k in ("series", "bands", "accounts")} == {
        k: hashes[k] for k in ("series", "bands", "accounts")
    }


def test_ctrl_c_in_mid_run_ends_with_130_and_no_folder(tmp_path):
    command = [sys.executable, "-m", "sim", "run", "calm_btc", "--set", "duration=2000h", "--set", "record_every=60s"]
    screen, terminal = pty.openpty()
    child = subprocess.Popen(
        [*command, "--seed", "1", "--out", str(tmp_path / "out")],
        stderr=terminal,
        stdout=terminal,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )
    os.close(terminal)
    shown, begin = b"", time.monotonic()
    while b"calm_btc, seed 1" not in shown and time.monotonic() - begin < 120.0:
        shown += os.read(screen, 1000)
    child.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    while time.monotonic() - pressed < 60.0:  # drain the screen, so that the child can write its last words
        try:
            if select.select([screen], [], [], 1.0)[0] and not os.read(screen, 1000):
                break
        except OSError:
            break
        if child.poll() is not None:
            break
    if child.poll() is None:
        child.kill()
    assert child.wait(timeout=30) == 130
    assert time.monotonic() - pressed < 30.0  # 5 s on an idle machine (QUALITY R12)
    assert not (tmp_path / "out").exists()
