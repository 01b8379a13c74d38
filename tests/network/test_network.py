"""Listings that run together: alone they are the market that they were, coupled they conserve, and time may be cut."""

from pathlib import Path

import numpy as np
import pytest

from sim.build import build
from sim.errors import ScenarioError
from sim.network import build_network
from sim.scenario.load import load_spec
from tests.network.small import PERP_ONLY, SMALL, SPOT_ONLY, spec_of

BTC = {"asset": "btc", "exchange": "one"}
OTHER = {"asset": "btc", "exchange": "two"}
ETH = {"asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"}}
NOBODY = {"bridge": {"enabled": False}}


def alone(folder: Path) -> str:
    import yaml

    file = folder / "alone.yaml"
    file.write_text(yaml.safe_dump(SMALL))
    market = build(load_spec(file), 7)
    market.run()
    return market.collect().series.tobytes().hex()


def series(network, name: str = "a") -> str:
    return network.markets[name].collect().series.tobytes().hex()


def test_one_listing_without_bridge_firms_is_the_market_alone(tmp_path):
    network = build_network(spec_of(tmp_path, {"a": BTC}, NOBODY), 7)
    network.run_until(600)
    assert series(network) == alone(tmp_path)


def test_listings_that_nothing_ties_together_do_not_know_of_one_another(tmp_path):
    network = build_network(
        spec_of(tmp_path, {"a": BTC, "b": ETH}, {**NOBODY, "exchanges": {"one": {"shared_fund": False}}}), 7
    )
    network.run_until(600)
    assert series(network) == alone(tmp_path)


def test_the_cut_of_time_changes_nothing(tmp_path):
    spec = spec_of(tmp_path, {"a": BTC, "b": OTHER, "c": ETH})
    whole, cut = build_network(spec, 3), build_network(spec, 3)
    whole.run_until(300)
    for end in (0.4, 7, 7.5, 100, 300):
        cut.run_until(end)
    assert whole.state_hashes() == cut.state_hashes()


def test_laws_hold_with_bridges_transfers_and_halts(tmp_path):
    network = {
        "bridge": {
            "transfer_low": "20s",
            "transfer_high": "40s",
            "halts": [{"at": "2min", "over": "2min", "exchange": "two"}],
        },
        "assets": {"eth": {"beta": 1.4, "own_noise_per_day": "3%"}},
    }
    listings = {"a": BTC, "b": {**OTHER, **PERP_ONLY}, "c": ETH, "d": {**BTC, "exchange": "three", **SPOT_ONLY}}
    running = build_network(
        spec_of(
            tmp_path,
            listings,
            network,
            shocks=[{"kind": "flow", "at": "1min", "over": "30s", "notional": "$300m", "side": "sell"}],
        ),
        5,
    )
    running.audit = True
    running.run_until(600)
    assert int(running.couplings.desk[0]["sent"]) > 0
    assert running.couplings.wallets.seats["on_way"].sum() >= 0


def test_bridge_firms_tie_prices_together(tmp_path):
    shock = [{"kind": "flow", "at": "1min", "over": "60s", "notional": "$400m", "side": "sell"}]
    gaps = {}
    for name, bridge in (("with", {}), ("without", {"enabled": False})):
        network = build_network(spec_of(tmp_path, {"a": BTC, "b": OTHER}, {"bridge": bridge}, shocks=shock), 5)
        network.run_until(180)
        marks = [network.markets[key].collect().series["mark_usd"] for key in "ab"]
        gaps[name] = float(np.abs(marks[0] / marks[1] - 1.0).max())
    assert gaps["with"] < 0.5 * gaps["without"]


def test_the_first_listing_is_the_scenario_itself(tmp_path):
    with pytest.raises(ScenarioError, match=r"small.yaml:\d+:\d+: listings.a.market: the first listing is"):
        spec_of(tmp_path, {"a": {**BTC, "market": {"price": "$100k"}}})


def test_a_wrong_change_is_named_at_its_line(tmp_path):
    with pytest.raises(ScenarioError, match=r"small.yaml:\d+:\d+: listings.b.market.prize: unknown key 'prize'"):
        spec_of(tmp_path, {"a": BTC, "b": {**OTHER, "market": {"prize": "$100k"}}})


def test_an_asset_without_a_spot_book_has_no_index(tmp_path):
    spec = spec_of(tmp_path, {"a": BTC, "b": {**ETH, **PERP_ONLY, "market": {"price": "$4100", "spot": False}}})
    with pytest.raises(ScenarioError, match="nothing weighs in its index"):
        build_network(spec, 1)


def test_two_moneys_need_a_rate(tmp_path):
    spec = spec_of(tmp_path, {"a": BTC, "b": {**OTHER, "quote": "usd"}})
    with pytest.raises(ScenarioError, match="list usd with quote: usdt|nothing says what one is worth"):
        build_network(spec, 1)


def test_a_market_alone_needs_its_spot_book(tmp_path):
    with pytest.raises(ScenarioError, match="market.spot: a market of its own needs a spot book"):
        spec_of(tmp_path, {}, market={"spot": False})


def test_a_cascade_is_judged_by_the_first_listing_and_its_base_run_moves_nobody(tmp_path):
    from sim.experiments.base_run import base_changes, lead_marks
    from sim.experiments.plan import changed
    from sim.scenario.spec import Spec

    shock = [{"kind": "news_move", "at": "30s", "over": "60s", "move": "-9%"}]
    spec = spec_of(tmp_path, {"a": BTC, "b": ETH}, {"portfolios": {"one": {"accounts": 200}}}, shocks=shock)
    base = Spec.model_validate(changed(spec.model_dump(mode="json"), base_changes(spec)))
    network = build_network(base, 3)
    network.run_until(600)
    forced = sum(int(m.collect().series["forced_sell_lots"].sum()) for m in network.markets.values())
    assert forced == 0
    assert (lead_marks(base, 3) == network.lead.collect().series["mark_usd"]).all()


def test_a_listing_may_have_shocks_of_its_own(tmp_path):
    outage = {"shocks": [{"kind": "halt", "at": "1min", "over": "2min"}]}
    spec = spec_of(tmp_path, {"a": BTC, "b": {**OTHER, **outage}})
    network = build_network(spec, 3)
    network.run_until(300)
    traded = {name: network.markets[name].collect().series["perp_taker_buy_lots"][62:179].sum() for name in "ab"}
    assert traded["b"] == 0 < traded["a"]
    with pytest.raises(ScenarioError, match=r"small.yaml:\d+:\d+: listings.b.shocks.0.kind"):
        spec_of(tmp_path, {"a": BTC, "b": {**OTHER, "shocks": [{"kind": "hold", "at": "1min"}]}})
