"""What assumptions measure, on small markets, against the recorded run or a computation of its own."""

import numpy as np
import pytest

from sim.experiments import looks
from sim.experiments.assumed import assumed
from sim.experiments.cases import folder_of
from sim.experiments.check import sweep_of, with_sale
from sim.experiments.live_looks import depth_usd, leverage_of_accounts
from sim.kernels.ledger import FLOW, HEDGERS
from sim.recorder import live_lots
from sim.runner import Scenario, load
from sim.scenario.spec import Spec
from sim.scenario.write import spec_as_read
from sim.thresholds import tier_table
from sim.venues.profile import load_profile
from tests.reference_market import rules

SMALL = {"duration": "4min", "leveraged.accounts": 500, "news.noise_per_day": 0.2}
MOVE = {"kind": "news_move", "at": "60s", "over": "30s", "move": "-3%"}
SALE = {"kind": "exit_cost", "side": "sell", "notional": 2e7, "at": 60.0, "over": 60.0, "book": "perp"}


def market(**more: object) -> Scenario:
    return load("calm_btc", set={**SMALL, "shocks": [MOVE], **more})


def looked(scenario: Scenario, *wanted: dict, seed: int = 1) -> tuple[object, list[float]]:
    """The run, and the number of each look that has one column."""
    named = [{**look, "key": looks.key_of(look)} for look in wanted]
    run, found = looks.make(scenario, seed, {"kind": "assumptions", "looks": named})
    assert set(found) == set(looks.columns({"looks": named}))
    return run, [found[look["key"]] for look in named]


def test_looking_changes_no_result():
    scenario = market()
    wanted = [
        {"kind": "depth", "book": "spot", "side": "asks", "within": 0.02, "at": 33.3, "over": 100.0},
        {"kind": "adl", "side": "short", "leverage_from": 0.0, "leverage_to": 50.0, "at": 10.0, "over": None},
    ]
    run, _ = looked(scenario, *wanted)
    assert run.hashes == scenario.run(1).hashes


@pytest.mark.parametrize("side", ["bids", "asks"])
@pytest.mark.parametrize("within", [0.01, 0.03, 0.05])
def test_depth_is_the_recorded_one(side, within):
    """Least of the recorded depth at the same times, in each band that the recorder has."""
    run, (least,) = looked(
        market(), {"kind": "depth", "book": "perp", "side": side, "within": within, "at": 60.0, "over": 120.0}
    )
    column = f"depth_{'bid' if side == 'bids' else 'ask'}_{within * 100:.0f}pct_usd"
    at = run.series["elapsed_s"].isin(np.arange(60.0, 181.0, 10.0))
    assert least == pytest.approx(run.series.loc[at, column].min(), rel=1e-12)


@pytest.mark.parametrize("book", ["perp", "spot"])
@pytest.mark.parametrize("within", [0.02, 0.1, 0.35])
def test_depth_is_that_of_the_orders(book, within):
    """Order by order, by their tickets; at 35 % orders outside the ladder's window are among them."""
    live = market().market(1)
    live.run_until(50.0)
    state, first = live.state, 0 if book == "perp" else 2
    lots, price = live_lots(state.books, state.tickets["handle"]), state.tickets["price_ticks"]
    slots = state.tickets["handle"] & 0xFFFFFFFF
    rows = state.books.pool["meta"][slots] >> 2
    middle = 0.5 * (int(state.books.sides["best"][first + 1]) - int(state.books.sides["best"][first]))
    inside = {"bids": price >= middle * (1.0 - within), "asks": price <= middle * (1.0 + within)}
    for k, (side, near) in enumerate(inside.items()):
        held = int(lots[(rows == first + k) & near].sum()) * live.lot_coin * middle * live.tick_usd
        assert depth_usd(live, book, side, within) == pytest.approx(held, rel=1e-12)
    assert int(state.books.sides["n_far"][first]) > 0


