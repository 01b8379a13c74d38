"""Conservation laws C1-C8 and C10 after every one of a million events over two hundred random markets (QUALITY L4, L5).

C9 is of treasuries and funds, which are not here. A broken law names the market and the event, which repeat exactly.
"""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from sim.kernels.book import Books
from sim.kernels.clock import CLOCK
from sim.kernels.invariants import LAWS
from sim.kernels.ladder import ENGINE, UNLIMITED, Risk
from sim.kernels.ledger import ACCOUNT, FIRST_MAKER, FLOWS, FUND, GUEST_FILL, HEDGERS, NO_TICKET, RULES, TICKET, Ledger
from sim.kernels.mailbox import MESSAGE, N_STARTS, Mail
from sim.kernels.margin import TIER
from sim.kernels.marks import PRICE, Prices
from sim.kernels.memory import allocate_books
from sim.rng import seed_key
from sim.schema import EVENT
from tests.market.storm import DRAW, run_storm
from tests.market.storm_books import COUNTS, Own
from tests.shell.files import ROOT

MARKETS, EVENTS = 200, 5_000
FIRMS, PEOPLE, AGENTS, TICKETS, START, CEILING = 4, 10, 3, 33, 1_000, 8_000
FIRST = int(FIRST_MAKER) + FIRMS
N = FIRST + PEOPLE + AGENTS
WRONG = {
    100: "an account's cash or lots differ from its postings", 101: "a ticket's fills differ from the tape",
    102: "an order changed without a fill", 103: "a dead order traded", 104: "an order's size does not add up",
    105: "a fill beyond the limit", 106: "a deleveraged leg is no reduction of both sides",
    107: "a counterparty paid before the fund was empty", 108: "rounding of a funding payment", 109: "mailbox overflow",
}  # fmt: skip
TIERS = (
    [(1 << 62, 20_000, 0, 25_000)],
    [(40_000, 10_000, 0, 12_500), (200_000, 25_000, 600, 40_000), (1 << 62, 50_000, 5_600, 100_000)],
)


