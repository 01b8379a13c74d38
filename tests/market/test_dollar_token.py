"""The issuer of a dollar token in a market: exact in tokens, coins, dollars and positions; redemption, deleveraging."""

import math
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import sim
from sim.agents.dollar_token import BACKING, RESERVE, DollarTokenDesk
from sim.cli.app import app
from sim.errors import ScenarioError
from sim.kernels.ledger import HEDGERS, PERP, SPOT
from sim.scenario.load import load_spec
from sim.snapshot import resume, take
from tests.market.small import DROP, PASSIVE, columns, market_of, merged, spec_of, venue_of
from tests.scenario.broken import HEAD

DAY = 86_400.0
PACE = 1_000 * 10**6  # micro-dollars a block
ON: dict[str, Any] = {
    "duration": "1h",
    "start_utc": "2025-10-10T23:30:00Z",  # a payment of funding and the end of a day in the middle
    "leveraged": {"enabled": True},
    "dollar_token": {
        "enabled": True, "supply": "$10m", "reserve": "$40k", "a_slot": "$1k", "every": "1min", "other_yield": "200%",
        "yield_over": "1h", "cooldown": "10min", "patience": "1min",
    },
}  # fmt: skip
SHORT_ALONE = PASSIVE | {"short_shares": {"makers": 0.0, "retail": 0.0, "funds": 0.0, "basis": 1.0}}
ADL: dict[str, Any] = {
    "duration": "20m",
    "clearing": {"fund_scale": 0.0},
    "leveraged": SHORT_ALONE,
    "shocks": [DROP | {"over": "5s", "move": "-6%"}],
    "dollar_token": {
        "enabled": True, "supply": "$5m", "hedged_share": "60%", "share_here": "100%", "every": "12s",
        "other_yield": "-100%",
    },
}  # fmt: skip


def issuer_market(*changes: dict[str, Any], venue=None):
    over = ON
    for change in changes:
        over = merged(over, change)
    return market_of(venue=venue, **over)


def desk_of(market) -> DollarTokenDesk:
    (desk,) = market.institutions
    assert isinstance(desk, DollarTokenDesk)
    return desk


def rows(desk, what):
    return [row for row in desk.entries if row["what"] == what]


def check_exact(market, desk, start):
    """Every law of the issuer, with ``==``."""
    account, reserve, supply, sums = desk.accounts[BACKING], desk.accounts[RESERVE], desk.supply, desk.sums
    assert desk.drift(account)[1:] == (0, 0) == desk.drift(reserve)[1:]
    assert supply.free + supply.staked + supply.in_cooldown + supply.queue == supply.minted - supply.burned
    assert supply.burned == sums["redeemed"] and supply.minted == start["supply"] + sums["minted"]
    row, positions = market.state.accounts[account.owner], market.state.books.positions[:, account.owner]
    assert positions[SPOT] - start["lots"] == account.traded_lots
    assert -positions[PERP] == start["lots"] - _bought_back(market, account)
    assert positions[PERP] == int(row["held_lots"])
    assert reserve.cash_micro == start["reserve"] - sums["reserve_paid"]
    brought = sums["stable_income"] - sums["paid"] + desk_closed(desk, start) - sums["elsewhere_cost"]
    assert market.deposited == [brought, 0]


def desk_closed(desk, start):
    """Micro-dollars of coins elsewhere that were closed."""
    return start["elsewhere"] + desk.sums["elsewhere_income"] - desk.elsewhere_micro


def _bought_back(market, account):
    took = market.state.accounts[account.owner]["took_lots"]
    return int(took[0] - took[1]) + int(market.state.accounts[account.owner]["adl_lots"])


def start_of(desk):
    return {
        "supply": desk.supply.total, "lots": desk.target_lots, "reserve": desk.accounts[RESERVE].cash_micro,
        "elsewhere": desk.elsewhere_micro,
    }  # fmt: skip


