"""Mesa agents: desks that show a participant's columns, and the base class of agents written in Python."""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import mesa
import numpy as np

from sim import units
from sim.errors import ShoalError
from sim.kernels.guests import account_of
from sim.kernels.mailbox import CANCEL, NEW, REPLACE
from sim.recorder import live_lots
from sim.schema import (
    FOK,
    GTC,
    IOC,
    MAX_LOTS,
    MAX_PRICE_TICKS,
    OK,
    ORDER_TAKEN_OFF,
    POST,
    REJECT_BAND,
    REJECT_CAPACITY,
    REJECT_COINS,
    REJECT_FOK,
    REJECT_HALT,
    REJECT_LOAD,
    REJECT_LOTS,
    REJECT_MARGIN,
    REJECT_POST,
    REJECT_PRICE,
    REJECT_STALE,
)
from sim.view import BOOKS, View

if TYPE_CHECKING:
    from sim.market import Market

SIDES = {"buy": 0, "sell": 1}
KINDS = {"gtc": int(GTC), "ioc": int(IOC), "fok": int(FOK), "post": int(POST)}
REASONS = {
    int(REJECT_MARGIN): "the free money of the account does not cover it",
    int(REJECT_COINS): "the free coins of the account do not cover it",
    int(REJECT_STALE): "the order was gone",
    int(REJECT_POST): "a post-only order would have traded",
    int(REJECT_FOK): "a fill-or-kill order could not be filled whole",
    int(REJECT_BAND): "the price is beyond the venue's band",
    int(REJECT_HALT): "trading is halted",
    int(REJECT_PRICE): "the book holds no such price",
    int(REJECT_LOTS): "the book holds no such size",
    int(REJECT_CAPACITY): "the book is full",
    int(REJECT_LOAD): "the venue is overloaded",
    int(ORDER_TAKEN_OFF): "the liquidation engine cancelled it",
}


class OrderRefused(ShoalError):
    """An order that could not be sent: an unknown word, a size or price that no book holds."""


class Ref(NamedTuple):
    """Name of an order: the agent's id and its own serial. Valid before and after the order reaches the book."""

    agent_id: int
    serial: int


class Fill(NamedTuple):
    """One execution of an agent's order. ``coins`` is positive; ``price`` in dollars."""

    ref: Ref
    time_s: float
    side: str
    coins: float
    price: float
    is_maker: bool


class Refusal(NamedTuple):
    """A message that the venue refused, or an order that the liquidation engine took off, and why."""

    ref: Ref
    time_s: float
    reason: str


