"""Exact books: conservation over 1e5 random entries (L12), the journal (C9), and coins a share by the calculator."""

from fractions import Fraction

import numpy as np
import pytest

from sim import calculator as calc
from sim.errors import InvariantError
from sim.treasury.balance import Balance, replayed

LOT = 116_720_000


def test_a_hundred_thousand_issues_buybacks_and_sales_conserve_everything_exactly():
    """Against ledgers of the others: investors' shares and money, lenders' claims, the market's coins and money."""
    draw = np.random.default_rng(15)
    start = Balance(640_031_000, 314_178_491, 54_285_000_000_000, 8_143_824_000_000_000, 3_933_894_000_000_000, 10**16)
    one = Balance(**start.state())
    shares_out = investors = lenders = owners = market_coins = market_money = 0
    kinds = draw.integers(0, 8, 100_000)
    amounts = draw.integers(1, 10**14, 100_000)
    values = draw.integers(10**15, 10**17, 100_000)
    for kind, amount, value in zip(kinds.tolist(), amounts.tolist(), values.tolist(), strict=True):
        cash = one.cash_micro
        if kind == 0:
            new, got = one.sell_common(amount, value)
            shares_out, investors = shares_out + new, investors - got
            assert 0 <= amount - got <= value // (one.shares - new) + 1
        elif kind == 1:
            old, paid = one.buy_back(min(amount, cash), value)
            shares_out, investors = shares_out - old, investors + paid
            assert paid <= cash
        elif kind == 2:
            one.sell_preferred(amount)
            owners -= amount
        elif kind == 3:
            one.sell_notes(amount)
            lenders -= amount
        elif kind == 4:
            lenders += one.retire(min(amount, cash))
        elif kind == 5:
            paid = min(amount, cash) // 3
            one.pay("dividends", paid)
            investors += paid
        elif kind == 6:
            lots = min(amount, cash) // LOT
            one.bought(lots, lots * LOT)
            market_coins, market_money = market_coins - lots, market_money + lots * LOT
        else:
            lots = min(amount // LOT, one.coins_lots // 2)
            one.sold(lots, lots * LOT)
            market_coins, market_money = market_coins + lots, market_money - lots * LOT
        assert one.shares == start.shares + shares_out
        assert one.coins_lots + market_coins == start.coins_lots
        assert one.cash_micro + investors + lenders + owners + market_money == start.cash_micro
    assert one.preferred_micro == start.preferred_micro - owners
    assert len(one.journal) > 90_000
    books = replayed(start, one.journal)
    assert [getattr(books, name) for name in ("coins_lots", "shares", "cash_micro", "debt_micro")] == [
        one.coins_lots, one.shares, one.cash_micro, one.debt_micro,
    ]  # fmt: skip


def test_an_issue_that_divides_is_the_calculators_factor_exactly():
    """1,000 shares worth $1.2m, 10,000 lots at $100: one per cent issued at m_eq 1.2, and bought back at 0.8."""
    one = Balance(10_000, 1000, 0)
    premium = Fraction(12, 10)
    before = one.coins_a_share
    assert one.sell_common(12_000_000_000, 1_200_000_000_000) == (10, 12_000_000_000)
    one.bought(120, 12_000_000_000)
    assert one.coins_a_share == before * calc.after_issue("0.01", premium)
    one = Balance(10_000, 1000, 0)
    one.sold(800, 80_000_000_000)  # 8 per cent of the coins buy a tenth of the shares
    assert one.buy_back(80_000_000_000, 800_000_000_000) == (100, 80_000_000_000)
    assert one.coins_a_share == before * calc.after_buyback("0.08", "0.8")
    one = Balance(10_000, 1000, 0)
    one.sell_preferred(50_000_000_000)
    one.bought(500, 50_000_000_000)
    assert one.coins_a_share == before * calc.after_claims("0.05")


def test_rounding_costs_less_than_two_lots_and_never_gains():
    draw = np.random.default_rng(16)
    for money, value in zip(draw.integers(10**11, 10**15, 2000), draw.integers(10**16, 10**17, 2000), strict=True):
        one = Balance(640_031_000, 314_178_491, 0)
        m_eq = Fraction(int(value), 640_031_000 * LOT)
        new, got = one.sell_common(int(money), int(value))
        one.bought(got // LOT, got // LOT * LOT)
        exact = Fraction(640_031_000, 314_178_491) * calc.after_issue(Fraction(new, 314_178_491), m_eq)
        assert 0 <= (exact - one.coins_a_share) * one.shares < 2


def test_premia_are_the_calculators():
    one = Balance(10_000, 900, 100 * 10**6, debt_micro=300 * 10**6, preferred_micro=200 * 10**6)
    found = one.premia(100_000, 900 * 10**6)
    assert found is not None
    assert (found.equity, found.enterprise, found.net) == (Fraction(9, 10), Fraction(13, 10), Fraction(3, 2))


def test_cost_leaves_with_the_coins_and_what_is_not_there_cannot_be_given():
    one = Balance(10, 5, 0, cost_micro=1000)
    one.sold(4, 700)
    assert (one.cost_micro, one.cash_micro) == (600, 700)
    with pytest.raises(InvariantError, match="cash_micro would be -1 after 'dividends'"):
        one.pay("dividends", 701)
    assert one.buy_back(10**9, 10)[0] == 4  # never the last share
