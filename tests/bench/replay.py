"""The replay over exchanges and assets: CPU time, memory, and what ten times the accounts cost."""

import json
import subprocess
import sys
from statistics import median
from typing import Any

import sim
from sim.scenario.spec import Spec
from tests.bench.clock import cpu_seconds
from tests.bench.scale import high_water

NAME, PART_S, TIMES = "flash_10_11", 900.0, 6  # 174,688 accounts, and 1,036,002: open interest is the same


def more_accounts(spec: Spec, times: int) -> dict[str, object]:
    """Settings with ``times`` the leveraged accounts and portfolios, each the smaller."""
    changes: dict[str, object] = {"leveraged.accounts": times * spec.leveraged.accounts}
    for name, listing in spec.listings.items():
        if "accounts" in listing.leveraged:
            changes[f"listings.{name}.leveraged.accounts"] = times * listing.leveraged["accounts"]
    for exchange, rules in spec.network.portfolios.items():
        changes[f"network.portfolios.{exchange}.accounts"] = times * rules.accounts
    return changes


def measure(times: int, end_s: float) -> dict[str, float]:
    """CPU seconds of one network from its start to ``end_s``, build out; its accounts, messages and books; bytes."""
    scenario = sim.load(NAME)
    if times > 1:
        scenario = sim.load(NAME, set=more_accounts(scenario.spec, times))
    begin = cpu_seconds()
    network = scenario.network(1)
    built, end_s = cpu_seconds(), end_s or scenario.spec.duration
    network.run_until(end_s)
    ended, most, markets = cpu_seconds(), high_water(), network.markets.values()
    return {
        "build": built - begin,
        "seconds": ended - built,
        "accounts": sum(len(market.state.accounts) for market in markets),
        "messages": sum(int(market.state.rows["n_messages"].sum()) for market in markets),
        "book_seconds": end_s * sum(market.spec.market.perp + market.spec.market.spot for market in markets),
        "bytes": most,
    }


def fresh(times: int, end_s: float = 0.0) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    code = "import json, sys; from tests.bench.replay import measure; from sim.runner import warm; warm(); "
    code += "print(json.dumps(measure(int(sys.argv[1]), float(sys.argv[2]))))"
    run = subprocess.run(
        [sys.executable, "-c", code, str(times), str(end_s)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def grown(repeats: int = 2) -> tuple[float, dict[str, Any]]:
    """Time of a tick with a million accounts over that with the scenario's own, median of pairs; the last large run."""
    ratios = []
    for _ in range(repeats):
        few, many = fresh(1, PART_S), fresh(TIMES, PART_S)
        ratios.append(many["seconds"] / few["seconds"])
    return median(ratios), many
