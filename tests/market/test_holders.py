"""Holders in a market: a day's cycle, every coin accounted for, the night of the event, a fork in the middle."""

import pytest

from sim import market as markets
from sim.agents.holders import HoldersDesk, cohort_row
from sim.agents.institution import Institution
from sim.cost_basis import Coins, CostBasis
from sim.errors import ScenarioError
from sim.fork import SavedState
from sim.scenario.load import load_spec
from sim.snapshot import resume, take
from tests.market.small import market_of
from tests.scenario.broken import HEAD

START = [
    {"age": 0, "cost": "$990", "coins": 3000},
    {"age": 40, "cost": "$1105", "coins": 2000},
    {"age": 154, "cost": "$800", "coins": 500},
    {"age": 155, "cost": "$700", "coins": 9000},
    {"age": 900, "cost": "$60", "coins": 20000},
]
HELD = {
    "enabled": True, "start": START, "bin": "$10", "old_spending": "$80k", "dormant_below": "$50", "milestone": "$900",
}  # fmt: skip
SLOW = {
    "tick": "20s", "record_every": "20s", "duration": "4d", "start_utc": "2025-10-10T20:20:00Z",
    "news": {"activity_fast_size": 0.0, "activity_slow_size": 0.0},
}  # fmt: skip
DAY = 86_400.0
FIRST_MIDNIGHT = 13_200.0


class Seller(Institution):
    """Another institution: sells coins into the book, then buys more than that back."""

    NAME, NUMBER = "seller", 9

    @classmethod
    def is_in(cls, spec):
        return True

    def begin(self):
        account = self.open("a", cash_micro=30_000_000 * 10**6, coin_lots=30_000)
        self.execute(account, "spot", "sell", 3_000, 100.0, 5_000.0, every_s=60.0, bound=0.1)
        self.execute(account, "spot", "buy", 9_000, FIRST_MIDNIGHT + 100.0, FIRST_MIDNIGHT + 20_000.0, bound=0.1)


def held_market(days=SLOW, more=None, **over):
    return market_of(**days, holders=HELD | (more or {}), **over)


def desk_of(market) -> HoldersDesk:
    return next(desk for desk in market.institutions if isinstance(desk, HoldersDesk))


def day_rows(desk, who="all"):
    return [row for row in desk.ledger() if row["who"] == who and row["what"] == "day"]


def laws(market):
    """No coin is lost: bins fall by what other institutions bought of the market, the account is what its books say."""
    desk = desk_of(market)
    bought = sum(a.traded_lots for other in market.institutions if other is not desk for a in other.accounts.values())
    assert desk.basis.lots == desk.start_lots - bought
    for account in desk.accounts.values():
        assert desk.drift(account) == (0, 0, 0)
    state = market.state
    assert int(state.books.positions[1].sum()) == int(state.clock[0]["coin_lots"])


def test_a_day_of_sales_without_new_money_goes_through_the_book():
    market = held_market(more={"new_money": "$0"})
    market.audit = True
    desk = desk_of(market)
    market.run_until(FIRST_MIDNIGHT)
    (all_,) = day_rows(desk)
    assert all_["for_sale_coins"] > 0 and all_["met_coins"] == 0
    assert all_["coins"] == pytest.approx(-all_["for_sale_coins"])  # all of it was sold
    assert 900.0 < all_["amount_usd"] / -all_["coins"] < 1100.0
    young, old = day_rows(desk, "short-term")[0], day_rows(desk, "long-term")[0]
    spent = -(young["coins"] + old["coins"])
    assert spent == pytest.approx(all_["for_sale_coins"] + all_["elsewhere_coins"], abs=1e-6)
    assert old["sopr"] > 1.3 > young["sopr"]
    laws(market)


