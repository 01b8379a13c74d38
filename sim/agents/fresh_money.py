"""Fresh money: what value buyers and sellers spent comes in again over days, from outside the market.

Dip buyers and the latent layers have finite money (MODEL 4.2), which within hours is all there is. Over weeks others
come. Each account goes back toward the cash it had at the start, and the spot layer toward its coins, at a rate of what
is missing; nothing is ever taken away, and what was bought stays with its buyers. Each arrival is a deposit. Where the
supply of stablecoins is simulated, the cash that is aimed at moves with it.
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

from sim.agents.institution import Institution
from sim.agents.stablecoins import StablecoinDesk
from sim.kernels.marks import SPOT

if TYPE_CHECKING:
    from sim.market import Market

SECONDS_PER_DAY = 86_400.0


class FreshMoneyDesk(Institution):
    """Brings money to those who wait to buy, and coins to those who wait to sell; trades nothing itself.

    Attributes
    ----------
    targets : list of [owner, micro-dollars, lots]
        What each account had at the start: no coins where its own are no stock to sell from.
    """

    NAME: ClassVar[str] = "fresh_money"
    NUMBER: ClassVar[int] = 6

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.targets: list[list[int]] = []

    def begin(self) -> None:
        """Note what everybody has, and put the first arrival into the calendar."""
        state = self.market.state
        cash, coins = state.accounts["cash_micro"], state.books.positions[1]
        layers = [(b, int(layer["owner"])) for b, layer in enumerate(state.layers) if layer["on"]]
        self.targets = [[owner, int(cash[owner]), int(coins[owner]) if b == SPOT else 0] for b, owner in layers]
        self.targets += [[int(owner), int(cash[owner]), 0] for owner in state.dip_buyers["owner"]]
        self.next_arrival()

    def next_arrival(self) -> None:
        """Put one into the calendar."""
        self.market.at(self.market.time + self.settings.every, self.arrive)

    def arrive(self) -> None:
        """One arrival: every account gets its share of what it misses, rounded down."""
        state, market = self.market.state, self.market
        share = -math.expm1(-self.settings.a_day * self.settings.every / SECONDS_PER_DAY)
        gate = math.prod(desk.gate for desk in market.institutions if isinstance(desk, StablecoinDesk))
        cash = coins = 0
        for owner, had_micro, had_lots in self.targets:
            money = int(share * max(0, int(gate * had_micro) - int(state.accounts["cash_micro"][owner])))
            lots = int(share * max(0, had_lots - int(state.books.positions[1, owner])))
            if money or lots:
                market.deposit(owner, money, lots)
            cash, coins = cash + money, coins + lots
        if cash or coins:
            self.enter("value buyers and sellers", "fresh money", lots=coins, micro=cash)
        self.next_arrival()

    def memory(self) -> dict[str, Any]:
        """What everybody had."""
        return {"targets": self.targets}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        self.targets = [list(row) for row in memory["targets"]]
