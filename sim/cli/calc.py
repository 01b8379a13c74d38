"""``shoal calc``: a venue's rules as a calculator, one question a command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sim.cli import calc_fire_sale, calc_lending
from sim.cli.answers import JSON, rows, say
from sim.errors import DataError, RuleError

VENUE = typer.Argument(help="Venue profile, such as cex_a.")
SIDE = typer.Option("--side", help="Of the position.")
SIZE = typer.Option("--size", metavar="COINS", help="Of the position; dollars of an inverse contract.")
ENTRY = typer.Option("--entry", metavar="USD", help="Mean price of the position.")
LEVERAGE = typer.Option("--leverage", metavar="X", help="Margin is one part in it of the value at entry.")
MARGIN = typer.Option("--margin", metavar="USD", help="Money behind the position, instead of a leverage.")
MARK = typer.Option("--mark", metavar="USD", help="Mark price.")

Side = Literal["long", "short"]


def register(app: typer.Typer) -> None:
    """Add ``calc`` to the command line."""
    group = typer.Typer(help="A venue's rules as a calculator, without a market.", no_args_is_help=True)
    for name, command in (
        ("liquidation-price", liquidation_price), ("margin", margin), ("premium", premium), ("funding", funding),
        ("adl", adl), ("waterfall", waterfall), ("dat", dat),
    ):  # fmt: skip
        group.command(name)(command)
    calc_lending.register(group)
    calc_fire_sale.register(group)
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
    say({"venue": venue, "margin": account.money} | found, as_json)


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
    terms = calc.terms_of(calc.load_profile(venue))
    is_offered = not terms.is_inverse and terms.engine == "tiered_ioc"
    say(
        {
            "venue": venue,
            "equity": at.equity,
            "maintenance_margin": at.maintenance,
            "initial_margin": at.initial,
            "notional": at.notional,
            "is_liquidatable": at.is_liquidatable,
            "forced_size": calc.forced_size(account, "perp", {"perp": mark}) if is_offered else None,
        },
        as_json,
    )


def premium(
    venue: Annotated[str, VENUE],
    book: Annotated[Path, typer.Argument(help="CSV with the columns side (bid, ask), price, size.")],
    index: Annotated[str, typer.Option("--index", metavar="USD", help="Index price.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Premium index of a book and its impact prices."""
    from sim import calculator as calc

    sides: dict[str, list[tuple[str, str]]] = {"bid": [], "ask": []}
    for line, row in rows(book, ("side", "price", "size")):
        if row["side"] not in sides:
            raise DataError(f"{book}: line {line}: side is {row['side']!r}: bid or ask")
        sides[row["side"]].append((row["price"], row["size"]))
    profile = calc.load_profile(venue)
    found = calc.premium_index(profile, sides["bid"], sides["ask"], index)
    notional = calc.impact_notional(profile)
    prices = {"impact_bid_usd": found.impact_bid, "impact_ask_usd": found.impact_ask}
    say({"venue": venue, "impact_notional_usd": notional} | prices | {"premium": found.premium}, as_json)


