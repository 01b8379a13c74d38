"""A book of positions in scenarios: losses, calls by hour, cash by venue, hedges that deleveraging breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import DataError
from sim.experiments import cases
from sim.metrics import tail
from sim.risk.answer import Floats, Row, Teller, frame_of
from sim.risk.firm import halts_of
from sim.risk.lines import OWN, Line, checked, read_book
from sim.risk.measure import arguments_of, groups_of, hours_of, venues_of
from sim.risk.runs import How, rows_over_seeds, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.runner import Scenario
    from sim.scenario.spec import Spec

SEEDS = 32
SHORTFALL_AT = 0.975
"""Level of value at risk and expected shortfall (BCBS 457: 97.5 %)."""
BUFFER = 2.0
"""Times its maintenance margin at which a perp is called for cash [judgement, docs/decisions.md]."""


@dataclass(frozen=True)
class InScenario:
    """The book in one scenario.

    Attributes
    ----------
    scenario : Scenario
    lines : tuple of Line
    measure : dict
        Arguments of the measure ``book``.
    folder : Path
    runs : pandas.DataFrame
        One row a seed.
    rows : tuple of Row
    """

    scenario: Scenario
    lines: tuple[Line, ...]
    measure: dict[str, Any]
    folder: Path
    runs: pd.DataFrame
    rows: tuple[Row, ...]

    def column(self, name: str) -> Floats:
        """One number of every seed."""
        return np.asarray(self.runs[name], dtype=np.float64)

    @property
    def hours(self) -> list[str]:
        """Names of the hours: UTC at their beginning."""
        start = self.scenario.spec.start_utc + timedelta(seconds=float(self.measure["begin_s"]))
        return [f"{start + timedelta(hours=k):%m-%d %H:%M}" for k in range(hours_of(self.measure))]


@dataclass(frozen=True)
class Portfolio:
    """Answer to ``portfolio``: one part a scenario, in the order asked.

    Attributes
    ----------
    parts : tuple of InScenario
    seeds : tuple of int
    level : float
    """

    parts: tuple[InScenario, ...]
    seeds: tuple[int, ...]
    level: float

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows of all scenarios."""
        return tuple(row for part in self.parts for row in part.rows)

    @property
    def table(self) -> pd.DataFrame:
        """The rows as a data frame, columns of ``sim.risk.answer.COLUMNS``."""
        return frame_of(self.rows)

    def plot(self) -> Figure:
        """Figure of the answer."""
        from sim.report.risk_portfolio import figure

        return figure(self)

    def save(self, out: str | Path | None = None) -> Path:
        """Write table and figure, beside the runs of the first scenario when no folder is given; returns the folder."""
        from sim.report.risk_portfolio import save

        return save(self, Path(out) if out is not None else self.parts[0].folder / "portfolio")


def portfolio(
    book: str | Path | Sequence[Line],
    scenarios: Sequence[Scenario | str | Path],
    *,
    set: Mapping[str, object] | Sequence[str] | None = None,
    level: float = SHORTFALL_AT,
    buffer: float = BUFFER,
    transfer_time: float | None = None,
    halts: Sequence[str] = (),
    seeds: int | Sequence[int] = SEEDS,
    how: How | None = None,
) -> Portfolio:
    """Ask what scenarios do to a book of positions that is in the market.

    Parameters
    ----------
    book : path or sequence of Line
        CSV file (``read_book``) or lines.
    scenarios : sequence
        Names, files or loaded scenarios.
    set
        Changes of all of them.
    level : float
        Of value at risk and expected shortfall, 0.5 to below 1.
    buffer : float
        Times the maintenance margin below which a perp is called, 1 or more.
    transfer_time : float, optional
        Seconds that cash is on its way between venues; the middle of the scenario's bridge firms when not given.
    halts : sequence of str
        Halts of transfers beside those of the scenario: ``all``, ``21:12+67min``, ``cex_a@52min+67min``.
    seeds : int or sequence of int
    how : How, optional

    Returns
    -------
    Portfolio

    Raises
    ------
    DataError, ScenarioError
        With file, line and cure where the book is at fault.
    """
    wanted, place = seeds_of(seeds), how or How()
    if not 0.5 <= level < 1.0 or not buffer >= 1.0 or not (transfer_time is None or transfer_time >= 0.0):
        raise DataError("level is from 0.5 to below 1, buffer 1 or more, the transfer time 0 or more")
    if not scenarios:
        raise DataError("name a scenario, or several")
    asked: list[tuple[Scenario, list[Line], dict[str, Any]]] = []
    for one in scenarios:  # all are refused before any is run
        case = cases.scenario_of(one, set)
        lines = read_book(book, case.spec) if isinstance(book, (str, Path)) else [checked(x, case.spec) for x in book]
        stops = [*halts_of(case.spec), *(halt_of(text, case.spec, lines) for text in halts)]
        measure = arguments_of(case.spec, lines, buffer=buffer, transfer_s=transfer_time, halts=stops)
        asked.append((case, lines, measure))
    parts = []
    for case, lines, measure in asked:
        folder, runs = rows_over_seeds(f"portfolio-{case.spec.name}", [case], wanted, measure, place)
        part = InScenario(case, tuple(lines), measure, folder, runs, ())
        parts.append(InScenario(case, tuple(lines), measure, folder, runs, _rows(part, level)))
    return Portfolio(tuple(parts), wanted, level)


