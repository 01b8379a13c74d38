"""News values of a network: one path an asset, of the shared news, the altcoins' factor and its own."""

import numpy as np
import pytest

from sim.errors import ScenarioError
from sim.network import build_network
from tests.network.small import spec_of
from tests.reference_market import news as twin

ASSETS = {
    "btc": {"beta": 1.0, "own_noise_per_day": "1%"},
    "eth": {"beta": 1.3, "alt_noise_per_day": "3%", "own_noise_per_day": "2%"},
    "sol": {"beta": 1.4, "alt_noise_per_day": "-4%"},
}
FACTORS = {
    "activity_fast_half_life": "2min", "activity_fast_size": 0.8,
    "activity_slow_half_life": "1h", "activity_slow_size": 0.4, "noise_per_day": "2%",
}  # fmt: skip
NOBODY = {"bridge": {"enabled": False}}
SEED, TICKS = 11, 240


def listed(**assets) -> dict:
    out = {}
    for name, asset in assets.items():
        other = {} if asset == "btc" else {"market": {"price": "$4100", "open_interest": "1m"}}
        out[name] = {"asset": asset, "exchange": f"at_{name}", **other}
    return out


def values(folder, listings, assets=None) -> dict[str, list[float]]:
    """Log of each listing's value at the start of every tick."""
    network = build_network(
        spec_of(folder, listings, {**NOBODY, "assets": ASSETS if assets is None else assets}, news=FACTORS), SEED
    )
    out: dict[str, list[float]] = {name: [] for name in listings}
    for tick in range(1, TICKS + 1):
        network.run_until(float(tick))
        for name, market in network.markets.items():
            out[name].append(float(market.state.news[0]["log_value"]))
    return out


def test_listings_of_an_asset_have_one_value_which_is_the_twins(tmp_path):
    found = values(tmp_path, listed(a="btc", b="eth", c="eth", d="sol", e="btc"))
    network = build_network(spec_of(tmp_path, listed(a="btc"), news=FACTORS), SEED)
    levels = [float(level) for level in network.lead.state.moods["level"]]
    factors = ((120.0, 0.8), (3600.0, 0.4))
    sds = {"btc": (0.02, 0.0, 0.01), "eth": (1.3 * 0.02, 0.03, 0.02), "sol": (1.4 * 0.02, -0.04, 0.0)}
    for name, asset in (("a", "btc"), ("b", "eth"), ("c", "eth"), ("d", "sol"), ("e", "btc")):
        assert found[name] == twin.log_values(SEED, asset, sds[asset], factors, levels, 1.0, TICKS)


def test_a_claim_on_another_asset_takes_its_noise(tmp_path):
    assets = {**ASSETS, "lst": {**ASSETS["eth"], "own_noise_of": "eth"}}
    found = values(tmp_path, listed(a="btc", b="eth", d="lst"), assets)
    assert found["d"] == found["b"] != values(tmp_path, listed(a="btc", b="eth", d="lst"), ASSETS)["d"]
    with pytest.raises(ScenarioError, match="no listing is of asset mars"):
        values(tmp_path, listed(a="btc"), {"btc": {"own_noise_of": "mars"}})


def test_without_the_altcoins_factor_every_other_draw_is_the_same(tmp_path):
    """Of two assets with nothing but the factor the values are each other's multiple; where it is off, nothing moves
    that did not load on it, and what is left is the difference.
    """
    off = {name: {k: v for k, v in rules.items() if k != "alt_noise_per_day"} for name, rules in ASSETS.items()}
    listings = listed(a="btc", b="eth", d="sol")
    on, without = values(tmp_path, listings), values(tmp_path, listings, off)
    assert on["a"] == without["a"]
    factor = {name: np.array(on[name]) - np.array(without[name]) for name in "bd"}
    assert np.abs(factor["b"]).max() > 1e-4
    assert factor["b"] * 4.0 == pytest.approx(factor["d"] * -3.0, abs=1e-12)
