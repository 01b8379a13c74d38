"""Hours of the week against the hour of a scenario: activity and visible depth, as a table and a figure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sim.errors import ResultError
from sim.report import style
from sim.report.risk_words import write_answer
from sim.rhythm import DAYS, moment_after, ratios
from sim.scenario.load import load_spec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = {
    "start_utc": ("", "when the scenario would begin, UTC"),
    "weekday": ("", "of that start"),
    "hour": ("h", "of that start, UTC"),
    "is_own": ("", "whether it is the scenario's own start"),
    "is_target": ("", "whether it is the start that was asked for"),
    "activity": ("ratio", "volumes and noise in two hours from there on, over those of the scenario's own start"),
    "visible_depth": ("ratio", "visible depth, the same way"),
}
HOURS = 168


@dataclass(frozen=True)
class Hours:
    """Every hour of the week against a scenario's own.

    Attributes
    ----------
    title : str
    table : pandas.DataFrame
        One row an hour of the week from Monday 00:00 UTC, then the own start and the one asked for; ``COLUMNS``.
    """

    title: str
    table: pd.DataFrame

    def figure(self) -> Figure:
        """Both ratios over the week; the own start and the one asked for are marked."""
        week = self.table[~(self.table["is_own"] | self.table["is_target"])]
        own, target = (self.table[self.table[name]].iloc[0] for name in ("is_own", "is_target"))
        with style.rc():
            drawn = style.new_figure(5.2)
            panels = drawn.subplots(2, 1, sharex=True)
            labels = {"activity": "activity, ratio to now", "visible_depth": "visible depth, ratio to now"}
            for axes, (column, label) in zip(panels, labels.items(), strict=True):
                axes.plot(np.arange(HOURS), week[column], color=style.SIMULATED, drawstyle="steps-post")
                axes.axhline(1.0, color="#888888", linewidth=0.8)
                for row, colour, name in ((own, style.RECORDED, "now"), (target, style.NEWS, "asked for")):
                    when = pd.Timestamp(row["start_utc"])
                    at = when.weekday() * 24 + when.hour + when.minute / 60.0
                    told = f"{name}, {row['weekday']} {when:%H:%M}: x{row[column]:.2f}"
                    axes.plot([at], [row[column]], "o", color=colour, markersize=7, label=told)
                axes.set_ylim(bottom=0.0)
                axes.set_ylabel(label)
                axes.legend(loc="lower right", ncols=2)
            panels[0].set_title(self.title)
            panels[1].set_xticks(np.arange(0, HOURS, 24), [f"{day} 00:00" for day in DAYS])
            panels[1].set_xlim(0, HOURS)
            panels[1].set_xlabel("hour of the week at which the scenario begins, UTC")
            under = (
                "means of the two hours from there on; definitions and sources: docs/rhythm.md\n"
                "depth: two published points a day and a half cosine between them, the same on all days [judgement]"
            )
            drawn.supxlabel(under, fontsize=8, color="#444444", x=0.01, ha="left")
        return drawn

    def text(self) -> str:
        """The two starts, a line each."""
        rows = self.table[self.table["is_own"] | self.table["is_target"]]
        lines = [
            f"{'asked for' if row.is_target else 'now':10} {row.weekday} {pd.Timestamp(str(row.start_utc)):%H:%M} UTC  "
            f"activity x{row.activity:.3f}  visible depth x{row.visible_depth:.3f}"
            for row in rows.itertuples()
        ]
        return "\n".join([self.title, *lines])

    def save(self, out: str | Path) -> Path:
        """Write table (Parquet, CSV, units), figure (SVG, PNG) and text, ``hours.*``; returns the folder.

        Raises
        ------
        ResultError
            When the disk refuses.
        """
        try:
            return write_answer(Path(out), "hours", self.table, "hours", self.figure(), self.text(), COLUMNS)
        except OSError as error:
            said = f"cannot write the table and the figure ({error.strerror or error})"
            raise ResultError(f"{out}: {said}; free some space or choose another place with --figure") from error


def hours(scenario: str, to: str) -> Hours:
    """Compare each hour of the week with a scenario's own.

    Parameters
    ----------
    scenario : str
        Name of a shipped scenario, or path of a YAML file.
    to : str
        The start that is asked for, as ``sim.rhythm.moment_after`` reads it.

    Raises
    ------
    ScenarioError
        For a time that is not readable.
    DataError
        When the measured table is missing.
    """
    spec = load_spec(scenario)
    own = spec.start_utc.astimezone(UTC)
    target = moment_after(own, to)
    monday = datetime(own.year, own.month, own.day, tzinfo=UTC) - timedelta(days=own.weekday())
    week = [monday + timedelta(hours=k) for k in range(HOURS)]
    rows = [
        (
            f"{at:%Y-%m-%dT%H:%M:%SZ}",
            DAYS[at.weekday()],
            at.hour + at.minute / 60.0,
            is_own,
            is_target,
            *ratios(own, at),
        )
        for at, is_own, is_target in [(at, False, False) for at in week] + [(own, True, False), (target, False, True)]
    ]
    return Hours(f"{spec.name}: the same at another hour of the week", pd.DataFrame(rows, columns=list(COLUMNS)))
