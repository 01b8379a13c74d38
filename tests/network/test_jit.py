"""A network with the compiler off gives the same numbers, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from sim.network import build_network
from tests.network.small import SPOT_ONLY, spec_of

listings = {
    "a": {"asset": "btc", "exchange": "one"},
    "b": {"asset": "btc", "exchange": "two"},
    "c": {"asset": "btc", "exchange": "one", **SPOT_ONLY},
}
network = {
    "bridge": {"firms": 3, "capital": "$30m", "transfer_low": "1s", "transfer_high": "3s"},
    "portfolios": {"one": {"accounts": 40}},
}
sale = [{"kind": "flow", "at": "2s", "over": "6s", "notional": "$60m", "side": "sell"}]
few = {
    "leveraged": {"accounts": 60}, "market_maker": {"firms": 2, "rungs_per_side": 4},
    "background": {"noise_orders_per_side": 4}, "dip_buyer": {"buyers": 4},
}
n = build_network(spec_of(Path(sys.argv[1]), listings, network, shocks=sale, **few), 4)
n.run_until(15.0)
print(n.state_hash(), int(n.couplings.desk[0]["sent"]) > 10)
"""


def run(folder: Path, **environment: str) -> str:
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])} | environment
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_a_network_with_jit_off_equals_jit_on(tmp_path):
    compiled, interpreted = run(tmp_path, PYTHONHASHSEED="0"), run(tmp_path, NUMBA_DISABLE_JIT="1", PYTHONHASHSEED="3")
    assert compiled == interpreted
    assert compiled.endswith("True")
