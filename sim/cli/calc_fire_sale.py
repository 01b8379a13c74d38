"""``shoal calc fire-sale``: cascades and fire sales in closed form, to hold a simulation against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.answers import JSON, rows, say
from sim.errors import DataError, RuleError

LIQUIDATIONS = typer.Option("--liquidations", metavar="USD", help="Liquidated for a fall of the whole price.")
DEPTH = typer.Option("--depth", metavar="USD", help="What the book takes for a fall of the whole price.")
SHOCK = typer.Option("--shock", metavar="SHARE", help="First fall, 0.02 for 2%.")
HOLDERS = typer.Argument(help="CSV: name, equity and a column of USD held for each asset of the other file.")
MARKET = typer.Argument(help="CSV: asset, depth (USD for a fall of the whole price), shock (fall, 0.02 for 2%).")
OUT = typer.Option("--out", metavar="DIR", help="Write one table and one figure there.")
IMPACT = typer.Option("--impact", metavar="SHARE", help="Fall that the sale of the whole position makes.")


def register(group: typer.Typer) -> None:
    """Add ``fire-sale`` to ``calc``."""
    sales = typer.Typer(help="Cascades and fire sales in closed form (docs/fire_sales.md).", no_args_is_help=True)
    for name, command in (
        ("linear", linear), ("cascade", cascade), ("covariance", covariance), ("vulnerability", vulnerability),
        ("deleverage", deleverage), ("spiral", spiral), ("critical-leverage", critical_leverage),
    ):  # fmt: skip
        sales.command(name)(command)
    group.add_typer(sales, name="fire-sale")


def linear(
    liquidations: Annotated[str, LIQUIDATIONS],
    depth: Annotated[str, DEPTH],
    shock: Annotated[str | None, SHOCK] = None,
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Amplification of a linear book, 1 / (1 - n), n = liquidations over depth.

    Example: shoal calc fire-sale linear --liquidations 9000e6 --depth 15000e6 --shock 0.02
    """
    from sim import calculator as calc

    ell, d = _number(liquidations, "--liquidations"), _number(depth, "--depth")
    found: dict[str, Any] = {"n": ell / d if d > 0.0 else None, "amplification": calc.linear_amplification(ell, d)}
    first = None if shock is None else _number(shock, "--shock")
    if first is not None:
        fall = first * found["amplification"]
        found |= {"fall": fall, "forced_usd": ell * fall}
    _say(found | _written(out, "linear", ell, d, first), as_json)


