"""The chain that a protocol runs on: what gas costs, and the price that has landed on it (MODEL 3.2)."""

import math
from typing import Any

import numpy as np

from sim import units
from sim.kernels import lending_entries as rules
from sim.kernels.oracles import FEED
from sim.settings.lender import Feed, MarketFeed
from sim.settings.lending import LendingSettings

GWEI = 1e-9  # of the coin that gas is paid in
GAS_UNIT_USD = 1e8  # of ``gas_gain``
MOST_LOG_GAS = 50.0


class Chain:
    """Gas that rises with liquidations, and one price feed, in half ticks.

    Attributes
    ----------
    follows : bool
        Whether the feed looks at the market; else its price stays.
    feed : FEED[1]
    heat_usd : float
        Liquidated of late.
    """

    def __init__(self, feed: Feed, half_ticks: int, dollar_half: int, now_us: int) -> None:
        self.feed = np.zeros(1, FEED)
        self.follows = isinstance(feed, MarketFeed)
        self.heat_usd = 0.0
        if isinstance(feed, MarketFeed):
            self.feed[0] = (half_ticks, now_us, 0, 0, units.ppm(feed.deviation), units.us(feed.heartbeat))
        else:  # hard-coded to a dollar: the scenario's reader refuses a ratio to another coin
            self.feed[0]["price"] = dollar_half

    @property
    def price(self) -> int:
        """The price in force, in half ticks."""
        return int(self.feed[0]["price"])

    def warm(self, usd: float, settings: LendingSettings) -> None:
        """Take in what was liquidated since the last slot."""
        self.heat_usd = self.heat_usd * math.exp(-settings.slot / settings.gas_memory) + usd

    def gwei(self, settings: LendingSettings) -> float:
        """Price of gas."""
        return settings.gas * math.exp(min(settings.gas_gain * self.heat_usd / GAS_UNIT_USD, MOST_LOG_GAS))

    def gas_micro(self, settings: LendingSettings) -> int:
        """What a call costs in gas, in micro-dollars."""
        return units.micro(settings.call_gas * self.gwei(settings) * GWEI * settings.gas_coin)

    def observe(self, half_ticks: int, now_us: int, settings: LendingSettings, draws: np.random.Generator) -> int:
        """Let the feed see the market: what it sends now lands after a slot, or after as many as gas makes it wait.

        Returns
        -------
        int
            Slots that a price sent now waits; 0 when none is sent.
        """
        if not self.follows:
            return 0
        gwei = self.gwei(settings)
        chance = min(1.0, settings.feed_bid / gwei) if gwei > 0.0 else 1.0
        slots = 1 if chance >= 1.0 else int(draws.geometric(chance))
        delay_us = slots * units.nearest_us(settings.slot)
        found = np.zeros(1, np.int64)
        rules.observed(self.feed, np.array([half_ticks]), np.array([now_us]), np.int64(delay_us), found)
        is_new = int(self.feed[0]["sent"]) != 0 and int(self.feed[0]["lands_us"]) == now_us + delay_us
        return slots if is_new else 0

    def state(self) -> dict[str, Any]:
        """All of it in plain values."""
        return {"feed": [int(part) for part in self.feed[0]], "heat_usd": self.heat_usd}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave."""
        self.feed[0], self.heat_usd = tuple(state["feed"]), state["heat_usd"]
