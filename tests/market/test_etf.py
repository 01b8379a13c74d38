"""Spot funds in a small market: a day of outflow and the day after, exact; the calendar; forks; who is not there."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from sim.agents.etf import DRAW_ETF, EtfDesk
from sim.calendar_ny import next_trading_day, session
from sim.errors import ScenarioError
from sim.funds.strike import strike
from sim.snapshot import Snapshot, resume, take
from tests.market.small import market_of, spec_of

HOUR = 3600.0
FUND = {"name": "one", "coins": 100_000, "coins_per_share": 0.01, "basket_shares": 1000}
KIND = {"name": "two", "coins": 50_000, "coins_per_share": 0.02, "basket_shares": 500, "in_kind": True}
CALM = {"leveraged": {"enabled": False}, "news": {"noise_per_day": "0.1%"}}  # no cascade: the desk's own sums are seen
MONDAY = {"start_utc": "2025-10-13T13:00:00Z", "duration": "26h", "tick": "10s", "record_every": "1min", **CALM}
OUT = [{"date": "2025-10-13", "usd": "-$900k"}, {"date": "2025-10-14", "usd": "$300k"}]


def etf(**over):
    return {
        "enabled": True, "issuers": [FUND, KIND], "participant_capital": "$5m", "participant_coins": "2k",
        "flows": OUT, **over,
    }  # fmt: skip


def made(etf_over=None, **over):
    return market_of(**{**MONDAY, "etf": etf(**(etf_over or {})), **over})


def rows(desk, what, who=None):
    return [row for row in desk.ledger() if row["what"] == what and who in (None, row["who"])]


def at(day, hour, minute=0):
    return datetime(2025, 10, day, hour, minute, tzinfo=UTC)


def holds(desk):
    """C8 and C9: each fund's coins are those of its account, to the lot; books and market agree."""
    for name, fund in desk.funds.items():
        account = desk.accounts[name]
        assert desk.drift(account) == (0, 0, 0) and account.coin_lots == fund.coin_lots
        assert Fraction(fund.coin_lots, fund.shares) * fund.shares == fund.coin_lots
        assert account.cash_micro == account.perp_lots == 0
    for account in desk.accounts.values():
        cash, coins, perp = desk.drift(account)
        assert coins == 0 and ((cash, perp) == (0, 0) or account.name == "participant")


@pytest.fixture(scope="module")
def day():
    """Monday's session and Tuesday morning, looked at each half hour; every law of the market after every tick."""
    market = made()
    market.audit = True
    (desk,) = market.institutions
    seen = {}
    for k in range(1, 53):
        market.run_until(k * HOUR / 2)
        holds(desk)
        participant = desk.accounts["participant"]
        seen[desk.now] = {
            "inventory": dict(desk.inventory), "perp": participant.perp_lots, "coins": participant.coin_lots,
            "sold": desk.sold_lots("one"), "shares": {n: f.shares for n, f in desk.funds.items()},
            "owed": desk.owed_micro,
        }  # fmt: skip
    return market, desk, seen


def test_investors_sell_by_the_clock_of_the_session(day):
    """Cash: $600k of $1,000 coins at 0.01 a share, 60,000 shares but for the price; a quarter after a quarter."""
    _, _, seen = day
    assert seen[at(13, 13, 30)]["inventory"] == {"one": 0, "two": 0}
    by_eleven, by_one = seen[at(13, 15)]["inventory"]["one"], seen[at(13, 17)]["inventory"]["one"]
    assert abs(by_eleven / 60_000 - 1.5 / 6.5) < 0.03 and abs(by_one / 60_000 - 3.5 / 6.5) < 0.04


