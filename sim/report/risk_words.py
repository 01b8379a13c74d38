"""Rows of an answer of ``sim.risk`` as lines for a terminal, what a reader must know beside them, and the files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sim.report import style, words
from sim.risk.answer import COLUMNS, FEWEST_SEEDS, Row, write_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def shown(value: float, unit: str) -> str:
    """A number with its unit; "-" for none."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "unbounded" if value > 0.0 else "-unbounded"
    return words.amount(value, unit) if unit in ("USD", "fraction", "s") else f"{value:.4g} {unit}".rstrip()


def table_lines(rows: Sequence[Row]) -> list[str]:
    """Aligned lines: item, quantity, value with interval, seeds."""
    cells = []
    for row in rows:
        ends = ""
        if not (math.isnan(row.low) and math.isnan(row.high)):
            ends = f"[{shown(row.low, row.unit)}, {shown(row.high, row.unit)}]"
        cells.append(
            (row.item, row.quantity.replace("_", " "), shown(row.value, row.unit), ends, f"n {row.n}" * bool(row.n))
        )
    wide = [max((len(c[k]) for c in cells), default=0) for k in range(5)]
    return ["  ".join(c.ljust(w) for c, w in zip(line, wide, strict=True)).rstrip() for line in cells]


def notes(n_seeds: int, failed: int, ends: str = "intervals hold 95 % over seeds") -> list[str]:
    """Sentences that stand under every answer."""
    said = [f"{ends}; scenario outcomes given this model, not a forecast"]
    if n_seeds < FEWEST_SEEDS:
        said.append(f"fewer than {FEWEST_SEEDS} seeds: --seeds 32 makes only the runs that are missing")
    if failed:
        said.append(f"{failed} runs failed; their seeds are left out")
    return said


def write_answer(
    out: Path, name: str, table: pd.DataFrame, folder: str, drawn: Figure, text: str,
    said: Mapping[str, tuple[str, str]] = COLUMNS,
) -> Path:  # fmt: skip
    """Write ``<name>.parquet``, ``.csv``, ``.units.csv``, ``.svg``, ``.png`` and ``.txt`` into a folder; returns it."""
    from sim.experiments.store import write_whole
    from sim.report.comparison import png_bytes

    write_table(out, name, table, folder[-12:], said)
    for file, data in (
        (f"{name}.svg", style.svg_bytes(drawn, f"{folder}-{name}")),
        (f"{name}.png", png_bytes(drawn)),
        (f"{name}.txt", (text + "\n").encode()),
    ):
        write_whole(out / file, data)
    return out
