"""Spot funds: investors buy and sell shares, a participant makes their market and hedges, issuers work the baskets.

A session goes by steps. At each the investors' flow so far becomes shares that the authorised participant buys or sells
against its inventory; it hedges what it then holds at once: in the perp where an issuer takes cash, with coins of its
own where baskets are paid in kind. An issuer's agent works whole baskets of the inventory in the spot book on trade
credit, most as they come and the rest in the hour of the strike, and the hedge in the perp shrinks with what it has
done. At the cut-off whole baskets are ordered; the strike values them; the trading day after, before anything else,
shares, coins and money change hands. Source: MODEL 4.7, R9, R16; docs/etf.md.
"""

import math
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sim import units
from sim.agents.execution import Execution
from sim.agents.institution import Account, Institution
from sim.calendar_ny import NEW_YORK, Session, is_trading_day, next_trading_day, order_day, session, strike
from sim.errors import ScenarioError
from sim.funds.issuer import Fund, Order
from sim.funds.rule import FlowRule, flow_so_far, known_bp, next_noise
from sim.funds.strike import strike as strike_of
from sim.recorder import rows_so_far

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.etf import EtfSettings

DRAW_ETF = 31  # second word of the generator of a day's flow, after the seed; the third is the day's ordinal
PARTICIPANT, SPONSOR = "participant", "sponsor"
BN = 1e15  # micro-dollars


