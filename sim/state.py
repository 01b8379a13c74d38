"""All arrays of one market."""

from dataclasses import dataclass, fields
from operator import attrgetter, is_
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.behaviours.arbitrage import Arbitrage
from sim.behaviours.background import Background
from sim.behaviours.dip_buyer import DipBuyers
from sim.behaviours.latent import Latent
from sim.behaviours.leveraged import People
from sim.behaviours.market_maker import Makers
from sim.behaviours.news import News
from sim.behaviours.trend import Trend
from sim.errors import CapacityError
from sim.kernels._jit import Packed
from sim.kernels.book import Books
from sim.kernels.clock import GROW
from sim.kernels.fund_drop import FundDrop
from sim.kernels.ladder import Risk
from sim.kernels.ledger import GUEST_FILL, Ledger
from sim.kernels.mailbox import ROW_BITS, Mail
from sim.kernels.marks import Prices
from sim.kernels.memory import grow_fills, grow_pool
from sim.kernels.recording import Tape
from sim.kernels.safeguards import Safeguards
from sim.tick import Desk, advance

Array = npt.NDArray[Any]
EVENTS_OF_AN_ACCOUNT = 6  # rows in one tick: its share of the declared maximum, see build.py
MOST_ROWS = 1 << int(ROW_BITS)  # of one growing room: beyond any run that fits a machine, it catches a runaway


