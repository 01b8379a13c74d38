"""Mesa agents: desks that show a participant's columns, and the base class of agents written in Python."""

from typing import TYPE_CHECKING, Any, NamedTuple

import mesa

from sim import units
from sim.errors import ShoalError
from sim.kernels.mailbox import CANCEL, NEW, REPLACE
from sim.recorder import live_lots
from sim.schema import FOK, GTC, IOC, POST
from sim.view import BOOKS, View

if TYPE_CHECKING:
    from sim.market import Market

SIDES = {"buy": 0, "sell": 1}
KINDS = {"gtc": int(GTC), "ioc": int(IOC), "fok": int(FOK), "post": int(POST)}


class OrderRefused(ShoalError):
    """An order that could not be sent: unknown word, bad size or price, or not covered by the account."""


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


class Desk(mesa.Agent):  # type: ignore[misc]  # Mesa has no types
    """A participant, or one population held in columns, as a Mesa agent.

    Parameters
    ----------
    market : Market
    """

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.market = market

    def owners(self) -> Any:
        """Rows of the account table that belong to this desk (a slice or an array)."""
        raise NotImplementedError

    @property
    def cash_usd(self) -> float:
        """Cash of all its accounts, in dollars."""
        self.market.sync()
        return units.usd(int(self.market.state.accounts["cash_micro"][self.owners()].sum()))

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

    Notes
    -----
    Perp positions and open orders together are limited to the account's own money (no leverage), spot sales to its
    coins, spot purchases to its cash: such an account can owe nothing and needs no liquidation engine.
    """

    def __init__(
        self,
        market: "Market",
        cash_usd: float = 0.0,
        coins: float = 0.0,
        latency_s: float = 0.05,
        information_latency_s: float = 0.0,
    ) -> None:
        super().__init__(market)
        if latency_s < 0.0 or information_latency_s < 0.0 or cash_usd < 0.0 or coins < 0.0:
            raise OrderRefused("money, coins and latencies of an agent must not be negative; give 0 or more")
        self.owner = market.open_account(cash_usd, coins)
        self.latency_s = latency_s
        self.information_latency_s = information_latency_s
        self._tickets: list[int] = []
        self._orders: list[tuple[int, int]] = []  # book, side of each order, by serial
        self._sent = 0
        self._seen_fills = int(market.state.clock[0]["n_guest_fills"])
        self._interval_s = 0.0

    def owners(self) -> Any:
        """Its one account."""
        return slice(self.owner, self.owner + 1)

    # --- calendar
    # -------------------------------------------------------------------------------------------------------------

    def act(self) -> None:
        """What the agent does when it wakes; the market is up to date by then."""
        raise NotImplementedError

    def wake_at(self, seconds: float) -> None:
        """Call ``act`` at a model time."""
        self.market.schedule_event(self._wake, at=seconds)

    def every(self, interval_s: float, start_s: float = 0.0) -> None:
        """Call ``act`` each ``interval_s`` seconds, first at ``start_s`` (or one interval from now)."""
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
        self.market.sync()
        state = self.market.state
        n = int(state.clock[0]["n_guest_fills"])
        rows = state.guest_fills[self._seen_fills : n]
        self._seen_fills = n
        serial_of = {ticket: serial for serial, ticket in enumerate(self._tickets)}
        return [
            Fill(
                Ref(self.unique_id, serial_of[int(row["ticket"])]),
                float(row["time_us"]) / units.MICRO,
                "sell" if row["side"] else "buy",
                float(row["lots"]) * self.market.lot_coin,
                float(row["price_ticks"]) * self.market.tick_usd,
                bool(row["is_maker"]),
            )
            for row in rows
            if int(row["ticket"]) in serial_of
        ]

    def open_coins(self, ref: Ref) -> float:
        """Coins of an order still resting in the book; 0 before it arrives and after it is done."""
        self.market.sync()
        handle = self.market.state.tickets["handle"][[self._ticket(ref)]]
        return float(live_lots(self.market.state.books, handle)[0]) * self.market.lot_coin

    # --- orders
    # ---------------------------------------------------------------------------------------------------------------

    def submit(self, book: str, side: str, price: float, coins: float, kind: str = "gtc") -> Ref:
        """Send a limit order; it arrives ``latency_s`` later.

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
        lots = units.lots(coins, market.lot_coin)
        ticks = units.bid_ticks(price, market.tick_usd) if s == 0 else units.ask_ticks(price, market.tick_usd)
        if lots < 1 or ticks < 1:
            raise OrderRefused(
                f"order of {coins:g} coins at {price:g} USD is below one lot or one tick; send a larger one"
            )
        self._refuse_uncovered(b, s, ticks, lots)
        ticket = market.new_ticket(is_guest=True)
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
        tick_usd = self.market.tick_usd
        ticks = units.bid_ticks(price, tick_usd) if s == 0 else units.ask_ticks(price, tick_usd)
        lots = units.lots(coins, self.market.lot_coin)
        self._refuse_uncovered(b, s, ticks, lots)
        self._send(ticket, int(REPLACE), b, s, ticks, lots, int(GTC))

    def _ticket(self, ref: Ref) -> int:
        if ref.agent_id != self.unique_id or not 0 <= ref.serial < len(self._tickets):
            raise OrderRefused(f"{ref} is no order of agent {self.unique_id}; use what its own submit returned")
        return self._tickets[ref.serial]

    def _send(self, ticket: int, action: int, b: int, s: int, ticks: int, lots: int, kind: int) -> None:
        arrival = self.market.time_us + units.nearest_us(self.latency_s)
        self.market.post((arrival, self._sent, ticket, ticks, lots, self.owner, action, kind, b, s, 0))
        self._sent += 1

    def _refuse_uncovered(self, b: int, s: int, ticks: int, lots: int) -> None:
        """Refuse an order whose fill, with all open orders of that side filled, the account could not pay for."""
        self.market.sync()
        state = self.market.state
        committed_lots, committed_micro = self._committed(b, s)
        unit = int(state.rules[b]["micro_per_tick_lot"])
        cash = int(state.accounts[self.owner]["cash_micro"])
        position = int(state.books.positions[b, self.owner])
        wanted_lots = committed_lots + lots
        if b == 1:
            covered = cash >= committed_micro + ticks * lots * unit if s == 0 else position >= wanted_lots
        else:
            mark = int(state.price[0]["mark_half_ticks"])
            after = abs(position + (wanted_lots if s == 0 else -wanted_lots))
            equity = cash + position * mark * unit // 2
            covered = after <= abs(position) or 2 * equity >= after * mark * unit
        if not covered:
            raise OrderRefused(
                f"agent {self.unique_id}: the account does not cover {lots} lots more; deposit more or cancel orders"
            )

    def _committed(self, b: int, s: int) -> tuple[int, int]:
        """Lots and micro-dollars of its orders of one side on their way or resting."""
        state = self.market.state
        mine = [t for t, order in zip(self._tickets, self._orders, strict=True) if order == (b, s)]
        if not mine:
            return 0, 0
        rows = state.tickets[mine]
        resting = live_lots(state.books, rows["handle"])
        unit = int(state.rules[b]["micro_per_tick_lot"])
        lots, micro = int(resting.sum()), int((resting * rows["price_ticks"]).sum()) * unit
        for m in state.messages[: int(state.clock[0]["n_mail"])]:
            if (
                int(m["owner"]) == self.owner
                and (int(m["book"]), int(m["side"])) == (b, s)
                and int(m["action"]) != CANCEL
            ):
                lots += int(m["lots"])
                micro += int(m["lots"]) * int(m["price_ticks"]) * unit
        return lots, micro


def _word(table: dict[str, int], word: str, what: str) -> int:
    try:
        return table[word]
    except KeyError:
        raise OrderRefused(f"unknown {what} {word!r}; use one of {', '.join(table)}") from None
