"""The scorecard as lines of text: rows, reasons of what misses or cannot be measured, and how each row is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.report.scorecard import Row

_WIDEST_VALUE = 12


def lines(rows: Sequence[Row]) -> list[str]:
    """Every row with record, band, median and quantiles over seeds, seeds inside and verdict; empty without rows."""
    if not rows:
        return []
    wide = max(len(row.name) for row in rows)
    head = f"{'row':<4} {'what':<{wide}} {'recorded':>{_WIDEST_VALUE}} {'accepted':>16} {'median':>8}  "
    out = [head + f"{'10, 50, 90 % of seeds':<24} {'inside':<10} verdict"]
    for row in rows:
        tail = f" - {row.note}" if row.verdict == "not measurable" else ""
        out.append(
            f"{row.id:<4} {row.name:<{wide}} {_short(row.value):>{_WIDEST_VALUE}} {row.band:>16} {row.simulated:>8}  "
            f"{row.seeds:<24} {row.inside:<10} {row.verdict}{tail}"
        )
    return [*out, *_reasons(rows), *_how(rows)]


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST_VALUE else text[: _WIDEST_VALUE - 1] + "…"


def _reasons(rows: Sequence[Row]) -> Iterator[str]:
    """Each reason of a miss once, with the rows it stands for."""
    missed = [row for row in rows if row.verdict == "miss"]
    if not missed:
        return
    yield from ("", "Reasons of the misses:")
    for note in dict.fromkeys(row.note for row in missed):
        ids = ", ".join(dict.fromkeys(row.id for row in missed if row.note == note))
        yield f"  {ids}: {note or 'no cause is known.'}"


def _how(rows: Sequence[Row]) -> Iterator[str]:
    """How the measured rows are measured, each estimator once."""
    measured = [row for row in rows if row.estimator and row.verdict != "not measurable"]
    if not measured:
        return
    yield from ("", "How they are measured (sim/metrics/event.py):")
    for how in dict.fromkeys(row.estimator for row in measured):
        ids = ", ".join(dict.fromkeys(row.id for row in measured if row.estimator == how))
        yield f"  {ids}: {how}"
