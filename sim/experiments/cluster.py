"""Runs on a Dask cluster: the same driver, with the cluster's executor behind the seam."""

from __future__ import annotations

import ipaddress
from concurrent.futures import Executor, Future
from pathlib import Path
from urllib.parse import urlsplit

from sim.errors import ResultError, ScenarioError
from sim.experiments.cells import Cell, Outcome
from sim.experiments.sweep import RETRIES, Kept, Lane, Work


class Cluster:
    """A Dask scheduler as what a lane opens. Dask itself hands a run out again when its worker dies.

    Parameters
    ----------
    address : str
        "tcp://host:port" of the scheduler.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise ResultError("--dask needs Dask: pip install 'shoal[dask]'") from error
        try:
            self._client = Client(address, timeout=20, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise ResultError(f"no Dask scheduler answers at {address} ({error})") from error
        self.threads = sum(self._client.nthreads().values())
        if not self.threads:
            raise ResultError(f"the Dask scheduler at {address} has no workers: start some first")
        self.executor: Executor = self._client.get_executor(pure=False, retries=RETRIES)

    def submit(self, work: Work, _folder: Path, cell: Cell) -> Future[Outcome]:
        """Hand over a run; the folder may be out of reach there."""
        future: Future[Outcome] = self.executor.submit(work, cell)
        return future

    def how_it_ended(self) -> str:
        """Say what is known of a lost cluster."""
        return "the Dask scheduler is gone"

    def kill(self) -> None:
        """Give up what is at work there, and leave."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        self._client.close(timeout=5)


def cluster_lanes(address: str, trusted: bool) -> list[Lane]:
    """Lanes of a Dask cluster, which serve several sweeps; the cluster is left when this process ends.

    Parameters
    ----------
    address : str
        "tcp://host:port" or "tls://host:port".
    trusted : bool
        Whether a scheduler on another machine may be used: whoever reaches its port can run code on it.

    Raises
    ------
    ScenarioError
        When the address is none, or is another machine's and ``trusted`` is false.
    """
    host = _host(address)
    if not trusted and not _is_loopback(host):
        raise ScenarioError(
            f"--dask {address}: whoever reaches a Dask scheduler can run code on its workers; for one on another"
            " machine add --trust-network, and keep it on a network that only you can reach"
        )
    cluster = Cluster(address)
    return [Kept(lambda: cluster, capacity=2 * cluster.threads)]


def _host(address: str) -> str:
    parts = urlsplit(address)
    try:
        usable = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:
        usable = None
    if not usable:
        raise ScenarioError(f"--dask {address!r}: expected the address of a scheduler, such as tcp://127.0.0.1:8786")
    return str(parts.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
