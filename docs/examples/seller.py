"""An agent of your own: sells coins in calm_btc and moves the price. docs/tutorial_agent.md explains it."""

from collections.abc import Callable

import sim
from sim.agents import Fill, Ref, TradingAgent


class Seller(TradingAgent):
    """Offers a part at the ask, takes back what nobody bought, sells the next part to the bids; until all is sold."""

    def __init__(self, market, coins, part):
        super().__init__(market, cash_usd=1.5e9, latency_s=0.05, information_latency_s=0.1)
        self.left, self.part = coins, part
        self.offer: Ref | None = None
        self.is_patient = True
        self.done: list[Fill] = []
        self.taken_back: list[Ref] = []
        self.every(10.0)

    def act(self):
        """Wakes each ten seconds; the market is up to date by then."""
        new = self.fills()
        self.done += new
        self.left -= sum(fill.coins for fill in new)
        if self.offer is not None and self.open_coins(self.offer) > 0.0:
            self.cancel(self.offer)
            self.taken_back.append(self.offer)
            self.offer = None
            return
        if self.left < self.market.lot_coin:
            return
        coins = min(self.part, self.left)
        if self.is_patient:
            ask = self.view().ask["perp"]
            self.offer = self.submit("perp", "sell", ask, coins, kind="post")
        else:
            self.market_order("perp", "sell", coins)
        self.is_patient = not self.is_patient


def sell(seed: int = 1, coins: float = 3000.0, report: Callable[[str], None] = print) -> tuple[Seller, float]:
    """Run ten minutes with the seller and without; returns the seller and by how much it moved the price."""
    scenario = sim.load("calm_btc", duration="10m")
    alone, market = scenario.market(seed), scenario.market(seed)
    seller = Seller(market, coins, part=coins / 10)
    alone.run_until(600.0)
    market.run_until(600.0)
    moved = market.view().mid("perp") / alone.view().mid("perp") - 1.0
    by_offer = sum(fill.coins for fill in seller.done if fill.is_maker)
    report(f"{len(seller.done)} fills, {by_offer:.0f} coins as maker, {len(seller.taken_back)} offers taken back")
    report(f"position {seller.position_coins:.0f} coins, price {moved:+.2%} against the market without it")
    return seller, moved


if __name__ == "__main__":
    sell()
