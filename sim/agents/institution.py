"""Institutions: desks of the calendar that own named accounts, move money and coins exactly, and trade by plan.

A fund, a company, holders of coins: they need no behaviour in every tick. What they do happens at events; their orders
enter the mailbox as everybody's. Each keeps books of its own, posted from what it moved and from the market's log of
its fills, and the market's accounts must agree with them to the micro-dollar and the lot (``drift``). What enters or
leaves the market is a deposit or a withdrawal and moves the totals that the conservation laws check.
"""

from abc import abstractmethod
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim import units
from sim.agents.base import REASONS, SIDES, Desk
from sim.agents.execution import Execution, bounded_price
from sim.behaviours.news import RAMP
from sim.calendar_ny import NEW_YORK
from sim.errors import ShoalError
from sim.kernels.guests import account_of
from sim.kernels.mailbox import NEW
from sim.layout import INSTITUTION_KEY, KEYS_OF_AN_INSTITUTION
from sim.schema import IOC, MAX_LOTS, OK
from sim.view import BOOKS

if TYPE_CHECKING:
    from sim.market import Market

LATENCY_US = 50_000  # from a decision to its arrival: as ``TradingAgent``; nothing here is decided in seconds


class NotCovered(ShoalError):
    """A transfer or withdrawal of more than an account has to give."""


@dataclass
class Account:
    """An account as its institution's own books have it.

    Attributes
    ----------
    name : str
    owner : int
        Row of the market's account table.
    cash_micro, coin_lots, perp_lots : int
        What it has; a perp position's price is in the cash, as in the market.
    fees_micro : int
        Fees paid so far.
    traded_lots : int
        Coins bought in the spot book so far, net of those sold.
    """

    name: str
    owner: int
    cash_micro: int = 0
    coin_lots: int = 0
    perp_lots: int = 0
    fees_micro: int = 0
    traded_lots: int = 0


