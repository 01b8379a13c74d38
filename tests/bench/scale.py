"""Whole markets at the design's intensity: 100,000 accounts against 1,000,000, the sweep cell, the replay, memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import sim
from sim.build import contract_of, state_of
from sim.kernels.ledger import ACCOUNT
from sim.kernels.memory import memory_bytes
from sim.layout import PEOPLE_KEY
from sim.market import Market
from sim.scenario.spec import Spec
from sim.state import State
from sim.venues.profile import load_profile
from tests.bench.clock import cpu_seconds

ROWS, MORE_ROWS = 100_000, 1_000_000
# More firms with finer ladders than the scenario has bring the calm perp to the 800-1,500 messages a second of
# DECISIONS 25. Panic names rows evenly, so with it the two tables would not be the same market.
FLAGSHIP: dict[str, object] = {
    "market_maker.firms": 32,
    "market_maker.rungs_per_side": 24,
    "leveraged.conduct.panic": False,
}
CELL: dict[str, object] = {  # the scenario's own intensity is that of the sweep cell, 200-400 a second
    "duration": "1h",
    "shocks": [{"kind": "news_move", "at": "600s", "over": "60s", "move": "-2%"}],
}


def flagship_spec(name: str, duration: str, n_rows: int = ROWS) -> Spec:
    """A scenario at the flagship's intensity, with as many leveraged accounts as fill ``n_rows`` of the table."""
    spec = sim.load(name, set=FLAGSHIP, duration=duration).spec
    shorts = spec.leveraged.short_shares
    longs = round(n_rows / (1.0 + shorts.retail + shorts.funds))
    return sim.load(name, set=FLAGSHIP | {"leveraged.accounts": longs}, duration=duration).spec


def market_of(spec: Spec, seed: int, n_rows: int = 0) -> Market:
    """A market at time 0; with ``n_rows`` its accounts are spread over a table of that length."""
    venue = load_profile(spec.venue)
    contract = contract_of(spec, venue)
    state = state_of(spec, venue, contract, seed)
    if n_rows:
        spread(state, n_rows, seed)
    return Market(spec, seed, state, contract.tick_usd, contract.lot_coin)


def spread(state: State, n_rows: int, seed: int) -> None:
    """Scatter the leveraged accounts of a market that has not begun over a longer table, their order kept.

    The rows between them are leveraged accounts without position or money. Keys go with their accounts, so that the
    market is the same message for message.
    """
    first, n_before = int(state.engine[0]["first_watched"]), len(state.accounts)
    if n_rows < n_before:
        raise ValueError(f"{n_before} accounts do not fit {n_rows} rows")
    draws = np.random.default_rng(seed)
    people = first + np.sort(draws.choice(n_rows - first, n_before - first, replace=False))
    where = np.concatenate([np.arange(first), people])
    accounts = np.zeros(n_rows, ACCOUNT)
    accounts["bucket"], accounts["next"], accounts["prev"], accounts["first_forced_us"] = -1, -1, -1, -1
    accounts["leveraged"] = 1
    accounts["key"] = PEOPLE_KEY + n_before + np.arange(n_rows)
    accounts[where] = state.accounts
    positions = np.zeros((2, n_rows), np.int64)
    positions[:, where] = state.books.positions
    state.accounts, state.books = accounts, state.books._replace(positions=positions)
    state.persons = np.zeros(n_rows - first, state.persons.dtype)
    state.closing = np.zeros(n_rows - first, np.int64)
    state.queue, state.ranked, state.score = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64), np.zeros(n_rows)
    state.triggers["account"] = where[state.triggers["account"]]
    state.engine[0]["end_watched"] = n_rows
    state.conduct[0]["n"] = n_rows - first


def traffic(market: Market) -> tuple[int, int]:
    """Messages and fills of a market so far."""
    rows = market.state.rows[: int(market.state.clock[0]["n_rows"])]
    return int(rows["n_messages"].sum()), int(rows["n_fills"].sum())


