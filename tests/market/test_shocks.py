"""Shocks, news and the recorder: they do what the settings say, in the units they say."""

import math
from typing import get_args

import numpy as np
import pytest

from sim.agents import FundDesk
from sim.errors import DataError
from sim.kernels.ledger import FLOW, FUND
from sim.news_path import path_ramps
from sim.schema import EVENT_FORCED, EVENT_SHOCK, EVENT_TAKEOVER
from sim.settings.news import NewsSettings
from sim.settings.shock import Shock
from sim.shocks import SHOCKS, FlowSeller
from tests.market.small import DROP, PASSIVE, SALE, market_of

QUIET_NEWS = {"news": {"noise_per_day": 0.0}}


def test_every_kind_of_shock_has_its_function():
    kinds = {get_args(shock.model_fields["kind"].annotation)[0] for shock in get_args(get_args(Shock)[0])}
    assert set(SHOCKS) == kinds


def test_a_sale_sells_its_value_and_no_more():
    market = market_of(shocks=[SALE | {"notional": "$200k"}], leveraged={"enabled": False})
    before = int(market.state.books.positions[0, FLOW])
    market.run_until(60.0)
    assert int(market.state.books.positions[0, FLOW]) == before
    market.run_until(150.0)
    assert (
        int(market.state.books.positions[0, FLOW]) == before - 20_000
    )  # 200,000 dollars at 1,000 a coin, 0.01 coin a lot
    events = market.collect().events
    assert (events["kind"] == EVENT_SHOCK).sum() >= 30
    assert -events["lots"][events["kind"] == EVENT_SHOCK].sum() >= 20_000


def test_a_purchase_on_spot_buys_coins():
    market = market_of(
        shocks=[SALE | {"side": "buy", "book": "spot", "notional": "$100k"}], leveraged={"enabled": False}
    )
    before = int(market.state.books.positions[1, FLOW])
    market.run_until(150.0)
    assert int(market.state.books.positions[1, FLOW]) == before + 10_000


def test_a_sale_lowers_the_price_and_the_makers_forget_it():
    plain, sold = market_of(leveraged={"enabled": False}), market_of(leveraged={"enabled": False}, shocks=[SALE])
    plain.run_until(95.0)
    sold.run_until(95.0)
    assert sold.view().mid() < 0.995 * plain.view().mid()
    belief = sold.state.firms["belief"][0] - plain.state.firms["belief"][0]
    assert belief == pytest.approx(-0.01 * 400 / 500, rel=0.1)  # 1% for each 500,000 dollars


def test_a_news_move_moves_the_value_by_what_it_says_and_the_price_follows():
    unskewed = {"skew_at_limit": 0.0}  # quotes go where the news goes, whatever the firms hold
    market = market_of(
        shocks=[DROP | {"move": "-2%"}], leveraged={"enabled": False}, market_maker=unskewed, **QUIET_NEWS
    )
    market.run_until(180.0)
    value = market.collect().series["value_usd"]
    assert value[60] == pytest.approx(1000.0)
    assert value[91] == pytest.approx(1000.0 * math.exp(0.5 * math.log(0.98)))
    assert value[-1] == pytest.approx(980.0)
    assert market.view().mid("spot") == pytest.approx(980.0, rel=0.004)
    assert market.view().mid("perp") == pytest.approx(980.0, rel=0.004)


def test_a_path_is_linear_in_log_between_its_points():
    points = [{"at": "10s", "move": "1%"}, {"at": "30s", "move": "-1%"}]
    market = market_of(news={"noise_per_day": 0.0, "path": points, "scale": 2.0}, leveraged={"enabled": False})
    market.run_until(60.0)
    value = market.collect().series["value_usd"]
    assert value[11] == pytest.approx(1000.0 * 1.01**2)  # the row at 11 s holds the value at the start of its tick
    assert value[21] == pytest.approx(1000.0 * math.exp(math.log(1.01) + math.log(0.99)))
    assert value[-1] == pytest.approx(1000.0 * 0.99**2)


def test_the_recorded_index_path_is_multiplied_by_beta():
    one = path_ramps(NewsSettings(path="qqq_2025_10_10", beta=1.0))
    two = path_ramps(NewsSettings(path="qqq_2025_10_10", beta=2.0))
    assert len(one) > 20
    assert np.allclose(2.0 * one["log_move"], two["log_move"])
    assert (one["start_us"] < one["end_us"]).all()
    assert -0.03 < one["log_move"].sum() < 0.0


def test_an_unknown_path_is_an_error_with_a_name():
    with pytest.raises(DataError, match="nowhere"):
        path_ramps(NewsSettings(path="nowhere"))


def test_records_add_up():
    """Rows are on time; their flows equal the books' volumes, their forced lots those of accounts and events."""
    market = market_of(shocks=[SALE, DROP], record_every="5s")
    market.run_until(240.0)
    arrays = market.collect()
    series, events = arrays.series, arrays.events
    assert (series["time_us"] == 5_000_000 * np.arange(49)).all()
    assert (arrays.bands["time_us"] == 10_000_000 * np.arange(25)).all()
    books = market.state.books.book
    for b, name in enumerate(("perp", "spot")):
        assert (
            series[f"{name}_taker_buy_lots"].sum() + series[f"{name}_taker_sell_lots"].sum() == books[b]["volume_lots"]
        )
    forced = events["kind"] == EVENT_FORCED
    assert series["forced_sell_lots"].sum() == -events["lots"][forced & (events["lots"] < 0)].sum() > 0
    assert series["forced_sell_lots"].sum() + series["forced_buy_lots"].sum() == arrays.accounts["forced_lots"].sum()
    assert series["n_liquidated"].sum() == (arrays.accounts["first_forced_us"] >= 0).sum()
    assert series["takeover_lots"].sum() == np.abs(events["lots"][events["kind"] == EVENT_TAKEOVER]).sum()
    assert (np.diff(events["time_us"]) >= 0).all()


