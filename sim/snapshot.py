"""The whole state of a market as arrays and plain values, and a market that goes on from them.

Arrays are those of ``State``. Plain values are the calendar, every pending call as (time, owner, method, arguments),
what shocks and agents remember, and the generators of Mesa. Nothing else of a market decides what happens next.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.agents import DESKS
from sim.agents.base import Desk, TradingAgent
from sim.build import contract_of, state_of
from sim.desk_records import agent_record, institution_records, plain, shock_record
from sim.errors import ForkError
from sim.kernels.book import Books
from sim.kernels.memory import aligned_zeros
from sim.market import Call, Change, Market, Priority
from sim.pace import slow_tick_of, turn_keys, write_rates
from sim.rng import seed_key
from sim.scenario.spec import Spec
from sim.settings.venue import VenueSettings
from sim.state import ROOMS, Array, State
from sim.switches import reach_of, refuse_change, refuse_past, turn


@dataclass(frozen=True)
class Snapshot:
    """A market at one time.

    Attributes
    ----------
    arrays : dict
        Copies of every array of ``State``, by name; those of the books as ``books.<name>``.
    record : dict
        Everything else, in plain values that JSON gives back unchanged.
    spec, venue
        What the market was built with.
    classes : dict
        Class of each Python agent, by its name; known where the agents were made in this process.
    """

    arrays: dict[str, Array]
    record: dict[str, Any]
    spec: Spec
    venue: VenueSettings
    classes: Mapping[str, type]

    @property
    def agents(self) -> list[dict[str, Any]]:
        """Records of the Python agents."""
        return list(self.record["agents"])

    def profiles(self) -> dict[str, Any]:
        """The venue's rules, as part of what decides a result."""
        return {"venue": self.venue.model_dump(mode="json")}

    def parts(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Plain values and arrays, as a file keeps them; ``of_parts`` takes them."""
        return {"market": self.record, **self.profiles()}, self.arrays

    @classmethod
    def of_parts(cls, kept: Mapping[str, Any], arrays: Mapping[str, Array], spec: Spec) -> "Snapshot":
        """The snapshot that a file keeps."""
        return cls(dict(arrays), dict(kept["market"]), spec, VenueSettings.model_validate(kept["venue"]), {})


def by_name(classes: Iterable[type]) -> dict[str, type]:
    """Classes of agents by their own name: that of the module may be another one in another script."""
    found: dict[str, type] = {}
    for cls in classes:
        if found.setdefault(cls.__qualname__, cls) is not cls:
            raise ForkError(f"two classes of agents are named {cls.__qualname__}; rename one of them")
    return found


# --- taking one -----------------------------------------------------------------------------------------------------


def take(market: Market, state: State | None = None) -> Snapshot:
    """Copy a market as it stands.

    Parameters
    ----------
    market : Market
    state : State, optional
        Its arrays, where its own are parts of those of a network.

    Raises
    ------
    ForkError
        When an agent has no ``state`` and ``restore`` of its own, or an event is no method of an agent: by name.
    """
    if market.venue is None:
        raise ForkError("this market was made without its venue's rules; make it by build() or scenario.market()")
    market.sync()
    others = [*market.shocks, *market.institutions]
    guests = [agent for agent in market.agents if type(agent) not in DESKS and agent not in others]
    record = {
        "seed": market.seed,
        "start_seed": market.start_seed,
        "time_s": market.time,
        "steps": market.steps,
        "n_tickets": market.n_tickets,
        "n_path_ramps": market.n_path_ramps,
        "n_changes": market.n_changes,
        "agent_latency_factor": market.agent_latency_factor,
        "next_agent": market.agent_id_counter,
        "generator": market.rng.bit_generator.state,
        "random": market.random.getstate(),
        "shocks": [None if desk is None else shock_record(desk) for desk in market.shocks],
        "institutions": institution_records(market),
        "agents": [agent_record(agent) for agent in guests],
        "in_force": {name: [market.shocks.index(desk) for desk in held] for name, held in market.in_force.items()},
        "events": [event_record(market, event) for event in pending(market)],
        "changes": [
            [change.tick, change.number, *address(market, change.function, change.args)]
            for change in sorted(market.changes)
        ],
    }
    classes = by_name(type(agent) for agent in guests)
    arrays = arrays_of(market.state if state is None else state)
    return Snapshot(arrays, plain(record, "the market"), market.spec, market.venue, classes)


def arrays_of(state: State) -> dict[str, Array]:
    """Copies of all arrays, by name."""
    return {name: array.copy() for name, array in named_arrays(state).items()}


def named_arrays(state: State) -> dict[str, Array]:
    """All arrays themselves, by name."""
    found: dict[str, Array] = {}
    for name in ROOMS:
        room = getattr(state, name)
        if isinstance(room, Books):
            found |= {f"{name}.{part}": array for part, array in room._asdict().items()}
        else:
            found[name] = room
    return found


def pending(market: Market) -> list[Any]:
    """Events still to come, in the order in which they will be called.

    Mesa has no public list of all of them; tests/market/test_snapshot.py pins the private one.
    """
    waiting = market._event_list._events
    return sorted(event for event in waiting if not event.CANCELED and event.fn() is not None)


def event_record(market: Market, event: Any) -> list[Any]:
    """Time, priority, whether the market is synced first, and whom the event calls."""
    function = event.fn()
    if isinstance(function, Call):
        return [event.time, int(event.priority), True, *address(market, function.function, function.args)]
    return [event.time, int(event.priority), False, *address(market, function, tuple(event.function_args))]


def address(market: Market, function: Callable[..., None], args: tuple[Any, ...]) -> list[Any]:
    """Owner, method name and arguments of a pending call."""
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    whose = f"a pending call of {getattr(function, '__qualname__', function)}"
    if list(args) != plain(list(args), whose):
        raise ForkError(f"{whose} cannot be saved: its arguments are not numbers, texts and lists")
    for k, desk in enumerate(market.shocks):
        if owner is not None and desk is owner:
            return ["shock", k, name, list(args)]
    for institution in market.institutions:
        if institution is owner:
            return ["institution", institution.NAME, name, list(args)]
    for agent in market.agents:
        if owner is not None and agent is owner:
            return ["agent", agent.unique_id, name, list(args)]
    raise ForkError(f"{whose} cannot be saved: it is no method of an agent; give at() and change() such a method")


# --- going on -------------------------------------------------------------------------------------------------------


def resume(
    snapshot: Snapshot, spec: Spec | None = None, seed: int | None = None, classes: Iterable[type] = (),
    before: State | None = None,
) -> Market:  # fmt: skip
    """Make a market that goes on from a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    spec : Spec, optional
        The scenario from here on; the saved one if not given. See ``sim.switches`` for what may differ.
    seed : int, optional
        Key of the draws from here on; the past keeps its own.
    classes : iterable of type
        Classes of the Python agents, where the snapshot does not know them.
    before : State, optional
        What ``draft`` gives of the saved settings; then ``spec`` is known to fit and is not looked at again.

    Raises
    ------
    ForkError
        When a class is missing, or the record does not fit the scenario.
    ScenarioError
        When a setting differs that a fork cannot change.
    """
    old, record = snapshot.spec, snapshot.record
    spec = old if spec is None else spec
    refuse_past(old, spec, record["time_s"])

    fresh = draft(snapshot, spec)
    if spec == old:
        before = fresh
    elif before is None:
        before = draft(snapshot, old)
        refuse_change(old, spec, record["time_s"], before, lambda one: draft(snapshot, one), reach_of)
    return go_on(snapshot, spec, record["seed"] if seed is None else seed, classes, before, fresh)


def draft(snapshot: Snapshot, spec: Spec | None = None) -> State:
    """Arrays before their first tick, of the seed and venue of a snapshot: those of its own settings, or of others."""
    one = snapshot.spec if spec is None else spec
    return state_of(one, snapshot.venue, contract_of(one, snapshot.venue), snapshot.record["start_seed"])


def go_on(
    snapshot: Snapshot, spec: Spec, seed: int, classes: Iterable[type], before: State, fresh: State,
    places: Sequence[int] | None = None,
) -> Market:  # fmt: skip
    """Make a market that goes on from a snapshot under settings that are known to fit.

    Parameters
    ----------
    before, fresh : State
        Built with the settings so far and with ``spec``, before their first tick; ``fresh`` is used up.
    places : sequence of int, optional
        Where each shock of the old settings stands among the new ones, if not where it stood.
    """
    record, old = snapshot.record, snapshot.spec
    contract = contract_of(spec, snapshot.venue)
    state = state_from(snapshot.arrays, fresh)
    is_slow = bool(state.pace[0]["is_slow"])
    if is_slow:
        write_rates(state, old, snapshot.venue, old.tick)  # settings are compared and written on fine ticks
    n_path_ramps = turn(state, before, fresh, record["n_path_ramps"])
    if is_slow:
        write_rates(state, spec, snapshot.venue, slow_tick_of(spec))
    if seed != record["seed"]:
        state.key[:] = seed_key(seed)
        state.news_keys.reshape(-1, 2)[:] = state.key
        if is_slow:
            turn_keys(state)
    known = {**by_name(classes), **snapshot.classes}
    market = Market(spec, seed, fresh, contract.tick_usd, contract.lot_coin, snapshot.venue, begins=False)
    try:
        kept = seat_shocks(
            market, record, old, range(len(old.shocks)) if places is None else places
        )  # while the state is the fresh one: they look up what is usual
        market.state, market.n_path_ramps = state, n_path_ramps
        market.start_seed = record["start_seed"]
        put_back(market, record, kept, known)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ForkError(
            f"the record of this state does not fit its scenario ({type(error).__name__}: {error})"
        ) from error
    if spec != old:
        for held in market.in_force.values():
            if held:
                held[0].renew()
    return market


def state_from(arrays: Mapping[str, Array], fresh: State) -> State:
    """A ``State`` of copies of saved arrays, each of the type and size that the scenario asks for."""
    wanted = named_arrays(fresh)
    for name, like in wanted.items():
        array = arrays.get(name)
        if array is None or array.dtype != like.dtype or array.ndim != like.ndim:
            raise ForkError(f"the array {name} of this state is missing or of another kind")
    extra = set(arrays) - set(wanted)
    if extra:
        raise ForkError(f"this state holds arrays that no market has: {', '.join(sorted(extra))}")
    books = {name: arrays[f"books.{name}"].copy() for name in Books._fields}
    books["pool"] = aligned_zeros(len(arrays["books.pool"]), arrays["books.pool"].dtype)
    books["pool"][:] = arrays["books.pool"]
    rooms: dict[str, Any] = {name: arrays[name].copy() for name in ROOMS if name != "books"}
    return State(books=Books(**books), **rooms)


def seat_shocks(market: Market, record: Mapping[str, Any], old: Spec, places: Sequence[int]) -> dict[int, int]:
    """Make the desks of all shocks: those of the past under their old ids, new ones after everybody.

    Returns
    -------
    dict of int to int
        Place now of each shock, by its number of old, that is the same as before. One to come that would have changed
        nothing is made anew: under the new settings it may.
    """
    shocks, time_s = market.spec.shocks, record["time_s"]
    kept = {
        k: places[k]
        for k, shock in enumerate(old.shocks)
        if shocks[places[k] : places[k] + 1] == (shock,) and (record["shocks"][k] is not None or shock.at <= time_s)
    }
    for k, place in kept.items():
        saved = record["shocks"][k]
        if saved is None:
            continue
        if saved["id"] is not None:
            market.agent_id_counter = saved["id"]
        market.seat_shock(place)
        if market.shocks[place] is not None:  # new settings may take it away
            market.shocks[place].restore(saved["state"])
    market.agent_id_counter = int(record["next_agent"])
    for k in range(len(shocks)):
        if k not in kept.values():
            market.seat_shock(k)
    return kept


def put_back(market: Market, record: Mapping[str, Any], kept: Mapping[int, int], classes: Mapping[str, type]) -> None:
    """Give a market without a past the clock, agents and calendar of the record; new shocks are scheduled last."""
    market.time, market.steps = record["time_s"], record["steps"]
    market.n_tickets, market.n_changes = record["n_tickets"], record["n_changes"]
    market.agent_latency_factor = record["agent_latency_factor"]
    if market.seed == record["seed"]:  # another seed has begun its own
        market.rng.bit_generator.state = record["generator"]
        version, words, gauss = record["random"]
        market.random.setstate((version, tuple(words), gauss))
    next_agent = market.agent_id_counter
    for saved in record["agents"]:
        seat_agent(market, saved, classes)
    market.seat_institutions(record.get("institutions", {}))
    market.agent_id_counter = next_agent
    for name, held in record["in_force"].items():
        now = [market.shocks[kept[k]] for k in held if k in kept]
        market.in_force[name] = [desk for desk in now if desk is not None]
    for time_s, priority, is_synced, *call in record["events"]:
        function, args = called(market, call, kept)
        if function is None:
            continue
        if is_synced:
            market.at(time_s, function, *args)
        else:
            market.schedule_event(function, at=time_s, priority=Priority(priority))
    for tick, number, *call in record["changes"]:
        function, args = called(market, call, kept)
        if function is not None:
            market.changes.append(Change(tick, number, function, args))
    for k in range(len(market.spec.shocks)):
        if k not in kept.values():
            market.schedule_shock(k)


def seat_agent(market: Market, saved: Mapping[str, Any], classes: Mapping[str, type]) -> None:
    """Seat a Python agent under its old id, without its ``__init__``."""
    cls = classes.get(saved["class"])
    if cls is None:
        name = saved["class"]
        raise ForkError(f"this state holds an agent of class {name}: give it, fork(agents=[{name}])")
    if not issubclass(cls, Desk) or (saved["account"] is not None) != issubclass(cls, TradingAgent):
        raise ForkError(f"class {saved['class']} is no longer the kind of agent that was saved")
    market.agent_id_counter = saved["id"]
    agent = cls.__new__(cls)
    Desk.__init__(agent, market)
    if isinstance(agent, TradingAgent):
        agent.restore_account(saved["account"])
    agent.restore(saved["state"])


def called(
    market: Market, call: list[Any], kept: Mapping[int, int]
) -> tuple[Callable[..., None] | None, tuple[Any, ...]]:
    """The method that a saved call names; None when its shock or institution is there no more."""
    kind, number, name, args = call
    owner: Any
    if kind == "shock":
        owner = market.shocks[kept[number]] if number in kept else None
    elif kind == "institution":
        owner = next((desk for desk in market.institutions if desk.NAME == number), None)
    else:
        owner = next((agent for agent in market.agents if agent.unique_id == number), None)
        if owner is None:
            raise ForkError(f"the record of this state calls agent {number}, which it does not hold")
    if owner is None:
        return None, ()
    function = getattr(owner, name)
    if name.startswith("__") or getattr(function, "__self__", None) is not owner:
        raise ForkError(f"the record of this state calls {name}, which is no method of {type(owner).__name__}")
    return function, tuple(args)