@pytest.fixture(scope="module")
def run():
    """An hour in which a run empties the token as fast as blocks redeem, every tick audited, every law at each look."""
    market = issuer_market()
    market.audit = True
    desk = desk_of(market)
    start, seen = start_of(desk), []
    for minute in range(1, 61):
        market.run_until(60.0 * minute)
        desk.book_fills()
        check_exact(market, desk, start)
        seen.append((desk.supply.queue, desk.supply.burned, desk.price_usd))
    return market, desk, start, seen


def test_tokens_coins_dollars_and_positions_are_exact_at_every_look(run):
    market, desk, start, _ = run
    assert desk.supply.burned > 250_000 * 10**6 and desk.accounts[BACKING].traded_lots < -4_000
    assert desk.sums["funding"] != 0 and rows(desk, "day")
    fills = market.state.guest_fills[: int(market.state.clock[0]["n_guest_fills"])]
    assert int(fills["lots"][fills["side"] == 1].sum()) == -desk.accounts[BACKING].traded_lots
    got = desk.accounts[BACKING]
    cash = start["supply"] - start["elsewhere"]  # stables, and what the short was entered at
    cash += market.deposited[0] + desk.sums["funding"] + desk.sums["reserve_paid"] - got.fees_micro
    cash += sum(int(f["price_ticks"]) * int(f["lots"]) * desk.unit_micro * (1 if f["side"] else -1) for f in fills)
    desk.book_drift(got)
    assert got.cash_micro == cash


def test_a_block_redeems_so_much_and_no_more(run):
    """While the queue is longer than a minute's blocks, five blocks of $1k are burned each minute, exactly."""
    seen = run[3]
    for (before, burned, _), (_, after, _) in zip(seen[:-1], seen[1:], strict=True):
        assert after - burned <= 5 * PACE
        if before > 5 * PACE:
            assert after - burned == 5 * PACE
    assert sum(before > 5 * PACE for before, _, _ in seen) > 40


def test_the_hedge_shrinks_as_the_supply_did(run):
    market, desk, start, _ = run
    assert desk.target_lots == start["lots"] * desk.supply.total // start["supply"] or rows(desk, "day")
    account = desk.accounts[BACKING]
    left = desk.target_lots - account.coin_lots, desk.target_lots + account.perp_lots
    assert max(map(abs, left)) < 0.01 * start["lots"]


def test_with_nobody_leaving_the_market_is_the_same_without_the_issuer_and_so_is_open_interest():
    """It takes a part of the hedgers' short over and adds none: the same ticks, and the two accounts are one again."""
    still = issuer_market({"duration": "10m", "dollar_token": {"other_yield": "-100%"}})
    without = issuer_market({"duration": "10m", "dollar_token": {"enabled": False}})
    desk = desk_of(still)
    both = [int(HEDGERS), desk.accounts[BACKING].owner]
    for market in (still, without):
        market.run()
    names = ("mark_usd", "index_usd", "open_interest_lots", "perp_taker_buy_lots", "spot_taker_sell_lots")
    assert np.array_equal(columns(still, *names), columns(without, *names))
    a, b = still.state, without.state
    assert a.books.positions[:, both].sum(1).tolist() == b.books.positions[:, int(HEDGERS)].tolist()
    assert desk.target_lots == 164_500 == -int(a.books.positions[PERP, both[1]])
    assert not desk.accounts[BACKING].traded_lots and not without.institutions
    assert not spec_of().dollar_token.enabled


def test_the_yield_that_holders_see_is_the_markets_own_funding():
    """Before a look: funding of a period over its length, times the hedged share; bills on the rest."""
    desk = desk_of(issuer_market())
    a_year = 0.94e-4 * 3 * 365  # the venue's last rate, of eight hours
    assert desk.funding == pytest.approx(a_year)
    assert desk.token_yield == pytest.approx(0.47 * a_year + 0.006 * 0.47 * 0.65 + 0.53 * 0.04, rel=1e-3)
    floor = desk_of(issuer_market({"dollar_token": {"funding_elsewhere": "-500%", "least_yield": "0%"}}))
    assert floor.funding == pytest.approx(0.35 * a_year - 0.65 * 5.0, rel=1e-3) and floor.token_yield == 0.0


