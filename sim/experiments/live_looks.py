"""Looks at the live market of a run: books, the account of a sale, the accounts that deleveraging may close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.metrics.position import LONG, SHORT, longest_spell

if TYPE_CHECKING:
    from sim.market import Market

Floats = NDArray[np.float64]
Look = Mapping[str, Any]
Numbers = dict[str, float]

EVERY_S = 10.0
"""Between two looks at a book, as the recorder's depth profile."""
BEFORE_S = 60.0
"""Length of the mean that a recovery is compared with."""
NEVER = float("nan")
"""What JSON and tables can hold of "never" and "not at all"."""


def end_of(look: Look, duration_s: float) -> float:
    """Last second that a look reads."""
    over = look.get("over")
    return duration_s if over is None else min(duration_s, look["at"] + over)


def spell(look: Look, time_s: Floats, values: Floats) -> float:
    """Longest time below a share of what a series was in the minute before; NEVER when it is not back at the end."""
    before = (time_s > look["at"] - BEFORE_S) & (time_s <= look["at"] + 1e-9)
    after = time_s >= look["at"] - 1e-9
    level = look["to"] * float(np.nanmean(values[before]))
    found = longest_spell(time_s[after], values[after], level, look["hold"])
    return found if np.isfinite(found) else NEVER


class Live(ABC):
    """A look at the live market at some times."""

    def __init__(self, look: Look) -> None:
        self.look, self.key = look, look["key"]

    @abstractmethod
    def times(self, duration_s: float) -> Floats:
        """When it looks, s."""

    @abstractmethod
    def see(self, at: float, market: Market) -> None:
        """One look."""

    @abstractmethod
    def numbers(self, until_s: float) -> Numbers:
        """What it found up to a time, s."""


class Depth(Live):
    """Depth of one side of a book over time: the least of it, or how long it stays away."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.seen: list[tuple[float, float]] = []

    def times(self, duration_s: float) -> Floats:
        """When it looks, s."""
        if self.look["kind"] == "recovery" and self.look["of"] != "depth":
            return np.empty(0)
        at, end = self.look["at"], end_of(self.look, duration_s)
        first = max(0.0, at - BEFORE_S + EVERY_S) if self.look["kind"] == "recovery" else at
        before = np.arange(at, first - 1e-9, -EVERY_S)
        return np.unique(np.concatenate([before, np.arange(at, end + 1e-9, EVERY_S)]))

    def see(self, at: float, market: Market) -> None:
        """One look."""
        self.seen.append((at, depth_usd(market, self.look["book"], self.look["side"], self.look["within"])))

    def numbers(self, until_s: float) -> Numbers:
        """What it found up to a time, s."""
        if not self.seen:
            return {}
        time_s, held = (np.array(column) for column in zip(*self.seen, strict=True))
        if self.look["kind"] == "recovery":
            return {self.key: spell(self.look, time_s, held)}
        told = held[time_s <= until_s]
        return {self.key: float(told.min())} if told.size else {}


class Sale(Live):
    """What the sale that is this run's last shock has brought. Its account begins without a position."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.seen: list[tuple[int, int, int]] = []
        self.units = (0.0, 0.0, 0)

    def times(self, duration_s: float) -> Floats:
        """When it looks, s."""
        return np.array([self.look["at"], min(duration_s, self.look["at"] + self.look["over"])])

    def see(self, at: float, market: Market) -> None:
        """One look."""
        from sim import units
        from sim.kernels.ledger import FLOW

        market.sync()
        state, book = market.state, 0 if self.look["book"] == "perp" else 1
        account = state.accounts[int(FLOW)]
        # Cost of the perp position: funding and fees are no part of it. Spot knows no funding: cash, fees put back.
        spent = account["entry_micro"] if book == 0 else -(account["cash_micro"] + account["fees_paid_micro"])
        wanted = units.lots_of_money(self.look["notional"], market.spec.market.price, market.lot_coin)
        self.seen.append((int(spent), int(state.books.positions[book, int(FLOW)]), wanted))
        self.units = (market.tick_usd, market.lot_coin, int(state.rules[book]["micro_per_tick_lot"]))

    def numbers(self, until_s: float) -> Numbers:
        """What it found up to a time, s."""
        (spent0, lots0, wanted), (spent1, lots1, _) = self.seen
        tick_usd, _, unit = self.units
        lots = lots1 - lots0
        price = (spent1 - spent0) / (lots * unit) * tick_usd if lots else NEVER
        return {f"{self.key}_sale_usd": price, f"{self.key}_filled": abs(lots) / wanted if wanted else NEVER}


