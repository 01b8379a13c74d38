"""M7, M8: a million random requests of every kind; the compiled engine and the reference differ in none.

``SHOAL_FUZZ_OPS`` sets the total, which is shared out over all parameter sets; ``SHOAL_FUZZ_SEED`` the first seed.
"""

from __future__ import annotations

import os

import pytest

from sim import MatchingEngine
from tests.differential.compare import run_flow
from tests.differential.flow import WORDS, Flow
from tests.reference.matching import SELF_TRADE, ReferenceEngine

TOTAL = int(os.environ.get("SHOAL_FUZZ_OPS", "1000000"))
FIRST_SEED = int(os.environ.get("SHOAL_FUZZ_SEED", "1000"))
# name -> engine options, flow options, requests between two comparisons of the whole state
SHAPES = {
    "small_window": (
        {"window_ticks": 64, "capacity": 4},
        {"far_share": 0.08, "jump_share": 0.0005, "trend": 0.1, "far_ticks": 400},
        1_000,
    ),
    "deep_queues": ({"window_ticks": 128, "capacity": 16}, {"spread": 2.0, "n_owners": 30, "target": 700}, 4_000),
    "three_books": ({"window_ticks": 1024, "capacity": 64}, {"n_books": 3, "n_owners": 12, "target": 1_000}, 4_000),
}
SETS = [(shape, self_trade) for shape in SHAPES for self_trade in SELF_TRADE]


class Watch:
    """Counts how often the parts of the compiled book that the reference does not have were at work."""

    def __init__(self, engine: MatchingEngine) -> None:
        self.engine = engine
        self.first_pool = len(engine._books.pool)
        self.windows: set[tuple[int, ...]] = set()
        self.most_far = 0

    def __call__(self) -> None:
        sides = self.engine._books.sides
        self.windows.add(tuple(sides["lo"].tolist()))
        self.most_far = max(self.most_far, int(sides["n_far"].max()))


@pytest.mark.parametrize(("shape", "self_trade"), SETS)
def test_compiled_equals_reference(shape: str, self_trade: str) -> None:
    options, flow_options, block = SHAPES[shape]
    n_books = flow_options.get("n_books", 1)
    reference = ReferenceEngine(n_books, self_trade=self_trade, audit=True)
    engine = MatchingEngine(n_books, self_trade=self_trade, **options)
    watch = Watch(engine)
    flow = Flow(FIRST_SEED + SETS.index((shape, self_trade)), reference, **flow_options)
    run_flow(flow, engine, -(-TOTAL // len(SETS)), block, watch)
    if TOTAL >= 20 * block * len(SETS):
        assert watch.most_far > 5, "no order waited in the far list"
        assert len(watch.windows) > 3, "the window was never moved"
        assert len(engine._books.pool) > watch.first_pool, "the pool never grew"


@pytest.mark.parametrize("self_trade", SELF_TRADE)
def test_growth_in_the_middle_of_a_batch(self_trade: str) -> None:
    """Many young engines with room for one order, and waves of trigger orders, so that arrays grow inside cascades."""
    weights = tuple(40.0 if word in ("stop", "take_profit", "limit") else 5.0 for word in WORDS)
    for seed in range(50):
        reference = ReferenceEngine(2, self_trade=self_trade, audit=True)
        engine = MatchingEngine(2, self_trade=self_trade, window_ticks=64, capacity=1)
        flow = Flow(seed, reference, n_books=2, spread=2.0, trend=0.3, filling=weights, draining=weights)
        run_flow(flow, engine, 400, 400)
