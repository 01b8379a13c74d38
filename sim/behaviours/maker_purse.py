"""One purse of a market-making firm over its listings: what it lost anywhere makes it show less everywhere (MODEL 4.1).

Between two ticks each purse is counted up over the listings that its firm quotes.

- *Capital.* Its health is the sum of its equities over the sum of its capitals. It takes the place of a listing's own
  in the firm's withdrawal (behaviours/maker_risk.py): size, pulling, value at risk.
- *Inventory.* The firm's position in a listing, as a share of its limit there, is the mean of three shares over all its
  listings, each weighted by the part of the asset's variance that it makes: dollars times loading on the shared news,
  dollars times loading on the news of altcoins, dollars of the asset itself; each over the same sum of limits. What is
  long here and short there is hedged as far as both follow the same news; the rest is not.

Moneys count one for one. A firm that quotes one listing alone has no purse: nothing is handed to it.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.maker_risk import worth_micro
from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import TWO, ZERO

F0 = np.float64(0.0)

PURSE = np.dtype(
    [
        ("equity_micro", "f8"),  # of all its listings, now
        ("capital_micro", "f8"),  # the same at the start
    ]
)


class Purses(NamedTuple):
    """``purse_of`` int64[n makers] (-1: none), ``loadings`` and ``parts`` float64[n assets, 3]: daily standard
    deviation of the shared news, of the altcoins' and of the asset alone (1 in ``loadings``), and their parts of its
    variance;
    ``purses`` PURSE[n], ``held`` and ``limits`` float64[n, 2 + n assets]: dollars times loading, by news and by asset.
    """

    purse_of: Any
    loadings: Any
    parts: Any
    purses: Any
    held: Any
    limits: Any


@inlined
def place_of(asset, j):
    """Column of ``held`` of the ``j``-th part of an asset's variance: two of the news, then one an asset."""
    return j + asset * np.int64(j == TWO)


@inlined
def net_lots_of(s, at, owner, stock_lots):
    """Position in both books less the working stock."""
    row = s.listings[at]
    first = row["position0"] + owner
    return s.positions[first] + s.positions[first + row["n_owners"]] - stock_lots


@inlined
def equity_in(s, at, firm):
    """What a firm's capital in a listing is worth now."""
    row, price = s.listings[at], s.price[at]
    first = row["position0"] + firm["owner"]
    return worth_micro(
        s.accounts[row["account0"] + firm["owner"]]["cash_micro"],
        s.positions[first],
        s.positions[first + row["n_owners"]] - firm["stock_lots"],
        s.rules[TWO * at]["micro_per_tick_lot"],
        price["mark_half_ticks"],
        price["index_half_ticks"],
        firm["hedge_micro"],
    )


@behaviour
def count_up(s, p):
    """Equity, capital, inventory and limits of every purse at the end of the last tick."""
    for f in range(p.purses.shape[0]):
        p.purses[f]["equity_micro"], p.purses[f]["capital_micro"] = F0, F0
        for j in range(p.held.shape[1]):
            p.held[f, j], p.limits[f, j] = F0, F0
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        row = s.listings[at]
        lot = 0.5 * np.float64(s.rules[TWO * at]["micro_per_tick_lot"] * s.price[at]["mark_half_ticks"])
        for i in range(row["n_makers"]):
            m = row["maker0"] + np.int64(i)
            f = p.purse_of[m]
            if f < ZERO:
                continue
            firm, purse = s.makers[m], p.purses[f]
            purse["equity_micro"] = purse["equity_micro"] + equity_in(s, at, firm)
            purse["capital_micro"] = purse["capital_micro"] + firm["capital_micro"]
            net = lot * np.float64(net_lots_of(s, at, firm["owner"], firm["stock_lots"]))
            most = lot * np.float64(firm["limit_lots"])
            for j in range(3):
                column, loading = place_of(row["asset"], np.int64(j)), p.loadings[row["asset"], j]
                p.held[f, column] = p.held[f, column] + loading * net
                p.limits[f, column] = p.limits[f, column] + abs(loading) * most


@small
def share_of_limit(p, f, asset):
    """A purse's inventory as a listing of an asset feels it: 1 at the limit of all that counts there."""
    share = F0
    for j in range(3):
        column, loading = place_of(asset, np.int64(j)), p.loadings[asset, j]
        if p.parts[asset, j] > F0:
            part = p.parts[asset, j] * (p.held[f, column] / p.limits[f, column])
            share += part if loading > F0 else -part
    return share


@behaviour
def share_purses(s, p):
    """Hand every firm with a purse its health and its inventory, in lots of each listing."""
    count_up(s, p)
    for k in range(s.listings.shape[0]):
        row = s.listings[np.int64(k)]
        for i in range(row["n_makers"]):
            m = row["maker0"] + np.int64(i)
            f = p.purse_of[m]
            if f < ZERO:
                continue
            firm = s.makers[m]
            firm["purse_health"] = p.purses[f]["equity_micro"] / p.purses[f]["capital_micro"]
            lots = share_of_limit(p, f, row["asset"]) * np.float64(firm["limit_lots"])
            firm["purse_lots"] = np.int64(math.floor(lots + 0.5))