class EtfDesk(Institution):
    """All funds, their issuers' agents, the authorised participant and the investors behind them.

    Accounts: ``<fund>`` holds the coins of its holders and nothing else; ``<fund> trading`` is the issuer's agent on
    trade credit; ``participant`` has the hedge and the money; ``sponsor`` gets the fees.
    """

    NAME, NUMBER = "etf", 1

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.funds: dict[str, Fund] = {}
        self.inventory: dict[str, int] = {}  # shares that the participant holds and has not ordered away
        self.credit: dict[str, list[int]] = {}  # lots and micro-dollars lent to each issuer's agent
        self.past: list[float] = []  # returns of the last twenty trading days, %
        self.noise = self.last_close = 0.0
        self.owed_micro = 0  # to investors, for shares that have not settled; below 0 they owe
        self.fee_day = self.kind_lots = 0  # day of the last fee, ordinal; coins that the participant began with
        self.day: dict[str, Any] = {}  # the session under way

    def memory(self) -> dict[str, Any]:
        """Funds, inventories, the rule's state and the session under way."""
        return {
            "funds": [fund.state() for fund in self.funds.values()], "inventory": self.inventory,
            "credit": self.credit, "past": self.past, "noise": self.noise, "last_close": self.last_close,
            "owed_micro": self.owed_micro, "fee_day": self.fee_day, "kind_lots": self.kind_lots, "day": self.day,
        }  # fmt: skip

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        self.funds = {row["name"]: Fund.of_state(row) for row in memory["funds"]}
        self.inventory, self.credit, self.past = memory["inventory"], memory["credit"], memory["past"]
        self.noise, self.last_close, self.owed_micro = memory["noise"], memory["last_close"], memory["owed_micro"]
        self.fee_day, self.kind_lots, self.day = memory["fee_day"], memory["kind_lots"], memory["day"]

    def begin(self) -> None:
        """Open the accounts and wait for the first whole session.

        Raises
        ------
        ScenarioError
            Where a book is missing that an issuer needs, or a flow has a date on which New York does not trade.
        """
        settings: EtfSettings = self.settings
        market, lot = self.market, self.market.lot_coin
        in_cash = [issuer for issuer in settings.issuers if not issuer.in_kind]
        if not market.spec.market.spot or (in_cash and not market.spec.market.perp):
            raise ScenarioError("etf.listing: funds need a spot book, and a perp for the hedge of those paid in cash")
        for i, flow in enumerate(settings.flows or ()):
            if not is_trading_day(flow.date):
                raise ScenarioError(f"etf.flows.{i}.date: New York does not trade on {flow.date}: choose another day")
        for issuer in settings.issuers:
            lots = units.lots(issuer.coins, lot)
            shares = math.floor(units.exact(issuer.coins) / units.exact(issuer.coins_per_share))
            fund = Fund(issuer.name, lots, shares, issuer.basket_shares, units.ppm(issuer.fee), issuer.in_kind)
            self.funds[fund.name], self.inventory[fund.name] = fund, 0
            self.open(fund.name, coin_lots=lots)
            if not issuer.in_kind:
                lent = int(units.exact(settings.trade_credit) * lots)
                self.credit[fund.name] = [lent, self.value_micro(lent)]
                self.open(f"{fund.name} trading", cash_micro=self.credit[fund.name][1], coin_lots=lent)
        self.kind_lots = 0 if len(in_cash) == len(settings.issuers) else units.lots(settings.participant_coins, lot)
        money = units.micro(settings.participant_capital)
        self.open(PARTICIPANT, money, self.kind_lots, leverage=settings.participant_leverage)
        self.open(SPONSOR)
        self.past = [100.0 * move for move in settings.past_returns]
        self.noise = settings.last_noise
        self.last_close = self.price_usd() if settings.last_close is None else settings.last_close
        today = self.now.astimezone(NEW_YORK).date()
        self.fee_day = today.toordinal()
        hours = session(today)
        self.await_session(today if hours is not None and hours.opens >= self.now else next_trading_day(today))

    def await_session(self, day: date) -> None:
        """Wake at the open of a trading day."""
        hours = session(day)
        assert hours is not None
        self.market.at(self.seconds(hours.opens), self.open_session, day.isoformat())

    # --- prices and amounts
    # -----------------------------------------------------------------------------------------------------------------

    def price_usd(self) -> float:
        """Index of the spot books, dollars a coin."""
        self.market.sync()
        return float(self.market.state.price[0]["index_half_ticks"]) * 0.5 * self.market.tick_usd

    def value_micro(self, lots: int, per: int = 1) -> int:
        """Micro-dollars of ``lots / per`` at the index, rounded toward zero."""
        self.market.sync()
        twice = int(self.market.state.price[0]["index_half_ticks"]) * abs(lots)
        value = twice * int(self.market.state.rules[1]["micro_per_tick_lot"]) // (2 * per)
        return value if lots > 0 else -value

    def sold_lots(self, name: str) -> int:
        """Coins that an issuer's agent has sold beyond what it was given since; below 0 it has bought."""
        return 0 if name not in self.credit else self.credit[name][0] - self.accounts[f"{name} trading"].coin_lots

    def held_lots(self, fund: Fund) -> int:
        """Coins behind the shares that the participant holds, those included whose order has not settled."""
        return fund.lots_of(self.inventory[fund.name]) - sum(order.lots for order in fund.orders)

    def to_sell(self, fund: Fund) -> int:
        """Shares that investors have to sell: all that are out but the participant's, and one basket that stays."""
        return max(0, fund.shares_to_be - self.inventory[fund.name] - fund.basket_shares)

    def whole_baskets(self, fund: Fund) -> int:
        """Baskets in the inventory, toward zero."""
        held = self.inventory[fund.name]
        return (abs(held) // fund.basket_shares) * (1 if held > 0 else -1)

    # --- the day
    # -----------------------------------------------------------------------------------------------------------------

    def open_session(self, iso: str) -> None:
        """Settle what the day before ordered, know the day's flow but for its own return, begin the steps."""
        self.settle(iso)
        settings, day = self.settings, date.fromisoformat(iso)
        rule = rule_of(settings)
        shock = float(self.draws(DRAW_ETF, day.toordinal()).standard_t(rule.nu))
        self.noise = next_noise(rule, self.noise, shock)
        lots = {name: fund.lots_to_be for name, fund in self.funds.items()}
        self.day = {
            "date": iso, "known": known_bp(rule, self.past), "lots": lots, "closed": False,
            "assets": sum(lots.values()) * self.market.lot_coin * self.last_close,
            "shares": dict.fromkeys(lots, 0), "micro": dict.fromkeys(lots, 0),
        }  # fmt: skip
        self.step()

    def step(self) -> None:
        """One step of the session; the last is at the end of the strike's hour, or at the close where that is later."""
        self.book_fills()
        day = date.fromisoformat(self.day["date"])
        hours, hour = session(day), strike(day)
        assert hours is not None and hour is not None
        now = self.now
        if not self.day["closed"]:
            self.trade_shares(part_of(hours, now))
            if now >= hours.closes:
                self.close_session(hours.closes)
        if now < hour.closes:
            self.work_baskets(part_of(hour, now + timedelta(seconds=self.settings.step)))
        self.hedge()
        if now >= hour.closes:
            self.strike(hour)
            self.await_session(next_trading_day(day))
            return
        end = hour.closes if self.day["closed"] else min(hours.closes, hour.closes)
        following = min(now + timedelta(seconds=self.settings.step), end)
        self.market.at(self.seconds(following), self.step)

    def trade_shares(self, over: float) -> None:
        """Let investors trade the part of their flow that the session so far brings."""
        settings, day = self.settings, self.day
        if not settings.investors:
            return
        moved = 100.0 * math.log(self.price_usd() / self.last_close)
        if settings.flows is None:
            answer = rule_of(settings).r0
            usd = 1e-4 * flow_so_far(day["known"], self.noise, answer, moved, over) * day["assets"]
        else:
            usd = over * sum(flow.usd for flow in settings.flows if flow.date.isoformat() == day["date"])
        whole = sum(day["lots"].values())
        for name, fund in self.funds.items():
            per_share = self.value_micro(fund.lots_to_be) / fund.shares_to_be
            wanted = int((usd * units.MICRO * day["lots"][name] / whole - day["micro"][name]) / per_share)
            shares = max(wanted, -self.to_sell(fund))
            value = self.value_micro(shares * fund.lots_to_be, fund.shares_to_be)
            self.inventory[name] -= shares
            self.owed_micro -= value
            day["shares"][name] += shares
            day["micro"][name] += value

    def close_session(self, closes: datetime) -> None:
        """At the close: the day's return, the investors' flow, the participant's order before the cut-off."""
        day = self.day
        day["closed"] = True
        close = self.price_usd()
        self.past = [*self.past[1:], 100.0 * math.log(close / self.last_close)]
        self.last_close = close
        if order_day(closes).isoformat() != day["date"]:
            raise ScenarioError(f"the close of {day['date']} is after the cut-off of its orders")
        for name, fund in self.funds.items():
            self.enter(name, "investors", shares=day["shares"][name], micro=day["micro"][name], price_usd=close)
            baskets = -self.whole_baskets(fund)
            self.enter(PARTICIPANT, f"inventory at the cut-off: {name}", shares=self.inventory[name])
            if baskets:
                order = fund.order(baskets, day["date"])
                self.inventory[name] += order.shares
                self.enter(name, word_of(order, "ordered"), shares=order.shares, lots=order.lots, baskets=baskets)
        published = self.market.time + self.settings.published_after
        self.market.at(published, self.publish, day["date"], sum(day["micro"].values()))

    def publish(self, iso: str, micro: int) -> None:
        """The day's flow is known to all; what others read into it moves the news value."""
        self.enter("all", "published", micro=micro, flow_of=iso)
        if self.settings.informed and micro:
            self.move_news(self.settings.informed * micro / BN, self.settings.published_over)

    def strike(self, hour: Session) -> None:
        """Value the shares, and take the sponsor's fee."""
        rows = rows_so_far(self.market)
        every = units.nearest_us(self.market.spec.record_every)
        first, last = (units.nearest_us(self.seconds(moment)) for moment in hour)
        rows = rows[(rows["time_us"] - every >= first) & (rows["time_us"] - every < last)]
        volume = rows["spot_taker_buy_lots"] + rows["spot_taker_sell_lots"]
        times, prices = (rows["time_us"] - every).tolist(), rows["spot_last_ticks"].tolist()
        ticks = strike_of(times, prices, volume.tolist(), first, last)
        price = self.price_usd() if ticks is None else ticks * self.market.tick_usd
        today = date.fromisoformat(self.day["date"]).toordinal()
        for name, fund in self.funds.items():
            fee = fund.take_fee(today - self.fee_day)
            self.transfer(self.accounts[name], self.accounts[SPONSOR], coin_lots=fee)
            self.enter(SPONSOR, f"fee of {name}", lots=fee)
            mine = sum(order.lots for order in fund.orders if order.day == self.day["date"])
            per_share = float(fund.per_share) * self.market.lot_coin * price
            self.enter(
                name, "struck", shares=fund.shares, lots=fund.coin_lots, price_usd=price, nav_usd=per_share,
                micro=round(mine * self.market.lot_coin * price * units.MICRO),
            )  # fmt: skip
        self.fee_day = today

    # --- orders
    # -----------------------------------------------------------------------------------------------------------------

    def follow(self, account: Account, book: str, lots: int) -> Execution | None:
        """Trade a difference, below 0 a sale, over the next step; what is under way counts as done."""
        wanted = lots - self.coming_lots(account, book)
        if wanted == 0:
            return None
        settings, now = self.settings, self.market.time
        return self.execute(
            account, book, "buy" if wanted > 0 else "sell", abs(wanted), now, now + settings.step,
            every_s=settings.child_every, bound=settings.bound,
        )  # fmt: skip

    def work_baskets(self, strike_over: float) -> None:
        """Let issuers' agents sell or buy the coins of the day's baskets; what is left of days before comes with it.

        Parameters
        ----------
        strike_over : float
            Part of the strike's hour that is over at the end of the coming step.
        """
        share = self.settings.before_strike
        share += (1.0 - share) * strike_over
        for name in self.credit:
            fund = self.funds[name]
            ordered = sum(order.lots for order in fund.orders if order.day == self.day["date"])
            due = fund.lots_of(self.whole_baskets(fund) * fund.basket_shares) - ordered
            self.follow(self.accounts[f"{name} trading"], "spot", self.sold_lots(name) - int(due * share))

    def hedge(self) -> None:
        """Bring the participant's perp and coins to what its shares ask for."""
        account = self.accounts[PARTICIPANT]
        in_cash = sum(self.held_lots(fund) for fund in self.funds.values() if not fund.in_kind)
        in_cash -= sum(self.sold_lots(name) for name in self.credit)
        in_kind = sum(self.held_lots(fund) for fund in self.funds.values() if fund.in_kind)
        position = int(self.market.state.books.positions[0, account.owner])
        if self.credit:
            self.follow(account, "perp", -in_cash - position)
        if len(self.credit) < len(self.funds):
            self.follow(account, "spot", self.kind_lots - in_kind - account.coin_lots)

    # --- the day after
    # -----------------------------------------------------------------------------------------------------------------

    def settle(self, iso: str) -> None:
        """Settle shares, coins and money of the days before: T + 1."""
        account = self.accounts[PARTICIPANT]
        cash, coins, perp = self.book_drift(account)
        if cash or coins or perp:
            self.enter(PARTICIPANT, "funding and clearing", lots=perp, micro=cash)
        if self.owed_micro < 0:
            self.deposit(account, cash_micro=-self.owed_micro)
            self.enter(PARTICIPANT, "paid by investors", micro=-self.owed_micro)
            self.owed_micro = 0
        for name, fund in self.funds.items():
            for order in fund.due(iso):
                self.deliver(fund, order)
            if name in self.credit:
                self.square(name)
        if self.owed_micro > 0:
            paid = min(self.owed_micro, max(0, self.free_micro(account)))
            self.deposit(account, cash_micro=-paid)
            self.owed_micro -= paid
            self.enter(PARTICIPANT, "paid to investors", micro=-paid, left_usd=units.usd(self.owed_micro))

    def deliver(self, fund: Fund, order: Order) -> None:
        """Exchange the coins of one order against its shares; one whose coins are not there waits another day."""
        custody = self.accounts[fund.name]
        other = self.accounts[PARTICIPANT if fund.in_kind else f"{fund.name} trading"]
        giver, taker = (custody, other) if order.lots < 0 else (other, custody)
        if self.free_lots(giver) < abs(order.lots):
            self.enter(fund.name, word_of(order, "not delivered"), shares=order.shares, lots=order.lots)
            return
        self.transfer(giver, taker, coin_lots=abs(order.lots))
        fund.settle(order)
        self.enter(fund.name, word_of(order, "settled"), shares=order.shares, lots=order.lots, ordered_on=order.day)

    def square(self, name: str) -> None:
        """Hand the participant what an issuer's agent made by its trades, or let it pay what they cost."""
        account, agent = self.accounts[PARTICIPANT], self.accounts[f"{name} trading"]
        made = agent.cash_micro - self.credit[name][1]
        if made > 0:
            self.transfer(agent, account, cash_micro=made)
        elif made < 0:
            made = -min(-made, max(0, self.free_micro(account)))
            self.transfer(account, agent, cash_micro=-made)
        if made:
            self.enter(PARTICIPANT, f"proceeds of {name}" if made > 0 else f"cost of {name}", micro=made)


def rule_of(settings: "EtfSettings") -> FlowRule:
    """The flow rule of the settings."""
    rule = settings.rule
    return FlowRule(
        rule.constant, rule.same_day, rule.day_before, rule.week_before, rule.trend, rule.persistence, rule.noise,
        rule.tail,
    )  # fmt: skip


def part_of(span: Session, now: datetime) -> float:
    """Part of a span that is over, 0 to 1."""
    return min(1.0, max(0.0, (now - span.opens) / (span.closes - span.opens)))


def word_of(order: Order, what: str) -> str:
    """What became of an order, as the ledger says it."""
    return f"{'creation' if order.baskets > 0 else 'redemption'} {what}"