@pytest.mark.parametrize("why", ["nobody may redeem", "transfers are closed", "gas"])
def test_where_nobody_redeems_the_queue_grows_and_the_token_trades_below_a_dollar(why):
    change = {
        "nobody may redeem": {"dollar_token": {"redeemers_live": False}},
        "transfers are closed": {"shocks": [{"kind": "transfer_halt", "at": "10min", "over": "20min"}]},
        "gas": {"dollar_token": {"gas_stop": "$1k"}, "shocks": [DROP | {"at": "10min", "move": "-5%"}]},
    }[why]
    market = issuer_market({"duration": "40m"}, change)
    desk = desk_of(market)
    market.run_until(0.0 if why == "nobody may redeem" else 11.0 * 60.0)
    burned, queue = desk.supply.burned, desk.supply.queue
    market.run_until(20.0 * 60.0)
    assert desk.supply.burned == burned and desk.supply.queue > queue and desk.stopped == why
    assert 0.5 < desk.price_usd < 1.0
    beyond = desk.supply.queue - PACE / 12.0 * 60.0
    assert desk.price_usd == pytest.approx(desk.nav * math.exp(-max(0.0, beyond) / desk.supply.total))
    market.run()
    assert (desk.supply.burned > burned) is (why == "transfers are closed")
    assert len(rows(desk, "redemption stops")) == 1


def test_what_is_lost_the_reserve_pays_and_then_redeemed_tokens_get_less():
    market = issuer_market({"dollar_token": {"funding_elsewhere": "-1000%", "reserve": "$500", "a_slot": "$20k"}})
    market.audit = True
    desk = desk_of(market)
    start = start_of(desk)
    market.run()
    desk.book_fills()
    check_exact(market, desk, start)
    assert desk.accounts[RESERVE].cash_micro == 0 and rows(desk, "reserve is empty")
    assert desk.nav < 1.0 and desk.sums["paid"] < desk.sums["redeemed"] and desk.sums["minted"] == 0
    assert desk.nav == desk.backing_micro / desk.supply.total


def test_a_deleveraged_short_is_hedged_anew():
    market = market_of(venue=venue_of(adl_ranking="index"), **ADL)
    market.audit = True
    desk = desk_of(market)
    start = start_of(desk)
    market.run_until(90.0)
    desk.bring_up()
    lost = int(market.state.accounts[desk.accounts[BACKING].owner]["adl_lots"])
    assert lost > 10_000
    assert sum(row["lots"] for row in rows(desk, "deleveraged")) == lost
    assert desk.sums["deleveraged"] == sum(row["micro"] for row in rows(desk, "deleveraged")) < 0
    market.run()
    desk.book_fills()
    check_exact(market, desk, start)
    account = desk.accounts[BACKING]
    assert (account.coin_lots, account.perp_lots) == (300_000, -300_000) and account.traded_lots == 0
    assert not rows(desk, "naked coins are sold") and desk.lost_us == -1


def test_what_cannot_be_hedged_in_time_is_sold():
    """With no time given it is sold at once: coins in the end are as many as the short that is left."""
    market = market_of(venue=venue_of(adl_ranking="index"), **merged(ADL, {"dollar_token": {"rehedge_for": "0s"}}))
    market.audit = True
    desk = desk_of(market)
    market.run_until(120.0)
    sold = -sum(row["lots"] for row in rows(desk, "naked coins are sold"))
    assert sold > 10_000 and desk.accounts[BACKING].traded_lots < 0
    assert desk.target_lots == 300_000 - sold


