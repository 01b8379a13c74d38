"""Many assets as one market: what a run of several listings says, as a table, a figure and a few sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.calendar_ny import session
from sim.errors import ResultError
from sim.metrics import assets as metrics
from sim.metrics.listings import Listed
from sim.report import style
from sim.results import Ensemble, Run
from sim.results.listed import listed

UNITS: Mapping[str, str] = {
    "total_value_start": "USD", "total_value_end": "USD", "mean_correlation": "", "dispersion": "fraction",
    "return": "fraction", "beta": "", "correlation": "", "depth": "USD", "depth_of_start": "fraction",
    "depth_of_profile": "fraction", "factor_correlation": "", "factor_beta": "log move per move",
}  # fmt: skip
"""Quantity of the table to its unit."""
COLUMNS: Mapping[str, tuple[str, str]] = {
    "seed": ("", "seed of the run"),
    "window": ("", "all, first_days (three days) or week_1, ... after them; the last as far as the run goes"),
    "first_utc": ("UTC", "first moment of the window"),
    "last_utc": ("UTC", "last moment of the window"),
    "quantity": ("", "what is measured; docs/assets.md defines each"),
    "asset": ("", "listing; empty: of all"),
    "other": ("", "second listing of a correlation or beta, or a macro factor"),
    "value": ("", "in the unit beside it"),
    "unit": ("", "unit of the value; empty: a pure number"),
}
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#999999")
_DAY = pd.Timedelta(days=1)


class Assets:
    """What one run or several seeds of it give.

    Attributes
    ----------
    run_id : str
    table : pandas.DataFrame
        Columns of ``COLUMNS``.
    prices : pandas.DataFrame
        Of the first seed, times by listings, USD.
    said : list of str
        What is left out, and why.
    """

    def __init__(self, runs: tuple[Run, ...], run_id: str, width_s: float) -> None:
        first = runs[0]
        chosen = one_each(first)
        if len(chosen) < 2:
            cure = "run a scenario with listings of two assets or more, such as assets_six_weeks"
            raise ResultError(f"{run_id}: {len(chosen) or 'no'} asset listed, and assets are compared; {cure}")
        every = max(first.spec.record_every, first.spec.network.record_every)
        if width_s < every:
            raise ResultError(
                f"width {width_s:g} s is less than a recorded row ({every:g} s): give --width {every:g} or more"
            )
        length = float(first.spec.duration)
        if length < metrics.ENOUGH * width_s:
            short = f"a run of {length:g} s has fewer than {metrics.ENOUGH} returns of {width_s:g} s"
            raise ResultError(f"{run_id}: {short}: give --width {length / 10:g}, or run it longer")
        self.run_id, self.title, self.seeds, self.width_s = (
            run_id,
            first.spec.title,
            [run.seed for run in runs],
            width_s,
        )
        self.names = chosen
        width = pd.Timedelta(seconds=width_s)
        tables = []
        for run in runs:
            mine = _named(run, chosen)
            found = metrics.measure(mine, coins_of(run, chosen), width, factors_of(run), _profiles(run, chosen))
            tables.append(found.table.assign(seed=run.seed))
            if run is first:
                self.prices = found.prices
        self.table = pd.concat(tables, ignore_index=True)
        self.table["unit"] = self.table["quantity"].map(UNITS)
        self.table = self.table[list(COLUMNS)]
        self._first, self._coins = _named(first, chosen), coins_of(first, chosen)
        self.said = [
            f"{asset}: not in the total market value, for network.assets.{asset}.coins is not set"
            for asset in chosen if asset not in self._coins
        ]  # fmt: skip
        if not first.spec.macro.enabled:
            self.said.append("no macro factors in this run (macro.enabled is off)")

    def value(self, quantity: str, window: str = "all", asset: str = "", other: str = "") -> float:
        """Median over seeds of a quantity; NaN where no seed can tell it."""
        t = self.table
        row = (t["quantity"] == quantity) & (t["window"] == window) & (t["asset"] == asset)
        values = t.loc[row & (t["other"] == other), "value"].dropna()
        return float(values.median()) if len(values) else float("nan")

    def text(self) -> str:
        """The main numbers by window, medians over seeds."""
        width = f"{self.width_s / 3600:g} h"
        seeds = f"{len(self.seeds)} seeds, medians" if len(self.seeds) > 1 else f"seed {self.seeds[0]}"
        lines = [f"{self.title}: {seeds}; returns of {width}", ""]
        lines.append(f"{'window':12}{'value, $bn':>12}{'correlation':>13}{'dispersion':>12}  depth, share of start")
        for window in dict.fromkeys(self.table["window"]):
            depth = "  ".join(
                f"{one} {_number(self.value('depth_of_start', window, one), '.2f')}" for one in self.names
            )
            lines.append(
                f"{window:12}{_number(self.value('total_value_end', window) / 1e9, ',.0f'):>12}"
                f"{_number(self.value('mean_correlation', window), '.2f'):>13}"
                f"{_number(100 * self.value('dispersion', window), '.1f') + '%':>12}  {depth}"
            )
        base = next(iter(self.names))
        lines += ["", f"{'asset':14}{'return':>9}{'beta to ' + base:>14}{'correlation':>13}{'depth / profile':>17}"]
        for one in self.names:
            with_base = 1.0 if one == base else self.value("correlation", "all", one, base)
            lines.append(
                f"{one:14}{_number(100 * self.value('return', 'all', one), '+.1f') + '%':>9}"
                f"{_number(self.value('beta', 'all', one, base), '.2f'):>14}{_number(with_base, '.2f'):>13}"
                f"{_number(self.value('depth_of_profile', 'all', one), '.2f'):>17}"
            )
        return "\n".join([*lines, *(f"note: {said}" for said in self.said)])

    def figure(self) -> Figure:
        """Four panels of the first seed: prices, market value, correlation and dispersion of a day, depth by asset."""
        with style.rc():
            drawn = style.new_figure(6.4)
            (a, b), (c, d) = drawn.subplots(2, 2)
            time = self.prices.index
            for name, colour in zip(self.prices.columns, _COLOURS * 8, strict=False):
                a.plot(
                    time, 100.0 * self.prices[name] / self.prices[name].iloc[0], color=colour, linewidth=1, label=name
                )
            a.set_title("price, start = 100")
            a.legend(fontsize=7)
            supply = np.array([self._coins.get(name, np.nan) for name in self.names])
            b.plot(time, metrics.total_value(self.prices.to_numpy(np.float64), supply) / 1e9, color=style.SIMULATED)
            left_out = ", ".join(name for name in self.names if name not in self._coins)
            b.set_title("total market value, $bn" + (f", without {left_out}" if left_out else ""))
            self._rolling(c)
            self._depth(d)
            for axes in (a, b, c, d):
                axes.tick_params(labelsize=7)
                for label in axes.get_xticklabels():
                    label.set_rotation(30)
            style.footnote(drawn, self.run_id, self.seeds, self.title, alone=self.seeds[0])
        return drawn

    def _rolling(self, axes: Axes) -> None:
        n = max(metrics.ENOUGH, min(round(86400.0 / self.width_s), (len(self.prices) - 1) // 4))
        mean, wide = metrics.rolling(self.prices.to_numpy(np.float64), n)
        axes.plot(self.prices.index, mean, color=style.SIMULATED, linewidth=1, label="mean correlation")
        axes.plot(self.prices.index, wide, color=style.ASK, linewidth=1, label="dispersion (fraction)")
        axes.set_title(f"over the last {n * self.width_s / 3600:g} h: mean correlation, dispersion")
        axes.legend(fontsize=7)

    def _depth(self, axes: Axes) -> None:
        ends = self.prices.index[0], self.prices.index[-1]
        step = min(_DAY, (ends[1] - ends[0]) / 4)
        moments = pd.date_range(ends[0], ends[1], freq=step)
        spans = [metrics.Span("", t0, t1) for t0, t1 in zip(moments[:-1], moments[1:], strict=True)]
        start = metrics.depth_usd(self._first, metrics.weeks_of(*ends)[1])
        shares = [metrics.depth_usd(self._first, span) / start for span in spans]
        for name, colour in zip(self.names, _COLOURS * 8, strict=False):
            axes.plot(moments[1:], [share[name] for share in shares], color=colour, linewidth=1)
        axes.set_title(f"depth within 1%, mean of {step / pd.Timedelta(hours=1):g} h, over that of the first days")


def _number(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "-"


def one_each(run: Run) -> dict[str, str]:
    """Asset to its listing: the first that the scenario names."""
    chosen: dict[str, str] = {}
    for name, one in run.spec.listings.items():
        chosen.setdefault(one.asset, name)
    return chosen


def _named(run: Run, chosen: Mapping[str, str]) -> dict[str, Listed]:
    found = listed(run)
    return {asset: found[name] for asset, name in chosen.items()}


def coins_of(run: Run, chosen: Mapping[str, str]) -> dict[str, float]:
    """Asset to coins in existence, of those whose number is set."""
    known = {asset: run.spec.network.assets[asset].coins for asset in chosen if asset in run.spec.network.assets}
    return {asset: coins for asset, coins in known.items() if coins is not None}


def factors_of(run: Run) -> pd.DataFrame | None:
    """Moves of the macro factors by the close of their day in New York; None while they are off."""
    macro = run.spec.macro
    if not macro.enabled:
        return None
    moves = {hours[1]: move for day, move in macro.moves() if (hours := session(day)) is not None}
    frame = pd.DataFrame.from_dict(moves, orient="index")
    frame.index = pd.DatetimeIndex(frame.index).tz_convert("UTC")
    return frame


def _profiles(run: Run, chosen: Mapping[str, str]) -> dict[str, float]:
    """Asset to the depth of its perp within 1 %, both sides, before any share is taken of it, USD."""
    out = {}
    for asset, name in chosen.items():
        market = run.listings[name].spec.market
        points = (*market.perp_bid_depth, *market.perp_ask_depth) if market.perp else ()
        usd = sum(point.notional for point in points if point.within == 0.01)
        if usd > 0.0:
            out[asset] = usd
    return out


def assets(done: Run | Ensemble, width_s: float = 3600.0) -> Assets:
    """Total value, correlation, dispersion, betas and depth of the assets of a run.

    Parameters
    ----------
    done : Run or Ensemble
        For instance of ``sim.results.load_run``; of each asset its first listing counts.
    width_s : float
        Step of the returns, seconds.

    Raises
    ------
    ResultError
        When fewer than two assets are listed, or the width fits neither the rows nor the run.
    """
    return Assets(done.runs if isinstance(done, Ensemble) else (done,), done.run_id, width_s)


def save(found: Assets, place: str | Path) -> Path:
    """Write ``assets.parquet``, ``.csv``, ``.units.csv``, ``.txt``, ``.svg`` and ``.png``; returns the folder.

    Raises
    ------
    ResultError
        When the disk refuses.
    """
    from sim.report.risk_words import write_answer

    return write_answer(Path(place), "assets", found.table, found.run_id, found.figure(), found.text(), COLUMNS)
