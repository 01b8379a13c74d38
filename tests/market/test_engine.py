"""The liquidation engine on a book one can compute by hand (MODEL 6.2 test 1), and its waterfall."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sim.kernels.clock import CLOCK
from sim.kernels.ledger import ACCOUNT, FEES, FLOWS, FUND, GUEST_FILL, RULES, TICKET
from sim.kernels.liquidation import ENGINE, UNLIMITED
from sim.kernels.margin import TIER
from sim.kernels.marks import PRICE
from sim.kernels.memory import allocate_books
from sim.schema import EVENT, EVENT_FORCED, EVENT_TAKEOVER
from tests.market.drivers import scan, submit_many
from tests.reference_market.rules import walk_down

# Units that make the case whole: tick 1/110 dollar, lot 1/110 coin, so one money unit is 1/12,100 dollar.
PER_USD = 110
MONEY = PER_USD * PER_USD
MAKER, TRADER = 6, 7
BEST = 10_000  # 90.909091 dollars, the liquidation price
LOTS = 50 * PER_USD


class Case:
    """An isolated long of 50 coins at 100 dollars, leverage 10, maintenance 1%, above a flat book of ``k`` coins a
    dollar."""

    def __init__(
        self,
        k: int,
        share_ppm: int = 1_000_000,
        taker_fee_ppm: int = 0,
        clearance_ppm: int = 0,
        bound_ppm: int = 500_000,
    ) -> None:
        self.books = allocate_books([16_384, 64], 4096, 4097, 9, 1)
        orders = np.array([[0, 0, BEST - i, k, MAKER, 0] for i in range(4000)], np.int64)
        self.send(orders)
        self.clock = np.zeros(1, CLOCK)
        self.clock["tick_us"] = self.clock["scan_every_us"] = 1_000_000
        self.accounts = np.zeros(9, ACCOUNT)
        self.accounts["bucket"] = self.accounts["first_forced_us"] = -1
        entry = 100 * PER_USD
        self.accounts[TRADER]["cash_micro"] = LOTS * entry // 10 - LOTS * entry
        self.accounts[TRADER]["leveraged"] = 1
        self.books.positions[0, TRADER] = LOTS
        self.books.positions[0, MAKER] = -LOTS
        self.accounts["held_lots"] = self.books.positions[0]
        self.accounts["entry_micro"] = self.books.positions[0] * entry
        self.clock["open_interest_lots"] = LOTS
        self.rules = np.array([(1, taker_fee_ppm, 0, 50_000, 1, 1 << 30, 0, 0, 0, 0)] * 2, RULES)
        self.flows, self.tickets = np.zeros(2, FLOWS), np.zeros(1, TICKET)
        self.slot_ticket = np.full(4097, -1, np.int64)
        self.tiers = np.array([(1 << 62, 10_000, 0, 0)], TIER)
        self.engine = np.zeros(1, ENGINE)
        self.engine["slice_share_ppm"], self.engine["slice_band_ppm"] = share_ppm, 900_000
        self.engine["order_bound_ppm"], self.engine["clearance_fee_ppm"] = bound_ppm, clearance_ppm
        self.engine["pace_cap_micro_per_s"], self.engine["bucket_shift"] = UNLIMITED, 4
        self.engine["ceiling_half_ticks"], self.engine["bottom"] = 80_000, 5000
        self.heads, self.queue = np.zeros((2, 5001), np.int32), np.zeros(8, np.int64)
        self.events, self.price = np.zeros(64, EVENT), np.zeros(1, PRICE)
        self.is_hung = False

    def send(self, orders: Any) -> None:
        """Orders of others, their fills unsettled: only the trader's money matters here."""
        submit_many(np.asarray(orders, np.int64), *self.books)
        self.books.cursor["n_fills"] = 0

    def scan(self, mark_half_ticks: int) -> None:
        """One engine scan at a mark."""
        self.price["mark_half_ticks"] = mark_half_ticks
        now = int(self.engine[0]["next_scan_us"])
        self.price["index_us"] = now
        first, end = np.int64(TRADER), np.int64(TRADER if self.is_hung else TRADER + 1)
        ledger = (self.accounts, self.rules, self.flows, self.tickets, self.slot_ticket, np.zeros(0, GUEST_FILL))
        risk = (
            self.tiers,
            self.engine,
            self.heads,
            self.queue,
            self.events,
            np.zeros(9, np.int64),
            np.zeros(9),
            np.zeros((3, 9), np.int64),
        )
        scan(first, end, np.int64(now), self.clock, *self.books, *ledger, *risk, self.price, np.zeros(30, np.int64))
        self.is_hung = True

    def cash(self, owner: Any) -> float:
        """Cash of an owner in dollars."""
        return float(self.accounts[owner]["cash_micro"]) / MONEY

    @property
    def position(self) -> int:
        return int(self.books.positions[0, TRADER])


def after_sale(k: int) -> Fraction:
    """Equity of the account, in dollars, after selling all into the book: the slow walk."""
    proceeds = sum(price * lots for price, lots in walk_down(BEST, k, LOTS))
    return Fraction(proceeds - LOTS * 9_900, MONEY)  # 9,900 ticks is the bankruptcy price of 90 dollars


def test_equality_is_safe_and_one_half_tick_below_is_not():
    case = Case(k=50)
    case.scan(2 * BEST)
    assert case.position == LOTS
    case.scan(2 * BEST - 1)
    assert case.position == 0