def test_where_the_venue_exempts_it_nothing_is_deleveraged():
    change = {"dollar_token": {"adl_exempt": True}}
    market = market_of(venue=venue_of(adl_ranking="index"), **merged(ADL, change))
    market.run_until(300.0)
    account = desk_of(market).accounts[BACKING]
    assert account.perp_lots == -300_000 == int(market.state.books.positions[PERP, account.owner])
    assert int(market.state.accounts[HEDGERS]["adl_lots"]) > 10_000


@pytest.mark.parametrize("at_s", [630.0, 2_400.0])
def test_a_fork_goes_on_as_the_unbroken_run(at_s, run):
    """With tokens cooling, a queue, and children on their way."""
    first = issuer_market()
    first.audit = True
    first.run_until(at_s)
    assert desk_of(first).supply.cooling and desk_of(first).orders
    later = resume(take(first), first.spec)
    later.run()
    assert desk_of(later).entries == run[1].entries and desk_of(later).supply == run[1].supply
    assert later.state_hash() == run[0].state_hash()


def test_at_a_fork_redeemers_go_home_but_the_supply_stays_what_it_is():
    market = issuer_market({"duration": "20m"})
    market.run_until(600.0)
    snapshot = take(market)
    later = resume(snapshot, spec_of(**merged(ON, {"duration": "20m", "dollar_token": {"redeemers_live": False}})))
    burned = desk_of(later).supply.burned
    later.run()
    assert desk_of(later).supply.burned == burned
    with pytest.raises(ScenarioError, match=r"dollar_token\.supply: cannot change at a fork: it acts at the start"):
        resume(snapshot, spec_of(**merged(ON, {"duration": "20m", "dollar_token": {"supply": "$9m"}})))


def test_a_market_without_the_coins_or_the_margin_says_so():
    with pytest.raises(ScenarioError, match=r"dollar_token\.share_here: asks for 47000 hedged coins here, and hedgers"):
        issuer_market({"dollar_token": {"supply": "$100m", "share_here": "100%"}})
    with pytest.raises(ScenarioError, match=r"dollar_token\.hedged_share: stables of \$\S+ do not cover the initial"):
        issuer_market({"dollar_token": {"hedged_share": "95%", "share_here": "70%"}})
    with pytest.raises(ScenarioError, match=r"dollar_token\.listing: an issuer needs a spot and a perp book"):
        issuer_market({"market": {"spot": False}, "arbitrage": {"enabled": False}})


def test_bad_settings_are_told_with_file_and_line(tmp_path):
    said = {
        "supply: $0": "7:3: dollar_token.supply: must be at least 1 USD, got 0 USD",
        "hedged_share: 47": "must be at most 1, got 47 (47 percent is written 47%)",
        "priced_in: usde": "7:3: dollar_token.priced_in: there are none: leave it out",
        "order_every: 2min": "7:3: dollar_token.order_every: must be at most every (60 s), got 120 s",
    }
    for line, sentence in said.items():
        path = tmp_path / "x.yaml"
        path.write_text(HEAD + f"dollar_token:\n  enabled: true\n  {line}\n")
        with pytest.raises(ScenarioError) as caught:
            load_spec(path)
        assert any(sentence in problem for problem in map(str, caught.value.problems)), caught.value.problems


def test_the_scenario_runs_short_from_python_and_from_the_command_line(tmp_path):
    run = sim.load("usde_run", duration="2h", shocks=[]).run(seed=1)
    ledger = run.ledgers["dollar_token"]
    assert ledger.what.tolist() == ["start"] and ledger.supply_usd.tolist() == [14.8e9]
    assert ledger.short_coins[0] == pytest.approx(0.47 * 0.35 * 14.8e9 / 116_720, rel=1e-6)
    words = ["run", "calm_btc", "--set", "dollar_token.enabled=true", "--set", "duration=5min", "--seeds", "1"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    assert list((tmp_path / "run").rglob("dollar_token.parquet"))
