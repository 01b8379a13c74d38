"""The answer of ``amplify`` as two tidy tables: a row a setting, and a row a depth with its critical shock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.experiments.amplify import Answer
from sim.experiments.depth_grid import Found
from sim.metrics.amplification import CUTS, cascades
from sim.metrics.critical_curve import Curve
from sim.metrics.price import NO_FLOOR
from sim.metrics.seeds import median_of_seeds, share_of_seeds
from sim.metrics.threshold import RESAMPLES, variance_ratio

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SETTINGS: dict[str, tuple[str, str]] = {
    "layer": (
        "",
        "what is scaled: visible, latent, refill, all three; +answer: the makers' answer to a dollar as well",
    ),
    "depth": ("multiple", "depth over the scenario's"),
    "size": ("%|USD", "lowest point of the news in per cent, or dollars sold"),
    "seeds": ("count", "runs that ended well"),
    "whole": ("count", "of them run to the end beside a quiet run: falls are of these alone"),
    "cascade_share": ("fraction", "share of seeds whose second-round forced coins exceed 2 % of open interest"),
    "cascade_low": ("fraction", "lower end of its Wilson 95 % interval"),
    "cascade_high": ("fraction", "upper end"),
    "share_at_half_cut": ("fraction", "the share at a cut of 1 %"),
    "share_at_double_cut": ("fraction", "the share at a cut of 4 %"),
    "fall_pct": ("%", "median deepest fall of the mark against the quiet base run (T)"),
    "fall_pct_low": ("%", "lower end of its 95 % interval between order statistics"),
    "fall_pct_high": ("%", "upper end"),
    "base_fall_pct": ("%", "median fall of the base run: no liquidation, no withdrawal (T0)"),
    "amplification": ("ratio", "median T over median T0, in logarithms"),
    "amplification_low": ("ratio", "lower end of its 95 % interval, bootstrap over seeds"),
    "amplification_high": ("ratio", "upper end"),
    "amplification_if_not": ("ratio", "median of T/T0 over the seeds that do not cascade; empty below ten"),
    "fall_pct_if_cascade": ("%", "median fall of the seeds that cascade; empty below ten"),
    "fall_pct_if_not": ("%", "median fall of the seeds that do not; empty below ten"),
    "share_without_floor": ("fraction", "share of seeds that fall beyond 40 %, where no buyer of the model waits"),
    "flow_ratio": ("ratio", "A_flow: median T over median T at depth 1; for a sale"),
    "flow_ratio_low": ("ratio", "lower end of its 95 % interval, paired bootstrap over seeds"),
    "flow_ratio_high": ("ratio", "upper end"),
    "second_round": ("fraction", "median second-round share"),
    "pairing_fall": ("ratio", "variance of the difference in fall from depth 1, unpaired over paired seeds"),
    "pairing_cascade": ("ratio", "the same of the difference in the share that cascades"),
}
CRITICAL: dict[str, tuple[str, str]] = {
    "layer": SETTINGS["layer"],
    "depth": SETTINGS["depth"],
    "crowding": ("ratio", "open interest over visible perp bids within 1 % of mid, at the start; median over seeds"),
    "critical_pct": ("%", "s*: size of the news from which half of the seeds cascade, by probit"),
    "critical_low": ("%", "lower end of its 95 % interval, bootstrap over seeds"),
    "critical_high": ("%", "upper end"),
    "half_width_pct": ("percentage points", "half of the interval"),
    "curve_pct": ("%", "s* on a polynomial of ln s* in ln depth through all depths; empty below five"),
    "curve_low": ("%", "lower end of its 95 % interval, bootstrap over seeds"),
    "curve_high": ("%", "upper end"),
    "curve_half_width_pct": ("percentage points", "half of that interval"),
    "curve_degree": ("", "of the polynomial: 2, or 3 where 2 is rejected and there are seven depths or more"),
    "curve_misfit": ("fraction", "chance of a scatter about the curve as large; below 0.05 the curve is not used"),
    "fuel_explains": ("fraction", "of the variance of log thresholds, by the fuel of each seed; then taken out of s*"),
    "spread": ("log", "standard deviation of the log threshold over seeds"),
    "beyond": ("", "above or below, when s* lies outside the sizes that were run"),
    "critical_pct_half_cut": ("%", "s* at a cut of 1 %"),
    "critical_pct_double_cut": ("%", "s* at a cut of 4 %"),
    "seeds": ("count", "seeds that took part"),
    "runs": ("count", "runs that took part, base runs not counted"),
}


def settings_frame(answer: Answer) -> pd.DataFrame:
    """One row a layer, depth and size; columns as ``SETTINGS``."""
    import pandas as pd

    rows = []
    for (layer, depth), found in answer.lines.items():
        at_one = answer.lines.get((layer, 1.0))
        for size in sorted(found.rows, key=abs):
            rows.append({"layer": layer, "depth": depth, **_setting(answer, found, at_one, size)})
    return pd.DataFrame(rows, columns=list(SETTINGS))


def _setting(answer: Answer, found: Found, at_one: Found | None, size: float) -> dict[str, Any]:
    whole = sorted(found.column(size, "fall"))
    fall, base, second = (
        np.array([found.column(size, name)[seed] for seed in whole]) for name in ("fall", "base_fall", "second_round")
    )
    told, every = cascades(second, fall, base), _values(found.column(size, "second_round"))
    news = answer.axis.kind == "news"
    row: dict[str, Any] = {"size": 100.0 * size if news else size, "seeds": int(every.size), "whole": len(whole)}
    half, at_cut, double = (share_of_seeds(int((every > cut).sum()), every.size) for cut in CUTS)
    fell = median_of_seeds(fall)
    row |= {"cascade_share": at_cut.share, "cascade_low": at_cut.low, "cascade_high": at_cut.high}
    row |= {"share_at_half_cut": half.share, "share_at_double_cut": double.share}
    row |= _interval("fall_pct", _pct(fell.median), _pct(fell.low), _pct(fell.high))
    row |= {"base_fall_pct": _pct(float(np.median(base))) if base.size else math.nan}
    row |= _interval("amplification", told.amplification, *_ratio_interval(fall, base))
    row["amplification_if_not"] = told.amplification_if_not.median
    row["fall_pct_if_cascade"], row["fall_pct_if_not"] = _pct(told.fall_if.median), _pct(told.fall_if_not.median)
    row["share_without_floor"] = float(np.mean(-np.expm1(-fall) > NO_FLOOR)) if fall.size else math.nan
    row["second_round"] = float(np.median(second)) if second.size else math.nan
    if at_one is not None and size in at_one.rows:
        mine, theirs = (line.column(size, "fall") for line in (found, at_one))
        both = sorted(set(mine) & set(theirs))
        here, there = (np.array([line[s] for s in both]) for line in (mine, theirs))
        if not news and both:
            ratio = float(np.median(here) / np.median(there)) if np.median(there) > 0 else math.nan
            row |= _interval("flow_ratio", ratio, *_ratio_interval(here, there))
        if found is not at_one:
            row["pairing_fall"] = variance_ratio(here, there)
            hits = [line.column(size, "second_round") for line in (found, at_one)]
            row["pairing_cascade"] = variance_ratio(*(np.array([float(h[s] > CUTS[1]) for s in both]) for h in hits))
    return row


def critical_frame(answer: Answer) -> pd.DataFrame:
    """One row a layer and depth; columns as ``CRITICAL``; empty for a sale."""
    import pandas as pd

    rows = []
    first = answer.fuel.drop_duplicates(["layer", "depth"])
    crowd = {(row.layer, row.depth): row.crowding for row in first.itertuples()}
    for key, c in answer.critical.items():
        found = answer.lines[key]
        half, double = answer.other_cuts[key]
        crowding = crowd.get(key, math.nan)
        rows.append(
            {
                "layer": key[0], "depth": key[1], "crowding": crowding,
                "critical_pct": 100.0 * c.size, "critical_low": 100.0 * c.low, "critical_high": 100.0 * c.high,
                "half_width_pct": 100.0 * c.half_width,
                **_on_curve(answer.curves[key[0]], key[1]), "spread": c.spread, "beyond": c.beyond,
                "fuel_explains": answer.fuel_explains.get(key, math.nan),
                "critical_pct_half_cut": 100.0 * half.size, "critical_pct_double_cut": 100.0 * double.size,
                "seeds": len({s for r in found.rows.values() for s in r}),
                "runs": sum(len(r) for r in found.rows.values()),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(CRITICAL))


def _on_curve(curve: Curve | None, depth: float) -> dict[str, float]:
    names = ("curve_pct", "curve_low", "curve_high", "curve_half_width_pct", "curve_degree", "curve_misfit")
    if curve is None or depth not in curve.depths:
        return dict.fromkeys(names, math.nan)
    at = int(np.flatnonzero(curve.depths == depth)[0])
    values = [100.0 * float(v[at]) for v in (curve.size, curve.low, curve.high)]
    return dict(zip(names, (*values, 100.0 * curve.half_width(depth), curve.degree, curve.misfit), strict=True))


def violations(answer: Answer) -> list[str]:
    """Steps to thinner depth at which the share of seeds falls beyond its interval, or the median fall by over 10 bp.

    Judged where either cell cascades in at least 5 % of seeds (DECISIONS 24); falls beyond 40 % count as 40 %.
    """
    frame = settings_frame(answer)
    out = []
    for (layer, size), rows in frame.groupby(["layer", "size"], sort=False):
        ordered = rows.sort_values("depth", ascending=False).to_dict("records")
        for thick, thin in zip(ordered, ordered[1:], strict=False):
            if not max(thick["cascade_share"], thin["cascade_share"]) >= 0.05:
                continue
            where = f"{layer}, size {size:g}, x{thick['depth']:g} to x{thin['depth']:g}"
            if thin["cascade_high"] < thick["cascade_share"]:
                out.append(f"{where}: share of seeds {thick['cascade_share']:.2f} to {thin['cascade_share']:.2f}")
            fell = [min(row["fall_pct"], 100.0 * NO_FLOOR) for row in (thick, thin)]
            if fell[0] - fell[1] > 0.1:
                out.append(f"{where}: median fall {thick['fall_pct']:.2f} to {thin['fall_pct']:.2f} %")
    return out


def _values(column: dict[int, float]) -> Floats:
    return np.array([column[seed] for seed in sorted(column)], dtype=np.float64)


def _pct(log_fall: float) -> float:
    """A log fall as a simple one in per cent."""
    return -100.0 * math.expm1(-log_fall)


def _interval(name: str, middle: float, low: float, high: float) -> dict[str, float]:
    return {name: middle, f"{name}_low": low, f"{name}_high": high}


def _ratio_interval(above: Floats, below: Floats) -> tuple[float, float]:
    """95 % percentile interval of a ratio of medians, seeds resampled in pairs; NaN below ten seeds."""
    if above.size < 10:
        return math.nan, math.nan
    pick = np.random.default_rng(1).integers(0, above.size, (RESAMPLES, above.size))
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.median(above[pick], axis=1) / np.median(below[pick], axis=1)
    known = draws[np.isfinite(draws)]
    if known.size < 20:
        return math.nan, math.nan
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)
