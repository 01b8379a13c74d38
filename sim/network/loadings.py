"""How a listing's value follows the news that all share."""

import math
from typing import TYPE_CHECKING

from sim.news_path import own_noise
from sim.participants import SECONDS_PER_DAY
from sim.settings.network import AssetSettings

if TYPE_CHECKING:
    from sim.scenario.spec import Spec
    from sim.state import State


def write_loading(spec: "Spec", state: "State", asset: str, tick: float) -> None:
    """Write by how much one tick of ``tick`` seconds moves an asset: news of all by its beta, its own, altcoins'."""
    loading = spec.network.assets.get(asset, AssetSettings())
    per_tick = math.sqrt(tick / SECONDS_PER_DAY)
    state.news[0]["common_per_tick"] = loading.beta * own_noise(spec) * per_tick
    state.news[0]["noise_per_tick"] = loading.own_noise_per_day * per_tick
    state.news[0]["alt_per_tick"] = loading.alt_noise_per_day * per_tick
