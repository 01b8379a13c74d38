"""One position in a scenario: where it is liquidated and at which cost, deleveraging, value at risk with liquidity.

The position is an account of the run, opened through the book in the first minute. What leaving it costs is measured
by sales of its size over several times, in runs of their own, against the same seeds without the sale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.calculator.execution import Liquidation
from sim.errors import DataError
from sim.experiments import cases
from sim.metrics import tail
from sim.metrics.tail import Estimate
from sim.risk.answer import Floats, Row, Teller, frame_of
from sim.risk.exits import KEY, Sale, half_spread, optimal_of, sale_over, times_of, walks
from sim.risk.lines import Line, checked
from sim.risk.measure import arguments_of
from sim.risk.runs import How, rows_over_seeds, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.runner import Scenario

SEEDS = 32
SPREAD_SDS = 3.0
"""Deviations of the spread above its mean in a stress (Bangia, Diebold, Schuermann, Stroughair 1999: 2 to 4.5)."""
_AVERSIONS = 25


@dataclass(frozen=True)
class PositionRisk:
    """Answer to ``position``.

    Attributes
    ----------
    scenario : Scenario
    line : Line
    seeds : tuple of int
    folder : Path
        Runs with the position.
    runs : pandas.DataFrame
        One row a seed.
    rows : tuple of Row
    sales : tuple of Sale
        Empty without a frontier.
    optimal : Liquidation, optional
        Almgren and Chriss with the impact of those sales; seconds, coins, USD a coin.
    """

    scenario: Scenario
    line: Line
    seeds: tuple[int, ...]
    folder: Path
    runs: pd.DataFrame
    rows: tuple[Row, ...]
    sales: tuple[Sale, ...] = ()
    optimal: Liquidation | None = None

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a data frame, columns of ``sim.risk.answer.COLUMNS``."""
        return frame_of(self.rows)

    def frontier(self) -> Floats:
        """Deviation and mean cost, fractions of the notional, of the best trajectories over the longest time."""
        if self.optimal is None:
            return np.empty((0, 2))
        reach = self.optimal.adjusted / max(self.optimal.volatility, 1e-12) ** 2 / self.optimal.horizon**2
        ratios = np.concatenate([[0.0], np.geomspace(0.1, 1e4, _AVERSIONS)])
        price = self.line.usd / self.optimal.coins
        return self.optimal.frontier((reach * ratios).tolist()) / (self.optimal.coins * price)

    def plot(self) -> Figure:
        """Figure of the answer."""
        from sim.report.risk_position import figure

        return figure(self)

    def save(self, out: str | Path | None = None) -> Path:
        """Write table and figure, beside the runs when no folder is given; returns the folder."""
        from sim.report.risk_position import save

        return save(self, Path(out) if out is not None else self.folder / "position")


def position(
    scenario: Scenario | str | Path,
    side: str,
    notional: float,
    leverage: float | None = None,
    *,
    set: Mapping[str, object] | Sequence[str] | None = None,
    listing: str | None = None,
    collateral: float | None = None,
    mode: str = "isolated",
    horizon: float | None = None,
    confidence: float = 0.95,
    spread_sds: float = SPREAD_SDS,
    exit_at: float = 60.0,
    exit_over: Sequence[float] | None = None,
    seeds: int | Sequence[int] = SEEDS,
    how: How | None = None,
) -> PositionRisk:
    """Ask what a scenario does to one perp position.

    Parameters
    ----------
    scenario : Scenario, str or Path
    side : {"long", "short"}
    notional : float
        USD at the start.
    leverage : float, optional
        Notional over the money behind it; or ``collateral``.
    set
        Changes of the scenario, as for ``sim.load``.
    listing : str, optional
        Market of a network; the first when not given.
    collateral : float, optional
        That money, USD.
    mode : {"isolated", "cross"}
        A single position has the same money either way.
    horizon : float, optional
        Seconds from the first minute on; to the end when not given.
    confidence : float
        Of the values at risk, 0.5 to below 1.
    spread_sds : float
        Deviations of the spread above its mean.
    exit_at : float
        Second at which the sales begin.
    exit_over : sequence of float, optional
        Times of the sales, seconds; those of ``TIMES_S`` that fit when not given; empty: no sales are run.
    seeds : int or sequence of int
    how : How, optional

    Returns
    -------
    PositionRisk

    Raises
    ------
    DataError, ScenarioError
        When the question or the scenario is refused.
    """
    case = cases.scenario_of(scenario, set)
    if side not in ("long", "short"):
        raise DataError(f"side is {side!r}: long or short")
    if (leverage is None) == (collateral is None):
        raise DataError("give either a leverage or the collateral, the money behind the position")
    if not notional > 0.0 or not 0.5 <= confidence < 1.0:
        raise DataError("the notional is above 0, the confidence from 0.5 to below 1")
    behind = leverage if leverage is not None else notional / float(collateral or 0.0)
    sign = 1 if side == "long" else -1
    line = checked(Line("position", "perp", notional, listing, side=sign, leverage=behind, mode=mode), case.spec)
    wanted, where = seeds_of(seeds), how or How()
    case = _until(case, horizon)
    book = {"key": KEY, "listing": listing, "book": "perp", "horizon_s": case.spec.duration}
    measure = arguments_of(case.spec, [line], [book])
    folder, runs = rows_over_seeds(f"position-{case.spec.name}", [case], wanted, measure, where)
    teller = Teller(case.spec.name)
    _rules(teller, case, line, runs)
    _outcomes(teller, runs)
    times = times_of(case, exit_at, exit_over)
    sales = tuple(sale_over(case, line, exit_at, over, wanted, where) for over in times)
    optimal = optimal_of(line, runs, sales)
    _value_at_risk(teller, line, runs, sales, confidence, spread_sds)
    _frontier(teller, line, sales, optimal)
    return PositionRisk(case, line, wanted, folder, runs, tuple(teller.rows), sales, optimal)


