"""A company's trading day: it values itself, raises money, pays what is due, and says what coins to buy or sell.

Without a market: who calls gives the price, and tells what was bought and sold (``sim.agents.dat``, ``walk``).
"""

import math
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sim import units
from sim.settings.dat import DatSettings
from sim.treasury import issue
from sim.treasury.balance import COUPONS, DIVIDENDS, RETIRE, SELL_COMMON, SELL_FOR_DUES, Balance
from sim.treasury.company import AT_CLOSE, AT_OPEN, OF_SALE, Company, draws
from sim.treasury.dues import due_on, due_within, trading_day_from
from sim.treasury.premium import DAY_S, PremiumRule

MONTH_DAYS = 30.0
NOTES = RETIRE
KINDS = (DIVIDENDS, COUPONS, NOTES)  # of what is due, as ``dues.due_on`` gives them
TO_DEBT, TO_SHARES, TO_CASH = "notes", "shares", "cash"  # what the money of a sale is for
INDEX_SALE, OWN_SALE, FORCED, LAST_RESORT = "index funds sell", "own sale begins", "forced sale begins", "last resort"


@dataclass
class Memory:
    """What a treasurer remembers beside the books, in plain values.

    Attributes
    ----------
    log_premium : float
        Log of m_EV.
    lot_micro : int
        Price at the last valuation, micro-dollars a lot.
    valued_s, opened_s : float
        Instants of the last valuation and of the last opening, POSIX.
    parcels : list of [micro, days]
        Money to be spent on coins, over so many more days.
    sale : list of lots, days, use
        Coins to be sold, over so many more days, and what for; empty without a sale.
    arrears : dict
        What was due and is not paid, by kind; micro-dollars.
    index_fund_shares : int
        Shares that index funds hold.
    exclusions : dict
        Of those, to be sold by funds whose index left the company out: shares, and over how many more days, by the
        number of the exclusion.
    events : list of [what, shares, number]
        What happened that no entry of the books shows. ``number``: lots of a sale that begins; micro-dollars of shares
        that index funds sold.
    """

    log_premium: float
    lot_micro: int
    valued_s: float
    opened_s: float
    parcels: list[list[int]] = field(default_factory=list)
    sale: list[Any] = field(default_factory=list)
    arrears: dict[str, int] = field(default_factory=dict)
    index_fund_shares: int = 0
    exclusions: dict[str, list[int]] = field(default_factory=dict)
    events: list[list[Any]] = field(default_factory=list)


