"""What a run with listings did to whom: falls by listing, who bore losses, who was deleveraged, gaps.

Every function takes a run with ``listings`` and gives a table in dollars, seconds and fractions. Prices are in each
listing's own money, a stable coin counted as a dollar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.metrics.cascade import shown_by_feed
from sim.results.summary import headline_after_s

if TYPE_CHECKING:
    from sim.results.run import Run

Floats = NDArray[np.float64]

LAYERS: Final = ("margin", "fund", "adl", "deficit")
"""Who bears a loss, in order: the liquidated themselves, the insurance fund or vault, deleveraged traders, nobody."""
HEDGED: Final = ("hedgers", "arbitrage", "bridge", "long short")
"""Groups whose perp position stands against coins or against another position: closing it breaks a hedge."""
TOPS: Final = (1, 10)


def exchanges(run: Run) -> list[str]:
    """Exchanges in the order of the listings."""
    return list(dict.fromkeys(listing.exchange for listing in run.spec.listings.values()))


def base_s(run: Run) -> float:
    """Time of the price that falls are measured from: 20:49 of a replay, else the start; seconds from the start."""
    return headline_after_s(run.spec) or 0.0


def price_of(run: Run, name: str, book: str = "") -> pd.Series:
    """Trades of a listing at the recorded times, USD: of its perp, else of its spot book, or of the book that is named.

    Indexed by seconds from the start; NaN before the first trade.
    """
    part = run.listings[name]
    book = book or ("perp" if part.spec.market.perp else "spot")
    return pd.Series(part.series[f"{book}_last_usd"].to_numpy(np.float64), part.series["elapsed_s"].to_numpy())


def relative(run: Run, name: str, book: str = "") -> pd.Series:
    """``price_of`` over what it was at ``base_s``."""
    price = price_of(run, name, book).bfill()
    before = price[price.index <= base_s(run)]
    return price / float((before if len(before) else price).iloc[-1 if len(before) else 0])


def by_listing(run: Run) -> pd.DataFrame:
    """Low, forced sales and purchases, deleveraging, change of open interest and depth at the low of each listing.

    Returns
    -------
    pandas.DataFrame
        Columns listing, asset, exchange, book (the one that the low is of), low_usd, low_frac (over the price at
        ``base_s``), low_after_s (from the start), forced_sell_usd, forced_buy_usd, adl_usd, oi_change_frac,
        depth_bid_usd (perp bids within 1 % of mid at the low); NaN where there is no perp.
    """
    rows = []
    for name, listing in run.spec.listings.items():
        part = run.listings[name]
        price, share, nan = price_of(run, name), relative(run, name), float("nan")
        after = share.index >= base_s(run)
        at = int(np.flatnonzero(after)[np.nanargmin(share.to_numpy()[after])])
        row: list[Any] = [name, listing.asset, listing.exchange, "perp" if part.spec.market.perp else "spot"]
        row += [float(price.iloc[at]), float(share.iloc[at]), float(price.index[at])]
        if part.spec.market.perp:
            series, adl = part.series, _of_kind(part, "adl")
            held = series["open_interest_btc"].to_numpy()
            row += [
                float(series["forced_sell_usd"].sum()),
                float(series["forced_buy_usd"].sum()),
                float(_usd(adl).sum()),
            ]
            row += [
                held[-1] / held[0] - 1.0 if held[0] > 0 else nan,
                float(series["depth_bid_1pct_btc"].iloc[at]) * float(price.iloc[at]),
            ]
        else:
            row += [0.0, 0.0, 0.0, nan, nan]
        rows.append(row)
    return pd.DataFrame(rows, columns=[
        "listing", "asset", "exchange", "book", "low_usd", "low_frac", "low_after_s", "forced_sell_usd",
        "forced_buy_usd",
        "adl_usd", "oi_change_frac", "depth_bid_usd",
    ])  # fmt: skip


def _of_kind(part: Run, kind: str) -> pd.DataFrame:
    return part.events[part.events["kind"] == kind]


def _usd(events: pd.DataFrame) -> Floats:
    """Dollars of events: coins at their price."""
    return np.asarray(events["quantity_btc"].abs() * events["price_usd"], dtype=np.float64)


def _micro(values: Any) -> int:
    """Sum of dollar amounts as a whole number of micro-dollars."""
    return int(np.rint(np.asarray(values, dtype=np.float64) * 1e6).astype(np.int64).sum())


def waterfall(run: Run) -> pd.DataFrame:
    """Who bore what the liquidated lost, by exchange; the layers sum to the whole, to a micro-dollar.

    Returns
    -------
    pandas.DataFrame
        Index exchange; columns margin_usd, fund_usd, adl_usd, deficit_usd, whole_usd.

    Notes
    -----
    Margin: what owners who were liquidated or taken over in any listing had on this exchange at the start, less what
    they have there at the end (cash, positions at mark, coins at spot mid). Fund: its worth at the start and the
    clearance fees it took, less its worth at the end; below 0 it gained. What it owes at the end is no longer its own
    loss but the deficit. ADL: what deleveraged traders would have had more, had they closed at mark instead of at the
    bankruptcy price; the mark between two recorded rows is interpolated.
    """
    stakes, rows = run.between["stakes"], {}
    place = {name: listing.exchange for name, listing in run.spec.listings.items()}
    where = stakes["listing"].map(place)
    for exchange in exchanges(run):
        mine = stakes[where == exchange]
        funds, people = mine[mine["group"] == "fund"], mine[mine["group"] != "fund"]
        perps = [run.listings[name] for name in place if place[name] == exchange]
        fees = sum(_micro(_of_kind(part, "forced_order")["cash_usd"]) for part in perps)
        deficit = _micro((-funds["end_usd"]).clip(lower=0.0))
        layers = (
            _micro(people["start_usd"]) - _micro(people["end_usd"]),
            _micro(funds["start_usd"]) + fees - _micro(funds["end_usd"]) - deficit,
            sum(_micro(given_up_usd(part)) for part in perps),
            deficit,
        )
        rows[exchange] = [x / 1e6 for x in (*layers, sum(layers))]
    columns = [f"{layer}_usd" for layer in (*LAYERS, "whole")]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def given_up_usd(part: Run) -> Floats:
    """What each deleveraged trader of a listing got less than at mark, USD, one an event; below 0 where it got more."""
    adl = _of_kind(part, "adl")
    mark = np.interp(adl["elapsed_s"], part.series["elapsed_s"], part.series["mark_usd"])
    return np.asarray(adl["quantity_btc"] * (adl["price_usd"] - mark), dtype=np.float64)


def deleveraged(run: Run) -> pd.DataFrame:
    """Deleveraged dollars (coins at the price they were closed at): one row a closing.

    Returns
    -------
    pandas.DataFrame
        Columns exchange, asset, group, side ("long" or "short", that of the trader), owner, usd, elapsed_s.
    """
    parts = []
    for name, listing in run.spec.listings.items():
        adl = _of_kind(run.listings[name], "adl")
        side = np.where(adl["quantity_btc"] > 0, "short", "long")  # who is short buys
        columns = {"exchange": listing.exchange, "asset": listing.asset, "group": adl["group"], "side": side}
        parts.append(pd.DataFrame({**columns, "owner": adl["owner"], "usd": _usd(adl), "elapsed_s": adl["elapsed_s"]}))
    return pd.concat(parts, ignore_index=True)


def concentration(closed: pd.DataFrame) -> dict[str, float]:
    """Shares of the deleveraged dollars that the most deleveraged owners bore, and of hedges broken (fractions).

    ``top_1_frac``, ``top_10_frac``, ``top_1pct_frac`` (the first hundredth of deleveraged owners, at least one),
    ``hedges_frac``; ``owners`` is their number. NaN when nobody was deleveraged.
    """
    usd = closed.groupby("owner")["usd"].sum().sort_values(ascending=False).to_numpy()
    whole, n = float(usd.sum()), len(usd)
    counts = {f"top_{k}": k for k in TOPS} | {"top_1pct": max(1, round(0.01 * n))}
    out = {f"{key}_frac": float(usd[:k].sum()) / whole if whole > 0 else float("nan") for key, k in counts.items()}
    hedges = float(closed.loc[closed["group"].isin(HEDGED), "usd"].sum())
    return out | {"hedges_frac": hedges / whole if whole > 0 else float("nan"), "owners": float(n)}


def forced_minutes(run: Run) -> dict[str, Floats]:
    """Forced orders by exchange and minute, USD, float64[2, minutes]: all, and what a feed shows that tells of one
    order a second and symbol.
    """
    n = int(-(-run.spec.duration // 60))
    out = {exchange: np.zeros((2, n)) for exchange in exchanges(run)}
    for name, listing in run.spec.listings.items():
        orders = _of_kind(run.listings[name], "forced_order").sort_values("elapsed_s", kind="stable")
        minute = np.clip(np.ceil(orders["elapsed_s"].to_numpy() / 60.0).astype(np.int64) - 1, 0, n - 1)
        usd, shown = _usd(orders), shown_by_feed(orders["elapsed_s"].to_numpy())
        for which, part in enumerate((usd, usd * shown)):
            out[listing.exchange][which] += np.bincount(minute, part, n)
    return out


def gaps(run: Run, book: str) -> pd.DataFrame:
    """Dearest less cheapest price of each asset over its exchanges, over the median, at the end of each minute.

    Parameters
    ----------
    run : Run
    book : {"perp", "spot"}

    Returns
    -------
    pandas.DataFrame
        Index seconds from the start; one column an asset that trades on two exchanges or more (fractions).
    """
    mids: dict[str, list[pd.Series]] = {}
    for name, listing in run.spec.listings.items():
        part = run.listings[name]
        if getattr(part.spec.market, book):
            mid = pd.Series(part.series[f"{book}_mid_usd"].to_numpy(np.float64), part.series["elapsed_s"].to_numpy())
            mids.setdefault(listing.asset, []).append(mid[(mid.index % 60.0 == 0) & (mid.index > 0)])
    out = {}
    for asset, found in mids.items():
        if len(found) > 1:
            table = pd.concat(found, axis=1)
            out[asset] = (table.max(axis=1) - table.min(axis=1)) / table.median(axis=1)
    return pd.DataFrame(out)


def numbers(run: Run) -> dict[str, float]:
    """Summary numbers of a run with listings, ``listing.metric``, ``exchange.metric`` and ``all.metric``."""
    out: dict[str, float] = {}
    for row in by_listing(run).to_dict("records"):
        for metric in ("low_frac", "adl_usd", "depth_bid_usd"):
            key = "depth_bid_at_low_usd" if metric == "depth_bid_usd" else metric
            out[f"{row['listing']}.{key}"] = row[metric]
    flows = waterfall(run)
    for exchange in flows.index:
        out |= {f"{exchange}.loss_{column}": float(flows[column][exchange]) for column in flows.columns}
    out |= {f"all.loss_{column}": float(value) for column, value in flows.sum().items()}
    closed = deleveraged(run)
    out["all.adl_usd"] = float(closed["usd"].sum())
    out |= {f"all.adl_{key}": value for key, value in concentration(closed).items()}
    for book in ("perp", "spot"):
        out |= {f"{asset}.{book}_gap_most_frac": float(gap.max()) for asset, gap in gaps(run, book).items()}
    transit = run.between["transit"]
    on_way = transit.groupby("elapsed_s")[["cash_on_way_usd", "coins_on_way_usd"]].sum().sum(axis=1)
    first = transit[transit["exchange"] == exchanges(run)[0]]
    out["all.on_way_most_usd"] = float(on_way.max()) if len(on_way) else 0.0
    return out | {f"all.bridge_{key}": float(first[key].sum()) for key in ("legs_sent", "legs_stopped")}
