"""Positions as settled: average cost, open interest, and shares of a sum without overflow."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents import TradingAgent
from sim.calculator.doors import pro_rata_of
from sim.kernels.clock import CLOCK
from sim.kernels.ledger import ACCOUNT, PERP
from tests.market.drivers import settle_many
from tests.market.small import DROP, SALE, market_of
from tests.reference_market.rules import Holding

changes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 1 << 27), st.integers(1, 1 << 28)), max_size=40
)


@settings(max_examples=300, deadline=None)
@given(changes)
def test_cost_and_open_interest_follow_the_slow_rules(trades):
    """Trades (buyer, seller, lots, price) between three accounts, one of them perhaps with itself."""
    accounts, clock = np.zeros(3, ACCOUNT), np.zeros(1, CLOCK)
    slow = [Holding() for _ in range(3)]
    rows = []
    for buyer, seller, lots, price in trades:
        for owner, change in ((buyer, lots), (seller, -lots)):
            rows.append((owner, change, change * price))
            slow[owner].add(change, change * price)
    settle_many(np.array(rows, np.int64).reshape(-1, 3), accounts, clock)
    assert accounts["held_lots"].tolist() == [h.lots for h in slow]
    assert accounts["entry_micro"].tolist() == [h.cost for h in slow]
    assert int(clock[0]["open_interest_lots"]) == sum(max(h.lots, 0) for h in slow)


@settings(max_examples=500, deadline=None)
@given(
    st.integers(-(1 << 62), 1 << 62), st.integers(0, (1 << 62) - 1), st.integers(1, (1 << 62) - 1), st.integers(0, 61)
)
def test_a_share_is_rounded_down_and_never_overflows(amount, part, whole, bits):
    """Wholes of any number of bits: their digits are as many as 64 bits have room for."""
    whole = max(1, whole >> bits)
    part = min(part, whole)
    got = int(pro_rata_of(np.int64(amount), np.int64(part), np.int64(whole)))
    assert got == amount * part // whole


class Bidder(TradingAgent):
    """Posts one bid inside the spread, larger than what is sold."""

    def act(self) -> None:
        view = self.view()
        self.submit("perp", "buy", 0.5 * (view.bid["perp"] + view.ask["perp"]), 500.0)


def test_only_what_met_quoting_firms_or_the_crowd_counts_as_quoted():
    market = market_of(shocks=[SALE])
    market.audit = True
    taken = quoted = 0
    for second in range(59, 75):
        market.run_until(second + 0.5)
        flow = market.state.flows[PERP]
        assert flow["last_quoted_micro"] == flow["last_net_micro"]
        quoted += int(flow["last_quoted_micro"] != 0)
    assert quoted > 5
    Bidder(market, cash_usd=1e9, latency_s=0.0).wake_at(75.0)
    for second in range(76, 90):
        market.run_until(second + 0.5)
        flow = market.state.flows[PERP]
        taken += int(flow["last_quoted_micro"] != flow["last_net_micro"])
    assert taken > 5


def test_accounts_without_a_position_have_no_cost_and_others_a_cost_of_their_sign():
    market = market_of(shocks=[SALE, DROP | {"move": "-6%"}])
    market.audit = True
    market.run_until(240.0)
    accounts = market.state.accounts
    assert (accounts["held_lots"] == market.state.books.positions[PERP]).all()
    flat = accounts["held_lots"] == 0
    assert flat.sum() > 5
    assert (accounts["entry_micro"][flat] == 0).all()
    assert (np.sign(accounts["entry_micro"]) == np.sign(accounts["held_lots"]))[~flat].all()
