"""A network on two clocks: all listings run ticks of one length, and change it together (MODEL 7).

Each listing is looked at as a market of its own is (``sim.behaviours.pace``). One that is live on long ticks brings
fine ones to all; long ones come back when every listing has been calm for its time. A shock of any listing is met on
fine ticks everywhere.
"""

from typing import TYPE_CHECKING

from sim import units
from sim.network.loadings import write_loading
from sim.pace import change_clock, is_shock_near, slow_tick_of, ticks_to_shock

if TYPE_CHECKING:
    from sim.network.network import Network


def is_slow(network: "Network") -> bool:
    """Whether ticks are long now."""
    return bool(network.lead.state.pace[0]["is_slow"])


def change_clocks(network: "Network") -> None:
    """Go on with ticks of the other length, in every listing; between two ticks."""
    for name, market in network.markets.items():
        change_clock(market)
        write_news_of(network, name)


def write_news_of(network: "Network", name: str) -> None:
    """Write how much of the shared news, of the altcoins' and of its own moves a listing in one tick as it is now."""
    spec, market = network.spec, network.markets[name]
    tick = slow_tick_of(spec) if market.state.pace[0]["is_slow"] else spec.tick
    write_loading(spec, market.state, spec.listings[name].asset, tick)


def is_change_due(network: "Network") -> bool:
    """At the end of a tick in which a listing asked for the other clock: whether all change."""
    now_us = network.tick * int(network.lead.state.clock[0]["tick_us"])
    paces = [market.state.pace[0] for market in network.markets.values()]
    if is_slow(network):
        return any(int(pace["live_us"]) == now_us for pace in paces)
    return all(now_us - int(pace["live_us"]) >= int(pace["calm_us"]) for pace in paces)


def is_any_shock_near(network: "Network") -> bool:
    """Whether a shock of some listing begins within the long tick that runs next."""
    return is_slow(network) and any(is_shock_near(market) for market in network.markets.values())


def last_tick(network: "Network", then_s: float) -> int:
    """Tick to stop before: the one that runs at a time in seconds, or the long one that would hold a shock."""
    tick_us = int(network.lead.state.clock[0]["tick_us"])
    left = units.nearest_us(then_s) // tick_us - network.tick
    if not is_slow(network):
        return network.tick + left
    return network.tick + min(left, *(ticks_to_shock(market) for market in network.markets.values()))
