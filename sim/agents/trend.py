"""The trend followers as a desk."""

from typing import Any

import numpy as np

from sim.agents.base import Desk
from sim.state import Array


class TrendDesk(Desk):
    """Funds that follow the trend in the perp, held in columns (behaviours/trend.py)."""

    def owners(self) -> Any:
        """One account a fund."""
        return self.market.state.trend_funds["owner"]

    @property
    def target_coins(self) -> Array:
        """Position that each fund wanted at its last date, in coins, shorts negative."""
        self.market.sync()
        return np.asarray(self.market.state.trend_funds["target_lots"] * self.market.lot_coin)

    @property
    def volatility_per_day(self) -> float:
        """The funds' estimate of the daily volatility, a fraction."""
        self.market.sync()
        return float(np.sqrt(self.market.state.trend[0]["variance_per_day"]))
