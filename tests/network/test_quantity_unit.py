"""MODEL 6.2.17 over exchanges and assets: all quantities times two, in lots twice as large, at the same prices."""

from pathlib import Path
from typing import Any

import yaml

from sim.network import build_network
from sim.scenario.load import load_spec
from sim.scenario.write import spec_to_dict
from sim.venues.profile import OWN_PROFILES, PROFILES
from tests.market.test_metamorphic import doubled_money
from tests.network.small import spec_of
from tests.network.test_money_unit import LISTINGS, SHOCK, TIES, run_alike, with_venue

PRICES = {"price", "stop_round_step"}
"""Dollar amounts that are prices: they stay."""
COINS = {"open_interest"}


def doubled_quantities(value: Any, key: str = "") -> Any:
    """Every amount of dollars and coins twice, prices as they are."""
    if isinstance(value, dict):
        return {k: doubled_quantities(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [doubled_quantities(v, key) for v in value]
    if key in COINS:
        return 2 * value if isinstance(value, int | float) else doubled_money(f"${value}")[1:]
    return value if key in PRICES else doubled_money(value, key)


def profiles(folder: Path) -> None:
    """The shipped rules under another name, and the same with twice the lot and twice every amount."""
    rules = yaml.safe_load((PROFILES / "cex_a.yaml").read_text(encoding="utf-8"))
    twice = doubled_quantities(rules)
    for book in ("perp", "spot"):
        twice[book]["lot_coin"] = 2 * rules[book]["lot_coin"]
    for name, text in (("plain", rules), ("twice", twice)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")


def test_x17_coins_and_money_times_two_in_lots_times_two(tmp_path, monkeypatch):
    (tmp_path / "venues").mkdir()
    profiles(tmp_path / "venues")
    monkeypatch.setenv(OWN_PROFILES, str(tmp_path / "venues"))
    plain = spec_of(tmp_path, LISTINGS, TIES, venue="plain", leveraged={"enabled": False}, shocks=[SHOCK])
    whole = doubled_quantities(spec_to_dict(plain)) | {"venue": "twice"}
    whole["listings"] = with_venue(whole["listings"], "twice")
    (tmp_path / "twice.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    one, two = (build_network(spec, 1) for spec in (plain, load_spec(tmp_path / "twice.yaml")))
    assert all(two.markets[name].lot_coin == 2 * one.markets[name].lot_coin for name in one.markets)
    run_alike(one, two, prices=1.0)
