"""An agent of your own: sells coins in calm_btc and moves the price. docs/tutorial_agent.md explains it."""

from collections.abc import Callable
from pathlib import Path

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

    def state(self):
        """All that it remembers itself; a `Ref` is written as a list."""
        return {
            "left": self.left,
            "part": self.part,
            "is_patient": self.is_patient,
            "offer": None if self.offer is None else list(self.offer),
            "done": [[list(fill.ref), *fill[1:]] for fill in self.done],
            "taken_back": [list(ref) for ref in self.taken_back],
        }

    def restore(self, state):
        """Takes up what `state` gave."""
        self.left, self.part, self.is_patient = state["left"], state["part"], state["is_patient"]
        self.offer = None if state["offer"] is None else Ref(*state["offer"])
        self.done = [Fill(Ref(*ref), *rest) for ref, *rest in state["done"]]
        self.taken_back = [Ref(*ref) for ref in state["taken_back"]]


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


def fork(path: Path, seed: int = 1) -> sim.Run:
    """Stop such a market half way, save it, and go on from the file with half the visible depth from there on."""
    market = sim.load("calm_btc", duration="10m").market(seed)
    Seller(market, 3000.0, part=300.0)
    market.run_until(300.0)
    sim.SavedState.of(market).save(path)
    return sim.load_state(path).fork({"market.depth_scale_visible": 0.5}, agents=[Seller]).run()


if __name__ == "__main__":
    sell()
