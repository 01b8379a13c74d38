"""From a scenario to finished runs: ``load("calm_btc").run(seed=1)``."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from sim.errors import ScenarioError
from sim.evidence import DEPTH_FILE, PRICE_FILE
from sim.kernel_cache import compiling, kernel_hash
from sim.results import Ensemble, Origin, Run, Timing
from sim.results.manifest import now_utc, run_id
from sim.scenario.load import load_spec
from sim.scenario.moment import moment
from sim.scenario.places import derived_dir
from sim.scenario.spec import Spec
from sim.scenario.write import spec_as_read
from sim.venues.profile import load_lender, load_profile

if TYPE_CHECKING:
    from sim.fork import SavedState
    from sim.market import Market
    from sim.network import Network

Progress = Callable[[float], None]
Looks = tuple[Callable[["Market | Network"], bool], float]
"""Whether a run goes on, and the seconds between two times of asking."""

_SLICES = 100  # calls a run is cut into, so that progress and Ctrl-C are heard; results do not depend on it
LARGEST_SEED = 2**63 - 1
MOST_SEEDS = 10_000


def load(
    name_or_path: str | Path, set: Mapping[str, object] | Sequence[str] | None = None, **fields: object
) -> Scenario:
    """Read a scenario, with changes.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped scenario ("calm_btc") or path of a YAML file.
    set : mapping or sequence of str, optional
        Changes by dotted name: ``{"market.price": "$100k"}``, or ``["market.price=$100k"]`` as on the command line.
    **fields
        Changes of top-level fields: ``duration="30min"``. They win over ``set``.

    Returns
    -------
    Scenario
        Ready to run.

    Raises
    ------
    ScenarioError
        With one line for each problem in the file or the changes.

    Examples
    --------
    >>> import sim
    >>> half = sim.load("calm_btc", set={"market.depth_scale_visible": 0.5}, duration="10min")  # doctest: +SKIP
    >>> half.run(seed=1).summary["drop_from_start"]  # doctest: +SKIP
    """
    if isinstance(set, str):
        raise ScenarioError(f"set: expected a mapping or a list of 'key=value', got the single text {set!r}")
    if set is None or isinstance(set, Mapping):
        changes = {**(set or {}), **fields}
        return Scenario(load_spec(name_or_path, changes), tuple(f"{key}={value}" for key, value in changes.items()))
    lines = [*set, *(f"{key}={json.dumps(value)}" for key, value in fields.items())]
    return Scenario(load_spec(name_or_path, lines), tuple(lines))


@dataclass(frozen=True)
class Scenario:
    """A checked scenario that can be run.

    Attributes
    ----------
    spec : Spec
        Everything the scenario says, defaults filled in.
    overrides : tuple of str
        What was changed after the file was read, as ``key=value``.
    """

    spec: Spec
    overrides: tuple[str, ...] = ()

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What decides a result beside seed and code: scenario, venue profile, SHA-256 of each data file it names."""
        spec = self.spec
        named = [spec.news.path] if isinstance(spec.news.path, str) else []
        if spec.evidence is not None:
            named += [spec.evidence, spec.evidence.replace(PRICE_FILE, DEPTH_FILE, 1)]
        others = sorted({listing.venue for listing in spec.listings.values() if listing.venue} - {spec.venue})
        profiles = {"venues": {name: load_profile(name).model_dump(mode="json") for name in others}} if others else {}
        lenders = {"lender": load_lender(spec.lending.lender).model_dump(mode="json")} if spec.lending.enabled else {}
        return {
            "scenario": spec_as_read(spec),
            "venue": load_profile(spec.venue).model_dump(mode="json"),
            **profiles,
            **lenders,
            "data": {name: _file_hash(derived_dir() / f"{name}.csv") for name in dict.fromkeys(named)},
        }

    def run_id(self, seeds: Sequence[int]) -> str:
        """Twelve hex digits that name the result of these seeds; known before anything is run."""
        return run_id(self.resolved, seeds, kernel_hash())

    @overload
    def run(self, seed: int = ..., audit: bool = ..., progress: Progress | None = ..., *, until: None = ...) -> Run: ...
    @overload
    def run(
        self, seed: int = ..., audit: bool = ..., progress: Progress | None = ..., *, until: str | float
    ) -> SavedState: ...
    def run(
        self, seed: int = 1, audit: bool = False, progress: Progress | None = None, *, until: str | float | None = None
    ) -> Run | SavedState:
        """Simulate one seed.

        Parameters
        ----------
        seed : int
            Key of all random draws, 0 to 2^63 - 1.
        audit : bool
            Check every conservation law after every tick; slower, same numbers.
        progress : callable, optional
            Told the finished share, 0 to 1, now and then.
        until : str or float, optional
            Stop at a time of day in UTC ("20:49"), an instant, a duration from the start ("29m") or a number of
            seconds, and return the state instead of a run: to save, or to fork and go on.

        Returns
        -------
        Run or SavedState
            CPU time in ``run.timing`` is user plus system time inside the run; compilation and build are not in it.
        """
        from sim.fork import SavedState

        wanted = checked_seed(seed)
        end_s = stop_time(self.spec, until)
        warm()
        if until is None:
            return self._simulate(wanted, audit, progress)
        live = self.live(wanted)
        live.audit = audit
        timing = simulate(live, end_s, progress)
        return SavedState.of(live, self.overrides, timing)

    def market(self, seed: int = 1) -> Market:
        """A live market at time 0, for agents of your own and for looking inside (docs/tutorial_agent.md).

        Parameters
        ----------
        seed : int
            As for ``run``.

        Returns
        -------
        Market
            ``run_until`` moves it on, ``collect`` gives what it recorded.

        Raises
        ------
        ScenarioError
            For a scenario with listings: those are many markets, see ``network``.
        """
        from sim.build import build

        wanted = checked_seed(seed)
        refuse_listings(self.spec, "one market cannot be made of it: use network()")
        warm()
        return build(self.spec, wanted)

    def network(self, seed: int = 1) -> Network:
        """The live markets of a scenario with listings, at time 0 (docs/network.md).

        Parameters
        ----------
        seed : int
            As for ``run``.

        Returns
        -------
        Network
            ``markets`` holds one ``Market`` for each listing; ``run_until`` moves all of them on.
        """
        from sim.network import build_network

        wanted = checked_seed(seed)
        if not self.spec.listings:
            raise ScenarioError(f"{self.spec.name} lists one market alone: use market()")
        warm()
        return build_network(self.spec, wanted)

    def ensemble(
        self, seeds: int | Iterable[int] = 8, audit: bool = False, progress: Progress | None = None
    ) -> Ensemble:
        """Simulate several seeds, one after the other.

        Parameters
        ----------
        seeds : int or iterable of int
            A number n means seeds 1 to n.
        audit, progress
            As for ``run``.
        """
        wanted = tuple(range(1, seeds + 1)) if isinstance(seeds, int) else checked_seeds(seeds)
        if not 1 <= len(wanted) <= MOST_SEEDS:
            raise ScenarioError(f"seeds: expected 1 to {MOST_SEEDS} of them, got {len(wanted)}")
        warm()
        runs = []
        for k, seed in enumerate(wanted):
            runs.append(self._simulate(seed, audit, _part(progress, k, len(wanted))))
        return Ensemble(tuple(runs))

    def run_while(self, going: Callable[[Market | Network], bool], every_s: float, seed: int = 1) -> Run:
        """Simulate one seed for as long as a condition holds, at most to the scenario's end.

        Parameters
        ----------
        going : callable
            Told the live market, or the network of a scenario with listings; false ends the run. It must only look.
        every_s : float
            Seconds of the scenario between two looks.
        seed : int
            As for ``run``.

        Returns
        -------
        Run
            Its last row tells when it ended; until then it is the run that ``run`` gives.
        """
        wanted = checked_seed(seed)
        warm()
        return self._simulate(wanted, False, None, (going, every_s))

    def live(self, seed: int = 1) -> Market | Network:
        """The live market at time 0, or the network of a scenario with listings."""
        return self.network(seed) if self.spec.listings else self.market(seed)

    def _simulate(self, seed: int, audit: bool, progress: Progress | None, looks: Looks | None = None) -> Run:
        live = self.live(seed)
        live.audit = audit
        timing = simulate(live, self.spec.duration, progress, looks=looks)
        origin = Origin(self.resolved, self.overrides, audit)
        if not self.spec.listings:
            return finished(live, timing, origin)
        from sim.network.ended import left_by
        from sim.network.memory import give_back

        left = left_by(live)
        del live
        give_back()  # before there are tables
        return Run.of_network(left, timing, origin)


