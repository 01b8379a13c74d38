"""Shocks that hold for a while and then end: what is in force at once, and what comes back afterwards."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sim.schema import EVENT_SHOCK

if TYPE_CHECKING:
    from sim.market import Market


def hold(
    market: "Market", at: float, over: float, name: str, make: Callable[[], Any], put: Callable[[Sequence[Any]], None]
) -> None:
    """Keep a value in force from ``at`` for ``over`` seconds, beside others of the same ``name``.

    Parameters
    ----------
    market : Market
    at, over : float
        Model time in seconds; the change takes hold at the first tick that starts then or later.
    name : str
        What is changed; values of one name that overlap are handed over together.
    make : callable
        Gives the value, when the change takes hold.
    put : callable
        Writes the combination of the values in force, in order of their start; of none when the last one ended.
    """
    held, own = market.in_force.setdefault(name, {}), object()

    def enter() -> None:
        held[own] = make()
        put(tuple(held.values()))

    def leave() -> None:
        del held[own]
        put(tuple(held.values()))

    def begin() -> None:
        market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        market.change(enter)

    market.at(at, begin)
    market.at(at + over, lambda: market.change(leave))
