"""Who took: the classes add up to the tape in whole lots, and each class holds what its own record says."""

import numpy as np
import pytest

from sim.attribution import flow as flows
from sim.attribution.flow import CLASSES, SIDES, flow_by_class, flow_frame
from sim.errors import ResultError
from sim.report.taker_flow import COLORS, flow_figure
from sim.runner import Scenario, load
from tests.attribution.made import written
from tests.network.small import spec_of


@pytest.fixture(scope="module")
def falling(tmp_path_factory):
    return load(str(written(tmp_path_factory.mktemp("flow"), trend={"enabled": True})))


@pytest.fixture(scope="module")
def flow(falling):
    (one,) = flow_by_class(falling, 1)
    return one


def test_the_classes_add_up_to_the_tape_in_whole_lots(falling, flow):
    run = falling.run(1)
    assert flow.lots.dtype == np.int64 and (flow.lots.sum(axis=1) == flow.tape).all() and flow.tape.min() >= 0
    for k, column in enumerate(
        ("perp_taker_buy_btc", "perp_taker_sell_btc", "spot_taker_buy_btc", "spot_taker_sell_btc")
    ):
        lots = np.rint(run.series[column].to_numpy() / run.constants["lot_coin"]).astype(np.int64)
        minute = np.maximum(np.ceil(run.series["elapsed_s"].to_numpy() / 60.0).astype(int) - 1, 0)
        assert (flow.tape[:, k] == np.bincount(minute, weights=lots, minlength=4)).all()
    assert flow.end_s.tolist() == [60.0, 120.0, 180.0, 240.0]
    assert flow.mark_usd.tolist() == run.series["mark_usd"].to_numpy()[[60, 120, 180, 240]].tolist()


def test_no_class_trades_less_than_nothing_and_those_that_must_trade_do(flow):
    assert flow.lots.min() >= 0
    total = dict(zip(CLASSES, flow.lots.sum(axis=(0, 2)), strict=True))
    assert all(total[name] > 0 for name in ("background", "liquidations", "leveraged", "arbitrage"))
    assert total["hedgers"] == total["agents"] == total["etf"] == 0
    forced = flow.lots[:, CLASSES.index("liquidations")]
    assert forced[:, SIDES.index("perp_sell")].sum() > 0 and not forced[:, 2:].any()


def test_a_sale_from_outside_is_the_crowds(tmp_path):
    """A flow shock on the spot book: so many lots more that background accounts sold, and nobody else by it alone."""
    quiet = {"shocks": [], "leveraged": {"enabled": False}, "arbitrage": {"enabled": False}, "duration": "2min"}
    sale = {"kind": "flow", "at": "60s", "over": "30s", "side": "sell", "book": "spot", "notional": "$50000"}
    without, with_sale = (
        flow_by_class(load(str(written(tmp_path, **(quiet | more)))), 1)[0] for more in ({}, {"shocks": [sale]})
    )
    k, side = CLASSES.index("background"), SIDES.index("spot_sell")
    more = with_sale.lots[1, k, side] - without.lots[1, k, side]
    assert more == pytest.approx(0.5 / without.lot_coin, rel=0.05)
    assert (with_sale.lots[0] == without.lots[0]).all()


def test_longer_intervals_hold_the_same_lots(falling, flow):
    (two,) = flow_by_class(falling, 1, 120.0)
    assert (two.lots == flow.lots.reshape(2, 2, *flow.lots.shape[1:]).sum(axis=1)).all()


def test_what_does_not_add_up_is_refused(falling, monkeypatch):
    """The check can fail: lots that are counted to nobody."""
    real = flows._counts

    def short(live, k):
        out = real(live, k)
        out[0, 0] -= int(live.time > 100.0)
        return out

    monkeypatch.setattr(flows, "_counts", short)
    with pytest.raises(ResultError, match="do not add up to the tape"):
        flow_by_class(falling, 1)


def test_funds_and_companies_are_classes_of_their_own(tmp_path):
    on = {"etf": {"enabled": True}, "dat": {"enabled": True}, "leveraged": {"accounts": 100}, "duration": "2min"}
    live = load(str(written(tmp_path, shocks=[], attribution={"at": "10s"}, **on))).live(1)
    live.run_until(60.0)
    classes = flows.classes_of(live)
    for desk in live.institutions:
        assert (classes[desk.owners()] == CLASSES.index(desk.NAME)).all() and len(desk.owners())
    assert (classes[live.state.engine[0]["first_watched"] :][:100] == CLASSES.index("leveraged")).all()


def test_networks_add_up_in_every_listing(tmp_path):
    listings = {"a": {"asset": "btc", "exchange": "cex_a"}, "b": {"asset": "btc", "exchange": "cex_b"}}
    fall = [{"kind": "news_move", "at": "30s", "over": "30s", "move": "-4%"}]
    joint = {"portfolios": {"cex_a": {"accounts": 40, "interest_share": "30%"}}}
    scenario = Scenario(spec_of(tmp_path, listings, joint, duration="2min", shocks=fall))
    found = flow_by_class(scenario, 1)
    run = scenario.run(1)
    assert [flow.listing for flow in found] == ["a", "b"]
    for flow in found:
        assert (flow.lots.sum(axis=1) == flow.tape).all() and flow.lots.min() >= 0
        sold = run.listings[flow.listing].series["perp_taker_sell_btc"].to_numpy().sum()
        assert flow.tape[:, 1].sum() == round(sold / flow.lot_coin) > 0
    assert found[0].lots[:, CLASSES.index("bridge")].sum() > 0


def test_table_and_figure(falling, flow):
    frame = flow_frame([flow])
    assert list(frame.columns) == list(flows.COLUMNS) and set(COLORS) == set(CLASSES)
    total = frame.groupby("elapsed_s")[[f"{side}_lots" for side in SIDES]].sum()
    assert (total.to_numpy() == flow.tape).all()
    figure = flow_figure(falling.spec, flow, "0123456789ab", 1, 0.0, 240.0)
    assert figure.axes[0].get_ylabel().endswith("coins a minute")
