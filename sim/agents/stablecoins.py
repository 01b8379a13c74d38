"""Stablecoins as a desk of the calendar: supply by day, and with it the cash of those who wait to buy (MODEL 4.10).

d ln S = (drift + gain x return of 30 days) dt. What a day orders is minted or redeemed at the end of the next: cash of
dip buyers without bids in a book changes in the same proportion, as a deposit or a withdrawal. Pegs are fixed.
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

from sim.agents.daily import DAY, Daily

if TYPE_CHECKING:
    from sim.market import Market

MONTH, YEAR = 30, 365.0  # days
REMEMBERED = ("supply_usd", "ordered", "due", "prices", "began_s")


class StablecoinDesk(Daily):
    """The issuers of dollar tokens, as far as they feed this market's buyers.

    Attributes
    ----------
    supply_usd : float
        Supply now.
    """

    NAME: ClassVar[str] = "stablecoins"
    NUMBER: ClassVar[int] = 4

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.supply_usd = self.settings.supply
        self.ordered = 0.0  # log change ordered since the day began
        self.due = 0.0  # ordered the day before: takes effect when this one ends
        self.prices = [market.spec.market.price]  # when the last days ended, oldest first
        self.began_s = 0.0  # of this day

    @property
    def gate(self) -> float:
        """Supply over that of the start."""
        return float(self.supply_usd / self.settings.supply)

    def begin(self) -> None:
        """Put the first midnight and the scenario's changes into the calendar."""
        for k, change in enumerate(self.settings.changes):
            self.market.at(change.at, self.order, k)
        self.market.at(self.seconds(self.midnight), self.end_day)

    def order(self, k: int) -> None:
        """Order a change that the scenario gives."""
        self.ordered += math.log1p(self.settings.changes[k].change)

    def end_day(self) -> None:
        """Mint or redeem what is due, and order by the day's end what is due at the next."""
        settings, price = self.settings, self.index_usd
        moved, skipped = self.feed(math.expm1(self.due))
        self.supply_usd *= math.exp(self.due)
        days = (self.market.time - self.began_s) / DAY.total_seconds()
        rate = settings.drift + settings.return_gain / YEAR * (price / self.prices[0] - 1.0)
        self.due, self.ordered, self.began_s = self.ordered + rate * days, 0.0, self.market.time
        self.prices = [*self.prices, price][-MONTH - 1 :]
        self.enter("dip buyers", "day", micro=moved, supply_usd=self.supply_usd, gate=self.gate, passed_over=skipped)
        self.market.at(self.seconds(self.midnight), self.end_day)

    def feed(self, change: float) -> tuple[int, int]:
        """Change the cash of waiting dip buyers by a share of it, rounded towards 0; a buyer whose order is on its way
        is passed over. Returns micro-dollars, and how many were.
        """
        state, moved, skipped = self.market.state, 0, 0
        for buyer in state.dip_buyers:
            if buyer["n_bids"]:
                continue
            owner = int(buyer["owner"])
            if int(state.tickets[int(buyer["ticket0"])]["pending"]):
                skipped += 1
                continue
            cash = math.trunc(int(state.accounts[owner]["cash_micro"]) * change)
            self.market.deposit(owner, cash, 0)
            moved += cash
        return moved, skipped

    def memory(self) -> dict[str, Any]:
        """Supply, what is ordered and due, prices of the last days."""
        return {name: getattr(self, name) for name in REMEMBERED}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        for name in REMEMBERED:
            setattr(self, name, memory[name])
