"""A room with accounts, one book and the liquidation engine, and no participant: what clearing does can be computed.

Prices in ticks, money in units of one tick x lot, unless a test says otherwise. Rows: 0-5 the venue's, 6 the market
maker whose orders rest and who holds the other side of everything, then the accounts of the test.
"""

from typing import Any

import numpy as np

from sim.kernels.clock import CLOCK
from sim.kernels.ledger import ACCOUNT, FLOWS, FUND, GUEST_FILL, RULES, TICKET
from sim.kernels.liquidation import ENGINE, UNLIMITED
from sim.kernels.margin import TIER
from sim.kernels.marks import PRICE
from sim.kernels.memory import allocate_books
from sim.schema import EVENT
from tests.market.drivers import deleverage_one, pay_funding, scan, submit_many

Array = np.ndarray[Any, Any]
MAKER, FIRST = 6, 7
FLAT = np.array([(1 << 62, 10_000, 0, 0)], TIER)


class Rig:
    """Accounts of (cash, lots) at a mean cost of ``entry`` ticks; levels of (price, lots) rest on each side."""

    def __init__(
        self,
        cash: Any,
        lots: Any,
        entry: Any,
        bids: Any = (),
        asks: Any = (),
        tiers: Array = FLAT,
        fund: int = 0,
        ceiling_ticks: int = 200_000,
        window: int = 16_384,
        unit: int = 1,
        **engine: int,
    ) -> None:
        lots = np.asarray(lots, np.int64)
        n, n_orders = FIRST + lots.size, len(bids) + len(asks)
        self.books = allocate_books([window, 64], n_orders + 8, n_orders + 9, n, 1)
        orders = [(0, s, p, k, MAKER, 0) for s, side in enumerate((bids, asks)) for p, k in side]
        submit_many(np.array(orders, np.int64).reshape(-1, 6), *self.books)
        self.accounts = np.zeros(n, ACCOUNT)
        self.accounts["bucket"] = self.accounts["first_forced_us"] = -1
        self.accounts["key"] = self.accounts["rank"] = np.arange(n)
        people = self.accounts[FIRST:]
        people["cash_micro"], people["leveraged"] = cash, 1
        position = self.books.positions[0]
        position[FIRST:] = lots
        position[MAKER] = -lots.sum()
        self.accounts["held_lots"] = position
        people["entry_micro"] = lots * np.asarray(entry, np.int64) * unit
        # the maker is at a loss, so that it is never deleveraged, and rich
        self.accounts[MAKER]["entry_micro"] = position[MAKER] * (1 if position[MAKER] < 0 else ceiling_ticks) * unit
        self.accounts[MAKER]["cash_micro"] = 1 << 50
        self.accounts[FUND]["cash_micro"] = fund
        self.clock = np.zeros(1, CLOCK)
        self.clock["tick_us"] = self.clock["scan_every_us"] = 1_000_000
        self.clock["open_interest_lots"] = np.maximum(position, 0).sum()
        self.rules = np.zeros(2, RULES)
        self.rules["micro_per_tick_lot"], self.rules["order_bound_ppm"] = unit, 50_000
        self.rules["band_low_ticks"], self.rules["band_high_ticks"] = 1, 1 << 30
        self.engine = np.zeros(1, ENGINE)
        self.engine["slice_share_ppm"], self.engine["slice_band_ppm"] = 1_000_000, 900_000
        self.engine["order_bound_ppm"], self.engine["pace_cap_micro_per_s"] = 500_000, UNLIMITED
        self.engine["ceiling_half_ticks"], self.engine["bucket_shift"] = 2 * ceiling_ticks, 6
        self.engine["end_watched"], self.engine["first_watched"] = n, FIRST
        n_buckets = (2 * ceiling_ticks >> 6) + 1
        self.engine["bottom"] = n_buckets - 1
        for name, value in engine.items():
            self.engine[name] = value
        self.tiers, self.events, self.price = tiers, np.zeros(4 * n + 64, EVENT), np.zeros(1, PRICE)
        self.heads, self.queue = np.zeros((2, n_buckets), np.int32), np.zeros(n + 8, np.int64)
        self.rest = (np.zeros(2, FLOWS), np.zeros(1, TICKET), np.full(n_orders + 9, -1, np.int64))
        self.ranked, self.score, self.shares = np.zeros(n, np.int64), np.zeros(n), np.zeros((3, n), np.int64)
        self.hung_to = FIRST

    @property
    def room(self) -> tuple[Any, ...]:
        """Arrays in the order of the compiled doors, up to the engine's."""
        return (
            self.clock, *self.books, self.accounts, self.rules, *self.rest, np.zeros(0, GUEST_FILL),
            self.tiers, self.engine, self.heads, self.queue, self.events, self.ranked, self.score, self.shares,
        )  # fmt: skip

    def scan(self, mark: int) -> Array:
        """One engine scan at a mark in half ticks; the events it wrote."""
        self.clock["n_events"] = 0
        now = int(self.engine[0]["next_scan_us"])
        self.price["mark_half_ticks"], self.price["index_us"] = mark, now
        end = self.accounts.size
        scan(np.int64(self.hung_to), np.int64(end), np.int64(now), *self.room, self.price, np.zeros(30, np.int64))
        self.hung_to = end
        return self.events[: int(self.clock[0]["n_events"])].copy()

    def hang(self) -> None:
        """Hang all accounts where they belong and scan nothing."""
        end = np.int64(self.accounts.size)
        self.engine["next_scan_us"] = 1
        scan(np.int64(self.hung_to), end, np.int64(0), *self.room, self.price, np.zeros(30, np.int64))
        self.hung_to = int(end)

    def deleverage(self, a: int, mark: int) -> None:
        """Close an account against ranked counterparties."""
        self.engine["ranked_side"] = self.clock["n_events"] = 0
        deleverage_one(np.int64(a), np.int64(mark), *self.room)

    def pay_funding(self, mark: int, rate_ppb: int) -> None:
        """One funding payment."""
        self.clock["n_events"] = 0
        self.price["mark_half_ticks"], self.price["rate_ppb"] = mark, rate_ppb
        self.price["funding_due"] = self.price["funding_on"] = 1
        pay_funding(*self.room, self.price, np.zeros(30, np.int64))

    def best_bid(self) -> int:
        """Best bid in ticks; 0 when there is none."""
        best = -int(self.books.sides[0]["best"])
        return best if best > 0 else 0

    def sell(self, lots: int) -> None:
        """An order of somebody else that takes bids; its fills are left unsettled, since only accounts are watched."""
        submit_many(np.array([(0, 1, 1, lots, 0, 1)], np.int64), *self.books)
        self.books.cursor["n_fills"] = 0

    def last(self) -> int:
        """Price of the last trade in ticks."""
        return int(self.books.book[0]["last_ticks"])

    def equity(self, mark: int) -> Array:
        """Equity of every row at a mark in half ticks, floored."""
        unit = int(self.rules[0]["micro_per_tick_lot"])
        return self.accounts["cash_micro"] + (self.books.positions[0] * mark * unit >> 1)

    def totals(self) -> tuple[int, ...]:
        """What no event may change: all cash, and all positions, as kept by the book and as settled."""
        return tuple(
            int(x.sum())
            for x in (
                self.accounts["cash_micro"] + self.accounts["free_micro"],
                self.books.positions[0],
                self.accounts["held_lots"],
            )
        )
