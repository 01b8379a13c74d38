"""Loans against the coin: every call is what the rules say, coins are conserved, and sales move the price."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sim.agents.lending import LendingDesk
from sim.errors import ScenarioError
from sim.loans.chain import Chain
from sim.runner import load
from sim.settings.lender import MarketFeed
from sim.settings.lending import LendingSettings
from sim.snapshot import resume, take
from tests.market.small import columns, market_of, merged, spec_of, venue_of
from tests.reference_market import lending as twin

FALL = {"kind": "news_move", "at": "5min", "over": "5min", "move": "-6%"}
ON: dict[str, Any] = {
    "duration": "30min",
    "leveraged": {"enabled": False},
    "shocks": [FALL],
    "lending": {
        "enabled": True, "debt": "$200k", "supply": "$250k", "borrowers": 40, "size_spread": 1.0,
        "health_median": 1.06, "health_spread": 0.6, "liquidators": 3, "liquidator_money": "$60k",
        "least_profit": "$1", "call_gas": 5000,
    },
}  # fmt: skip
ADD = {"kind": "market", "deviation": "0.5%", "heartbeat": "1h"}


def desk_of(market) -> LendingDesk:
    (desk,) = market.institutions
    assert isinstance(desk, LendingDesk)
    return desk


def protocol_of(desk: LendingDesk) -> twin.Protocol:
    """The rules of the desk at the price in force, written from the profile and from nothing of the kernels."""
    lender, coin = desk.lender, desk.lender.assets[desk.settings.coin]
    as_fraction = lambda value: Fraction(str(value))  # noqa: E731
    shares = twin.Shares(*(as_fraction(part) for part in (coin.ltv, coin.threshold, coin.bonus)))
    lot_micro = Fraction(desk.chain.price, 2) * int(desk.market.state.rules[1]["micro_per_tick_lot"])
    none = twin.Shares(Fraction(0), Fraction(0), Fraction(0))
    return twin.Protocol(
        as_fraction(lender.full_close_health), as_fraction(lender.close_factor), round(lender.small_position * 1e6),
        round(lender.least_left * 1e6), as_fraction(lender.protocol_fee),
        [twin.Asset(lot_micro, shares), twin.Asset(Fraction(1), none, lent_to=frozenset({0}))],
    )  # fmt: skip


@pytest.fixture(scope="module")
def run():
    """A run whose calls the slow twin has answered as well: market, and for each call both answers."""
    answers, call = [], LendingDesk.call

    def watched(desk, borrower, name, cover, gas_micro):
        before = [int(desk.loans.collateral[borrower, 0]), int(desk.loans.debt[borrower, 1])]
        pool = desk.accounts["pool"].coin_lots
        call(desk, borrower, name, cover, gas_micro)
        account = twin.Account([before[0], 0], [0, before[1]])
        reason, repaid, seized, fee, off = twin.liquidate(protocol_of(desk), account, 0, 1, cover)
        after = int(desk.loans.collateral[borrower, 0]), int(desk.loans.debt[borrower, 1])
        by_rule = (reason, seized, account.collateral[0], account.debt[1])
        by_desk = (_reason(desk), pool - desk.accounts["pool"].coin_lots, *after)
        answers.append((by_rule, by_desk, repaid, fee, off))

    patch = pytest.MonkeyPatch()
    patch.setattr(LendingDesk, "call", watched)
    market = market_of(**ON)
    market.audit = True
    desk = desk_of(market)
    lots = desk.accounts["pool"].coin_lots
    market.run()
    patch.undo()
    return market, desk, answers, lots


def _reason(desk: LendingDesk) -> str:
    row = desk.entries[-1]
    return str(row.get("reason", "")) if row["what"] == "call failed" else ""


def test_every_call_is_what_the_rules_say_at_the_price_in_force(run):
    _, desk, answers, _ = run
    assert len([a for a in answers if not a[0][0]]) >= 10
    for by_rule, by_desk, *_ in answers:
        assert by_desk == by_rule
    assert sum(sum(off) for *_, off in answers) == int(desk.loans.deficit[1])
    assert sum(fee for reason, _, _, fee, _ in answers if not reason[0]) == desk.accounts["protocol"].coin_lots


def test_no_coin_and_no_dollar_is_lost(run):
    """The audit held after every tick; own books agree with the market's; what is put up is what the pool has."""
    market, desk, answers, lots = run
    assert all(desk.drift(account) == (0, 0, 0) for account in desk.accounts.values())
    assert int(desk.loans.collateral[:, 0].sum()) == desk.accounts["pool"].coin_lots
    sold = -sum(account.traded_lots for account in desk.liquidators())
    held = sum(account.coin_lots for account in desk.liquidators())
    assert desk.accounts["pool"].coin_lots + desk.accounts["protocol"].coin_lots + held + sold == lots
    repaid = sum(repaid for reason, _, repaid, _, _ in answers if not reason[0])
    assert 200_000 * 10**6 - repaid - int(desk.loans.deficit[1]) == int(desk.loans.debt[:, 1].sum())
    assert not market.deposited[1] and sold > 0


def test_calls_push_the_price_that_they_follow(run):
    """With the same draws and nobody to call, the lowest trade is higher."""
    quiet = market_of(**merged(ON, {"lending": {"liquidators": 0}}))
    quiet.run()
    lows = [float(columns(market, "mark_usd").min()) for market in (quiet, run[0])]
    assert lows[1] < lows[0]


