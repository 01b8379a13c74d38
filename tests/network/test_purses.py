"""Makers with one purse: counted as the twin says; what a loss or an inventory in one listing does in the others."""

import numpy as np
import pytest

from sim.errors import ScenarioError
from sim.network import build_network
from tests.network.rooms import Room, room_of
from tests.network.small import PERP_ONLY, SPOT_ONLY, spec_of
from tests.reference_market import maker_purse as twin

BTC = {"asset": "btc", "exchange": "one"}
ETH = {"asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"}}
ALT = {"asset": "alt", "exchange": "two", "market": {"price": "$100", "open_interest": "20m"}}
LISTINGS = {
    "a": BTC, "b": {**BTC, "exchange": "two", **PERP_ONLY}, "c": ETH, "d": ALT,
    "e": {**BTC, "exchange": "us", **SPOT_ONLY},
    "f": {**BTC, "exchange": "three", "market_maker": {"firms": 2}},
}  # fmt: skip
ASSETS = {
    "btc": {"beta": 1.0},
    "eth": {"beta": 1.3, "alt_noise_per_day": "1%", "own_noise_per_day": "1.3%"},
    "alt": {"beta": -0.5, "alt_noise_per_day": "-2%", "own_noise_per_day": "2%"},
}
GROUPS = {"wide": {"exchanges": ["one", "two", "us"]}, "other": {"exchanges": ["three"]}}
SALE = [{"kind": "flow", "at": "5s", "over": "20s", "notional": "$300m", "side": "sell"}]
NOBODY = {"bridge": {"enabled": False}}


def seats_of(room: Room) -> list[twin.Seat]:
    s, out = room.shared, []
    for at, row in enumerate(s.listings):
        for m in range(int(row["maker0"]), int(row["maker0"] + row["n_makers"])):
            firm = s.makers[m]
            perp = int(row["position0"] + firm["owner"])
            out.append(
                twin.Seat(
                    int(room.purses.purse_of[m]), int(row["asset"]),
                    int(s.accounts[row["account0"] + firm["owner"]]["cash_micro"]), int(s.positions[perp]),
                    int(s.positions[perp + row["n_owners"]]), int(firm["stock_lots"]), float(firm["hedge_micro"]),
                    float(firm["capital_micro"]), int(firm["limit_lots"]), int(s.rules[2 * at]["micro_per_tick_lot"]),
                    int(s.price[at]["mark_half_ticks"]), int(s.price[at]["index_half_ticks"]),
                )
            )  # fmt: skip
    return out


def check(room: Room, tick: int) -> None:
    """Couple a copy and compare what every maker is handed with the twin."""
    want = twin.felt(seats_of(room), *(x.tolist() for x in (room.purses.loadings[:, :2], room.purses.parts)))
    after = room.copy()
    after.couple(tick)
    for firm, before, told in zip(after.shared.makers, room.shared.makers, want, strict=True):
        if told is None:
            assert firm == before
        else:
            assert (float(firm["purse_health"]), int(firm["purse_lots"])) == told


def test_running_networks_and_made_up_balances_are_counted_as_the_twin_says(tmp_path):
    network = build_network(spec_of(tmp_path, LISTINGS, {"assets": ASSETS, "makers": GROUPS}, shocks=SALE), 5)
    assert network.couplings.purses.purse_of.tolist() == [0, 1, 2] * 5 + [-1, -1]
    draws = np.random.default_rng(3)
    for _ in range(40):
        network.run_for(1.0)
        room = room_of(network)
        check(room, network.tick)
        s = room.shared
        s.positions[:] += draws.integers(-(10**6), 10**6, s.positions.size)
        s.accounts["cash_micro"] += draws.integers(-(10**14), 10**14, len(s.accounts))
        s.price["mark_half_ticks"] = s.price["mark_half_ticks"] * draws.uniform(0.5, 1.5, len(s.price))
        check(room, network.tick)


def test_a_firm_of_one_listing_and_a_purse_that_shares_nothing_change_nothing(tmp_path):
    pair = {"a": BTC, "b": {**BTC, "exchange": "two"}}
    series = []
    for makers in (
        {},
        {"one": {"exchanges": ["one"]}, "two": {"exchanges": ["two"]}},
        {"both": {"exchanges": ["one", "two"], "capital": False, "inventory": False}},
        {"both": {"exchanges": ["one", "two"]}},
    ):
        network = build_network(spec_of(tmp_path, pair, {**NOBODY, "makers": makers}, shocks=SALE), 5)
        network.run_until(60)
        series.append(network.state_hashes())
    assert series[0] == series[1] == series[2] != series[3]


def test_a_loss_in_one_listing_shrinks_the_quotes_of_all(tmp_path):
    """Half of the capital of two listings is gone with one's cash: health 0.5 in both; without a purse 0 and 1."""
    for purses, healths in (({"both": {"exchanges": ["one", "two"]}}, (0.5, 0.5)), ({}, (0.0, 1.0))):
        spec = spec_of(
            tmp_path, {"a": BTC, "b": {**BTC, "exchange": "two"}}, {**NOBODY, "makers": purses},
            market_maker={
                "firms": 3, "rungs_per_side": 8, "pull_loss": "99%", "never_pull_share": 1.0, "capital_sigma": 0.0,
            },
        )  # fmt: skip
        network = build_network(spec, 5)
        network.run_until(5)
        state = network.markets["a"].state
        owners = state.firms["owner"]
        state.accounts["cash_micro"][owners] -= state.firms["capital_micro"].astype(np.int64)
        network.run_until(6)
        for name, health in zip("ab", healths, strict=True):
            assert network.markets[name].state.firms["far"] == pytest.approx(health, abs=0.02), (name, purses)


def test_inventory_of_an_asset_counts_on_every_exchange_and_of_another_by_shared_news(tmp_path):
    """Long to the limit of three BTC listings of four: each feels 3 of all limits, in which ETH's counts 1.3 times; ETH
    feels as much by its part of the shared news.
    """
    listings = {name: {**BTC, "exchange": name} for name in "abcd"}
    network = build_network(
        spec_of(
            tmp_path, listings | {"e": {**ETH, "exchange": "e"}},
            {**NOBODY, "assets": ASSETS, "makers": {"all": {"exchanges": list("abcde")}}},
            market_maker={"firms": 1, "rungs_per_side": 8, "capital_sigma": 0.0}, news={"noise_per_day": "2%"},
        ), 5,
    )  # fmt: skip
    room = room_of(network)
    s = room.shared
    for at, row in enumerate(s.listings):
        firm = s.makers[row["maker0"]]
        s.positions[row["position0"] + firm["owner"]] += firm["limit_lots"] if at < 3 else 0
    room.couple(0)
    felt = s.makers["purse_lots"] / s.makers["limit_lots"]
    assert felt[:4] == pytest.approx(3.0 / (4.0 + 1.3), rel=1e-3)  # every limit is $50m
    variance = 2.6**2 + 1.0**2 + 1.3**2
    assert felt[4] == pytest.approx(2.6**2 / variance * 3.0 / 5.3, rel=1e-3)


def test_wrong_groups_are_refused(tmp_path):
    for makers, why in (
        ({"m": {"exchanges": ["mars"]}}, "no listing is on exchange mars"),
        ({"m": {"exchanges": ["one"]}, "n": {"exchanges": ["one"]}}, "one belongs to m"),
    ):
        with pytest.raises(ScenarioError, match=why):
            build_network(spec_of(tmp_path, {"a": BTC}, {"makers": makers}), 1)
