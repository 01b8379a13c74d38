"""``shoal calc lending``: a lending protocol's rules as a calculator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.answers import JSON, rows, say
from sim.errors import DataError, RuleError

LENDER = typer.Argument(help="Lender profile, such as lender_a.")
ASSET = typer.Argument(help="Asset of the protocol, such as weth.")
COLLATERAL = typer.Option("--collateral", metavar="ASSET=COINS", help="What the account has put up; may be repeated.")
DEBT = typer.Option("--debt", metavar="ASSET=COINS", help="What it owes; may be repeated.")
PRICE = typer.Option("--price", metavar="ASSET=USD", help="Price in force of each asset named; may be repeated.")
MODE = typer.Option("--mode", help="Efficiency mode that the account is in.")


def register(group: typer.Typer) -> None:
    """Add ``lending`` to ``calc``."""
    lending = typer.Typer(help="A lending protocol's rules, without a market.", no_args_is_help=True)
    for command in (health, liquidate, rate, feed):
        lending.command(command.__name__)(command)
    group.add_typer(lending, name="lending")


def health(
    lender: Annotated[str, LENDER],
    collateral: Annotated[list[str], COLLATERAL],
    debt: Annotated[list[str], DEBT],
    price: Annotated[list[str], PRICE],
    mode: Annotated[str | None, MODE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Health of a loan, and what may be borrowed more."""
    from sim import calculator as calc

    at = calc.loan_standing(_loan(lender, collateral, debt, mode), _named(price, "--price"))
    say({"lender": lender} | _standing(at, "") | {"borrow_room_usd": at.room}, as_json)


def liquidate(
    lender: Annotated[str, LENDER],
    take: Annotated[str, typer.Option("--take", metavar="ASSET", help="Collateral that the liquidator takes.")],
    repay: Annotated[str, typer.Option("--repay", metavar="ASSET", help="Debt that the liquidator repays.")],
    collateral: Annotated[list[str], COLLATERAL],
    debt: Annotated[list[str], DEBT],
    price: Annotated[list[str], PRICE],
    cover: Annotated[
        str | None, typer.Option("--cover", metavar="COINS", help="Debt offered to be repaid; without it all.")
    ] = None,
    mode: Annotated[str | None, MODE] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """What one liquidation call does to a loan, and what the liquidator gains."""
    from sim import calculator as calc

    call = calc.liquidation_call(_loan(lender, collateral, debt, mode), _named(price, "--price"), take, repay, cover)
    answer: dict[str, Any] = {
        "lender": lender,
        "health_before": call.before.health,
        "repaid": call.repaid,
        "seized": call.seized,
        "protocol_fee": call.fee,
        "liquidator_takes": call.liquidator,
        "bonus_usd": call.bonus,
        "largest_slippage": call.largest_slippage,
        "deficit": [{"asset": asset, "coins": coins} for asset, coins in call.deficit.items()],
    }
    say(answer | _standing(call.after, "_after"), as_json)


def rate(
    lender: Annotated[str, LENDER],
    asset: Annotated[str, ASSET],
    borrowed: Annotated[str, typer.Option("--borrowed", metavar="COINS", help="Lent out.")],
    available: Annotated[str, typer.Option("--available", metavar="COINS", help="Not lent out.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Borrowing rate of a year at the share of a reserve that is lent out."""
    from sim import calculator as calc

    found = calc.borrow_rate(calc.load_lender(lender), asset, borrowed, available)
    out, rest = calc.number(borrowed, "--borrowed"), calc.number(available, "--available")
    used = out / (out + rest) if out + rest else None
    say({"lender": lender, "asset": asset, "share_lent_out": used, "rate_of_a_year": found}, as_json)


def feed(
    lender: Annotated[str, LENDER],
    asset: Annotated[str, ASSET],
    path: Annotated[Path, typer.Argument(help="CSV of the market with the columns seconds and price, times rising.")],
    delay: Annotated[float, typer.Option("--delay", metavar="SECONDS", help="From sending a price until it lands.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Prices that the protocol acts on while its feed follows the market."""
    from sim import calculator as calc

    market: list[tuple[float, str]] = []
    for line, row in rows(path, ("seconds", "price")):
        try:
            market.append((float(row["seconds"]), row["price"]))
        except ValueError:
            raise DataError(f"{path}: line {line}: seconds is {row['seconds']!r}, which is no number") from None
    found = calc.feed_prices(calc.load_lender(lender), asset, market, delay)
    table = [
        {"seconds": f"{at:g}", "market_usd": calc.number(price, "a price"), "in_force_usd": in_force}
        for (at, price), in_force in zip(market, found, strict=True)
    ]
    say({"lender": lender, "asset": asset, "prices": table}, as_json)


def _loan(lender: str, collateral: list[str], debt: list[str], mode: str | None) -> Any:
    from sim import calculator as calc

    return calc.Loan(calc.load_lender(lender), _named(collateral, "--collateral"), _named(debt, "--debt"), mode)


def _named(pairs: list[str], option: str) -> dict[str, str]:
    """Amounts by asset, each named once."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, is_pair, amount = pair.partition("=")
        if not is_pair or not name or name in found:
            raise RuleError(f"{option} is {pair!r}: give ASSET=NUMBER, each asset once")
        found[name] = amount
    return found


def _standing(at: Any, when: str) -> dict[str, Any]:
    return {
        f"collateral_usd{when}": at.collateral,
        f"debt_usd{when}": at.debt,
        f"borrow_limit_usd{when}": at.limit,
        f"liquidated_above_usd{when}": at.threshold,
        f"health{when}": at.health,
        f"is_liquidatable{when}": at.is_liquidatable,
    }
