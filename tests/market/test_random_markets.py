"""Random tiny markets under audit: every law holds after every tick, with ``==`` (QUALITY L4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents import OrderRefused, TradingAgent
from sim.market import Market
from tests.market.small import market_of

TICKS = 90


class Chaos(TradingAgent):
    """Sends orders of every kind at drawn moments, prices and sizes; cancels and replaces some."""

    def __init__(self, market: Market, plan: list[tuple[int, ...]], leverage: float | None = 1.0) -> None:
        super().__init__(market, cash_usd=300_000.0, coins=200.0, latency_s=0.25, leverage=leverage)
        self.plan = iter(plan)
        self.refs = []
        self.every(2.0)

    def act(self) -> None:
        book, side, kind, offset_bp, size = next(self.plan, (0, 0, 0, 0, 0))
        mid = self.view().mid(("perp", "spot")[book])
        if not size or mid is None:
            return
        if size % 5 == 0 and self.refs:
            self.cancel(self.refs[-1])
        try:
            if size % 7 == 0 and self.refs:
                self.replace(self.refs[-1], mid * (1.0 + offset_bp * 1e-4), 1.0)
            kinds = ("gtc", "ioc", "fok", "post")
            words = (("perp", "spot")[book], ("buy", "sell")[side])
            self.refs.append(self.submit(*words, mid * (1.0 + offset_bp * 1e-4), size / 4.0, kinds[kind]))
        except OrderRefused:
            return


orders = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 3), st.integers(-300, 300), st.integers(0, 200))
sizes = st.sampled_from(["$0", "$50k", "$400k", "$3m"])
shocks = st.fixed_dictionaries(
    {"side": st.sampled_from(["buy", "sell"]), "notional": sizes, "book": st.sampled_from(["perp", "spot"])}
)


MARKETS = (
    st.integers(0, 2**63),
    st.lists(shocks, max_size=2),
    st.sampled_from(["-20%", "-5%", "0%", "8%"]),
    st.sampled_from(["250ms", "1s", "3s"]),
    st.sampled_from([0.2, 1.0, 3.0]),
    st.lists(orders, max_size=30),
)


def run_audited(seed, flows, move, tick, scale, plan, agent=Chaos):
    events = [{"kind": "flow", "at": "15s", "over": "12s", **flow} for flow in flows]
    events.append({"kind": "news_move", "at": "30s", "over": "9s", "move": move})
    settings_of_run = {"tick": tick, "record_every": "3s", "shocks": events, "leveraged": {"accounts": 80}}
    market = market_of(seed, market={"depth_scale_visible": scale}, **settings_of_run)
    market.audit = True
    agent(market, plan)
    market.run_until(TICKS)
    assert market.collect().series["time_us"][-1] == TICKS * 1_000_000


@settings(max_examples=25, deadline=None)
@given(*MARKETS)
def test_every_law_holds_in_every_tick(seed, flows, move, tick, scale, plan):
    run_audited(seed, flows, move, tick, scale, plan)


@pytest.mark.long
@settings(max_examples=1000, deadline=None)
@given(*MARKETS)
def test_every_law_holds_in_a_thousand_markets(seed, flows, move, tick, scale, plan):
    run_audited(seed, flows, move, tick, scale, plan)
