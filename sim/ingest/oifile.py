"""``ingest oi``: open interest over time becomes the market's open interest at one time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sim.errors import DataError
from sim.ingest.book import Floats, Integers, check_gaps
from sim.ingest.clock import TIME_COLUMNS, Clock, instant_us
from sim.ingest.findings import Finding, Log, iso
from sim.ingest.fragment import Fragment, base_spec, entry, short
from sim.ingest.instrument import Only
from sim.ingest.prices import read_prices
from sim.ingest.source import LARGEST, Table, blocks, numbers, open_table

Unit = Literal["coins", "usd"]
_COINS = ("open_interest_coins", "oi_coins", "sum_open_interest", "sumopeninterest")
_USD = ("open_interest_usd", "oi_usd", "sum_open_interest_value", "sumopeninterestvalue")
_EITHER = ("open_interest", "openinterest", "oi", "oi_open")
_MOST_ROWS = 20_000_000
_LARGEST_STEP = 2.0
"""A change by this factor from one row to the next is told."""
_OLDEST = 2.0
"""The row used may be this many usual intervals older than the time asked for."""


@dataclass(frozen=True)
class OpenInterestResult:
    """What became of a file of open interest.

    Attributes
    ----------
    fragment : Fragment
    findings : tuple of Finding
    remarks : tuple of str
    coins : float
        Open interest taken, coins.
    usd_price : float
        Price at which dollars were turned into coins, or coins are stated in dollars.
    at_us : int
        Time of the row that was used, microseconds since 1970 UTC.
    """

    fragment: Fragment
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]
    coins: float
    usd_price: float
    at_us: int

    def plain(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "open_interest_coins": self.coins,
            "open_interest_usd": self.coins * self.usd_price,
            "price_usd": self.usd_price,
            "at_utc": iso(self.at_us),
            "sources": {key: dict(value) for key, value in self.fragment.source.items()},
        }


def oi(
    path: str | Path,
    *,
    at: str | None = None,
    unit: Unit | None = None,
    price: float | None = None,
    mark: str | Path | None = None,
    symbol: str | None = None,
    extends: str = "calm_btc",
    folder: str | Path = ".",
) -> OpenInterestResult:
    """Read open interest and make a scenario fragment of its value at one time.

    Parameters
    ----------
    path : str or Path
        A time, and open interest in coins or dollars (docs/ingest.md).
    at : str, optional
        ISO instant, or time of day in UTC; the last row without it.
    unit : {"coins", "usd"}, optional
        Where the column's name does not say it. Contracts of fixed dollars are "usd".
    price : float, optional
        US dollars a coin, to turn dollars into coins.
    mark : str or Path, optional
        File of prices for the same purpose.
    symbol : str, optional
        Which instrument, where the file holds several.
    extends : str
        Scenario that the fragment changes.
    folder : str or Path
        Where the fragment is going to lie.

    Returns
    -------
    OpenInterestResult

    Raises
    ------
    DataError
        For what cannot be read, an unknown unit, or dollars without a price.
    """
    base, log, table = base_spec(extends, Path(folder)), Log(), open_table(path)
    column, known = _column(table, unit)
    times, values = _read(table, column, log, Only(symbol))
    check_gaps(times, log)
    _check_steps(times, values, log)
    wanted = int(times[-1]) if at is None else instant_us(at, times)
    row = int(np.searchsorted(times, wanted, side="right")) - 1
    if row < 0:
        raise DataError(f"{table.shown}: begins at {iso(int(times[0]))}, after {iso(wanted)}")
    used = int(times[row])
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    if wanted - used > _OLDEST * usual:
        log.add(
            "old",
            "warning",
            f"the last row at or before {iso(wanted)} is of {iso(used)}; used as it stands",
            times_us=[used],
        )
    usd_price = _price(price, mark, used, known, base.market.price, log)
    coins = float(values[row]) / (usd_price if known == "usd" else 1.0)
    line = f"  open_interest: {coins:.8g}  # coins at {iso(used)}; {short(coins * usd_price)} at ${usd_price:,.8g}"
    head = [
        f"Open interest from {table.path.name}, column {column} ({known}), row of {iso(used)}.",
        f"SHA-256 of the file: {table.sha256}",
        *(f"Assumed: {text}" for text in log.remarks),
        *(f"Found: {finding.text()}" for finding in log.findings),
    ]
    repairs = [f"{f.kind} {f.severity}" for f in log.findings]
    origin = f"{table.path.name}, column {column} ({known})"
    source = {"open_interest": entry(iso(used)[:10], origin, iso(used), repairs, table.sha256)}
    title = f"Open interest of {iso(used)[:10]} from {table.path.name}"
    fragment = Fragment(extends, title, tuple(head), ("market:", line), source)
    return OpenInterestResult(fragment, tuple(log.findings), tuple(log.remarks), coins, usd_price, used)


def _column(table: Table, unit: Unit | None) -> tuple[str, Unit]:
    """Column of open interest, and its unit."""
    for names, says in ((_COINS, "coins"), (_USD, "usd")):
        found = table.has(*names)
        if found is not None and unit in (None, says):
            return found, says  # type: ignore[return-value]
    found = table.need(*_EITHER, *_COINS, *_USD, what="open interest")
    if unit is None:
        raise table.at(
            table.header_line,
            f"column {found!r} does not say whether it counts coins or dollars: add --unit coins or --unit usd",
        )
    return found, unit


def _read(table: Table, column: str, log: Log, only: Only) -> tuple[Integers, Floats]:
    time = table.need(*TIME_COLUMNS, what="time")
    close = "oi_close" if column == "oi_open" and table.has("oi_close") else None
    clock = Clock(table, time, log)
    names = [column, close] if close else [column]
    parts, held = list[list[Any]](), 0
    for block in blocks(table, [time, *names, *only.columns(table)]):
        block = only.rows(table, block)
        held += len(block.lines)
        if held > _MOST_ROWS:
            raise DataError(f"{table.shown}: more than {_MOST_ROWS:,} rows: cut the file by time first")
        parts.append([clock.read(block), block.lines, *(numbers(table, block, name) for name in names)])
    if not sum(len(part[0]) for part in parts):
        raise DataError(f"{table.shown}: has a header and no rows{only.why_empty()}")
    times, lines, values, *closes = (np.concatenate([part[i] for part in parts]) for i in range(2 + len(names)))
    bad = ~((values > 0.0) & (values <= LARGEST))
    if bad.any():
        why = "open interest is empty, not a number or not above 0; the row is not used"
        log.add("bad_value", "refused", why, times_us=times[bad], line=int(lines[bad][0]))
    if (np.diff(times) < 0).any():
        back = np.flatnonzero(np.diff(times) < 0) + 1
        why = "rows go back in time; sorted by time"
        log.add("unsorted", "repaired", why, times_us=times[back], line=int(lines[back[0]]))
    order = np.argsort(times, kind="stable")
    order = order[~bad[order]]
    if not order.size:
        raise DataError(f"{table.shown}: no row holds open interest above 0")
    times, values = times[order], values[order]
    last = np.append(np.diff(times) > 0, True)
    if not last.all():
        log.add("duplicate", "repaired", "two rows have the same time; the later row is used", times_us=times[~last])
    if close and len(times) > 1:  # bars: the open holds at the bar's start, the last close at its end
        final = closes[0][order][-1]
        log.remark(
            "rows are bars: open interest at a time is the open of the bar that begins there; the last close "
            "ends the file"
        )
        if np.isfinite(final) and final > 0.0:
            step = int(np.median(np.diff(times[last])))
            return np.append(times[last], times[-1] + step), np.append(values[last], final)
    return times[last], values[last]


def _check_steps(times: Integers, values: Floats, log: Log) -> None:
    steps = np.abs(np.diff(np.log(values)))
    jumps = np.flatnonzero(steps > np.log(_LARGEST_STEP))
    if jumps.size:
        why = f"it changes by a factor of {_LARGEST_STEP:g} or more from one row to the next; used as it stands"
        log.add("jump", "warning", why, times_us=times[jumps + 1])


def _price(price: float | None, mark: str | Path | None, at_us: int, unit: Unit, otherwise: float, log: Log) -> float:
    """Dollars a coin at a time."""
    if price is not None:
        if not price > 0.0:
            raise DataError(f"--price must be above 0, got {price:g}")
        return price
    if mark is not None:
        prices, table = read_prices(mark, log)
        found = float(prices.at(np.array([at_us]))[0])
        if not np.isfinite(found):
            raise DataError(f"{table.shown}: holds no price at {iso(at_us)}: give --price, or a file that covers it")
        log.remark(f"price at {iso(at_us)}: ${found:,.8g}, from {Path(mark).name}")
        return found
    if unit == "usd":
        raise DataError(
            "the file counts dollars: give the price of a coin with --price, or a file of prices with --mark"
        )
    return otherwise
