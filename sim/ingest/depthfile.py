"""``ingest depth``: L2 snapshots or a depth table become the depth profiles of a scenario."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sim.errors import DataError
from sim.ingest import bands, levels
from sim.ingest.book import Depth, check_gaps, check_jumps, check_sides
from sim.ingest.clock import window_us
from sim.ingest.findings import Finding, Log, iso
from sim.ingest.fragment import Fragment, base_spec, dollars, entry, percent, short
from sim.ingest.instrument import Only
from sim.ingest.phantom import check_bands, check_mark, implied_price
from sim.ingest.prices import Prices, read_prices
from sim.ingest.profile import Profile, check_reach, extended, profile_of
from sim.ingest.source import Table, open_table
from sim.scenario.spec import Spec

Book = Literal["perp", "spot"]
_OTHER_INSTRUMENT = 1.5
"""A file whose price lies farther than this factor from the scenario's is taken for another instrument's."""


@dataclass(frozen=True)
class DepthResult:
    """What became of a depth file.

    Attributes
    ----------
    fragment : Fragment
        To be written as a scenario file.
    findings : tuple of Finding
        Every defect and what was done about it.
    remarks : tuple of str
        What was understood and assumed.
    bid, ask : Profile
    depth : Depth
        Everything that was read, with what may be used.
    window : tuple of int
        First and last microsecond used, since 1970 UTC.
    """

    fragment: Fragment
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]
    bid: Profile
    ask: Profile
    depth: Depth
    window: tuple[int, int]

    def plain(self) -> dict[str, Any]:
        """The result as plain data, for JSON; units in the names."""
        return {
            "format": self.depth.form,
            "from_utc": iso(self.window[0]),
            "to_utc": iso(self.window[1]),
            "bid": _points(self.bid),
            "ask": _points(self.ask),
            "sources": {key: dict(value) for key, value in self.fragment.source.items()},
        }


def depth(
    path: str | Path,
    *,
    book: Book = "perp",
    start: str | None = None,
    end: str | None = None,
    mark: str | Path | None = None,
    symbol: str | None = None,
    grid: Sequence[float] | None = None,
    repair: bool = False,
    extend_profile: bool = False,
    price: bool = True,
    extends: str = "calm_btc",
    folder: str | Path = ".",
) -> DepthResult:
    """Read depth and make a scenario fragment of it.

    Parameters
    ----------
    path : str or Path
        L2 snapshots or a depth table (docs/ingest.md), plain or packed.
    book : {"perp", "spot"}
        Which book of the scenario it describes.
    start, end : str, optional
        Window, ISO or time of day in UTC; the whole file without them.
    mark : str or Path, optional
        File of mark prices or trades of the same instrument, to judge by and to repair with.
    symbol : str, optional
        Which instrument, where the file holds several.
    grid : sequence of float, optional
        Distances for L2 snapshots, fractions, instead of ``sim.ingest.levels.GRID``.
    repair : bool
        Repair what can be repaired instead of refusing it.
    extend_profile : bool
        Take points beyond the file's reach from the scenario that is extended, scaled.
    price : bool
        Set the start price too, where the file holds prices of levels: the last mid of the window.
    extends : str
        Scenario that the fragment changes.
    folder : str or Path
        Where the fragment is going to lie.

    Returns
    -------
    DepthResult

    Raises
    ------
    DataError
        With file and line for what cannot be read, and a cure.
    ScenarioError
        When the scenario to be extended is missing or broken.

    Examples
    --------
    >>> from sim import ingest
    >>> result = ingest.depth("book.csv.gz", start="20:00", end="20:49")  # doctest: +SKIP
    >>> result.fragment.write("my_depth.yaml")  # doctest: +SKIP
    """
    base = base_spec(extends, Path(folder))
    log, table = Log(), open_table(path)
    prices = read_prices(mark, log)[0] if mark is not None else None
    whole = _read(table, _grid(grid), prices, repair, log, Only(symbol))
    check_gaps(whole.time_us, log)
    _judge(whole, prices, repair, log)
    check_jumps(whole, log)
    first, last = window_us(whole.time_us, start, end)
    inside = (whole.time_us >= first) & (whole.time_us <= last)
    if not inside.any():
        raise DataError(
            f"{table.shown}: no snapshot between {iso(first)} and {iso(last)}; the file reaches from "
            f"{iso(int(whole.time_us[0]))} to "
            f"{iso(int(whole.time_us[-1]))}"
        )
    _check_window(whole, first, last, log)
    found = {name: profile_of(whole, name, inside, log) for name in ("bid", "ask")}
    if extend_profile:
        market = base.market
        bases = (
            (market.perp_bid_depth, market.perp_ask_depth) if book == "perp" else (market.spot_depth, market.spot_depth)
        )
        for name, points in zip(("bid", "ask"), bases, strict=True):
            found[name] = extended(found[name], tuple((p.within, p.notional) for p in points), name, log)  # type: ignore[arg-type]
    for name, profile in found.items():
        check_reach(profile, name)  # type: ignore[arg-type]
    body = _body(whole, found, book, inside, base, price, log)
    window = (int(whole.time_us[inside][0]), int(whole.time_us[inside][-1]))
    fragment = _fragment(table, whole, found, body, window, extends, log)
    return DepthResult(fragment, tuple(log.findings), tuple(log.remarks), found["bid"], found["ask"], whole, window)


def _grid(grid: Sequence[float] | None) -> tuple[float, ...]:
    if grid is None:
        return levels.GRID
    points = tuple(float(w) for w in grid)
    if (
        not points
        or any(not 1e-5 <= w <= 0.5 for w in points)
        or any(b <= a for a, b in zip(points, points[1:], strict=False))
    ):
        raise DataError("--bands must rise and lie between 0.001% and 50%, such as 0.5%,1%,2%,5%")
    return points


def _read(table: Table, grid: Sequence[float], mark: Prices | None, repair: bool, log: Log, only: Only) -> Depth:
    if bands.is_bands(table):
        whole = bands.read_bands(table, log, only)
    elif levels.is_levels(table):
        whole = levels.read_levels(table, grid, mark, repair, log, only)
    else:
        raise table.at(
            table.header_line,
            f"no depth format has this header ({', '.join(table.columns[:12])}): name the columns timestamp, "
            "side, price, size (a row a level); "
            "timestamp, bid_price_1, bid_size_1, ask_price_1, ask_size_1, ... (a row a snapshot); timestamp, "
            "percentage, depth, notional; or "
            "timestamp, within_pct, bid_usd, ask_usd",
        )
    log.remark(f"format: {whole.form}, {len(whole.time_us)} snapshots")
    return whole


def _judge(whole: Depth, mark: Prices | None, repair: bool, log: Log) -> None:
    check_sides(whole, log)
    if whole.bid.coins is not None:
        check_bands(whole, mark, repair, log)
    elif whole.mid is not None and mark is not None:
        check_mark(whole, whole.mid, whole.mid, np.isnan(whole.mid), mark, log)
    elif whole.mid is None:
        log.remark(
            "this table holds no prices: crossed books and stale orders can be seen only as a side that stands still"
        )


def _check_window(whole: Depth, first: int, last: int, log: Log) -> None:
    slack = 2 * int(np.median(np.diff(whole.time_us))) if len(whole.time_us) > 1 else 0
    for bound, end, what in ((first, int(whole.time_us[0]), "begins"), (last, int(whole.time_us[-1]), "ends")):
        if (end - bound if what == "begins" else bound - end) > slack:
            log.add(
                "window",
                "warning",
                f"the window {what} at {iso(bound)}, the file at {iso(end)}: the rest is not there",
                times_us=[bound],
            )


def _body(
    whole: Depth, found: dict[str, Profile], book: Book, inside: Any, base: Spec, price: bool, log: Log
) -> list[str]:
    """Lines of the section ``market``."""
    lines = ["market:"]
    seen = whole.mid if whole.mid is not None else implied_price(whole)
    known = seen[inside][np.isfinite(seen[inside])]
    if known.size:
        last = float(known[-1])
        ratio = last / base.market.price
        if whole.mid is not None and price:
            lines.append(f"  price: ${last:.10g}  # last mid of the window")
        if not 1.0 / _OTHER_INSTRUMENT <= ratio <= _OTHER_INSTRUMENT:
            log.add(
                "other_instrument",
                "warning",
                f"the file's price is about {last:,.6g}, the extended scenario starts at "
                f"{base.market.price:,.6g}: open interest, volumes and "
                "price must be this instrument's (shoal ingest oi, shoal ingest price)",
            )
    if book == "spot":
        return [*lines, "  spot_depth:", *_spot_lines(found, log)]
    lines += [
        "  bid_depth_share: 100%  # the profiles below are those of the window: nothing is left to scale",
        "  ask_depth_share: 100%",
    ]
    for name, profile in found.items():
        lines += [f"  perp_{name}_depth:  # median of {profile.snapshots} snapshots", *_lines(profile)]
    return lines


def _lines(profile: Profile) -> list[str]:
    out = []
    for within, usd, low, high in zip(profile.within, profile.usd, profile.low, profile.high, strict=True):
        note = (
            f"10 to 90%: {short(low)} to {short(high)}"
            if np.isfinite(low)
            else "from the extended scenario, scaled: not data"
        )
        out.append(f"    - {{within: {percent(within)}, notional: {dollars(usd)}}}  # {note}")
    return out


def _spot_lines(found: dict[str, Profile], log: Log) -> list[str]:
    """The model's spot book has one profile for both sides: the mean of the two medians where both are known."""
    bid, ask = found["bid"], found["ask"]
    common, i, j = np.intersect1d(np.round(bid.within, 12), np.round(ask.within, 12), return_indices=True)
    if not common.size:
        raise DataError("bids and asks share no distance, and the model's spot book has one profile for both sides")
    usd = (bid.usd[i] + ask.usd[j]) / 2.0
    log.remark("spot book: one profile stands for both sides, here the mean of the bid's and the ask's median")
    rows = zip(common, usd, bid.usd[i], ask.usd[j], strict=True)
    return [
        f"    - {{within: {percent(w)}, notional: {dollars(m)}}}  # medians: bid {short(b)}, ask {short(a)}"
        for w, m, b, a in rows
    ]


