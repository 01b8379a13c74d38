"""M7 by hypothesis: any sequence of public calls gives the same answers and the same books on both engines.

Prices lie in a band of a few ticks with a few outside the window, so that short sequences already trade, queue and
fire; a failure is shrunk to the shortest sequence that still differs.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sim import MatchingEngine
from tests.differential.compare import same_state
from tests.reference.matching import KINDS, MAX_LOTS, SELF_TRADE, TIFS, ReferenceEngine
from tests.reference.rules import MAX_PRICE

N_BOOKS, N_OWNERS = 2, 3
SIDES = st.sampled_from(("buy", "sell"))
BOOKS = st.integers(0, N_BOOKS - 1)
OWNERS = st.integers(0, N_OWNERS - 1)
NEAR = st.integers(995, 1005)
PRICES = st.one_of(NEAR, NEAR, NEAR, st.sampled_from((1, 2, 900, 930, 1_070, 5_000, MAX_PRICE)))
LOTS = st.one_of(st.integers(1, 6), st.integers(1, 6), st.sampled_from((50, 2**53 + 1, MAX_LOTS)))
WRONG_PRICES = st.sampled_from((0, -1, MAX_PRICE + 1, 2**63 - 1))
WRONG_LOTS = st.sampled_from((0, -1, MAX_LOTS + 1))
IDS = st.integers(1, 14)  # few, so that they are used again, live and dead
ORDER_IDS = st.one_of(IDS, IDS, st.none(), st.just(2**63 - 1), st.just(-1))
FLAGS = st.fixed_dictionaries({"reduce_only": st.booleans(), "stp_exempt": st.booleans()})
SENDERS = st.one_of(st.none(), st.none(), OWNERS)


class TwoEngines(RuleBasedStateMachine):
    """Calls both engines and compares what they say, after every call."""

    @initialize(self_trade=st.sampled_from(SELF_TRADE), capacity=st.sampled_from((1, 2, 64)))
    def build(self, self_trade: str, capacity: int) -> None:
        self.reference = ReferenceEngine(N_BOOKS, self_trade=self_trade, n_owners=N_OWNERS, audit=True)
        self.compiled = MatchingEngine(
            N_BOOKS, self_trade=self_trade, n_owners=N_OWNERS, window_ticks=64, capacity=capacity
        )

    def both(self, method: str, *arguments: Any, **options: Any) -> None:
        """One call on each; equal acknowledgements, trades and fired orders."""
        got = getattr(self.compiled, method)(*arguments, **options)
        want = getattr(self.reference, method)(*arguments, **options)
        assert got == want, f"{method}{arguments} {options}:\n  got  {got}\n  want {want}"

    @rule(
        side=SIDES, price=PRICES, lots=LOTS, book=BOOKS, owner=OWNERS, tif=st.sampled_from(TIFS), flags=FLAGS,
        order_id=ORDER_IDS,
    )  # fmt: skip
    def limit(self, side: str, price: int, lots: int, flags: dict[str, bool], **options: Any) -> None:
        self.both("limit", side, price, lots, **options, **flags)

    @rule(side=SIDES, lots=LOTS, book=BOOKS, owner=OWNERS, flags=FLAGS, order_id=ORDER_IDS, bound=st.none() | PRICES)
    def market(self, side: str, lots: int, flags: dict[str, bool], **options: Any) -> None:
        self.both("market", side, lots, **options, **flags)

    @rule(
        side=SIDES, trigger=NEAR, lots=LOTS, book=BOOKS, owner=OWNERS, flags=FLAGS, order_id=ORDER_IDS,
        kind=st.sampled_from(KINDS), limit=st.none() | PRICES,
    )  # fmt: skip
    def stop(self, side: str, trigger: int, lots: int, flags: dict[str, bool], **options: Any) -> None:
        self.both("stop", side, trigger, lots, **options, **flags)

    @rule(order=IDS, owner=SENDERS)
    def cancel(self, order: int, owner: int | None) -> None:
        self.both("cancel", order, owner=owner)

    @rule(order=IDS, lots=st.one_of(st.integers(-1, 8), LOTS), owner=SENDERS)
    def reduce(self, order: int, lots: int, owner: int | None) -> None:
        self.both("reduce", order, lots, owner=owner)

    @rule(order=IDS, price=PRICES, lots=LOTS, owner=SENDERS)
    def replace(self, order: int, price: int, lots: int, owner: int | None) -> None:
        self.both("replace", order, price, lots, owner=owner)

    @rule(book=BOOKS, price=st.one_of(NEAR, WRONG_PRICES))
    def set_last_price(self, book: int, price: int) -> None:
        self.both("set_last_price", book, price)

    @rule(owner=OWNERS, lots=st.integers(-9, 9), book=BOOKS)
    def set_position(self, owner: int, lots: int, book: int) -> None:
        for engine in (self.compiled, self.reference):
            engine.set_position(owner, lots, book)

    @rule(side=SIDES, price=WRONG_PRICES, lots=WRONG_LOTS, good=st.sampled_from((5, 995)))
    def wrong_numbers(self, side: str, price: int, lots: int, good: int) -> None:
        self.both("limit", side, price, 1, order_id=77)
        self.both("limit", side, good, lots, order_id=77)
        self.both("stop", side, price, 1, order_id=77)
        self.both("stop", side, good, 1, limit=price, order_id=77)
        self.both("replace", 1, price, 1)
        self.both("replace", 1, good, lots)

    @rule(side=SIDES)
    def wrong_words(self, side: str) -> None:
        self.both("limit", "neither", 995, 1, order_id=77)
        self.both("limit", side, 995, 1, tif="GTD", order_id=77)
        self.both("limit", side, 995, 1, owner=N_OWNERS, order_id=77)
        self.both("limit", side, 995, 1, owner=-1, order_id=77)
        self.both("limit", side, 995, 1, book=N_BOOKS, order_id=77)
        self.both("limit", side, 995, 1, book=-1, order_id=77)
        self.both("stop", side, 995, 1, kind="trailing", order_id=77)
        self.both("set_last_price", N_BOOKS, 995)
        self.both("set_last_price", -1, 995)

    @invariant()
    def same(self) -> None:
        if hasattr(self, "compiled"):
            same_state(self.compiled, self.reference, N_BOOKS, N_OWNERS, "after the last call")


TwoEngines.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestTwoEngines = TwoEngines.TestCase