def test_buyers_and_sellers_meet_and_only_the_difference_is_traded():
    """Twice as much money as there is for sale: the book gives the rest; none of it is left in the account."""
    plain = held_market(more={"new_money": "$0"})
    plain.run_until(20.0)
    for_sale = desk_of(plain).for_sale.lots * plain.lot_coin
    money = 2.0 * for_sale * 1000.0 * DAY / FIRST_MIDNIGHT
    market = held_market(more={"new_money": f"${money:.2f}"})
    market.run_until(FIRST_MIDNIGHT)
    (row,) = day_rows(desk_of(market))
    assert row["met_coins"] == pytest.approx(for_sale)
    assert row["wanted_coins"] == pytest.approx(2.0 * for_sale, rel=1e-3)
    assert row["coins"] == pytest.approx(for_sale, rel=0.02)  # bought
    assert row["amount_usd"] < 0.0
    laws(market)


def test_by_default_new_money_meets_the_first_day_and_nobody_trades():
    market = held_market()
    bare = market_of(**SLOW)
    for one in (market, bare):
        one.run_until(FIRST_MIDNIGHT)
    a, b = market.collect(), bare.collect()
    for name in a.series.dtype.names:
        assert (a.series[name] == b.series[name]).all(), name
    (row,) = day_rows(desk_of(market))
    assert row["coins"] == 0.0 and row["met_coins"] == row["for_sale_coins"] == row["wanted_coins"]


def test_holders_that_are_off_change_nothing():
    off, bare = held_market(more={"enabled": False}), market_of(**SLOW)
    for one in (off, bare):
        one.run_until(600.0)
    assert off.state_hash() == bare.state_hash() and off.ledgers() == {}


def test_over_days_every_coin_is_somewhere_and_ages_on_the_day():
    market = held_market(more={"new_money": "$20k"}, trend={"enabled": False})
    desk = desk_of(market)
    assert sum(desk.basis.old.values()) == 2_900_000 and desk.basis.young[(-154, 80)] == 50_000
    for k in range(3):
        market.run_until(FIRST_MIDNIGHT + k * DAY)
        laws(market)
    rows = day_rows(desk, "long-term")
    assert len(rows) == 3
    assert rows[0]["aged_coins"] == 0.0
    assert 450.0 < rows[1]["aged_coins"] < 500.0  # what was left of the 500 coins of 154 days
    assert (-154, 80) not in desk.basis.young
    held = [row["held_coins"] for row in day_rows(desk)]
    assert held == [pytest.approx(34_500.0)] * 3
    assert all(row["held_coins"] > 0 for row in day_rows(desk, "short-term"))
    assert all(lots > 0 for rows_ in desk.basis.coins for lots in rows_.values())


def test_ledger_says_what_the_bins_say():
    market = held_market()
    market.run_until(FIRST_MIDNIGHT)
    desk, lot = desk_of(market), market.lot_coin
    row, basis = day_rows(desk)[0], desk.basis
    total = sum(n * basis.cost_usd(b) for (_, b), n in basis.young.items())
    total += sum(n * basis.cost_usd(b) for b, n in basis.old.items())
    # the next day has begun, and nothing has left the bins since
    newest = {key: n for key, n in basis.young.items() if key[0] > -1}
    assert newest[0, 99] > 300_000 - 20_000  # the 3,000 coins of age 0, less what was spent of them
    assert sum(newest.values()) - newest[0, 99] == round((row["elsewhere_coins"] + row["met_coins"]) / lot)
    assert {day for day, _ in newest} == {0}
    assert row["cost_usd"] == pytest.approx(total / basis.lots)
    assert row["held_coins"] == pytest.approx(basis.lots * lot)
    assert row["in_loss"] == pytest.approx(sum(basis.in_loss(row["price_usd"])) / basis.lots)


def test_price_over_cost_of_what_a_cohort_spent_by_hand():
    basis = CostBasis(10.0)
    elsewhere, sold = Coins({(0, 100): 4}, {50: 10}), Coins({(0, 110): 1}, {50: 5})
    young, old = (cohort_row(basis, k, elsewhere, sold, 900.0, 880.0) for k in range(2))
    assert young == {"lots": 5, "sopr": pytest.approx((4 * 900 + 880) / (4 * 1005 + 1105))}
    assert old == {"lots": 15, "sopr": pytest.approx((10 * 900 + 5 * 880) / (15 * 505))}
    assert cohort_row(basis, 0, Coins({}, {}), Coins({}, {}), 900.0, 880.0) == {"lots": 0, "sopr": 1.0}


