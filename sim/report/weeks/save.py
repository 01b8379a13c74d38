"""The six figures of a run folder as files: SVG, PNG, one tidy table, a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sim.errors import ResultError
from sim.experiments.store import write_whole
from sim.report import style
from sim.report.comparison import png_bytes
from sim.report.sheet import Section, sheet
from sim.report.weeks.beside import Series, Start, put
from sim.report.weeks.draw import draw, sources
from sim.report.weeks.lines import CHARTS, Found, Kind, Line
from sim.report.weeks.own import read_own
from sim.report.weeks.recorded import recorded
from sim.report.weeks.simulated import first_btc, simulated
from sim.results import Ensemble, Run
from sim.results.storage import csv_bytes, parquet_bytes
from sim.results.summary import seed_band

COLUMNS: dict[str, tuple[str, str]] = {
    "figure": ("", "one of the six figures"),
    "panel": ("", "its pair of axes"),
    "series": ("", "what is shown"),
    "kind": ("", "simulated; input: a path that the scenario was given; recorded; own: of a user's file"),
    "time_utc": ("UTC", "moment; a flow stands at 00:00 of the Friday that ends its week"),
    "value": ("see unit", "median over the seeds that have a value; what is recorded or own as it is"),
    "p10": ("see unit", "10 % quantile over seeds; empty with one seed"),
    "p90": ("see unit", "90 % quantile over seeds; empty with one seed"),
    "seeds": ("", "seeds that have a value; empty where nothing is simulated"),
    "unit": ("", "unit of value, p10 and p90"),
    "bound": ("", "at most, at least: the value is a bound"),
    "source": ("", "of what is recorded or own"),
    "grade": ("", "of a source: A primary, B press quoting a vendor, C blog, D computed from a recording"),
}
"""Column of the table to unit and meaning."""


KINDS: tuple[Kind, ...] = ("simulated", "input", "recorded", "own")


class Weeks:
    """The six figures of some seeds.

    Attributes
    ----------
    run_id : str
    found : Found
        Every line, and every sentence on what is not there.
    table : DataFrame
        Columns of ``COLUMNS``: each value that a figure can show, drawn or outside its days.
    figures : dict of str to Figure
    """

    def __init__(self, runs: Sequence[Run], run_id: str, own: Sequence[Series] = ()) -> None:
        series, marks = runs[0].series, [one.series["mark_usd"].iloc[0] for one in map(first_btc, runs) if one]
        start = Start(pd.Timestamp(runs[0].spec.start_utc), float(np.median(marks)) if marks else None)
        self.run_id, self.seeds, self.title = run_id, [run.seed for run in runs], runs[0].spec.title
        self.found: Found = simulated(runs)
        beside = recorded(start)
        self.found.lines += beside.lines
        self.found.said += beside.said
        for one in own:
            put(one, start, self.found)
        span = series["time_utc"].iloc[0], series["time_utc"].iloc[-1]
        self.table = table_of(self.found)
        self.figures: dict[str, Figure] = {name: draw(name, self.found, run_id, self.seeds, span) for name in CHARTS}

    def plain(self) -> dict[str, object]:
        """What each figure holds and lacks: series by kind, and sentences."""
        figures: dict[str, dict[str, list[str]]] = {}
        for name in CHARTS:
            mine = [line for line in self.found.lines if line.figure == name]
            figures[name] = {str(k): list(dict.fromkeys(one.series for one in mine if one.kind == k)) for k in KINDS}
            figures[name]["said"] = self._said(name)
        return {"run_id": self.run_id, "seeds": self.seeds, "figures": figures}

    def text(self) -> str:
        """The same, a line or more for each figure."""
        out = []
        for name, chart in CHARTS.items():
            mine = [line for line in self.found.lines if line.figure == name]
            counts = {kind: len({line.series for line in mine if line.kind == kind}) for kind in KINDS}
            told = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
            out += [f"{name}: {chart.heading}: {told}", *(f"  {said}" for said in self._said(name))]
        return "\n".join(out)

    def _said(self, figure: str) -> list[str]:
        return list(dict.fromkeys(text for of, _, text in self.found.said if of == figure))

    def page(self) -> bytes:
        """The figures on one self-contained page."""
        sections = [
            Section(
                chart.heading,
                [chart.about, *self._said(name), f"Sources of what stands beside. {sources(name, self.found)}"],
                svg=style.svg_bytes(self.figures[name], f"{self.run_id}-weeks-{name}"),
            )
            for name, chart in CHARTS.items()
        ]
        n = len(self.seeds)
        meta = f"run {self.run_id}, {f'{n} seeds' if n > 1 else f'one seed (seed {self.seeds[0]}) of any number'}"
        lead = [
            "Recorded points stand beside the run and are no input of it but where the scenario says so.",
            "Values, bounds, sources and grades are in weeks.csv and weeks.parquet, units in units.csv.",
        ]
        return sheet(f"{self.title}: six figures", meta, lead, sections, self.run_id)


def weeks(done: Run | Ensemble, own: Mapping[str, str | Path | Sequence[str | Path]] | None = None) -> Weeks:
    """Make the six figures of a run or of several seeds.

    Parameters
    ----------
    done : Run or Ensemble
        For instance of ``sim.results.load_run``.
    own : mapping, optional
        Figure ("macro", "etf", "treasuries", "open_interest", "lending", "depth") to a CSV file or several.

    Raises
    ------
    ScenarioError, DataError
        For a file that cannot be used, with line and cure.
    """
    runs = done.runs if isinstance(done, Ensemble) else (done,)
    series: list[Series] = []
    for figure, files in (own or {}).items():
        for file in [files] if isinstance(files, (str, Path)) else files:
            series += read_own(figure, file)
    return Weeks(runs, done.run_id, series)


def save(found: Weeks, place: str | Path) -> Path:
    """Write each figure as SVG and PNG, the table as CSV and Parquet with ``units.csv``, and ``weeks.html``.

    Parameters
    ----------
    found : Weeks
    place : path
        A folder, made when missing; files of the same names are replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ResultError
        When the disk refuses.
    """
    folder = Path(place)
    files = {"weeks.csv": csv_bytes(found.table), "weeks.parquet": parquet_bytes(found.table, found.run_id, COLUMNS)}
    told = pd.DataFrame([(column, *said) for column, said in COLUMNS.items()], columns=["column", "unit", "meaning"])
    files |= {"units.csv": csv_bytes(told), "weeks.html": found.page()}
    for name, figure in found.figures.items():
        files[f"{name}.svg"] = style.svg_bytes(figure, f"{found.run_id}-weeks-{name}")
        files[f"{name}.png"] = png_bytes(figure)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_whole(folder / name, data)
    except OSError as error:
        cure = "free some space or choose another place with --out"
        raise ResultError(f"{folder}: cannot write the figures ({error.strerror or error}); {cure}") from error
    return folder


def table_of(found: Found) -> pd.DataFrame:
    """Every value of every line, one a row; columns of ``COLUMNS``."""
    return pd.concat([_rows(line) for line in found.lines], ignore_index=True)[list(COLUMNS)]


def _rows(line: Line) -> pd.DataFrame:
    low, middle, high = seed_band(line.values)
    n, nothing = len(line.time), np.full(len(line.time), np.nan)
    many = line.kind == "simulated" and line.values.shape[0] > 1
    return pd.DataFrame(
        {
            "figure": line.figure, "panel": line.panel, "series": line.series, "kind": line.kind,
            "time_utc": line.time.as_unit("us"), "value": middle,
            "p10": low if many else nothing, "p90": high if many else nothing,
            "seeds": np.isfinite(line.values).sum(axis=0).astype(float) if line.kind == "simulated" else nothing,
            "unit": CHARTS[line.figure].panels[line.panel].unit,
            "bound": list(line.bound) or [""] * n, "source": line.source, "grade": line.grade,
        }
    )  # fmt: skip
