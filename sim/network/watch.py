"""What a network leaves behind beside its listings' rows: whose each account is, what owners had at the start, and what
bridge firms have on its way at each full minute. Nothing here changes a result.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.kernels.ledger import FEES, FLOW, FUND, HEDGERS, NOISE, TAKERS
from sim.kernels.transit import CASH, COINS
from sim.layout import layout_of

if TYPE_CHECKING:
    from sim.network.network import Network
    from sim.state import Array, State

MINUTE_US = 60_000_000
AT_ONCE = 4096  # accounts whose numbers are Python's for a moment, 100 bytes each
GROUPS = (
    "background", "fund", "fees", "hedgers", "makers", "latent", "arbitrage", "dip_buyers", "trend", "people",
    "portfolios", "long_short", "bridge", "agents",
)  # fmt: skip
"""Kinds of account owners; ``long_short`` are cross-margin portfolios that begin with longs and shorts."""
SINGLE = ((TAKERS, "background"), (NOISE, "background"), (FLOW, "background"), (FUND, "fund"), (FEES, "fees"),
          (HEDGERS, "hedgers"))  # fmt: skip

# One row a minute and exchange, at the minute's end. Sums over the listings of an exchange.
TRANSIT = np.dtype(
    [
        ("time_us", "i8"),
        ("exchange", "i8"),
        ("cash_micro", "i8"),  # on its way there
        ("coins_micro", "i8"),  # coins on their way there, at the last spot mid of where they go
        ("legs_sent", "i8"),  # of the whole network, since the row before
        ("legs_stopped", "i8"),  # firm-ticks in which a gap paid and a balance did not reach; as before
    ]
)

# Owners who were liquidated or taken over in any listing: one row for each of their accounts; and each listing's fund.
STAKE = np.dtype(
    [
        ("listing", "i8"),
        ("account", "i8"),
        ("group", "i8"),
        ("owner", "i8"),
        ("start_micro", "i8"),  # cash, position at mark, coins at spot mid
        ("end_micro", "i8"),
    ]
)


class Watched(NamedTuple):
    """``transit`` TRANSIT[n], ``stakes`` STAKE[m]; ``groups`` and ``owners`` of each listing's account rows: places in
    ``GROUPS``, and a number that the rows of one owner share over all listings.
    """

    transit: "Array"
    stakes: "Array"
    groups: dict[str, "Array"]
    owners: dict[str, "Array"]


@dataclass
class Watch:
    """Looks on; ``starts`` is what each account had at time 0."""

    starts: list["Array"] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)
    next_us: int = MINUTE_US
    seen: tuple[int, int] = (0, 0)  # legs sent and stopped up to the row before

    def begin(self, network: "Network") -> None:
        """Note what everybody has."""
        self.starts = [worth(market.state) for market in network.markets.values()]

    def next_s(self, tick_us: int) -> float:
        """Time of the next look, seconds: the first end of a tick at or after the full minute."""
        return -(-self.next_us // tick_us) * tick_us / 1e6

    def look(self, network: "Network") -> bool:
        """Append the rows of the minute if it is over; returns whether it is."""
        now_us = network.tick * int(network.lead.state.clock[0]["tick_us"])
        if now_us < self.next_us:
            return False
        self.next_us = (now_us // MINUTE_US + 1) * MINUTE_US
        desk = network.couplings.desk[0]
        legs = int(desk["sent"]), int(desk["stopped"])
        on_way = network.couplings.wallets.seats["on_way"].sum(axis=0)
        states = [market.state for market in network.markets.values()]
        for e in range(len(network.couplings.shared_fund)):
            mine = np.flatnonzero(network.couplings.listings["exchange"] == e)
            cash = int(on_way[mine, int(CASH)].sum())
            sent = mine[on_way[mine, int(COINS)] != 0]
            coins = sum(int(on_way[k, int(COINS)]) * mid_value(states[k]) // 2 for k in sent)
            self.rows.append((now_us, e, cash, coins, legs[0] - self.seen[0], legs[1] - self.seen[1]))
        self.seen = legs
        return True

    def collect(self, network: "Network") -> Watched:
        """Tables up to now."""
        groups = [groups_of(network, k) for k in range(len(network.markets))]
        owners = owners_of(network)
        stakes = stakes_of(network, self.starts, groups, owners)
        names = list(network.markets)
        return Watched(
            np.array(self.rows, TRANSIT), stakes,
            dict(zip(names, groups, strict=True)), dict(zip(names, owners, strict=True)),
        )  # fmt: skip


def mid_value(state: "State") -> int:
    """Twice the micro-dollars of a lot at the last spot mid; at mark where there is no spot price."""
    price = state.price[0]
    book = 1 if int(price["spot_half_ticks"]) else 0
    half = int(price["spot_half_ticks"]) or int(price["mark_half_ticks"])
    return half * int(state.rules[book]["micro_per_tick_lot"])


def worth(state: "State") -> "Array":
    """What each account has, micro-dollars: cash, position at mark, coins at the last spot mid; halves rounded down."""
    accounts, positions = state.accounts, state.books.positions
    mark = int(state.price[0]["mark_half_ticks"]) * int(state.rules[0]["micro_per_tick_lot"])
    coin = mid_value(state)
    out: Array = accounts["cash_micro"] + accounts["free_micro"]
    for first in range(0, len(out), AT_ONCE):
        perp, coins = positions[:, first : first + AT_ONCE].astype(object)  # whole numbers of any size
        out[first : first + AT_ONCE] += ((perp * mark + coins * coin) // 2).astype(np.int64)
    return out


def groups_of(network: "Network", k: int) -> "Array":
    """Place in ``GROUPS`` of each account row of a listing."""
    market = list(network.markets.values())[k]
    state, places = market.state, {name: i for i, name in enumerate(GROUPS)}
    out = np.full(len(state.accounts), places["agents"], np.int8)
    for row, name in SINGLE:
        out[row] = places[name]
    clock, firms = state.clock[0], network.couplings.wallets
    first_joint, end_joint, bridge = int(clock["first_joint"]), int(clock["end_joint"]), int(firms.rows[k])
    layout = layout_of(market.spec, 0)
    for name in layout.groups:
        out[layout.rows(name)] = places[name]
    out[layout.first_leveraged : first_joint if end_joint > first_joint else bridge] = places["people"]
    legs = network.couplings.portfolios.legs
    mixed = long_short(network)
    mine = legs["listing"] == k
    out[legs["row"][mine]] = np.where(mixed[legs["portfolio"][mine]], places["long_short"], places["portfolios"])
    out[bridge : bridge + len(firms.firms)] = places["bridge"]
    return out


def long_short(network: "Network") -> "Array":
    """Whether each portfolio began with longs and shorts."""
    portfolios = network.couplings.portfolios
    sides = np.zeros((2, len(portfolios.all)), bool)
    for k, market in enumerate(network.markets.values()):
        legs = portfolios.legs[portfolios.legs["listing"] == k]
        start = market.state.accounts["start_lots"][legs["row"]]
        for side, holds in enumerate((start > 0, start < 0)):
            sides[side, legs["portfolio"][holds]] = True
    out: Array = sides.all(axis=0)
    return out


def owners_of(network: "Network") -> list["Array"]:
    """A number for the owner of each account row; portfolios and bridge firms have one over all listings."""
    portfolios, firms, out = network.couplings.portfolios, network.couplings.wallets, []
    shared = len(portfolios.all) + len(firms.firms)
    for k, market in enumerate(network.markets.values()):
        n = len(market.state.accounts)
        owners = shared + np.arange(n, dtype=np.int32)
        mine = portfolios.legs["listing"] == k
        owners[portfolios.legs["row"][mine]] = portfolios.legs["portfolio"][mine]
        first = int(firms.rows[k])
        owners[first : first + len(firms.firms)] = len(portfolios.all) + np.arange(len(firms.firms))
        out.append(owners)
        shared += n
    return out


def stakes_of(network: "Network", starts: list["Array"], groups: list["Array"], owners: list["Array"]) -> "Array":
    """Rows of STAKE; an account opened after the start had nothing."""
    states = [market.state for market in network.markets.values()]
    touched = [
        np.flatnonzero((state.accounts["first_forced_us"] >= 0) | (state.accounts["taken_lots"] != 0))
        for state in states
    ]
    struck = np.unique(np.concatenate([own[rows] for own, rows in zip(owners, touched, strict=True)]))
    parts = []
    for k, state in enumerate(states):
        rows = np.flatnonzero(np.isin(owners[k], struck) | (np.arange(len(owners[k])) == FUND))
        part = np.zeros(len(rows), STAKE)
        before = np.zeros(len(state.accounts), np.int64)
        before[: len(starts[k])] = starts[k]
        part["listing"], part["account"] = k, rows
        part["group"], part["owner"] = groups[k][rows], owners[k][rows]
        part["start_micro"], part["end_micro"] = before[rows], worth(state)[rows]
        parts.append(part)
    return np.concatenate(parts)
