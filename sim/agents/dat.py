"""Digital-asset treasuries as a desk: companies that hold coins, on New York's calendar (docs/treasuries.md).

What they decide is ``sim.treasury``. Here it becomes money and orders: shares, notes and dividends are deposits in and
withdrawals from a company's account, coins are bought and sold in the spot book while New York trades, and fills are
posted to the company's books when the day's order is over. Outside a session nothing happens.
"""

from datetime import date
from typing import Any

from sim import units
from sim.agents.execution import Execution
from sim.agents.institution import Institution
from sim.calendar_ny import NEW_YORK, Session, next_trading_day, session
from sim.errors import InvariantError, ScenarioError
from sim.treasury.balance import BUY_COINS, SELL_COINS
from sim.treasury.company import companies
from sim.treasury.treasurer import INDEX_SALE, Treasurer

IN_THE_BOOKS = (BUY_COINS, SELL_COINS)  # entries whose money moved by fills; that of all others comes from outside


class TreasuryDesk(Institution):
    """Companies that hold coins; an account each, by the company's name."""

    NAME, NUMBER = "dat", 2

    treasurers: dict[str, Treasurer]

    def begin(self) -> None:
        """Open an account for each company with all that it has, and wait for New York's next open.

        Raises
        ------
        ScenarioError
            Where there is no spot book.
        """
        spec = self.market.spec
        if not spec.market.spot:
            raise ScenarioError(f"{spec.name} has no spot book for companies to trade in: name another in dat.listing")
        self._seat(self.market.seed)
        for name, one in self.treasurers.items():
            self.open(name, one.balance.cash_micro, one.balance.coins_lots)
            self._enter_books(one, "start")
        if self.settings.coin == "BTC" and self.settings.eth_treasury.enabled:
            self.enter("eth_treasury", "absent: the market trades BTC")
        now = self.now
        today = now.astimezone(NEW_YORK).date()
        hours = session(today)
        self._await_open(today if hours is not None and now <= hours.opens else next_trading_day(today))

    def _seat(self, seed: int) -> None:
        """Make the companies as they were at the start, drawn by ``seed``."""
        market = self.market
        made = companies(self.settings, seed, market.spec.market.price, market.lot_coin)
        start_s = market.spec.start_utc.timestamp()
        lot_micro = units.ticks(market.spec.market.price, market.tick_usd) * self._unit_micro
        self.treasurers = {
            company.name: Treasurer(company, balance, self.settings, market.seed, start_s, lot_micro)
            for company, balance in made
        }

    @property
    def _unit_micro(self) -> int:
        """Micro-dollars that one lot gains by one tick."""
        return int(self.market.state.rules[1]["micro_per_tick_lot"])

    @property
    def lot_micro(self) -> int:
        """The index, micro-dollars a lot, rounded down."""
        self.market.sync()
        return int(self.market.state.price[0]["index_half_ticks"]) * self._unit_micro // 2

    # --- the day -----------------------------------------------------------------------------------------------------

    def _await_open(self, day: date) -> None:
        self.market.at(self.seconds(_hours(day).opens), self.open_day, day.isoformat())

    def open_day(self, iso: str) -> None:
        """Every company's decisions, and its order of the day."""
        day, price = date.fromisoformat(iso), self.lot_micro
        hours = _hours(day)
        fee_ppm = int(self.market.state.rules[1]["professional_taker_ppm"])
        for name, one in self.treasurers.items():
            budget, lots = one.open(day, hours.opens.timestamp(), price)
            self._post(one)
            if budget:
                lots = budget * units.PPM // (price * (units.PPM + fee_ppm))
            if lots:
                self._trade(name, "buy" if budget else "sell", lots, budget, hours)
            elif budget:
                one.bought(budget, 0, 0)
        self.market.at(self.seconds(hours.closes), self.close_day, iso)

    def _trade(self, name: str, side: str, lots: int, budget: int, hours: Session) -> None:
        start, end = (self.seconds(moment) for moment in hours)
        self.execute(
            self.accounts[name], "spot", side, lots, start, end, every_s=self.settings.order_every,
            bound=self.settings.order_bound, budget_micro=budget,
        )  # fmt: skip

    def finished(self, order: Execution) -> None:
        """Post what the day's order did, and put its money to use."""
        one = self.treasurers[order.account]
        if order.side == 0:
            one.bought(order.purpose["budget_micro"], order.done_lots, order.value_micro + order.fee_micro)
        else:
            one.sold(order.done_lots, order.value_micro - order.fee_micro)
        self._post(one)

    def close_day(self, iso: str) -> None:
        """Value every company at the close; wait for the next session."""
        day, price = date.fromisoformat(iso), self.lot_micro
        closes = _hours(day).closes
        for one in self.treasurers.values():
            one.close(day, closes.timestamp(), price)
        self.market.at(self.seconds(closes), self.enter_day)  # after the day's orders, which end at the same time
        self._await_open(next_trading_day(day))

    def enter_day(self) -> None:
        """A row of what each company has at the close."""
        for one in self.treasurers.values():
            self._enter_books(one, "close")

    # --- money and ledger
    # -----------------------------------------------------------------------------------------------------------------

    def _post(self, one: Treasurer) -> None:
        """Bring entries of a company's books into the market and the ledger; then both must hold the same."""
        name, account = one.company.name, self.accounts[one.company.name]
        for what, coins, shares, cash, debt, preferred in one.balance.journal:
            if what not in IN_THE_BOOKS:
                self.deposit(account, cash)
            self.enter(name, what, shares=shares, lots=coins, micro=cash, debt_micro=debt, preferred_micro=preferred)
        for what, shares, number in one.memory.events:
            amount = {"micro": number} if what == INDEX_SALE else {"planned_coins": number * self.market.lot_coin}
            self.enter(name, what, shares=shares, **amount)
        one.balance.journal.clear()
        one.memory.events.clear()
        if self.orders_of(name):  # fills of an order under way are posted when it is over
            return
        have, books = (account.cash_micro, account.coin_lots), (one.balance.cash_micro, one.balance.coins_lots)
        if have != books:
            raise InvariantError(
                f"{name} has {have} in the market and {books} in its books; please report the scenario"
            )

    def orders_of(self, name: str) -> list[Execution]:
        """Orders of a company that are under way."""
        return [order for order in self.orders.values() if order.account == name]

    def _enter_books(self, one: Treasurer, what: str) -> None:
        """A row of all that a company has, and what it is worth."""
        books, lot = one.balance, self.market.lot_coin
        left = one.market_value / (one.balance.nav_micro(one.memory.lot_micro) - books.claims_micro or 1)
        self.enter(
            one.company.name, what, coins_held=books.coins_lots * lot, shares_out=books.shares,
            mean_cost_usd=units.usd(books.cost_micro) / (books.coins_lots * lot) if books.coins_lots else None,
            cash_usd=units.usd(books.cash_micro), debt_usd=units.usd(books.debt_micro),
            preferred_usd=units.usd(books.preferred_micro), market_value_usd=units.usd(one.market_value),
            m_eq=one.m_eq, m_ev=one.m_ev, m_net=left if left > 0 else None,
            coins_a_share=books.coins_lots / books.shares * lot,
            index_fund_shares=one.memory.index_fund_shares,
        )  # fmt: skip

    # --- saved
    # -----------------------------------------------------------------------------------------------------------------

    def memory(self) -> dict[str, Any]:
        """Books and memories of all companies."""
        return {"treasurers": {name: one.state() for name, one in self.treasurers.items()}}

    def recall(self, memory: dict[str, Any]) -> None:
        """Make the companies of the start again and give them back what they had."""
        self._seat(self.market.start_seed)
        for name, state in memory["treasurers"].items():
            self.treasurers[name].restore(state)


def _hours(day: date) -> Session:
    hours = session(day)
    assert hours is not None  # events are set for trading days alone
    return hours
