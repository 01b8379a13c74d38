"""The measure ``factors``: risk factors of every listing at offsets from a moment, and whether the run cascades.

Arguments: ``from_s``, seconds from the start, and ``offsets_s``. The runs are those of the measure ``cascade``: the
scenario, and its base run for what a cascade is counted against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.experiments import second_round
from sim.experiments.measures import Arguments, Measure

if TYPE_CHECKING:
    from sim.results import Run
    from sim.runner import Scenario

Floats = NDArray[np.float64]

FACTORS: dict[str, tuple[str, str]] = {
    "spot": ("fraction", "change of the spot mid since the moment"),
    "mark": ("fraction", "change of the mark since the moment"),
    "basis": ("fraction", "mark over index less 1"),
    "funding": ("fraction a period", "funding rate of the last payment"),
    "depth": ("fraction", "change of the perp's depth within 1 % of mid, both sides, since the moment"),
    "spread": ("fraction", "spread of the perp over mid, mean of the last minute"),
    "volatility": ("fraction per sqrt(day)", "realised since the moment, from returns of the perp mid"),
    "oi": ("fraction", "change of open interest since the moment"),
}
"""Factor to unit and meaning; values at the end of the last row that had ended by the offset."""
DAY_S, MINUTE_S = 86_400.0, 60.0
_RETURNS = 12  # of a volatility, at least, where rows are close enough


def key_of(listing: str, factor: str, offset_s: float) -> str:
    """Name of the column of a number; ``listing`` is "" in a market of its own."""
    return f"{listing}|{factor}|{offset_s:g}"


def columns(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    found = dict(second_round.COLUMNS)
    for listing in arguments["listings"]:
        for offset_s in arguments["offsets_s"]:
            for factor, (unit, meaning) in FACTORS.items():
                found[key_of(listing, factor, offset_s)] = (
                    unit,
                    f"{listing}, {offset_s:g} s on: {meaning}".lstrip(", "),
                )
    return found


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Run a scenario and its base run, and read the factors off the series.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    arguments : mapping
        As the module says; ``listings`` are the names of the scenario's, [""] where it lists none.

    Returns
    -------
    Run, dict
        The run, and a number for each of ``columns``; NaN for a factor that a listing does not have.
    """
    run, found = second_round.make(scenario, seed, {})
    from_s, offsets_s = float(arguments["from_s"]), [float(s) for s in arguments["offsets_s"]]
    for listing in arguments["listings"]:
        series = (run.listings[listing] if listing else run).series
        table = {name: series[name].to_numpy(dtype=np.float64) for name in series.columns if name != "time_utc"}
        for offset_s in offsets_s:
            for factor, value in factors_at(table, from_s, offset_s).items():
                found[key_of(listing, factor, offset_s)] = value
    return run, found


def factors_at(table: dict[str, Floats], from_s: float, offset_s: float) -> dict[str, float]:
    """Factors of one listing at an offset.

    Parameters
    ----------
    table : dict of float64[n]
        Columns of ``run.series``.
    from_s, offset_s : float
        Moment from the start, and the offset from it, seconds.
    """
    time_s = table["elapsed_s"]
    first, at = (int(np.searchsorted(time_s, t + 1e-9, "right")) - 1 for t in (from_s, from_s + offset_s))

    def change(values: Floats) -> float:
        return float(values[at] / values[first] - 1.0) if values[first] > 0.0 else float("nan")

    last = (time_s > time_s[at] - MINUTE_S) & (time_s <= time_s[at] + 1e-9)
    spread = table["perp_spread_bp"][last]
    known = spread[np.isfinite(spread)]
    return {
        "spot": change(table["spot_mid_usd"]),
        "mark": change(table["mark_usd"]),
        "basis": float(table["mark_usd"][at] / table["index_usd"][at] - 1.0),
        "funding": float(table["funding_rate_frac"][at]),
        "depth": change(table["depth_bid_1pct_usd"] + table["depth_ask_1pct_usd"]),
        "spread": float(known.mean()) / 1e4 if known.size else float("nan"),
        "volatility": realised(time_s, table["perp_mid_usd"], time_s[first], time_s[at]),
        "oi": change(table["open_interest_btc"]),
    }


def realised(time_s: Floats, price: Floats, from_s: float, to_s: float) -> float:
    """Volatility of a price between two times: root of summed squared log returns over the time, per sqrt(day).

    Returns are over a minute, or over a twelfth of the time where that is less, by the rows that there are.
    """
    step_s = min(MINUTE_S, (to_s - from_s) / _RETURNS)
    wanted = np.arange(from_s, to_s + 1e-9, max(step_s, 1e-9)) if to_s > from_s else np.empty(0)
    rows = np.unique(np.searchsorted(time_s, wanted + 1e-9, "right") - 1)
    values, at = price[rows], time_s[rows]
    known = np.isfinite(values)
    if known.sum() < 2:
        return float("nan")
    steps = np.diff(np.log(values[known]))
    return float(np.sqrt(np.sum(steps**2) / (at[known][-1] - at[known][0]) * DAY_S))


def arguments_of(spec: Any, from_s: float, offsets_s: list[float]) -> dict[str, Any]:
    """Arguments of the measure for a scenario."""
    return {"kind": "factors", "from_s": from_s, "offsets_s": offsets_s, "listings": list(spec.listings) or [""]}


MEASURE = Measure(columns, make)
