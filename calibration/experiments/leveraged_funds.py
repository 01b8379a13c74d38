"""Leverage of value funds and the tails of returns (MODEL 6.2.10), and a leveraged position on its way out (6.2.11).

Agents of docs/examples trade in the engine; beside them the paper's own market (``clearing``) and published figures.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from calibration.experiments import clearing
from calibration.experiments.common import OUT, medians, say, write
from calibration.experiments.fund_figures import leverage_figure, path_figure
from docs.examples import critical_leverage as leaving
from docs.examples import leveraged_funds as books
from sim.calculator import critical_leverage, leverage_path
from sim.metrics.paired import FEWEST_FOR_MEAN, mean_interval
from sim.metrics.seeds import median_of_seeds
from sim.report import style
from sim.report.published import read_published

LIMITS = (1.0, 2.0, 5.0, 10.0, 15.0)
STEPS = 1000  # a seed, of the engine and of the twin beside it; the noise of a seed is another path in each
LONG_STEPS = 12_500  # a seed, of the twin beside the published figures
COARSE = 4  # steps: in the books a fall of the funds' own making takes several
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
SeedRun = dict[str, Any]
"""Of one seed: ``prices``, and ``defaults`` and ``margin_calls`` per 100,000 steps."""


def books_job(job: tuple[float, int]) -> SeedRun:
    """One run of the engine; a limit of 0 is the noise traders alone."""
    limit, seed = job
    out = books.simulate(limit, STEPS, seed)
    calls = sum(fund.margin_calls for fund in out.funds)
    return {
        "prices": out.prices,
        "defaults": 1e5 * out.defaults / STEPS,
        "margin_calls": 1e5 * calls / STEPS,
    }


def clearing_job(job: tuple[int, int]) -> list[list[SeedRun]]:
    """All limits and seeds 1 to n of the twin, side by side: by limit, then by seed."""
    steps, n = job
    pairs = [(limit, seed) for limit in LIMITS for seed in range(1, n + 1)]
    out = clearing.simulate([limit for limit, _ in pairs], [seed for _, seed in pairs], steps)
    paths = [{"prices": out.prices[:, k], "defaults": 1e5 * float(out.defaults[k]) / steps} for k in range(len(pairs))]
    return [paths[k : k + n] for k in range(0, len(paths), n)]


def pooled(paths: Sequence[SeedRun]) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Statistics of all seeds together, and what each seed contributes to them: the pseudo-values of the jackknife.

    A seed has too few falls for a tail of its own; all together have, and the mean of the pseudo-values has an interval
    over seeds.
    """

    def of(some: Sequence[SeedRun]) -> dict[str, float]:
        counts = {name: float(np.mean([path[name] for path in some])) for name in some[0] if name != "prices"}
        coarse = books.statistics(*(path["prices"][::COARSE] for path in some))
        return (
            books.statistics(*(path["prices"] for path in some))
            | counts
            | {f"excess_kurtosis_of_{COARSE}": coarse["excess_kurtosis"]}
        )

    n, all_of_them = len(paths), of(paths)
    without = [of([path for j, path in enumerate(paths) if j != k]) for k in range(n)] if n > 1 else []
    return all_of_them, {
        name: np.array([n * value - (n - 1) * one[name] for one in without]) for name, value in all_of_them.items()
    }


def rows_of(
    market: str, limits: Sequence[float], found: Sequence[Sequence[SeedRun]], steps: int
) -> list[dict[str, Any]]:
    """A row a limit: statistics over all seeds together with intervals, medians of the seeds by themselves, and how
    many seeds moved as expected, and against it, from the limit before.
    """
    rows, before = [], None
    for limit, paths in zip(limits, found, strict=True):
        row: dict[str, Any] = {"market": market, "max_leverage": limit, "seeds": len(paths), "steps": steps}
        value, parts = pooled(paths)
        each = [pooled([path])[0] for path in paths]
        for n in (1, COARSE):
            falls = [100.0 * float((1.0 - path["prices"][n:] / path["prices"][:-n]).max()) for path in paths]
            row |= {f"largest_fall_of_{n}_pct": max(falls), f"median_largest_fall_of_{n}_pct": float(np.median(falls))}
        for name in value:
            low, high = mean_interval(parts[name])
            own = np.array([seed[name] for seed in each])
            row |= {name: value[name], f"{name}_low": float(low), f"{name}_high": float(high)}
            row |= medians(f"{name}_median", median_of_seeds(own, fewest=FEWEST_FOR_MEAN))
            if before is not None and name in EXPECTED:
                moved = EXPECTED[name] * (own - before[name])
                row |= {f"{name}_as_expected": int((moved > 0.0).sum()), f"{name}_against": int((moved < 0.0).sum())}
        before = {name: np.array([seed[name] for seed in each]) for name in value} if limit > 0.0 else None
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