def _until(case: Scenario, horizon: float | None) -> Scenario:
    if horizon is None:
        return case
    if not 0.0 < horizon <= case.spec.duration - 60.0:
        raise DataError(
            f"horizon is {horizon:g} s: above 0, and {case.spec.duration - 60.0:g} s are left of the scenario"
        )
    return cases.lasting(case, 60.0 + horizon)


def _rules(teller: Teller, case: Scenario, line: Line, runs: pd.DataFrame) -> None:
    """What the venue's rules say, through the calculator."""
    from sim import calculator as calc
    from sim.experiments.cases import listing_spec

    spec = listing_spec(case.spec, line.listing)
    profile = calc.load_profile(spec.venue)
    tick, lot = Decimal(str(profile.perp.tick_usd)), Decimal(str(profile.perp.lot_coin))
    entry = round(Decimal(str(spec.market.price)) / tick) * tick
    size = line.side * round(Decimal(str(line.usd)) / entry / lot) * lot
    account = calc.isolated(profile, str(size), str(entry), repr(line.leverage))
    at = calc.standing(account, {"perp": str(entry)})
    said = "of the position at the scenario's start price, by the venue's rules"
    for name, value, unit, what in (
        ("entry", float(entry), "USD", "start price of the scenario"),
        ("liquidation_price", calc.liquidation_price(account, "perp"), "USD", f"last mark that is safe, {said}"),
        ("bankruptcy_price", calc.bankruptcy_price(account, "perp"), "USD", f"mark at which nothing is left, {said}"),
        ("margin", line.collateral, "USD", "money behind the position"),
        ("maintenance_margin", at.maintenance, "USD", f"maintenance margin {said}"),
    ):
        teller.exact("", name, float("nan") if value is None else float(value), unit, what)


def _of(runs: pd.DataFrame, name: str) -> Floats:
    return np.asarray(runs[f"line.position.{name}"], dtype=np.float64)


def _outcomes(teller: Teller, runs: pd.DataFrame) -> None:
    forced_s = _of(runs, "forced_s")
    forced, touched = np.isfinite(forced_s), (_of(runs, "worst_room") < 0.0) | np.isfinite(forced_s)
    teller.told("", "entered", tail.mean(_of(runs, "entered")), "fraction", "coins in place after the first minute")
    teller.share("", "share_of_seeds_touched", touched, "seeds in which the mark passes the liquidation price")
    teller.share("", "share_of_seeds_liquidated", forced, "seeds in which the engine closes the account, or part of it")
    when = Estimate(math.nan, math.nan, math.nan, 0) if not forced.any() else tail.quantile(forced_s, 0.5)
    teller.told("", "time_of_liquidation", when, "s", "median over the seeds that are liquidated, from the start")
    parts = [_of(runs, name) for name in ("fee", "slippage", "lost_margin")]
    for name, values, what in (
        ("fee", parts[0], "clearance fees of the forced orders"),
        ("slippage", parts[1], "forced orders against the mark"),
        ("lost_margin", parts[2], "money left at a takeover, which the fund keeps"),
        ("liquidation_cost", np.sum(parts, axis=0), "fee, slippage and lost margin"),
    ):
        teller.told("liquidated", name, tail.mean(values[forced]), "USD", f"mean over the seeds liquidated: {what}")
        teller.told("all", name, tail.mean(values), "USD", f"mean over all seeds: {what}")
    adl = _of(runs, "adl_share")
    teller.share("", "share_of_seeds_adl", adl > 0.0, "seeds in which deleveraging closes some of the position")
    teller.told("", "adl_share", tail.mean(adl), "fraction", "mean over seeds of the coins closed by deleveraging")
    teller.told("", "asked", tail.mean(_of(runs, "asked")), "USD", "mean over seeds of the most cash lacking for "
                "twice the maintenance margin, before a liquidation")  # fmt: skip


