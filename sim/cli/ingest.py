"""``shoal ingest``: files of the user's own become pieces of a scenario, and everything wrong with them is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.errors import DataError

if TYPE_CHECKING:
    from sim.ingest import Finding, Fragment

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
        folder=out.parent if out else Path(),
    )
    _finish(
        result.fragment,
        result.findings,
        result.remarks,
        result.plain(),
        result.window,
        out,
        strict,
        force,
        as_json,
        _profile_lines(result),
    )
    if figure is not None:
        _draw(result, file, figure)


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


def _finish(
    fragment: Fragment,
    findings: Sequence[Finding],
    remarks: Sequence[str],
    answer: dict[str, Any],
    window: tuple[int, int] | None,
    out: Path | None,
    strict: bool,
    force: bool,
    as_json: bool,
    table: Sequence[str],
) -> None:
    """Report, write, and exit by the findings."""
    here = [f for f in findings if window is None or f.touches(*window)]
    elsewhere = [f for f in findings if f not in here]
    refused = strict and bool(here)
    written = fragment.write(out, force=force) if out is not None and not refused else None
    if as_json:
        from dataclasses import asdict

        plain = {
            **answer,
            "findings": [asdict(f) for f in here],
            "findings_outside_window": [asdict(f) for f in elsewhere],
            "remarks": list(remarks),
            "written": None if written is None else str(written),
        }
        typer.echo(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        for line in remarks:
            typer.echo(f"assumed: {line}")
        for finding in here:
            typer.echo(finding.text())
        if elsewhere:
            typer.echo(f"outside the window ({len(elsewhere)}):")
            for finding in elsewhere:
                typer.echo(f"  {finding.text()}")
        if not findings:
            typer.echo("findings: none")
        for line in table:
            typer.echo(line)
        if written is not None:
            typer.echo(f"wrote {written}: shoal run {written}")
        elif out is None:
            typer.echo("nothing written: name a file with --out")
    if refused:
        typer.echo(f"--strict: {len(here)} finding{'s' if len(here) > 1 else ''}, nothing written", err=True)
        raise typer.Exit(_STRICT_EXIT)
