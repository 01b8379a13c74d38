"""Funds without a market: flow rule against the fitted one, strike by hand, books of an issuer against a slow twin."""

import csv
import random
from fractions import Fraction

import numpy as np
import pytest

from calibration.etf_rule import Fit, run
from sim.agents.etf import rule_of
from sim.funds.issuer import BasketRefused, Fund
from sim.funds.rule import FlowRule, flow_so_far, known_bp, next_noise
from sim.funds.strike import strike, weighted_median
from sim.scenario.places import derived_dir
from sim.settings.etf import EtfSettings
from tests.funds.ledger import Ledger

RULE = FlowRule(9.16, 4.86, 4.45, 0.95, 0.46, 0.32, 19.8, 5.0)


class Given:
    """Stands for the generator of ``etf_rule.run``: one path, the draws that the test knows."""

    def __init__(self, draws):
        self.draws = draws

    def integers(self, low, high, size):
        return np.zeros(size, np.int64)

    def standard_t(self, nu, size):
        return self.draws.reshape(size)


def test_the_flow_rule_is_the_fitted_one():
    """Forty days of ``calibration.etf_rule.run`` on the same returns and draws."""
    rng = np.random.default_rng(4)
    days, past = 40, list(rng.normal(0.0, 2.0, 20))
    returns, draws = rng.normal(0.0, 2.0, days), rng.standard_t(5.0, days)
    path = [*past, *returns]
    rows = [[1.0, path[k], path[k - 1], sum(path[k - 6 : k - 1]), sum(path[k - 20 : k])] for k in range(20, 20 + days)]
    fit = Fit(np.array([RULE[:5]]), *(np.array([value]) for value in RULE[5:]))
    last = 3.0
    twin = run(fit, np.array(rows), (np.zeros(5), last), 1, Given(draws))[0]
    noise, mine = last, []
    for k in range(days):
        noise = next_noise(RULE, noise, draws[k])
        mine.append(flow_so_far(known_bp(RULE, path[k : k + 20]), noise, RULE.r0, path[k + 20], 1.0))
    np.testing.assert_allclose(mine, twin, rtol=1e-12)


def test_the_coefficients_are_the_fitted_ones_to_their_last_digit():
    with (derived_dir() / "etf_flow.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    fitted = {
        row["quantity"]: float(row["value"]) for row in rows if (row["part"], row["rule"]) == ("coefficient", "trend")
    }
    assert rule_of(EtfSettings()) == tuple(
        fitted[name] for name in ("constant", "r0", "r1", "r2_6", "trend", "rho", "s", "nu")
    )
    (chosen,) = [row["rule"] for row in rows if row["part"] == "choice"]
    assert chosen == "trend"


def test_a_day_that_is_half_over_has_half_of_its_flow():
    assert flow_so_far(10.0, -2.0, 5.0, -1.0, 0.5) == 0.5 * (10.0 - 2.0 - 5.0)
    assert flow_so_far(10.0, -2.0, 5.0, -1.0, 0.0) == 0.0
    with pytest.raises(ValueError, match="20 past returns"):
        known_bp(RULE, [0.0] * 19)


def test_weighted_median_by_hand():
    assert weighted_median([100, 101, 102], [1, 1, 1]) == 101
    assert weighted_median([102, 100, 101], [10, 1, 1]) == 102
    assert weighted_median([100, 101], [5, 5]) == 100  # half of the volume at or below
    assert weighted_median([100, 90], [0, 0]) is None and weighted_median([], []) is None


def test_strike_by_hand():
    """Twelve parts of 300: in part k the median is 1000 + k; the large trade outside the hour counts for nothing."""
    times = [10_000 + 300 * k + offset for k in range(12) for offset in (0, 299)]
    prices = [1000 + k for k in range(12) for _ in range(2)]
    assert strike([9_999, *times, 13_600], [1, *prices, 1], [10**6] + [2] * 24 + [10**6], 10_000, 13_600) == 1005.5
    assert strike([10_000, 10_600], [1000, 1006], [1, 9], 10_000, 13_600) == 1003.0  # parts without trades are left out
    assert strike([1], [5], [5], 10_000, 13_600) is None


def test_l12_c9_random_creations_and_redemptions_are_exact():
    """1e5 orders with settlements and fees: coins move by orders and fee alone, and nobody who stays loses."""
    rng = random.Random(12)
    fund = Fund("x", 800_000_000, 1_408_450_704, 40_000, 2_500)
    start, moved, fees = fund.coin_lots, 0, 0
    for k in range(100_000):
        day = f"{k // 10:06d}"
        if k % 10 == 0:
            for order in fund.due(day):
                fund.settle(order)
                moved += order.lots
            assert fund.coin_lots == start + moved - fees
            assert fund.coin_lots == Fraction(fund.coin_lots, fund.shares) * fund.shares
            fees += fund.take_fee(rng.choice((1, 1, 1, 3, 4)))
        before = fund.per_share
        is_small = fund.shares_to_be < 400_000_000  # a fund that nobody enters would run out
        baskets = (1 if is_small else rng.choice((1, -1))) * rng.randint(1, 500)
        order = fund.order(baskets, day)
        assert before <= fund.per_share < before + Fraction(1, fund.shares_to_be)
        assert order.shares == baskets * 40_000 and abs(order.lots - before * order.shares) < 1
    assert fees > 0


def test_the_books_are_those_of_the_slow_twin():
    rng = random.Random(13)
    fund = Fund("x", 1_000_003, 7_777_777, 1_000, 9_999)
    twin = Ledger(fund.coin_lots, fund.shares, fund.basket_shares, fund.fee_ppm)
    for k in range(600):
        day = f"{k // 5:06d}"
        if k % 5 == 0:
            for order in fund.due(day):
                fund.settle(order)
            twin.settle(day)
            days = rng.choice((1, 3))
            fund.take_fee(days)
            twin.fee(days)
        baskets = (1 if fund.shares_to_be < 4_000_000 else rng.choice((1, -1))) * rng.randint(1, 40)
        fund.order(baskets, day)
        twin.order(baskets, day)
        assert ((fund.coin_lots, fund.shares), (fund.lots_to_be, fund.shares_to_be)) == (
            twin.settled(),
            twin.promised(),
        )
        assert Fraction(fund.fee_rest, 365 * 10**6) == twin.owed
    assert Fund.of_state(fund.state()) == fund and fund.orders


def test_orders_that_no_fund_can_take():
    fund = Fund("x", 1_000, 100_000, 40_000, 0)
    for baskets in (0, -3):
        with pytest.raises(BasketRefused):
            fund.order(baskets, "2025-10-10")
    fund.order(-2, "2025-10-10")
    assert fund.due("2025-10-10") == [] and len(fund.due("2025-10-11")) == 1