def test_before_the_first_call_nothing_moves_and_off_is_the_default(run):
    off = market_of(**merged(ON, {"lending": {"enabled": False}}))
    off.run()
    first = next(row["time_us"] for row in run[1].entries if row["what"] == "call") // 10**6
    a, b = (columns(market, "mark_usd", "index_usd") for market in (off, run[0]))
    assert np.array_equal(a[:, : first - 1], b[:, : first - 1]) and not np.array_equal(a, b)
    assert not spec_of().lending.enabled and not off.institutions


@pytest.mark.parametrize("at_s", [420.0, 600.0])
def test_a_fork_goes_on_as_the_unbroken_run(at_s: float, run):
    """With calls and children on their way."""
    first = market_of(**ON)
    first.audit = True
    first.run_until(at_s)
    assert desk_of(first).busy or desk_of(first).orders
    later = resume(take(first), first.spec)
    later.run()
    assert later.state_hash() == run[0].state_hash() and desk_of(later).entries == run[1].entries


def test_without_money_or_bids_that_pay_nobody_calls():
    """Loans stay below a health of one, and nothing is lost yet."""
    for change in ({"liquidator_money": "$0"}, {"least_profit": "$1m"}):
        market = market_of(**merged(ON, {"lending": change}))
        market.run()
        desk = desk_of(market)
        assert not [row for row in desk.entries if row["what"] in ("call", "sold")]
        assert len(desk.loans.below(1.0)) > 0 and int(desk.loans.deficit[1]) == 0


def test_a_feed_lands_a_slot_later_and_waits_where_gas_costs_more_than_it_bids():
    settings = LendingSettings()
    feed = MarketFeed.model_validate(ADD)
    draws = np.random.default_rng(1)
    chain = Chain(feed, 200_000, 20, 0)
    assert chain.observe(199_001, 12_000_000, settings, draws) == 0  # 0.4995%: too near
    assert chain.observe(199_000, 24_000_000, settings, draws) == 1 and chain.price == 200_000
    assert chain.observe(198_000, 36_000_000, settings, draws) == 1 and chain.price == 199_000
    chain.warm(1e9, settings)  # e^4 times 2 gwei
    assert chain.gwei(settings) == pytest.approx(2.0 * np.exp(4.0))
    waits = []
    for k in range(2000):
        hot = Chain(feed, 200_000, 20, 0)
        hot.heat_usd = 2e9
        waits.append(hot.observe(150_000, k * 12_000_000 + 1, settings, np.random.default_rng([7, k])))
    assert np.mean(waits) == pytest.approx(2.0 * np.exp(8.0) / 50.0, rel=0.1)


def test_interest_is_the_curves_and_each_loan_owes_it():
    market = market_of(**merged(ON, {"duration": "30min", "shocks": []}))
    desk = desk_of(market)
    owed = desk.loans.debt[:, 1].copy()
    rate = desk.loans.rate_ppm(250_000 * 10**6)
    assert rate == twin.borrow_rate([Fraction(x) for x in ("0", "0.92", "0.065", "0.6")], 200_000, 50_000)
    added = desk.loans.accrue(rate, 86_400 * 10**6)
    each = [-(-int(part) * rate * 86_400 // (10**6 * 365 * 86_400)) for part in owed]
    assert (desk.loans.debt[:, 1] - owed).tolist() == each and added == sum(each)


def test_loops_unwind_by_selling_and_owe_what_they_then_owe():
    """A dollar token whose price is hard-coded: nothing is ever called, yet loops that lose money sell it."""
    token = {
        "duration": "8h", "record_every": "10s", "market": {"price": "$1", "perp": True},
        "lending": {"coin": "usde", "mode": "usde", "health_median": 1.5, "gas": 0.0,
                    "loops": {"share": 0.5, "ltv": "90%", "leave": "100%", "leave_for_carry": "100%"}},
    }  # fmt: skip
    market = market_of(venue=venue_of(0.0001, 10.0), **merged(merged(ON, token), {"shocks": []}))
    market.audit = True
    desk = desk_of(market)
    before = int(desk.loans.debt[:, 1].sum())
    market.run()
    kinds = [row["what"] for row in desk.entries]
    assert kinds.count("unwinding") >= 5 and kinds.count("repaid") >= 3 and "call" not in kinds
    repaid = sum(row["micro"] for row in desk.entries if row["what"] == "repaid")
    after = int(desk.loans.debt[:, 1].sum()) + int(desk.loans.deficit[1])
    assert repaid > 0 and before + desk.interest_micro - repaid == after
    assert all(desk.drift(account) == (0, 0, 0) for account in desk.accounts.values())
    away = sum(order.lots - order.done_lots for order in desk.orders.values())
    assert int(desk.loans.collateral[:, 0].sum()) == desk.accounts["pool"].coin_lots and away >= 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lender": "lender_z"}, "no lender profile 'lender_z'"),
        ({"coin": "wbtcc"}, "no asset of lender_a 'wbtcc'"),
        ({"mode": "eth"}, "wbtc is no collateral of mode eth"),
        ({"coin": "usde"}, "backs no loan outside its modes"),
        ({"coin": "wsteth"}, "which is not simulated"),
        ({"coin": "usde", "mode": "usde"}, "hard-coded to a dollar"),
        ({"dollar": "wbtc"}, "is not lent out"),
        ({"loops": {"share": "10%", "ltv": "80%"}}, "is not below the threshold"),
    ],
)
def test_what_does_not_fit_the_profile_is_refused_in_a_sentence(change: dict[str, Any], sentence: str):
    flat = {f"lending.{key}": value for key, value in change.items()}
    with pytest.raises(ScenarioError, match=sentence):
        load("calm_btc", **{"lending.enabled": True, **flat})
