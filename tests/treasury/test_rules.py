"""What a company does, rule by rule: premium, ladder, dues, order of payment, forced sales, hazard, exclusion."""

import math
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest

from sim.treasury import issue
from sim.treasury.balance import Balance
from sim.treasury.company import FIRST_SMALL, OF_SALE, companies, draws
from sim.treasury.dues import due_on, due_within, pay_day
from sim.treasury.premium import PremiumRule
from sim.treasury.treasurer import Treasurer
from tests.treasury.made import LOT_MICRO, MONDAY, USD, drawn, one, opens, settings, trading_days


def what(treasurer: Treasurer) -> list[str]:
    return [entry[0] for entry in treasurer.balance.journal]


# --- premium


def test_the_premium_has_the_moments_of_its_equation():
    """20,000 paths of 30 days from ln 2 to ln 1: mean kept by exp(-1/2), variance sigma^2 (1 - e^-1) / (2 kappa)."""
    rule = PremiumRule(kappa=1 / 60, sigma=0.03, beta=0.5, chi=0.3, least_equity=0.02)
    normals = np.random.default_rng(3).standard_normal((20_000, 2))
    ends = np.array([rule.step(rule.step(math.log(2), 0.0, 10, 0.0, a), 0.0, 20, -0.1, b) for a, b in normals])
    kept, variance = math.exp(-0.5), 0.03**2 * (1 - math.exp(-1)) * 30
    assert abs(ends.mean() - (math.log(2) * kept - 0.05)) < 3 * math.sqrt(variance / 20_000)
    assert abs(ends.var() / variance - 1) < 3 * math.sqrt(2 / 20_000)


def test_shares_are_worth_what_is_left_and_at_least_an_option():
    rule = PremiumRule.of(settings(premium={"least_equity": "2%"}).premium)
    balance = Balance(10_000, 1000, 0, debt_micro=60 * 10**10)
    assert rule.market_value(0.0, balance, LOT_MICRO) == 40 * 10**10
    assert rule.market_value(math.log(0.5), balance, LOT_MICRO) == 2 * 10**10


def test_floats_of_the_gates_are_the_calculators_premia():
    for treasurer in drawn():
        exact = treasurer.balance.premia(treasurer.memory.lot_micro, treasurer.market_value)
        assert exact is not None
        assert (treasurer.m_eq, treasurer.m_ev) == (float(exact.equity), float(exact.enterprise))


# --- companies


def test_thirty_small_companies_are_all_different_and_none_hangs_on_another():
    found = drawn(seed=7)
    assert [t.company.kind for t in found] == ["strategy"] + ["small"] * 30
    for key in (
        lambda t: t.balance.coins_lots, lambda t: t.balance.debt_micro, lambda t: t.company.premium,
        lambda t: t.balance.cost_micro / t.balance.coins_lots,
    ):  # fmt: skip
        assert len({key(t) for t in found[1:]}) == 30
    fewer = drawn(seed=7, small={"companies": 4}, strategy={"enabled": False})
    assert [t.state() for t in fewer] == [t.state() for t in found[1:5]]
    assert drawn(seed=8)[3].state() != found[3].state()


def test_small_companies_are_drawn_from_what_is_stated():
    """1,000 of them: median $100m, sigma 1, debt over coins even on 0 to 0.6, premium's median 1.2."""
    made = settings(small={"companies": 1000})
    books = companies(made, 1, 100_000.0, 0.001)[1:]
    size = np.log([b.coins_lots * 100 / 1e8 for _, b in books])
    debt = np.array([b.debt_micro / (b.coins_lots * LOT_MICRO) for _, b in books])
    assert abs(size.mean()) < 3 / math.sqrt(1000) and abs(size.std() - 1) < 3 / math.sqrt(2000)
    assert 0 <= debt.min() and debt.max() <= 0.6 and abs(debt.mean() - 0.3) < 3 * 0.6 / math.sqrt(12_000)
    premium = np.log([c.premium / 1.2 for c, _ in books])
    assert abs(premium.mean()) < 3 * 0.35 / math.sqrt(1000)


