"""``shoal ingest``: files of the user's own become pieces of a scenario, and everything wrong with them is told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from sim.errors import DataError

if TYPE_CHECKING:
    from sim.ingest import Finding

_group = typer.Typer(
    help="Turn files of your own (depth, open interest, margin tiers, prices) into pieces of a scenario.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_STRICT_EXIT = 2

File = Annotated[str, typer.Argument(metavar="FILE", help="CSV, plain or packed with gz, xz, bz2 or zip.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.yaml", help="Write the fragment; without it, only report.")
]
Extends = Annotated[
    str, typer.Option("--extends", metavar="NAME", help="Scenario that it changes: a shipped one, or one beside --out.")
]
Symbol = Annotated[str | None, typer.Option("--symbol", help="Which instrument, where the file holds several.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="Time that is wanted: 20:49, or ISO; UTC.")]
Start = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Start of the window: 20:00, or ISO; UTC.")]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End of the window.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 2, and nothing written, on any finding.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(app: typer.Typer) -> None:
    """Add ``ingest`` to the command line."""
    app.add_typer(_group, name="ingest")


@_group.command()
def depth(
    file: File,
    out: Out = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Start of the window: 20:00, or ISO; UTC.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End of the window.")] = None,
    book: Annotated[Literal["perp", "spot"], typer.Option("--book", help="Book that it describes.")] = "perp",
    mark: Annotated[
        str | None, typer.Option("--mark", metavar="FILE", help="Prices to judge by, and to repair with.")
    ] = None,
    symbol: Symbol = None,
    bands: Annotated[
        str | None, typer.Option("--bands", metavar="LIST", help="Distances for L2: 0.5%,1%,2%,5%.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired instead of refusing it.")
    ] = False,
    extend_profile: Annotated[
        bool,
        typer.Option("--extend-profile", help="Farther points from the extended scenario, scaled to meet the file."),
    ] = False,
    price: Annotated[bool, typer.Option("--price/--no-price", help="Also set the start price (L2: last mid).")] = True,
    extends: Extends = "calm_btc",
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE", help="Draw profile and findings: .svg, .png or .pdf.")
    ] = None,
    strict: Strict = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """L2 snapshots or a depth table: the depth profiles of a scenario."""
    from sim import ingest

    grid = [_fraction(text) for text in bands.split(",")] if bands else None
    result = ingest.depth(
        file,
        book=book,
        start=start,
        end=end,
        mark=mark,
        symbol=symbol,
        grid=grid,
        repair=repair,
        extend_profile=extend_profile,
        price=price,
        extends=extends,
        folder=_folder(out),
    )
    files = _Files({out: result.fragment.write} if out else {}, force, strict)
    _finish(result, result.window, files, as_json, _profile_lines(result))
    if figure is not None:
        _draw(result, file, figure)


@_group.command()
def oi(
    file: File,
    out: Out = None,
    at: At = None,
    unit: Annotated[
        Literal["coins", "usd"] | None, typer.Option("--unit", help="Where the column does not say it.")
    ] = None,
    price: Annotated[float | None, typer.Option("--price", metavar="USD", help="Dollars a coin, for dollars.")] = None,
    mark: Annotated[str | None, typer.Option("--mark", metavar="FILE", help="Prices, for the same purpose.")] = None,
    symbol: Symbol = None,
    extends: Extends = "calm_btc",
    strict: Strict = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Open interest over time: the open interest of a scenario at one time."""
    from sim import ingest
    from sim.ingest.fragment import short

    folder = _folder(out)
    found = ingest.oi(file, at=at, unit=unit, price=price, mark=mark, symbol=symbol, extends=extends, folder=folder)
    line = f"open interest {found.coins:,.8g} coins, {short(found.coins * found.usd_price)} at ${found.usd_price:,.8g}"
    files = _Files({out: found.fragment.write} if out else {}, force, strict)
    _finish(found, None, files, as_json, [line])


