"""A leveraged owner of coins sells everything; its leverage marked to market on the way. docs/leveraged_funds.md.

The formula beside it is that of Caccioli, Bouchaud and Farmer (2012), ``sim.calculator.leverage_path``.
"""

from typing import Any, NamedTuple

import numpy as np

import sim
from sim.agents import TradingAgent
from sim.calculator import root_impact

LEVERAGE = 9.0
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.95, 1.0)  # of the position sold, at which leverage is read
VOLUME_USD, VOLATILITY = 10.8e9, 0.0188  # a day of the spot book in calm_btc, and its volatility
PREFACTOR = 0.9  # Y of the latent layer
START_S, SALE_S, PARTS = 1800.0, 3600.0, 120


class Case(NamedTuple):
    """A market whose distances are all ``steepness`` times those of calm_btc, and a position in days of volume."""

    steepness: float
    days: float

    @property
    def law(self) -> float:
        """I that the square-root law gives for the sale of all of it."""
        return root_impact(VOLATILITY * self.steepness, self.days, 1.0, PREFACTOR)


_STEEP = 0.1 / (PREFACTOR * VOLATILITY)  # at which a day's volume is to move the price by 10 %
CASES = {"I = 10 %": Case(_STEEP, 1.0), "I = 2 %": Case(_STEEP, 0.04), "calm_btc": Case(1.0, 0.1)}


def steep_market(case: Case) -> sim.Scenario:
    """calm_btc without value moves, leverage, arbitrage and withdrawal, with every distance of its depth scaled."""
    k = case.steepness

    def profile(*points: tuple[float, str]) -> list[dict[str, str]]:
        return [{"within": f"{k * within:.6g}%", "notional": usd} for within, usd in points]

    off = {name: {"enabled": False} for name in ("leveraged", "arbitrage", "dip_buyer", "trend")}
    return sim.load(
        "calm_btc",
        name="critical_leverage",
        title="A leveraged position on its way out",
        duration="2h",
        news={"noise_per_day": "0%"},
        market={
            "perp_bid_depth": profile((1.0, "$305m"), (2.0, "$698m"), (5.0, "$1197m")),
            "perp_ask_depth": profile((1.0, "$241m"), (2.0, "$392m"), (5.0, "$722m")),
            "spot_depth": profile((0.5, "$31m"), (1.0, "$40m"), (5.0, "$80m")),
        },
        market_maker={
            "flow_response": f"{k:.6g}%",
            "outer_distance": f"{5.0 * k:.6g}%",
            "reference_volatility": f"{100.0 * VOLATILITY * k:.6g}%",
            "withdrawal": False,
        },
        latent={
            "daily_volatility": f"{100.0 * VOLATILITY * k:.6g}%",
            "flat_beyond": f"{2.0 * k:.6g}%",
            "start_hollow": f"{12.0 * k:.6g}bp",
            "reveal_distance": f"{5.0 * k:.6g}bp",
            "bin_width": f"{2.0 * k:.6g}bp",
            "spot_cash": "$40bn",  # so that the layer's money does not end before its density does
            "perp_cash": "$40bn",
        },
        **off,
    )


class Owner(TradingAgent):
    """Owns coins, most of them on credit from a lender outside the market, and sells them in equal parts at market.

    Attributes
    ----------
    marks : list of (share sold, mid in dollars, coins' worth over own money)
    """

    def __init__(self, market: Any, coins: float) -> None:
        super().__init__(market, coins=coins)
        self.coins, self.debt_usd, self.parts = coins, 0.0, 0
        self.marks: list[tuple[float, float, float]] = []

    def borrow(self, leverage: float) -> None:
        """Let the coins be owned at this leverage at the mid of now, and begin to sell."""
        self.debt_usd = (1.0 - 1.0 / leverage) * self.coins * self._mid()
        self.every(SALE_S / PARTS)

    def _mid(self) -> float:
        view = self.view()
        return view.mid("spot") or view.index_price

    def act(self) -> None:
        """Note the mark, then send the next part."""
        left, mid = self.spot_coins, self._mid()
        own = left * mid + self.cash_usd - self.debt_usd
        self.marks.append((1.0 - left / self.coins, mid, left * mid / own if own > 0.0 else float("inf")))
        if left >= self.market.lot_coin:
            self.market_order("spot", "sell", left / max(1, PARTS - self.parts))
            self.parts += 1


class Exit(NamedTuple):
    """Fall of the mid and leverage at ``SHARES``, and what the sale lost of the first worth, fees included."""

    falls: list[float]
    leverage: list[float]
    cost: float


def leave(case: Case, seed: int = 1) -> Exit:
    """Sell the position of a case within an hour."""
    market = steep_market(case).market(seed)
    owner = Owner(market, case.days * VOLUME_USD / (market.view().mid("spot") or market.view().index_price))
    market.run_until(START_S)
    owner.borrow(LEVERAGE)
    market.run_until(START_S + SALE_S + 20.0 * SALE_S / PARTS)  # what the book did not take at first is sold after it
    sold, mid, ratio = np.array(owner.marks).T
    if owner.spot_coins >= market.lot_coin:
        raise ValueError(f"{owner.spot_coins:g} coins are not sold: give the sale longer")
    last = int(np.argmax(sold > 1.0 - 1e-9))  # the mark after the last part; the price comes back from there
    sold, mid, ratio = sold[: last + 1], mid[: last + 1], ratio[: last + 1]
    worth = owner.debt_usd / (1.0 - 1.0 / LEVERAGE)
    falls = 1.0 - np.interp(SHARES, sold, mid) / mid[0]
    return Exit([float(x) for x in falls], [float(x) for x in np.interp(SHARES, sold, ratio)],
                1.0 - owner.cash_usd / worth)  # fmt: skip