def funding(
    venue: Annotated[str, VENUE],
    premium: Annotated[str, typer.Option("--premium", metavar="SHARE", help="Mean premium of the period, 0.0005.")],
    size: Annotated[str | None, SIZE] = None,
    side: Annotated[Side, SIDE] = "long",
    mark: Annotated[str | None, MARK] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Funding rate of a period, and what a position pays with it (below 0: receives)."""
    from sim import calculator as calc

    profile = calc.load_profile(venue)
    rate = calc.funding_rate(profile, [premium])
    answer: dict[str, Any] = {"venue": venue, "rate": rate, "period_hours": profile.funding.every / 3600}
    if (size is None) != (mark is None):
        raise RuleError("give both --size and --mark, or neither")
    if size is not None and mark is not None:
        signed = calc.number(size, "--size") * (1 if side == "long" else -1)
        answer["payment_usd"] = calc.funding_payments(profile, {"position": signed}, mark, rate)[0]["position"]
    say(answer, as_json)


def adl(
    venue: Annotated[str, VENUE],
    accounts: Annotated[
        Path, typer.Argument(help="CSV with the columns name, size (below 0: short), entry, money of each account.")
    ],
    mark: Annotated[str, MARK],
    close: Annotated[str | None, typer.Option("--close", metavar="NAME", help="Account that cannot be closed.")] = None,
    fund: Annotated[str, typer.Option("--fund", metavar="USD", help="Money of the insurance fund.")] = "0",
    rule: Annotated[str | None, typer.Option("--rule", help="Another ranking than the venue's.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Queue of auto-deleveraging; with --close, who bears the loss of that account."""
    from sim import calculator as calc

    profile, held = calc.load_profile(venue), {}
    for line, row in rows(accounts, ("name", "size", "entry", "money")):
        if row["name"] in held:
            raise DataError(f"{accounts}: line {line}: {row['name']!r} is named twice")
        held[row["name"]] = calc.Portfolio(row["money"], {"": calc.Position(profile, row["size"], row["entry"])})
    scores = calc.adl_scores(profile, held, mark, rule)
    queue = calc.adl_ranking(profile, held, mark, rule)
    answer: dict[str, Any] = {"venue": venue, "queue": [{"name": name, "score": scores[name]} for name in queue]}
    if close is not None:
        if close not in held:
            raise RuleError(f"no account {close!r} in {accounts}: it has {', '.join(held) or 'none'}")
        found = calc.order_of_loss(profile, held.pop(close), held, mark, fund, rule)
        parts = {"loss": found.loss, "fund": found.fund, "adl": found.adl, "deficit": found.deficit}
        answer |= {f"{key}_usd": value for key, value in parts.items()} | {"fund_size": found.fund_size}
        answer["closed"] = [
            {"name": c.name, "size": c.size, "price_usd": c.price, "loss_usd": c.loss} for c in found.closed
        ]
    say(answer, as_json)


def waterfall(
    loss: Annotated[str, typer.Argument(metavar="USD", help="Loss to be borne.")],
    layers: Annotated[list[str], typer.Argument(metavar="NAME=USD...", help="Layers, first asked first.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Loss by layers: none is asked before the one ahead is empty."""
    from sim import calculator as calc

    held: dict[str, Any] = {}
    for layer in layers:
        name, found, amount = layer.partition("=")
        if not found or not name or name in held:
            raise RuleError(f"a layer is {layer!r}: give NAME=USD, each name once")
        held[name] = amount
    used, left = calc.loss_layers(loss, held)
    say(dict(used) | {"uncovered": left}, as_json)


def dat(
    coins: Annotated[str, typer.Option("--coins", metavar="COINS", help="Held by the company.")],
    price: Annotated[str, typer.Option("--price", metavar="USD", help="Of a coin.")],
    market_value: Annotated[str, typer.Option("--market-value", metavar="USD", help="Of all common shares.")],
    debt: Annotated[str, typer.Option("--debt", metavar="USD", help="Converts and other debt.")] = "0",
    preferred: Annotated[str, typer.Option("--preferred", metavar="USD", help="Preferred stock.")] = "0",
    cash: Annotated[str, typer.Option("--cash", metavar="USD", help="Cash reserve.")] = "0",
    mean_cost: Annotated[str | None, typer.Option("--mean-cost", metavar="USD", help="Paid for a coin.")] = None,
    issue: Annotated[
        str | None,
        typer.Option("--issue", metavar="SHARE", help="New common shares, 0.01 for 1%: coins a share after."),
    ] = None,
    claims: Annotated[
        str | None, typer.Option("--claims", metavar="SHARE", help="Raised by preferred stock or debt, over the coins.")
    ] = None,
    buyback: Annotated[
        str | None, typer.Option("--buyback", metavar="SHARE", help="Coins sold to buy shares: coins a share after.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Premia of a company that holds coins, and coins a share after an issue or a buyback."""
    from sim import calculator as calc

    found = calc.treasury_premia(coins, price, market_value, debt, preferred, cash)
    answer: dict[str, Any] = {"m_eq": found.equity, "m_ev": found.enterprise, "m_net": found.net}
    if mean_cost is not None:
        paid = calc.against_cost(coins, price, mean_cost)
        answer |= {"value_usd": paid.value, "cost_usd": paid.cost, "gain_usd": paid.gain}
    if issue is not None:
        answer["coins_a_share_after_issue"] = calc.after_issue(issue, found.equity)
    if claims is not None:
        answer["coins_a_share_after_claims"] = calc.after_claims(claims)
    if buyback is not None:
        answer["coins_a_share_after_buyback"] = calc.after_buyback(buyback, found.equity)
    say(answer, as_json)


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
