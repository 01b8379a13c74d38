"""Timestamps of a user's file as microseconds in UTC: seconds to nanoseconds since 1970, or ISO text with a zone."""

import re
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.errors import DataError
from sim.ingest.findings import Log, iso
from sim.ingest.source import Block, Table
from sim.settings.problems import shown

TIME_COLUMNS = (
    "timestamp",
    "time",
    "ts",
    "datetime",
    "date",
    "open_time_utc",
    "open_time",
    "time_utc",
    "create_time",
    "bar_start_utc",
    "minute_utc",
    "local_timestamp",
)
_EARLIEST, _LATEST = 1_230_768_000, 4_133_894_400  # 2009 to 2100, seconds since 1970
_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_ZONE = re.compile(r"(?:Z|[+-]\d{2}:?\d{2}|UTC)\s*$", re.IGNORECASE)
_DAY_FIRST = re.compile(r"\s*\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")


class Clock:
    """Reads one column of times; the unit found in the first row holds for the whole file.

    Parameters
    ----------
    table : Table
    column : str
    log : Log
        Told once how the times are understood.
    """

    def __init__(self, table: Table, column: str, log: Log) -> None:
        self.table, self.column, self.log = table, column, log
        self.unit: str | None = None

    def read(self, block: Block) -> NDArray[np.int64]:
        """Microseconds since 1970, UTC, of each row.

        Parameters
        ----------
        block : Block

        Returns
        -------
        int64[n]

        Raises
        ------
        DataError
            For a cell that is no time, with its line.
        """
        cells = block.frame[self.column]
        if not len(cells):
            return np.empty(0, np.int64)
        if cells.dtype.kind not in "iuf":
            figures = pd.to_numeric(cells, errors="coerce")
            if not np.isfinite(figures.iloc[0]):
                return self._text(cells, block)
            return self._numeric(figures.to_numpy(np.float64, na_value=np.nan), block)
        return self._numeric(cells.to_numpy(), block)

    def _numeric(self, figures: Any, block: Block) -> NDArray[np.int64]:
        first = float(figures[0])
        if self.unit is None:
            fits = [name for name, per in _UNITS.items() if _EARLIEST * per <= first < _LATEST * per]
            if not fits:
                raise self._refused(block, 0, first)
            self.unit = fits[0]
            self.log.remark(f"times of {self.table.path.name}: column {self.column!r}, {self.unit} since 1970, UTC")
        per = _UNITS.get(self.unit)
        if per is None:
            raise self._refused(block, 0, first)
        bad = ~((figures >= _EARLIEST * per) & (figures < _LATEST * per))
        if bad.any():
            at = int(np.argmax(bad))
            raise self._refused(block, at, block.frame[self.column].iloc[at])
        if figures.dtype.kind == "f":
            return np.asarray(np.rint(figures * (1e6 / per)), np.int64)
        whole = figures.astype(np.int64)
        return np.asarray(whole * (10**6 // per) if per <= 10**6 else whole // (per // 10**6), np.int64)

    def _text(self, cells: Any, block: Block) -> NDArray[np.int64]:
        moments = pd.to_datetime(cells.astype(str).str.strip(), format="ISO8601", utc=True, errors="coerce")
        values = moments.astype("datetime64[us, UTC]").astype("int64").to_numpy()
        bad = moments.isna().to_numpy() | (values < _EARLIEST * 10**6) | (values >= _LATEST * 10**6)
        bad |= cells.isna().to_numpy()
        if bad.any():
            raise self._refused(block, int(np.argmax(bad)), cells.iloc[int(np.argmax(bad))])
        zone = bool(_ZONE.search(str(cells.iloc[0])))
        unit = "zoned" if zone else "plain"
        if self.unit is None:
            how = "ISO text with its zone" if zone else "ISO text without a zone, taken as UTC"
            self.log.remark(f"times of {self.table.path.name}: column {self.column!r}, {how}")
        elif self.unit != unit:
            raise self._refused(block, 0, cells.iloc[0])
        self.unit = unit
        return np.asarray(values, np.int64)

    def _refused(self, block: Block, row: int, found: object) -> DataError:
        text = str(found)
        cure = "write ISO times such as 2025-10-10T20:49:00Z, or whole seconds, ms, us or ns since 1970"
        if _DAY_FIRST.match(text):
            cure = f"day and month cannot be told apart; {cure}"
        elif self.unit is not None:
            cure = f"the rows before are {self.unit}; {cure}"
        return self.table.at(int(block.lines[row]), f"{self.column}: expected a time, got {shown(text)}: {cure}")


def window_us(times_us: NDArray[np.int64], start: str | None, end: str | None) -> tuple[int, int]:
    """First and last microsecond of a window that a user named.

    Parameters
    ----------
    times_us : int64[n]
        Times of the data, sorted, at least one.
    start, end : str or None
        ISO instants, or times of day in UTC ("20:49") where all data are of one day; None for the data's own end.

    Returns
    -------
    first_us, last_us : int

    Raises
    ------
    DataError
        When a bound is no time, or the window is empty.
    """
    first = int(times_us[0]) if start is None else _bound(start, times_us)
    last = int(times_us[-1]) if end is None else _bound(end, times_us)
    if last < first:
        raise DataError(f"the window ends at {iso(last)}, before it begins at {iso(first)}: exchange --from and --to")
    return first, last


def instant_us(text: str, times_us: NDArray[np.int64]) -> int:
    """An instant that a user named: ISO, or a time of day where all data are of one day."""
    return _bound(text, times_us)


def _bound(text: str, times_us: NDArray[np.int64]) -> int:
    wanted = "an instant such as 2025-10-10T20:49:00Z, or a time of day such as 20:49"
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?", text.strip()):
            days = {datetime.fromtimestamp(int(t) // 10**6, UTC).date() for t in (times_us[0], times_us[-1])}
            if len(days) > 1:
                raise DataError(
                    f"{text!r} is a time of day, and the data reach over {len(days)} days or more: give the date too"
                )
            moment = datetime.combine(days.pop(), time.fromisoformat(text.strip().rjust(5, "0")), UTC)
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            moment = datetime.combine(date.fromisoformat(text.strip()), time(), UTC)
        else:
            moment = datetime.fromisoformat(text.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise DataError(f"expected {wanted}, got {text!r}") from None
    return round(moment.timestamp() * 10**6)