def test_a_spell_of_the_price():
    look = {"kind": "recovery", "of": "price", "book": "perp", "side": "bids", "within": 0.01, "to": 0.99, "hold": 5.0}
    run, (spell,) = looked(market(), {**look, "at": 60.0, "over": None})
    assert np.isnan(spell)  # the news stays where it is, so does the price
    up = [MOVE, {**MOVE, "at": "120s", "move": "6%"}]
    run, (spell,) = looked(market(shocks=up), {**look, "at": 60.0, "over": None})
    time_s, mark = run.series["elapsed_s"].to_numpy(), run.series["mark_usd"].to_numpy()
    level = 0.99 * mark[(time_s > 0.0) & (time_s <= 60.0)].mean()
    below = time_s[(time_s >= 60.0) & (mark < level)]
    assert below.size and spell == below[-1] + 1.0 - below[0]


def test_a_spell_of_the_depth():
    withdrawn = {"kind": "depth_withdrawal", "at": "60s", "over": "60s", "left": "5%"}
    look = {"kind": "recovery", "of": "depth", "book": "perp", "side": "bids", "within": 0.01, "to": 0.6, "hold": 0.0}
    run, (spell,) = looked(market(shocks=[withdrawn]), {**look, "at": 60.0, "over": None})
    column, time_s = run.series["depth_bid_1pct_usd"].to_numpy(), run.series["elapsed_s"].to_numpy()
    seen = np.isin(time_s, np.arange(10.0, 241.0, 10.0))
    level = 0.6 * column[seen & (time_s <= 60.0)].mean()
    below = time_s[seen & (time_s >= 60.0) & (column < level)]
    assert below.size and spell == pytest.approx(below[-1] + 10.0 - below[0])


def test_liquidation_and_margin_follow_the_engine_s_rules():
    """The position is liquidated in the look exactly where the slow twin of the engine's rule says so."""
    scenario = market()
    venue = load_profile("cex_a")
    tiers = [
        (None if t.up_to is None else round(t.up_to * 1e6), round(t.maintenance * 1e6)) for t in venue.margin_tiers
    ]
    unit = venue.perp.micro_per_tick_lot
    outcomes = set()
    for leverage in (10.0, 30.0, 40.0, 60.0, 100.0):
        for side in ("long", "short"):
            look = {
                "kind": "liquidation",
                "side": side,
                "leverage": leverage,
                "notional": 4e4,
                "liquidation_price": None,
            }
            run, (room,) = looked(scenario, {**look, "at": 0.0, "over": None})
            halves = np.rint(run.series["mark_usd"].to_numpy() / (0.5 * venue.perp.tick_usd)).astype(int)
            lots = int(4e4 / (halves[0] * 0.5 * venue.perp.tick_usd * venue.perp.lot_coin))
            signed = lots if side == "long" else -lots
            margin = round(lots * halves[0] * unit / 2 / leverage)
            cash = margin - signed * int(halves[0]) * unit // 2
            touched = any(rules.is_liquidatable(cash, signed, int(h), unit, tiers) for h in halves)
            assert (room < 0.0) == touched
            outcomes.add(touched)
    assert outcomes == {True, False}