def run_both(name: str, duration: str, repeats: int = 5) -> dict[str, Any]:
    """CPU seconds of the same market in a short and in a long table of accounts, in turn, build out.

    Returns
    -------
    dict
        ``messages``, ``fills`` of a run; ``seconds`` median of the short table; ``ratio`` median over the pairs of the
        speed in the long table over that in the short one.

    Raises
    ------
    RuntimeError
        When the two are not the same market.
    """
    spec, seconds, ratios = flagship_spec(name, duration), [], []
    for _ in range(repeats):
        pair, seen = [], []
        for n_rows in (0, MORE_ROWS):
            market = market_of(spec, 1, n_rows)
            begin = cpu_seconds()
            market.run_until(spec.duration)
            pair.append(cpu_seconds() - begin)
            seen.append(traffic(market))
        if seen[0] != seen[1]:
            raise RuntimeError(f"{name}: messages and fills differ between the tables: {seen}")
        seconds.append(pair[0])
        ratios.append(pair[0] / pair[1])
    messages, fills = seen[0]
    return {"messages": messages, "fills": fills, "seconds": median(seconds), "ratio": median(ratios)}


def cell(seeds: tuple[int, ...] = (1, 2, 3)) -> dict[str, float]:
    """One cell of a sweep, an hour with a shock, build and summary included: means over seeds, median time."""
    scenario = sim.load("calm_btc", set=CELL)
    seconds, messages, fills = [], [], []
    scenario.run(seed=0)  # the first touch of everything
    for seed in seeds:
        begin = cpu_seconds()
        summary = scenario.run(seed=seed).summary
        seconds.append(cpu_seconds() - begin)
        messages.append(summary["messages"])
        fills.append(summary["fills"])
    n = len(seeds)
    return {
        "seconds": median(seconds),
        "messages": sum(messages) / n,
        "fills": sum(fills) / n,
        "duration": scenario.spec.duration,
    }


# Interpreted, because only there the kernel's calls can be watched from outside.
COUNT_ACTIONS = """
import json, os
os.environ["NUMBA_DISABLE_JIT"] = "1"
import sim
from sim.kernels import mailbox
real, seen = mailbox.sort_due, [0, 0]
def watched(accounts, mail, n, key, start_us, width_us):
    due = real(accounts, mail, n, key, start_us, width_us)
    if start_us >= 0:
        seen[0] += int((mail.messages["action"][mail.order[:due]] != mailbox.NEW).sum())
        seen[1] += int(due)
    return due
mailbox.sort_due = watched
sim.load("calm_btc", set={"duration": "30s", "leveraged.accounts": 1000}).market(1).run()
print(json.dumps(seen))
"""


def cancel_share() -> float:
    """Share of cancels and replaces in the messages of 30 s of ``calm_btc``."""
    changes, messages = json.loads(_fresh(COUNT_ACTIONS))
    return float(changes / messages)


PEAK = """
import json, sys
from tests.bench.scale import flagship_spec, high_water, market_of
from sim.runner import warm
warm()
before, rows = high_water(), int(sys.argv[1])
spec = flagship_spec("flash_10_11_btc", "1h")
market = market_of(spec, 1, rows)
market.run_until(spec.duration)
print(json.dumps([before, high_water()]))
"""


def high_water() -> int:
    """Most resident bytes that this process ever had, its parent's left out (``ru_maxrss`` hands those down)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def peak_bytes(n_rows: int) -> tuple[int, int]:
    """Resident memory of a process at its largest, before and after an hour of the replay with a table of ``n_rows``
    (0: unchanged); Linux alone.
    """
    before, after = json.loads(_fresh(PEAK, str(n_rows)))
    return int(before), int(after)


def _fresh(code: str, *arguments: str) -> str:
    """Last line that a new process prints."""
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    return run.stdout.splitlines()[-1]


def array_bytes() -> tuple[float, float]:
    """Bytes of one book (ladder, bitmap, live orders' pool) and of one account (rows of every table it has one in)."""
    spec = flagship_spec("calm_btc", "1h")
    venue = load_profile(spec.venue)
    state = state_of(spec, venue, contract_of(spec, venue), 1)
    books, n = state.books, len(state.accounts)
    of_book = memory_bytes(books._replace(fills=books.fills[:0], positions=books.positions[:, :0])) / len(books.book)
    tables = (state.accounts, books.positions, state.queue, state.ranked, state.score)
    own = (state.persons, state.closing, state.triggers)
    return of_book, sum(t.nbytes for t in tables) / n + sum(t.nbytes for t in own) / len(state.persons)
