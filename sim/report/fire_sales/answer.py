"""What a formula of fire sales answers: its table, its figure, its words and their files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.errors import ResultError
from sim.report import style
from sim.report.one_table import text_rows
from sim.report.risk_words import write_answer

Floats = NDArray[np.float64]

COLUMNS: Mapping[str, tuple[str, str]] = {
    "kind": ("", "input, result, or curve: a point of a line of the figure"),
    "quantity": ("", "what is told"),
    "item": ("", "asset, pair, holder or line that the number is about; empty: the whole"),
    "at": ("see at_unit", "where on a curve; empty: the number is on none"),
    "at_unit": ("", "what at counts, and its unit"),
    "value": ("see unit", "the number; inf: unbounded"),
    "unit": ("", "unit of the value; empty: a pure number"),
    "meaning": ("", "what the number is"),
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#999999")
DASHES = ("-", "--", ":", "-.")
MOST_BARS = 30
"""Bars with a name each that a panel holds legibly; the title says so where there are more."""


@dataclass(frozen=True)
class FireSale:
    """An answer in closed form.

    Attributes
    ----------
    name : str
        Of the formula and of the files: ``fire_sale_<name>``.
    title : str
    source : str
        Whose formula it is.
    table : pandas.DataFrame
        Columns of ``COLUMNS``: inputs, results, then the lines of the figure.
    draw : callable
        Draws into an empty figure.
    height_in : float
        Height of the figure, inches.
    """

    name: str
    title: str
    source: str
    table: pd.DataFrame
    draw: Callable[[Figure], None]
    height_in: float = 4.4

    def figure(self) -> Figure:
        """The figure; under it whose formula it is."""
        with style.rc():
            drawn = style.new_figure(self.height_in)
            self.draw(drawn)
            under = f"closed form of docs/fire_sales.md: {self.source}\nno run and no seeds; not a forecast"
            drawn.supxlabel(under, fontsize=8, color="#444444", x=0.01, ha="left")
        return drawn

    def text(self) -> str:
        """Inputs and results, a line each."""
        rows = self.table[self.table["kind"] != "curve"]
        return "\n".join([self.title, *text_rows(rows, ("kind", "quantity", "item", "at", "at_unit", "value", "unit"))])

    def save(self, out: str | Path) -> Path:
        """Write table (Parquet, CSV, units), figure (SVG, PNG) and text, ``fire_sale_<name>.*``; returns the folder.

        Parameters
        ----------
        out : path
            A folder, made when missing; files of the same names are replaced.

        Raises
        ------
        ResultError
            When the disk refuses.
        """
        try:
            return write_answer(
                Path(out), f"fire_sale_{self.name}", self.table, "closed-form", self.figure(), self.text(), COLUMNS
            )
        except OSError as error:
            cure = "free some space or choose another place with --out"
            said = f"cannot write the table and the figure ({error.strerror or error})"
            raise ResultError(f"{out}: {said}; {cure}") from error


class Rows:
    """Collects the rows of a table."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, float, str, float, str, str]] = []

    def given(self, quantity: str, value: float, unit: str, meaning: str, item: str = "") -> None:
        """What was asked."""
        self._rows.append(("input", quantity, item, math.nan, "", float(value), unit, meaning))

    def found(self, quantity: str, value: float, unit: str, meaning: str, item: str = "") -> None:
        """What is answered."""
        self._rows.append(("result", quantity, item, math.nan, "", float(value), unit, meaning))

    def curve(self, quantity: str, at: Floats, value: Floats, units: tuple[str, str], meaning: str, *,
              item: str = "", kind: str = "curve") -> None:  # fmt: skip
        """A line of the figure, or a table that was given; ``units`` are those of ``at`` and of ``value``."""
        for x, y in zip(at.tolist(), value.tolist(), strict=True):
            self._rows.append((kind, quantity, item, x, units[0], y, units[1], meaning))

    def frame(self) -> pd.DataFrame:
        """The table."""
        return pd.DataFrame(self._rows, columns=list(COLUMNS))


def finite(values: Floats) -> Floats:
    """What a line draws: nothing where a number is unbounded."""
    return np.asarray(np.where(np.isfinite(values), values, np.nan))


def colour(k: int) -> str:
    """Of the k-th line."""
    return COLOURS[k % len(COLOURS)]


def dash(k: int) -> str:
    """Of the k-th line: another from the ninth on, where the colours begin again."""
    return DASHES[k // len(COLOURS) % len(DASHES)]


def largest(weight: Floats, what: str) -> tuple[list[int], str]:
    """Places of the bars that are drawn, in their order, and the words for a title where that is not all of them."""
    if weight.size <= MOST_BARS:
        return list(range(weight.size)), ""
    places = np.sort(np.argsort(-weight, kind="stable")[:MOST_BARS])
    return [int(k) for k in places], f" ({MOST_BARS} largest of {weight.size} {what})"


def named_axis(axes: Axes, names: Sequence[str]) -> None:
    """Names under bars that stand at 0, 1, ...; turned where they would not fit."""
    axes.set_xticks(range(len(names)), list(names))
    axes.grid(visible=False, axis="x")
    if sum(map(len, names)) > 40 or len(names) > 12:
        for label in axes.get_xticklabels():
            label.set(rotation=90.0, fontsize=8.0)
