"""What is asked of a scenario: its channels, when they part, and which coalitions of them must be run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sim.attribution import shapley
from sim.attribution.channels import Channel, channels_of
from sim.attribution.orders import MOST_EXACT, ORDERS, antithetic_orders
from sim.attribution.shapley import Effect
from sim.errors import ScenarioError
from sim.experiments.base_run import BASE, base_changes
from sim.experiments.cases import scenario_of
from sim.experiments.plan import changed
from sim.experiments.shock_axis import lowest_news, news_axis
from sim.results.manifest import text_hash
from sim.scenario.moment import moment
from sim.scenario.spec import Spec
from sim.scenario.write import spec_as_read

if TYPE_CHECKING:
    from sim.runner import Scenario

MOST_CHANNELS = 20
MOST_SEEDS = 10_000
_SMALLEST = 1e-6  # a fall of the news smaller than this is none
TOP_PAIR = ("depth", "leverage")
"""Pair whose joint effect is told where not all coalitions are run (MODEL.md 5.3)."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    scenario : str
        Name of a shipped scenario, or path of a YAML file.
    changes : tuple of str
        ``key=value`` for every run.
    channels : tuple of str
        Names; empty for those of the scenario's ``attribution``, or all that it has.
    at : str
        When channels part, as ``shoal run --until`` takes it; empty for the scenario's own.
    horizon_s : float
        Seconds that a run goes on after the shock began; 0 for the scenario's own.
    seeds : int
        Every coalition is run at seeds 1 to this many.
    orders : int
        Orders drawn where there are more than eight channels; an even number.
    """

    scenario: str
    changes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    at: str = ""
    horizon_s: float = 0.0
    seeds: int = 32
    orders: int = ORDERS


@dataclass(frozen=True)
class Layout:
    """A question made definite.

    Attributes
    ----------
    question : Question
    base : Spec
        The scenario with everything on, as long as the horizon asks.
    channels : tuple of Channel
        Bit i of a coalition is the i-th.
    fork_s, from_s, until_s : float
        When channels part, and between which times falls count; seconds from the start.
    """

    question: Question
    base: Spec
    channels: tuple[Channel, ...]
    fork_s: float
    from_s: float
    until_s: float

    @property
    def everybody(self) -> int:
        """The coalition of all channels."""
        return (1 << len(self.channels)) - 1

    @property
    def is_exact(self) -> bool:
        """Whether all coalitions are run."""
        return len(self.channels) <= MOST_EXACT

    @cached_property
    def orders(self) -> list[shapley.Order]:
        """The orders that are drawn; empty where all coalitions are run."""
        return [] if self.is_exact else antithetic_orders(len(self.channels), self.question.orders)

    @cached_property
    def shares(self) -> list[Effect]:
        """Shapley value of each channel."""
        n = len(self.channels)
        if self.is_exact:
            return [shapley.shapley(i, n) for i in range(n)]
        return [shapley.shapley_by_orders(i, self.orders) for i in range(n)]

    @cached_property
    def pairs(self) -> dict[tuple[int, int], Effect]:
        """Joint effect of each pair whose coalitions are run."""
        n, names = len(self.channels), [channel.name for channel in self.channels]
        if self.is_exact:
            return {(a, b): shapley.interaction(a, b, n) for a, b in combinations(range(n), 2)}
        if not set(TOP_PAIR) <= set(names):
            return {}
        a, b = (names.index(name) for name in TOP_PAIR)
        return {(a, b): shapley.interaction_by_orders(a, b, self.orders)}

    @cached_property
    def coalitions(self) -> list[int]:
        """Coalitions that are run, those alike up to the fork together."""
        n = len(self.channels)
        wanted = {0, self.everybody}
        for effect in (*self.shares, *self.pairs.values()):
            wanted |= effect.keys()
        for i in range(n):
            wanted |= {1 << i, self.everybody ^ 1 << i}
        return sorted(wanted, key=lambda coalition: (self.code(coalition), coalition))

    def before(self, coalition: int) -> dict[str, Any]:
        """What differs from the base up to the fork."""
        return self._changes(coalition, "before")

    def after(self, coalition: int) -> dict[str, Any]:
        """What differs from the base from the fork on."""
        return self._changes(coalition, "after")

    def code(self, coalition: int) -> str:
        """Word for what held before the fork."""
        return _code(self.before(coalition))

    def scenario(self, coalition: int, *, is_base_run: bool = False) -> Scenario:
        """What holds from the fork on; its name says what held before."""
        from sim.runner import Scenario

        name = f"{self.base.name[:50]}-{self.code(coalition)}"
        changes = {**self.after(coalition), **(base_changes(self.base) if is_base_run else {}), "name": name}
        return Scenario(Spec.model_validate(changed(self._plain, changes)))

    def base_run(self, coalition: int) -> Scenario:
        """The base run of a coalition: without liquidation and makers' withdrawal from the fork on (DECISIONS 20)."""
        out = coalition
        for i, channel in enumerate(self.channels):
            if channel.after and not channel.before and channel.after.keys() <= BASE.keys():
                out &= ~(1 << i)
        return self.scenario(out, is_base_run=True)

    @property
    def measure(self) -> dict[str, Any]:
        """Arguments of the measure."""
        early = [1 << i for i, channel in enumerate(self.channels) if channel.before]
        offs = [sum(some) for k in range(len(early) + 1) for some in combinations(early, k)]
        befores = [self.before(self.everybody ^ off) for off in offs]
        calm: dict[str, Any] = {"shocks": []} if self.base.shocks else {}
        if self.base.news.path is not None:
            calm["news.scale"] = 0.0
        return {
            "kind": "attribution",
            "base": self._plain,
            "before": {_code(changes): changes for changes in befores},
            "quiet": {**calm, **base_changes(self.base)},
            "fork_s": self.fork_s,
            "from_s": self.from_s,
            "until_s": self.until_s,
        }

    @cached_property
    def _plain(self) -> dict[str, Any]:
        return spec_as_read(self.base)

    def _changes(self, coalition: int, part: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for i, channel in enumerate(self.channels):
            if not coalition >> i & 1:
                out |= getattr(channel, part)
        return out


def layout_of(question: Question) -> Layout:
    """Make a question definite; nothing is run.

    Raises
    ------
    ScenarioError
        When it cannot be asked of this scenario, one sentence for each reason.
    """
    if not 2 <= question.seeds <= MOST_SEEDS:
        raise ScenarioError(f"seeds: expected 2 to {MOST_SEEDS}, got {question.seeds}")
    if question.orders < 2 or question.orders % 2:
        raise ScenarioError(f"permutations come in pairs: expected an even number from 2 on, got {question.orders}")
    spec = scenario_of(question.scenario, question.changes).spec
    channels = channels_of(spec, question.channels)
    if not 1 <= len(channels) <= MOST_CHANNELS:
        raise ScenarioError(f"{spec.name}: {len(channels)} channels, expected 1 to {MOST_CHANNELS}: name them")
    onset = onset_of(spec)
    fork_s = _fork_s(spec, question.at, onset)
    from_s = fork_s if onset is None else max(fork_s, onset)
    until_s = from_s + (question.horizon_s or spec.attribution.horizon)
    layout = Layout(question, _lasting(spec, until_s), tuple(channels), fork_s, from_s, until_s)
    refuse_unforked(layout)
    return layout


def onset_of(spec: Spec) -> float | None:
    """When the first shock begins or a tenth of the news is there, in seconds; None where nothing is to happen."""
    times = [shock.at for shock in spec.shocks if shock.kind != "news_move"]
    if lowest_news(spec) < -_SMALLEST:
        times.append(news_axis(spec).from_s)
    return min(times, default=None)


def _fork_s(spec: Spec, at: str, onset: float | None) -> float:
    if at:
        seconds = moment(spec.start_utc, at)
    elif spec.attribution.at is not None:
        seconds = spec.attribution.at
    elif onset is not None:
        return max(0.0, round((math.ceil(onset / spec.tick - 1e-9) - 1) * spec.tick, 6))
    else:
        raise ScenarioError(f"{spec.name}: no news that falls and no shock: say when channels part, such as --at 29min")
    if not 0.0 <= seconds < spec.duration:
        raise ScenarioError(f"channels part at {seconds:g} s from the start, outside the run of {spec.duration:g} s")
    return seconds


def _lasting(spec: Spec, until_s: float) -> Spec:
    """The scenario, ending when falls no longer count, or when its last shock ends."""
    ends = [s.at + getattr(s, "over", 0.0) + getattr(s, "ramp", 0.0) for s in spec.shocks]
    whole = math.ceil(max([until_s, *ends]) / spec.record_every - 1e-9) * spec.record_every
    return Spec.model_validate(spec_as_read(spec) | {"duration": f"{whole:.10g}s"})


def refuse_unforked(layout: Layout) -> None:
    """Refuse channels that change nothing, or what a fork cannot change (docs/forking.md).

    Raises
    ------
    ScenarioError
        One line for each problem, which names the channel.
    """
    from sim.attribution.checking import refuse_fork

    plain, problems = layout._plain, []
    for channel in layout.channels:
        try:
            early, late = (Spec.model_validate(changed(plain, getattr(channel, part))) for part in ("before", "after"))
            if early == late == layout.base:
                raise ScenarioError("it changes nothing in this scenario: give other values")
            refuse_fork(early, late, layout.fork_s)
        except ScenarioError as error:
            problems += [f"channel {channel.name}: {line}" for line in error.problems]
        except (ValidationError, KeyError, TypeError) as error:
            problems.append(f"channel {channel.name}: its settings do not fit this scenario ({_first(error)})")
    if problems:
        raise ScenarioError(problems)


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        told = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"
    return f"no setting {error}"


def _code(changes: Mapping[str, Any]) -> str:
    return text_hash(dict(changes))[:8]


def names_of(coalition: int, channels: Sequence[Channel]) -> str:
    """The channels of a coalition by name: "depth + leverage", "none"."""
    return " + ".join(channel.name for i, channel in enumerate(channels) if coalition >> i & 1) or "none"
