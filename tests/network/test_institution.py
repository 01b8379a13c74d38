"""Institutions of a network: they sit in one listing, after everybody's accounts, and the whole stays conserved."""

import json

import pytest

from sim import market as markets
from sim.errors import ScenarioError
from sim.network import build_network
from sim.network.saved import resume, take
from sim.results import Origin, Timing
from sim.runner import Scenario, finished
from sim.scenario.listings import listing_specs
from tests.market.test_institution import Probe
from tests.network.small import PERP_ONLY, spec_of

LISTINGS = {
    "btc_a": {"asset": "btc", "exchange": "a", "quote": "usdt"},
    "btc_b": {"asset": "btc", "exchange": "b", "quote": "usdt", **PERP_ONLY},
}
LENGTH_S = 160.0


class Here(Probe):
    """Sits in the first listing alone."""

    @classmethod
    def is_in(cls, spec):
        return spec.name == "btc_a"


def made(tmp_path):
    network = build_network(spec_of(tmp_path, LISTINGS, {"bridge": {"enabled": True}}), 1)
    network.audit = True  # totals of the whole and of each listing, every tick
    return network


def test_x11_it_trades_is_saved_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(markets, "INSTITUTIONS", (Here,))
    unbroken, network = made(tmp_path), made(tmp_path)
    market = network.markets["btc_a"]
    (desk,) = market.institutions
    assert network.markets["btc_b"].institutions == []
    first = len(market.state.accounts) - int(market.state.clock[0]["n_guests"])
    assert (
        sorted(row.owner for row in desk.accounts.values())
        == [first, first + 1]
        == list(range(first, len(market.state.accounts)))
    )
    unbroken.run_until(LENGTH_S)
    network.run_until(70.0)
    kept = take(network)
    parts = json.loads(json.dumps(kept.parts()[0])), kept.parts()[1]
    again = resume(type(kept).of_parts(*parts, kept.spec))
    again.run_until(LENGTH_S)
    assert again.state_hashes() == unbroken.state_hashes() and again.ledgers() == unbroken.ledgers()
    assert again.ledgers()["btc_a"]["probe"] and desk.accounts["vault"].coin_lots < 40_000
    for account in again.markets["btc_a"].institutions[0].accounts.values():
        assert again.markets["btc_a"].institutions[0].drift(account)[1:] == (0, 0)
    run = finished(unbroken, Timing(0.0, 0.0, "", ""), Origin(Scenario(unbroken.spec).resolved))
    assert len(run.ledgers["probe"]) == len(again.ledgers()["btc_a"]["probe"])
    assert run.listings["btc_a"].ledgers["probe"].equals(run.ledgers["probe"])


def test_a_group_of_settings_belongs_to_one_listing(tmp_path):
    """The first, or the one that is named; a name that is none is refused."""
    for wanted, where in ((None, "btc_a"), ("btc_b", "btc_b")):
        spec = spec_of(tmp_path, LISTINGS, etf={"enabled": True, "listing": wanted})
        assert {name: one.etf.enabled for name, one in listing_specs(spec).items()} == {
            name: name == where for name in LISTINGS
        }
    with pytest.raises(ScenarioError, match="no listing is named 'btc_z'"):
        spec_of(tmp_path, LISTINGS, etf={"enabled": True, "listing": "btc_z"})


def test_news_moves_in_every_listing_of_the_asset(tmp_path, monkeypatch):
    monkeypatch.setattr(markets, "INSTITUTIONS", (Here,))
    listings = {**LISTINGS, "eth_a": {"asset": "eth", "exchange": "a", "quote": "usdt"}}
    network = build_network(spec_of(tmp_path, listings), 1)
    network.run_until(30.0)
    before = {name: len(market.state.ramps) for name, market in network.markets.items()}
    network.markets["btc_a"].institutions[0].move_news(-0.01, 20.0)
    value = {name: float(market.state.news[0]["log_value"]) for name, market in network.markets.items()}
    network.run_until(60.0)
    gained = {name: len(market.state.ramps) - before[name] for name, market in network.markets.items()}
    assert gained == {"btc_a": 1, "btc_b": 1, "eth_a": 0}
    moved = {name: float(m.state.news[0]["log_value"]) - value[name] for name, m in network.markets.items()}
    assert moved["btc_a"] == pytest.approx(moved["btc_b"], abs=1e-12) and moved["btc_a"] - moved["eth_a"] < -0.009


def test_companies_sit_in_the_listing_that_is_named_and_the_whole_stays_conserved(tmp_path):
    """An hour over New York's open: issues come in as deposits, coins are bought in that listing's book."""
    listings = {"btc_a": LISTINGS["btc_a"], "btc_c": {"asset": "btc", "exchange": "c", "quote": "usdt"}}
    small = {"companies": 3, "median": "$300m", "premium_median": 1.6, "premium_sigma": 0, "most_debt": "10%"}
    dat = {"enabled": True, "listing": "btc_c", "strategy": {"enabled": False}, "small": small}
    over = {"start_utc": "2025-10-13T13:25:00Z", "duration": "30m", "dat": dat}
    network = build_network(spec_of(tmp_path, listings, **over), 1)
    network.audit = True
    assert network.markets["btc_a"].institutions == []
    (desk,) = network.markets["btc_c"].institutions
    network.run_until(1500.0)
    assert {row["what"] for row in desk.entries} >= {"start", "sell common"}
    assert sum(order.done_lots for order in desk.orders.values()) > 0
    for account in desk.accounts.values():
        assert desk.drift(account) == (0, 0, 0)
    run = finished(network, Timing(0.0, 0.0, "", ""), Origin(Scenario(network.spec).resolved))
    assert list(run.ledgers) == ["dat"] and run.listings["btc_a"].ledgers == {}


def test_companies_need_a_spot_book(tmp_path):
    dat = {"enabled": True, "listing": "btc_b"}
    with pytest.raises(ScenarioError, match="btc_b has no spot book"):
        build_network(spec_of(tmp_path, LISTINGS, dat=dat), 1)