@pytest.mark.parametrize("book", ["perp", "spot"])
def test_a_sale_s_price_is_that_of_its_fills(book):
    """The venue's own sum of the fills: taker fees, 5 bp of each fill's value, rounded up by a micro-dollar at most."""
    scenario = market(shocks=[])
    look = {**SALE, "book": book}
    look["key"] = looks.key_of(look)
    sold = Scenario(Spec.model_validate({**spec_as_read(scenario.spec), **with_sale(scenario.spec, look)}))
    run, found = looks.make(sold, 1, {"kind": "assumptions", "looks": [look]})
    live = sold.market(1)
    before = int(live.state.books.positions[0 if book == "perp" else 1, int(FLOW)])
    live.run_until(sold.spec.duration)
    lots = before - int(live.state.books.positions[0 if book == "perp" else 1, int(FLOW)])
    fees = int(live.state.accounts["fees_paid_micro"][int(FLOW)])
    unit = int(live.state.rules[0]["micro_per_tick_lot"])
    by_fees = fees / 0.0005 / (lots * unit) * live.tick_usd
    assert found[f"{look['key']}_sale_usd"] == pytest.approx(by_fees, rel=1e-6)
    assert found[f"{look['key']}_filled"] == 1.0
    during = run.series[(run.series["elapsed_s"] > 60.0) & (run.series["elapsed_s"] <= 120.0)]
    assert during[f"{book}_bid_usd"].min() * 0.999 < by_fees < during[f"{book}_ask_usd"].max()


def test_a_sale_keeps_the_shocks_that_begin_before_its_end_and_runs_to_their_end():
    later = [MOVE, {**MOVE, "at": "110s", "over": "40s"}, {**MOVE, "at": "130s"}]
    look = {**SALE, "key": "x"}
    changed = with_sale(market(shocks=later).spec, look)
    assert [shock["at"] for shock in changed["shocks"]] == ["60s", "110s", "60s"]
    assert changed["duration"] == "150.0s" and changed["shocks"][-1] == looks.sale_shock(look)


def test_a_sale_changes_nothing_before_it_and_its_cut_changes_no_price():
    scenario = market()
    look = {**SALE, "key": looks.key_of(SALE)}
    resolved = spec_as_read(scenario.spec)
    cut = Scenario(Spec.model_validate({**resolved, **with_sale(scenario.spec, look)}))
    whole = {**with_sale(scenario.spec, look), "duration": "240s"}
    uncut = Scenario(Spec.model_validate({**resolved, **whole}))
    assert cut.spec.duration == 121.0
    argument = {"kind": "assumptions", "looks": [look]}
    (short, a), (long_, b) = looks.make(cut, 2, argument), looks.make(uncut, 2, argument)
    base, c = looks.make(scenario, 2, argument)
    key = look["key"]
    assert a[f"{key}_sale_usd"] == b[f"{key}_sale_usd"] and np.isnan(c[f"{key}_sale_usd"])
    assert short.series.equals(long_.series.iloc[: len(short.series)])
    assert short.series.iloc[:60].equals(base.series.iloc[:60])
    mid = base.series["perp_mid_usd"].to_numpy()[60:120]
    assert (c[f"{key}_twin_usd"], c[f"{key}_arrival_usd"]) == (pytest.approx(mid.mean(), rel=1e-14), mid[0])
    assert 0.0 < 1.0 - a[f"{key}_sale_usd"] / c[f"{key}_twin_usd"] < 0.05


def test_funding_in_the_middle_of_a_sale_is_no_part_of_its_price():
    """At midnight everybody pays or receives; the price of the perp sale is its fills' alone."""
    base = {**SMALL, "start_utc": "2025-10-10T23:58:00Z", "shocks": [], "clearing.funding": True}
    off = load("calm_btc", set={**base, "clearing.funding": False})
    on = load("calm_btc", set=base)
    look = {**SALE, "at": 100.0, "over": 40.0}
    look["key"] = looks.key_of(look)
    prices, settled = [], []
    for scenario in (on, off):
        sold = Scenario(Spec.model_validate({**spec_as_read(scenario.spec), **with_sale(scenario.spec, look)}))
        run, found = looks.make(sold, 1, {"kind": "assumptions", "looks": [look]})
        prices.append(found[f"{look['key']}_sale_usd"])
        settled.append(int((run.events["kind"] == "funding").sum()))
    assert settled == [1, 0] and prices[0] == pytest.approx(prices[1], rel=2e-6)


