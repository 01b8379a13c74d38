"""What orders of Python agents reserve: against the slow rules with ==, and that it is enough whatever part fills."""

from dataclasses import replace

import numpy as np
import pytest

from sim.kernels.guests import account_of
from sim.kernels.ledger import NO_TICKET
from sim.kernels.margin import TIER
from sim.schema import OK, REJECT_COINS, REJECT_MARGIN
from tests.market.drivers import admit, submit_many
from tests.market.test_storm import N, market_of
from tests.reference_market.order_margin import Account, Order, Venue, answer, equity, order_value, reserved

WORDS = {int(OK): "ok", int(REJECT_MARGIN): "money", int(REJECT_COINS): "coins"}
TIERS = [(40_000, 8_000), (400_000, 10_000), (4_000_000, 50_000), (None, 200_000)]
GUEST, CASES = N - 1, 3_000


def drawn_order(rng: np.random.Generator, mark: int) -> Order:
    """A bid below mark or an ask above it, or (one in four) an order of any price; one in fifty of an absurd size."""
    side, middle = int(rng.integers(0, 2)), mark // 2
    offset = int(rng.integers(1, 120))
    price = middle - offset if side == 0 else middle + 1 + offset
    if rng.random() < 0.25:
        price = int(rng.integers(1, 3 * middle))
    lots = int(rng.integers(1, 400)) if rng.random() > 0.02 else 1 << int(rng.integers(40, 54))
    return Order(int(rng.integers(0, 2)), side, price, lots)