def finished(live: Market | Network, timing: Timing, origin: Origin) -> Run:
    """The run of a market, or of a network, that has come to its end."""
    from sim.network import Network
    from sim.network.ended import left_by

    if isinstance(live, Network):
        return Run.of_network(left_by(live), timing, origin)
    return Run.from_arrays(live.spec, live.seed, live.collect(), live.state_hash(), timing, origin, live.ledgers())


def refuse_listings(spec: Spec, why: str) -> None:
    """Refuse a scenario with listings where one market is meant.

    Raises
    ------
    ScenarioError
        With ``why`` as the cure.
    """
    if spec.listings:
        raise ScenarioError(f"{spec.name} has {len(spec.listings)} listings; {why}")


def simulate(
    market: Market | Network,
    end_s: float,
    progress: Progress | None,
    past: Timing | None = None,
    looks: Looks | None = None,
) -> Timing:
    """Run a market to a time, in slices between which progress is told; returns what it has cost, ``past`` included."""
    started, wall, cpu, begin_s = now_utc(), time.perf_counter(), time.process_time(), market.time
    slices = _SLICES if looks is None else max(1, math.ceil((end_s - begin_s) / looks[1]))
    step_s = (end_s - begin_s) / slices if looks is None else looks[1]
    for k in range(1, slices + 1):
        market.run_until(end_s if k == slices else begin_s + step_s * k)
        if progress is not None:
            progress(k / slices)
        if looks is not None and not looks[0](market):
            break
    market.sync()
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    if past is None:
        return Timing(cpu_s, wall_s, started, now_utc())
    return Timing(past.cpu_s + cpu_s, past.wall_s + wall_s, past.started_utc or started, now_utc())


