"""The dip buyers as a desk."""

from typing import Any

from sim.agents.base import Desk
from sim.recorder import live_lots


class DipBuyerDesk(Desk):
    """Buyers with local cash, held in columns (behaviours/dip_buyer.py)."""

    def owners(self) -> Any:
        """One account a buyer."""
        return self.market.state.dip_buyers["owner"]

    @property
    def resting_coins(self) -> float:
        """Coins of their resting bids in both books."""
        self.market.sync()
        state = self.market.state
        buyers = state.dip_buyers[state.dip_buyers["n_bids"] > 0]
        tickets = [t for buyer in buyers for t in range(buyer["ticket0"], buyer["ticket0"] + buyer["n_bids"])]
        return float(live_lots(state.books, state.tickets["handle"][tickets]).sum()) * self.market.lot_coin
