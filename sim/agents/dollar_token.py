"""The issuer of a dollar token as a desk of the calendar: stables and hedged coins, redemption, a reserve (MODEL 3.5).

At the start it takes over a part of the hedgers' short and of the coins that match it, so that open interest stays what
it was, and brings its stables in. At each look holders leave, blocks redeem what waits, at most so much a block, from
stables; the hedge here shrinks as the supply did, by selling coins and buying the short back through the books. Hedges
elsewhere are a number in its books that earns and is closed beside them. At the end of a day the reserve pays what
backing lost, or those who stake are paid what it earned, in new tokens.
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

from sim import units
from sim.agents.daily import Daily
from sim.agents.execution import Execution
from sim.agents.institution import Account
from sim.errors import ScenarioError
from sim.kernels.ledger import HEDGERS, PERP, SPOT
from sim.schema import EVENT_ADL
from sim.token_supply import Supply, leaving_rate, price_of, yield_of

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.dollar_token import DollarTokenSettings

BACKING, RESERVE = "backing", "reserve"
YEAR_S = 365.0 * 86_400.0
SUMS = ("redeemed", "paid", "funding", "deleveraged", "stable_income", "elsewhere_income", "elsewhere_cost",
        "reserve_paid", "minted", "sold", "bought_back", "fees")  # fmt: skip
PLAIN = ("target_lots", "base_lots", "base_micro", "elsewhere_micro", "funding", "heat_usd", "forced_lots", "last_us",
         "stopped", "lost_us", "events_seen", "sums")  # fmt: skip


class DollarTokenDesk(Daily):
    """An issuer, its holders, and those who may redeem. Accounts: ``backing`` has stables, coins and the short;
    ``reserve`` the fund.

    Attributes
    ----------
    supply : Supply
        Tokens, in millionths.
    target_lots : int
        Coins here that should be held and hedged.
    base_lots, base_micro : int
        Coins and supply whose ratio the hedge keeps as the supply falls.
    elsewhere_micro : int
        Worth of hedged coins elsewhere.
    funding : float
        Mean rate a year that its shorts were paid of late.
    heat_usd : float
        Liquidated here of late.
    forced_lots, last_us, events_seen : int
        What engines had closed, the time, and the events of the market at the last look.
    stopped : str
        Why nobody redeems; empty while they do.
    lost_us : int
        When a short was deleveraged whose coins are naked since; -1 without one.
    sums : dict
        Since the start, in micro-dollars: see SUMS.
    """

    NAME: ClassVar[str] = "dollar_token"
    NUMBER: ClassVar[int] = 10

    supply: Supply

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.target_lots = self.base_lots = self.base_micro = self.elsewhere_micro = 0
        self.funding = self.heat_usd = 0.0
        self.forced_lots = self.last_us = self.events_seen = 0
        self.stopped, self.lost_us = "", -1
        self.sums = dict.fromkeys(SUMS, 0)

    # --- the start ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Bring stables and reserve in, take the hedge over, and begin to look.

        Raises
        ------
        ScenarioError
            Without both books, where hedgers have not as many coins, or stables do not cover the short's margin.
        """
        settings: DollarTokenSettings = self.settings
        market = self.market
        if not (market.spec.market.spot and market.spec.market.perp):
            raise ScenarioError("dollar_token.listing: an issuer needs a spot and a perp book: name another")
        price, lot = market.spec.market.price, market.lot_coin
        hedged = settings.supply * settings.hedged_share
        lots = units.lots_of_money(hedged * settings.share_here, price, lot)
        value = lots * units.ticks(price, market.tick_usd) * self.unit_micro
        self.supply = Supply.of(units.micro(settings.supply), settings.staked_share)
        self.elsewhere_micro = max(0, units.micro(hedged) - value)
        self.base_micro, self.target_lots, self.base_lots = self.supply.total, lots, lots
        account = self.open(BACKING, self.base_micro - self.elsewhere_micro - value, leverage=settings.leverage)
        market.state.accounts[account.owner]["adl_exempt"] = int(settings.adl_exempt)
        self.open(RESERVE, cash_micro=units.micro(settings.reserve))
        self.take_over(account, lots)
        if self.free_micro(account) < 0:
            raise ScenarioError(
                f"dollar_token.hedged_share: stables of ${units.usd(self.stables_micro):.4g} do not cover the initial "
                f"margin of a short of {lots * lot:.6g} coins: lower it, or share_here"
            )
        self.funding = self.mean_funding
        self.forced_lots, self.last_us = self.forced_so_far, market.time_us
        self.events_seen = int(market.state.clock[0]["n_events"])
        self.enter("issuer", "start", lots=lots, micro=self.supply.total, **self.standing())
        market.at(market.time + settings.every, self.look)
        market.at(self.seconds(self.midnight), self.end_day)

    def take_over(self, account: Account, lots: int) -> None:
        """Hand it a part of the hedgers' short at its entry price, and as many of their coins."""
        state, owner = self.market.state, account.owner
        short, coins = -int(state.books.positions[PERP, HEDGERS]), int(state.books.positions[SPOT, HEDGERS])
        if lots > min(short, coins):
            lot = self.market.lot_coin
            raise ScenarioError(
                f"dollar_token.share_here: asks for {lots * lot:.6g} hedged coins here, and hedgers have "
                f"{max(0, min(short, coins)) * lot:.6g}: lower it, hedged_share or supply"
            )
        if lots == 0:
            return
        value = -int(state.accounts[HEDGERS]["entry_micro"]) * lots // short
        for row, sign in ((int(HEDGERS), -1), (owner, 1)):
            for name, amount in (("cash_micro", value), ("entry_micro", -value), ("held_lots", -lots),
                                 ("start_lots", -lots)):  # fmt: skip
                state.accounts[row][name] += sign * amount
            state.books.positions[PERP, row] -= sign * lots
            state.books.positions[SPOT, row] += sign * lots
        account.cash_micro += value
        account.perp_lots -= lots
        account.coin_lots += lots

    # --- what it has --------------------------------------------------------------------------------------------------

    @property
    def unit_micro(self) -> int:
        """Micro-dollars of a lot at a price of one tick."""
        return int(self.market.state.rules[SPOT]["micro_per_tick_lot"])

    def worth(self, lots: int, price: str) -> int:
        """Micro-dollars of lots at ``"mark"`` or ``"index"``, rounded down."""
        return lots * int(self.market.state.price[0][f"{price}_half_ticks"]) * self.unit_micro // 2

    @property
    def stables_micro(self) -> int:
        """Cash, with what the short has gained or lost at mark."""
        account = self.accounts[BACKING]
        return account.cash_micro + self.worth(account.perp_lots, "mark")

    @property
    def coins_micro(self) -> int:
        """Coins here: those with a short at its mark, so that the basis makes no profit before it is closed; naked ones
        at the index.
        """
        account = self.accounts[BACKING]
        hedged = min(account.coin_lots, max(0, -account.perp_lots))
        return self.worth(hedged, "mark") + self.worth(account.coin_lots - hedged, "index")

    @property
    def backing_micro(self) -> int:
        """All that stands behind the tokens, without the reserve."""
        return self.stables_micro + self.coins_micro + self.elsewhere_micro

    @property
    def payable_micro(self) -> int:
        """What all tokens together would be paid: a dollar each, or backing and reserve where they are less."""
        return max(0, min(self.supply.total, self.backing_micro + self.accounts[RESERVE].cash_micro))

    @property
    def nav(self) -> float:
        """Dollars that a redeemed token is paid."""
        return self.payable_micro / self.supply.total if self.supply.total else 1.0

    @property
    def price_usd(self) -> float:
        """Price of a token: the mid of its own book if it has one, else what it is paid less the queue's discount."""
        settings = self.settings
        if (book := self.market.peers.get(settings.priced_in)) is not None:
            return 0.5 * int(book.state.price[0]["spot_half_ticks"]) * book.tick_usd
        pace, supply = units.micro(settings.a_slot) / settings.slot, self.supply
        return price_of(self.nav, supply.queue, pace, settings.patience, supply.total, settings.discount)

    @property
    def funding_here(self) -> float:
        """Rate a year that shorts of this market are paid, as it was last settled; 0 where none is paid."""
        now = self.market.state.price[0]
        if not int(now["funding_on"]):
            return 0.0
        period_s = int(now["funding_every_us"]) * (1 + int(now["more_payments"])) / units.MICRO
        return int(now["rate_ppb"]) * 1e-9 * YEAR_S / period_s

    @property
    def funding_elsewhere(self) -> float:
        """Rate a year that its shorts elsewhere are paid."""
        return float(self.funding_here if (given := self.settings.funding_elsewhere) is None else given)

    @property
    def mean_funding(self) -> float:
        """Both rates, weighted by the hedged coins."""
        here, elsewhere = self.coins_micro, self.elsewhere_micro
        if here + elsewhere <= 0:
            return self.funding_here
        return (here * self.funding_here + elsewhere * self.funding_elsewhere) / (here + elsewhere)

    @property
    def token_yield(self) -> float:
        """Yield a year that holders see."""
        settings, hedged = self.settings, self.coins_micro + self.elsewhere_micro
        found = yield_of(
            self.funding, hedged, settings.staking_yield * self.elsewhere_micro, self.stables_micro,
            self.backing_micro, settings.stable_yield,
        )  # fmt: skip
        return found if settings.least_yield is None else max(found, float(settings.least_yield))

    @property
    def forced_so_far(self) -> int:
        """Lots that engines have closed through the perp book, of all accounts."""
        return int(self.market.state.accounts["forced_lots"].sum())

    # --- a look -------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Bring everything up to now, let holders leave and blocks redeem, and send the orders of the hedge."""
        self.bring_up()
        self.hedge()
        self.market.at(self.market.time + self.settings.every, self.look)

    def bring_up(self) -> None:
        """From the last look to this one: clearing, income, who leaves, who is redeemed."""
        self.market.sync()
        settings, now_us = self.settings, self.market.time_us
        before_us, self.last_us = self.last_us, now_us
        over_s = (now_us - before_us) / units.MICRO
        self.clear()
        self.earn(over_s)
        self.warm(over_s)
        rate = leaving_rate(
            settings.other_yield - self.token_yield, 1.0 - self.price_usd, settings.leave_for_yield,
            settings.leave_for_depeg,
        )  # fmt: skip
        self.supply.leave(rate, over_s, now_us, units.nearest_us(settings.cooldown))
        self.supply.thaw(now_us)
        slot_us = units.nearest_us(settings.slot)
        self.redeem(now_us // slot_us - before_us // slot_us)

    def clear(self) -> None:
        """Take in funding, and what deleveraging or the engine closed of the short."""
        account, state = self.accounts[BACKING], self.market.state
        cash, _, perp = self.book_drift(account)
        n = int(state.clock[0]["n_events"])
        events = state.events[self.events_seen : n]
        self.events_seen = n
        rows = events[(events["kind"] == int(EVENT_ADL)) & (events["account"] == account.owner)]
        deleveraged, cost = int(rows["lots"].sum()), int(rows["cash_micro"].sum())
        if deleveraged:
            self.enter("issuer", "deleveraged", lots=deleveraged, micro=-cost, accounts=len(rows))
        if perp != deleveraged:
            self.enter("issuer", "closed by the engine", lots=perp - deleveraged)
        if perp and self.lost_us < 0:
            self.lost_us = self.market.time_us
        self.sums["deleveraged"] -= cost
        self.sums["funding"] += cash + cost

    def earn(self, over_s: float) -> None:
        """Stables earn their yield, coins elsewhere funding and staking, all rounded down; holders see a mean."""
        settings = self.settings
        income = int(max(0, self.stables_micro) * settings.stable_yield * over_s / YEAR_S)
        self.deposit(self.accounts[BACKING], cash_micro=income)
        rate = self.funding_elsewhere + settings.staking_yield
        elsewhere = math.floor(self.elsewhere_micro * rate * over_s / YEAR_S)
        elsewhere = max(elsewhere, -self.elsewhere_micro)
        self.elsewhere_micro += elsewhere
        self.sums["stable_income"] += income
        self.sums["elsewhere_income"] += elsewhere
        self.funding += -math.expm1(-over_s / settings.yield_over) * (self.mean_funding - self.funding)

    def warm(self, over_s: float) -> None:
        """What was liquidated here of late."""
        lots, before = self.forced_so_far, self.forced_lots
        self.heat_usd *= math.exp(-over_s / self.settings.gas_memory)
        self.heat_usd += units.usd(self.worth(lots - before, "index"))
        self.forced_lots = lots

    @property
    def why_stopped(self) -> str:
        """Why nobody redeems now; empty when they do."""
        if not self.settings.redeemers_live:
            return "nobody may redeem"
        if not int(self.market.state.arbitrage[0]["transfers_open"]):
            return "transfers are closed"
        return "gas" if self.heat_usd > self.settings.gas_stop else ""

    def redeem(self, slots: int) -> None:
        """Burn what waits, as far as the blocks since the last look and the free stables reach, and pay it.

        The hedge that is to be held shrinks with the supply; of what is elsewhere the same part is closed at once.
        """
        why = self.why_stopped
        if why != self.stopped:
            self.enter("issuer", "redemption stops" if why else "redemption goes on", reason=why or self.stopped)
            self.stopped = why
        account, before, payable = self.accounts[BACKING], self.supply.total, self.payable_micro
        wanted = 0 if why else min(self.supply.queue, slots * units.micro(self.settings.a_slot))
        if wanted == 0:
            return
        burned = min(wanted, max(0, self.free_micro(account)) * before // payable if payable else wanted)
        if burned < wanted:
            self.enter("issuer", "stables are short", micro=wanted - burned)
        paid = burned * payable // before
        self.supply.burn(burned)
        self.deposit(account, cash_micro=-paid)
        closed = self.elsewhere_micro * burned // before
        cost = math.ceil(closed * self.settings.elsewhere_cost)
        self.elsewhere_micro -= closed
        self.deposit(account, cash_micro=closed - cost)
        for name, micro in (("redeemed", burned), ("paid", paid), ("elsewhere_cost", cost)):
            self.sums[name] += micro
        if self.base_micro:
            self.target_lots = min(self.target_lots, self.base_lots * self.supply.total // self.base_micro)

    def hedge(self) -> None:
        """Send orders that bring coins and short to what should be held; give up a hedge that was long in vain."""
        account = self.accounts[BACKING]
        if self.lost_us >= 0:
            naked = self.target_lots + account.perp_lots
            late_us = self.lost_us + units.nearest_us(self.settings.rehedge_for)
            if naked <= 0:
                self.lost_us = -1
            elif self.market.time_us >= late_us:
                self.enter("issuer", "naked coins are sold", lots=-naked)
                self.target_lots = self.base_lots = self.target_lots - naked
                self.base_micro, self.lost_us = self.supply.total, -1
        self.follow(account, "spot", self.target_lots - account.coin_lots)
        self.follow(account, "perp", -self.target_lots - account.perp_lots)

    def follow(self, account: Account, book: str, lots: int) -> None:
        """Trade a difference, below 0 a sale, until the next look; what is under way counts as done."""
        wanted = lots - self.coming_lots(account, book)
        if wanted == 0:
            return
        settings, now = self.settings, self.market.time
        self.execute(
            account, book, "buy" if wanted > 0 else "sell", abs(wanted), now, now + settings.every,
            every_s=settings.order_every, bound=settings.order_bound,
        )  # fmt: skip

    def finished(self, order: Execution) -> None:
        """Note what an order traded for."""
        name = "sold" if order.book else "bought_back"
        self.sums[name] += order.value_micro * (1 if bool(order.side) == bool(order.book) else -1)
        self.sums["fees"] += order.fee_micro

    # --- the end of a day ---------------------------------------------------------------------------------------------

    def end_day(self) -> None:
        """Let the reserve pay what backing lost, or pay those who stake what it earned; then a row of the ledger."""
        self.bring_up()
        gap, reserve = self.supply.total - self.backing_micro, self.accounts[RESERVE]
        if gap > 0:
            paid = min(gap, reserve.cash_micro)
            self.transfer(reserve, self.accounts[BACKING], cash_micro=paid)
            self.sums["reserve_paid"] += paid
            if paid and not reserve.cash_micro:
                self.enter("issuer", "reserve is empty", micro=-paid)
        else:
            self.supply.mint_to_staked(-gap)
            self.sums["minted"] -= gap
        self.enter("issuer", "day", lots=self.accounts[BACKING].coin_lots, micro=self.supply.total, **self.standing())
        self.market.at(self.seconds(self.midnight), self.end_day)

    def standing(self) -> dict[str, Any]:
        """Columns of the ledger that say what there is; sums are those since the start."""
        account, supply, lot = self.accounts[BACKING], self.supply, self.market.lot_coin
        named = {
            "supply": supply.total, "staked": supply.staked, "queue": supply.queue, "cooling": supply.in_cooldown,
            "stables": self.stables_micro, "coins_here": self.coins_micro, "elsewhere": self.elsewhere_micro,
            "reserve": self.accounts[RESERVE].cash_micro, **self.sums,
        }  # fmt: skip
        return {f"{name}_usd": units.usd(micro) for name, micro in named.items()} | {
            "short_coins": -account.perp_lots * lot,
            "sold_coins": -account.traded_lots * lot,
            "yield_per_year": self.token_yield,
            "funding_per_year": self.mean_funding,
            "nav_usd": self.nav,
            "price_usd": self.price_usd,
        }

    # --- saved --------------------------------------------------------------------------------------------------------

    def memory(self) -> dict[str, Any]:
        """Supply, hedge, means and sums."""
        return {"supply": self.supply.state()} | {name: getattr(self, name) for name in PLAIN}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        self.supply = Supply(**memory["supply"])
        for name in PLAIN:
            setattr(self, name, memory[name])
