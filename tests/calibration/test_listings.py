"""The replay over exchanges and assets is what its rules make of the known numbers."""

from pathlib import Path

from calibration import listings
from sim.scenario.listings import listing_specs
from sim.scenario.load import load_spec

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def test_the_file_is_current():
    assert listings.FILE.read_text(encoding="utf-8") == listings.text()


def test_open_interest_of_the_exchanges_is_that_of_the_sources():
    """130,000 BTC on cex_a with its coin-margined book [P3]; 13.8bn on dex_a, a third beyond these five [P4]."""
    specs = listing_specs(load_spec("flash_10_11"))
    coins = sum(specs[name].market.open_interest for name in ("btc_cex_a", "btc_cex_a_coin"))
    assert abs(coins / 130_000 - 1.0) < 0.001
    worth = sum(s.market.open_interest * s.market.price for name, s in specs.items() if name.endswith("dex_a"))
    assert abs(worth / 9.4e9 - 1.0) < 0.03


def test_a_counterfactual_changes_what_it_says_and_nothing_else():
    whole = listing_specs(load_spec("flash_10_11"))
    morning = listing_specs(load_spec("flash_10_11_morning_depth"))
    for name, spec in morning.items():
        assert spec.market.bid_depth_share == spec.market.ask_depth_share == 1.0
        same = spec.model_copy(update={"name": "x", "title": "x", "description": "", "market": whole[name].market})
        assert same == whole[name].model_copy(update={"name": "x", "title": "x", "description": ""})


def test_there_are_a_hundred_thousand_accounts():
    from sim.network import build_network

    network = build_network(load_spec("flash_10_11"), 1)
    n = sum(int((market.state.accounts["start_lots"] != 0).sum()) for market in network.markets.values())
    assert n >= 100_000