class Treasurer:
    """One company at work.

    Parameters
    ----------
    company : Company
    balance : Balance
    settings : DatSettings
    seed : int
    at_s : float
        Instant of the start, POSIX.
    lot_micro : int
        Price at the start, micro-dollars a lot.
    """

    def __init__(
        self, company: Company, balance: Balance, settings: DatSettings, seed: int, at_s: float, lot_micro: int
    ) -> None:
        self.company, self.balance, self.settings, self.seed = company, balance, settings, seed
        self.rule = PremiumRule.of(settings.premium)
        self.memory = Memory(math.log(company.premium), lot_micro, at_s, at_s)
        self.memory.index_fund_shares = math.floor(balance.shares * company.passive_share)

    # --- what it is worth --------------------------------------------------------------------------------------------

    @property
    def market_value(self) -> int:
        """Of all shares at the last valuation, micro-dollars."""
        return self.rule.market_value(self.memory.log_premium, self.balance, self.memory.lot_micro)

    @property
    def m_eq(self) -> float:
        """Market value of the shares over the coins; 0 without coins. The calculator's, to the nearest float."""
        return self._over_coins(self.market_value)

    @property
    def m_ev(self) -> float:
        """Market value of the shares and claims over the coins; 0 without coins."""
        return self._over_coins(self.market_value + self.balance.claims_micro)

    def _over_coins(self, micro: int) -> float:
        nav = self.balance.nav_micro(self.memory.lot_micro)
        return micro / nav if nav else 0.0

    @property
    def debt_share(self) -> float:
        """Debt over coins at their price; infinite without coins."""
        nav = self.balance.nav_micro(self.memory.lot_micro)
        return self.balance.debt_micro / nav if nav else math.inf

    def value(self, at_s: float, lot_micro: int, normal: float) -> None:
        """Move the premium to an instant and a price with one normal draw."""
        memory = self.memory
        move = math.log(lot_micro / memory.lot_micro)
        days = (at_s - memory.valued_s) / DAY_S
        usual = math.log(self.company.usual)
        memory.log_premium = self.rule.step(memory.log_premium, usual, days, move, normal)
        memory.lot_micro, memory.valued_s = lot_micro, at_s

    def close(self, day: date, at_s: float, lot_micro: int) -> None:
        """Value it at the close."""
        self.value(at_s, lot_micro, self._normal(AT_CLOSE, day))

    def _normal(self, purpose: int, day: date) -> float:
        return float(draws(self.seed, purpose, self.company.number, day).standard_normal())

    # --- its day -----------------------------------------------------------------------------------------------------

    def open(self, day: date, at_s: float, lot_micro: int) -> tuple[int, int]:
        """Value it, raise money, pay, decide; then what of coins it trades today.

        Parameters
        ----------
        day : date
            A trading day in New York, each once and in order.
        at_s : float
            Instant of the open, POSIX.
        lot_micro : int
            Price, micro-dollars a lot.

        Returns
        -------
        buy_micro, sell_lots : int
            Money to spend on coins, lots to sell; one of them is 0.
        """
        days = (at_s - self.memory.opened_s) / DAY_S
        self.memory.opened_s = at_s
        self.value(at_s, lot_micro, self._normal(AT_OPEN, day))
        if self.balance.coins_lots == 0:
            return 0, 0
        self._exclusions(day)
        if not self.is_closed(day):
            self._raise(day, days)
        self._pay(day)
        self._forced_sale(day)
        self._hazard(day, days)
        return self._today()

    def is_closed(self, day: date) -> bool:
        """Whether the scenario lets nobody buy new shares, preferred stock or notes."""
        closed = self.settings.access_closed_from
        return closed is not None and day >= closed

    def _exclusions(self, day: date) -> None:
        """Index funds sell shares: the market value falls, and no coin moves."""
        memory = self.memory
        rules = self.settings.exclusions if self.company.kind == "strategy" else ()
        for k, rule in enumerate(rules):
            value = self.market_value
            if day == trading_day_from(rule.on):
                free = memory.index_fund_shares - sum(left for left, _ in memory.exclusions.values())
                wanted = units.micro(rule.notional) * self.balance.shares // value
                memory.exclusions[str(k)] = [min(wanted, free), rule.days]
            if str(k) not in memory.exclusions:
                continue
            left, days = memory.exclusions[str(k)]
            sold = -(-left // days)
            memory.exclusions[str(k)] = [left - sold, days - 1]
            if days == 1:
                del memory.exclusions[str(k)]
            memory.index_fund_shares -= sold
            self._shift(value, value * math.exp(-rule.effect * sold / self.balance.shares))
            memory.events.append([INDEX_SALE, -sold, sold * value // self.balance.shares])

    def _shift(self, before: float, after: float) -> None:
        """Move the premium by what moves the market value from one to another."""
        claims = self.balance.claims_micro
        if before + claims > 0 and after + claims > 0:
            self.memory.log_premium += math.log((after + claims) / (before + claims))

    @property
    def free_cash(self) -> int:
        """Cash that is not meant for coins, micro-dollars."""
        return self.balance.cash_micro - sum(money for money, _ in self.memory.parcels)

    def _ahead(self, day: date, seconds: float) -> int:
        """Arrears, and what falls due after a day and within so long of it."""
        return sum(self.memory.arrears.values()) + due_within(self.company, self.balance, self.settings, day, seconds)

    def _raise(self, day: date, days: float) -> None:
        """Sell common stock for obligations and for coins, then preferred stock and notes for coins."""
        settings, m_eq, m_ev, value = self.settings, self.m_eq, self.m_ev, self.market_value
        cap = issue.day_cap(self.company, settings, value)
        today = sum(due_on(self.company, self.balance, settings, day))
        short = self._ahead(day, settings.common.reserve) + today - self.free_cash
        needed = min(cap, max(0, short)) if m_ev >= settings.common.from_premium else 0
        wanted = min(cap - needed, issue.common_for_coins(self.company, settings, m_eq, m_ev, value))
        self._sell_common(needed, SELL_FOR_DUES)
        self._to_coins(self._sell_common(wanted, SELL_COMMON), 1)
        at_market, offering, notes = issue.claims(self.company, settings, m_ev, self.seed, day, days)
        self.balance.sell_preferred(at_market)
        self._to_coins(at_market, 1)
        self.balance.sell_preferred(offering)
        self.balance.sell_notes(notes)
        for money in (offering, notes):
            self._to_coins(money, settings.buy_days)

    def _sell_common(self, money: int, what: str) -> int:
        """Sell shares at the market for at most so much; the premium gives way. Returns what came in."""
        value = self.market_value
        _, received = self.balance.sell_common(money, value, what)
        self.memory.log_premium -= self.rule.chi * received / value
        return received

    def _to_coins(self, money: int, days: int) -> None:
        if money > 0:
            self.memory.parcels.append([money, days])

    def _pay(self, day: date) -> None:
        """Pay what is due and what was left unpaid: from cash, then new shares, then coins."""
        arrears, balance = self.memory.arrears, self.balance
        for kind, due in zip(KINDS, due_on(self.company, balance, self.settings, day), strict=True):
            if due > 0:
                arrears[kind] = arrears.get(kind, 0) + due
        missing = sum(arrears.values()) - balance.cash_micro
        if missing > 0 and not self.is_closed(day):
            self._raise_at_once(missing)
        for kind in [kind for kind in KINDS if kind in arrears]:
            if kind == NOTES:
                arrears[kind] = min(arrears[kind], balance.debt_micro)  # a sale of its own may have retired some
            paid = min(arrears[kind], balance.cash_micro)
            if kind == NOTES:
                balance.retire(paid)
            else:
                balance.pay(kind, paid)
            arrears[kind] -= paid
            if arrears[kind] == 0:
                del arrears[kind]
        self._forget_parcels()
        missing = sum(arrears.values())
        if missing > 0:
            self._sell(-(-missing // self.memory.lot_micro), 1, TO_CASH, LAST_RESORT)

    def _raise_at_once(self, missing: int) -> None:
        """What is due today and not there: shares beyond the cap where the ladder sells any, else preferred stock."""
        m_ev = self.m_ev
        if m_ev >= self.settings.common.from_premium:
            share = self.market_value // self.balance.shares + 1  # one more: whole shares are sold
            self._sell_common(missing + share, SELL_FOR_DUES)
        elif self.company.kind == "strategy" and m_ev >= self.settings.claims.preferred_from:
            self.balance.sell_preferred(missing)

    def _forget_parcels(self) -> None:
        """Money that was for coins and has been paid out is for coins no more; the newest first."""
        parcels = self.memory.parcels
        over = -self.free_cash
        while over > 0:
            taken = min(over, parcels[-1][0])
            parcels[-1][0] -= taken
            over -= taken
            if parcels[-1][0] == 0:
                parcels.pop()

    # --- coins that are sold -----------------------------------------------------------------------------------------

    def _forced_sale(self, day: date) -> None:
        """Coins for the obligations ahead: m_EV below 1, no capital to be had, and cash for less than the reserve."""
        settings, m_ev = self.settings, self.m_ev
        if m_ev >= 1:
            return
        preferred = self.company.kind == "strategy" and m_ev >= settings.claims.preferred_from
        if not self.is_closed(day) and (m_ev >= settings.common.from_premium or preferred):
            return
        short = self._ahead(day, settings.sales.forced_reserve) - self.balance.cash_micro
        if short > 0:
            self._sell(-(-short // self.memory.lot_micro), settings.sales.sell_days, TO_CASH, FORCED)

    def _hazard(self, day: date, days: float) -> None:
        """A small company's own sale: at a rate that rises as its shares fall below its coins, and with its debt."""
        rule, number = self.settings.sales, self.company.number
        if self.company.kind != "small" or self.memory.sale:
            return
        draw = draws(self.seed, OF_SALE, number, day)
        comes, size = draw.random(2)
        if comes >= -math.expm1(-self.sale_rate() * days / MONTH_DAYS):
            return
        lots = math.floor(self.balance.coins_lots * (rule.share_low + (rule.share_high - rule.share_low) * size))
        use = TO_DEBT if self.debt_share > rule.retire_debt_above else TO_SHARES
        self._sell(lots, self.settings.sales.sell_days, use, OWN_SALE)

    def sale_rate(self) -> float:
        """Rate of its own sales at its premium and debt, 1/month."""
        rule, m_eq = self.settings.sales, self.m_eq
        rate = rule.hazard_above_1 if m_eq > 1 else rule.hazard
        if m_eq < rule.discount:
            rate = rule.hazard_deep
        return rate * (rule.indebted_factor if self.debt_share > rule.indebted_above else 1.0)

    def _sell(self, lots: int, days: int, use: str, why: str) -> None:
        """Begin to sell coins, where no sale is under way; it ends all buying."""
        lots = min(lots, self.balance.coins_lots)
        if lots > 0 and not self.memory.sale:
            self.memory.sale = [lots, days, use]
            self.memory.parcels.clear()
            self.memory.events.append([why, 0, lots])

    def _today(self) -> tuple[int, int]:
        """What of parcels and of a sale is traded today."""
        memory = self.memory
        if memory.sale:
            lots, days, use = memory.sale
            memory.sale = [lots, max(1, days - 1), use]
            return 0, -(-lots // days)
        money, rest = 0, []
        for left, days in memory.parcels:
            money += left // days
            if days > 1:
                rest.append([left - left // days, days - 1])
        memory.parcels = rest
        return money, 0

    def bought(self, budget: int, lots: int, paid: int) -> None:
        """Coins bought today and what they cost, of the budget that ``open`` gave; what is left is for tomorrow."""
        self.balance.bought(lots, paid)
        self._to_coins(min(budget - paid, self.free_cash), 1)

    def sold(self, lots: int, received: int) -> None:
        """Coins sold today and what came in; the money goes where the sale meant it to."""
        self.balance.sold(lots, received)
        memory = self.memory
        if not memory.sale:
            return
        left, days, use = memory.sale
        memory.sale = [left - lots, days, use] if left > lots else []
        if use == TO_DEBT:
            self.balance.retire(received)
        elif use == TO_SHARES and self.m_eq < 1.0 and self.balance.coins_lots > 0:
            value = self.market_value
            _, paid = self.balance.buy_back(received, value)
            memory.log_premium += self.rule.chi * paid / value

    # --- saved -------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Books and memory, in plain values."""
        return {"balance": self.balance.state(), "memory": asdict(self.memory)}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave."""
        self.balance, self.memory = Balance(**state["balance"]), Memory(**state["memory"])
