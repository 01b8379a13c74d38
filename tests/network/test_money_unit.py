"""MODEL 6.2.17 over exchanges and assets: another unit of price and money is the same network."""

from pathlib import Path
from typing import Any

import yaml

from sim.network import Network, build_network
from sim.scenario.load import load_spec
from sim.scenario.write import spec_to_dict
from sim.venues.profile import OWN_PROFILES, PROFILES
from tests.market.test_metamorphic import LADDER, SIZES, doubled_money
from tests.network.small import spec_of

LISTINGS = {
    "a": {"asset": "btc", "exchange": "one"},
    "b": {"asset": "btc", "exchange": "two", "venue": "plain", "market": {"perp_daily_volume": "$60bn"}},
    "c": {"asset": "eth", "exchange": "two", "venue": "plain", "market": {"price": "$4100", "open_interest": "1m"}},
}
TIES = {"bridge": {"firms": 4, "capital": "$30m", "transfer_low": "1s", "transfer_high": "3s"}}
SHOCK = {"kind": "news_move", "at": "20s", "over": "30s", "move": "-2%"}


def profiles(folder: Path) -> None:
    """The shipped rules under another name, and the same with twice the tick and twice every dollar."""
    rules = yaml.safe_load((PROFILES / "cex_a.yaml").read_text(encoding="utf-8"))
    twice = doubled_money(rules)
    for book in ("perp", "spot"):
        twice[book]["tick_usd"] = 2 * rules[book]["tick_usd"]
    for name, text in (("plain", rules), ("twice", twice)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")


def with_venue(listings: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: {**row, "venue": name if row["venue"] else None} for key, row in listings.items()}


def run_alike(one: Network, two: Network, prices: float) -> None:
    """Run two networks; ticks and lots must agree to the bit, and prices in dollars up to a factor."""
    assert one.markets.keys() == two.markets.keys()
    for network in (one, two):
        network.run_until(120.0)
    for name in one.markets:
        a, b = (n.markets[name].collect().series for n in (one, two))
        for column in (*LADDER, *SIZES):
            assert (a[column] == b[column]).all(), (name, column)
        assert (prices * a["value_usd"] == b["value_usd"]).all() and a["n_fills"].sum() > 100
    assert one.couplings.desk[0]["sent"] == two.couplings.desk[0]["sent"] > 0


def test_x17_prices_and_money_times_two_with_the_ticks_times_two(tmp_path, monkeypatch):
    (tmp_path / "venues").mkdir()
    profiles(tmp_path / "venues")
    monkeypatch.setenv(OWN_PROFILES, str(tmp_path / "venues"))
    plain = spec_of(tmp_path, LISTINGS, TIES, venue="plain", leveraged={"enabled": False}, shocks=[SHOCK])
    whole = doubled_money(spec_to_dict(plain)) | {"venue": "twice"}
    whole["listings"] = with_venue(whole["listings"], "twice")
    (tmp_path / "twice.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    one, two = (build_network(spec, 1) for spec in (plain, load_spec(tmp_path / "twice.yaml")))
    run_alike(one, two, prices=2.0)
