"""``shoal position``, ``haircut``, ``portfolio``: what scenarios do to positions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.run import SET_OPTION
from sim.cli.sweep import DASK, TRUST, WORKERS, lanes_of, shown
from sim.errors import DataError

if TYPE_CHECKING:
    from sim.risk.runs import How

SEEDS = typer.Option("--seeds", metavar="N|A,B|A-B", help="Seeds; runs that are there stay.")
OUT = typer.Option("--out", metavar="DIR", help="Folder to make the folder of the runs in.")
JSON = typer.Option("--json", help="Print the table as JSON.")
LISTING = typer.Option("--listing", help="Market of a network; the first when not given.")
CONF = typer.Option("--conf", metavar="SHARE", help="Confidence of quantiles over seeds, 0.95.")
SCENARIO = typer.Argument(help="Shipped scenario, file or run folder.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("position")(position)
    app.command("haircut")(haircut)
    app.command("portfolio")(portfolio)


def position(
    scenario: Annotated[str, SCENARIO],
    side: Annotated[Literal["long", "short"], typer.Option("--side", help="Of the perp position.")],
    notional: Annotated[str, typer.Option("--notional", metavar="USD", help="Its value at the start, such as $5m.")],
    leverage: Annotated[float | None, typer.Option("--leverage", metavar="X", help="Notional over margin.")] = None,
    collateral: Annotated[str | None, typer.Option("--collateral", metavar="USD", help="Margin, instead.")] = None,
    mode: Annotated[
        Literal["isolated", "cross"], typer.Option("--mode", help="Of one position: the same.")
    ] = "isolated",
    listing: Annotated[str | None, LISTING] = None,
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", metavar="TIME", help="From the first minute on.")] = None,
    conf: Annotated[float, CONF] = 0.95,
    spread_sds: Annotated[
        float, typer.Option("--spread-sds", metavar="A", help="Deviations of the spread above its mean.")
    ] = 3.0,
    exit_at: Annotated[str, typer.Option("--exit-at", metavar="TIME", help="When the sales begin.")] = "1min",
    exit_over: Annotated[
        str | None,
        typer.Option("--exit-over", metavar="T,T", help="Times of the sales; default 1min,10min,1h; none: no sales."),
    ] = None,
    seeds: Annotated[str, SEEDS] = "32",
    out: Annotated[Path, OUT] = Path("results"),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Liquidation price, seeds that touch it, costs, deleveraging, liquidity-adjusted value at risk, ways to leave.

    Examples: shoal position flash_10_11_btc --side long --notional $5m --leverage 10

    shoal position flash_10_11 --listing eth_cex_a --side short --notional $20m --collateral $4m --exit-over none
    """
    from sim.cli.run import parse_seeds
    from sim.report import risk_position
    from sim.risk.position import position as ask

    times = None if exit_over is None else [] if exit_over == "none" else [duration_of(t) for t in exit_over.split(",")]
    with shown("position") as told:
        found = ask(
            scenario,
            side,
            _money(notional, "--notional"),
            leverage,
            set=changes or [],
            listing=listing,
            collateral=None if collateral is None else _money(collateral, "--collateral"),
            mode=mode,
            horizon=None if horizon is None else duration_of(horizon),
            confidence=conf,
            spread_sds=spread_sds,
            exit_at=duration_of(exit_at),
            exit_over=times,
            seeds=parse_seeds(seeds),
            how=how_of(out, workers, told, dask, trust_network),
        )
    tell(risk_position.text(found), found.table, found.save(), as_json)