class Case:
    """An agent with money, a position, coins and resting orders, in the compiled rooms and in the slow ones."""

    def __init__(self, seed: int, flat: bool = False) -> None:
        self.rng = rng = np.random.default_rng([57, seed])
        self.books, self.ledger, _, self.risk, _, _ = market_of(seed)
        tiers = [(None, 0)] if flat else TIERS
        self.risk = self.risk._replace(tiers=np.array([(e or 1 << 62, 0, 0, rate) for e, rate in tiers], TIER))
        self.mark = int(rng.integers(1_400, 2_600))
        rules = self.ledger.rules
        of = ("professional_taker_ppm", "professional_maker_ppm")
        names = of if self.ledger.accounts[GUEST]["professional"] else ("taker_fee_ppm", "maker_fee_ppm")
        fees = tuple((int(r[names[0]]), int(r[names[1]])) for r in rules)
        self.venue = Venue(int(rules[0]["micro_per_tick_lot"]), fees, tiers)
        lots = int(rng.integers(-300, 300)) * int(rng.integers(0, 2))
        own = int(10 ** rng.uniform(3, 8)) * self.venue.unit
        cash = own - lots * (self.mark + int(rng.integers(-200, 200))) * self.venue.unit // 2
        locked = int(rng.integers(0, own))
        self.account = Account(cash, lots, int(rng.integers(0, 400)), int(rng.choice([10**6, 200_000, 50_000, 1, 0])))
        self.ledger.clock["n_guests"] = 1
        row = self.ledger.accounts[GUEST]
        row["cash_micro"], row["free_micro"] = cash - locked, locked
        row["least_initial_ppm"], row["newest_order"] = self.account.least, NO_TICKET
        self.books.positions[:, GUEST] = lots, self.account.coins
        self.orders: list[Order] = []
        for k in range(int(rng.integers(0, 7))):
            self.rest(k, drawn_order(rng, self.mark))

    def rest(self, k: int, order: Order) -> None:
        """Put an order into the book on a side of its own, and its ticket at the head of the agent's list."""
        crossing = [o for o in self.orders if o.book == order.book and o.side != order.side]
        if order.lots > 10_000 or any((o.price - order.price) * (1 - 2 * order.side) <= 0 for o in crossing):
            return
        row = (order.book, order.side, order.price, order.lots, GUEST, 0)
        live = self.books.pool["generation"] % 2 == 1
        submit_many(np.array([row], np.int64), *self.books)
        slot = int(np.flatnonzero((self.books.pool["generation"] % 2 == 1) & ~live)[0])
        ticket = self.ledger.tickets[k]
        ticket["handle"] = slot | int(self.books.pool["generation"][slot]) << 32
        ticket["older"], self.ledger.accounts[GUEST]["newest_order"] = self.ledger.accounts[GUEST]["newest_order"], k
        self.orders.append(order)

    def said(self, order: Order, but: int = -1) -> str:
        row = np.array([order.book, order.side, order.price, order.lots, GUEST, 0], np.int64)
        status = admit(row, np.int64(but), np.int64(self.mark), self.books, self.ledger, self.risk)
        return WORDS[int(status)]

    def closes(self) -> list[Order]:
        """Orders that would close all of the position that its open orders leave, and one lot more."""
        side = 1 if self.account.lots > 0 else 0
        left = abs(self.account.lots) - sum(o.lots for o in self.orders if (o.book, o.side) == (0, side))
        return [Order(0, side, self.mark // 2, lots) for lots in (left, left + 1) if lots > 0]

    def tickets(self) -> list[int]:
        """Of its open orders, oldest first, like ``orders``."""
        out, k = [], int(self.ledger.accounts[GUEST]["newest_order"])
        while k >= 0:
            out.append(k)
            k = int(self.ledger.tickets[k]["older"])
        return out[::-1]


def test_reservations_and_answers_are_those_of_the_slow_rules():
    seen = dict.fromkeys(WORDS.values(), 0)
    for seed in range(CASES):
        case = Case(seed)
        got = account_of(np.int64(GUEST), case.books, case.ledger, case.risk.tiers, np.int64(case.mark))
        expected = reserved(case.account, case.orders, case.mark, case.venue)
        assert (int(got[0]), int(got[1])) == (equity(case.account, case.mark, case.venue), expected)
        for order in [drawn_order(case.rng, case.mark) for _ in range(4)] + case.closes():
            said = case.said(order)
            assert said == answer(case.account, case.orders, order, case.mark, case.venue)
            seen[said] += 1
        for at, ticket in enumerate(case.tickets()):  # a replace gives up what the old order held, and nothing else
            others = case.orders[:at] + case.orders[at + 1 :]
            order = replace(drawn_order(case.rng, case.mark), book=case.orders[at].book, side=case.orders[at].side)
            assert case.said(order, ticket) == answer(case.account, others, order, case.mark, case.venue)
    assert min(seen.values()) > CASES // 4


@pytest.mark.parametrize("worse", [False, True])
def test_what_is_admitted_leaves_initial_margin_whatever_part_of_it_fills(worse):
    """At one rate of margin: each order filled in part, at its price (``worse``) or at mark where it takes; every
    lot a fill of its own, so that fees are rounded most often.
    """
    checked = 0
    for seed in range(CASES):
        case = Case(seed, flat=True)
        order = drawn_order(case.rng, case.mark)
        if order.lots > 10_000 or case.said(order) != "ok":
            continue
        orders = [*case.orders, order]
        if reserved(case.account, orders, case.mark, case.venue) > equity(case.account, case.mark, case.venue):
            continue  # admitted because it can only close
        cash, lots, unit = case.account.cash, case.account.lots, case.venue.unit
        for o in orders:
            part = int(case.rng.integers(0, o.lots + 1))
            price = o.price if worse else order_value(o, case.mark, case.venue) // (o.lots * unit)
            paid = (1 - 2 * o.side) * price * unit
            fee = case.venue.fee(o.book, abs(paid))
            if o.book == 0:
                cash, lots = cash - part * (paid + fee), lots + part * (1 - 2 * o.side)
            elif o.side == 0:
                cash -= part * (o.price * unit + case.venue.fee(1, o.price * unit))
        after = replace(case.account, cash=int(cash), lots=lots)
        needed = case.venue.initial(-(-abs(lots) * case.mark * unit // 2), case.account.least)
        assert equity(after, case.mark, case.venue) >= needed
        checked += 1
    assert checked > CASES // 5
