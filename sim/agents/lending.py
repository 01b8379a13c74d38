"""A lending protocol as a desk of the calendar: coins put up against dollars, called when their price falls (MODEL 3).

Every slot of the chain the price feed looks at the index; what it sends lands a slot later, or later where gas costs
more than it bids. Liquidators look at the same time: of the loans below a health of one they call, largest first, what
their money covers and what the bids of the spot book would still pay for, one slot later, and sell what they seize on
that book. A call is judged again when it lands. Loops unwind at a rate, by selling what they put up. The coins put up
are an account of the market, so no coin appears or vanishes; dollars leave it as debts are repaid.
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim import units
from sim.agents.daily import DAY, Daily
from sim.agents.execution import Execution
from sim.agents.institution import Account
from sim.errors import ScenarioError
from sim.kernels import lending_entries as rules
from sim.kernels.marks import SPOT
from sim.loans.book import LoanBook, drawn
from sim.loans.chain import Chain
from sim.schema import BUY
from sim.settings.lender import LenderSettings
from sim.venues.profile import load_lender

if TYPE_CHECKING:
    from sim.market import Market

DRAW_LENDING = 33  # second word of the generators, after the seed; the third is one of those below
LOANS, GAS, LOOPS = range(3)
WEEK_DAYS = 7.0
HOUR_S = 3600.0
PLAIN = ("looped", "busy", "committed", "forced_lots", "began_s", "interest_micro")


class LendingDesk(Daily):
    """A protocol, its borrowers and their liquidators.

    Attributes
    ----------
    lender : LenderSettings
        The protocol's rules.
    loans : LoanBook
        Who owes what.
    chain : Chain
        Gas, and the price in force.
    looped : list of bool
        Which loans are loops.
    busy : dict
        Borrowers whose loan is being called or unwound, as text, to what by.
    committed : dict
        Liquidator to micro-dollars of calls on their way.
    """

    NAME: ClassVar[str] = "lending"
    NUMBER: ClassVar[int] = 7

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.looped: list[bool] = []
        self.busy: dict[str, str] = {}
        self.committed: dict[str, int] = {}
        self.forced_lots = self.interest_micro = 0
        self.began_s = 0.0  # of this day

    # --- the start
    # -----------------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Draw the loans, put their coins and the liquidators' money in, and begin to look."""
        settings, market = self.settings, self.market
        self.lender = load_lender(settings.lender)
        self.chain = self.new_chain()
        debts, health = drawn(
            self.draws(DRAW_LENDING, LOANS), settings.borrowers, units.micro(settings.debt), settings.size_spread,
            settings.health_median, settings.health_spread,
        )  # fmt: skip
        rules_of = self.lender.assets[settings.coin] if settings.mode is None else self.lender.modes[settings.mode]
        threshold = rules_of.threshold
        if not threshold > 0.0:
            raise ScenarioError(f"lending: {settings.coin} backs no loan of {settings.lender} outside its modes")
        is_loop = np.cumsum(debts) <= settings.loops.share * debts.sum()
        health[is_loop] = threshold / settings.loops.ltv
        self.looped = [bool(flag) for flag in is_loop]
        coin_micro = self.chain.price * self.unit_micro / 2.0
        lots = np.ceil(debts * np.maximum(health, 1.0) / threshold / coin_micro).astype(np.int64) + 1
        self.loans = self.book_of(debts, lots)
        self.open("pool", coin_lots=int(lots.sum()))
        self.open("protocol")
        self.open("loops")
        each = units.micro(settings.liquidator_money / max(settings.liquidators, 1))
        for k in range(settings.liquidators):
            self.committed[self.open(f"liquidator {k + 1}", cash_micro=each).name] = 0
        self.forced_lots = self.forced_so_far()
        market.at(self.settings.slot, self.look)
        if any(self.looped):
            market.at(0.0, self.review_loops)
        market.at(self.seconds(self.midnight), self.end_day)

    def book_of(self, debts: Any, lots: Any) -> LoanBook:
        """The loans under the protocol's rules, at the price in force."""
        settings = self.settings
        book = LoanBook(
            self.lender,
            settings.coin,
            settings.dollar,
            settings.mode,
            self.unit_micro,
            np.asarray(debts),
            np.asarray(lots),
        )
        book.price(self.chain.price)
        return book

    def new_chain(self) -> Chain:
        """The feed at the index, or at a dollar where it is hard-coded to one."""
        feed = self.lender.assets[self.settings.coin].feed
        return Chain(feed, self.index_half, round(2.0 / self.market.tick_usd), self.market.time_us)

    @property
    def unit_micro(self) -> int:
        """Micro-dollars of a lot at a price of one tick."""
        return int(self.market.state.rules[SPOT]["micro_per_tick_lot"])

    @property
    def index_half(self) -> int:
        """Index in half ticks."""
        self.market.sync()
        return int(self.market.state.price[0]["index_half_ticks"])

    @property
    def price_usd(self) -> float:
        """The price in force, in dollars."""
        return 0.5 * self.chain.price * self.market.tick_usd

    def liquidators(self) -> list[Account]:
        """Accounts of those who call loans."""
        return [self.accounts[name] for name in self.committed]

    # --- a slot
    # -----------------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """One slot: gas, the feed, calls."""
        self.warm()
        self.observe()
        self.send_calls()
        self.market.at(self.market.time + self.settings.slot, self.look)

    def forced_so_far(self) -> int:
        """Lots that engines have closed through the perp book, of all accounts."""
        self.market.sync()
        return int(self.market.state.accounts["forced_lots"].sum())

    def warm(self) -> None:
        """What was liquidated of late, from the last slot to this one."""
        lots = self.forced_so_far()
        here = (lots - self.forced_lots) * self.index_half * self.unit_micro / 2.0 / units.MICRO
        self.chain.warm(here, self.settings)
        self.forced_lots = lots

    @property
    def gas_micro(self) -> int:
        """What a call costs in gas."""
        return self.chain.gas_micro(self.settings)

    def observe(self) -> None:
        """Let the feed see the index, and put what is in force into force."""
        draws = self.draws(DRAW_LENDING, GAS, self.market.time_us)
        slots = self.chain.observe(self.index_half, self.market.time_us, self.settings, draws)
        if slots > 1:
            self.enter("feed", "waits for gas", slots=slots, gas_gwei=self.chain.gwei(self.settings))
        self.loans.price(self.chain.price)

    def send_calls(self) -> None:
        """Whom liquidators call now: largest debt first, each by who has most money left, as long as the bids of the
        spot book pay for what is seized, all that is on its way before it included.
        """
        found = [int(k) for k in self.loans.below(1.0) if str(k) not in self.busy]
        if not found or not self.committed:
            return
        room, coming = (
            self.lots_worth_selling(),
            sum(-self.coming_lots(account, "spot") for account in self.liquidators()),
        )
        for borrower in found:
            account = max(self.liquidators(), key=self.uncommitted)  # the first of equals
            cover = min(self.uncommitted(account) - self.gas_micro, int(self.loans.debt[borrower, 1]))
            if cover <= 0 or coming >= room:
                return
            cover = self.fitting(borrower, cover, room - coming)
            called = self.loans.quote(borrower, cover) if cover > 0 else None
            if called is None or called.reason:
                continue
            got = called.seized_lots - called.fee_lots
            if self.profit_micro(called.repaid_micro, got, coming) < units.micro(self.settings.least_profit):
                continue
            coming += got
            self.busy[str(borrower)] = account.name
            self.committed[account.name] += cover + self.gas_micro
            self.market.at(
                self.market.time + self.settings.slot, self.call, borrower, account.name, cover, self.gas_micro
            )

    def uncommitted(self, account: Account) -> int:
        """Micro-dollars that a liquidator has beside calls on their way."""
        return self.free_micro(account) - self.committed[account.name]

    def fitting(self, borrower: int, cover: int, room: int) -> int:
        """The cover, less where the book has no room for what it would seize."""
        called = self.loans.quote(borrower, cover)
        got = called.seized_lots - called.fee_lots
        return cover if called.reason or got <= room else called.repaid_micro * room // got

    def lots_worth_selling(self) -> int:
        """Lots of spot bids at which a coin seized brings more than the debt repaid for it, fees paid."""
        bonus = self.bonus
        fee = self.taker_fee
        cost = self.chain.price / 2.0 / ((1.0 + bonus * (1.0 - self.lender.protocol_fee)) * (1.0 - fee))
        lots, _ = self.met(1 << 60, -math.ceil(cost))
        return lots

    @property
    def bonus(self) -> float:
        """What a liquidator takes beyond the debt he repays."""
        mode = self.settings.mode
        return float((self.lender.assets[self.settings.coin] if mode is None else self.lender.modes[mode]).bonus)

    @property
    def taker_fee(self) -> float:
        """Fee of a firm that takes in the spot book, a fraction."""
        return float(int(self.market.state.rules[SPOT]["professional_taker_ppm"]) / units.PPM)

    def met(self, lots: int, worst_key: int) -> tuple[int, int]:
        """Lots of spot bids that a sale would meet down to a price, and ticks times lots."""
        row = np.int64(2 * SPOT + BUY)
        found, value = rules.walk_of(self.market.state.books, row, np.int64(lots), np.int64(worst_key))
        return int(found), int(value)

    def profit_micro(self, repaid_micro: int, lots: int, behind: int) -> int:
        """Expected profit of a call whose coins are sold behind so many others."""
        before, after = self.met(behind, 0)[1], self.met(behind + lots, 0)[1]
        return int((after - before) * self.unit_micro * (1.0 - self.taker_fee)) - repaid_micro - self.gas_micro

    def call(self, borrower: int, name: str, cover: int, gas_micro: int) -> None:
        """A call lands: it is judged by the price then in force; what is seized is sold from now on."""
        self.observe()
        account = self.accounts[name]
        self.committed[name] -= cover + gas_micro
        del self.busy[str(borrower)]
        self.deposit(account, cash_micro=-gas_micro)
        written_off = int(self.loans.deficit[1])
        called = self.loans.call(borrower, cover)
        if called.reason:
            self.enter(name, "call failed", micro=-gas_micro, borrower=borrower, reason=called.reason)
            return
        self.deposit(account, cash_micro=-called.repaid_micro)
        got = called.seized_lots - called.fee_lots
        self.transfer(self.accounts["pool"], account, coin_lots=got)
        self.transfer(self.accounts["pool"], self.accounts["protocol"], coin_lots=called.fee_lots)
        threshold, debt = self.loans.standing(borrower)
        self.enter(
            name, "call", lots=got, micro=called.repaid_micro, borrower=borrower,
            fee_coins=called.fee_lots * self.market.lot_coin, gas_usd=units.usd(gas_micro), price_usd=self.price_usd,
            health_after=threshold / debt if debt else None,
            deficit_usd=units.usd(int(self.loans.deficit[1]) - written_off),
        )  # fmt: skip
        self.sell(account, got)

    def sell(self, account: Account, lots: int) -> None:
        """Sell seized coins on the spot book."""
        now, settings = self.market.time, self.settings
        self.execute(
            account, "spot", "sell", lots, now, now + settings.sell_over,
            every_s=min(settings.order_every, settings.sell_over), bound=settings.order_bound,
        )  # fmt: skip

    def finished(self, order: Execution) -> None:
        """What could not be sold is tried again; an unwinding repays its loan."""
        if order.account == "loops":
            self.settle(order)
            return
        account = self.accounts[order.account]
        value = order.value_micro - order.fee_micro
        self.enter(
            account.name, "sold", lots=-order.done_lots, micro=value, coins_left=order.left_lots * self.market.lot_coin
        )
        if order.left_lots:
            self.sell(account, order.left_lots)

    # --- loops, and the end of a day
    # -----------------------------------------------------------------------------------------------------------------

    def carry(self, ltv: float) -> float:
        """What own money in a loop earns a year: yield and rate, both times what is borrowed for it."""
        rate = self.loans.rate_ppm(units.micro(self.settings.supply)) / units.PPM
        return float((self.settings.loops.coin_yield - rate * ltv) / max(1.0 - ltv, 1e-6))

    def review_loops(self) -> None:
        """Who unwinds this hour."""
        loops, hour = self.settings.loops, int(self.market.time // HOUR_S)
        chance = self.draws(DRAW_LENDING, LOOPS, hour).random(len(self.looped))
        for borrower in np.flatnonzero(self.looped):
            owed = int(self.loans.debt[borrower, 1])
            if owed == 0 or str(borrower) in self.busy:
                continue
            threshold, _ = self.loans.standing(int(borrower))
            worth = int(self.loans.collateral[borrower, 0]) * self.chain.price * self.unit_micro / 2.0
            losing = max(0.0, -self.carry(owed / worth)) if worth > owed else 0.0
            a_day = (loops.leave + loops.leave_for_carry * 100.0 * losing) / WEEK_DAYS
            a_day += loops.leave_in_danger if threshold < loops.danger * owed else 0.0
            if chance[borrower] < -math.expm1(-a_day * HOUR_S / DAY.total_seconds()):
                self.unwind(int(borrower))
        self.market.at(self.market.time + HOUR_S, self.review_loops)

    def unwind(self, borrower: int) -> None:
        """Sell as many of a loop's coins as its debt needs at the worst price that is taken."""
        settings, held = self.settings, int(self.loans.collateral[borrower, 0])
        worst = self.index_half * self.unit_micro / 2.0 * (1.0 - settings.order_bound) * (1.0 - self.taker_fee)
        lots = min(held, math.ceil(int(self.loans.debt[borrower, 1]) / worst))
        self.busy[str(borrower)] = "loops"
        self.loans.collateral[borrower, 0] -= lots
        self.transfer(self.accounts["pool"], self.accounts["loops"], coin_lots=lots)
        self.enter("loops", "unwinding", lots=-lots, borrower=borrower)
        now, over = self.market.time, settings.loops.sell_over
        self.execute(
            self.accounts["loops"], "spot", "sell", lots, now, now + over,
            every_s=min(60.0, over), bound=settings.order_bound, borrower=borrower,
        )  # fmt: skip

    def settle(self, order: Execution) -> None:
        """Repay a loop from what its coins brought; the rest goes back to it, or to its owner once nothing is owed."""
        borrower, account = int(order.purpose["borrower"]), self.accounts["loops"]
        del self.busy[str(borrower)]
        brought = order.value_micro - order.fee_micro
        repaid = min(brought, int(self.loans.debt[borrower, 1]))
        self.loans.debt[borrower, 1] -= repaid
        self.deposit(account, cash_micro=-brought)
        self.transfer(account, self.accounts["pool"], coin_lots=order.left_lots)
        self.loans.collateral[borrower, 0] += order.left_lots
        held, owed = int(self.loans.collateral[borrower, 0]), int(self.loans.debt[borrower, 1])
        if owed == 0:
            self.deposit(self.accounts["pool"], coin_lots=-held)
            self.loans.collateral[borrower, 0] = 0
        elif held == 0:
            self.loans.deficit[1] += owed
            self.loans.debt[borrower, 1] = 0
        self.enter("loops", "repaid", micro=repaid, borrower=borrower, owed_usd=units.usd(owed))

    def end_day(self) -> None:
        """Interest of the day, and its line in the ledger."""
        rate = self.loans.rate_ppm(units.micro(self.settings.supply))
        over_us = self.market.time_us - units.nearest_us(self.began_s)
        self.interest_micro += self.loans.accrue(rate, over_us)
        self.began_s = self.market.time
        self.enter(
            "protocol", "day", lots=int(self.loans.collateral[:, 0].sum()), micro=int(self.loans.debt[:, 1].sum()),
            rate_per_year=rate / units.PPM, price_usd=self.price_usd,
            below_one=len(self.loans.below(1.0)), deficit_usd=units.usd(int(self.loans.deficit[1])),
            liquidators_usd=units.usd(sum(account.cash_micro for account in self.liquidators())),
        )  # fmt: skip
        self.market.at(self.seconds(self.midnight), self.end_day)

    # --- saved
    # -----------------------------------------------------------------------------------------------------------------

    def memory(self) -> dict[str, Any]:
        """Rules, loans, the feed, calls on their way."""
        return {
            "lender": self.lender.model_dump(mode="json"),
            "debt": self.loans.debt[:, 1].tolist(), "lots": self.loans.collateral[:, 0].tolist(),
            "deficit": self.loans.deficit.tolist(), "chain": self.chain.state(),
        } | {name: getattr(self, name) for name in PLAIN}  # fmt: skip

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        for name in PLAIN:
            setattr(self, name, memory[name])
        self.lender = LenderSettings.model_validate(memory["lender"])
        self.chain = self.new_chain()
        self.chain.restore(memory["chain"])
        self.loans = self.book_of(memory["debt"], memory["lots"])
        self.loans.deficit[:] = memory["deficit"]
