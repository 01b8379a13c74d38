"""The arbitrage firms as a desk."""

from typing import Any

import numpy as np

from sim.agents.base import Desk
from sim.state import Array


class ArbitrageDesk(Desk):
    """Firms that hold spot and perp together, held in columns (behaviours/arbitrage.py); three accounts each."""

    def owners(self) -> Any:
        """Accounts in the perp's venue, in the spot venues and elsewhere."""
        firms = self.market.state.arbitrageurs
        return np.concatenate([firms["margin"], firms["wallet"], firms["reserve"]])

    @property
    def net_coins(self) -> Array:
        """Inventory of each firm beyond its coins at the start: what one leg filled more than the other, in coins."""
        self.market.sync()
        state = self.market.state
        firms, (perp, coins) = state.arbitrageurs, state.books.positions
        lots = perp[firms["margin"]] + coins[firms["wallet"]] + coins[firms["reserve"]] - firms["stock_lots"]
        return np.asarray(lots * self.market.lot_coin)

    @property
    def stopped_share(self) -> float:
        """Share of firms that saw a gap in the last tick and had no balance to close it."""
        self.market.sync()
        return float(self.market.state.arbitrageurs["is_stopped"].mean())

    def set_transfers(self, are_open: bool) -> None:
        """Open or close transfers between venues, from the first tick that starts at or after now."""
        self.market.change(self._put_transfers, are_open)

    def _put_transfers(self, are_open: bool) -> None:
        self.market.state.arbitrage[0]["transfers_open"] = int(are_open)
