"""Inputs of a scenario that an experiment varies: any numeric setting by its path, or one of four names for several.

``shock`` is the lowest point of the scenario's news, as a fall (5% for -5 %); ``sale`` a flow shock that is added, in
multiples of the bids within 1 % that the scenario starts with, or in USD where the books are the user's own; ``depth``
multiplies the three depth scales together (DECISIONS 20); ``leverage`` multiplies every median leverage.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sim.errors import ScenarioError
from sim.experiments.plan import unit_of, value_of
from sim.experiments.shock_axis import checked_size, flow_axis, lowest_news, news_axis
from sim.participants import profile_usd, side_profiles
from sim.scenario.spec import Spec
from sim.settings.fields import field_extra
from sim.settings.parsing import parse_fraction, parse_money

NAMED: dict[str, tuple[str, str]] = {
    "shock": ("fraction", "fall of the news at its lowest point"),
    "sale": ("multiples of depth", "sale over the bids within 1 % that the scenario starts with"),
    "depth": ("multiple", "depth over the scenario's: visible, latent and refill together"),
    "leverage": ("multiple", "median leverage over the scenario's, in every group of accounts"),
}
"""Name to unit and meaning."""
LAYERS = ("market.depth_scale_visible", "market.depth_scale_latent", "market.depth_scale_refill")
_MEDIANS = ("leveraged.leverage_median", "leveraged.cex_leverage_median")
_NUMBER = r"[-+]?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?"
_NEAR = 0.01
"""Distance from mid of the depth that a sale is measured by."""


class Added(NamedTuple):
    """Where a shock goes that the scenario does not have: start and length in seconds, side and book of a sale."""

    at_s: float = 600.0
    over_s: float = 60.0
    side: str = "sell"
    book: str = "perp"


HERE = Added()


@dataclass(frozen=True)
class Factor:
    """One input and its range.

    Attributes
    ----------
    name : str
        Path of a setting, or one of ``NAMED``.
    low, high : float
        Ends of the range, in ``unit``.
    unit : str
    now : float
        Value that the scenario has; 0, no shock, of ``shock`` and ``sale``.
    log : bool
        Whether it is spread evenly in its logarithm.
    whole : bool
        Whether only whole numbers are values.
    each_usd : float
        Dollars of one unit of a sale.
    """

    name: str
    low: float
    high: float
    unit: str
    now: float
    log: bool = False
    whole: bool = False
    each_usd: float = 1.0

    def value(self, share: float) -> float:
        """Value at a share of the way from low to high, 0 to 1, to ten digits."""
        if self.log:
            found = self.low * (self.high / self.low) ** share
        else:
            found = self.low + share * (self.high - self.low)
        return float(round(found)) if self.whole else float(f"{found:.10g}")

    def share(self, value: float) -> float:
        """Share of the way at which a value lies."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def paths(self) -> tuple[str, ...]:
        """Settings that it moves; of a shock those of the news, or none."""
        if self.name == "depth":
            return LAYERS
        return _MEDIANS if self.name == "leverage" else () if self.name in NAMED else (self.name,)