def _value_at_risk(
    teller: Teller, line: Line, runs: pd.DataFrame, sales: Sequence[Sale], confidence: float, sds: float
) -> None:
    usd, at = line.usd, f"{100 * confidence:g}%"
    moves = -line.side * np.asarray(runs[f"{KEY}.end_move"], dtype=np.float64)
    mid = tail.quantile(usd * moves, confidence)
    half = tail.quantile(usd * half_spread(runs, sds), 0.5)
    costs, beyond = walks(runs, usd, line.side, "thin")
    walk = tail.quantile(usd * np.maximum(0.0, costs - half_spread(runs)), 0.5)
    calm, _ = walks(runs, usd, line.side, "start")
    impact = Estimate(math.nan, math.nan, math.nan, 0)
    if sales and math.isfinite(sales[0].cost.value):
        fastest = sales[0].cost
        plain = float(np.median(calm))
        value, low, high = (usd * max(0.0, v - plain) for v in (fastest.value, fastest.low, fastest.high))
        impact = Estimate(value, low, high, fastest.n)
    teller.told(at, "var_mid", mid, "USD", "quantile over seeds of the loss by the mid at the end of the horizon")
    teller.told(at, "lvar_spread", half, "USD", f"half of the mean spread and {sds:g} deviations, median over seeds")
    teller.told(at, "lvar_walk", walk, "USD", "walk of the size through the thinnest book of each seed beyond half the "
                "spread, median over seeds")  # fmt: skip
    teller.told(at, "lvar_impact", impact, "USD", "mean cost of the fastest sale beyond the walk through the book of "
                "the start; empty: no sale was run")  # fmt: skip
    total = [mid.value, half.value, walk.value, *([impact.value] if impact.n else [])]
    teller.exact(at, "lvar", float(np.sum(total)), "USD", "liquidity-adjusted value at risk: the sum of its parts")
    teller.share("", "share_of_seeds_beyond_book", beyond, "seeds in which more is sold than lies within 5 % of mid "
                 "when the book is thinnest; the walk is then an extension of its last piece")  # fmt: skip
    lost = tail.quantile(_of(runs, "loss"), confidence)
    teller.told(at, "var_account", lost, "USD", "quantile over seeds of what the account has lost at the end")
    teller.told(
        at, "shortfall_account", tail.shortfall(_of(runs, "loss"), confidence), "USD", "mean of the seeds beyond"
    )


def _frontier(teller: Teller, line: Line, sales: Sequence[Sale], optimal: Liquidation | None) -> None:
    for sale in sales:
        item = f"over {sale.over_s:g} s"
        cost = sale.cost.times(line.usd)
        teller.told(item, "exit_cost", cost, "USD", "mean cost of an even sale against the same seeds without it")
        teller.exact(item, "exit_deviation", line.usd * sale.deviation, "USD", "its deviation over seeds from arrival")
        teller.told(item, "exit_sold", sale.sold, "fraction", "mean share that traded")
        if optimal is None:
            continue
        even = replace(optimal, horizon=sale.over_s)
        line_down = even.coins * np.linspace(1.0, 0.0, even.steps + 1)
        teller.exact(
            item, "almgren_chriss_cost", even.expected_cost(line_down), "USD", "of the same sale by the formula"
        )
        teller.exact(item, "almgren_chriss_deviation", even.deviation(line_down), "USD", "likewise; not fitted")
    if optimal is not None:
        names = {
            "temporary": "USD s/coin^2",
            "permanent": "USD/coin^2",
            "half_spread": "USD",
            "volatility": "USD/sqrt(s)",
        }
        for name, unit in names.items():
            what = "impact fitted to the sales" if unit.endswith("^2") else "median over seeds"
            teller.exact("almgren_chriss", name, getattr(optimal, name), unit, f"of Almgren and Chriss: {what}")
