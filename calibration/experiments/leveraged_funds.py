"""Leverage of value funds and the tails of returns (MODEL 6.2.10), and a leveraged position on its way out (6.2.11).

Agents of docs/examples trade in the engine; beside them the paper's own market (``clearing``) and published figures.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from calibration.experiments import clearing
from calibration.experiments.common import OUT, say, write
from calibration.experiments.fund_figures import leverage_figure, path_figure
from docs.examples import critical_leverage as leaving
from docs.examples import leveraged_funds as books
from sim.calculator import critical_leverage, leverage_path
from sim.metrics.paired import mean_interval
from sim.report import style
from sim.report.published import read_published

LIMITS = (1.0, 2.0, 5.0, 10.0, 15.0)
STEPS = 4000  # of the engine and of the twin beside it; the noise of a seed is another path in each
LONG_STEPS = 50_000  # of the twin beside the published figures
PUBLISHED: dict[str, tuple[float, ...]] = {
    "excess_kurtosis": (0.2, 0.8, 3.1, 11.5, 12.3),
    "hill_falls": (8.5, 7.8, 5.4, 4.1, 4.1),
    "acf_absolute": (0.04, 0.13, 0.17, 0.22, 0.23),
    "sd": (0.0326, float("nan"), float("nan"), float("nan"), 0.0289),
    "defaults": (0.0, 7.0, 457.0, 600.0, 595.0),
}
"""MODEL 6.2.10; of the deviation the ends alone are given."""
EXPECTED = {"excess_kurtosis": 1.0, "hill_falls": -1.0, "acf_absolute": 1.0, "sd": -1.0, "defaults": 1.0}
"""Sign of the change of each statistic as the limit rises."""
Found = dict[str, float]


def books_job(job: tuple[float, int]) -> Found:
    """One run of the engine; a limit of 0 is the noise traders alone."""
    limit, seed = job
    out = books.simulate(limit, STEPS, seed)
    calls = sum(fund.margin_calls for fund in out.funds)
    return books.statistics(out.prices) | {
        "defaults": 1e5 * out.defaults / STEPS,
        "margin_calls": 1e5 * calls / STEPS,
    }


def clearing_job(job: tuple[int, int]) -> list[list[Found]]:
    """All limits and seeds 1 to n of the twin, side by side: by limit, then by seed."""
    steps, n = job
    pairs = [(limit, seed) for limit in LIMITS for seed in range(1, n + 1)]
    out = clearing.simulate([limit for limit, _ in pairs], [seed for _, seed in pairs], steps)
    found = [
        books.statistics(out.prices[:, k]) | {"defaults": 1e5 * float(out.defaults[k]) / steps}
        for k in range(len(pairs))
    ]
    return [found[k : k + n] for k in range(0, len(found), n)]


def rows_of(market: str, limits: Sequence[float], found: Sequence[Sequence[Found]], steps: int) -> list[dict[str, Any]]:
    """A row a limit: mean and interval over seeds, and how many seeds moved as expected from the limit before."""
    rows = []
    for k, (limit, seeds) in enumerate(zip(limits, found, strict=True)):
        row: dict[str, Any] = {"market": market, "max_leverage": limit, "seeds": len(seeds), "steps": steps}
        for name, sign in EXPECTED.items():
            values = np.array([seed[name] for seed in seeds])
            low, high = mean_interval(values)
            row |= {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
            if k > 0 and limits[k - 1] > 0.0:
                before = np.array([seed[name] for seed in found[k - 1]])
                row[f"{name}_as_expected"] = int((sign * (values - before) > 0.0).sum())
        if "margin_calls" in seeds[0]:
            row["margin_calls"] = float(np.mean([seed["margin_calls"] for seed in seeds]))
        rows.append(row)
        say(row)
    return rows


def leveraged_funds(pool: ProcessPoolExecutor, n: int) -> None:
    """Both tables and their figures."""
    exits(pool, n)
    funds(pool, n)


def funds(pool: ProcessPoolExecutor, n: int) -> None:
    """Table of MODEL 6.2.10: published, the twin over as many steps, the twin and the engine over fewer."""
    rows: list[dict[str, Any]] = [
        {"market": "published", "max_leverage": limit, "steps": 100_000}
        | {name: values[k] for name, values in PUBLISHED.items() if not np.isnan(values[k])}
        for k, limit in enumerate(LIMITS)
    ]
    long, short = (pool.submit(clearing_job, (steps, n)) for steps in (LONG_STEPS, STEPS))
    limits = (0.0, *LIMITS)
    found = list(pool.map(books_job, [(limit, seed) for limit in limits for seed in range(1, n + 1)]))
    rows += rows_of("clearing", LIMITS, long.result(), LONG_STEPS)
    rows += rows_of("clearing", LIMITS, short.result(), STEPS)
    rows += rows_of("books", limits, [found[k * n : (k + 1) * n] for k in range(len(limits))], STEPS)
    write("leveraged_funds.csv", rows, "leveraged_funds", n)
    _draw("leveraged_funds", leverage_figure)


def leaving_job(job: tuple[str, int]) -> leaving.Exit:
    """One sale of the whole position, marked at each of ``leaving.SHARES``."""
    return leaving.leave(leaving.CASES[job[0]], job[1])


def exits(pool: ProcessPoolExecutor, n: int) -> None:
    """Leverage along the share sold (MODEL 6.2.11): engine, and the formula at the impact that the engine made."""
    rows: list[dict[str, Any]] = []
    for name, case in leaving.CASES.items():
        outs = list(pool.map(leaving_job, [(name, seed) for seed in range(1, n + 1)]))
        falls, ratios = np.array([out.falls for out in outs]), np.array([out.leverage for out in outs])
        impact = float(falls[:, -1].mean())
        (fall_low, fall_high), (low, high) = mean_interval(falls), mean_interval(ratios)
        formula, at_law = (leverage_path(leaving.LEVERAGE, i, leaving.SHARES) for i in (impact, case.law))
        cost = float(np.mean([out.cost for out in outs]))
        for k, share in enumerate(leaving.SHARES):
            rows.append(
                {"case": name, "seeds": n, "law": case.law, "sold": share,
                 "fall": float(falls[:, k].mean()), "fall_low": float(fall_low[k]), "fall_high": float(fall_high[k]),
                 "leverage": float(ratios[:, k].mean()), "leverage_low": float(low[k]), "leverage_high": float(high[k]),
                 "formula_at_impact": float(formula[k]), "formula_at_law": float(at_law[k]),
                 "critical_leverage": 1.0 / cost, "critical_of_formula": critical_leverage(impact)}
            )  # fmt: skip
            say(rows[-1])
    write("critical_leverage.csv", rows, "leveraged_funds", n)
    _draw("critical_leverage", path_figure)


def _draw(name: str, make: Callable[..., Any]) -> None:
    (OUT / f"{name}.svg").write_bytes(style.svg_bytes(make(read_published(OUT / f"{name}.csv")), name))
