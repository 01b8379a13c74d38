"""Several markets in one time: each runs its own ticks, and between two ticks they are coupled."""

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.behaviours.bridge import Bridge
from sim.errors import InvariantError, ScenarioError
from sim.kernel_cache import COUPLING, compiling
from sim.kernels.clock import DONE, GROW, SWITCH
from sim.kernels.fund_levels import SharedFunds
from sim.kernels.rounds import LISTING, STATUS, TICK
from sim.market import BLOCK
from sim.network.clocks import change_clocks, is_any_shock_near, is_change_due, last_tick
from sim.network.links import Place, own_ladders, shared_arrays
from sim.network.packing import pack, spooled
from sim.network.rounds import Rounds
from sim.network.watch import Watch, Watched

if TYPE_CHECKING:
    from sim.behaviours.maker_purse import Purses
    from sim.kernels.portfolios import Portfolios
    from sim.kernels.references import References
    from sim.kernels.shared import Shared
    from sim.kernels.transit import Wallets
    from sim.market import Market
    from sim.scenario.spec import Spec
    from sim.state import Array

RELEASE_US = 600_000_000  # of the scenario's time between two times that written rows are given up; each costs a while


@dataclass(slots=True)
class Couplings:
    """Rooms of ``sim.coupling.couple`` beside the shared arrays; see the modules that own them."""

    listings: "Array"
    refs: "References"
    wallets: "Wallets"
    desk: "Array"
    assets: "Array"
    stock: "Array"
    shared_fund: "Array"
    portfolios: "Portfolios"
    purses: "Purses"

    def by_room(self) -> tuple[tuple["Array", ...], ...]:
        """What ``couple`` takes beside the shared arrays."""
        desk = Bridge(self.desk, self.assets, self.stock)
        return self.refs, self.wallets, desk, SharedFunds(self.shared_fund), self.portfolios, self.purses


