"""The market as a Mesa model: it owns time, agents and events; between two events compiled ticks run.

``model.time`` is in seconds from the scenario's start. ``sync`` runs exactly the ticks that end at or before
``model.time``; it is the first act of every view, order, shock and event, so results do not depend on how time is
cut (DECISIONS 4, 5).
"""

import heapq
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import mesa
import numpy as np
from mesa.time import Priority as Priority

from sim import units
from sim.agents import DESKS, INSTITUTIONS, Institution
from sim.errors import CapacityError, InvariantError, ScenarioError
from sim.kernels.clock import FAULT, OVERFLOW, SWITCH
from sim.kernels.invariants import LAWS
from sim.kernels.ledger import ACCOUNT, NO_TICKET
from sim.kernels.liquidation import scan_rank
from sim.kernels.recording import QUOTE_RING
from sim.layout import GUEST_KEY, INSTITUTION_KEY
from sim.pace import change_clock, is_shock_near, ticks_to_shock
from sim.recorder import RunArrays, collect, state_hash
from sim.shocks import SHOCKS
from sim.state import State, longer
from sim.view import BOOKS, View

if TYPE_CHECKING:
    from sim.scenario.spec import Spec
    from sim.settings.venue import VenueSettings

BLOCK = 600  # ticks in one compiled call: keeps Ctrl-C alive, changes no result


def stop_default_step(model: mesa.Model) -> None:
    """Stop the event that Mesa 3.5 schedules each 1.0 of time by default: it would do nothing, 28 CPU-seconds in six
    weeks of it.

    The attribute is private to Mesa; tests/market/test_mesa.py pins that it exists and that nothing is scheduled
    afterwards.
    """
    schedule = getattr(model, "_default_schedule", None)
    if schedule is not None:
        schedule.stop()