def _fragment(
    table: Table,
    whole: Depth,
    found: dict[str, Profile],
    body: list[str],
    window: tuple[int, int],
    extends: str,
    log: Log,
) -> Fragment:
    used = ", ".join(f"{profile.snapshots} {name}" for name, profile in found.items())
    span = f"{iso(window[0])} to {iso(window[1])}"
    head = [
        f"Depth from {Path(table.path).name}: {whole.form}, {span}; snapshots used: {used}.",
        f"SHA-256 of the file: {table.sha256}",
        *(f"Assumed: {line}" for line in log.remarks),
        *(f"Found: {finding.text()}" for finding in log.findings if finding.touches(*window)),
    ]
    repairs = [f"{f.kind} {f.side or ''} {f.severity}".replace("  ", " ") for f in log.findings if f.touches(*window)]
    source = {
        "depth": entry(
            iso(window[1])[:10], f"{Path(table.path).name} ({whole.form})", f"{span}, {used}", repairs, table.sha256
        )
    }
    title = f"Depth of {iso(window[0])[:10]} from {Path(table.path).name}"
    return Fragment(extends, title, tuple(head), tuple(body), source)


def _points(profile: Profile) -> list[dict[str, float | int | None]]:
    def plain(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    return [
        {
            "within_fraction": float(w),
            "median_usd": float(m),
            "low10_usd": plain(lo),
            "high90_usd": plain(hi),
            "snapshots": profile.snapshots,
        }
        for w, m, lo, hi in zip(profile.within, profile.usd, profile.low, profile.high, strict=True)
    ]