def test_the_depth_profile_adds_up_to_the_bands_of_the_row():
    market = market_of()
    market.run_until(100.0)
    arrays = market.collect()
    row, bands = arrays.series[100], arrays.bands[10]
    assert row["time_us"] == bands["time_us"]
    edges_bp = [0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100]
    assert bands["lots"][: len(edges_bp)].sum() == row["bid_1pct_lots"]
    assert bands["lots"][30 : 30 + len(edges_bp)].sum() == row["ask_1pct_lots"]


def test_losses_fall_on_the_account_then_on_the_fund():
    """L7: who was taken over has nothing left, who closed alone owes nothing, and the fund's cash explains the rest."""
    market = market_of(shocks=[SALE, DROP | {"move": "-6%"}])
    market.audit = True
    fund = int(market.state.accounts[FUND]["cash_micro"])
    market.run_until(240.0)
    arrays = market.collect()
    taken, events = arrays.accounts["taken_lots"] != 0, arrays.events
    assert taken.sum() > 5
    assert (arrays.accounts["cash_micro"][taken] == 0).all()
    assert (arrays.accounts["end_lots"][taken] == 0).all()
    closed = (arrays.accounts["end_lots"] == 0) & ~taken
    assert (arrays.accounts["cash_micro"][closed] >= 0).all()
    received = int(events["cash_micro"][(events["kind"] == EVENT_FORCED) | (events["kind"] == EVENT_TAKEOVER)].sum())
    own_trades = int(market.state.accounts[FUND]["cash_micro"]) - fund - received
    sold = -int(events["lots"][(events["account"] == FUND)].sum())
    assert sold > 0
    assert own_trades > 0  # what it got for the lots it sold, less fees
    assert next(iter(market.agents_by_type[FundDesk])).equity_usd == pytest.approx(
        arrays.series["fund_micro"][-1] / 1e6
    )


def test_a_liquidation_leaves_the_free_cash_of_isolated_accounts_alone():
    market = market_of(shocks=[DROP | {"move": "-6%"}], leveraged=PASSIVE)
    market.audit = True
    before = market.state.accounts["free_micro"].copy()
    market.run_until(240.0)
    accounts = market.state.accounts
    taken = (accounts["taken_lots"] != 0) & (accounts["isolated"] == 1)
    assert taken.sum() > 3 and (before[taken] > 0).any()
    assert (accounts["free_micro"] == before).all()


def test_recorded_open_interest_is_the_sum_of_longs_while_accounts_are_forced_out():
    market = market_of(shocks=[DROP])
    seen = set()
    for seconds in range(30, 600, 30):
        market.run_until(float(seconds))
        positions = market.state.books.positions[0]
        recorded = int(market.collect().series["open_interest_lots"][-1])
        assert recorded == int(positions[positions > 0].sum())
        seen.add(recorded)
    assert market.collect().series["n_liquidated"].sum() > 0
    assert len(seen) > 1


def test_a_long_sale_costs_each_slice_the_same():
    """A slow bleed of many slices looks only at those still on their way, and still sells all it was told to."""
    market = market_of(shocks=[{**SALE, "at": "10s", "over": "500s", "notional": "$50k"}])
    (seller,) = market.agents_by_type[FlowSeller]
    most = 0
    while market.time < 520.0:
        market.run_for(20.0)
        most = max(most, len(seller.waiting))
    assert most <= 1
    assert seller.filled_lots == seller.lots > 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_spot_shock_in_a_market_without_volume_is_paid_for(side):
    """Background accounts are funded for the scenario's own shocks: nobody ends up owing coins."""
    quiet = {"perp_daily_volume": "$0", "spot_daily_volume": "$0"}
    shocks = [{**SALE, "book": "spot", "side": side, "notional": "$3m", "over": "120s"}, DROP | {"move": "5%"}]
    market = market_of(market=quiet, shocks=shocks)
    market.audit = True
    market.run_until(300.0)
    assert market.collect().series["n_fills"].sum() > 100


def test_makers_who_carry_a_shock_between_the_books_owe_no_coins():
    both = [
        {**SALE, "book": "spot", "side": "buy", "notional": "$100m", "over": "400s"},
        {**SALE, "notional": "$100m", "over": "400s"},
    ]
    market = market_of(shocks=both, leveraged={"enabled": False})
    market.audit = True
    market.run_until(480.0)
    assert market.collect().series["spot_taker_buy_lots"].sum() > 0


@pytest.mark.parametrize(("move", "forced"), [("-8%", "forced_sell_lots"), ("12%", "forced_buy_lots")])
def test_the_recorded_open_interest_is_the_sum_of_the_longs_after_every_row(move, forced):
    """The engine keeps the sum of the longs it watches; a full count agrees after forced orders and takeovers."""
    market = market_of(shocks=[{**DROP, "over": "1s", "move": move}])
    for second in range(1, 200):
        market.run_until(float(second))
        row = market.state.rows[int(market.state.clock[0]["n_rows"]) - 1]
        assert row["open_interest_lots"] == np.maximum(market.state.books.positions[0], 0).sum()
    series = market.collect().series
    assert series[forced].sum() > 0 and series["takeover_lots"].sum() > 0