class Call:
    """A function that is called at an event, after the ticks that end by then."""

    def __init__(self, market: "Market", function: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.market, self.function, self.args = market, function, args

    def __call__(self) -> None:
        """Bring the market up to date, then call."""
        self.market._kept.discard(self)
        self.market.sync()
        self.function(*self.args)


class Change(NamedTuple):
    """A function that is called at the start of a tick; ``number`` keeps the order in which they were queued."""

    tick: int
    number: int
    function: Callable[..., None]
    args: tuple[Any, ...]


class Market(mesa.Model):  # type: ignore[misc]  # Mesa has no types
    """One simulated market. Made by ``sim.build.build``; see ``run``, ``run_until``, ``view``, ``collect``.

    Parameters
    ----------
    spec : Spec
    seed : int
    state : State
        Filled by the build; the warm-up tick that seeds the books runs here.
    tick_usd, lot_coin : float
        Units of both books.
    venue : VenueSettings, optional
        The rules it was built with; without them it cannot be saved.
    begins : bool
        False for a market that ``sim.snapshot.resume`` fills: no warm-up tick, and nothing is scheduled.

    Attributes
    ----------
    audit : bool
        When true every tick ends with a check of all conservation laws, exact; about 1 ms a tick.
    block : int
        Most ticks in one compiled call; changes no result.
    """

    def __init__(
        self, spec: "Spec", seed: int, state: State, tick_usd: float, lot_coin: float,
        venue: "VenueSettings | None" = None, begins: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(rng=seed)
        stop_default_step(self)
        self.spec = spec
        self.venue = venue
        self.seed = seed
        self.state = state
        self.tick_usd = tick_usd
        self.lot_coin = lot_coin
        self.block = BLOCK
        self.step = self._one_second
        self.n_tickets = len(state.tickets)  # in use; the room may be longer
        self.n_path_ramps = len(state.ramps)  # the first of the ramps, those of the scenario's news path
        self.start_seed = seed  # of what was drawn at the start; a fork may go on with another seed
        self.lineage: dict[str, Any] | None = None  # of a forked market: what it was forked from
        self.changes: list[Change] = []  # a heap, by tick and number
        self.n_changes = 0  # queued so far
        self.in_force: dict[str, list[Any]] = {}  # shocks that hold now, by what they change, see sim/shocks/held.py
        self.news_loading = 1.0  # of a listing: log move of its value for one of the news that all share
        self.agent_latency_factor = 1.0  # on the order latency of Python agents, moved by shocks
        self._kept: set[Call] = set()  # Mesa keeps weak references to what it calls
        if begins:
            self._run_ticks(1)
            if spec.clock.slow_tick is not None and spec.clock.start == "slow":
                change_clock(self)
        for desk in DESKS:
            desk(self)
        self.institutions: list[Institution] = []  # those of the scenario, in the order of INSTITUTIONS
        self.same_asset: list[Market] = [self]  # of a network: the markets that have one news value with this one
        self.peers: Mapping[str, Market] = {}  # of a network: its markets by listing
        self.deposited = [0, 0]  # micro-dollars and lots that institutions brought in since this object was made
        self.shocks: list[Any] = [None] * len(spec.shocks)  # desk of each shock of the scenario; None for size zero
        if begins:
            for k in range(len(spec.shocks)):
                self.seat_shock(k)
                self.schedule_shock(k)

    def seat_shock(self, k: int) -> None:
        """Make the desk of shock ``k`` of the scenario."""
        shock = self.spec.shocks[k]
        self.shocks[k] = SHOCKS[shock.kind](self, shock)

    def schedule_shock(self, k: int) -> None:
        """Put the events of a shock that is new into the calendar."""
        if self.shocks[k] is not None:
            self.shocks[k].schedule()

    def seat_institutions(self, saved: Mapping[str, Any] | None = None) -> None:
        """Make the institutions that the scenario has, open their accounts and let them plan; after everybody else,
        whose account rows they follow. With what was ``saved`` of them they take it up instead; one that was switched
        off since is not made.
        """
        for cls in INSTITUTIONS:
            if not cls.is_in(self.spec) or not (saved is None or cls.NAME in saved):
                continue
            if saved is not None:
                self.agent_id_counter = saved[cls.NAME]["id"]
            desk = cls(self)
            self.institutions.append(desk)
            if saved is None:
                desk.begin()
            else:
                desk.restore(saved[cls.NAME]["state"])

    def ledgers(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of each institution's ledger, by its name."""
        self.sync()
        return {desk.NAME: desk.ledger() for desk in self.institutions}

    # --- time
    # -----------------------------------------------------------------------------------------------------------------

    @property
    def time_us(self) -> int:
        """Model time in whole microseconds."""
        return units.nearest_us(self.time)

    @property
    def audit(self) -> bool:
        """Whether every tick ends with a check of all conservation laws."""
        return bool(self.state.clock[0]["audit"])

    @audit.setter
    def audit(self, on: bool) -> None:
        self.state.clock[0]["audit"] = int(on)

    def run_until(self, end_time: float) -> None:
        """Run to ``end_time`` seconds from the start, events included; a time already passed does nothing."""
        if not math.isfinite(end_time):
            raise ScenarioError(f"cannot run until {end_time:g} s: give a finite number of seconds")
        if end_time > self.time:
            super().run_until(end_time)
        self.sync()

    def pass_until(self, end_time: float) -> None:
        """As ``run_until`` for a market whose ticks its network has run: only events are left to do, if one is due."""
        if self.next_event_s() <= end_time:
            return self.run_until(end_time)
        self.time = end_time

    def run_for(self, duration: float) -> None:
        """Run ``duration`` more seconds."""
        self.run_until(self.time + duration)

    def run(self) -> RunArrays:
        """Run to the scenario's end and return what was recorded."""
        self.run_until(self.spec.duration)
        return self.collect()

    def _one_second(self) -> None:
        """Mesa's ``step``: one second of model time."""
        self.run_for(1.0)

    def sync(self) -> None:
        """Run every tick that ends at or before model time, applying queued changes at the tick they are due."""
        while is_shock_near(self) or self._ticks_left() > 0:
            if is_shock_near(self):
                change_clock(self)
                continue
            self.apply_changes()
            left = self._ticks_left()
            if self.changes:
                left = min(left, self.changes[0].tick - self.state.tick)
            self._run_ticks(min(left, ticks_to_shock(self), self.block))

    def _ticks_left(self) -> int:
        """Whole ticks from where the state stands to model time."""
        return self.time_us // int(self.state.clock[0]["tick_us"]) - self.state.tick

    def next_event_s(self) -> float:
        """Model time of the next event in the calendar; infinite when there is none.

        Mesa's list of events is private; tests/market/test_snapshot.py pins it.
        """
        waiting = self._event_list
        return float(waiting.peek_ahead(1)[0].time) if not waiting.is_empty() else math.inf

    def apply_changes(self) -> None:
        """Apply the changes that are due at the start of the tick that runs next."""
        while self.changes and self.changes[0].tick <= self.state.tick:
            change = heapq.heappop(self.changes)
            change.function(*change.args)

    def _run_ticks(self, n: int) -> None:
        status = self.state.run(n)
        if status == SWITCH:
            change_clock(self)
        else:
            self.refuse(status)

    def refuse(self, status: int) -> None:
        """Raise what a tick that ended badly means; nothing for one that ended well."""
        clock = self.state.clock[0]
        at = (int(clock["tick"]) - 1) * int(clock["tick_us"]) / units.MICRO
        if status == FAULT:
            raise InvariantError(
                f"tick from {at:g} s: {LAWS[int(clock['fault'])]}; please report the scenario and seed {self.seed}"
            )
        if status == OVERFLOW:
            extra = int(clock["overflow"])
            raise CapacityError(
                f"tick from {at:g} s: {extra} messages above the declared {int(clock['most_messages'])}; "
                "shorten the tick"
            )

    def at(self, seconds: float, function: Callable[..., None], *args: Any) -> None:
        """Call ``function`` at a model time, after the ticks that end by then. Functions of one time run in the
        order given. A run can be saved while it waits when it is a method of an agent and ``args`` are plain values.
        """
        call = Call(self, function, args)
        self._kept.add(call)
        self.schedule_event(call, at=seconds)

    def change(self, function: Callable[..., None], *args: Any) -> None:
        """Queue a change of parameters or state for the start of the first tick that starts at or after now
        (DECISIONS 5). A run can be saved while it waits as with ``at``.
        """
        tick_us = int(self.state.clock[0]["tick_us"])
        first = -(-self.time_us // tick_us)
        heapq.heappush(self.changes, Change(max(first, self.state.tick), self.n_changes, function, args))
        self.n_changes += 1

    # --- accounts and orders
    # --------------------------------------------------------------------------------------------------

    def open_account(self, cash_usd: float, coins: float, initial_ppm: int = units.PPM) -> int:
        """Add a funded account of a Python agent; returns its row. Money and coins enter as a deposit.

        The liquidation engine watches it. ``initial_ppm`` is the least rate of initial margin, in millionths.
        """
        keys = self.state.accounts["key"]
        key = GUEST_KEY + int(np.count_nonzero((keys >= GUEST_KEY) & (keys < INSTITUTION_KEY)))
        return self.open_row(units.micro(cash_usd), units.lots(coins, self.lot_coin), initial_ppm, key)

    def open_row(self, cash_micro: int, coin_lots: int, initial_ppm: int, key: int) -> int:
        """Add an account with a deposit, in whole units, under a random key; returns its row."""
        self.sync()
        row = np.zeros(1, ACCOUNT)
        clock = self.state.clock[0]
        row["cash_micro"] = cash_micro
        units.refuse_overflow(int(clock["cash_micro"]) + cash_micro, "cash of all accounts")
        row["key"] = key
        row["rank"] = scan_rank(self.state.key, row[0]["key"])
        row["bucket"], row["next"], row["prev"], row["first_forced_us"] = -1, -1, -1, -1
        row["leveraged"], row["least_initial_ppm"], row["newest_order"] = 1, initial_ppm, NO_TICKET
        owner = self.state.add_owner(row)
        self.state.books.positions[1, owner] = coin_lots
        clock["n_guests"] += 1
        clock["cash_micro"] += cash_micro
        clock["coin_lots"] += coin_lots
        return owner

    def deposit(self, owner: int, cash_micro: int, coin_lots: int) -> None:
        """Bring money and coins into an account from outside, below 0 out of it; the totals of the conservation laws
        move with them. Whether the account has them is for the caller to ask.
        """
        clock = self.state.clock[0]
        units.refuse_overflow(int(clock["cash_micro"]) + cash_micro, "cash of all accounts")
        self.post_amounts(owner, cash_micro, coin_lots)
        clock["cash_micro"] += cash_micro
        clock["coin_lots"] += coin_lots
        self.deposited[0] += cash_micro
        self.deposited[1] += coin_lots

    def post_amounts(self, owner: int, cash_micro: int, coin_lots: int) -> None:
        """Add to an account's cash and coins; one side of a transfer, or a deposit."""
        self.sync()
        self.state.accounts[owner]["cash_micro"] += cash_micro
        self.state.books.positions[1, owner] += coin_lots

    def new_ticket(self, owner: int | None = None) -> int:
        """Reserve a ticket: the name of one order, valid before and after it reaches the book. That of a Python agent's
        account goes to the head of its open orders.
        """
        state = self.state
        used = self.n_tickets
        if used >= len(state.tickets):
            state.tickets = longer(state.tickets)
        if owner is not None:
            state.tickets[used]["older"] = state.accounts[owner]["newest_order"]
            state.accounts[owner]["newest_order"] = used
        self.n_tickets = used + 1
        return used

    def post(self, row: tuple[int, ...]) -> None:
        """Put one message (fields of MESSAGE, in order) into the mailbox; its arrival must not lie before model
        time.
        """
        self.sync()
        state, clock = self.state, self.state.clock[0]
        if int(clock["n_mail"]) >= len(state.messages):
            state.grow_mail()
        state.messages[int(clock["n_mail"])] = row
        clock["n_mail"] += 1
        state.tickets[row[2]]["pending"] += 1

    def write_event(
        self, kind: int, account: int, lots: int, price_ticks: int, cash_micro: int, at_us: int | None = None
    ) -> None:
        """Add one row to the recorded events, at model time or ``at_us``."""
        state = self.state
        at = int(state.clock[0]["n_events"])
        if at >= len(state.events):
            state.events = longer(state.events)
        state.events[at] = (self.time_us if at_us is None else at_us, kind, account, lots, price_ticks, cash_micro)
        state.clock[0]["n_events"] += 1

    # --- looking
    # --------------------------------------------------------------------------------------------------------------

    def view(self, latency_s: float = 0.0) -> View:
        """The touch, mark and index at the end of the last tick that had ended ``latency_s`` before now."""
        self.sync()
        clock = self.state.clock[0]
        tick_us = int(clock["tick_us"])
        newest = int(clock["tick"])
        ended = min(newest, max(0, (self.time_us - units.nearest_us(latency_s)) // tick_us))
        if newest - ended >= QUOTE_RING:
            raise CapacityError(
                f"latency {latency_s:g} s reaches back more than {QUOTE_RING} ticks; use a shorter one or a longer tick"
            )
        row = self.state.quotes[ended % QUOTE_RING]

        def usd(values: Any) -> dict[str, float | None]:
            return {name: float(values[b]) * self.tick_usd if values[b] else None for name, b in BOOKS.items()}

        half = 0.5 * self.tick_usd
        return View(
            float(row["time_us"]) / units.MICRO, usd(row["bid_ticks"]), usd(row["ask_ticks"]), usd(row["last_ticks"]),
            float(row["mark_half_ticks"]) * half, float(row["index_half_ticks"]) * half,
        )  # fmt: skip

    def collect(self, copy: bool = True) -> RunArrays:
        """What has been recorded so far; ``copy=False`` is for a market that will not go on."""
        self.sync()
        return collect(self, copy)

    def state_hash(self) -> str:
        """SHA-256 over everything that defines results."""
        self.sync()
        return state_hash(self.state)