def test_a_fork_in_the_middle_of_a_day_goes_on_as_the_run_without_a_stop(monkeypatch):
    monkeypatch.setattr(markets, "INSTITUTIONS", (HoldersDesk, Seller))
    whole = held_market(more={"new_money": "$20k"})
    first = held_market(more={"new_money": "$20k"})
    at = FIRST_MIDNIGHT + 40_000.0
    first.run_until(at)
    second = resume(take(first))
    end = FIRST_MIDNIGHT + 1.5 * DAY
    for one in (whole, second):
        one.run_until(end)
    assert second.state_hash() == whole.state_hash()
    assert second.ledgers() == whole.ledgers()
    assert desk_of(second).state() == desk_of(whole).state()
    laws(second)


def test_settings_at_a_fork():
    market = held_market()
    market.run_until(600.0)
    saved = SavedState.of(market)
    with pytest.raises(ScenarioError, match=r"holders\.old_spending: cannot change at a fork"):
        saved.fork({"holders.old_spending": "$1bn"}).market()
    changed = saved.fork({"holders.new_money": "$0"}).market()
    changed.run_until(FIRST_MIDNIGHT + 3600.0)
    assert desk_of(changed).wanted == 0 and desk_of(changed).orders
    without = saved.fork({"holders.enabled": False}).market()
    without.run_until(FIRST_MIDNIGHT + 3600.0)
    assert without.institutions == []


def test_what_other_institutions_sell_is_bought_by_new_owners_and_what_they_buy_is_given_by_the_newest(monkeypatch):
    monkeypatch.setattr(markets, "INSTITUTIONS", (HoldersDesk, Seller))
    market = held_market()
    desk, seller = market.institutions
    market.run_until(FIRST_MIDNIGHT)
    assert seller.accounts["a"].traded_lots == -3_000
    assert desk.basis.lots == desk.start_lots + 3_000
    laws(market)
    market.run_until(FIRST_MIDNIGHT + DAY)
    assert seller.accounts["a"].traded_lots == 6_000
    assert desk.basis.lots == desk.start_lots - 6_000
    laws(market)


CSV = "age_days,cost_usd,coins\n0,100000,10\n200,9000.5,1e6\n"


def test_a_file_of_coins_is_carried_with_the_scenario(tmp_path):
    (tmp_path / "mine.yaml").write_text(HEAD + "holders: {start: coins.csv}\n")
    (tmp_path / "coins.csv").write_text(CSV)
    found = load_spec(tmp_path / "mine.yaml").holders.start
    assert [(row.age, row.cost, row.coins) for row in found] == [(0, 100_000.0, 10.0), (200, 9000.5, 1e6)]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("1.5,2,3", "line 4: age_days must be a whole number from 0 on, got 1.5"),
        ("1,-2,3", "line 4: cost_usd and coins must not be below 0, got -2 and 3"),
        ("1,2", "line 4: expected 3 columns, got 2"),
        ("1,2,x", "line 4: expected a number, got 'x'"),
    ],
)
def test_every_wrong_row_is_told_with_its_line(tmp_path, row, sentence):
    (tmp_path / "mine.yaml").write_text(HEAD + "holders: {start: coins.csv}\n")
    (tmp_path / "coins.csv").write_text(CSV + row + "\n")
    with pytest.raises(ScenarioError) as caught:
        load_spec(tmp_path / "mine.yaml")
    assert sentence in str(caught.value)


def test_the_shipped_start_is_read_and_the_name_is_checked():
    market = market_of(holders={"enabled": True, "bin": "$250"})
    assert desk_of(market).start_lots * market.lot_coin == pytest.approx(17.2e6, rel=1e-3)
    with pytest.raises(ScenarioError, match="no table of coins 'nowhere'"):
        load_spec("calm_btc", {"holders.start": "nowhere"})