def factor_of(spec: Spec, text: str, added: Added = HERE) -> Factor:
    """Read ``NAME=LOW..HIGH``, ``NAME=LOW..HIGH log``, or ``NAME`` alone for the bounds of the setting.

    Parameters
    ----------
    spec : Spec
        The scenario.
    text : str
        Such as ``market.bid_depth_share=30%..80%`` or ``depth=0.2..1.5 log``.
    added : Added
        Where a shock goes that is added.

    Raises
    ------
    ScenarioError
        When there is no such input or range.
    """
    name, equals, given = (part.strip() for part in text.partition("="))
    words = given.split()
    log = len(words) == 2 and words[1] == "log"
    ends = words[0].split("..") if words else []
    if name not in NAMED and not _is_number(value_of(spec, name)):
        known = ", ".join(NAMED)
        raise ScenarioError(f"--vary {name[:80]!r}: no numeric setting of {spec.name}; there are also {known}")
    if equals and (len(words) != 1 + log or len(ends) != 2):
        raise ScenarioError(f'--vary {text[:80]!r}: expected NAME=LOW..HIGH, perhaps "log" behind it')
    if not equals:
        if name in NAMED:
            raise ScenarioError(f"--vary {name}: give a range, such as {name}={_EXAMPLE[name]}")
        ends = _bounds(spec, name)
    low, high = (_read(spec, name, end) for end in ends)
    if not low < high:
        raise ScenarioError(f"--vary {name}: the range must rise, got {ends[0]}..{ends[1]}")
    if log and low <= 0.0:
        raise ScenarioError(f"--vary {name}: a range in logarithms starts above 0, got {ends[0]}")
    unit, each_usd = NAMED[name][0] if name in NAMED else unit_of(spec, name), 1.0
    if name == "sale" and has_own_books(spec):
        unit = "USD"
    elif name == "sale":
        each_usd = depth_usd(spec, added.side, added.book)
    whole = name not in NAMED and isinstance(value_of(spec, name), int)
    found = Factor(name, low, high, unit, _now(spec, name), log, whole, each_usd)
    for value in (low, high):
        try:
            applied(spec, [found], [value], added)
        except ScenarioError as error:
            raise ScenarioError(f"--vary {name}={value:g}: {error}") from None
    return found


_EXAMPLE = {"shock": "2%..15%", "sale": "0.1..3", "depth": "0.2..1", "leverage": "0.5..2"}


def factors_of(spec: Spec, texts: Sequence[str], added: Added = HERE) -> tuple[Factor, ...]:
    """Read several inputs; each may be named once.

    Raises
    ------
    ScenarioError
        As ``factor_of``, or when there is none, or two move the same setting.
    """
    if not texts:
        raise ScenarioError("nothing to vary: add --vary NAME=LOW..HIGH, such as --vary depth=0.2..1.5")
    found = tuple(factor_of(spec, text, added) for text in texts)
    moved = [path for factor in found for path in (factor.paths or (factor.name,))]
    twice = sorted({path for path in moved if moved.count(path) > 1})
    if any(f.name == "shock" for f in found):
        twice += [path for path in moved if path.startswith(("shocks.", "news.scale", "news.path"))]
    if twice:
        raise ScenarioError(f"--vary: {', '.join(twice)} would be moved twice")
    return found


def applied(spec: Spec, factors: Sequence[Factor], values: Sequence[float], added: Added = HERE) -> Spec:
    """The scenario with inputs set; what is not among them stays.

    Raises
    ------
    ScenarioError
        When that is no valid scenario.
    """
    from pydantic import ValidationError

    order = sorted(range(len(factors)), key=lambda k: factors[k].name in ("shock", "sale"))
    try:
        for k in order:
            raw = _set(spec.model_dump(mode="json"), _changes(spec, factors[k], values[k], added))
            spec = Spec.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{where}: {first['msg']}") from None
    return spec


def depth_usd(spec: Spec, side: str = "sell", book: str = "perp") -> float:
    """What rests within 1 % of mid when the scenario starts, in USD, on the side that a sale or purchase meets."""
    bids_and_asks = side_profiles(spec)[0 if book == "perp" else 1]
    return profile_usd(bids_and_asks[0 if side == "sell" else 1], _NEAR)


def has_own_books(spec: Spec) -> bool:
    """Whether depth came from a table of the user's, whose hash ``shoal ingest`` writes: flow is then in dollars."""
    return spec.sources.depth is not None and spec.sources.depth.sha256 != ""


def _changes(spec: Spec, factor: Factor, value: float, added: Added) -> dict[str, Any]:
    name = factor.name
    if name == "depth":
        return {path: value_of(spec, path) * value for path in LAYERS}
    if name == "leverage":
        out = {path: value_of(spec, path) * value for path in _MEDIANS}
        joint = {f"network.portfolios.{key}.leverage_median": p for key, p in spec.network.portfolios.items()}
        return out | {path: p.leverage_median * value for path, p in joint.items()}
    if name == "shock":
        axis = news_axis(spec, added.at_s, added.over_s)
        return dict(axis.quiet) if value == 0.0 else axis.changes(spec, checked_size(axis, -value))
    if name == "sale":
        if value == 0.0:
            return {}
        axis = flow_axis(spec, *added)
        return axis.changes(spec, checked_size(axis, value * factor.each_usd))
    return {name: _written(spec, name, round(value) if factor.whole else value)}


