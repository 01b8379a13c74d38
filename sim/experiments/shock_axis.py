"""The shock axis of an experiment: a scenario's own news scaled as a whole, or a sale of a given size added to it.

For news the size is the lowest point of the scenario's news against its start, -5 % as -0.05 (DECISIONS 20c); for a
sale it is dollars. Everything else in the scenario stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.news_path import path_ramps
from sim.scenario.spec import Spec

Floats = NDArray[np.float64]

ONSET_SHARE = 0.1
"""News has begun once a tenth of its fall is there [judgement]: recorded news creeps for a while before it breaks."""
_SMALLEST = 1e-6  # a fall of the news smaller than this has no direction to be scaled in


class Axis(NamedTuple):
    """How the size of a shock is set.

    Attributes
    ----------
    kind : str
        "news" or "flow".
    unit : str
        Of a size: "fraction" or "USD".
    from_s : float
        Seconds from the start when the shock begins; falls count from there.
    until_s : float
        Seconds from the start when its last part ends.
    quiet : mapping
        What takes the shock out of a resolved scenario.
    added : mapping or None
        The shock that is added where the scenario has none of its own; its size stands under ``size_key``.
    size_key : str
        "move" or "notional".
    """

    kind: str
    unit: str
    from_s: float
    until_s: float
    quiet: Mapping[str, Any]
    added: Mapping[str, Any] | None
    size_key: str

    def changes(self, spec: Spec, size: float) -> dict[str, Any]:
        """Overrides that give the shock a size.

        Parameters
        ----------
        spec : Spec
            The scenario that the axis was made for.
        size : float
            In ``unit``; a fall of the news is below 0.
        """
        if self.added is not None:
            written = f"{size:.10g}" + ("USD" if self.unit == "USD" else "")
            return {"shocks": [*_plain_shocks(spec), {**self.added, self.size_key: written}]}
        factor = math.log1p(size) / lowest_news(spec)
        out: dict[str, Any] = {}
        if spec.news.path is not None:
            out["news.scale"] = spec.news.scale * factor
        if any(s.kind == "news_move" for s in spec.shocks):
            out["shocks"] = [_scaled(s, factor) for s in _plain_shocks(spec)]
        return out


def news_axis(spec: Spec, at_s: float = 600.0, over_s: float = 60.0) -> Axis:
    """Scale the news of a scenario as a whole; where it has none that falls, a move is added.

    Parameters
    ----------
    spec : Spec
    at_s, over_s : float
        Start and duration of the added move, in seconds (DECISIONS 20b: news is never one tick).
    """
    if lowest_news(spec) > -_SMALLEST:
        move = {"kind": "news_move", "at": f"{at_s:.10g}s", "over": f"{over_s:.10g}s"}
        return Axis("news", "fraction", at_s, at_s + over_s, {"shocks": _plain_shocks(spec)}, move, "move")
    times, level = deterministic_news(spec)
    enough = level <= ONSET_SHARE * level.min()
    k = int(np.argmax(enough))
    onset = times[k]
    if k and level[k] < level[k - 1]:  # within the stretch that crosses the tenth
        onset = float(np.interp(-ONSET_SHARE * level.min(), -level[k - 1 : k + 1], times[k - 1 : k + 1]))
    quiet: dict[str, Any] = {"news.scale": 0.0} if spec.news.path is not None else {}
    if any(s.kind == "news_move" for s in spec.shocks):
        quiet["shocks"] = [_scaled(s, 0.0) for s in _plain_shocks(spec)]
    return Axis("news", "fraction", math.floor(onset), float(times[int(np.argmin(level))]), quiet, None, "move")


def flow_axis(spec: Spec, at_s: float = 600.0, over_s: float = 60.0, side: str = "sell", book: str = "perp") -> Axis:
    """Add a sale (or purchase) of a given value, beside whatever the scenario has.

    Parameters
    ----------
    spec : Spec
    at_s, over_s : float
        Start and duration in seconds.
    side, book : str
        As for the shock ``flow``.
    """
    sale = {"kind": "flow", "at": f"{at_s:.10g}s", "over": f"{over_s:.10g}s", "side": side, "book": book}
    return Axis("flow", "USD", at_s, at_s + over_s, {"shocks": _plain_shocks(spec)}, sale, "notional")


def deterministic_news(spec: Spec) -> tuple[Floats, Floats]:
    """News that the scenario names, without its noise: times in seconds and cumulative log moves.

    Raises
    ------
    DataError
        When a recorded path cannot be read.
    """
    ramps = [(r["start_us"] / 1e6, r["end_us"] / 1e6, float(r["log_move"])) for r in path_ramps(spec.news)]
    for shock in spec.shocks:
        if shock.kind == "news_move":
            ramps.append((shock.at, shock.at + shock.over, math.log1p(shock.move)))
    knots = np.array(sorted({0.0, *(t for a, b, _ in ramps for t in (max(a, 0.0), max(b, 0.0)))}))
    level = np.zeros(knots.size)
    for start, end, move in ramps:
        share = (knots - start) / (end - start) if end > start else (knots >= end).astype(np.float64)
        level += move * np.clip(share, 0.0, 1.0)
    return knots, level


def lowest_news(spec: Spec) -> float:
    """Lowest cumulative log move of the scenario's news, 0 or below."""
    return float(min(0.0, deterministic_news(spec)[1].min()))


def checked_size(axis: Axis, size: float) -> float:
    """A size that the axis can take.

    Raises
    ------
    ScenarioError
        When it has the wrong sign or is too large.
    """
    if axis.kind == "news" and not -0.9 < size < 0.0:
        raise ScenarioError(f"news {100 * size:g}%: expected a fall between 0 and -90%, such as -5%")
    if axis.kind == "flow" and not 0.0 < size <= 1e11:
        raise ScenarioError(f"sale of {size:g} USD: expected more than 0 and at most $100bn, such as $150m")
    return size


def _plain_shocks(spec: Spec) -> list[dict[str, Any]]:
    return [shock.model_dump(mode="json") for shock in spec.shocks]


def _scaled(shock: dict[str, Any], factor: float) -> dict[str, Any]:
    if shock["kind"] != "news_move":
        return shock
    return {**shock, "move": math.expm1(factor * math.log1p(shock["move"]))}