@dataclass(slots=True)
class State:
    """Every integer and float that a tick reads or writes; see the module that owns each record type.

    Notes
    -----
    Only growing rooms are ever replaced (by longer copies, between ticks); slots, tickets, handles and rows stay valid.
    """

    key: Array
    clock: Array
    books: Books
    accounts: Array
    rules: Array
    flows: Array
    tickets: Array
    slot_ticket: Array
    guest_fills: Array
    messages: Array
    order: Array
    keys: Array
    starts: Array
    inbox: Array
    draws: Array
    tiers: Array
    engine: Array
    heads: Array
    queue: Array
    events: Array
    ranked: Array
    score: Array
    shares: Array
    price: Array
    samples: Array
    rows: Array
    bands: Array
    quotes: Array
    news: Array
    ramps: Array
    seen: Array
    moods: Array
    news_keys: Array
    crowd: Array
    knots: Array
    metaorders: Array
    layers: Array
    mass: Array
    stamp_us: Array
    settled: Array
    offered: Array
    firms: Array
    caution: Array
    quoting: Array
    distance: Array
    rung_lots: Array
    arbitrageurs: Array
    arbitrage: Array
    dip_buyers: Array
    dip_bids: Array
    trend_funds: Array
    trend: Array
    conduct: Array
    persons: Array
    closing: Array
    triggers: Array
    trigger_heads: Array
    past_marks: Array
    safeguards: Array
    looks: Array
    fund_drop: Array
    fund_peaks: Array
    pace: Array
    packed: Packed | None = None
    packed_of: tuple[Any, ...] = ()

    @property
    def tick(self) -> int:
        """Number of the tick that runs next."""
        return int(self.clock[0]["tick"])

    def by_room(self) -> tuple[tuple[Array, ...], ...]:
        """All arrays, in the rooms in which kernels take them."""
        return (
            Desk(self.key, self.inbox, self.draws, self.pace),
            self.books,
            self.ledger(),
            Mail(self.messages, self.order, self.keys, self.starts),
            Risk(self.tiers, self.engine, self.heads, self.queue, self.events, self.ranked, self.score, self.shares),
            Prices(self.price, self.samples),
            Tape(self.rows, self.bands, self.quotes),
            News(self.news, self.ramps, self.seen, self.moods, self.news_keys),
            Background(self.crowd, self.knots, self.metaorders),
            Latent(self.layers, self.mass, self.stamp_us, self.settled, self.offered),
            Makers(self.firms, self.caution, self.quoting, self.distance, self.rung_lots),
            Arbitrage(self.arbitrageurs, self.arbitrage),
            DipBuyers(self.dip_buyers, self.dip_bids),
            Trend(self.trend_funds, self.trend),
            People(self.conduct, self.persons, self.closing, self.triggers, self.trigger_heads, self.past_marks),
            Safeguards(self.safeguards, self.looks),
            FundDrop(self.fund_drop, self.fund_peaks),
        )

    def packed_rooms(self) -> Packed:
        """All rooms as ``advance`` takes them, laid out anew when an array is another than last time. What the warm-up
        tick took is not kept: a network moves every array after it, and each old one is to go at once.
        """
        if self.tick < 0:
            return Packed(self.by_room())
        rooms = FIELDS(self)
        if self.packed is None or not all(map(is_, rooms, self.packed_of)):
            self.packed, self.packed_of = Packed(self.by_room()), rooms
        return self.packed

    def room(self, name: str) -> Array:
        """An array by its name, here or among those of the books."""
        array: Array = getattr(self.books if name in Books._fields else self, name)
        return array

    def put(self, name: str, array: Array) -> None:
        """Take another array in the place of one, which nothing here holds any more."""
        self.packed, self.packed_of = None, ()
        if name in Books._fields:
            self.books = self.books._replace(**{name: array})
        else:
            setattr(self, name, array)

    def ledger(self) -> Ledger:
        """The room of accounts as kernels take it."""
        return Ledger(
            self.accounts, self.rules, self.flows, self.tickets, self.slot_ticket, self.guest_fills, self.clock
        )

    def run(self, n_ticks: int) -> int:
        """Run whole ticks until ``n_ticks`` are done or one ends badly; grows rooms on the way. Returns the status."""
        end = self.tick + n_ticks
        while self.tick < end:
            status = int(advance(end - self.tick, self.packed_rooms()))
            if status == GROW:
                self.grow()
            elif status != 0:
                return status
        return 0

    def grow(self) -> None:
        """Double every room that has less space than one tick may need."""
        clock = self.clock[0]
        most = int(clock["most_messages"]) + int(clock["n_closing"])
        if len(self.books.pool) - int(self.books.cursor[0]["fresh"]) < int(clock["n_mail"]) + most:
            self.grow_orders()
        if len(self.messages) - int(clock["n_mail"]) < most:
            self.grow_mail()
        if len(self.events) - int(clock["n_events"]) < int(clock["most_events"]):
            self.events = longer(self.events)
        if len(self.rows) <= int(clock["n_rows"]):
            self.rows = longer(self.rows)
        if len(self.bands) <= int(clock["n_bands"]):
            self.bands = longer(self.bands)
        wanted = self.most_guest_fills() if int(clock["n_guests"]) else 0
        if len(self.guest_fills) - int(clock["n_guest_fills"]) < wanted:
            self.guest_fills = longer(self.guest_fills, max(wanted, len(self.guest_fills)))

    def most_guest_fills(self) -> int:
        """Rows that fills of Python agents may need in one tick; ``tick.most_guest_fills`` is its compiled twin."""
        clock = self.clock[0]
        messages = int(clock["n_mail"]) + int(clock["most_messages"]) + int(clock["n_closing"])
        return 2 * (len(self.books.pool) + messages) + int(clock["most_events"])

    def grow_orders(self) -> None:
        """Double the order pool, and with it the fill rows (one message can fill every live order) and the tickets
        of slots.
        """
        capacity = 2 * (len(self.books.pool) - 1)
        if capacity > MOST_ROWS:
            raise CapacityError(f"{capacity // 2} live orders fill the pool; post fewer orders or cancel old ones")
        self.books = grow_fills(grow_pool(self.books, capacity), capacity + 1)
        self.slot_ticket = longer(self.slot_ticket, capacity + 1 - len(self.slot_ticket))

    def grow_mail(self) -> None:
        """Double the mailbox."""
        self.messages = longer(self.messages)
        self.order = longer(self.order)
        self.keys = longer(self.keys)

    def add_owner(self, account: Array) -> int:
        """Append one account row of a Python agent; returns the row."""
        if not len(self.guest_fills):
            self.guest_fills = np.zeros(1, GUEST_FILL)
        return self.add_owners(account)

    def add_owners(self, accounts: Array) -> int:
        """Append account rows without positions, and places in every room that holds accounts; returns the first."""
        n = len(accounts)
        self.accounts = np.concatenate([self.accounts, accounts])
        self.ranked, self.score = np.append(self.ranked, np.zeros(n, np.int64)), np.append(self.score, np.zeros(n))
        self.shares = np.zeros((3, len(self.accounts)), np.int64)
        self.queue = np.append(self.queue, np.zeros(n, np.int64))
        self.clock[0]["most_events"] += EVENTS_OF_AN_ACCOUNT * n
        positions = self.books.positions
        columns = np.zeros((len(positions), n), np.int64)
        self.books = self.books._replace(positions=np.ascontiguousarray(np.hstack([positions, columns])))
        return len(self.accounts) - n


ROOMS = tuple(field.name for field in fields(State) if field.name not in ("packed", "packed_of"))
FIELDS = attrgetter(*ROOMS)


def longer(array: Array, by: int = 0) -> Array:
    """A copy with at least twice the rows, or ``by`` more where given; new rows are zero.

    Raises
    ------
    CapacityError
        Past 2^26 rows.
    """
    n = len(array) + max(by, 0 if by else len(array), 1)
    if n > MOST_ROWS:
        raise CapacityError(
            f"a room of {array.dtype.names or array.dtype} would need {n} rows; shorten the run or record less often"
        )
    out = np.zeros((n, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out
