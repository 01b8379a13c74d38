"""A room of a few accounts on one mark, without orders, in which the clearing kernels do what they do in a market.

Rows as in a market: the venue's own first (among them the insurance fund), then the accounts of the question, the
first of which is the one to be closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from sim.calculator.grid import Frame
from sim.kernels.clock import CLOCK
from sim.kernels.ladder import ENGINE
from sim.kernels.ledger import ACCOUNT, FIRST_MAKER, FLOWS, FUND, GUEST_FILL, NO_TICKET, PERP, RULES, TICKET
from sim.kernels.marks import PRICE
from sim.kernels.memory import MIN_WINDOW, allocate_books
from sim.schema import EVENT

FIRST = int(FIRST_MAKER)
N_BUCKETS = 1 << 10


@dataclass(frozen=True)
class Room:
    """Arrays in the order of the compiled doors, and what turns their integers back.

    Attributes
    ----------
    arrays : tuple
        Price, clock, books, ledger and risk.
    quantum, lot, tick : Fraction
        Dollars of a unit of money, coins of a lot, dollars of a tick.
    """

    arrays: tuple[Any, ...]
    accounts: Any
    positions: Any
    events: Any
    clock: Any
    quantum: Fraction
    lot: Fraction
    tick: Fraction

    @property
    def written(self) -> Any:
        """Events since the start."""
        return self.events[: int(self.clock[0]["n_events"])]


def room_of(frames: Sequence[Frame], mark: int, fund: int, adl_rule: int, kind: int = 0, previous: int = 0) -> Room:
    """Make a room.

    Parameters
    ----------
    frames : sequence of Frame
        One account of one linear position each, on the venue's grid; ties of a ranking go to the earlier.
    mark : int
        Half ticks.
    fund : int
        Money of the insurance fund, in quanta.
    adl_rule : int
        Place of a rule in ``kernels.adl.ADL_RULES``.
    kind : int
        Place of an engine in ``kernels.engines.ENGINES``.
    previous : int
        Half ticks at which a vault's position is closed against others.

    Returns
    -------
    Room
        In which nothing has happened yet.
    """
    legs = [next(iter(frame.legs.values())) for frame in frames]
    n = FIRST + len(legs)
    books = allocate_books([MIN_WINDOW, MIN_WINDOW], 1, 8, n, 0)
    accounts, engine, clock, rules = np.zeros(n, ACCOUNT), np.zeros(1, ENGINE), np.zeros(1, CLOCK), np.zeros(2, RULES)
    accounts["bucket"] = accounts["first_forced_us"] = -1
    accounts["key"] = accounts["rank"] = np.arange(n)
    accounts["newest_order"] = NO_TICKET
    accounts[FUND]["cash_micro"] = fund
    people = accounts[FIRST:]
    people["cash_micro"] = [frame.money + leg.cash for frame, leg in zip(frames, legs, strict=True)]
    people["entry_micro"] = [-leg.cash for leg in legs]
    people["held_lots"] = [leg.lots for leg in legs]
    people["leveraged"] = 1
    books.positions[PERP, FIRST:] = people["held_lots"]
    clock["open_interest_lots"] = np.maximum(people["held_lots"], 0).sum()
    rules["micro_per_tick_lot"] = legs[0].unit
    ceiling = max(leg.ceiling for leg in legs)
    engine["adl_on"], engine["adl_rule"], engine["ceiling_half_ticks"] = 1, adl_rule, ceiling
    engine["bucket_shift"] = max(0, (ceiling // N_BUCKETS).bit_length())
    engine["kind"] = kind
    engine["first_watched"], engine["end_watched"], engine["bottom"] = FIRST, n, N_BUCKETS - 1
    events = np.zeros(4 * n + 8, EVENT)
    ledger = (accounts, rules, np.zeros(2, FLOWS), np.zeros(1, TICKET), np.zeros(2, np.int64), np.zeros(0, GUEST_FILL))
    heads, queue = np.zeros((4, N_BUCKETS + 2), np.int32), np.zeros(n, np.int64)
    risk = (legs[0].tiers, engine, heads, queue, events, np.zeros(n, np.int64), np.zeros(n), np.zeros((3, n), np.int64))
    terms = legs[0].terms
    price = np.zeros(1, PRICE)
    price["mark_half_ticks"], price["previous_half_ticks"] = mark, previous
    arrays = (price, clock, *books, *ledger, *risk)
    return Room(arrays, accounts, books.positions[PERP], events, clock, frames[0].quantum, terms.lot, terms.tick)