class Desk(mesa.Agent, ABC):  # type: ignore[misc]  # Mesa has no types
    """A participant, or one population held in columns, as a Mesa agent.

    Parameters
    ----------
    market : Market
    """

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.market = market

    @abstractmethod
    def owners(self) -> Any:
        """Rows of the account table that belong to this desk (a slice or an array)."""

    def state(self) -> dict[str, Any]:
        """What the agent remembers beside the market's columns: numbers, texts, lists and dicts of them.

        An agent of your own defines this and ``restore``, both, or a run with it can be neither saved nor forked.
        """
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave; ``__init__`` is not called before."""

    @property
    def cash_usd(self) -> float:
        """Cash of all its accounts, in dollars."""
        self.market.sync()
        rows = self.market.state.accounts[self.owners()]
        return units.usd(int(rows["cash_micro"].sum()) + int(rows["free_micro"].sum()))

    @property
    def position_coins(self) -> float:
        """Perp position of all its accounts, in coins, shorts negative."""
        self.market.sync()
        return float(self.market.state.books.positions[0, self.owners()].sum()) * self.market.lot_coin

    @property
    def spot_coins(self) -> float:
        """Coins of all its accounts."""
        self.market.sync()
        return float(self.market.state.books.positions[1, self.owners()].sum()) * self.market.lot_coin


class TradingAgent(Desk):
    """Base class of a participant written in Python: subclass it, implement ``act``, schedule it with ``every`` or
    ``wake_at``.

    Parameters
    ----------
    market : Market
    cash_usd : float
        Cash deposited in a new account, in dollars.
    coins : float
        Coins deposited.
    latency_s : float
        Time from a decision to its arrival at the venue, in seconds.
    information_latency_s : float
        Age of what ``view`` shows, in seconds.
    leverage : float or None
        Largest notional over own money, 1 or more; 1 is fully funded. The venue's tiers allow less for large positions;
        ``None`` leaves it to them.

    Notes
    -----
    Orders in the book reserve money: perp orders initial margin, spot bids their price, spot asks coins
    (kernels/guests.py). What is not covered when it arrives is refused, see ``refusals``. The liquidation engine
    watches the account like every leveraged one and cancels the open orders first. Coins back no perp position.
    """

    def __init__(
        self,
        market: "Market",
        cash_usd: float = 0.0,
        coins: float = 0.0,
        latency_s: float = 0.05,
        information_latency_s: float = 0.0,
        leverage: float | None = 1.0,
    ) -> None:
        super().__init__(market)
        if not all(0.0 <= value < math.inf for value in (latency_s, information_latency_s, cash_usd, coins)):
            raise OrderRefused("money, coins and latencies of an agent must be finite and not negative; give 0 or more")
        if leverage is not None and not 1.0 <= leverage < math.inf:
            raise OrderRefused(f"leverage {leverage:g} of an agent: give 1 or more, or None for what the tiers allow")
        self.owner = market.open_account(cash_usd, coins, 0 if leverage is None else units.initial_ppm(leverage))
        self.latency_s = latency_s
        self.information_latency_s = information_latency_s
        self._tickets: list[int] = []
        self._orders: list[tuple[int, int]] = []  # book, side of each order, by serial
        self._serial_of: dict[int, int] = {}  # of each ticket
        self._sent = 0
        self._seen_fills = self._seen_refusals = int(market.state.clock[0]["n_guest_fills"])
        self._interval_s = 0.0

    def owners(self) -> Any:
        """Its one account."""
        return slice(self.owner, self.owner + 1)

    def account_state(self) -> dict[str, Any]:
        """What this class remembers of account and orders; saved beside what ``state`` of a subclass gives."""
        return {
            "owner": self.owner, "latency_s": self.latency_s, "information_latency_s": self.information_latency_s,
            "tickets": self._tickets, "orders": [list(order) for order in self._orders], "sent": self._sent,
            "seen_fills": self._seen_fills, "seen_refusals": self._seen_refusals, "interval_s": self._interval_s,
        }  # fmt: skip

    def restore_account(self, state: dict[str, Any]) -> None:
        """Take up what ``account_state`` gave."""
        self.owner, self.latency_s = state["owner"], state["latency_s"]
        self.information_latency_s, self._interval_s = state["information_latency_s"], state["interval_s"]
        self._tickets, self._sent = list(state["tickets"]), state["sent"]
        self._orders = [(b, s) for b, s in state["orders"]]
        self._serial_of = {ticket: serial for serial, ticket in enumerate(self._tickets)}
        self._seen_fills, self._seen_refusals = state["seen_fills"], state["seen_refusals"]

    # --- calendar
    # -------------------------------------------------------------------------------------------------------------

    def act(self) -> None:
        """What the agent does when it wakes; the market is up to date by then."""
        raise NotImplementedError(f"{type(self).__name__} wakes but has no act(); define it to say what it does then")

    def wake_at(self, seconds: float) -> None:
        """Call ``act`` at a model time, in seconds; one that is over is refused."""
        if not self.market.time <= seconds < math.inf:
            raise OrderRefused(f"cannot wake at {seconds:g} s: give a time from now ({self.market.time:g} s) on")
        self.market.schedule_event(self._wake, at=seconds)

    def every(self, interval_s: float, start_s: float = 0.0) -> None:
        """Call ``act`` each ``interval_s`` seconds, first at ``start_s`` (or one interval from now)."""
        if not 0.0 < interval_s < math.inf:
            raise OrderRefused(f"cannot wake every {interval_s:g} s: give a positive number of seconds")
        self._interval_s = interval_s
        self.wake_at(start_s if start_s > 0.0 else self.market.time + interval_s)

    def _wake(self) -> None:
        self.market.sync()
        self.act()
        if self._interval_s > 0.0:
            self.market.schedule_event(self._wake, after=self._interval_s)

    # --- looking
    # --------------------------------------------------------------------------------------------------------------

    def view(self) -> View:
        """The market as this agent sees it, ``information_latency_s`` ago."""
        return self.market.view(self.information_latency_s)

    def fills(self) -> list[Fill]:
        """Executions since the last call, oldest first."""
        rows, self._seen_fills = self._log_since(self._seen_fills)
        return [
            Fill(
                self._ref(row),
                float(row["time_us"]) / units.MICRO,
                "sell" if row["side"] else "buy",
                float(row["lots"]) * self.market.lot_coin,
                float(row["price_ticks"]) * self.market.tick_usd,
                bool(row["is_maker"]),
            )
            for row in rows
            if row["status"] == OK
        ]

    def refusals(self) -> list[Refusal]:
        """Messages that the venue refused since the last call, and orders that the liquidation engine cancelled; oldest
        first.
        """
        rows, self._seen_refusals = self._log_since(self._seen_refusals)
        return [
            Refusal(self._ref(row), float(row["time_us"]) / units.MICRO, REASONS[int(row["status"])])
            for row in rows
            if row["status"] != OK
        ]

    def _log_since(self, seen: int) -> tuple[list[Any], int]:
        """Rows of the log about its own orders from row ``seen`` on, and the row after them."""
        self.market.sync()
        state = self.market.state
        n = int(state.clock[0]["n_guest_fills"])
        return [row for row in state.guest_fills[seen:n] if int(row["ticket"]) in self._serial_of], n

    def _ref(self, row: Any) -> Ref:
        return Ref(self.unique_id, self._serial_of[int(row["ticket"])])

    @property
    def equity_usd(self) -> float:
        """Cash, locked or not, and perp position at mark, in dollars; coins not counted."""
        return units.usd(self._account()[0])

    @property
    def free_usd(self) -> float:
        """Equity that neither the position nor orders in the book reserve, in dollars: what a new order may use."""
        equity, reserved = self._account()
        return units.usd(equity - reserved)

    @property
    def liquidation_usd(self) -> float | None:
        """Last mark at which the account is safe from liquidation, in dollars; ``None`` without a perp position."""
        self.market.sync()
        account = self.market.state.accounts[self.owner]
        return float(account["liquidation_half_ticks"]) * 0.5 * self.market.tick_usd if account["held_lots"] else None

    def _account(self) -> tuple[int, int]:
        """Equity and what is reserved, in micro-dollars."""
        self.market.sync()
        state = self.market.state
        mark = state.price[0]["mark_half_ticks"]
        equity, reserved = account_of(np.int64(self.owner), state.books, state.ledger(), state.tiers, mark)
        return int(equity), int(reserved)

    def open_coins(self, ref: Ref) -> float:
        """Coins of an order still resting in the book; 0 before it arrives and after it is done."""
        self.market.sync()
        handle = self.market.state.tickets["handle"][[self._ticket(ref)]]
        return float(live_lots(self.market.state.books, handle)[0]) * self.market.lot_coin

    # --- orders
    # ---------------------------------------------------------------------------------------------------------------

    def submit(self, book: str, side: str, price: float, coins: float, kind: str = "gtc") -> Ref:
        """Send a limit order; it arrives ``latency_s`` later, and is refused then if the account does not cover it.

        Parameters
        ----------
        book : {"perp", "spot"}
        side : {"buy", "sell"}
        price : float
            Dollars; rounded to the tick away from the market (bids down, asks up).
        coins : float
            Rounded down to whole lots.
        kind : {"gtc", "ioc", "fok", "post"}

        Raises
        ------
        OrderRefused
            With the reason, before anything is sent.
        """
        b, s, k = _word(BOOKS, book, "book"), _word(SIDES, side, "side"), _word(KINDS, kind, "kind")
        market = self.market
        ticks, lots = self._size(s, price, coins)
        ticket = market.new_ticket(self.owner)
        self._serial_of[ticket] = len(self._tickets)
        self._tickets.append(ticket)
        self._orders.append((b, s))
        self._send(ticket, int(NEW), b, s, ticks, lots, k)
        return Ref(self.unique_id, len(self._tickets) - 1)

    def market_order(self, book: str, side: str, coins: float) -> Ref:
        """Send an order that takes what it finds within the venue's bound of the mark, and rests nothing."""
        b, s = _word(BOOKS, book, "book"), _word(SIDES, side, "side")
        view = self.view()
        reference = view.mark if b == 0 else view.index_price
        bound = int(self.market.state.rules[b]["order_bound_ppm"]) / units.PPM
        return self.submit(book, side, reference * (1.0 + bound if s == 0 else 1.0 - bound), coins, "ioc")

    def cancel(self, ref: Ref) -> None:
        """Send a cancel; works at any time, also before the order has arrived (it then follows it)."""
        ticket = self._ticket(ref)
        b, s = self._orders[ref.serial]
        self._send(ticket, int(CANCEL), b, s, 0, 0, int(GTC))

    def replace(self, ref: Ref, price: float, coins: float) -> None:
        """Send a new price and open size for an order; it loses its place in the queue. Refused at the venue when
        the order is gone.
        """
        ticket = self._ticket(ref)
        b, s = self._orders[ref.serial]
        ticks, lots = self._size(s, price, coins)
        self._send(ticket, int(REPLACE), b, s, ticks, lots, int(GTC))

    def _size(self, s: int, price: float, coins: float) -> tuple[int, int]:
        """Ticks and lots of an order; refused when the book could not hold it."""
        if not (math.isfinite(price) and math.isfinite(coins)):
            raise OrderRefused(f"order of {coins:g} coins at {price:g} USD: both must be finite numbers")
        market = self.market
        ticks = units.bid_ticks(price, market.tick_usd) if s == 0 else units.ask_ticks(price, market.tick_usd)
        lots = units.lots(coins, market.lot_coin)
        if lots < 1 or ticks < 1:
            raise OrderRefused(
                f"order of {coins:g} coins at {price:g} USD is below one lot or one tick; send a larger one"
            )
        if lots > MAX_LOTS or ticks > MAX_PRICE_TICKS:
            raise OrderRefused(
                f"order of {coins:g} coins at {price:g} USD is beyond what a book holds; send a smaller one"
            )
        return ticks, lots

    def _ticket(self, ref: Ref) -> int:
        if ref.agent_id != self.unique_id or not 0 <= ref.serial < len(self._tickets):
            raise OrderRefused(f"{ref} is no order of agent {self.unique_id}; use what its own submit returned")
        return self._tickets[ref.serial]

    def _send(self, ticket: int, action: int, b: int, s: int, ticks: int, lots: int, kind: int) -> None:
        arrival = self.market.time_us + units.nearest_us(self.latency_s * self.market.agent_latency_factor)
        self.market.post((arrival, self._sent, ticket, ticks, lots, self.owner, action, kind, b, s, 0))
        self._sent += 1


def _word(table: dict[str, int], word: str, what: str) -> int:
    try:
        return table[word]
    except KeyError:
        raise OrderRefused(f"unknown {what} {word!r}; use one of {', '.join(table)}") from None
