"""``ingest price``: bars, closes or trades become a start price, a daily volatility and, if asked for, a news path."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import DataError
from sim.ingest.book import Floats, Integers, check_gaps
from sim.ingest.clock import instant_us, window_us
from sim.ingest.findings import Finding, Log, iso
from sim.ingest.fragment import Fragment, base_spec, entry, percent, place
from sim.ingest.prices import Prices, read_prices
from sim.scenario.own_csv import MOST_ROWS, read_own_csv
from sim.settings.problems import Document

_SAMPLE_US = 300_000_000
"""Returns are taken over five minutes, as the default volatility's are (EVENT.md P16)."""
_DAY_US = 86_400_000_000
_SHORTEST_US = 6 * 3_600_000_000
"""Less than this makes a daily volatility a guess."""
_SPIKE = 0.02
_SPIKE_SIGMAS = 20.0
_VOLATILITIES = ("news.noise_per_day", "latent.daily_volatility", "market_maker.reference_volatility")


@dataclass(frozen=True)
class PriceResult:
    """What became of a file of prices.

    Attributes
    ----------
    fragment : Fragment
    findings : tuple of Finding
    remarks : tuple of str
    usd : float
        Start price.
    at_us : int
        Its time, microseconds since 1970 UTC.
    volatility : float
        Standard deviation of the daily log return, from five-minute returns; NaN where it was not wanted.
    window : tuple of int
        First and last microsecond of what the volatility and the news path rest on.
    news : tuple of (float64[n], float64[n]) or None
        Seconds from the window's start, and prices.
    """

    fragment: Fragment
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]
    usd: float
    at_us: int
    volatility: float
    window: tuple[int, int]
    news: tuple[Floats, Floats] | None

    def plain(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "price_usd": self.usd,
            "at_utc": iso(self.at_us),
            "volatility_per_sqrt_day": self.volatility if np.isfinite(self.volatility) else None,
            "from_utc": iso(self.window[0]),
            "to_utc": iso(self.window[1]),
            "news_rows": None if self.news is None else len(self.news[0]),
            "sources": {key: dict(value) for key, value in self.fragment.source.items()},
        }

    def write_news(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the news path, once it has been read back as a scenario would.

        Parameters
        ----------
        path : str or Path
            Ends in .csv; in or below the folder of the scenario.
        force : bool
            Replace a file that is there.

        Returns
        -------
        Path

        Raises
        ------
        DataError
            When there is no path, or a scenario could not read it.
        """
        if self.news is None:
            raise DataError("no news path was asked for")
        rows = [f"{s:.10g},{p:.10g}" for s, p in zip(*self.news, strict=True)]
        text = "\n".join([f"# {line}" for line in self.fragment.head] + ["seconds,value", *rows]) + "\n"
        return place(Path(path), text, _check_news, force)


def _check_news(file: Path) -> None:
    document = Document({"news": {"path": file.name}})
    read_own_csv(document, file.parent, inside=True)
    if document.problems:
        raise DataError(document.problems[0].sentence)


def price(
    path: str | Path,
    *,
    at: str | None = None,
    start: str | None = None,
    end: str | None = None,
    symbol: str | None = None,
    volatility: bool = True,
    news_csv: str | None = None,
    repair: bool = False,
    extends: str = "calm_btc",
    folder: str | Path = ".",
) -> PriceResult:
    """Read prices and make a scenario fragment of them.

    Parameters
    ----------
    path : str or Path
        Bars, closes or trades (docs/ingest.md).
    at : str, optional
        Time of the start price, ISO or time of day in UTC. The window's end without it, its start with a news path.
    start, end : str, optional
        Window for the volatility and the news path; the whole file without them.
    symbol : str, optional
        Which instrument, where the file holds several.
    volatility : bool
        Set the volatilities of the scenario.
    news_csv : str, optional
        Make the window's path a news path, in a file of this name beside the fragment.
    repair : bool
        Leave out single prices that jump and come back.
    extends : str
        Scenario that the fragment changes.
    folder : str or Path
        Where the fragment is going to lie.

    Returns
    -------
    PriceResult

    Raises
    ------
    DataError
        For what cannot be read, or a time that the file does not cover.
    """
    base, log = base_spec(extends, Path(folder)), Log()
    prices, table = read_prices(path, log, symbol)
    prices = _without_spikes(prices, repair, log)
    check_gaps(prices.time_us, log)
    ends = prices.time_us + prices.step_us
    first, last = window_us(np.array([prices.time_us[0], ends[-1]]), start, end)
    first, last = max(first, int(prices.time_us[0])), min(last, int(ends[-1]))
    span = np.array([prices.time_us[0], ends[-1]])
    moment = instant_us(at, span) if at is not None else (first if news_csv else last)
    usd = float(prices.at(np.array([moment]))[0])
    if not np.isfinite(usd):
        raise DataError(
            f"{table.shown}: no price at {iso(moment)}; the file reaches from {iso(int(span[0]))} to "
            f"{iso(int(span[1]))}"
        )
    body = ["market:", f"  price: ${usd:.8g}  # at {iso(moment)}"]
    measured = _volatility(prices, first, last, log) if volatility else np.nan
    news = _news(prices, first, last, log) if news_csv else None
    body += _sections(measured, news_csv)
    if news is not None:
        body.insert(0, f"start_utc: {iso(first)}")
        lasts = (last - first) / 1e6
        if lasts < base.duration:
            log.add(
                "short",
                "warning",
                f"the path lasts {lasts:g} s, the scenario {base.duration:g} s: the news stands still after it",
                count=1,
            )
    window = (first, last)
    head = [
        f"Prices from {table.path.name}, {iso(first)} to {iso(last)}.",
        f"SHA-256 of the file: {table.sha256}",
        *(f"Assumed: {text}" for text in log.remarks),
        *(f"Found: {finding.text()}" for finding in log.findings if finding.touches(*window)),
    ]
    repairs = [f"{f.kind} {f.severity}" for f in log.findings if f.touches(*window)]
    source = {"price": entry(iso(moment)[:10], table.path.name, f"{iso(first)} to {iso(last)}", repairs, table.sha256)}
    fragment = Fragment(
        extends, f"Price of {iso(moment)[:10]} from {table.path.name}", tuple(head), tuple(body), source
    )
    return PriceResult(fragment, tuple(log.findings), tuple(log.remarks), usd, moment, float(measured), window, news)


def _sections(volatility: float, news_csv: str | None) -> list[str]:
    """Lines of the sections that hold a volatility or the news path."""
    lines, note = [], "  # per sqrt(day), from five-minute returns of the window"
    known = np.isfinite(volatility)
    for path in _VOLATILITIES:
        group, key = path.split(".")
        inner = [f"  {key}: {percent(float(f'{volatility:.5g}'))}{note}"] if known else []
        if group == "news" and news_csv:
            inner.append(f"  path: {news_csv}")
        if inner:
            lines += [f"{group}:", *inner]
    return lines


def _without_spikes(prices: Prices, repair: bool, log: Log) -> Prices:
    """Tell of single prices that jump and come back; leave them out when told to repair."""
    moves = np.diff(np.log(prices.last))
    if moves.size < 3:
        return prices
    limit = max(_SPIKE, _SPIKE_SIGMAS * 1.4826 * float(np.median(np.abs(moves))))
    there, back = moves[:-1], moves[1:]
    spikes = np.flatnonzero((np.abs(there) > limit) & (np.abs(there + back) < np.abs(there) / 4.0)) + 1
    if not spikes.size:
        return prices
    done = "left out" if repair else "used as they stand; --repair leaves them out"
    log.add(
        "spike",
        "repaired" if repair else "warning",
        f"prices jump by more than {limit:.1%} for one row and come back by three quarters or more; {done}",
        times_us=prices.time_us[spikes],
    )
    if not repair:
        return prices
    keep = np.ones(len(prices.time_us), np.bool_)
    keep[spikes] = False
    return Prices(
        prices.time_us[keep], prices.first[keep], prices.low[keep], prices.high[keep], prices.last[keep], prices.step_us
    )


def _volatility(prices: Prices, first: int, last: int, log: Log) -> float:
    """Standard deviation of the daily log return, from the mean square of five-minute returns."""
    grid, closes = _sampled(prices, first, last)
    moves = np.diff(np.log(closes))
    known = np.isfinite(moves)
    if known.sum() < 3:
        raise DataError("the window holds too few prices for a volatility: widen it, or --no-volatility")
    step = int(grid[1] - grid[0])
    if last - first < _SHORTEST_US:
        hours = (last - first) / 3.6e9
        log.add("thin", "warning", f"the daily volatility rests on {hours:.2g} hours", times_us=[first, last], count=1)
    if not known.all():
        log.remark(
            f"{int((~known).sum())} of {known.size} five-minute returns lie in gaps and are left out of the volatility"
        )
    if step != _SAMPLE_US:
        log.remark(f"volatility from returns over {step / 1e6:g} s, the file's own interval")
    log.remark("the volatility of prices stands for that of news, as in the default; it contains the market's own part")
    return float(np.sqrt(np.mean(moves[known] ** 2) * _DAY_US / step))


def _sampled(prices: Prices, first: int, last: int) -> tuple[Integers, Floats]:
    """The last price at or before each point of a grid; NaN where it is older than two steps."""
    times, values = (prices.time_us + prices.step_us, prices.last)
    own = int(np.median(np.diff(prices.time_us))) if len(times) > 1 else 0
    step = max(_SAMPLE_US, own)
    grid = np.arange(first, last + 1, step, dtype=np.int64)
    at = np.searchsorted(times, grid, side="right") - 1
    fresh = (at >= 0) & (grid - times[at] < max(step, 2 * own))
    out = np.where(fresh, values[at], np.nan)
    if prices.step_us and grid.size and int(prices.time_us[0]) == first:
        out[0] = prices.first[0]
    return grid, out


def _news(prices: Prices, first: int, last: int, log: Log) -> tuple[Floats, Floats]:
    """Path of the window: its own points, thinned evenly where there are more than a scenario reads."""
    if prices.step_us:
        times = np.append(prices.time_us, prices.time_us[-1] + prices.step_us)
        values = np.append(prices.first, prices.last[-1])
    else:
        keep = np.append(np.diff(prices.time_us) > 0, True)
        times, values = prices.time_us[keep], prices.last[keep]
    inside = (times > first) & (times <= last)
    start = float(prices.at(np.array([first]))[0])
    times, values = np.append(first, times[inside]), np.append(start, values[inside])
    if len(times) > MOST_ROWS:
        every = -(-len(times) // MOST_ROWS)
        log.remark(f"{len(times)} points of the path, every {every}th is kept: a scenario reads {MOST_ROWS}")
        times, values = times[::every], values[::every]
    log.remark("the instrument's own price as news: what the market made of the news is in it already")
    return (times - first) / 1e6, values
