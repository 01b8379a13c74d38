"""The holders as a desk of the calendar: each day some coins are spent, and what is for sale meets new owners' money.

A day is one of UTC. Its spending is decided when it begins (sim/cost_basis.py); buyers and sellers meet as far as they
can, and the difference is worked through the spot book over the day. When it ends, what was sold and what changed hands
elsewhere leaves its bins and enters those of new, young coins, and all that is left in the account goes back to its
owners. So no coin is lost: the histogram falls by what other institutions bought of the market, and by nothing else.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from sim import evidence, units
from sim.agents.daily import DAY, Daily
from sim.agents.execution import Execution
from sim.agents.stablecoins import StablecoinDesk
from sim.cost_basis import Coins, CostBasis, SpendingRules, rate_of_old

if TYPE_CHECKING:
    from sim.market import Market

ACCOUNT = "holders"
WEEK = 7  # days
COHORTS = ("short-term", "long-term")  # of the ledger: young and old
REMEMBERED = (
    "wanted", "aged", "done", "value_micro", "start_lots", "old_rate", "new_money_usd", "prices", "others_bought"
)  # fmt: skip


class HoldersDesk(Daily):
    """Owners of coins beside the market's own participants.

    Attributes
    ----------
    basis : CostBasis
        Their coins.
    start_lots : int
        How many there were at the start.
    """

    NAME: ClassVar[str] = "holders"
    NUMBER: ClassVar[int] = 3

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.basis = CostBasis(self.settings.bin)
        self.for_sale, self.elsewhere = Coins({}, {}), Coins({}, {})  # of this day, on books and not
        self.wanted = self.aged = 0  # lots: what new money would buy this day; what turned old when it began
        self.done = self.value_micro = 0  # what the book took of this day, lots and money; below 0 what it gave
        self.start_lots = 0
        self.old_rate = 0.0  # s0, a day
        self.new_money_usd: float | None = None  # a day
        self.prices: list[float] = []  # at the end of the last days, oldest first, the start before them
        self.others_bought = 0  # lots that other institutions had bought of the market, net, when the last day ended

    # --- the start
    # -----------------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Fill the bins, find the rate of old coins, and begin the first day."""
        self.open(ACCOUNT)
        settings, price = self.settings, self.market.spec.market.price
        for age, cost, coins in self.start_rows():
            self.basis.put(units.lots(coins, self.market.lot_coin), cost, -age, 0)
        self.start_lots = self.basis.lots
        a_day = units.lots_of_money(settings.old_spending, price, self.market.lot_coin)
        self.old_rate = rate_of_old(self.basis, SpendingRules.of(settings), price, a_day)
        self.prices = [price]
        self.market.at(0.0, self.begin_day)

    def start_rows(self) -> list[tuple[int, float, float]]:
        """Age in days, cost in dollars and coins at the start, of the list or of the table that is named."""
        start = self.settings.start
        if isinstance(start, str):
            return evidence.holders(start)
        return [(row.age, row.cost, row.coins) for row in start]

    # --- a day
    # -----------------------------------------------------------------------------------------------------------------

    def begin_day(self) -> None:
        """Decide what is spent until midnight, and begin to work what the book has to take or give."""
        settings, price, length = self.settings, self.index_usd, (self.midnight - self.now) / DAY
        self.aged = self.basis.age(self.day)
        rules = replace(SpendingRules.of(settings), old_rate=self.old_rate)
        spending = self.basis.spending(rules, price, price / self.prices[0] - 1.0, length)
        self.for_sale, self.elsewhere = spending.split(settings.book_share * settings.share_here)
        if settings.new_money is not None:
            self.new_money_usd = settings.new_money
        elif self.new_money_usd is None:
            self.new_money_usd = self.for_sale.lots * self.market.lot_coin * price / length
        self.wanted = round(self.new_money_usd * self.gate * length / price / self.market.lot_coin)
        self.done, self.value_micro = 0, 0
        self.trade(self.for_sale.lots - self.wanted, price)
        self.market.at(self.seconds(self.midnight), self.end_day)

    @property
    def gate(self) -> float:
        """By what new money is multiplied: supply of stablecoins over that of the start, where there is such a desk."""
        return next((desk.gate for desk in self.market.institutions if isinstance(desk, StablecoinDesk)), 1.0)

    def trade(self, lots: int, price: float) -> None:
        """Bring coins in and sell them over the day; below 0 bring money in and buy."""
        account, settings = self.accounts[ACCOUNT], self.settings
        if lots == 0:
            return
        if lots > 0:
            self.deposit(account, coin_lots=lots)
        else:
            most = -lots * self.market.lot_coin * price * (1.0 + settings.order_bound)
            self.deposit(account, cash_micro=units.micro(most))
        end = self.seconds(self.midnight) - 2.0 * settings.order_every  # the last child is back before the day ends
        self.execute(
            account, "spot", "sell" if lots > 0 else "buy", abs(lots), self.market.time, end,
            every_s=settings.order_every, bound=settings.order_bound,
        )  # fmt: skip

    def finished(self, order: Execution) -> None:
        """Note what the book took, or gave: below 0."""
        self.done = order.done_lots if order.side else -order.done_lots
        self.value_micro = order.value_micro

    def end_day(self) -> None:
        """Move what was spent to its new owners, empty the account, write the ledger, begin the next day."""
        if self.orders:  # a child is still on its way
            self.market.at(self.market.time + self.settings.order_every, self.end_day)
            return
        close, lot, day = self.index_usd, self.market.lot_coin, self.day - 1
        in_book = units.usd(self.value_micro) / (abs(self.done) * lot) if self.done else close
        met, sold, bought = min(self.for_sale.lots, self.wanted), max(self.done, 0), max(-self.done, 0)
        spent = self.for_sale.first(met + sold)
        paid = (met * close + sold * in_book) / (met + sold) if met + sold else close
        rows = [cohort_row(self.basis, k, self.elsewhere, spent, close, paid) for k in range(len(COHORTS))]
        self.basis.take(self.elsewhere)
        self.basis.take(spent)
        to_traders = sold - bought + self.others_sold()
        if to_traders < 0:
            self.basis.take_newest(-to_traders)
        self.basis.put(self.elsewhere.lots + met, close, day, day)
        self.basis.put(max(to_traders, 0) + bought, in_book, day, day)
        self.write(rows, close, met)
        self.prices = [*self.prices, close][-WEEK - 1 :]
        account = self.accounts[ACCOUNT]
        self.deposit(account, -account.cash_micro, -account.coin_lots)
        self.begin_day()

    def others_sold(self) -> int:
        """Lots that other institutions sold to the market's traders, net, since the last call."""
        others = [desk for desk in self.market.institutions if desk is not self]
        for desk in others:
            desk.book_fills()
        bought = sum(account.traded_lots for desk in others for account in desk.accounts.values())
        before, self.others_bought = self.others_bought, bought
        return before - bought

    # --- books
    # -----------------------------------------------------------------------------------------------------------------

    def write(self, rows: list[dict[str, Any]], close: float, met: int) -> None:
        """Rows of the day that ends: one for each cohort and one for all."""
        lot, basis = self.market.lot_coin, self.basis
        held, costs, loss = (
            (sum(basis.young.values()), sum(basis.old.values())),
            basis.value_usd(),
            basis.in_loss(close),
        )
        for k, (who, row) in enumerate(zip(COHORTS, rows, strict=True)):
            aged = (-self.aged, self.aged)[k]
            state: dict[str, Any] = {
                "held_coins": held[k] * lot, "aged_coins": aged * lot, "cost_usd": costs[k] / max(held[k], 1),
                "in_loss": loss[k] / max(held[k], 1),
            }  # fmt: skip
            self.enter(who, "day", lots=-int(row.pop("lots")), **row, **state)
        self.enter(
            "all", "day", lots=-self.done, micro=self.value_micro * (1 if self.done > 0 else -1), price_usd=close,
            for_sale_coins=self.for_sale.lots * lot, elsewhere_coins=self.elsewhere.lots * lot,
            wanted_coins=self.wanted * lot, met_coins=met * lot, held_coins=basis.lots * lot,
            cost_usd=sum(costs) / max(basis.lots, 1), in_loss=sum(loss) / max(basis.lots, 1),
        )  # fmt: skip

    def memory(self) -> dict[str, Any]:
        """Bins, the day under way, and what is remembered of the days before."""
        return {
            **{name: getattr(self, name) for name in REMEMBERED}, "basis": self.basis.coins.as_lists(),
            "for_sale": self.for_sale.as_lists(), "elsewhere": self.elsewhere.as_lists(),
        }  # fmt: skip

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        for name in REMEMBERED:
            setattr(self, name, memory[name])
        self.basis = CostBasis(self.settings.bin, *Coins.from_lists(memory["basis"]))
        self.for_sale = Coins.from_lists(memory["for_sale"])
        self.elsewhere = Coins.from_lists(memory["elsewhere"])


def cohort_row(basis: CostBasis, k: int, elsewhere: Coins, sold: Coins, close: float, paid: float) -> dict[str, Any]:
    """What one cohort (0 young, 1 old) spent in a day: lots, and price over cost of it (SOPR).

    Parameters
    ----------
    basis : CostBasis
    k : int
    elsewhere, sold : Coins
        What changed hands off the books, at the close, and on them, at ``paid`` on the mean.
    close, paid : float
        Dollars a coin.
    """
    lots = [sum(part[k].values()) for part in (elsewhere, sold)]
    cost = basis.value_usd(elsewhere)[k] + basis.value_usd(sold)[k]
    return {"lots": sum(lots), "sopr": (lots[0] * close + lots[1] * paid) / cost if cost else 1.0}
