"""The listings of a finished network as the metrics over several markets take them."""

import numpy as np

from sim import runner
from sim.metrics import cross
from sim.network.build import next_same
from sim.results.listed import listed
from sim.targets import targets
from tests.network.small import PERP_ONLY, SMALL, SPOT_ONLY, spec_of


def test_a_network_run_is_measured_by_asset_exchange_and_book(tmp_path):
    spec_of(
        tmp_path,
        {
            "one": {"asset": "btc", "exchange": "cex_a"},
            "two": {"asset": "thin", "exchange": "cex_us", **SPOT_ONLY},
            "three": {"asset": "thin", "exchange": "dex_a", **PERP_ONLY},
        },
        duration="2min",
    )
    run = runner.load(str(tmp_path / "small.yaml")).run(seed=1)
    listings = listed(run)
    assert [(one.asset, one.venue, one.books) for one in listings.values()] == [
        ("btc", "cex_a", ("perp", "spot")),
        ("thin", "cex_us", ("spot",)),
        ("thin", "dex_a", ("perp",)),
    ]
    assert listings["two"].series is run.listings["two"].series
    for row in targets():
        cross.measure(row, listings)  # two minutes answer nothing, and refuse nothing


def test_a_run_of_one_market_has_no_listings(tmp_path):
    spec_of(tmp_path, {}, duration="1min")
    assert listed(runner.load(str(tmp_path / "small.yaml")).run(seed=1)) == {}


def test_an_inverse_contract_is_a_venue_of_its_own(tmp_path, monkeypatch):
    """cex_a_coin whether the exchange is called cex_a, its profile being inverse, or cex_a_coin."""
    from sim.results import listed as module

    spec_of(
        tmp_path,
        {"a": {"asset": "btc", "exchange": "cex_a"}, "b": {"asset": "btc", "exchange": "cex_a_coin"}},
        duration="1min",
    )
    run = runner.load(str(tmp_path / "small.yaml")).run(seed=1)
    inverse = module.load_profile(SMALL.get("venue", "cex_a")).model_copy(update={"contract": "inverse"})
    monkeypatch.setattr(module, "load_profile", lambda name: inverse)
    assert [one.venue for one in listed(run).values()] == ["cex_a_coin", "cex_a_coin"]


def test_listings_of_one_asset_name_the_next():
    assert next_same(np.array([0, 1, 0, 2, 1, 0])).tolist() == [3, 5, 6, 0, 0, 0]
