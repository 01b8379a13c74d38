"""Recorded evidence that ships with the package: small CSV files derived by ``calibration/derive.py``, read-only.

Each file opens with ``#`` lines that say where it comes from, how it was made and how it was rounded. Times are
microseconds from the file's start, 20:20 UTC on 10 October 2025 for the event.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import DataError
from sim.scenario.places import derived_dir, recorded_names

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

US = 1_000_000
PRICE_FILE, DEPTH_FILE = "btc_", "depth_shares_"
_CURE = "write it with 'python -m calibration.derive' in a clone of the repository"


class DepthShares(NamedTuple):
    """Depth of the recorded perp book by minute, as a share of the morning's median in the same band.

    Attributes
    ----------
    minute_us : int64[n]
        Start of each minute.
    bid_within, bid_share, ask_within, ask_share : float64[n]
        Band as a fraction of the mark, and share of the morning; NaN where that side is unknown.
    """

    minute_us: Integers
    bid_within: Floats
    bid_share: Floats
    ask_within: Floats
    ask_share: Floats


class Figure(NamedTuple):
    """One figure measured on recordings.

    Attributes
    ----------
    id, name : str
        Row of the evidence tables (P9, F11), and what it is.
    value : float
        In ``unit``; NaN where the row is a statement without a number of its own.
    unit : str
    source : str
        How it was measured, and on what.
    """

    id: str
    name: str
    value: float
    unit: str
    source: str


def recorded_path(name: str) -> tuple[Integers, Floats]:
    """Recorded price path.

    Parameters
    ----------
    name : str
        As a scenario's ``evidence`` names it: ``btc_2025_10_10``.

    Returns
    -------
    time_us : int64[n]
        From the file's start; each row is the close of the minute that ends there, row 0 stands at time 0.
    close_usd : float64[n]

    Raises
    ------
    DataError
        When there is no such file or a row is not readable.
    """
    times, closes = _columns(_file(name, "close_usd"), ("seconds", "close_usd"))
    return _us(times), closes


def news_path(name: str) -> tuple[Integers, Floats]:
    """Recorded index path.

    Parameters
    ----------
    name : str
        As ``news.path`` names it: ``qqq_2025_10_10``.

    Returns
    -------
    time_us : int64[n]
        From the file's start; row 0 is time 0.
    log_move : float64[n]
        Cumulative log return since time 0, without any beta.

    Raises
    ------
    DataError
        When there is no such file or a row is not readable.
    """
    file = _file(name, "return_bp")
    times, returns_bp = _columns(file, ("seconds", "return_bp"))
    if times[0] != 0.0:
        raise DataError(f"{file.name}: the first row must stand at second 0, got {times[0]:g}")
    return _us(times), np.cumsum(np.log1p(returns_bp * 1e-4))


def depth_shares(name: str) -> DepthShares:
    """Recorded depth by minute.

    Parameters
    ----------
    name : str
        Name of a price path, ``btc_2025_10_10``, or of the file itself, ``depth_shares_2025_10_10``.

    Raises
    ------
    DataError
        When there is no such file or a row is not readable.
    """
    file = _file(DEPTH_FILE + name.removeprefix(PRICE_FILE) if name.startswith(PRICE_FILE) else name, "ask_share")
    (times,) = _columns(file, ("seconds",))
    keys = ("bid_band_pct", "bid_share", "ask_band_pct", "ask_share")
    bid_pct, bid, ask_pct, ask = _columns(file, keys, may_lack=True)
    return DepthShares(_us(times), bid_pct / 100.0, bid, ask_pct / 100.0, ask)


def rhythm(name: str) -> tuple[Floats, Floats]:
    """Mean absolute five-minute move by UTC hour, basis points.

    Parameters
    ----------
    name : str
        ``rhythm_btc``.

    Returns
    -------
    weekday, weekend : float64[24]

    Raises
    ------
    DataError
        When there is no such file or a row is not readable.
    """
    weekday, weekend = _columns(_file(name, "weekend_bp"), ("weekday_bp", "weekend_bp"))
    return weekday, weekend


def holders(name: str) -> list[tuple[int, float, float]]:
    """Coins by age and cost: age in days, cost in dollars, coins of each row.

    Parameters
    ----------
    name : str
        As ``holders.start`` names it: ``btc_holders_2025_10_10``.

    Raises
    ------
    DataError
        When there is no such file or a row is not readable.
    """
    columns = _columns(_file(name, "age_days"), ("age_days", "cost_usd", "coins"))
    return [(int(age), float(cost), float(coins)) for age, cost, coins in zip(*columns, strict=True)]


def figures() -> tuple[Figure, ...]:
    """All recorded figures, in the order of the file.

    Raises
    ------
    DataError
        When the file is missing or a row is not readable.
    """
    file = _file("figures", "source")
    out = []
    for n, row in enumerate(_rows(file), start=1):
        name, unit, source = (row.get(key) or "" for key in ("name", "unit", "source"))
        out.append(Figure(row.get("id") or "", name, _number(file, n, "value", row, may_lack=True), unit, source))
    return tuple(out)


def _file(name: str, column: str) -> Path:
    known = recorded_names(column)
    if name not in known:
        choice = f"choose one of: {', '.join(known)}" if known else _CURE
        raise DataError(f"recorded evidence {name!r}: there is no such file with a column {column}; {choice}")
    return derived_dir() / f"{name}.csv"


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(line for line in handle if not line.startswith("#"))


def _columns(file: Path, keys: tuple[str, ...], *, may_lack: bool = False) -> list[Floats]:
    rows = [
        [_number(file, n, key, row, may_lack=may_lack) for key in keys] for n, row in enumerate(_rows(file), start=1)
    ]
    if not rows:
        raise DataError(f"{file.name}: no rows; {_CURE}")
    return list(np.array(rows, np.float64).T)


def _number(file: Path, n: int, key: str, row: dict[str, str], *, may_lack: bool = False) -> float:
    text = row.get(key)
    if text is None:
        raise DataError(f"{file.name}: row {n} has no column {key!r}")
    if not text and may_lack:
        return math.nan
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"{file.name}: row {n}: {key} must be a number, got {text!r}") from error


def _us(seconds: Floats) -> Integers:
    return np.rint(seconds * US).astype(np.int64)