def halt_of(text: str, spec: Spec, lines: Sequence[Line]) -> list[Any]:
    """A halt of transfers as the measure holds it.

    Raises
    ------
    DataError
        When it is no halt, or its venue has nothing of the book.
    """
    from sim.scenario.moment import moment
    from sim.settings.parsing import parse_duration

    if text == "all":
        return [None, 0.0, float(spec.duration)]
    venue, at, when = text.rpartition("@")
    begin, plus, over = when.partition("+")
    try:
        start_s = moment(spec.start_utc, begin)
        lasts_s = parse_duration(over)
    except Exception:
        plus = ""
        start_s = lasts_s = 0.0
    if not plus:
        raise DataError(f"halt {text!r}: all, TIME+LENGTH or VENUE@TIME+LENGTH, such as cex_a@21:12+67min")
    if at and venue not in venues_of(lines):
        raise DataError(f"halt {text!r}: nothing of the book lies on {venue!r}, but on {', '.join(venues_of(lines))}")
    return [venue or None, start_s, start_s + lasts_s]


def _rows(part: InScenario, level: float) -> tuple[Row, ...]:
    teller, at = Teller(part.scenario.spec.name), f"{100 * level:g}%"
    loss = part.column("loss")
    teller.told("", "start", tail.mean(part.column("start")), "USD", "worth of the book when it is in place, mean")
    teller.told("", "loss_mean", tail.mean(loss), "USD", "worth at the start less at the end, mean over seeds")
    teller.told("", "loss_median", tail.quantile(loss, 0.5), "USD", "median over seeds")
    teller.told(at, "value_at_risk", tail.quantile(loss, level), "USD", "quantile of the loss over seeds")
    teller.told(at, "expected_shortfall", tail.shortfall(loss, level), "USD", "mean of the seeds beyond")
    worst = part.column("worst_loss")
    teller.told(at, "worst_on_the_way", tail.quantile(worst, level), "USD", "quantile of the largest loss at any look")
    teller.told(
        "", "called", tail.mean(part.column("called")), "USD", "cash called for over all lines, mean over seeds"
    )
    trapped = part.column("trapped")
    teller.share("", "share_of_seeds_trapped", trapped > 0.0, "seeds in which cash that is missing at a venue lies "
                 "elsewhere and cannot come")  # fmt: skip
    teller.told("", "trapped", tail.mean(trapped), "USD", "most such cash at one time, mean over seeds")
    teller.told(at, "trapped", tail.quantile(trapped, level), "USD", "quantile over seeds")
    for k, hour in enumerate(part.hours):
        called = part.column(f"called_h{k:03d}")
        teller.told(f"hour {hour}", "called", tail.mean(called), "USD", "cash called for in the hour, mean over seeds")
        teller.told(f"hour {hour}", f"called_{at}", tail.quantile(called, level), "USD", "quantile over seeds")
    _venues(teller, part, level)
    for group in groups_of(part.lines):
        broken, gap = part.column(f"hedge.{group}.adl"), part.column(f"hedge.{group}.gap")
        item = f"hedge {group}"
        teller.share(item, "share_of_seeds_broken", broken > 0.0, "seeds in which deleveraging closes some of it")
        teller.told(item, "broken", tail.mean(broken), "USD", "coins closed by deleveraging, mean over seeds")
        teller.told(item, "open", tail.quantile(gap, level), "USD",
                    f"largest change of its net coins at their price, {at} of seeds stay within")  # fmt: skip
    _lines(teller, part)
    return tuple(teller.rows)


def _venues(teller: Teller, part: InScenario, level: float) -> None:
    loss, at = part.column("loss"), f"{100 * level:g}%"
    for venue in venues_of(part.lines):
        item, key = f"venue {venue}", f"venue.{venue}"
        alone, needed = part.column(f"{key}.alone"), part.column(f"{key}.needed")
        teller.told(item, "needed_alone", tail.quantile(alone, level), "USD", "cash to lie there beyond what does "
                    f"if nothing can be sent, for {at} of seeds")  # fmt: skip
        teller.told(item, "missing", tail.quantile(needed, level), "USD", "most cash missing there at one look with "
                    f"the transfers that were possible, {at} of seeds stay within")  # fmt: skip
        teller.told(item, "held", tail.mean(part.column(f"{key}.held_start")), "USD", "worth there at the start, mean")
        teller.told(item, "held_most", tail.quantile(part.column(f"{key}.held_most"), level), "USD",
                    f"largest worth there, {at} of seeds stay within")  # fmt: skip
        if venue == OWN:
            continue
        gone = loss + np.maximum(0.0, part.column(f"{key}.held_end"))
        teller.told(item, "loss_with_default", tail.quantile(gone, level), "USD",
                    f"loss if all that lies there at the end is lost too, {at} of seeds stay within")  # fmt: skip


def _lines(teller: Teller, part: InScenario) -> None:
    for line in part.lines:
        if line.kind == "cash":
            continue
        item, key = f"line {line.name}", f"line.{line.name}"
        teller.told(
            item, "loss", tail.mean(part.column(f"{key}.loss")), "USD", "mean over seeds, cash given to it counted"
        )
        if line.kind in ("perp", "loan"):
            asked, forced = part.column(f"{key}.asked"), part.column(f"{key}.lost_margin") > 0.0
            teller.told(item, "asked", tail.mean(asked), "USD", "most cash it lacked to be at its call level, mean")
            if line.kind == "perp":
                forced = part.column(f"{key}.forced_share") > 0.0
            teller.share(item, "share_of_seeds_liquidated", forced, "seeds in which it, or a part, is closed by force")
        if line.kind == "perp":
            adl = part.column(f"{key}.adl_share")
            teller.share(item, "share_of_seeds_adl", adl > 0.0, "seeds in which deleveraging closes some of it")
            teller.told(item, "adl_share", tail.mean(adl), "fraction", "coins closed by deleveraging, mean over seeds")
            entered = part.column(f"{key}.entered")
            teller.told(item, "entered", tail.mean(entered), "fraction", "coins in place after the first minute, mean")