def stop_time(spec: Spec, until: str | float | None, begin_s: float = 0.0) -> float:
    """Seconds from the start at which a run that stands at ``begin_s`` stops: ``until``, or the scenario's end.

    Raises
    ------
    ScenarioError
        When it is no time, or lies outside what is left of the run.
    """
    if until is None:
        return spec.duration
    seconds = moment(spec.start_utc, until)
    if not begin_s <= seconds <= spec.duration:
        raise ScenarioError(
            f"until {until}: {seconds:g} s from the start, outside the run from {begin_s:g} to {spec.duration:g} s"
        )
    return seconds


@cache
def warm() -> None:
    """Compile, or load from the cache, everything a tick needs; a progress line on a terminal while it compiles."""
    from sim.build import build

    with compiling():
        spec = load_spec("calm_btc", {"duration": "2s", "leveraged.accounts": 100, "shocks": []})
        market = build(spec, 0)
        market.run()
        market.collect()
        market.state_hash()


def _part(progress: Progress | None, k: int, n: int) -> Progress | None:
    return None if progress is None else lambda share: progress((k + share) / n)


def checked_seed(seed: object) -> int:
    """A seed as a plain integer; refused when it is no whole number of the range."""
    return checked_seeds((seed,))[0]


def checked_seeds(seeds: Iterable[object]) -> tuple[int, ...]:
    """Seeds as plain integers; refused when one is no whole number of the range, or stands twice."""
    wanted: list[int] = []
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= LARGEST_SEED:
            raise ScenarioError(f"seed: expected a whole number from 0 to {LARGEST_SEED}, got {seed!r}")
        wanted.append(int(seed))
    if len(dict.fromkeys(wanted)) != len(wanted):
        raise ScenarioError("seeds: each seed may appear once; the same seed gives the same run")
    return tuple(wanted)


def _file_hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ScenarioError(
            f"{path.name}: the recorded path the scenario names cannot be read ({error.strerror})"
        ) from error
