"""What a fall forced: so far, beside the longs that the price has passed and those that the news alone would have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.experiments.base_run import forced_btc, fuel
from sim.report import style, words
from sim.report.figures import MEDIAN_BAND, by_minute, draw_band
from sim.results import Run
from sim.results.summary import clock_text, over_seeds

Floats = NDArray[np.float64]

CAUSES = ("forced_sell_btc", "forced_buy_btc", "takeover_btc", "adl_btc")
"""As ``base_run.forced_btc`` counts: through the book, taken over, deleveraged."""
_MOST_SEEDS = 32
_MOST_MINUTES = 10


class Rounds(NamedTuple):
    """One seed by minute; shares are of open interest at the start (fractions).

    Attributes
    ----------
    end_s : float64[n]
        End of each minute, seconds from the start.
    forced : float64[n]
        Coins of liquidated accounts so far.
    passed, by_news : float64[n]
        Lambda of the deepest fall so far of the mark, and of the news value, which moves no price here.
    """

    end_s: Floats
    forced: Floats
    passed: Floats
    by_news: Floats


def applies(runs: Sequence[Run]) -> bool:
    """True when somebody was liquidated in some seed."""
    return runs[0].spec.leveraged.enabled and any(forced_btc(run) > 0 for run in runs)


def rounds(run: Run) -> Rounds:
    """Measure a run; the population is drawn again from its seed."""
    series = run.series
    time_s = series["elapsed_s"].to_numpy()
    flow = np.sum([series[name].to_numpy(np.float64) for name in CAUSES], axis=0)
    start_s, (per_minute,) = by_minute(time_s, flow[None, :])
    ends = np.searchsorted(time_s, start_s + 60.0, side="right") - 1
    deepest = []
    for name in ("mark_usd", "value_usd"):
        level = series[name].to_numpy()
        deepest.append((1.0 - np.fmin.accumulate(level) / level[0])[ends].clip(min=0.0))
    share = fuel(run.spec, run.seed, np.concatenate(deepest))
    n = start_s.size
    return Rounds(start_s + 60.0, np.cumsum(per_minute) / _interest(run), share[:n], share[n:])


def _interest(run: Run) -> float:
    return float(run.series["open_interest_btc"].iloc[0])


def rounds_figure(runs: Sequence[Run], run_id: str) -> Figure | None:
    """Forced so far beside the fuel passed by the price and by the news; None where nobody was liquidated."""
    if not applies(runs):
        return None
    found = [rounds(run) for run in runs[:_MOST_SEEDS]]
    with style.rc():
        figure = style.new_figure(3.8)
        axes = figure.subplots()
        for name, color, line, label in (
            ("passed", style.SIMULATED, "-", "longs whose first liquidation price the mark has passed"),
            ("forced", style.FORCED_SELL, "-", "liquidated so far"),
            ("by_news", style.NEWS, "--", "longs that the fall of the news value alone would pass"),
        ):
            values = 100.0 * np.array([getattr(r, name) for r in found])
            draw_band(axes, found[0].end_s, values, color, label, linestyle=line)
        axes.set_title("Forced so far, and the fuel that the fall has reached")
        axes.set_ylabel("% of open interest at the start")
        axes.set_ylim(bottom=0.0)
        axes.legend(loc="best")
        style.utc_axis(axes, runs[0].spec, 0.0, float(runs[0].series["elapsed_s"].iloc[-1]))
        axes.set_xlabel(f"UTC, from {runs[0].spec.start_utc:%Y-%m-%d}")
        what = MEDIAN_BAND if len(runs) > 1 else "lines: the seed"
        style.footnote(figure, run_id, [r.seed for r in runs], what)
    return figure


def sentences(runs: Sequence[Run]) -> list[str]:
    """How much was forced, how much of it the news alone would have forced, and the rest; empty where none was."""
    if not applies(runs):
        return []
    last = [(r.forced[-1], r.by_news[-1], r.forced[-1] - r.by_news[-1]) for r in map(rounds, runs[:_MOST_SEEDS])]
    names = ("forced", "by_news", "beyond")
    middle = over_seeds([dict(zip(names, map(float, row), strict=True)) for row in last])
    forced, by_news, beyond = (words.amount(middle[name]["median"], "fraction") for name in names)
    rest = f"beyond it: {beyond}" if middle["beyond"]["median"] > 0.0 else "what was forced does not go beyond it"
    several = f"Medians over {len(last)} seeds, each by itself: l" if len(runs) > 1 else "L"
    return [
        f"{several}iquidated {forced} of the open interest at the start, through the book, by takeover or by "
        f"deleveraging. The fall of the news value alone, without any effect on the price, would have reached the "
        f"liquidation prices of {by_news}; {rest}.",
        "Accounts that close or add margin in time are passed and not liquidated. Whether a run cascades is not judged "
        "by this difference but beside a base run: shoal evidence.",
    ]


class Minute(NamedTuple):
    """One minute of one seed as printed."""

    clock: str
    forced: str
    share: str
    accounts: str
    mark: str
    move: str


def minutes(runs: Sequence[Run]) -> list[Minute]:
    """Minutes with most liquidations of a single run, in order of time; empty for several seeds."""
    if len(runs) != 1 or not applies(runs):
        return []
    run = runs[0]
    time_s, mark = run.series["elapsed_s"].to_numpy(), run.series["mark_usd"].to_numpy()
    flows = [np.sum([run.series[name].to_numpy(np.float64) for name in CAUSES], axis=0), run.series["n_liquidated"]]
    start_s, (coins, accounts) = by_minute(time_s, np.array(flows, dtype=np.float64))
    chosen = np.sort(np.argsort(-coins, kind="stable")[:_MOST_MINUTES])
    out = []
    for k in chosen[coins[chosen] > 0]:
        first, last = np.searchsorted(time_s, (start_s[k], start_s[k] + 60.0), side="right") - 1
        before, after = float(mark[max(0, first)]), float(mark[last])
        out.append(
            Minute(
                (clock_text(run.spec.start_utc, float(start_s[k])) or "")[:16].replace("T", " "),
                words.amount(float(coins[k]), "BTC"),
                words.amount(float(coins[k] / coins.sum()), "fraction"),
                words.amount(float(accounts[k]), "count"),
                words.price(after),
                words.amount(after / before - 1.0, "fraction"),
            )
        )
    return out