def test_the_hedge_is_at_once_and_moves_to_the_spot_book_as_baskets_are_worked(day):
    """Perp short plus coins sold make the coins of the shares, within what a step had not traded yet (60,000 / 78 a
    step is 8 coins); 70 % worked before 15:00, all of whole baskets by 16:00.
    """
    _, desk, seen = day
    for moment in (at(13, 15), at(13, 17), at(13, 18, 30), at(13, 19)):
        now = seen[moment]
        held = now["inventory"]["one"]
        assert abs(-now["perp"] + now["sold"] - held) <= 1600 and -now["perp"] > 0.2 * held
        assert abs(now["sold"] - 0.7 * (held // 1000) * 1000) <= 1600
        assert abs(2_000_00 - now["coins"] - 2 * now["inventory"]["two"]) <= 800
    after = seen[at(13, 20, 30)]
    (order,) = rows(desk, "redemption ordered", "one")
    assert order["coins"] * 100 - 900 <= after["sold"] <= order["coins"] * -100 or after["sold"] > 0
    assert abs(-after["perp"] + after["sold"] + order["coins"] * 100 - after["inventory"]["one"]) <= 2


def test_cut_off_strike_and_the_day_after(day):
    """Whole baskets at 16:00, valued at the strike; shares, coins and money change hands on Tuesday at 09:30."""
    market, desk, seen = day
    (order,) = rows(desk, "redemption ordered", "one")
    assert order["shares"] % 1000 == 0 and order["baskets"] == order["shares"] // 1000 <= -55
    assert order["elapsed_s"] == 7 * HOUR and order["date"] == "2025-10-13"
    assert 0 <= seen[at(13, 21)]["inventory"]["one"] < 1000
    assert seen[at(14, 13)]["shares"]["one"] == 10_000_000 and seen[at(14, 13)]["owed"] > 0
    (settled,) = rows(desk, "redemption settled", "one")
    assert settled["elapsed_s"] == 24.5 * HOUR and settled["ordered_on"] == "2025-10-13"
    assert seen[at(14, 14)]["shares"]["one"] == 10_000_000 + order["shares"]
    assert -seen[at(14, 14)]["owed"] > 0  # Monday's is paid; on Tuesday investors buy and owe
    struck, traded = rows(desk, "struck", "one")[0], rows(desk, "investors", "one")[0]
    assert abs(struck["nav_usd"] / (struck["price_usd"] * 0.01) - 1.0) < 1e-4
    assert abs(struck["amount_usd"] / (order["coins"] * struck["price_usd"]) - 1.0) < 1e-9
    made_of = rows(desk, "proceeds of one", "participant")[0]["amount_usd"]
    paid = rows(desk, "paid to investors", "participant")[0]["amount_usd"]
    assert abs(made_of / -struck["amount_usd"] - 1.0) < 0.01  # sold at about the strike
    assert -paid == pytest.approx(-sum(row["amount_usd"] for row in rows(desk, "investors")[:2]), abs=1e-5)
    assert traded["shares"] == -(seen[at(13, 21)]["inventory"]["one"] - order["shares"])
    assert len(market.spec.etf.issuers) == len(rows(desk, "published")) * 2


def test_strike_is_that_of_the_recorded_trades(day):
    market, desk, _ = day
    series = market.collect().series
    begin = [int(t) - 60_000_000 for t in series["time_us"]]
    volume = (series["spot_taker_buy_lots"] + series["spot_taker_sell_lots"]).tolist()
    first = round(6 * HOUR * 1e6)
    ticks = strike(begin, series["spot_last_ticks"].tolist(), volume, first, first + 3_600_000_000)
    assert rows(desk, "struck", "one")[0]["price_usd"] == ticks * 0.1


def test_the_day_holds_on_two_clocks():
    """Long ticks outside of trouble: the same flow in dollars, baskets to one, everything settled and conserved."""
    market = made(clock={"slow_tick": "1min", "start": "slow"}, duration="25h")
    market.audit = True
    market.run_until(25 * HOUR)
    (desk,) = market.institutions
    holds(desk)
    sold = [row["amount_usd"] for row in rows(desk, "investors")]
    assert sold == pytest.approx([-600_000.0, -300_000.0], abs=20.0)
    assert [row["ordered_on"] for row in rows(desk, "redemption settled")] == ["2025-10-13"] * 2
    assert -66 <= rows(desk, "redemption ordered", "one")[0]["baskets"] <= -55


def test_in_kind_coins_come_back_the_day_after(day):
    """The participant sells its own coins at once and gets those of the baskets at T + 1; no agent works them."""
    _, desk, seen = day
    assert "two trading" not in desk.accounts
    (settled,) = rows(desk, "redemption settled", "two")
    gained = seen[at(14, 13, 30)]["coins"] - seen[at(14, 13)]["coins"]
    assert gained == -round(settled["coins"] * 100) > 20_000


def test_the_fee_is_taken_in_coins(day):
    """A day of 0.25 % a year: of 100,000 coins 0.6849; what is no whole lot waits. Monday's start and strike are of one
    day in New York, so the first fee is Tuesday's.
    """
    market, desk, _ = day
    assert [row["coins"] for row in rows(desk, "fee of one")] == [0.0]
    other = made({"issuers": [FUND]}, duration="52h")
    other.run_until(32 * HOUR)
    fund = other.institutions[0].funds["one"]
    fees = [round(row["coins"] * 100) for row in rows(other.institutions[0], "fee of one")]
    owed = (fund.coin_lots + fees[1]) * 2500
    assert fees == [0, owed // (365 * 10**6)] and 66 <= fees[1] <= 68 and fund.fee_rest == owed % (365 * 10**6)


def through_json(snapshot):
    return Snapshot(snapshot.arrays, json.loads(json.dumps(snapshot.record)), snapshot.spec, snapshot.venue, {})


@pytest.mark.parametrize("hours", [0.0, 0.5, 4.21, 6.99, 7.0, 9.0, 24.6])
def test_x11_saved_and_gone_on_is_unbroken(day, hours):
    unbroken = day[0]
    market = made()
    market.run_until(hours * HOUR)
    again = resume(through_json(take(market)))
    again.run_until(unbroken.time)
    assert again.state_hash() == unbroken.state_hash() and again.ledgers() == unbroken.ledgers()
    assert again.institutions[0].state() == unbroken.institutions[0].state()


def test_flow_by_the_rule_answers_the_simulated_day():
    """Without flows of its own: the rule on past returns, the day's draw and the simulated close."""
    market = made({"flows": None, "issuers": [FUND]}, duration="8h")
    desk = market.institutions[0]
    before = desk.last_close
    market.run_until(8 * HOUR)
    settings = market.spec.etf
    past = [100.0 * move for move in settings.past_returns]
    shock = float(desk.draws(DRAW_ETF, date(2025, 10, 13).toordinal()).standard_t(5.0))
    moved = 100.0 * math.log(desk.last_close / before)
    bp = 9.16 + 4.86 * moved + 4.45 * past[-1] + 0.95 * sum(past[-6:-1]) + 0.46 * sum(past)
    bp += 0.32 * -1.2 + 19.8 * shock
    (traded,) = rows(desk, "investors")
    assert abs(traded["amount_usd"] - 1e-4 * bp * 100_000 * before) <= desk.last_close * 0.01  # but for part of a share
    assert desk.past == [*past[1:], moved]


def test_no_session_no_trade_and_the_path_is_the_same_to_the_bit():
    """The Friday-night window, 20:20 to 03:00 UTC: with the funds on the path is what it is with them off (6.2.17)."""
    window = {"start_utc": "2025-10-10T20:20:00Z", "duration": "400min", "tick": "10s", "record_every": "1min"}
    drop = {"kind": "news_move", "at": "50min", "over": "10min", "move": "-4%"}
    with_funds = market_of(**window, shocks=[drop], etf=etf(flows=None, informed="1%"))
    without = market_of(**window, shocks=[drop])
    for market in (with_funds, without):
        market.run_until(24_000.0)
    for name in ("series", "bands", "events", "accounts"):
        assert (getattr(with_funds.collect(), name) == getattr(without.collect(), name)).all()
    desk = with_funds.institutions[0]
    assert desk.entries == [] and desk.n_orders == 0 and not without.institutions


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("2025-10-10T20:20:00Z", "2025-10-13T13:30"),  # Monday: shares trade on Columbus Day
        ("2025-10-13T13:30:00Z", "2025-10-13T13:30"),  # the open itself
        ("2025-10-13T13:30:10Z", "2025-10-14T13:30"),  # only whole sessions
        ("2025-10-31T20:30:00Z", "2025-11-03T14:30"),  # the clock of New York changed on 2 November
        ("2025-11-26T22:00:00Z", "2025-11-28T14:30"),  # Thanksgiving
        ("2025-12-24T19:00:00Z", "2025-12-26T14:30"),
    ],
)
def test_the_first_session_is_the_next_whole_one(start, first):
    market = market_of(start_utc=start, duration="120h", tick="10s", record_every="1min", etf=etf(flows=None))
    (event,) = [when for when in [market.next_event_s()] if math.isfinite(when)]
    opens = market.spec.start_utc + timedelta(seconds=event)
    assert opens == datetime.fromisoformat(first).replace(tzinfo=UTC)


def test_a_half_day_ends_at_one_and_is_struck_at_four():
    """28 November 2025: close and cut-off at 13:00 New York, baskets worked until the strike's hour is over."""
    market = market_of(
        start_utc="2025-11-28T14:00:00Z", duration="8h", tick="10s", record_every="1min",
        etf=etf(issuers=[FUND], flows=[{"date": "2025-11-28", "usd": "-$400k"}]),
    )  # fmt: skip
    desk: EtfDesk = market.institutions[0]
    market.run_until(8 * HOUR)
    hours = session(date(2025, 11, 28))
    assert [row["elapsed_s"] for row in rows(desk, "redemption ordered")] == [desk.seconds(hours.closes)] == [4 * HOUR]
    assert [row["elapsed_s"] for row in rows(desk, "struck")] == [7 * HOUR]
    assert next_trading_day(date(2025, 11, 28)) == date(2025, 12, 1)
    assert desk.sold_lots("one") == -round(rows(desk, "redemption ordered")[0]["coins"] * 100)


def test_published_flow_moves_the_news_value_by_the_informed_share():
    """-$0.9m at 1 % per $bn is 9 millionths of a log; times a hundred here: from four hours after the close."""
    calm, informed = (made({"informed": share}, duration="13h") for share in ("0%", "10%"))
    for market in (calm, informed):
        market.run_until(11 * HOUR)
    assert calm.state_hash() == informed.state_hash() or len(informed.state.ramps) > len(calm.state.ramps)
    for market in (calm, informed):
        market.run_until(12 * HOUR)
    published = rows(informed.institutions[0], "published")[0]
    assert published["elapsed_s"] == 11 * HOUR
    row = informed.state.ramps[-1]
    assert (row["start_us"], row["end_us"]) == (11 * 3_600_000_000, 11 * 3_600_000_000 + 1_800_000_000)
    assert row["log_move"] == pytest.approx(0.1 * published["amount_usd"] / 1e9, rel=1e-12) and row["log_move"] < 0.0
    assert len(calm.state.ramps) == len(informed.state.ramps) - 1


def test_investors_may_stop_at_a_fork_and_what_is_ordered_settles():
    market = made()
    market.run_until(10 * HOUR)
    spec = spec_of(**{**MONDAY, "etf": etf(investors=False)})
    again = resume(take(market), spec)
    again.run_until(26 * HOUR)
    desk = again.institutions[0]
    assert [row["shares"] for row in rows(desk, "redemption settled")] == [
        row["shares"] for row in rows(desk, "redemption ordered")
    ] and len(rows(desk, "redemption settled")) == 2
    assert desk.day["date"] == "2025-10-14" and desk.day["shares"] == {"one": 0, "two": 0}
    for change, said in (({"trade_credit": "9%"}, "acts at the start alone"), ({"enabled": False}, "")):
        other = spec_of(**{**MONDAY, "etf": etf(**change)})
        if said:
            with pytest.raises(ScenarioError, match=said):
                resume(take(market), other)
        else:
            assert resume(take(market), other).institutions == []
    off = market_of(**MONDAY)
    with pytest.raises(ScenarioError, match="switched on"):
        resume(take(off), spec_of(**{**MONDAY, "etf": etf()}))


def test_what_cannot_be_a_fund_is_refused():
    with pytest.raises(ScenarioError, match="does not trade on 2025-10-12"):
        made({"flows": [{"date": "2025-10-12", "usd": "$1m"}]})
    with pytest.raises(ScenarioError, match="need a spot book"):
        made(market={"spot": False}, arbitrage={"enabled": False}, dip_buyer={"perp_share": 1.0})
    for bad in ({"issuers": [FUND, FUND]}, {"flows": [OUT[1], OUT[0]]}, {"issuers": []}):
        with pytest.raises(ValueError, match="name|follow|at least 1"):
            spec_of(**{**MONDAY, "etf": etf(**bad)})


def test_investors_sell_no_share_that_they_do_not_have():
    """Nearly three times all assets in one day: each fund is left with a basket, and settles."""
    market = made({"flows": [{"date": "2025-10-13", "usd": "-$400m"}]})
    (desk,) = market.institutions
    for k in range(1, 27):
        market.run_until(k * HOUR)
        holds(desk)
        for fund in desk.funds.values():
            assert fund.shares_to_be - desk.inventory[fund.name] >= fund.basket_shares
    assert {name: fund.shares for name, fund in desk.funds.items()} == {"one": 1000, "two": 500}
