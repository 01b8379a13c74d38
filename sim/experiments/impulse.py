"""Impulse response: what one order more does to the price, each seed beside the same seed without it (MODEL.md 5.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.experiments import cases, mids, resilience
from sim.experiments.cells import OK
from sim.experiments.compare import How
from sim.experiments.export import tidy
from sim.experiments.plan import Plan
from sim.experiments.store import read_plan
from sim.experiments.sweep import Lane, Tally
from sim.metrics.depth import profile_usd
from sim.metrics.paired import Curve, Decay, curve, decay

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.runner import Scenario
    from sim.scenario.spec import Spec

Floats = NDArray[np.float64]

SIZES = (0.1, 0.3, 1.0, 3.0)
"""Times the depth within 1 % of mid of the side that is hit (MODEL.md 5.1)."""
SHOWN_S = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 86400.0)
"""Times of the short tables."""
HOUR_S, DAY_S = 3600.0, 86400.0
SHARE, TOUCH, NEAR = 0.5, 0.001, 0.0025
"""The probe of resilience takes half of what lies within 10 bp; depth is watched within 0.25 % (MODEL.md 5.1)."""
WATCHED_S = 600.0
_EACH_TO_S, _PER_DECADE = 60.0, 20


@dataclass(frozen=True)
class Impulse:
    """Responses of a scenario to orders of several sizes.

    Attributes
    ----------
    scenario : Scenario
        Without a probe, cut behind the last time that is looked at.
    seeds : tuple of int
    sizes : tuple of float
        Times ``depth_usd``.
    depth_usd : float
        Depth within 1 % of mid, of the side that is hit, at the start (D1), USD.
    at_s, over_s : float
        When the probe is sent, and over how long it is spread.
    side, book : str
        "sell" or "buy"; "perp" or "spot".
    after_s : float64[n_times]
        Times since the probe; the first is 0.
    folder, plan
        Sweep of the responses.
    recovery : tuple of (Path, Plan), optional
        Sweep of the resilience; None when it was left out.
    level : float
        Coverage of the intervals, 0..1.
    listing : str, optional
        Of a network: whose book; the first if not given.
    """

    scenario: Scenario
    seeds: tuple[int, ...]
    sizes: tuple[float, ...]
    depth_usd: float
    at_s: float
    over_s: float
    side: str
    book: str
    after_s: Floats
    folder: Path
    plan: Plan
    recovery: tuple[Path, Plan] | None
    level: float = 0.95
    listing: str | None = None

    @property
    def direction(self) -> float:
        """-1 for a sale, +1 for a purchase."""
        return -1.0 if self.side == "sell" else 1.0

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a run of the responses."""
        return tidy(self.folder, self.plan)

    def point(self, size: float) -> str:
        """Identity in the sweep of the scenario with the probe of a size; 0 is the one without."""
        return cases.point_of(
            _probed(self.scenario, self.at_s, self.over_s, self.side, self.book, size * self.depth_usd, self.listing)
        )

    def _rows(self, point: str, columns: Sequence[str]) -> Floats:
        """Columns of every seed of a point; NaN where the run failed."""
        rows = self.runs[(self.runs["point"] == point) & (self.runs["status"] == OK)].set_index("seed")
        return np.asarray(rows[list(columns)].reindex(list(self.seeds)), dtype=np.float64)

    def paths(self, size: float) -> tuple[Floats, Floats]:
        """Log mid since the moment of the probe without and with it, float64[n_seeds, n_times] twice.

        Seeds in which a run failed or a side of the book was empty at one of the times are left out.
        """
        names = [mids.mid_after(s) for s in self.after_s]
        both = [np.log(self._rows(self.point(q), names)) for q in (0.0, size)]
        known = np.isfinite(both[0]).all(axis=1) & np.isfinite(both[1]).all(axis=1)
        without, probed = (path[known] - path[known][:, :1] for path in both)
        return without, probed

    def n(self, size: float) -> int:
        """Seeds behind the response to a size."""
        return int(self.paths(size)[0].shape[0])

    @cached_property
    def curves(self) -> dict[float, Curve]:
        """Response by size, in log returns, at every time but 0."""
        out = {}
        for q in self.sizes:
            without, probed = self.paths(q)
            out[q] = curve(without[:, 1:], probed[:, 1:], self.level)
        return out

    @cached_property
    def decays(self) -> dict[float, Decay]:
        """Peak, half-life and what is left at the last time, by size."""
        out = {}
        for q in self.sizes:
            without, probed = self.paths(q)
            out[q] = decay(self.after_s[1:], (probed - without)[:, 1:], self.direction, self.level)
        return out

    def filled(self, size: float) -> float:
        """Share of the probe that traded, mean over seeds."""
        coins = size * self.depth_usd / cases.listing_spec(self.scenario.spec, self.listing).market.price
        gap = self._rows(self.point(size), [mids.HELD]) - self._rows(self.point(0.0), [mids.HELD])
        return float(np.nanmean(self.direction * gap)) / coins

    @cached_property
    def recovered(self) -> tuple[Floats, dict[str, Floats], dict[str, Decay], float] | None:
        """Resilience: times, gaps of depth (USD) and price (bp) by seeds, how they close, mean value of the probe."""
        if self.recovery is None:
            return None
        folder, plan = self.recovery
        rows = tidy(folder, plan).set_index("seed")
        rows = rows[rows["status"] == OK].reindex(list(self.seeds))
        time_s = np.array(plan.measure["after_s"])
        gaps, ends = {}, {}
        for kind, names in resilience.names_of(plan.measure).items():
            found = np.asarray(rows[names], dtype=np.float64)
            gaps[kind] = found[np.isfinite(found).all(axis=1)]
            direction = self.direction if kind == "price" else -1.0
            ends[kind] = decay(time_s, gaps[kind], direction, self.level)
        return time_s, gaps, ends, float(rows[resilience.PROBE].mean())

    @property
    def failed(self) -> int:
        """Runs of these seeds that failed."""
        frames = [self.runs] + ([tidy(*self.recovery)] if self.recovery else [])
        return sum(int(((f["status"] != OK) & f["seed"].isin(self.seeds)).sum()) for f in frames)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a size and time: response with its interval in basis points, variance ratio."""
        import pandas as pd

        rows = [
            (q, q * self.depth_usd, t, self.n(q), *(1e4 * ends[k] for ends in c[:6]), c.variance_ratio[k])
            for q, c in self.curves.items() for k, t in enumerate(self.after_s[1:])
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def plot(self, kind: str = "response") -> Figure:
        """Figure of the responses, or of the book that fills up again (``kind="resilience"``)."""
        from sim.report import impulse

        return {"response": impulse.response_figure, "resilience": impulse.resilience_figure}[kind](self)

    def save(self, out: str | Path | None = None) -> Path:
        """Write tables and figures into a folder, ``impulse`` in that of the runs when none is given; returns it."""
        from sim.report import impulse

        return impulse.save(self, Path(out) if out is not None else self.folder / "impulse")

    def __str__(self) -> str:
        from sim.report import impulse

        return impulse.text(self)


COLUMNS: dict[str, tuple[str, str]] = {
    "size": ("ratio", "value of the probe over the depth within 1 % of mid of the side that is hit, at the start"),
    "notional_usd": ("USD", "value of the probe"),
    "after_s": ("s", "time since the probe"),
    "n": ("seeds", "seeds, each with and without the probe"),
    "response_bp": ("bp", "mean over seeds of log mid with the probe less log mid without"),
    "low_bp": ("bp", "lower end of its interval: studentized bootstrap over seeds"),
    "high_bp": ("bp", "upper end"),
    "median_bp": ("bp", "median over seeds of the same"),
    "median_low_bp": ("bp", "lower end of its interval between order statistics"),
    "median_high_bp": ("bp", "upper end"),
    "variance_ratio": ("ratio", "variance of the response between unpaired seeds over that between paired ones"),
}
"""Columns of ``Impulse.table``: unit and meaning."""


def impulse(
    scenario: Scenario | str | Path,
    sizes: Sequence[float] = SIZES,
    seeds: int | Sequence[int] = 32,
    *,
    set: Mapping[str, object] | Sequence[str] | None = None,
    at_s: float = 600.0,
    over_s: float = 1.0,
    side: str = "sell",
    book: str = "perp",
    horizon_s: float | None = None,
    with_resilience: bool = True,
    level: float = 0.95,
    listing: str | None = None,
    out: str | Path = "results",
    workers: int | None = None,
    told: Callable[[Tally], None] | None = None,
    lanes: Callable[[], Sequence[Lane]] | None = None,
) -> Impulse:
    """Run a scenario with and without one more order, the same draws in both.

    Parameters
    ----------
    scenario : Scenario, str or Path
    sizes : sequence of float
        Times the depth within 1 % of mid of the side that is hit, at the start.
    seeds : int or sequence of int
        A number n means seeds 1 to n. Runs that the folder holds already are not made again.
    set : mapping or sequence of str, optional
        Changes of the scenario, as for ``sim.load(set=...)``.
    at_s : float
        Seconds from the start at which the probe is sent.
    over_s : float
        Seconds over which it is spread, one order a second; 1 is one order.
    side, book : str
        "sell" or "buy"; "perp" or "spot".
    horizon_s : float, optional
        Seconds for which the price is watched: an hour, or a day where the scenario lasts so long, when not given.
    with_resilience : bool
        Also watch the book fill up again after a probe of half of what lies within 10 bp.
    level : float
        Coverage of the intervals, 0..1.
    listing : str, optional
        Of a scenario with listings: whose book the probe is sent to and whose price is watched; the first if not given.
    out, workers, told, lanes
        As for ``sim.compare``.

    Returns
    -------
    Impulse
        ``print`` it, ``plot()`` it, ``save()`` it; ``table`` is a data frame.

    Raises
    ------
    ScenarioError
        When scenario, seeds or the probe are refused.
    ResultError
        When the runs cannot be kept; what is finished is.
    """
    from sim.runner import checked_seeds

    given = cases.scenario_of(scenario, set)
    wanted = checked_seeds(range(1, seeds + 1) if isinstance(seeds, int) else seeds)
    one = cases.listing_spec(given.spec, listing)
    horizon = _checked(one, sizes, at_s, over_s, side, book, horizon_s, level)
    base = cases.lasting(given, at_s + horizon)
    depth = depth_hit_usd(one, book, side)
    after = _times(horizon, max(one.record_every, one.tick))
    probed = [_probed(base, at_s, over_s, side, book, q * depth, listing) for q in sizes]
    whose = cases.named(given.spec, listing)
    plan = cases.plan_of(
        f"impulse_{given.spec.name}", [base, *probed], wanted,
        measure={"kind": "mids", "book": book, "at_s": at_s, "after_s": after, **whose},
    )  # fmt: skip
    how: How = (workers, told, lanes)
    folder = cases.folder_of(out, plan)
    cases.make_runs(folder, plan, *how)
    recovery = _recover(given, wanted, at_s, side, book, Path(out), how, whose) if with_resilience else None
    return Impulse(
        base, wanted, tuple(sizes), depth, at_s, over_s, side, book, np.array(after), folder, read_plan(folder),
        recovery, level, listing,
    )  # fmt: skip


def _recover(
    given: Scenario,
    seeds: Sequence[int],
    at_s: float,
    side: str,
    book: str,
    out: Path,
    how: How,
    whose: Mapping[str, str],
) -> tuple[Path, Plan]:
    watched = min(WATCHED_S, given.spec.duration - at_s)
    measure = {
        "kind": "resilience", "book": book, "side": side, "at_s": at_s, "share": SHARE, "touch": TOUCH, "near": NEAR,
        "after_s": _times(watched, given.spec.tick)[1:], **whose,
    }  # fmt: skip
    case = cases.lasting(given, at_s + watched)
    plan = cases.plan_of(f"resilience_{given.spec.name}", [case], seeds, measure=measure)
    folder = cases.folder_of(out, plan)
    cases.make_runs(folder, plan, *how)
    return folder, read_plan(folder)


def depth_hit_usd(spec: Spec, book: str, side: str) -> float:
    """D1: depth within 1 % of mid of the side that an order hits, at the start, USD; as the scenario sets it."""
    market, within = spec.market, 0.01
    if book == "spot":
        profile, share = market.spot_depth, 1.0
    elif side == "sell":
        profile, share = market.perp_bid_depth, market.bid_depth_share
    else:
        profile, share = market.perp_ask_depth, market.ask_depth_share
    points = [(point.within, point.notional) for point in profile]
    return float(profile_usd(points, within) * share * market.depth_scale_visible)


def _checked(
    spec: Spec,
    sizes: Sequence[float],
    at_s: float,
    over_s: float,
    side: str,
    book: str,
    horizon_s: float | None,
    level: float,
) -> float:
    """Horizon in seconds; everything that cannot be is refused."""
    step = max(spec.record_every, spec.tick)
    covered = spec.duration - at_s
    horizon = horizon_s if horizon_s is not None else DAY_S if covered >= DAY_S else min(HOUR_S, covered)
    horizon = step * math.floor(horizon / step + 1e-9)
    problems = []
    if not sizes or any(not 0.0 < q < math.inf for q in sizes) or len({*sizes}) < len(sizes):
        problems.append(
            f"sizes: expected different numbers above 0, got {', '.join(f'{q:g}' for q in sizes) or 'none'}"
        )
    if side not in ("sell", "buy"):
        problems.append(f"side: expected sell or buy, got {side!r}")
    if book not in ("perp", "spot"):
        problems.append(f"book: expected perp or spot, got {book!r}")
    elif not getattr(spec.market, book):
        problems.append(f"book: {spec.name} has no {book} book")
    if abs(at_s / step - round(at_s / step)) > 1e-9 or at_s < step:
        problems.append(f"at: expected a whole number of recorded intervals of {step:g} s, got {at_s:g} s")
    if not 0.5 <= level < 1.0:
        problems.append(f"level: expected a share from 0.5 to below 1, got {level:g}")
    if over_s < 1.0:
        problems.append(f"over: a probe is spread over at least 1 s, got {over_s:g} s")
    if horizon < max(step, over_s) or at_s + horizon > spec.duration:
        problems.append(
            f"horizon: {spec.name} lasts {spec.duration:g} s, the probe is sent at {at_s:g} s and watched for "
            f"{horizon:g} s: set duration to more"
        )
    if problems:
        raise ScenarioError(problems)
    return horizon


def _times(horizon_s: float, step_s: float) -> list[float]:
    """0, every step of the first minute, then 20 a decade and those of the tables, as whole steps up to the horizon."""
    each = np.arange(0.0, min(_EACH_TO_S, horizon_s) + 0.5 * step_s, step_s)
    decades = math.log10(max(horizon_s / _EACH_TO_S, 1.0))
    later = _EACH_TO_S * 10.0 ** np.linspace(0.0, decades, 1 + math.ceil(_PER_DECADE * decades))
    steps = np.rint(np.concatenate([each, later, SHOWN_S, [horizon_s]]) / step_s)
    kept = np.unique(steps[steps * step_s <= horizon_s + 1e-9])
    return [float(s) for s in np.round(kept * step_s, 9)]


def _probed(
    base: Scenario, at_s: float, over_s: float, side: str, book: str, usd: float, listing: str | None = None
) -> Scenario:
    if usd == 0.0:
        return base
    return cases.with_shock(base, cases.order(at_s, over_s, side, book, usd), listing)
