"""The same sweep on a Dask cluster of this machine, and which clusters are refused."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sim.errors import ScenarioError
from sim.experiments.cluster import cluster_lanes
from sim.experiments.sweep import run_sweep
from tests.experiments import fake
from tests.experiments.fake import folder_of, plan, results
from tests.experiments.inline import inline
from tests.experiments.test_sweep import shoal


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:8786", "tls://cluster.example:8786", "tcp://0.0.0.0:8786"])
def test_a_scheduler_elsewhere_is_refused_without_the_flag(address: str):
    with pytest.raises(ScenarioError, match="--trust-network"):
        cluster_lanes(address, trusted=False)


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:8786", "tcp://127.0.0.1", "http://127.0.0.1:80", "tcp://127.0.0.1:x"]
)
def test_what_is_no_address_is_refused(address: str):
    with pytest.raises(ScenarioError, match="expected the address of a scheduler"):
        cluster_lanes(address, trusted=True)


SMALL = ("--set", "duration=20s", "--set", "leveraged.accounts=200")
ASSUMED = "--set", "assumptions={share_of_seeds: 50%, seeds: 4, tests: [{name: fund, kind: fund, at_least: 90%}]}"
COMMANDS = {
    "compare": ("calm_btc", "calm_btc", "--set-a", "duration=20s", "--set-b", "duration=20s", "--seeds", "1",
                "--no-figures"),
    "impulse": ("calm_btc", *SMALL, "--at", "5s", "--horizon", "10s", "--size", "0.1", "--seeds", "1", "--no-figures",
                "--no-resilience"),
    "amplify": ("calm_btc", *SMALL[2:], "--news", "-2%,-6%", "--depths", "1,0.5", "--seeds", "2", "--half-width", "0",
                "--horizon", "60s", "--at", "30s", "--over", "20s"),
    "check": ("calm_btc", *SMALL, *ASSUMED),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_many_runs_takes_a_cluster(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    words = [command, *COMMANDS[command], "--out", tmp_path]
    shoal(*words, "--dask", "tcp://10.0.0.7:8786", code=2)
    assert not list(tmp_path.iterdir())
    asked: list[tuple[str, bool]] = []

    def here(address: str, trusted: bool) -> list[Any]:
        asked.append((address, trusted))
        return [inline()]

    monkeypatch.setattr("sim.experiments.cluster.cluster_lanes", here)
    monkeypatch.setattr("sim.experiments.workers.Worker.__init__", None)  # none is started
    shoal(*words, "--dask", "tcp://10.0.0.7:8786", "--trust-network", code=4 if command == "check" else 0)
    assert asked == [("tcp://10.0.0.7:8786", True)]


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_a_sweep_on_dask_with_a_worker_killed_gives_the_same_files(tmp_path: Path):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'shoal[dask]'")
    whole = folder_of(tmp_path / "whole", plan())
    run_sweep(whole, lanes=[inline()], work=fake.quick)
    folder = folder_of(tmp_path / "sweep", plan())
    killed: list[int] = []

    with distributed.LocalCluster(2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:

        def kill_one(tally: Any) -> None:
            if tally.done >= 4 and not killed:
                killed.append(next(iter(cluster.workers.values())).process.process.pid)
                os.kill(killed[0], signal.SIGKILL)
                time.sleep(0.2)

        tally = run_sweep(folder, told=kill_one, lanes=cluster_lanes(cluster.scheduler_address, False), work=fake.slow)
    assert killed and (tally.done, tally.failed) == (20, 0)
    assert results(folder) == results(whole)


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_the_job_script_of_slurm_asks_for_one_thread():
    jobqueue = pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    here = {"host": "127.0.0.1", "dashboard_address": None}
    prologue = ["export NUMBA_NUM_THREADS=1"]
    with jobqueue.SLURMCluster(
        cores=1, processes=1, memory="2GB", job_script_prologue=prologue, scheduler_options=here
    ) as cluster:
        script = cluster.job_script()
    assert "export NUMBA_NUM_THREADS=1" in script and "#SBATCH --cpus-per-task=1" in script
    assert "--nthreads 1" in script
