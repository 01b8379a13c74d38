"""Who traded as taker, minute by minute: whole lots by class of trader, which add up to the tape exactly.

Every fill adds its lots to the taker's own count and to the tape of its book; counts are summed over the accounts of a
class. Of the accounts that an engine watches, what the engine sent is told apart by its own record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import ResultError
from sim.layout import layout_of
from sim.network.network import Network
from sim.network.watch import SINGLE, groups_of

if TYPE_CHECKING:
    import pandas as pd

    from sim.market import Market
    from sim.runner import Scenario

Lots = NDArray[np.int64]

MINUTE_S = 60.0
SIDES = ("perp_buy", "perp_sell", "spot_buy", "spot_sell")
TAPE = ("perp_taker_buy_lots", "perp_taker_sell_lots", "spot_taker_buy_lots", "spot_taker_sell_lots")
FORCED = ("forced_buy_lots", "forced_sell_lots")  # of the perp, in the order of SIDES
CLASSES = (
    "background", "liquidations", "leveraged", "makers", "arbitrage", "bridge", "dip_buyers", "latent", "trend",
    "hedgers", "fund", "etf", "dat", "holders", "lending", "other_desks", "agents",
)  # fmt: skip
"""Classes of takers; ``background``: the crowd and flow shocks; ``leveraged``: what its accounts close themselves."""
_CLASS_OF = {
    "fees": "agents", "people": "leveraged", "portfolios": "leveraged", "long_short": "leveraged",
    "new_leverage": "leveraged", "dollar_token": "hedgers",
}  # fmt: skip
COLUMNS: dict[str, tuple[str, str]] = {
    "elapsed_s": ("s", "end of the minute, from the start"),
    "listing": ("", "name of the listing; empty for a market of its own"),
    "class": ("", "class of the taker"),
    "perp_buy_lots": ("lots", "perp lots that it bought as taker in the minute"),
    "perp_sell_lots": ("lots", "perp lots that it sold as taker"),
    "spot_buy_lots": ("lots", "spot lots that it bought as taker"),
    "spot_sell_lots": ("lots", "spot lots that it sold as taker"),
    "perp_net_btc": ("coins", "perp coins that it bought less those that it sold as taker"),
    "spot_net_btc": ("coins", "the same in the spot book"),
}


@dataclass(frozen=True)
class Flow:
    """Taker flow of one listing.

    Attributes
    ----------
    listing : str
        Empty for a market of its own.
    end_s : float64[n]
        End of each interval, seconds from the start; the first holds what seeded the books.
    lots : int64[n, len(CLASSES), 4]
        As ``SIDES``.
    tape : int64[n, 4]
        What the tape of the books has, all takers.
    lot_coin : float
        Coins a lot.
    mark_usd : float64[n]
        At the end of each interval.
    """

    listing: str
    end_s: NDArray[np.float64]
    lots: Lots
    tape: Lots
    lot_coin: float
    mark_usd: NDArray[np.float64]

    @property
    def unexplained(self) -> Lots:
        """What the classes leave of the tape: 0 throughout."""
        return np.asarray(self.tape - self.lots.sum(axis=1))

    def net_coins(self, book: str = "perp") -> NDArray[np.float64]:
        """Coins bought less coins sold by each class: float64[n, len(CLASSES)]."""
        k = SIDES.index(f"{book}_buy")
        return np.asarray((self.lots[:, :, k] - self.lots[:, :, k + 1]) * self.lot_coin)


def flow_by_class(scenario: Scenario, seed: int = 1, every_s: float = MINUTE_S) -> list[Flow]:
    """Run a scenario and tell who took, by interval.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    every_s : float
        Interval in seconds; made a whole number of recorded rows of every listing.

    Returns
    -------
    list of Flow
        One a listing.

    Raises
    ------
    ResultError
        When the classes do not add up to the tape: a defect.
    """
    from sim.runner import warm

    warm()
    spec = scenario.spec
    row_s = max(spec.record_every, spec.network.record_every if spec.listings else 0.0)
    step = math.ceil(every_s / row_s - 1e-9) * row_s
    ends = [*np.arange(step, spec.duration - 1e-9, step).tolist(), spec.duration]
    live = scenario.live(seed)
    counts = []
    for end in ends:
        live.run_until(end)
        counts.append([_counts(live, k) for k in range(len(_markets(live)))])
    flows = [
        _flow(name, market, np.array(ends), np.array([count[k] for count in counts]))
        for k, (name, market) in enumerate(_markets(live).items())
    ]
    for flow in flows:
        if flow.unexplained.any():
            raise ResultError(f"{flow.listing or spec.name}: takers by class do not add up to the tape: a defect")
    return flows


def _markets(live: Market | Network) -> dict[str, Market]:
    return dict(live.markets) if isinstance(live, Network) else {"": live}


def classes_of(live: Market | Network, k: int = 0) -> Lots:
    """Place in ``CLASSES`` of each account row of the k-th listing."""
    market = list(_markets(live).values())[k]
    places = {name: i for i, name in enumerate(CLASSES)}
    if isinstance(live, Network):
        from sim.network.watch import GROUPS

        of_group = np.array([places[_CLASS_OF.get(name, name)] for name in GROUPS])
        out = of_group[groups_of(live, k)]
    else:
        out = np.full(len(market.state.accounts), places["agents"], np.int64)
        for row, name in SINGLE:
            out[row] = places[_CLASS_OF.get(name, name)]
        n_people = int(market.state.engine[0]["end_watched"] - market.state.engine[0]["first_watched"])
        layout = layout_of(market.spec, n_people)
        for name in layout.groups:
            out[layout.rows(name)] = places[_CLASS_OF.get(name, name)]
    for desk in market.institutions:
        out[desk.owners()] = places.get(_CLASS_OF.get(desk.NAME, desk.NAME), places["other_desks"])
    return np.asarray(out, dtype=np.int64)


def _counts(live: Market | Network, k: int) -> Lots:
    """Lots taken since the start by each class, as ``SIDES``."""
    market = list(_markets(live).values())[k]
    out = np.zeros((len(CLASSES), len(SIDES)), np.int64)
    np.add.at(out, classes_of(live, k), market.state.accounts["took_lots"])
    return out


def _flow(name: str, market: Market, ends: NDArray[np.float64], counts: Lots) -> Flow:
    """Counts since the start as flow by interval, the engine's part of it moved to its own class."""
    rows = market.state.rows[: int(market.state.clock[0]["n_rows"])]
    interval = np.minimum(np.searchsorted(np.round(ends * 1e6), rows["time_us"]), len(ends) - 1)

    def summed(columns: tuple[str, ...]) -> Lots:
        out = np.zeros((len(ends), len(columns)), np.int64)
        for k, column in enumerate(columns):
            np.add.at(out[:, k], interval, rows[column])
        return out

    lots = np.diff(counts, axis=0, prepend=np.zeros((1, *counts.shape[1:]), np.int64))
    forced, people = summed(FORCED), CLASSES.index("leveraged")
    lots[:, people, :2] -= forced
    lots[:, CLASSES.index("liquidations"), :2] += forced
    last = np.searchsorted(interval, np.arange(len(ends)), side="right") - 1
    return Flow(name, ends, lots, summed(TAPE), market.lot_coin, np.asarray(rows["mark_usd"][last]))


def flow_frame(flows: list[Flow]) -> pd.DataFrame:
    """One row an interval, listing and class that ever took; columns as ``COLUMNS``."""
    import pandas as pd

    parts = []
    for flow in flows:
        nets = {f"{book}_net_btc": flow.net_coins(book) for book in ("perp", "spot")}
        for k, name in enumerate(CLASSES):
            if not flow.lots[:, k].any():
                continue
            columns: dict[str, Any] = {"elapsed_s": flow.end_s, "listing": flow.listing, "class": name}
            columns |= {f"{side}_lots": flow.lots[:, k, j] for j, side in enumerate(SIDES)}
            parts.append(pd.DataFrame(columns | {book: net[:, k] for book, net in nets.items()}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
