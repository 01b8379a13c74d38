"""The background crowd as a desk."""

from typing import Any

from sim.agents.base import Desk
from sim.kernels.ledger import NOISE, TAKERS
from sim.recorder import live_lots


class BackgroundDesk(Desk):
    """Anonymous takers and short-lived limit orders: two funded accounts (behaviours/background.py)."""

    def owners(self) -> Any:
        """Takers and limit orders."""
        return [int(TAKERS), int(NOISE)]

    @property
    def resting_coins(self) -> float:
        """Coins of its limit orders in both books."""
        self.market.sync()
        state = self.market.state
        first = int(state.crowd[0]["ticket0"])
        last = int(state.crowd[1]["ticket0"]) + 2 * int(state.crowd[1]["rows_per_side"])
        return float(live_lots(state.books, state.tickets["handle"][first:last]).sum()) * self.market.lot_coin
