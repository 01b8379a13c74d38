"""The venue's own desks: the liquidation engine, the insurance fund, and the static hedgers who stand opposite the
crowd.
"""

from typing import Any

from sim import units
from sim.agents.base import Desk
from sim.kernels.ledger import FEES, FUND, HEDGERS


class EngineDesk(Desk):
    """The liquidation engine; owns the fee account."""

    def owners(self) -> Any:
        """The fee account."""
        return slice(int(FEES), int(FEES) + 1)

    @property
    def in_liquidation(self) -> int:
        """Accounts under liquidation now."""
        self.market.sync()
        return int(self.market.state.engine[0]["n_queue"])


class FundDesk(Desk):
    """The insurance fund: takes what the engine cannot close, and sells it with its half-life."""

    def owners(self) -> Any:
        """The fund's account."""
        return slice(int(FUND), int(FUND) + 1)

    @property
    def equity_usd(self) -> float:
        """Cash and position at mark, in dollars; below zero it is a declared, uncovered deficit."""
        self.market.sync()
        state = self.market.state
        unit, mark = int(state.rules[0]["micro_per_tick_lot"]), int(state.price[0]["mark_half_ticks"])
        return units.usd(
            int(state.accounts[FUND]["cash_micro"]) + int(state.books.positions[0, FUND]) * mark * unit // 2
        )


class HedgerDesk(Desk):
    """Basis traders and issuers: static shorts matched by coins they own."""

    def owners(self) -> Any:
        """One account for all."""
        return slice(int(HEDGERS), int(HEDGERS) + 1)