@pytest.mark.parametrize(("k", "equity"), [(50, 20.4545), (20, -17.0455), (8, -110.7955)])
def test_single_liquidation_in_a_linear_book(k, equity):
    """MODEL 6.2.1. The book there is continuous; a ladder of ticks sells up to half a tick higher, 50 x 1/220
    dollars."""
    case = Case(k)
    case.scan(2 * BEST - 1)
    assert case.position == 0
    exact = after_sale(k)
    assert abs(float(exact) - equity) <= 50 / (2 * PER_USD) + 1e-4
    if exact >= 0:
        assert case.cash(TRADER) == pytest.approx(float(exact), abs=1e-9)
        assert case.cash(FUND) == 0.0
    else:
        assert case.cash(TRADER) == 0.0
        assert case.cash(FUND) == pytest.approx(float(exact), abs=1e-9)


@pytest.mark.parametrize(("k", "left"), [(50, 18.1943), (20, -19.2869), (8, -112.9901)])
def test_taker_fee_deepens_the_loss(k, left):
    case = Case(k, taker_fee_ppm=500)
    case.scan(2 * BEST - 1)
    assert case.cash(TRADER) + case.cash(FUND) == pytest.approx(left, abs=50 / (2 * PER_USD) + 0.01)
    assert case.cash(TRADER) + case.cash(FUND) + case.cash(FEES) == pytest.approx(float(after_sale(k)), abs=1e-9)


def test_clearance_fee_never_exceeds_the_equity_left():
    case = Case(k=50, clearance_ppm=12_500)  # 1.25% of 4,520 dollars is 56.5, equity is 20.7
    case.scan(2 * BEST - 1)
    assert case.cash(TRADER) == 0.0
    assert case.cash(FUND) == pytest.approx(float(after_sale(50)), abs=1e-9)


def test_a_slice_uses_its_share_of_the_book_and_the_rest_waits():
    case = Case(k=50, share_ppm=10_000)
    depth = 50 * 4000
    case.scan(2 * 9_950)  # equity 22.7 dollars, requirement 45.2
    assert case.position == LOTS - depth // 100
    assert int(case.engine[0]["n_queue"]) == 1
    case.scan(2 * 9_950)
    assert case.position == LOTS - depth // 100 - (depth - depth // 100) // 100


def test_an_account_that_recovers_is_left_alone():
    case = Case(k=50, share_ppm=10_000)
    case.scan(2 * 9_950)
    before = case.position
    case.scan(2 * BEST + 400)
    assert case.position == before
    assert int(case.engine[0]["n_queue"]) == 0
    assert int(case.accounts[TRADER]["bucket"]) >= 0


def test_below_bankruptcy_the_fund_takes_cash_and_position_whole():
    case = Case(k=50)
    cash = case.accounts[TRADER]["cash_micro"]
    case.scan(2 * 9_899)
    assert case.position == 0
    assert case.accounts[TRADER]["cash_micro"] == 0
    assert case.accounts[FUND]["cash_micro"] == cash
    assert case.books.positions[0, FUND] == LOTS
    assert case.events[0]["kind"] == EVENT_TAKEOVER
    assert case.events[0]["price_ticks"] == 9_900


def test_what_the_bounded_order_cannot_fill_goes_to_the_fund():
    case = Case(
        k=50, bound_ppm=7_000
    )  # not below 9,910 x 0.993 = 9,840.63 ticks, and somebody sells the bids above 9,880 first
    case.send([[0, 1, 9_881, 6_000, MAKER + 2, 1]])
    case.scan(2 * 9_910)
    kinds = [int(k) for k in case.events["kind"][: int(case.clock[0]["n_events"])]]
    assert kinds == [int(EVENT_FORCED), int(EVENT_TAKEOVER)]
    sold = 50 * (9_880 - 9_841 + 1)
    assert int(case.accounts[TRADER]["forced_lots"]) == sold
    assert case.books.positions[0, FUND] == LOTS - sold


@pytest.mark.parametrize(("margin_ticks", "is_refused"), [(49, True), (50, False), (60, False)])
def test_nobody_is_deleveraged_below_zero_equity(margin_ticks, is_refused):
    """A short from 9,850 ticks, in profit at 9,800, buys at the bankruptcy price of 9,900: a loss of 50 ticks a lot."""
    case = Case(k=50)
    case.engine["adl_on"] = 1
    case.accounts[MAKER]["entry_micro"] = -LOTS * 9_850
    case.accounts[MAKER]["cash_micro"] = LOTS * (9_850 + margin_ticks)
    case.scan(2 * 9_800)
    assert case.position == 0 and case.accounts[TRADER]["cash_micro"] == 0
    if is_refused:
        assert case.books.positions[0, FUND] == LOTS and case.accounts[MAKER]["adl_lots"] == 0
    else:
        assert case.books.positions[0, MAKER] == 0 and case.accounts[MAKER]["adl_lots"] == LOTS
        assert case.accounts[MAKER]["cash_micro"] == LOTS * (margin_ticks - 50)
        assert case.accounts[FUND]["cash_micro"] == 0 and case.books.positions[0, FUND] == 0
    assert int(case.clock[0]["open_interest_lots"]) == (LOTS if is_refused else 0)


def test_cash_and_positions_are_conserved():
    for k in (50, 20, 8):
        case = Case(k, taker_fee_ppm=500, clearance_ppm=12_500)
        cash = int(case.accounts["cash_micro"].sum())
        case.scan(2 * BEST - 1)
        assert int(case.accounts["cash_micro"].sum()) == cash
        assert int(case.books.positions[0].sum()) == 0
