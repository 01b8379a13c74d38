"""Which maker firms of a network's listings share one purse (sim/behaviours/maker_purse.py)."""

from typing import TYPE_CHECKING

import numpy as np

from sim.behaviours.maker_purse import PURSE, Purses
from sim.errors import ScenarioError
from sim.settings.network import AssetSettings

if TYPE_CHECKING:
    from sim.scenario.spec import Spec
    from sim.state import Array, State


def purses_of(spec: "Spec", states: "list[State]", assets: list[str]) -> Purses:
    """Purses of all firms that quote two listings or more, in the order of the groups and of the firms; each firm's
    rows are told whether capital and inventory are one. A firm has one threshold of loss: that of its first listing.

    Raises
    ------
    ScenarioError
        When an exchange has no listing, or is in two groups.
    """
    first = np.cumsum([0, *(len(state.firms) for state in states)])
    purse_of, n = np.full(int(first[-1]), -1, np.int64), 0
    refuse_groups(spec)
    for rules in spec.network.makers.values():
        mine = [at for at, row in enumerate(spec.listings.values()) if row.exchange in rules.exchanges]
        if not rules.capital and not rules.inventory:
            continue
        for i in range(max(len(states[at].firms) for at in mine)):
            here = [at for at in mine if i < len(states[at].firms)]
            if len(here) < 2:
                continue
            purse_of[first[here] + i] = n
            n += 1
            leader = states[here[0]].firms[i]
            for at in here:
                firm = states[at].firms[i]
                firm["one_capital"], firm["one_inventory"] = int(rules.capital), int(rules.inventory)
                firm["purse_health"] = 1.0
                firm["loss_share"], firm["pulls"] = leader["loss_share"], leader["pulls"]
    loadings, parts = risk_of(spec, assets)
    held = np.zeros((n, 2 + len(assets)))
    return Purses(purse_of, loadings, parts, np.zeros(n, PURSE), held, np.zeros_like(held))


def refuse_groups(spec: "Spec") -> None:
    """An exchange has listings, and its makers belong to one group."""
    on = {listing.exchange for listing in spec.listings.values()}
    seen: dict[str, str] = {}
    for name, rules in spec.network.makers.items():
        for exchange in rules.exchanges:
            if exchange not in on:
                raise ScenarioError(f"network.makers.{name}: no listing is on exchange {exchange}")
            if exchange in seen:
                raise ScenarioError(
                    f"network.makers.{name}: {exchange} belongs to {seen[exchange]}: leave it out of one"
                )
            seen[exchange] = name


def risk_of(spec: "Spec", assets: list[str]) -> "tuple[Array, Array]":
    """Of each asset: daily loading on the shared news and on the altcoins', 1 on itself; and the part of its variance
    that each makes, the whole its own where it has none.
    """
    loadings, parts = np.ones((len(assets), 3)), np.zeros((len(assets), 3))
    for a, name in enumerate(assets):
        rules = spec.network.assets.get(name, AssetSettings())
        loadings[a, :2] = rules.beta * spec.news.noise_per_day, rules.alt_noise_per_day
        variance = np.array([*loadings[a, :2], rules.own_noise_per_day]) ** 2
        parts[a] = variance / variance.sum() if variance.any() else (0.0, 0.0, 1.0)
    return loadings, parts