def _written(spec: Spec, path: str, value: float) -> Any:
    """A value as a scenario file writes it: with the unit that the present one is written with."""
    now = _as_written(spec.model_dump(mode="json"), path)
    if isinstance(now, str):
        text = f"{abs(value):.12g}" if now.lstrip("-").startswith("$") else f"{value:.12g}"
        minus = "-" if value < 0.0 and "$" in now else ""
        return minus + re.sub(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", text, now.removeprefix("-"), count=1)
    return value


def _set(raw: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    out = copy.deepcopy(raw)
    for path, value in changes.items():
        *above, last = path.split(".")
        holder: Any = out
        for key in above:
            holder = holder[int(key)] if isinstance(holder, list) else holder[key]
        holder[int(last) if isinstance(holder, list) else last] = value
    return out


def _read(spec: Spec, name: str, text: str) -> float:
    """A range's end, in the unit of its setting."""
    from pydantic import ValidationError

    try:
        if name == "shock":
            return parse_fraction(_plain(text))
        if name == "sale":
            return _sale(spec, text)
        if name in NAMED:
            return float(text)
        raw = spec.model_dump(mode="json")
        whole = isinstance(value_of(spec, name), int)
        plain = int(text) if whole else text if isinstance(_as_written(raw, name), str) else _plain(text)
        return float(value_of(Spec.model_validate(_set(raw, {name: plain})), name))
    except ValidationError as error:
        raise ScenarioError(f"--vary {name}: {text[:40]!r}: {error.errors()[0]['msg']}") from None
    except ValueError as error:
        raise ScenarioError(f"--vary {name}: {text[:40]!r}: {error}") from None


def _sale(spec: Spec, text: str) -> float:
    if has_own_books(spec):
        return parse_money(text)
    if not re.fullmatch(_NUMBER, text):
        raise ScenarioError(
            f"--vary sale: {text[:40]!r}: the books of {spec.name} are a model's: give multiples of their depth"
            f" (1 is ${depth_usd(spec) / 1e6:,.0f}m of bids within 1 %); dollars need books of your own"
        )
    return float(text)


def _plain(text: str) -> float | str:
    """A number where the text is one, else the text, which has its unit."""
    return float(text) if re.fullmatch(_NUMBER, text) else text


def _as_written(raw: Any, path: str) -> Any:
    for key in path.split("."):
        raw = raw[int(key)] if isinstance(raw, list) else raw[key]
    return raw


def holder_of(spec: Spec, path: str) -> Any:
    """The group, list or mapping in which a setting stands."""
    holder: Any = spec
    for key in path.split(".")[:-1]:
        if isinstance(holder, (list, tuple)):
            holder = holder[int(key)]
        else:
            holder = holder[key] if isinstance(holder, dict) else getattr(holder, key)
    return holder


def extra_of(spec: Spec, path: str) -> dict[str, Any]:
    """Unit, bounds, provenance and source of a setting; empty where it is an entry of a list."""
    holder = holder_of(spec, path)
    return {} if isinstance(holder, (dict, list, tuple)) else field_extra(type(holder), path.rpartition(".")[2])


def _bounds(spec: Spec, name: str) -> list[str]:
    extra = extra_of(spec, name)
    if "minimum" not in extra or "maximum" not in extra:
        raise ScenarioError(f"--vary {name}: the setting has no bounds to take; give {name}=LOW..HIGH")
    return [_end(spec, name, float(extra[key])) for key in ("minimum", "maximum")]


def _end(spec: Spec, name: str, value: float) -> str:
    return str(_written(spec, name, round(value) if isinstance(value_of(spec, name), int) else value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _now(spec: Spec, name: str) -> float:
    if name in ("shock", "sale"):
        return 0.0
    return 1.0 if name in NAMED else float(value_of(spec, name))


def news_fall(spec: Spec) -> float:
    """Fall of the scenario's own news at its lowest point, 0 or above."""
    return -math.expm1(lowest_news(spec))