class Deleveraged(Live):
    """Share of the coins of some accounts that deleveraging closes."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.rows: NDArray[np.int64] = np.empty(0, np.int64)
        self.held, self.closed = 0, [0, 0]

    def times(self, duration_s: float) -> Floats:
        """When it looks, s."""
        return np.array([self.look["at"], end_of(self.look, duration_s)])

    def see(self, at: float, market: Market) -> None:
        """One look."""
        market.sync()
        accounts = market.state.accounts
        if not self.held and at == self.look["at"]:
            side = LONG if self.look["side"] == "long" else SHORT
            lots, leverage = leverage_of_accounts(market)
            among = (leverage >= self.look["leverage_from"]) & (leverage <= self.look["leverage_to"])
            self.rows = np.flatnonzero((lots * side > 0) & among)
            self.held = int(np.abs(lots[self.rows]).sum())
            self.closed[0] = int(accounts["adl_lots"][self.rows].sum())
        self.closed[1] = int(accounts["adl_lots"][self.rows].sum())

    def numbers(self, until_s: float) -> Numbers:
        """What it found up to a time, s."""
        return {self.key: (self.closed[1] - self.closed[0]) / self.held if self.held else NEVER}


LIVE: dict[str, Callable[[Look], Live]] = {"depth": Depth, "recovery": Depth, "adl": Deleveraged}


def leverage_of_accounts(market: Market) -> tuple[NDArray[np.int64], Floats]:
    """Perp lots of each account, and notional over equity at mark; inf without equity. The fund is left out, and so are
    legs of accounts that are margined over several listings: the equity of one leg says nothing.

    Coins count as equity where the liquidation engine does not watch the account, as in its ranking (kernels/adl.py).
    """
    from sim.kernels.ledger import FUND

    state = market.state
    mark, unit = int(state.price[0]["mark_half_ticks"]), int(state.rules[0]["micro_per_tick_lot"])
    lots = state.books.positions[0].astype(np.int64).copy()
    lots[int(FUND)] = 0
    lots[state.accounts["joint"] != 0] = 0
    worth = 0.5 * mark * unit
    coins = np.where(state.accounts["leveraged"] != 0, 0, state.books.positions[1])
    equity = state.accounts["cash_micro"] + (lots + coins) * worth
    with np.errstate(divide="ignore", invalid="ignore"):
        return lots, np.where(equity > 0.0, np.abs(lots) * worth / equity, np.inf)


def depth_usd(market: Market, book: str, side: str, within: float) -> float:
    """Value at mid of one side of a book within a distance from mid; 0 for an empty side.

    Without the other side, distance counts from the touch.
    """
    from sim.kernels.book import META_BITS, META_FAR
    from sim.schema import NO_KEY

    market.sync()
    books, first = market.state.books, 0 if book == "perp" else 2
    best = [int(books.sides[first + s]["best"]) for s in (0, 1)]
    row = first + (0 if side == "bids" else 1)
    ladder = books.sides[row]
    if best[row - first] == NO_KEY:
        return 0.0
    bid, ask = (None if key == NO_KEY else abs(key) for key in best)
    middle = 0.5 * ((bid or ask or 0) + (ask or bid or 0))
    farthest = middle * (1.0 + within) if side == "asks" else -middle * (1.0 - within)
    worst = int(np.floor(farthest + 1e-9))
    low, mask, level0 = int(ladder["lo"]), int(ladder["mask"]), int(ladder["level0"])
    keys = np.arange(best[row - first], min(worst, low + mask) + 1)
    lots = int(books.levels["total_lots"][level0 + (keys & mask)].sum())
    if int(ladder["n_far"]) and worst > low + mask:
        pool = books.pool
        far = ((pool["generation"] & 1) == 1) & ((pool["meta"] >> int(META_BITS)) == row)
        far &= (pool["meta"] & int(META_FAR)) != 0
        key = pool["level"].astype(np.int64) * (1 if side == "asks" else -1)
        lots += int(pool["lots"][far & (key <= worst)].sum())
    return lots * market.lot_coin * middle * market.tick_usd
