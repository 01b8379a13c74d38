"""Fresh money: what value buyers and sellers spent comes in again over days, from outside the market.

Dip buyers and the latent layers have finite money (MODEL 4.2), which within hours is all there is. Over weeks others
come. Each account goes back toward the money it could spend at the start, and the spot layer toward its coins, at a
rate of what is missing; nothing is ever taken away, and what was bought or sold stays with them. Each arrival is a
deposit. What an account can spend is its cash, less twice what a short position is worth at mark: the price of the
short is in the cash, and as much again is its margin (``capacity_lots`` of the latent layer). Where the supply of
stablecoins is simulated, the money that is aimed at moves with it.

The background and the latent layer stand for thousands of people each, and their accounts keep every position that any
of them took: over weeks the one grows long of the other, and open interest with it, where in a market each closes
after a day or so. At each arrival a share (``closed_a_day``) of what they are long of each other is closed at mark,
beside the book: positions and open interest fall, money changes hands, the price does not move.
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

from sim.agents.institution import Institution
from sim.agents.stablecoins import StablecoinDesk
from sim.kernels.ledger import NOISE, TAKERS
from sim.kernels.marks import PERP, SPOT

if TYPE_CHECKING:
    from sim.market import Market

SECONDS_PER_DAY = 86_400.0


class FreshMoneyDesk(Institution):
    """Brings money to those who wait to buy, and coins to those who wait to sell, and closes what pools of people hold
    against each other; sends no order.

    Attributes
    ----------
    targets : list of [owner, micro-dollars, lots]
        What each account had at the start, without a position: no coins where its own are no stock to sell from.
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
        share = self.share_of(self.settings.a_day)
        gate = math.prod(desk.gate for desk in market.institutions if isinstance(desk, StablecoinDesk))
        cash = coins = 0
        for owner, had_micro, had_lots in self.targets:
            money = int(share * max(0, int(gate * had_micro) - self.spendable_micro(owner)))
            lots = int(share * max(0, had_lots - int(state.books.positions[1, owner])))
            if money or lots:
                market.deposit(owner, money, lots)
            cash, coins = cash + money, coins + lots
        if cash or coins:
            self.enter("value buyers and sellers", "fresh money", lots=coins, micro=cash)
        self.close_positions(self.share_of(self.settings.closed_a_day))
        self.next_arrival()

    def share_of(self, rate_a_day: float) -> float:
        """Of what is there or missing, in the time between two arrivals."""
        return -math.expm1(-rate_a_day * self.settings.every / SECONDS_PER_DAY)

    def close_positions(self, share: float) -> None:
        """Close a share of what longs and shorts among the pools have against each other, at mark in whole ticks,
        rounded down; each pays its part, by position. Lots and money are exact.
        """
        state = self.market.state
        mark_ticks = int(state.price[0]["mark_half_ticks"]) // 2
        value_micro = mark_ticks * int(state.rules[PERP]["micro_per_tick_lot"])
        owners = list(dict.fromkeys([int(TAKERS), int(NOISE), *(row[0] for row in self.targets)]))
        held = {owner: int(state.books.positions[PERP, owner]) for owner in owners}
        sides = [{owner: sign * lots for owner, lots in held.items() if sign * lots > 0} for sign in (1, -1)]
        totals = [sum(side.values()) for side in sides]
        closed = int(share * min(totals))
        if closed == 0:
            return
        for sign, side, total in zip((1, -1), sides, totals, strict=True):
            seen = done = 0
            for owner, lots in side.items():
                seen += lots
                mine = closed * seen // total - done
                done += mine
                self._close(owner, sign * mine, value_micro)
        state.clock[0]["open_interest_lots"] -= closed
        self.enter("background and value buyers", "closed", lots=closed, micro=closed * value_micro)

    def _close(self, owner: int, lots: int, value_micro: int) -> None:
        """Take lots, below 0 of a short, off a position and pay for them; its cost shrinks with it, rounded down, as
        ``move_position`` has it.
        """
        state = self.market.state
        row, held = state.accounts[owner], int(state.books.positions[PERP, owner])
        row["entry_micro"] = int(row["entry_micro"]) * abs(held - lots) // abs(held)
        row["held_lots"] = state.books.positions[PERP, owner] = held - lots
        row["cash_micro"] += lots * value_micro

    def spendable_micro(self, owner: int) -> int:
        """Cash that no short position binds, in micro-dollars; below 0 where a short has grown beyond it."""
        state = self.market.state
        short = max(0, -int(state.books.positions[PERP, owner]))
        twice_its_worth = short * int(state.price[0]["mark_half_ticks"]) * int(state.rules[PERP]["micro_per_tick_lot"])
        return int(state.accounts["cash_micro"][owner]) - twice_its_worth

    def memory(self) -> dict[str, Any]:
        """What everybody had."""
        return {"targets": self.targets}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        self.targets = [list(row) for row in memory["targets"]]
