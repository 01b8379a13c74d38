"""Companies in a market: on New York's calendar alone, exact in both books, saved, without effect when they wait."""

from datetime import UTC, date, datetime

import pytest

import sim
from sim.calendar_ny import companies_trade
from sim.errors import ScenarioError
from sim.market import Market
from sim.snapshot import resume, take
from sim.treasury.balance import HELD
from tests.market.small import market_of

MONDAY = "2025-10-13T13:20:00Z"  # ten minutes before New York opens; Columbus day is a trading day
FEW = {"companies": 4, "median": "$300k", "premium_median": 1.6, "premium_sigma": 0.05, "most_debt": "30%"}
STRATEGY = {
    "coins": 3000, "shares": 100_000, "premium": 2.6, "debt": "$1m", "preferred": "$1m", "dividends": "$240k",
    "cash": "$5k", "turnover": "10%",
}  # fmt: skip
CLAIMS = {"preferred_a_week": "$40k", "preferred_median": "$60k", "converts_median": "$60k", "preferred_every": "7d"}


def company_market(start=MONDAY, duration="7h", **dat) -> Market:
    """The tiny market with Strategy and four small companies of its size; a minute a tick."""
    groups = {"enabled": True, "small": FEW, "strategy": STRATEGY, "claims": CLAIMS} | dat
    return market_of(start_utc=start, duration=duration, tick="10s", record_every="1min", dat=groups)


def agree(market: Market) -> None:
    (desk,) = market.institutions
    for name, account in desk.accounts.items():
        assert desk.drift(account) == (0, 0, 0)
        books = desk.treasurers[name].balance
        if not desk.orders_of(name):
            assert (account.cash_micro, account.coin_lots) == (books.cash_micro, books.coins_lots)


def test_a_day_of_trading_is_exact_and_within_the_session():
    market = company_market()
    market.audit = True
    (desk,) = market.institutions
    start = market.spec.start_utc.timestamp()
    for second in range(600, 7 * 3600, 600):
        market.run_until(float(second))
        agree(market)
    assert {row["what"] for row in desk.entries} >= {"start", "sell common", "sell preferred", "buy coins", "close"}
    log = market.state.guest_fills[: int(market.state.clock[0]["n_guest_fills"])]
    times = [start + float(at) / 1e6 for at in log["time_us"]]
    assert times and all(companies_trade(datetime.fromtimestamp(at, UTC)) for at in times)
    assert not desk.orders and all(one.balance.coins_lots > 0 for one in desk.treasurers.values())


def test_the_ledger_alone_gives_the_books():
    """C9: coins, shares, cash, notes and preferred stock move by posted entries alone."""
    market = company_market(duration="31h")
    (desk,) = market.institutions
    starts = {name: one.balance.state() for name, one in desk.treasurers.items()}
    market.run_until(31 * 3600.0)
    columns = ("lots", "shares", "micro", "debt_micro", "preferred_micro")
    for name, one in desk.treasurers.items():
        rows = [row for row in desk.entries if row["who"] == name and "debt_micro" in row]
        for held, column in zip(HELD, columns, strict=True):
            assert starts[name][held] + sum(row[column] for row in rows) == getattr(one.balance, held)
        closes = [row for row in desk.entries if row["who"] == name and row["what"] == "close"]
        assert len(closes) == 2
        last = closes[-1]
        assert last["coins_held"] == pytest.approx(one.balance.coins_lots * market.lot_coin)
        assert last["mean_cost_usd"] * last["coins_held"] == pytest.approx(one.balance.cost_micro / 1e6)


def test_outside_the_session_no_company_does_anything():
    """From Friday's close to Monday's open; then at the open."""
    market = company_market("2025-10-10T20:05:00Z", duration="66h")
    (desk,) = market.institutions
    before = desk.state()
    market.run_until(65.25 * 3600)
    assert {row["what"] for row in desk.entries} == {"start", "absent: the market trades BTC"}
    assert desk.state()["memory"] == before["memory"] and int(market.state.clock[0]["n_guest_fills"]) == 0
    market.run_until(66 * 3600.0)
    assert {row["date"] for row in desk.entries if row["what"] == "sell common"} == {"2025-10-13"}