def cascade(
    shock: Annotated[str, SHOCK],
    liquidations: Annotated[Path, typer.Option("--liquidations", help="CSV: fall, usd liquidated up to it.")],
    depth: Annotated[str | None, DEPTH] = None,
    impact: Annotated[Path | None, typer.Option("--impact", help="CSV: usd sold, fall, instead of a depth.")] = None,
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Where a cascade ends when liquidations and depth are tables: smallest x = s + I(Lambda(x)).

    Example: shoal calc fire-sale cascade --shock 0.02 --liquidations lambda.csv --depth 15000e6
    """
    from sim import calculator as calc

    if (depth is None) == (impact is None):
        raise RuleError("give either --depth or --impact")
    table = _table(liquidations, ("fall", "usd"))
    how: Any = _number(depth or "", "--depth") if impact is None else _table(impact, ("usd", "fall"))
    asked = (_number(shock, "--shock"), table, how)
    _say(calc.cascade_fall(*asked)._asdict() | _written(out, "cascade", *asked), as_json)


def covariance(
    fund: Annotated[Path, typer.Argument(help="CSV: asset, shares, price, depth (shares a whole fall), volatility.")],
    slope: Annotated[str, typer.Option("--slope", metavar="X", help="Share sold for each unit of worth lost.")],
    rho: Annotated[str, typer.Option("--correlation", metavar="R", help="Of any two assets without the fund.")] = "0",
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Volatilities and correlations while a large fund is being run down (Cont, Wagalath).

    Example: shoal calc fire-sale covariance fund.csv --slope 2 --correlation 0.3
    """
    import numpy as np

    from sim import calculator as calc

    columns = ("asset", "shares", "price", "depth", "volatility")
    names = [row["asset"] for _, row in rows(fund, columns)]
    shares, price, depth, sd = np.array(_table(fund, columns[1:])).reshape(-1, 4).T
    r = _number(rho, "--correlation")
    if not -1.0 < r < 1.0:
        raise RuleError(f"--correlation is {r:g}: between -1 and 1")
    sigma = np.outer(sd, sd) * (r + (1.0 - r) * np.eye(len(names)))
    asked = (sigma, shares, price, depth, _number(slope, "--slope"))
    found = calc.fire_sale_covariance(*asked)
    both = calc.correlation(found)
    pairs = [
        {"pair": f"{a}, {b}", "before": r, "during": float(both[i, j])}
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j
    ]
    sds = [
        {"asset": a, "volatility_before": float(sd[i]), "volatility_during": float(np.sqrt(found[i, i]))}
        for i, a in enumerate(names)
    ]
    written = _written(out, "covariance", names, *asked)
    _say({"volatility": sds, "correlation": pairs} | written, as_json)


def vulnerability(
    holders: Annotated[Path, HOLDERS],
    market: Annotated[Path, MARKET],
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Losses by fire sales of holders that keep their leverage (Greenwood, Landier, Thesmar; Duarte, Eisenbach).

    Example: shoal calc fire-sale vulnerability holders.csv market.csv
    """
    from sim import calculator as calc

    names, equity, held, assets, depth, shock = _system(holders, market)
    total = held.sum(axis=1)
    if not (total > 0.0).all():
        raise DataError(f"{holders}: a holder has no assets")
    system = (total, equity, held / total[:, None], 1.0 / depth)
    found, factors = calc.aggregate_vulnerability(*system, shock), calc.vulnerability_factors(*system, shock)
    by_holder = [
        {"name": name, "systemicness": s, "indirect": i, "direct": d}
        for name, s, i, d in zip(names, *(x.tolist() for x in found[1:4]), strict=True)
    ]
    by_asset = [
        {"asset": name, "sold_usd": s, "fall": f}
        for name, s, f in zip(assets, found.sales_usd.tolist(), found.price_falls.tolist(), strict=True)
    ]
    parts = {f"factor_{key}": value for key, value in factors._asdict().items()}
    head = {"aggregate_vulnerability": found.aggregate, "spectral_radius": calc.spectral_radius(
        calc.overlap_matrix(*system))}  # fmt: skip
    written = _written(out, "vulnerability", names, assets, held, equity, shock, depth)
    _say(head | parts | {"holders": by_holder, "assets": by_asset} | written, as_json)


def deleverage(
    holders: Annotated[Path, HOLDERS],
    market: Annotated[Path, MARKET],
    most: Annotated[str, typer.Option("--max-leverage", metavar="X", help="Assets over equity that makes one sell.")],
    target: Annotated[str, typer.Option("--target-leverage", metavar="X", help="Leverage to which it sells.")],
    floor: Annotated[str, typer.Option("--floor", metavar="SHARE", help="Lowest price over the first.")] = "0.5",
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Rounds of sales when a leverage is passed (Cont, Schaanning).

    Example: shoal calc fire-sale deleverage holders.csv market.csv --max-leverage 33 --target-leverage 31
    """
    from sim import calculator as calc

    names, equity, held, assets, depth, shock = _system(holders, market)
    limits = _number(most, "--max-leverage"), _number(target, "--target-leverage")
    lowest = _number(floor, "--floor")
    found = calc.threshold_deleveraging(held, equity, shock, depth, *limits, floor=lowest)
    by_holder = [
        {"name": name, "loss_usd": loss, "is_insolvent": bool(broke)}
        for name, loss, broke in zip(names, found.loss_usd.tolist(), found.is_insolvent, strict=True)
    ]
    by_asset = [
        {"asset": name, "sold_usd": sold, "price_over_first": price}
        for name, sold, price in zip(assets, found.sold_usd.sum(axis=0).tolist(), found.prices.tolist(), strict=True)
    ]
    written = _written(out, "deleverage", names, assets, held, equity, shock, depth, *limits, lowest)
    _say({"rounds": found.n_rounds, "holders": by_holder, "assets": by_asset} | written, as_json)


def spiral(
    risk_aversion: Annotated[str, typer.Option("--risk-aversion", metavar="1/USD", help="Of the customers.")],
    volatility: Annotated[str, typer.Option("--volatility", metavar="USD", help="Of the value of a coin.")],
    margin: Annotated[str, typer.Option("--margin", metavar="USD", help="Of a coin.")],
    margin_slope: Annotated[str, typer.Option("--margin-slope", metavar="X", help="Change of it by price, USD a USD.")],
    position: Annotated[str, typer.Option("--position", metavar="COINS", help="That dealers hold.")],
    before: Annotated[str, typer.Option("--before", metavar="COINS", help="That they held before.")],
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Answer of a price to a dollar of funding lost, with the loss and the margin spiral (Brunnermeier, Pedersen).

    Example: shoal calc fire-sale spiral --risk-aversion 1e-3 --volatility 20 --margin 10 --margin-slope -0.5
    --position 20 --before 15
    """
    from sim import calculator as calc

    given = ((risk_aversion, "--risk-aversion"), (volatility, "--volatility"), (margin, "--margin"),
             (margin_slope, "--margin-slope"), (position, "--position"), (before, "--before"))  # fmt: skip
    asked = [_number(text, name) for text, name in given]
    found = {f"response_{key}": value for key, value in calc.price_response(*asked)._asdict().items()}
    _say(found | _written(out, "spiral", *asked), as_json)


def critical_leverage(
    impact: Annotated[str | None, IMPACT] = None,
    volatility: Annotated[str | None, typer.Option("--volatility", metavar="SHARE", help="Of a day.")] = None,
    size: Annotated[str | None, typer.Option("--size", metavar="USD", help="Of the position.")] = None,
    volume: Annotated[str | None, typer.Option("--volume", metavar="USD", help="Traded in a day.")] = None,
    leverage: Annotated[str | None, typer.Option("--leverage", metavar="X", help="Shows its path on the way.")] = None,
    out: Annotated[Path | None, OUT] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Leverage from which on a position cannot be left without ruin (Caccioli, Bouchaud, Farmer).

    Example: shoal calc fire-sale critical-leverage --volatility 0.025 --size 4e9 --volume 20e9 --leverage 20
    """
    from sim import calculator as calc

    parts = (volatility, size, volume)
    if (impact is None) == all(part is None for part in parts) or (impact is None and None in parts):
        raise RuleError("give either --impact or all of --volatility, --size and --volume")
    if impact is not None:
        found = _number(impact, "--impact")
    else:
        names = ("--volatility", "--size", "--volume")
        found = calc.root_impact(*(_number(t or "", n) for t, n in zip(parts, names, strict=True)))
    answer: dict[str, Any] = {"impact": found, "critical_leverage": calc.critical_leverage(found)}
    start = None if leverage is None else _number(leverage, "--leverage")
    if start is not None:
        sold = [0.0, 0.1, 0.25, 0.5, 0.75, 0.95]
        path = calc.leverage_path(start, found, sold)
        answer["path"] = [{"sold": f"{s:g}", "leverage": v} for s, v in zip(sold, path.tolist(), strict=True)]
    _say(answer | _written(out, "critical_leverage", found, start), as_json)


def _written(out: Path | None, name: str, *asked: Any) -> dict[str, str]:
    """Folder of the table and the figure of a formula, written when one is named."""
    if out is None:
        return {}
    from sim.report import fire_sales

    return {"folder": str(getattr(fire_sales, name)(*asked).save(out))}


def _number(text: str, name: str) -> float:
    from sim import calculator as calc

    return float(calc.number(text, name))


def _table(path: Path, columns: tuple[str, ...]) -> list[list[float]]:
    """Numbers of some columns of a CSV file."""
    found = []
    for line, row in rows(path, columns):
        try:
            found.append([float(row[name]) for name in columns])
        except ValueError:
            bad = next(name for name in columns if not _is_number(row[name]))
            raise DataError(f"{path}: line {line}: {bad} is {row[bad]!r}, which is no number") from None
    if not found:
        raise DataError(f"{path}: no rows; columns are {', '.join(columns)}")
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _system(holders: Path, market: Path) -> tuple[Any, ...]:
    """Holders' names, equity, holdings; assets, depth, shock."""
    import numpy as np

    assets = [row["asset"] for _, row in rows(market, ("asset", "depth", "shock"))]
    if len(set(assets)) != len(assets):
        raise DataError(f"{market}: an asset is named twice")
    depth, shock = np.array(_table(market, ("depth", "shock"))).T
    names = [row["name"] for _, row in rows(holders, ("name", "equity", *assets))]
    numbers = np.array(_table(holders, ("equity", *assets)))
    if not (depth > 0.0).all():
        raise DataError(f"{market}: a depth is 0 or less: USD for a fall of the whole price")
    return names, numbers[:, 0], numbers[:, 1:], assets, depth, shock


def _say(answer: dict[str, Any], as_json: bool) -> None:
    """As ``say``; what is infinite is none."""
    say(_finite(answer), as_json)


def _finite(value: Any) -> Any:
    import math

    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
