"""``shoal calc``: a venue's rules as a calculator, one question a command."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer

from sim.errors import RuleError

VENUE = typer.Argument(help="Venue profile, such as cex_a.")
SIDE = typer.Option("--side", help="Of the position.")
SIZE = typer.Option("--size", metavar="COINS", help="Of the position; dollars of an inverse contract.")
ENTRY = typer.Option("--entry", metavar="USD", help="Mean price of the position.")
LEVERAGE = typer.Option("--leverage", metavar="X", help="Margin is one part in it of the value at entry.")
MARGIN = typer.Option("--margin", metavar="USD", help="Money behind the position, instead of a leverage.")
MARK = typer.Option("--mark", metavar="USD", help="Mark price.")
JSON = typer.Option("--json", help="Print JSON on stdout.")

Side = Literal["long", "short"]


def register(app: typer.Typer) -> None:
    """Add ``calc`` to the command line."""
    group = typer.Typer(help="A venue's rules as a calculator, without a market.", no_args_is_help=True)
    for name, command in (("liquidation-price", liquidation_price), ("margin", margin)):
        group.command(name)(command)
    app.add_typer(group, name="calc")


def liquidation_price(
    venue: Annotated[str, VENUE],
    side: Annotated[Side, SIDE],
    size: Annotated[str, SIZE],
    entry: Annotated[str, ENTRY],
    leverage: Annotated[str | None, LEVERAGE] = None,
    margin: Annotated[str | None, MARGIN] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Liquidation and bankruptcy price of one isolated position."""
    from sim import calculator as calc

    account = _account(venue, side, size, entry, leverage, margin)
    found = {"liquidation_price_usd": calc.liquidation_price(account, "perp")}
    found["last_safe_mark_usd"] = calc.liquidation_price(account, "perp", grid="venue")
    found["bankruptcy_price_usd"] = calc.bankruptcy_price(account, "perp")
    _say({"venue": venue, "margin": account.money} | found, as_json)


def margin(
    venue: Annotated[str, VENUE],
    side: Annotated[Side, SIDE],
    size: Annotated[str, SIZE],
    entry: Annotated[str, ENTRY],
    mark: Annotated[str, MARK],
    leverage: Annotated[str | None, LEVERAGE] = None,
    margin: Annotated[str | None, MARGIN] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Equity, maintenance and initial margin of one isolated position at a mark, and what would be closed by force."""
    from sim import calculator as calc

    account = _account(venue, side, size, entry, leverage, margin)
    at = calc.standing(account, {"perp": mark}, None if leverage is None else {"perp": leverage})
    is_inverse = calc.terms_of(calc.load_profile(venue)).is_inverse
    _say(
        {
            "venue": venue,
            "equity": at.equity,
            "maintenance_margin": at.maintenance,
            "initial_margin": at.initial,
            "notional": at.notional,
            "is_liquidatable": at.is_liquidatable,
            "forced_size": None if is_inverse else calc.forced_size(account, "perp", {"perp": mark}),
        },
        as_json,
    )


def _account(venue: str, side: Side, size: str, entry: str, leverage: str | None, margin: str | None) -> Any:
    """One isolated position of the venue, backed by the margin of its leverage or by the money named."""
    from sim import calculator as calc

    if (leverage is None) == (margin is None):
        raise RuleError("give either --leverage or --margin, the money behind the position")
    profile, signed = calc.load_profile(venue), calc.number(size, "--size") * (1 if side == "long" else -1)
    if calc.number(size, "--size") <= 0 or calc.number(entry, "--entry") <= 0:
        raise RuleError("--size and --entry are above 0; a short is --side short")
    if leverage is not None:
        return calc.isolated(profile, signed, entry, leverage)
    assert margin is not None
    return calc.Portfolio(calc.number(margin, "--margin"), {"perp": calc.Position(profile, signed, entry)})


def _say(answer: dict[str, Any], as_json: bool) -> None:
    """Numbers to ten digits, a line each or as JSON; what does not exist is null."""
    from fractions import Fraction

    plain = {key: float(value) if isinstance(value, Fraction) else value for key, value in answer.items()}
    if as_json:
        typer.echo(json.dumps(plain, indent=1))
        return
    width = max(map(len, plain))
    for key, value in plain.items():
        shown = "none" if value is None else f"{value:,.10g}" if isinstance(value, float) else str(value)
        typer.echo(f"{key.replace('_', ' '):{width}}  {shown}")