def test_deleveraging_counts_the_coins_that_the_venue_closed():
    """A market without a fund: what its own accounts lost by deleveraging, by hand from the table of accounts."""
    fall = [{**MOVE, "move": "-9%", "over": "60s"}]
    scenario = market(shocks=fall, **{"clearing.fund_scale": 0.0, "duration": "6min"})
    wanted = {"kind": "adl", "side": "short", "leverage_from": 0.0, "leverage_to": 1e3, "at": 0.0, "over": None}
    run, (share,) = looked(scenario, wanted)
    live = scenario.market(1)
    lots, leverage = leverage_of_accounts(live)
    held = -lots[(lots < 0) & np.isfinite(leverage)].sum()
    assert run.series["adl_btc"].sum() > 0.0
    assert share == pytest.approx(run.series["adl_btc"].sum() / (held * live.lot_coin), rel=1e-9)
    assert 0.0 < share < 1.0
    none = {**wanted, "leverage_from": 900.0}
    assert np.isnan(looked(scenario, none)[1][0])


def test_leverage_of_accounts_by_hand():
    """Hedgers: a short and as many coins, which count; traders under the engine's watch: money alone."""
    live = market().market(1)
    lots, leverage = leverage_of_accounts(live)
    accounts, mark = live.state.accounts, int(live.state.price[0]["mark_half_ticks"])
    unit = int(live.state.rules[0]["micro_per_tick_lot"])
    for owner in (int(HEDGERS), len(accounts) - 1):
        coins = 0 if accounts["leveraged"][owner] else int(live.state.books.positions[1, owner])
        equity = int(accounts["cash_micro"][owner]) + (int(lots[owner]) + coins) * mark * unit / 2
        assert leverage[owner] == pytest.approx(abs(int(lots[owner])) * mark * unit / 2 / equity, rel=1e-12)
    assert lots[int(HEDGERS)] < 0 and leverage[int(HEDGERS)] == pytest.approx(1.0, rel=0.01)


def test_a_run_that_lost_the_news_is_read_up_to_there():
    scenario = market(
        shocks=[{**MOVE, "move": "-15%", "over": "60s"}], **{"duration": "6min", "leveraged.enabled": False}
    )
    look = {"kind": "liquidation", "side": "long", "leverage": 2.0, "notional": 1e4, "liquidation_price": None}
    named = [{**look, "at": 0.0, "over": None}]
    named[0]["key"] = looks.key_of(named[0])
    run, found = looks.make(scenario, 1, {"kind": "assumptions", "looks": named})
    left = found["news_left_s"]
    assert 60.0 < left < 360.0
    mark = run.series["mark_usd"].to_numpy()[run.series["elapsed_s"].to_numpy() <= left]
    tiers = tier_table(load_profile("cex_a").margin_tiers)
    from sim.metrics.position import LONG, Held, least_room, liquidation_usd

    price = liquidation_usd(Held(LONG, 1e4, 2.0), float(mark[0]), tiers)
    assert found[named[0]["key"]] == least_room(LONG, price, mark)


def test_the_sweep_is_named_by_what_is_measured(tmp_path):
    text = (
        "extends: calm_btc\nname: mine\nduration: 4min\nassumptions:\n  tests:\n"
        "  - {name: a, kind: fund, at_least: 90%}\n  - {name: b, kind: bad_debt, at_most: $1m}\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    changed = (
        text.replace("90%", "50%")
        .replace("tests:", "confidence: 90%\n  seeds: 7\n  tests:")
        .replace("name: a", "name: z")
    )
    (tmp_path / "b.yaml").write_text(changed)
    (tmp_path / "c.yaml").write_text(text.replace("kind: fund", "kind: fund, at: 1min"))
    from datetime import date

    ids = []
    for name in "abc":
        scenario = load(tmp_path / f"{name}.yaml")
        ids.append(folder_of(tmp_path, sweep_of(scenario, assumed(scenario.spec, date(2025, 10, 11)))[0]))
    assert ids[0] == ids[1] != ids[2]
