"""The same numbers with the compiler off, and in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """

from tests.market.small import SALE, DROP, market_of
m = market_of(4, market_maker={"firms": 2, "rungs_per_side": 4}, background={"noise_orders_per_side": 4},
              leveraged={"accounts": 60}, shocks=[SALE | {"at": "5s", "over": "5s"}, DROP | {"at": "8s", "over": "4s"}])
m.run_until(25.0)
forced = int(m.collect().series["forced_sell_lots"].sum())
print(m.state_hash(), forced > 0)
"""


def run(**environment: str) -> str:
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])} | environment
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_jit_off_equals_jit_on():
    compiled, interpreted = run(PYTHONHASHSEED="0"), run(NUMBA_DISABLE_JIT="1", PYTHONHASHSEED="3")
    assert compiled == interpreted
    assert compiled.endswith("True")