def haircut(
    scenario: Annotated[str, SCENARIO],
    asset: Annotated[str, typer.Option("--asset", help="Such as btc.")],
    horizon: Annotated[
        str, typer.Option("--horizon", metavar="TIME", help="From the last call to the end of the sale.")
    ],
    size: Annotated[str, typer.Option("--size", metavar="USD", help="Sold, at the start's price, such as $50m.")],
    conf: Annotated[float, typer.Option("--conf", metavar="SHARE", help="Share of seeds that it covers.")] = 0.95,
    listing: Annotated[str | None, LISTING] = None,
    book: Annotated[
        Literal["spot", "perp"] | None, typer.Option("--book", help="Where it is sold; spot where there is one.")
    ] = None,
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    seeds: Annotated[str, SEEDS] = "32",
    out: Annotated[Path, OUT] = Path("results"),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Haircut of coins as collateral: their fall within a horizon and the sale of a size, with a concentration add-on.

    Example: shoal haircut flash_10_11_btc --asset btc --horizon 1h --conf 0.95 --size $50m
    """
    from sim.cli.run import parse_seeds
    from sim.report import risk_haircut
    from sim.risk.haircut import haircut as ask

    with shown("haircut") as told:
        found = ask(
            scenario,
            asset,
            duration_of(horizon),
            conf,
            _money(size, "--size"),
            set=changes or [],
            listing=listing,
            book=book,
            seeds=parse_seeds(seeds),
            how=how_of(out, workers, told, dask, trust_network),
        )
    tell(risk_haircut.text(found), found.table, found.save(), as_json)


def portfolio(
    book: Annotated[Path, typer.Argument(help="CSV of lines: name, kind, usd and what a kind needs (docs/risk.md).")],
    scenarios: Annotated[list[str], typer.Argument(help="Scenarios, one or several.")],
    changes: Annotated[list[str] | None, SET_OPTION] = None,
    conf: Annotated[float, typer.Option("--conf", metavar="SHARE", help="Of value at risk and shortfall.")] = 0.975,
    buffer: Annotated[
        float, typer.Option("--buffer", metavar="X", help="Times the maintenance margin at which cash is called.")
    ] = 2.0,
    transfer_time: Annotated[
        str | None, typer.Option("--transfer-time", metavar="TIME", help="Of cash between venues; default 20min.")
    ] = None,
    halt: Annotated[
        list[str] | None,
        typer.Option("--halt", metavar="[VENUE@]TIME+LENGTH", help="Transfers stand still; or all. Repeatable."),
    ] = None,
    seeds: Annotated[str, SEEDS] = "32",
    out: Annotated[Path, OUT] = Path("results"),
    workers: Annotated[int | None, WORKERS] = None,
    dask: Annotated[str | None, DASK] = None,
    trust_network: Annotated[bool, TRUST] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Losses and shortfall of a book by scenario, calls by hour, cash by venue, hedges broken, a venue's default.

    Examples: shoal portfolio book.csv flash_10_11_btc calm_btc --seeds 32

    shoal portfolio book.csv flash_10_11 --halt cex_a@21:12+67min
    """
    from sim.cli.run import parse_seeds
    from sim.report import risk_portfolio
    from sim.risk.portfolio import portfolio as ask

    with shown("portfolio") as told:
        found = ask(
            book,
            scenarios,
            set=changes or [],
            level=conf,
            buffer=buffer,
            transfer_time=None if transfer_time is None else duration_of(transfer_time),
            halts=halt or (),
            seeds=parse_seeds(seeds),
            how=how_of(out, workers, told, dask, trust_network),
        )
    tell(risk_portfolio.text(found), found.table, found.save(), as_json)


def how_of(out: Path, workers: int | None, told: Callable[[Any], None], dask: str | None, trusted: bool) -> How:
    """Where and how runs are made."""
    from sim.risk.runs import How

    return How(out, workers, told, lanes_of(dask, trusted))


def tell(text: str, table: Any, place: Path, as_json: bool) -> None:
    """Print an answer and where its files are."""
    from sim.risk.answer import records

    if as_json:
        typer.echo(json.dumps({"rows": records(table), "results": str(place)}, indent=1, ensure_ascii=False))
    else:
        typer.echo(f"{text}\nresults: {place}")


def _money(text: str, name: str) -> float:
    from sim.settings.parsing import parse_money

    return _parsed(parse_money, text, name)


def duration_of(text: str) -> float:
    """Seconds of a time, written with a unit or as a number of seconds."""
    from sim.settings.parsing import parse_duration

    return _parsed(parse_duration, text, "a time")


def _parsed(parse: Callable[[object], float], text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse(text)
    except Exception as error:
        raise DataError(f"{name} {text[:40]!r}: {error}") from None