class Institution(Desk):
    """Base class: subclass it, open accounts and put the first events into the calendar in ``begin``.

    A subclass names its group of settings (``NAME``, which also names its ledger) and its keys (``NUMBER``, one for
    each class), keeps what it remembers in ``memory`` and ``recall``, and calls only methods of its own with plain
    arguments at events. It draws from ``draws``, never from a generator that goes on.
    """

    NAME: ClassVar[str]
    NUMBER: ClassVar[int]

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.accounts: dict[str, Account] = {}
        self.orders: dict[int, Execution] = {}  # under way, by number
        self.entries: list[dict[str, Any]] = []  # of the ledger, in whole units
        self.n_orders = self._sent = 0
        self._seen = int(market.state.clock[0]["n_guest_fills"])

    @classmethod
    def is_in(cls, spec: Any) -> bool:
        """Whether a scenario has it."""
        settings = getattr(spec, cls.NAME, None)
        return bool(settings is not None and settings.enabled)

    @property
    def settings(self) -> Any:
        """Its group of settings, as they are now."""
        return getattr(self.market.spec, self.NAME)

    @abstractmethod
    def begin(self) -> None:
        """Open accounts and put the first events into the calendar; called once, at the start."""

    def finished(self, order: Execution) -> None:
        """What it does when an order is over; ``order.left_lots`` were not filled."""

    def memory(self) -> dict[str, Any]:
        """What a subclass remembers beside accounts, orders and ledger: plain values."""
        return {}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""

    def state(self) -> dict[str, Any]:
        """Everything it remembers."""
        return {
            "accounts": [asdict(account) for account in self.accounts.values()],
            "orders": [order.state() for order in self.orders.values()],
            "entries": self.entries,
            "counts": [self.n_orders, self._sent, self._seen],
            "memory": self.memory(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave."""
        self.accounts = {row["name"]: Account(**row) for row in state["accounts"]}
        self.orders = {row["number"]: Execution(**row) for row in state["orders"]}
        self.entries = list(state["entries"])
        self.n_orders, self._sent, self._seen = state["counts"]
        self.recall(state["memory"])

    def owners(self) -> Any:
        """Rows of its accounts."""
        return np.array([account.owner for account in self.accounts.values()], np.int64)

    # --- time and chance
    # -----------------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """Model time as an instant in UTC."""
        return self.market.spec.start_utc + timedelta(microseconds=self.market.time_us)

    @property
    def today(self) -> str:
        """The date in New York, ISO."""
        return self.now.astimezone(NEW_YORK).date().isoformat()

    def seconds(self, moment: datetime) -> float:
        """Model time of an instant."""
        return (moment - self.market.spec.start_utc).total_seconds()

    def draws(self, *words: int) -> np.random.Generator:
        """Generator of one purpose: named by the run's seed and whole numbers (a DRAW constant, a day, a company)."""
        return np.random.default_rng([self.market.seed, *words])

    def move_news(self, log_move: float, over_s: float) -> None:
        """Let the news value of the asset move from the next tick on, linear in log, in every listing of it."""
        for market in self.market.same_asset:
            clock = market.state.clock[0]
            start = max(market.time_us, int(clock["tick"]) * int(clock["tick_us"]))
            end = start + max(units.nearest_us(over_s), int(clock["tick_us"]))
            row = np.array([(start, end, log_move)], RAMP)
            market.state.ramps = np.concatenate([market.state.ramps, row])

    # --- money and coins
    # -----------------------------------------------------------------------------------------------------------------

    def open(
        self, name: str, cash_micro: int = 0, coin_lots: int = 0, leverage: float = 1.0, professional: bool = True
    ) -> Account:
        """Open an account with a deposit.

        Parameters
        ----------
        name : str
        cash_micro, coin_lots : int
            Deposited.
        leverage : float
            Largest notional of a perp position over own money.
        professional : bool
            Whether it pays a firm's fees or everybody's.
        """
        if name in self.accounts or len(self.accounts) >= KEYS_OF_AN_INSTITUTION:
            raise NotCovered(f"{self.NAME} cannot open account {name!r}: it is there, or too many are")
        key = INSTITUTION_KEY + KEYS_OF_AN_INSTITUTION * self.NUMBER + len(self.accounts)
        owner = self.market.open_row(cash_micro, coin_lots, units.initial_ppm(leverage), key)
        self.market.state.accounts[owner]["professional"] = int(professional)
        account = self.accounts[name] = Account(name, owner, int(cash_micro), int(coin_lots))
        return account

    def deposit(self, account: Account, cash_micro: int = 0, coin_lots: int = 0) -> None:
        """Bring money or coins into the market; below 0 takes them out.

        Raises
        ------
        NotCovered
            When it has less: coins, or cash that no position and no order reserves.
        """
        self._refuse_short(account, -cash_micro, -coin_lots)
        self.market.deposit(account.owner, cash_micro, coin_lots)
        account.cash_micro += cash_micro
        account.coin_lots += coin_lots

    def transfer(self, giver: Account, taker: Account, cash_micro: int = 0, coin_lots: int = 0) -> None:
        """Move money or coins to another account, of its own or of another institution of this market.

        Raises
        ------
        NotCovered
            When either amount is below 0, or the giver has less.
        """
        if cash_micro < 0 or coin_lots < 0:
            raise NotCovered(f"cannot transfer {cash_micro} micro-dollars and {coin_lots} lots: give 0 or more of each")
        self._refuse_short(giver, cash_micro, coin_lots)
        for account, sign in ((giver, -1), (taker, 1)):
            self.market.post_amounts(account.owner, sign * cash_micro, sign * coin_lots)
            account.cash_micro += sign * cash_micro
            account.coin_lots += sign * coin_lots

    def free_micro(self, account: Account) -> int:
        """Cash that neither a position nor an order in the book reserves."""
        self.market.sync()
        state = self.market.state
        mark = state.price[0]["mark_half_ticks"]
        equity, reserved = account_of(np.int64(account.owner), state.books, state.ledger(), state.tiers, mark)
        return int(min(state.accounts[account.owner]["cash_micro"], equity - reserved))

    def free_lots(self, account: Account) -> int:
        """Coins that no child on its way sells."""
        self.market.sync()
        mine = [o for o in self.orders.values() if (o.account, o.book, o.side) == (account.name, 1, 1)]
        on_way = sum(lots for order in mine for ticket, lots in order.waiting if self._is_pending(ticket))
        return int(self.market.state.books.positions[1, account.owner]) - on_way

    def drift(self, account: Account) -> tuple[int, int, int]:
        """What the market has beyond the account's own books: micro-dollars, coins and perp position in lots.

        Nothing for an account without perp position; else funding, and what the engine or deleveraging did.
        """
        self.book_fills()
        state = self.market.state
        row, positions = state.accounts[account.owner], state.books.positions[:, account.owner]
        return (
            int(row["cash_micro"]) + int(row["free_micro"]) - account.cash_micro,
            int(positions[1]) - account.coin_lots,
            int(positions[0]) - account.perp_lots,
        )

    def book_drift(self, account: Account) -> tuple[int, int, int]:
        """Take into the account's books what the market did by itself; returns it."""
        cash, coins, perp = self.drift(account)
        account.cash_micro, account.coin_lots = account.cash_micro + cash, account.coin_lots + coins
        account.perp_lots += perp
        return cash, coins, perp

    def _refuse_short(self, account: Account, cash_micro: int, coin_lots: int) -> None:
        if cash_micro > 0 and self.free_micro(account) < cash_micro:
            raise NotCovered(
                f"{self.NAME}: account {account.name} has {units.usd(self.free_micro(account)):g} USD to give, "
                f"not {units.usd(cash_micro):g}"
            )
        if coin_lots > 0 and self.free_lots(account) < coin_lots:
            raise NotCovered(
                f"{self.NAME}: account {account.name} has {self.free_lots(account)} lots to give, not {coin_lots}"
            )

    # --- orders
    # -----------------------------------------------------------------------------------------------------------------

    def execute(
        self, account: Account, book: str, side: str, lots: int, start_s: float, end_s: float, *,
        every_s: float = 60.0, bound: float = 0.02, weights: tuple[float, ...] = (1.0,), **purpose: Any,
    ) -> Execution:  # fmt: skip
        """Begin a parent order (see ``Execution``); ``finished`` is told when it is over.

        Parameters
        ----------
        account : Account
        book : {"perp", "spot"}
        side : {"buy", "sell"}
        lots : int
            At least 1.
        start_s, end_s : float
            Model time in seconds; a start that is over is now.
        every_s : float
            Between two children, in seconds.
        bound : float
            Furthest price of a child from mark or index, a fraction.
        weights : tuple of float
            Share of the whole in each of as many equal parts of the time.
        **purpose
            Plain values that the order carries.
        """
        start_us = max(units.nearest_us(start_s), self.market.time_us)
        end_us = max(units.nearest_us(end_s), start_us + 1)
        if not (1 <= lots and min(weights) >= 0.0 and sum(weights) > 0.0 and every_s >= 1e-6):
            raise NotCovered(f"{self.NAME}: cannot work {lots} lots each {every_s:g} s with weights {weights}")
        order = Execution(
            self.n_orders, account.name, BOOKS[book], SIDES[side], int(lots), start_us, end_us,
            units.nearest_us(every_s), units.ppm(bound), [float(weight) for weight in weights], purpose,
        )  # fmt: skip
        self.orders[order.number] = order
        self.n_orders += 1
        self.market.at(start_us / units.MICRO, self.work, order.number)
        return order

    def coming_lots(self, account: Account, book: str) -> int:
        """What orders under way may still change in a book, in lots, sales below 0."""
        mine = [order for order in self.orders.values() if (order.account, order.book) == (account.name, BOOKS[book])]
        return sum(order.coming_lots * (-1 if order.side else 1) for order in mine)

    def work(self, number: int) -> None:
        """One turn of an order: send its child, or end it; then the next."""
        self.book_fills()
        order, now_us = self.orders[number], self.market.time_us
        on_way = sum(lots for _, lots in order.waiting)
        if order.turn >= order.turns:
            if on_way == 0:
                del self.orders[number]
                self.finished(order)
            else:
                self.market.at((now_us + order.every_us) / units.MICRO, self.work, number)
            return
        order.turn += 1
        lots = order.due_lots(order.turn) - order.done_lots - on_way
        if lots > 0:
            self._send(order, min(lots, int(MAX_LOTS)))
        self.market.at(max(order.turn_us(order.turn), now_us) / units.MICRO, self.work, number)

    def _send(self, order: Execution, lots: int) -> None:
        market, owner = self.market, self.accounts[order.account].owner
        price = bounded_price(market, order.book, order.side, order.bound_ppm)
        ticket = market.new_ticket(owner)
        arrival = market.time_us + round(LATENCY_US * market.agent_latency_factor)
        row = (arrival, self._sent, ticket, price, lots, owner, int(NEW), int(IOC), order.book, order.side, 0)
        market.post(row)
        order.waiting.append([ticket, lots])
        self._sent += 1

    def book_fills(self) -> None:
        """Post every fill since the last call from the market's log; forget children that have arrived."""
        self.market.sync()
        state = self.market.state
        whose = {ticket: order for order in self.orders.values() for ticket, _ in order.waiting}
        n = int(state.clock[0]["n_guest_fills"])
        for row in state.guest_fills[self._seen : n] if whose else ():
            order = whose.get(int(row["ticket"]))
            if order is not None:
                self._book(order, row)
        self._seen = n
        for order in self.orders.values():
            order.waiting = [child for child in order.waiting if self._is_pending(child[0])]

    def _book(self, order: Execution, row: Any) -> None:
        """One row of the log about a child, which always takes: a fill, or that it was refused."""
        account, rules = self.accounts[order.account], self.market.state.rules[order.book]
        if int(row["status"]) != OK:
            order.refused += 1
            if order.refused == 1:
                self.enter(account.name, "order refused", reason=REASONS[int(row["status"])])
            return
        is_firm = int(self.market.state.accounts[account.owner]["professional"])
        rate = int(rules["professional_taker_ppm" if is_firm else "taker_fee_ppm"])
        lots = int(row["lots"])
        value = int(row["price_ticks"]) * lots * int(rules["micro_per_tick_lot"])
        fee = -(-value * rate // units.PPM)  # rounded up for who pays
        sign = -1 if order.side else 1
        account.cash_micro -= sign * value + fee
        account.fees_micro += fee
        if order.book:
            account.coin_lots += sign * lots
            account.traded_lots += sign * lots
        else:
            account.perp_lots += sign * lots
        order.done_lots, order.value_micro = order.done_lots + lots, order.value_micro + value
        order.fee_micro += fee

    def _is_pending(self, ticket: int) -> bool:
        return int(self.market.state.tickets[ticket]["pending"]) != 0

    # --- ledger
    # -----------------------------------------------------------------------------------------------------------------

    def enter(self, who: str, what: str, *, shares: int = 0, lots: int = 0, micro: int = 0, **more: Any) -> None:
        """Write a row of the ledger at model time; ``more`` are further columns, plain values named with their unit."""
        head = {"time_us": self.market.time_us, "date": self.today, "who": who, "what": what}
        self.entries.append({**head, "shares": int(shares), "lots": int(lots), "micro": int(micro), **more})

    def ledger(self) -> list[dict[str, Any]]:
        """Rows in human units: elapsed_s, date (New York), who, what, shares, coins, amount_usd, and what a row has
        beside them.
        """
        lot = self.market.lot_coin
        return [
            {
                "elapsed_s": row["time_us"] / units.MICRO, "date": row["date"], "who": row["who"],
                "what": row["what"], "shares": row["shares"], "coins": row["lots"] * lot,
                "amount_usd": units.usd(row["micro"]),
            } | {key: value for key, value in row.items() if key not in WHOLE}
            for row in self.entries
        ]  # fmt: skip


WHOLE = frozenset({"time_us", "date", "who", "what", "shares", "lots", "micro"})
"""What every entry has."""
