"""Institutions of a network: they sit in one listing, after everybody's accounts, and the whole stays conserved."""

import json

from sim import market as markets
from sim.network import build_network
from sim.network.saved import resume, take
from sim.results import Origin, Timing
from sim.runner import Scenario, finished
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
