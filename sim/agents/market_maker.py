"""The market makers as a desk."""

from typing import Any

import numpy as np

from sim.agents.base import Desk
from sim.state import Array


class MarketMakerDesk(Desk):
    """All firms of the market, held in columns (behaviours/market_maker.py)."""

    def owners(self) -> Any:
        """One account a firm."""
        return self.market.state.firms["owner"]

    @property
    def beliefs(self) -> Array:
        """Log offset of each firm's fair price from the news value."""
        self.market.sync()
        return self.market.state.firms["belief"].copy()

    @property
    def net_coins(self) -> Array:
        """Inventory of each firm over both books, hedge and working stock left out, in coins."""
        self.market.sync()
        state = self.market.state
        owners = state.firms["owner"]
        lots = state.books.positions[0, owners] + state.books.positions[1, owners] - state.firms["stock_lots"]
        return np.asarray(lots * self.market.lot_coin)
