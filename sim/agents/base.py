"""Mesa agents: desks that show a participant's columns, and the base class of agents written in Python."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import mesa

from sim import units
from sim.errors import ShoalError
from sim.kernels.mailbox import CANCEL, NEW, REPLACE
from sim.recorder import live_lots
from sim.schema import FOK, GTC, IOC, MAX_LOTS, MAX_PRICE_TICKS, POST
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

    Notes
    -----
    Perp positions and open orders of both books together are limited to the account's own money, fees included (no
    leverage), spot sales to its coins. Such an account needs no liquidation engine: it could owe something only if the
    price doubled against a short that holds all its money.
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
        if not all(0.0 <= value < math.inf for value in (latency_s, information_latency_s, cash_usd, coins)):
            raise OrderRefused("money, coins and latencies of an agent must be finite and not negative; give 0 or more")
        self.owner = market.open_account(cash_usd, coins)
        self.latency_s = latency_s
        self.information_latency_s = information_latency_s
        self._tickets: list[int] = []
        self._orders: list[tuple[int, int]] = []  # book, side of each order, by serial
        self._serial_of: dict[int, int] = {}  # of each ticket
        self._open: list[int] = []  # tickets that may be on their way or resting
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
        self.market.sync()
        state = self.market.state
        n = int(state.clock[0]["n_guest_fills"])
        rows = state.guest_fills[self._seen_fills : n]
        self._seen_fills = n
        serial_of = self._serial_of
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
        ticks, lots = self._size(s, price, coins)
        self._refuse_uncovered(b, s, ticks, lots)
        ticket = market.new_ticket(is_guest=True)
        self._serial_of[ticket] = len(self._tickets)
        self._tickets.append(ticket)
        self._open.append(ticket)
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
        self._refuse_uncovered(b, s, ticks, lots)
        if ticket not in self._open:
            self._open.append(ticket)
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

    def _refuse_uncovered(self, b: int, s: int, ticks: int, lots: int) -> None:
        """Refuse an order whose fill, with all open orders filled, the account could not pay for."""
        self.market.sync()
        state = self.market.state
        orders = [*self._committed(), (b, s, lots, ticks)]
        wanted = [[sum(o[2] for o in orders if o[:2] == (book, side)) for side in (0, 1)] for book in (0, 1)]
        perp, coins = (int(lots_held) for lots_held in state.books.positions[:, self.owner])
        mark = int(state.price[0]["mark_half_ticks"])
        unit, spot_unit = (int(value) for value in state.rules["micro_per_tick_lot"])
        money = int(state.accounts[self.owner]["cash_micro"]) + perp * mark * unit // 2
        exposure = max(abs(perp + wanted[0][0]), abs(perp - wanted[0][1]))
        spot_micro = sum(o[2] * o[3] for o in orders if o[:2] == (1, 0)) * spot_unit
        perp_micro = max(wanted[0]) * mark * unit // 2
        fees = -(-(perp_micro + spot_micro) * int(state.rules["taker_fee_ppm"].max()) // units.PPM)
        covered = money >= exposure * mark * unit // 2 + spot_micro + fees
        if b == 0:
            only_closes = perp * (1 - 2 * s) < 0 and wanted[0][s] <= abs(perp)
            covered = covered or only_closes
        elif s == 1:
            covered = coins >= wanted[1][1]
        if not covered:
            raise OrderRefused(
                f"agent {self.unique_id}: the account does not cover {lots} lots more; deposit more or cancel orders"
            )

    def _committed(self) -> list[tuple[int, int, int, int]]:
        """Book, side, lots and ticks of each of its orders on their way or resting."""
        state = self.market.state
        rows = state.tickets[self._open]
        resting = live_lots(state.books, rows["handle"])
        out, self._open, before = [], [], self._open
        for ticket, row, lots in zip(before, rows, resting, strict=True):
            if int(lots) or int(row["pending"]):
                self._open.append(ticket)
                out.append((*self._orders[self._serial_of[ticket]], int(lots), int(row["price_ticks"])))
        mail = state.messages[: int(state.clock[0]["n_mail"])]
        for m in mail[(mail["owner"] == self.owner) & (mail["action"] != CANCEL)]:
            out.append((int(m["book"]), int(m["side"]), int(m["lots"]), int(m["price_ticks"])))
        return out


def _word(table: dict[str, int], word: str, what: str) -> int:
    try:
        return table[word]
    except KeyError:
        raise OrderRefused(f"unknown {what} {word!r}; use one of {', '.join(table)}") from None
