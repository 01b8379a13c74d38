"""The leveraged population as a desk."""

from typing import Any

import numpy as np

from sim.agents.base import Desk
from sim.state import Array


class LeveragedDesk(Desk):
    """All leveraged accounts, held in columns. Conduct: behaviours/leveraged.py."""

    def owners(self) -> Any:
        """Every account the liquidation engine watches."""
        engine = self.market.state.engine[0]
        return slice(int(engine["first_watched"]), int(engine["end_watched"]))

    @property
    def liquidation_usd(self) -> Array:
        """Last safe mark of each account in dollars, as of the last time cash or position changed."""
        self.market.sync()
        half_ticks = self.market.state.accounts["liquidation_half_ticks"][self.owners()]
        return np.asarray(half_ticks * (0.5 * self.market.tick_usd))

    @property
    def closing(self) -> Array:
        """Rows of the accounts that close of their own accord now."""
        self.market.sync()
        state = self.market.state
        return np.asarray(state.closing[: int(state.conduct[0]["n_closing"])].copy())

    @property
    def n_liquidated(self) -> int:
        """Accounts that the engine has sent at least one order for, or the fund has taken over."""
        self.market.sync()
        rows = self.market.state.accounts[self.owners()]
        return int(np.count_nonzero((rows["first_forced_us"] >= 0) | (rows["taken_lots"] != 0)))