def market_of(seed: int, joint: int = 0) -> tuple[Any, ...]:
    """Rooms of a random small market: firms hold all that anybody could want, nobody has a position. The last
    ``joint`` of the leveraged accounts are margined with others.
    """
    draw, n = np.random.default_rng([4, seed]), N + joint
    books = allocate_books([64, 64], TICKETS + 7, 2 * TICKETS + 16, n, int(draw.integers(0, 4)))
    accounts, clock, engine = np.zeros(n, ACCOUNT), np.zeros(1, CLOCK), np.zeros(1, ENGINE)
    accounts["bucket"] = accounts["first_forced_us"] = -1
    accounts["key"], accounts["rank"] = np.arange(n), draw.permutation(n)
    firms = slice(int(HEDGERS), FIRST)
    accounts["cash_micro"][firms], books.positions[1, firms] = 1 << 40, 1 << 30
    accounts["cash_micro"][FUND] = draw.integers(0, 2) * draw.integers(0, 1 << 24)
    accounts["is_maker"][HEDGERS + 1 : FIRST] = draw.integers(0, 2)
    accounts["leveraged"][FIRST:] = 1
    accounts["professional"] = draw.integers(0, 2, len(accounts))
    accounts["least_initial_ppm"][-AGENTS:] = draw.choice([1_000_000, 100_000, 20_000, 0, 0], AGENTS)
    accounts["newest_order"], books.positions[1, -AGENTS:], clock["n_guests"] = NO_TICKET, 30, AGENTS
    clock["cash_micro"], clock["coin_lots"] = accounts["cash_micro"].sum(), books.positions[1].sum()
    clock["tick_us"] = clock["scan_every_us"] = 1_000_000
    unit = int(draw.choice([1, 7, 100]))
    fees = [(int(draw.integers(0, 3_000)), int(draw.integers(-300, 1_000))) for _ in range(2)]
    rules = np.array(
        [(unit, taker, maker, 50_000, 1, 1 << 30, 0, taker // 3, maker // 2, 0) for taker, maker in fees], RULES
    )
    n_buckets = (2 * CEILING >> 6) + 1
    engine["order_bound_ppm"], engine["pace_cap_micro_per_s"] = draw.choice([30_000, 500_000]), UNLIMITED
    engine["slice_share_ppm"], engine["slice_band_ppm"] = 600_000, 900_000
    engine["clearance_fee_ppm"], engine["unload_share_ppm"] = draw.integers(0, 20_000), 200_000
    engine["ceiling_half_ticks"], engine["bucket_shift"], engine["bottom"] = 2 * CEILING, 6, n_buckets - 1
    engine["adl_on"], engine["adl_rule"] = draw.integers(0, 4) > 0, draw.integers(0, 3)
    engine["first_watched"], engine["end_watched"] = FIRST, n
    price, tickets = np.zeros(1, PRICE), np.zeros(TICKETS, TICKET)
    price["mark_half_ticks"], price["funding_on"], tickets["older"] = 2 * START, 1, -1
    ledger = Ledger(
        accounts, rules, np.zeros(2, FLOWS), tickets, np.full(len(books.pool), -1), np.zeros(1_024, GUEST_FILL), clock
    )
    mail = Mail(np.zeros(8, MESSAGE), np.zeros(8, np.int64), np.zeros(8, np.int64), np.zeros(N_STARTS, np.int64))
    tiers = np.array(TIERS[int(draw.integers(0, 2))], TIER)
    heads, queue = np.zeros((4, n_buckets), np.int32), np.zeros(4 * n, np.int64)
    room = np.zeros(8 * n, EVENT), np.zeros(n, np.int64), np.zeros(n), np.zeros((3, n), np.int64)
    risk = Risk(tiers, engine, heads, queue, *room)
    engine["kind"] = draw.integers(0, 2)  # tiers by IOC, or by FOK
    accounts["joint"][n - AGENTS - joint : n - AGENTS] = 1
    clock["first_joint"], clock["end_joint"] = n - AGENTS - joint, n - AGENTS
    own = Own(
        accounts["cash_micro"].copy(), books.positions.copy(), np.zeros((TICKETS, 9), np.int64),
        np.zeros(len(COUNTS), np.int64), np.array([0, 2 * START, FIRST]),
    )  # fmt: skip
    return Books(*books), ledger, mail, risk, Prices(price, np.zeros(30, np.int64)), own


def storm(seed: int, n: int) -> tuple[int, str, Any]:
    """Events that held, what broke in the next, and the counts."""
    rooms = market_of(seed)
    held, wrong = run_storm(np.int64(n), seed_key(seed), *rooms, DRAW, np.zeros(0, MESSAGE))
    return int(held), (LAWS[int(wrong)] if wrong < 100 else WRONG[int(wrong)]), rooms[-1].counts


def test_every_law_holds_after_each_of_a_million_events():
    counts = np.zeros(len(COUNTS), np.int64)
    for seed in range(MARKETS):
        held, what, seen = storm(seed, EVENTS)
        assert held == EVENTS, f"market {seed}, event {held + 1}: {what}"
        counts += seen
    rare = {name: int(n) for name, n in zip(COUNTS[:-1], counts[:-1], strict=True) if n < 500}
    assert rare == {}


@pytest.mark.long
@pytest.mark.parametrize("first", range(MARKETS, 20_000, 1_980))
def test_every_law_holds_after_each_of_a_hundred_million_events(first):
    for seed in range(first, first + 1_980):
        held, what, _ = storm(seed, EVENTS)
        assert held == EVENTS, f"market {seed}, event {held + 1}: {what}"


def test_it_finds_each_fault_planted_into_a_posting():
    """Sixteen copies of the kernels with one wrong posting each, as plain Python."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.market.planted_postings"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert len(said) == 16
    assert [fault for fault, what in said.items() if not what.strip()] == []