@dataclass
class Network:
    """Markets that run together.

    Attributes
    ----------
    spec : Spec
        The scenario with its listings.
    seed : int
    markets : dict
        Name of each listing to its ``sim.market.Market``; the first leads.
    couplings : Couplings
    """

    spec: "Spec"
    seed: int
    markets: dict[str, "Market"]
    couplings: Couplings
    names: dict[str, list[str]] = field(default_factory=dict)  # of assets, exchanges and quotes, by their numbers

    def __post_init__(self) -> None:
        self._rounds = Rounds()
        self.places: list[Place] = []
        self.start_seed = self.seed
        self.lineage: dict[str, Any] | None = None  # of a forked network: what it was forked from
        for k, market in enumerate(self.markets.values()):
            rows = self.couplings.listings["asset"] == self.couplings.listings["asset"][k]
            market.peers = self.markets
            market.same_asset = [one for one, mine in zip(self.markets.values(), rows, strict=True) if mine]
        self._link()
        self.spool = spooled([market.state for market in self.markets.values()])
        with compiling(COUPLING):
            self._run_ticks(self.tick)  # none, but what runs them
        self.watch = Watch()
        self.watch.begin(self)

    @property
    def lead(self) -> "Market":
        """The market of the first listing."""
        return next(iter(self.markets.values()))

    @property
    def time(self) -> float:
        """Seconds from the scenario's start."""
        return float(self.lead.time)

    @property
    def tick(self) -> int:
        """Number of the tick that runs next."""
        return self.lead.state.tick

    @property
    def audit(self) -> bool:
        """Whether every tick ends with a check of all conservation laws, of each listing and of the whole."""
        return self.lead.audit

    @audit.setter
    def audit(self, on: bool) -> None:
        for market in self.markets.values():
            market.audit = on

    def run_until(self, end_time: float) -> None:
        """Run to ``end_time`` seconds from the start, the events of every market included."""
        if not math.isfinite(end_time):
            raise ScenarioError(f"cannot run until {end_time:g} s: give a finite number of seconds")
        while self.time < end_time:
            looks = self.watch.next_s(int(self.lead.state.clock[0]["tick_us"]))
            then = min(end_time, looks, *(market.next_event_s() for market in self.markets.values()))
            self._run_to(then)
            for market in self.markets.values():
                market.pass_until(then)
            if self.watch.look(self) and self.watch.next_us % RELEASE_US == 0:
                self.spool.release()

    def run_for(self, duration: float) -> None:
        """Run ``duration`` more seconds."""
        self.run_until(self.time + duration)

    def sync(self) -> None:
        """Nothing is left to run: a network is brought up to its time by ``run_until``."""

    def _link(self) -> None:
        """Put the listings' arrays together; again after an account was opened, which makes longer ones."""
        states = [market.state for market in self.markets.values()]
        for state, place in zip(states, self.places, strict=False):  # none the first time
            state.books = own_ladders(state.books, place)
        linked = shared_arrays(states, self.couplings.listings)
        self._shared: Shared = linked[0]
        self.places = linked[1]
        pack(states, self._shared)
        legs, listings = self.couplings.portfolios.legs, self.couplings.listings
        leg_of = np.full(len(self._shared.accounts), -1, np.int64)
        leg_of[listings["account0"][legs["listing"]] + legs["row"]] = np.arange(len(legs))
        self.couplings.portfolios = self.couplings.portfolios._replace(leg_of=leg_of)
        self._linked = [state.accounts for state in states]
        self.totals = self._totals()  # accounts are opened with deposits

    def _run_to(self, then_s: float) -> None:
        """Run the ticks that end by a time, on either clock."""
        while True:
            if is_any_shock_near(self):
                change_clocks(self)
            elif (target := last_tick(self, then_s)) > self.tick:
                self._run_ticks(target)
            else:
                return

    def _run_ticks(self, target: int) -> None:
        """Run up to a tick, or to the end of one after which all change their clock."""
        markets = list(self.markets.values())
        states = [market.state for market in markets]
        if any(state.accounts is not linked for state, linked in zip(states, self._linked, strict=True)):
            self._link()
        tick_us = int(self.lead.state.clock[0]["tick_us"])
        rounds = self._rounds
        rounds.set((self._shared, *self.couplings.by_room()), [state.packed_rooms() for state in states])
        at = np.array([0, self.tick, DONE], np.int64)
        while self.tick < target:
            if any(market.changes for market in markets):
                for market in markets:
                    market.apply_changes()
                rounds.set((self._shared, *self.couplings.by_room()), [state.packed_rooms() for state in states])
            stop = min([target, self.tick + BLOCK, *(market.changes[0].tick for market in markets if market.changes)])
            stop = self.tick + 1 if self.audit else stop
            asked = False
            rounds.run(at, stop, tick_us)
            while at[STATUS] != DONE:
                k = int(at[LISTING])
                if at[STATUS] == SWITCH:  # its tick has run: the others' follow
                    asked, stop = True, int(at[TICK]) + 1
                    at[LISTING], at[STATUS] = k + 1, DONE
                    rounds.run(at, stop, tick_us)
                    continue
                if at[STATUS] != GROW:
                    markets[k].refuse(int(at[STATUS]))
                    raise InvariantError(f"{list(self.markets)[k]}: the tick from {self.time:g} s raised an error")
                states[k].grow()
                rounds.replace(k, states[k].packed_rooms())
                rounds.run(at, stop, tick_us)
            if self.audit:
                self._check_totals(self.tick - 1)
            if asked and is_change_due(self):
                change_clocks(self)
                return

    def _totals(self) -> dict[str, int]:
        """Cash of every money, and coins of every asset, over all listings and on their way, without what institutions
        brought in.
        """
        listings, seats = self.couplings.listings, self.couplings.wallets.seats
        out: dict[str, int] = {}
        for k, market in enumerate(self.markets.values()):
            clock, row = market.state.clock[0], listings[k]
            for kind, name, value in (
                (0, f"quote {row['quote']}", int(clock["cash_micro"]) - market.deposited[0]),
                (1, f"asset {row['asset']}", int(clock["coin_lots"]) - market.deposited[1]),
            ):
                out[name] = out.get(name, 0) + value + int(seats[:, k, kind]["on_way"].sum())
        return out

    def _check_totals(self, tick: int) -> None:
        if (now := self._totals()) != self.totals:
            wrong = [name for name in now if now[name] != self.totals[name]]
            raise InvariantError(f"tick {tick}: totals over all listings changed: {', '.join(wrong)}")

    def view(self, listing: str, latency_s: float = 0.0) -> Any:
        """The touch, mark and index of one listing; see ``Market.view``."""
        return self.markets[listing].view(latency_s)

    def collect(self, copy: bool = True) -> dict[str, Any]:
        """What each listing has recorded so far: name to ``RunArrays``; ``copy=False`` as for a market."""
        return {name: market.collect(copy) for name, market in self.markets.items()}

    def ledgers(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Rows of the ledgers of each listing's institutions."""
        return {name: market.ledgers() for name, market in self.markets.items()}

    def watched(self) -> Watched:
        """Whose the accounts are, what the liquidated had, and what was on its way each minute."""
        return self.watch.collect(self)

    def state_hashes(self) -> dict[str, str]:
        """SHA-256 over everything that defines results, of each listing and, as ``network``, of what couples them."""
        digest = hashlib.sha256()
        portfolios = self.couplings.portfolios
        for array in (
            *self.couplings.wallets[:2], self.couplings.desk, self.couplings.assets,
            portfolios.all, portfolios.collateral, portfolios.moved,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(array))
        hashes = {}
        for name, market in self.markets.items():
            hashes[name] = market.state_hash()
            self.spool.release()
        return hashes | {"network": digest.hexdigest()}

    def state_hash(self) -> str:
        """One SHA-256 over all of ``state_hashes``."""
        return hashlib.sha256("".join(f"{k}={v};" for k, v in self.state_hashes().items()).encode()).hexdigest()