def test_the_eth_treasury_is_there_where_the_coin_is_eth_and_nowhere_else():
    assert [t.company.kind for t in drawn(coin="ETH", price=4000.0)] == ["eth_treasury"]
    assert "eth_treasury" not in {t.company.kind for t in drawn()}


def test_strategy_starts_at_the_premium_that_was_recorded():
    """P18: 640,031 coins; shares worth what the recorded close makes them, to a per cent."""
    strategy = drawn()[0]
    assert strategy.balance.coins_lots == 640_031_000
    assert strategy.m_ev == pytest.approx(1.44, abs=1e-9)
    assert strategy.market_value / USD == pytest.approx(314_178_491 * 304.79, rel=0.01)


# --- issue


@pytest.mark.parametrize(
    ("m_ev", "share"), [(0.99, 0.0), (1.0, 0.0), (2.49, 0.0), (2.5, 0.5), (3.99, 0.5), (4.0, 1.0), (9.0, 1.0)]
)
def test_the_ladder_of_common_stock_for_coins(m_ev: float, share: float):
    made, value = settings(), 10**15
    company = one("strategy").company
    cap = issue.day_cap(company, made, value)
    assert cap == math.floor(0.05 * 0.03 * value)  # of a week: five times as much, 5% of five days' trading
    assert issue.common_for_coins(company, made, 0.5, m_ev, value) == math.floor(share * cap)
    between = settings(common={"for_coins": "19%"})
    wanted = 0.19 if 1 <= m_ev < 2.5 else share
    assert issue.common_for_coins(company, between, 0.5, m_ev, value) == math.floor(wanted * cap)


