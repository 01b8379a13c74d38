"""A run stopped at a time, saved, and gone on with under other settings: ``run(until=...)``, ``save``, ``fork``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pydantic import ValidationError

from sim import runner
from sim.errors import ForkError, ScenarioError
from sim.kernel_cache import kernel_hash
from sim.results import Origin, Run, Timing
from sim.results.manifest import run_id
from sim.saved_file import read_state, write_state
from sim.scenario.change import change_spec
from sim.scenario.spec import Spec
from sim.scenario.write import spec_as_read

if TYPE_CHECKING:
    from sim.market import Market
    from sim.network import Network
    from sim.network.saved import NetworkSnapshot
    from sim.snapshot import Snapshot


@dataclass(frozen=True)
class SavedState:
    """A run at one time of its model: save it, or fork it and go on.

    Attributes
    ----------
    snapshot : Snapshot or NetworkSnapshot
        Every array of the market, its calendar and its agents; of a network all of its markets and what couples them.
    resolved : dict
        What decided the past beside seed and code, as ``Scenario.resolved``.
    overrides : tuple of str
        What was changed by hand, as ``key=value``.
    timing : Timing
        Cost of the past, which counts as cost of every run that goes on from here.
    audited : bool
        Whether conservation was checked after every tick of the past.
    """

    snapshot: Snapshot | NetworkSnapshot
    resolved: Mapping[str, Any]
    overrides: tuple[str, ...]
    timing: Timing
    audited: bool = False

    @classmethod
    def of(
        cls, live: Market | Network, overrides: Sequence[str] = (), timing: Timing | None = None
    ) -> SavedState:  # fmt: skip
        """Take the state of a live market or network, as ``Scenario.market`` or ``network`` gives it, at its time now.

        Raises
        ------
        ForkError
            When it cannot be saved: an agent without ``state`` and ``restore``, a pending call of a plain function.
        """
        from sim.network import Network, saved
        from sim.snapshot import take

        snapshot = saved.take(live) if isinstance(live, Network) else take(live)
        resolved = live.lineage or {**runner.Scenario(live.spec).resolved, **snapshot.profiles()}
        return cls(snapshot, resolved, tuple(overrides), timing or Timing(0.0, 0.0, "", ""), live.audit)

    @property
    def spec(self) -> Spec:
        """The scenario so far."""
        return self.snapshot.spec

    @property
    def seed(self) -> int:
        """Key of the draws so far."""
        return int(self.snapshot.record["seed"])

    @property
    def time_s(self) -> float:
        """Seconds from the scenario's start."""
        return float(self.snapshot.record["time_s"])

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write one file (npz without pickle); ``sim.load_state`` reads it.

        Raises
        ------
        ResultError
            When the place is taken or the disk refuses.
        """
        parts, arrays = self.snapshot.parts()
        record = {
            **parts,
            "resolved": self.resolved,
            "scenario": self.spec.model_dump(mode="json"),
            "overrides": list(self.overrides),
            "timing": self.timing._asdict(),
            "audited": self.audited,
        }
        return write_state(Path(path), record, arrays, force)

    def fork(
        self, set: Mapping[str, object] | Sequence[str] | None = None, *, seed: int | None = None,
        add_shocks: Sequence[object] = (), agents: Iterable[type] = (), **fields: object,
    ) -> Fork:  # fmt: skip
        """Go on from here, with changes; without any, the run is the one that was never stopped.

        Parameters
        ----------
        set : mapping or sequence of str, optional
            Changes by dotted name, as for ``sim.load``; they act from the next tick on.
        seed : int, optional
            Key of the draws from here on; the past stays as it was.
        add_shocks : sequence
            Shocks that begin from here on, as mappings or as YAML text.
        agents : iterable of type
            Classes of agents of your own in a state that was read from a file.
        **fields
            Changes of top-level fields: ``duration="4h"``.

        Raises
        ------
        ScenarioError
            With one line for each setting that cannot change here.
        """
        if isinstance(set, str):
            raise ScenarioError(f"set: expected a mapping or a list of 'key=value', got the single text {set!r}")
        changes: Mapping[str, object] | list[str]
        if set is None or isinstance(set, Mapping):
            changes = {**(set or {}), **fields}
            lines = [f"{key}={value}" for key, value in changes.items()]
        else:
            changes = lines = [*set, *(f"{key}={json.dumps(value)}" for key, value in fields.items())]
        spec = change_spec(self.spec, changes, add_shocks)
        lines += [f"add-shock={shock}" for shock in add_shocks]
        return Fork(self, spec, self.seed if seed is None else runner.checked_seed(seed), tuple(lines), tuple(agents))


@dataclass(frozen=True)
class Fork:
    """A saved state with the settings under which it goes on.

    Attributes
    ----------
    saved : SavedState
    spec : Spec
        The scenario from here on.
    seed : int
        Key of the draws from here on.
    changes : tuple of str
        What was changed here, as ``key=value``.
    agents : tuple of type
        Classes of Python agents.
    """

    saved: SavedState
    spec: Spec
    seed: int
    changes: tuple[str, ...] = ()
    agents: tuple[type, ...] = field(default=(), repr=False)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What decides the result beside seed and code: that of the unbroken run when nothing was changed, else the
        scenario from here on and, under ``forked``, time, seed and all of the past.
        """
        saved = self.saved
        guests = [agent["class"] for agent in saved.snapshot.agents]
        if spec_as_read(self.spec) == spec_as_read(saved.spec) and self.seed == saved.seed and not guests:
            return dict(saved.resolved)
        past = {"at_s": saved.time_s, "seed": saved.seed, "past": saved.resolved}
        if guests:
            past |= {"agents": guests, "agent_state": saved.snapshot.agents}
        return {**runner.Scenario(self.spec).resolved, **saved.snapshot.profiles(), "forked": past}

    def run_id(self) -> str:
        """Twelve hex digits that name the result, known before anything is run."""
        return run_id(self.resolved, [self.seed], kernel_hash())

    def market(self) -> Market:
        """The live market, at the time of the fork.

        Raises
        ------
        ScenarioError
            For a scenario with listings: see ``network``.
        """
        from sim.snapshot import Snapshot, resume

        if not isinstance(self.saved.snapshot, Snapshot):
            raise ScenarioError(f"{self.spec.name} has {len(self.spec.listings)} listings: use network()")
        market = resume(self.saved.snapshot, self.spec, self.seed, self.agents)
        market.lineage = self.resolved if "forked" in self.resolved else None
        return market

    def network(self) -> Network:
        """The live markets of a scenario with listings, at the time of the fork."""
        from sim.network.saved import NetworkSnapshot, resume

        if not isinstance(self.saved.snapshot, NetworkSnapshot):
            raise ScenarioError(f"{self.spec.name} lists one market alone: use market()")
        network = resume(self.saved.snapshot, self.spec, self.seed, self.agents)
        network.lineage = self.resolved if "forked" in self.resolved else None
        return network

    @overload
    def run(self, until: None = None, audit: bool = ..., progress: runner.Progress | None = ...) -> Run: ...
    @overload
    def run(self, until: str | float, audit: bool = ..., progress: runner.Progress | None = ...) -> SavedState: ...
    def run(
        self, until: str | float | None = None, audit: bool = False, progress: runner.Progress | None = None
    ) -> Run | SavedState:
        """Go on to the end, or to a time at which to stop again.

        Parameters are those of ``Scenario.run``. The run holds the rows of the past too, and its cost.
        """
        end_s = runner.stop_time(self.spec, until, self.saved.time_s)
        runner.warm()
        live = self.network() if self.spec.listings else self.market()
        live.audit = audit
        overrides = (*self.saved.overrides, *self.changes)
        done = runner.simulate(live, end_s, progress, self.saved.timing)
        if until is not None:
            return replace(SavedState.of(live, overrides, done), resolved=self.resolved)
        return runner.finished(live, done, Origin(self.resolved, overrides, audit))