@pytest.mark.parametrize("start", ["2025-10-31T13:00:00Z", "2025-11-03T14:00:00Z"])
def test_the_open_follows_new_yorks_clock(start: str):
    """30 minutes after the start, before and after the change of 2 November 2025."""
    market = company_market(start, duration="1h")
    (desk,) = market.institutions
    market.run_until(1799.0)
    assert not [row for row in desk.entries if row["what"].startswith("sell")]
    market.run_until(1801.0)
    assert [row for row in desk.entries if row["what"].startswith("sell")]


@pytest.mark.parametrize("at_s", [3600.0, 7 * 3600.0])
def test_a_run_that_is_saved_goes_on_as_if_it_had_not_been(at_s: float):
    """In the middle of orders, and in the evening."""
    whole, first = company_market(duration="26h"), company_market(duration="26h")
    whole.run_until(26 * 3600.0)
    first.run_until(at_s)
    again = resume(take(first))
    again.run_until(26 * 3600.0)
    assert again.state_hash() == whole.state_hash()
    assert again.ledgers() == whole.ledgers()
    assert again.institutions[0].state() == whole.institutions[0].state()
    agree(again)


def test_a_fork_may_change_what_companies_decide_and_not_who_they_are():
    """Another seed and no access to capital from Tuesday on: the same companies, and nothing is issued that day."""
    market = company_market(duration="31h")
    market.run_until(7 * 3600.0)
    dat = market.spec.dat
    closed = market.spec.model_copy(update={"dat": dat.model_copy(update={"access_closed_from": date(2025, 10, 14)})})
    forked = resume(take(market), closed, seed=9)
    forked.run_until(31 * 3600.0)
    market.run_until(31 * 3600.0)
    names = [one.company for one in market.institutions[0].treasurers.values()]
    assert [one.company for one in forked.institutions[0].treasurers.values()] == names
    issued = [
        {row["what"] for row in one.institutions[0].entries if row["date"] == "2025-10-14"} for one in (market, forked)
    ]
    assert "sell common" in issued[0] and not {what for what in issued[1] if what.startswith("sell ")}
    agree(forked)
    fewer = market.spec.model_copy(update={"dat": dat.model_copy(update={"coin": "ETH"})})
    with pytest.raises(ScenarioError, match="dat.coin: cannot change at a fork"):
        resume(take(market), fewer)


def test_a_sale_meets_the_book_and_its_money_retires_notes():
    """A small company that must sell: its coins reach the spot book, what came in leaves for its lenders."""
    market = company_market(small=FEW | {"companies": 1, "most_debt": "60%"}, strategy={"enabled": False},
                            sales={"sell_days": 1, "retire_debt_above": 0})  # fmt: skip
    (desk,) = market.institutions
    one = desk.treasurers["small_1"]
    lots, debt = one.balance.coins_lots, one.balance.debt_micro
    one._sell(lots // 40, 1, "notes", "own sale begins")
    market.run_until(7 * 3600.0)
    assert one.balance.coins_lots == lots - lots // 40 and one.memory.sale == []
    sold = sum(row["micro"] for row in desk.entries if row["what"] == "sell coins")
    assert debt - one.balance.debt_micro == sold > 0
    agree(market)


# --- the path


FRIDAY = {"enabled": True, "exclusions": [{"on": "2025-10-15"}], "access_closed_from": "2025-10-01"}


def test_on_friday_night_the_path_is_the_same_to_the_bit_with_and_without():
    """MODEL 6.2.17: the replay's first hour and three quarters, with a fall deep enough for the engine to sell."""
    over = {"duration": "1h45m", "news.path": [{"at": "30min", "move": 0.0}, {"at": "35min", "move": "-5%"}]}
    plain = sim.load("flash_10_11_btc", **over).run(seed=1)
    held = sim.load("flash_10_11_btc", **over, dat=FRIDAY).run(seed=1)
    assert list(held.ledgers) == ["dat"] and len(held.ledgers["dat"]) == 32
    assert set(held.ledgers["dat"]["what"]) == {"start", "absent: the market trades BTC"}
    for name in plain.hashes:
        if name != "state":  # which holds the companies' accounts
            assert held.hashes[name] == plain.hashes[name], name
    assert len(plain.tables.events) > 0