def test_companies_without_a_ladder_issue_while_it_adds_coins_a_share():
    small = one(premium=1.3, debt=20_000_000)
    before = small.balance.coins_a_share
    budget, lots = small.open(MONDAY, opens(MONDAY), LOT_MICRO)
    assert lots == 0 and budget > 0 and what(small) == ["sell common"]
    small.bought(budget, budget // LOT_MICRO, budget // LOT_MICRO * LOT_MICRO)
    assert small.balance.coins_a_share > before
    for premium, debt in ((1.15, 20_000_000), (0.9, 0)):  # m_EV above 1 with m_eq below it, and both below
        other = one(premium=premium, debt=debt)
        assert other.open(MONDAY, opens(MONDAY), LOT_MICRO) == (0, 0) and what(other) == []


def test_between_1_and_2_5_common_stock_pays_obligations_alone():
    """$1m of dividends is due this month, $0.2m is there: $0.8m is raised over five days, and nothing is bought."""
    made = one("strategy", premium=1.4, cash=200_000, preferred=10_000_000, dividends=12_000_000)
    cap = 0.0015 * made.market_value  # of a day
    assert made.open(MONDAY, opens(MONDAY), LOT_MICRO)[0] == 0
    assert what(made) == ["sell common for dues"]
    assert cap - 200 * USD <= made.balance.cash_micro - 200_000 * USD <= cap
    for day in trading_days(10)[1:]:
        assert made.open(day, opens(day), LOT_MICRO) == (0, 0)
    assert 1_000_000 * USD - 200 * USD <= made.balance.cash_micro <= 1_000_000 * USD


def test_offerings_come_at_their_rate_and_notes_only_above_their_premium():
    made = settings(claims={"preferred_every": "84d", "converts_every": "136d", "preferred_a_week": "$34.1m"})
    company = one("strategy").company
    found = np.array(
        [issue.claims(company, made, 1.9, seed, day, 1.0) for seed in range(40) for day in trading_days(100)]
    )  # fmt: skip
    assert set(found[:, 0]) == {34_100_000 * USD // 5}
    for column, every, median in ((1, 84, 993), (2, 136, 2430)):
        came = found[:, column] > 0
        chance = 1 - math.exp(-1 / every)
        assert abs(came.mean() - chance) < 3 * math.sqrt(chance / len(found))
        assert np.median(found[came, column]) == pytest.approx(median * 1e6 * USD, rel=0.35)
    assert not any(issue.claims(company, made, 1.79, 1, day, 1e4)[2] for day in trading_days(20))
    assert all(issue.claims(company, made, 1.81, 1, day, 1e6)[2] for day in trading_days(20))


# --- dues


def test_dividends_by_month_and_coupons_by_quarter_on_the_last_trading_day():
    assert [pay_day(2025, month) for month in (10, 11, 12)] == [
        date(2025, 10, 31), date(2025, 11, 28), date(2025, 12, 31),
    ]  # fmt: skip
    made = one("strategy", debt=40_000_000, coupon=0.01, preferred=100_000_000, dividends=12_000_000)
    books = made.balance
    assert due_on(made.company, books, made.settings, date(2025, 10, 31)) == (1_000_000 * USD, 0, 0)
    assert due_on(made.company, books, made.settings, date(2025, 12, 31)) == (1_000_000 * USD, 100_000 * USD, 0)
    assert due_within(made.company, books, made.settings, date(2025, 10, 31), 61 * 86400) == 2_100_000 * USD
    books.sell_preferred(120_000_000 * USD)
    assert due_on(made.company, books, made.settings, date(2025, 10, 31))[0] == 2_000_000 * USD


def put(company: str = "strategy", share: str = "100%", on: str = "2025-10-18") -> list[dict[str, str]]:
    return [{"company": company, "on": on, "share": share}]  # a Saturday: due on Monday


AFTER = date(2025, 10, 20)


def test_notes_that_are_put_are_paid_from_cash():
    made = one("strategy", debt=20_000_000, cash=30_000_000, premium=1.2, puts=put(share="50%"))
    for day in trading_days(6):
        assert (made.balance.debt_micro == 20_000_000 * USD) == (day <= AFTER)
        made.open(day, opens(day), LOT_MICRO)
    assert made.balance.debt_micro == 10_000_000 * USD and made.balance.cash_micro == 20_000_000 * USD


@pytest.mark.parametrize(
    ("premium", "closed", "paid_by"),
    [(1.2, None, "sell common for dues"), (0.9, None, "sell preferred"), (0.9, "2025-10-01", "last resort")],
)
def test_what_cash_does_not_pay_new_shares_pay_then_preferred_stock_then_coins(premium, closed, paid_by):
    made = one("strategy", debt=20_000_000, premium=premium, puts=put(), access_closed_from=closed, turnover=0.0,
               sales={"forced_reserve": "0s"})  # fmt: skip
    for day in trading_days(6):
        budget, lots = made.open(day, opens(day), LOT_MICRO)
        if lots:
            made.sold(lots, lots * LOT_MICRO)
    day = trading_days(7)[-1]
    made.open(day, opens(day), LOT_MICRO)
    assert made.balance.debt_micro == 0 and made.memory.arrears == {}
    if paid_by == "last resort":
        assert [event[0] for event in made.memory.events] == [paid_by]
        assert what(made) == ["sell coins", "retire notes"]
        assert made.balance.coins_lots == 1_000_000 - 200_000
    else:
        assert what(made) == [paid_by, "retire notes"] and made.balance.coins_lots == 1_000_000


@pytest.mark.parametrize("below,closed,short", list(product([True, False], repeat=3)))
def test_a_forced_sale_needs_all_three(below: bool, closed: bool, short: bool):
    """m_EV below 1, no access to capital, and cash for less than a quarter; one of them missing, no coin moves."""
    made = one(
        "strategy", premium=0.9 if below else 1.1, preferred=1_000_000, dividends=12_000_000,
        cash=1_000_000 if short else 4_000_000, access_closed_from="2025-10-01" if closed else None, turnover=0.0,
    )  # fmt: skip
    lots = made.open(MONDAY, opens(MONDAY), LOT_MICRO)[1]
    assert (lots > 0) == (below and closed and short)
    if lots:  # three months of $1m less $1m, over five days, at $100 a lot
        assert lots == 4_000 and made.memory.sale == [20_000, 4, "cash"]


# --- sales of small companies


@pytest.mark.parametrize(
    ("premium", "debt", "rate"), [(1.1, 0, 0.02), (0.9, 0, 0.10), (0.6, 0, 0.25), (1.3, 60, 0.30), (1.8, 60, 0.06)]
)
def test_sales_come_at_the_stated_rate(premium: float, debt: int, rate: float):
    """First sales of 1,000 companies in twenty trading days against 1 - exp(-h T); debt above half trebles it."""
    made = one(premium=premium, debt=debt * 1_000_000)
    assert made.sale_rate() == pytest.approx(rate)
    days = trading_days(20)
    gaps = np.diff([opens(date(2025, 10, 10)), *map(opens, days)]) / 86400
    share = float((sale_draws() < -np.expm1(-rate * gaps / 30)).any(axis=1).mean())
    expected = 1 - math.exp(-rate * gaps.sum() / 30)
    assert abs(share - expected) < 3 * math.sqrt(expected * (1 - expected) / 1000)


@cache
def sale_draws() -> np.ndarray:
    """What 1,000 companies draw on twenty trading days."""
    return np.array(
        [[draws(1, OF_SALE, FIRST_SMALL + n, day).random() for day in trading_days(20)] for n in range(1000)]
    )  # fmt: skip


def test_a_company_sells_as_its_draws_say():
    """The rule in its place: 80 companies for twenty days, each first sale on the day that the draws name."""
    days = trading_days(20)
    first = {}
    for number in range(FIRST_SMALL, FIRST_SMALL + 80):
        made = one(premium=0.6, number=number, common={"opportunistic": 0})
        before = opens(date(2025, 10, 10))
        for day in days:
            lots = made.open(day, opens(day), LOT_MICRO)[1]
            chance, size = draws(1, OF_SALE, number, day).random(2)
            comes = chance < -math.expm1(-0.25 * (opens(day) - before) / 86400 / 30)
            before = opens(day)
            assert (lots > 0) == comes
            if comes:
                whole = math.floor(1_000_000 * (0.1 + 0.2 * size))
                assert made.memory.sale[0] == whole and lots == -(-whole // 5)
                first[number] = day
                break
    assert 8 <= len(first) <= 24  # of 80, by 1 - exp(-0.25 * 28 / 30): 17


@pytest.mark.parametrize(("debt", "use"), [(0, "buy back"), (45, "retire notes")])
def test_a_sale_retires_debt_or_buys_shares_back(debt: int, use: str):
    made = one(premium=0.9, debt=debt * 1_000_000)
    before = made.balance.coins_a_share
    made._sell(200_000, 5, "notes" if debt else "shares", "own sale begins")
    for day in trading_days(5):
        budget, lots = made.open(day, opens(day), LOT_MICRO)
        assert (budget, lots) == (0, 40_000)
        made.sold(lots, lots * LOT_MICRO)
    assert set(what(made)) == {"sell coins", use} and made.memory.sale == []
    assert made.balance.coins_lots == 800_000
    if use == "buy back":
        assert made.balance.coins_a_share > before
    else:
        assert made.balance.debt_micro == 25_000_000 * USD


def test_what_a_day_could_not_sell_is_sold_later_and_nothing_is_lost():
    made = one(premium=0.9, coupon=0.0, common={"opportunistic": 0})
    made._sell(1000, 2, "cash", "own sale begins")
    for day, filled in zip(trading_days(4), (100, 100, 300, 500), strict=True):
        lots = made.open(day, opens(day), LOT_MICRO)[1]
        assert lots >= filled
        made.sold(filled, filled * LOT_MICRO)
    assert made.memory.sale == [] and made.balance.coins_lots == 999_000


# --- the index


def test_an_exclusion_moves_shares_and_the_premium_and_no_coin():
    """$10m of $120m of stock over two days, at an effect of 1: the market value falls by the share sold, in logs."""
    made = one(
        "strategy", premium=1.2, passive=0.15, turnover=0.0,
        exclusions=[{"on": "2025-10-18", "notional": "$10m", "days": 2, "effect": 1.0}],
    )  # fmt: skip
    shares, values = 10_000_000 * 1_000_000 // 120_000_000, [made.market_value]
    for day in trading_days(8):
        assert made.open(day, opens(day), LOT_MICRO) == (0, 0)
        values.append(made.market_value)
    assert made.balance.journal == [] and made.balance.coins_lots == 1_000_000 and made.balance.shares == 1_000_000
    assert made.memory.index_fund_shares == 150_000 - shares
    assert [event[:2] for event in made.memory.events] == [
        ["index funds sell", -(shares + 1) // 2], ["index funds sell", -(shares // 2)],
    ]  # fmt: skip
    assert math.log(values[-1] / values[0]) == pytest.approx(-shares / 1_000_000, rel=1e-3)
    assert made.m_ev == pytest.approx(1.2 * math.exp(-shares / 1_000_000), rel=1e-3)


def test_index_funds_sell_no_more_than_they_hold():
    one_index = {"on": "2025-10-13", "notional": "$10m", "days": 2}
    made = one("strategy", premium=1.2, passive=0.1, turnover=0.0, exclusions=[one_index, one_index])
    for day in trading_days(3):
        made.open(day, opens(day), LOT_MICRO)
    assert made.memory.index_fund_shares == 0 and made.memory.exclusions == {}
    assert sum(event[1] for event in made.memory.events) == -100_000


def test_an_exclusion_can_shut_the_market_for_common_stock():
    groups = {"common": {"for_coins": "100%"}}
    plain, out = (
        one("strategy", premium=1.02, passive=0.15, exclusions=exclusions, **groups)
        for exclusions in ([], [{"on": "2025-10-13", "notional": "$10m", "days": 1}])
    )
    for made in (plain, out):
        made.open(MONDAY, opens(MONDAY), LOT_MICRO)
    assert what(plain) == ["sell common"] and what(out) == []
    assert out.m_ev < 1 < plain.m_ev


def test_coins_a_share_never_falls_by_an_issue_above_1_nor_by_a_buyback_below():
    for premium, rises in ((1.5, True), (1.0001, True)):
        made = one(premium=premium)
        before = made.balance.coins_a_share
        budget, _ = made.open(MONDAY, opens(MONDAY), LOT_MICRO)
        made.bought(budget, budget // LOT_MICRO, budget // LOT_MICRO * LOT_MICRO)
        lost = Fraction(2, made.balance.shares)  # two lots of rounding
        assert (made.balance.coins_a_share > before - lost) == rises


def test_a_sale_ends_all_buying():
    """Money of an offering that waits to be spent stays in cash once coins are sold."""
    made = one("strategy", premium=1.1, cash=3_000_000, turnover=0.0)
    made.memory.parcels = [[3_000_000 * USD, 3]]
    assert made.open(MONDAY, opens(MONDAY), LOT_MICRO) == (1_000_000 * USD, 0)
    made.bought(1_000_000 * USD, 10_000, 1_000_000 * USD)
    made._sell(200, 2, "cash", "forced sale begins")
    for day in trading_days(4)[1:]:
        budget, lots = made.open(day, opens(day), LOT_MICRO)
        assert budget == 0
        made.sold(lots, lots * LOT_MICRO)
    assert made.balance.cash_micro == 2_000_000 * USD + 200 * LOT_MICRO


def test_notes_of_others_are_not_put_to_a_company():
    made = one("strategy", debt=20_000_000, cash=30_000_000, premium=1.2, puts=put("small"))
    for day in trading_days(7):
        made.open(day, opens(day), LOT_MICRO)
    assert made.balance.debt_micro == 20_000_000 * USD