def load_state(path: str | Path) -> SavedState:
    """Read a file that ``SavedState.save`` or ``shoal run --save`` wrote.

    Raises
    ------
    ForkError
        When it is missing, foreign, damaged, or was saved by other compiled code.
    """
    from sim.network.saved import NetworkSnapshot
    from sim.snapshot import Snapshot

    record, arrays = read_state(Path(path))
    try:
        spec = Spec.model_validate(record["scenario"])
        timing = Timing(**record["timing"])
        snapshot = (NetworkSnapshot if spec.listings else Snapshot).of_parts(record, arrays, spec)
        return SavedState(snapshot, record["resolved"], tuple(record["overrides"]), timing, bool(record["audited"]))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ForkError(f"{path}: its scenario cannot be read by this version; run to that time again") from error


def fork_again(manifest: Mapping[str, Any], place: Path) -> Fork:
    """Make the fork behind a run folder anew, its past included.

    Raises
    ------
    ForkError
        When agents of the past are not in the folder, or the scenario cannot be read.
    """
    try:
        resolved, seed = manifest["resolved"], int(manifest["seeds"][0])
        return _forked(resolved, seed, tuple(manifest["overrides"]))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ForkError(f"{place}: its scenario cannot be read by this version; fork the saved state again") from error


def _forked(resolved: Mapping[str, Any], seed: int, overrides: tuple[str, ...]) -> Fork:
    forked = resolved["forked"]
    if forked.get("agents"):
        raise ForkError(f"agents written in Python are not in a run folder: {', '.join(forked['agents'])}")
    past, at_s = forked["past"], float(forked["at_s"])
    if "forked" in past:
        saved = _forked(past, int(forked["seed"]), overrides).run(until=at_s)
    else:
        saved = runner.Scenario(Spec.model_validate(past["scenario"]), overrides).run(int(forked["seed"]), until=at_s)
    return Fork(saved, Spec.model_validate(resolved["scenario"]), seed)