@_group.command()
def tiers(
    file: File,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DAY", help="Day of the table, such as 2024-10-24.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="NAME.yaml", help="Venue profile, in the folder SHOAL_VENUES names.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", metavar="FILE.yaml", help="Also a fragment that uses the profile.")
    ] = None,
    symbol: Symbol = None,
    base: Annotated[str, typer.Option("--base", help="Profile with the other rules.")] = "cex_a",
    tick: Annotated[float | None, typer.Option("--tick", metavar="USD", help="Price step of both books.")] = None,
    lot: Annotated[float | None, typer.Option("--lot", metavar="COINS", help="Quantity step of both books.")] = None,
    extends: Extends = "calm_btc",
    strict: Strict = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Margin tiers (CSV, or JSON of Binance or ccxt): a venue profile."""
    from sim import ingest
    from sim.ingest.fragment import percent
    from sim.venues.profile import OWN_PROFILES

    found = ingest.tiers(file, as_of=as_of, symbol=symbol, base=base, tick_usd=tick, lot_coin=lot)
    writers: dict[Path, Callable[..., Path]] = {}
    if scenario is not None and out is None:
        raise DataError("--scenario needs --out: the profile that it uses")
    if out is not None:
        writers[out] = found.write
    if out is not None and scenario is not None:
        venues, fragment = out.parent, found.fragment(out.stem, extends)

        def write_scenario(path: Path, *, force: bool) -> Path:
            with _venues_in(venues):  # so that the fragment can be read back with its venue
                return fragment.write(path, force=force)

        writers[scenario] = write_scenario
    lines = [
        f"up to {tier['up_to'] or 'any size':>14}  {percent(tier['maintenance']):>6}  {tier['max_leverage']:g}x"
        for tier in found.profile["margin_tiers"]
    ]
    if out is not None:
        lines.append(f"to use it: export {OWN_PROFILES}={out.parent}, and in the scenario 'venue: {out.stem}'")
    _finish(found, None, _Files(writers, force, strict), as_json, lines)


@_group.command()
def price(
    file: File,
    out: Out = None,
    at: At = None,
    start: Start = None,
    end: End = None,
    volatility: Annotated[
        bool, typer.Option("--volatility/--no-volatility", help="Also set the daily volatilities.")
    ] = True,
    as_news: Annotated[
        str | None, typer.Option("--as-news", metavar="FILE.csv", help="Also the window's path as news, beside --out.")
    ] = None,
    symbol: Symbol = None,
    repair: Annotated[bool, typer.Option("--repair", help="Leave out prices that jump and come back.")] = False,
    extends: Extends = "calm_btc",
    strict: Strict = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Bars, closes or trades: start price, daily volatility, and a news path when asked for."""
    from sim import ingest

    if as_news is not None and (out is None or Path(as_news).name != as_news or not as_news.endswith(".csv")):
        raise DataError("--as-news takes the plain name of a .csv file, written beside --out")
    found = ingest.price(
        file,
        at=at,
        start=start,
        end=end,
        symbol=symbol,
        volatility=volatility,
        news_csv=as_news,
        repair=repair,
        extends=extends,
        folder=_folder(out),
    )
    lines = [f"start price ${found.usd:,.8g}"]
    if found.volatility == found.volatility:
        lines.append(
            f"volatility {found.volatility:.4%} per sqrt(day), {found.volatility * 365**0.5:.4%} per sqrt(year)"
        )
    writers: dict[Path, Callable[..., Path]] = {}
    if out is not None and as_news is not None:
        writers[out.parent / as_news] = found.write_news
    if out is not None:
        writers[out] = found.fragment.write
    _finish(found, found.window, _Files(writers, force, strict), as_json, lines)


def _profile_lines(result: Any) -> list[str]:
    from sim.ingest.fragment import percent, short

    lines = [f"{'within':>8}  {'bid median':>11}  {'10 to 90%':>22}  {'ask median':>11}  {'10 to 90%':>22}"]
    sides = [
        {
            percent(w): (short(m), f"{short(low)} to {short(high)}" if low == low else "borrowed")
            for w, m, low, high in rows
        }
        for rows in (zip(p.within, p.usd, p.low, p.high, strict=True) for p in (result.bid, result.ask))
    ]
    for within in sorted({*sides[0], *sides[1]}, key=lambda text: float(text[:-1])):
        (bid, bids), (ask, asks) = (side.get(within, ("-", "-")) for side in sides)
        lines.append(f"{within:>8}  {bid:>11}  {bids:>22}  {ask:>11}  {asks:>22}")
    return lines


def _fraction(text: str) -> float:
    from sim.settings.parsing import parse_fraction

    try:
        return parse_fraction(text)
    except ValueError as error:
        raise DataError(f"--bands: {error}") from None


def _draw(result: Any, file: str, figure: Path) -> None:
    from sim.report.ingested import depth_figure

    try:
        depth_figure(result, Path(file).name).savefig(figure)
    except (OSError, ValueError) as error:
        raise DataError(f"--figure {figure}: cannot be written ({error})") from None
    typer.echo(f"wrote {figure}", err=True)


class _Files(NamedTuple):
    """What is to be written by whom, in order, and whether it may."""

    writers: Mapping[Path, Callable[..., Path]]
    force: bool
    strict: bool


@contextmanager
def _venues_in(folder: Path) -> Iterator[None]:
    """The folder of venue profiles, for a time."""
    from sim.venues.profile import OWN_PROFILES

    before = os.environ.get(OWN_PROFILES)
    os.environ[OWN_PROFILES] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[OWN_PROFILES]
        else:
            os.environ[OWN_PROFILES] = before


def _folder(out: Path | None) -> Path:
    return out.parent if out is not None else Path()


def _finish(found: Any, window: tuple[int, int] | None, files: _Files, as_json: bool, table: Sequence[str]) -> None:
    """Report, write, and exit by the findings."""
    here = [f for f in found.findings if window is None or f.touches(*window)]
    elsewhere = [f for f in found.findings if f not in here]
    refused = files.strict and bool(here)
    written: list[Path] = []
    if not refused:
        for path in files.writers:
            if path.exists() and not files.force:
                raise DataError(f"{path}: exists already: choose another name, or --force to replace it")
        written = [write(path, force=files.force) for path, write in files.writers.items()]
    if as_json:
        from dataclasses import asdict

        plain = {
            **found.plain(),
            "findings": [asdict(f) for f in here],
            "findings_outside_window": [asdict(f) for f in elsewhere],
            "remarks": list(found.remarks),
            "written": [str(path) for path in written],
        }
        typer.echo(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _tell(found.remarks, here, elsewhere, table)
        for path in written:
            typer.echo(f"wrote {path}")
        if not files.writers:
            typer.echo("nothing written: name a file with --out")
    if refused:
        typer.echo(f"--strict: {len(here)} finding{'s' if len(here) > 1 else ''}, nothing written", err=True)
        raise typer.Exit(_STRICT_EXIT)


def _tell(remarks: Sequence[str], here: Sequence[Finding], elsewhere: Sequence[Finding], table: Sequence[str]) -> None:
    for line in remarks:
        typer.echo(f"assumed: {line}")
    for finding in here:
        typer.echo(finding.text())
    if elsewhere:
        typer.echo(f"outside the window ({len(elsewhere)}):")
        for finding in elsewhere:
            typer.echo(f"  {finding.text()}")
    if not here and not elsewhere:
        typer.echo("findings: none")
    for line in table:
        typer.echo(line)
